r"""Dequantisation (逆量子化): a density over real numbers used for whole grey levels, honestly.

Taught in: 15_flows
"""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Generator, Tensor, nn
from torch.nn.functional import softplus

from course_lib.generative.flow import Flow


class Logit(nn.Module):
    r"""Spreads [0, 1] over the whole line: grey values near black and white, where most pixels are, get room.

    .. math:: z_d = \operatorname{logit}\bigl(α + (1 - 2 α)\, x_d\bigr), \qquad
              \log|\det| = \sum_d \bigl[\log(1 - 2 α) + \log(1 + e^{z_d}) + \log(1 + e^{-z_d})\bigr]

    Args:
        alpha: α, above 0 and below ½; smaller gives the ends more room.

    Raises:
        ValueError: if ``alpha`` is not between 0 and ½.

    Example:
        >>> Logit(0.1).encode(torch.tensor([[0.5]]))[0]
        tensor([[0.]])

    References: L. Dinh, J. Sohl-Dickstein, S. Bengio, Density estimation using Real NVP, 2016, arXiv:1605.08803, section 4.1.
    Deviation: the paper leaves out the factor 2, so that its scale ends at 1 and not at 1 − α.
    Taught in: 15_flows
    """

    def __init__(self, alpha: float) -> None:
        super().__init__()
        if not 0 < alpha < 0.5:
            raise ValueError(f"alpha must lie between 0 and 0.5, got {alpha}")
        self.alpha = alpha

    def _log_slope(self, z: Tensor) -> Tensor:
        """log dz/dx, summed over each row."""
        return (math.log(1 - 2 * self.alpha) + softplus(z) + softplus(-z)).flatten(1).sum(1)

    def encode(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns z, and the log-determinant of each row."""
        z = torch.logit(self.alpha + (1 - 2 * self.alpha) * x)
        return z, self._log_slope(z)

    def decode(self, z: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns x, and the log-determinant of each row."""
        return (torch.sigmoid(z) - self.alpha) / (1 - 2 * self.alpha), -self._log_slope(z)


class Dequantised(nn.Module):
    r"""Whole levels k with the probability that a flow gives to the cube over them.

    .. math:: P(k) = \int_{[0,1)^D} p\Bigl(\frac{k + u}{L}\Bigr) \frac{du}{L^D}, \qquad
              \operatorname{elbo}(k) = \mathbb E_u \Bigl[\log p\Bigl(\frac{k + u}{L}\Bigr)\Bigr] - D \log L \;\le\; \log P(k)

    ``loss`` is −elbo in nats per dimension; ÷ log 2 it is *bits per dimension* of the levels, which are at least 0 and may be compared with any
    code of the same pictures.

    Args:
        flow: a density of x in [0, 1)^D, in the shape of the pictures.
        levels: L, how many levels the pictures' scale has.

    Raises:
        ValueError: if ``levels`` is not from 2 to 256.

    Example:
        >>> from course_lib.generative.base_density import StandardNormal
        >>> from course_lib.generative.glow import ActNorm
        >>> model = Dequantised(Flow([ActNorm(1)], StandardNormal(1, 2, 2)), levels=2)
        >>> model.elbo(torch.zeros(3, 1, 2, 2, dtype=torch.uint8)).shape
        torch.Size([3])

    References:
        L. Theis, A. van den Oord, M. Bethge, A note on the evaluation of generative models, 2016, arXiv:1511.01844, section 3.1;
        J. Ho, X. Chen, A. Srinivas, Y. Duan, P. Abbeel, Flow++: improving flow-based generative models with variational dequantization and
        architecture design, 2019, arXiv:1902.00275, section 3.1.1 (the bound).
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, flow: Flow, *, levels: int) -> None:
        super().__init__()
        if not 2 <= levels <= 256:
            raise ValueError(f"levels must lie from 2 to 256, got {levels}")
        self.flow, self.levels = flow, levels

    def _log_weight(self, k: Tensor, cond: Tensor | None, generator: Generator | None) -> Tensor:
        """log of p((k + u) / L) / L^D at one u a row, whose mean over u is P(k)."""
        like = next(self.flow.parameters())
        u = torch.rand(k.shape, generator=generator, device=generator.device if generator else k.device, dtype=like.dtype)
        x = (k.to(like) + u.to(like)) / self.levels
        return self.flow.log_prob(x, cond) - k[0].numel() * math.log(self.levels)

    def elbo(self, k: UInt8[Tensor, "B ..."], cond: Tensor | None = None, *, generator: Generator | None = None) -> Float[Tensor, " B"]:
        """Returns a one-draw estimate of the bound on log P(k) of each row, in nats, ``(B,)``."""
        return self._log_weight(k, cond, generator)

    def importance_bound(
        self, k: UInt8[Tensor, "B ..."], draws: int, cond: Tensor | None = None, *, generator: Generator | None = None
    ) -> Float[Tensor, " B"]:
        """Returns the tighter bound log mean exp of ``draws`` noises, in nats: it rises to log P(k) as they grow."""
        weights = torch.stack([self._log_weight(k, cond, generator) for _ in range(draws)])
        return weights.logsumexp(0) - math.log(draws)

    def loss(self, k: UInt8[Tensor, "B ..."], cond: Tensor | None = None) -> Float[Tensor, ""]:
        """Returns minus the bound, in nats per dimension, with fresh noise from the global state."""
        return -self.elbo(k, cond).mean() / k[0].numel()

    def sample(self, n: int, *, generator: Generator | None = None, cond: Tensor | None = None) -> UInt8[Tensor, "n ..."]:
        """Returns ``n`` pictures of whole levels; what the flow draws outside [0, 1) takes the nearest level."""
        x = self.flow.sample(n, generator=generator, cond=cond)
        return (x * self.levels).floor().clamp(0, self.levels - 1).to(torch.uint8)
