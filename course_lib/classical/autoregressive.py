"""Linear prediction as a probability: noise through 1 / A(z).

Taught in: 03_linear_prediction
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Generator, Tensor

from course_lib.classical import prediction_filters, reflection
from course_lib.classical.gaussian import LOG_2PI


@dataclass(frozen=True)
class GaussianAR:
    r"""A stationary Gaussian process that predicts itself linearly (自己回帰モデル).

    .. math:: p(x) = \prod_t \mathcal N\Bigl(x_t;\; -\sum_{m=1}^{\min(t, M)} a^{(t)}_m x_{t-m},\; E_t\Bigr), \qquad t = 0, 1, \dots

    From the M-th sample on a^{(t)} = a and E_t = σ². Before that, t samples are all there is to predict from, and the predictor of order t does it
    best: the ones that Levinson and Durbin's recursion passes through, with E_{m-1} = E_m / (1 − k_m²). So the density is exact for any length.

    Args:
        a: coefficients a_1 … a_M, ``(M,)``, stable; kept as float64.
        variance: σ² of the innovation, greater than 0, in the data's unit squared; kept as float64.

    Raises:
        ValueError: if the coefficients are not stable, or the variance is not finite and positive.

    Example:
        >>> GaussianAR(a=torch.tensor([-0.5]), variance=torch.tensor(0.75)).log_prob(torch.zeros(1, 1))
        tensor([-0.9189], dtype=torch.float64)

    References:
        G. E. P. Box, G. M. Jenkins, Time Series Analysis: Forecasting and Control, 1970, chapter 7 and its appendix (exact likelihood).
    Deviation: the first samples by lower orders, where they invert the covariance of M samples: the same density.
    Taught in: 03_linear_prediction
    """

    a: Float[Tensor, " M"]
    variance: Float[Tensor, ""]

    def __post_init__(self) -> None:
        a, variance = self.a.double(), torch.as_tensor(self.variance, dtype=torch.float64)
        if not (variance.isfinite() and variance > 0):
            raise ValueError(f"variance must be finite and greater than 0, got {variance.item()}")
        k = reflection.to_reflection(a)
        if not (k.abs() < 1).all():
            raise ValueError(f"a must be stable (every |k| < 1), the largest |k| is {k.abs().max().item():.6g}")
        object.__setattr__(self, "a", a)
        object.__setattr__(self, "variance", variance)

    def predictors(self) -> tuple[list[Float64[Tensor, "..."]], Float64[Tensor, " orders"]]:
        """Returns the predictors of order 0 … M, ``(0,)`` … ``(M,)``, and their error powers E_0 … E_M, ``(M + 1,)``; E_0 is the process' power."""
        orders = [self.a[:0], *reflection.lower_orders(self.a)] if len(self.a) else [self.a]
        kept = torch.stack([self.variance.new_ones(()), *(1 - lower[-1] ** 2 for lower in orders[1:])]).cumprod(0)
        return orders, self.variance / kept[-1] * kept

    def log_prob(self, x: Float[Tensor, "B T"]) -> Float64[Tensor, " B"]:
        """Returns log p(x) of each row, T ≥ 1 consecutive samples, in nats, ``(B,)``."""
        x, M, T = x.double(), len(self.a), x.shape[1]
        orders, powers = self.predictors()
        first = [x[:, t] + x[:, :t].flip(1) @ orders[t] for t in range(min(M, T))]
        rest = prediction_filters.residual(x[:, M:], self.a, past=x[:, :M]) if T > M else x[:, :0]
        e = torch.cat([torch.stack(first, dim=1), rest], dim=1) if first else rest
        variances = torch.cat([powers[: min(M, T)], self.variance.expand(max(T - M, 0))])
        return -0.5 * (LOG_2PI + variances.log() + e.square() / variances).sum(1)

    def loss(self, x: Float[Tensor, "B T"]) -> Float64[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per sample."""
        return -self.log_prob(x).mean() / x.shape[1]

    def sample(self, n: int, *, length: int | None = None, generator: Generator | None = None) -> Float64[Tensor, "n T"]:
        """Returns ``n`` stretches of ``length`` consecutive samples, ``(n, length)``; M + 1 unless told, the fewest that show all of the model."""
        M = len(self.a)
        length = M + 1 if length is None else length
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        orders, powers = self.predictors()
        eps = torch.randn(n, length, dtype=torch.float64, device=self.a.device, generator=generator)
        x = eps[:, :0]
        for t in range(min(M, length)):
            x = torch.cat([x, powers[t].detach().sqrt() * eps[:, t : t + 1] - x.flip(1) @ orders[t].detach()[:, None]], dim=1)
        if length <= M:
            return x
        return torch.cat([x, prediction_filters.synthesize(self.variance.detach().sqrt() * eps[:, M:], self.a, past=x)], dim=1)
