"""The Gaussian, on a line and in D dimensions, its maximum-likelihood estimate and its divergence.

Taught in: 01_maximum_likelihood
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Gaussian:
    r"""The normal distribution on a line.

    .. math:: \log p(x) = -\tfrac12 \left( \log 2πσ^2 + \frac{(x - μ)^2}{σ^2} \right)

    Args:
        mean: μ, a number or scalar tensor; kept as float64.
        variance: σ², greater than 0, in the data's unit squared; kept as float64.

    Raises:
        ValueError: if the mean is not finite, or the variance is not finite and positive.

    Example:
        >>> Gaussian(mean=0.0, variance=1.0).log_prob(torch.tensor([0.0]))
        tensor([-0.9189], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 1.46.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """

    mean: Float[Tensor, ""] | float
    variance: Float[Tensor, ""] | float

    def __post_init__(self) -> None:
        mean = torch.as_tensor(self.mean, dtype=torch.float64)
        variance = torch.as_tensor(self.variance, dtype=torch.float64)
        if not mean.isfinite():
            raise ValueError(f"mean must be finite, got {mean.item()}")
        if not (variance.isfinite() and variance > 0):
            raise ValueError(f"variance must be finite and greater than 0, got {variance.item()}")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "variance", variance)

    def log_prob(self, x: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """Returns log p(x) of each value in nats, ``(B,)``."""
        return -0.5 * (LOG_2PI + self.variance.log() + (x.double() - self.mean).square() / self.variance)

    def loss(self, x: Float[Tensor, " B"]) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per value."""
        return -self.log_prob(x).mean()

    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, " n"]:
        """Returns ``n`` values, ``(n,)``."""
        eps = torch.randn(n, dtype=torch.float64, device=self.mean.device, generator=generator)
        return self.mean.detach() + self.variance.detach().sqrt() * eps


@dataclass(frozen=True)
class MultivariateGaussian:
    r"""The normal distribution in D dimensions.

    .. math:: \log p(x) = -\tfrac12 \left( D \log 2π + \log |Σ| + (x - μ)^\top Σ^{-1} (x - μ) \right)

    Args:
        mean: μ, ``(D,)``; kept as float64.
        covariance: Σ, ``(D, D)``, symmetric positive definite; kept as float64.

    Raises:
        ValueError: if the mean is not finite, or the covariance is not symmetric positive definite.

    Example:
        >>> MultivariateGaussian(mean=torch.zeros(2), covariance=torch.eye(2)).log_prob(torch.zeros(1, 2))
        tensor([-1.8379], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 1.52.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """

    mean: Float[Tensor, " D"]
    covariance: Float[Tensor, "D D"]

    def __post_init__(self) -> None:
        mean, covariance = self.mean.double(), self.covariance.double()
        if not mean.isfinite().all():
            raise ValueError(f"mean must be finite, got {mean.tolist()}")
        if covariance.shape != (len(mean), len(mean)):
            raise ValueError(f"covariance must be ({len(mean)}, {len(mean)}) to go with the mean, got {tuple(covariance.shape)}")
        check_covariances(covariance, "covariance")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", covariance)

    def log_prob(self, x: Float[Tensor, "B D"]) -> Float[Tensor, " B"]:
        """Returns log p(x) of each row in nats, ``(B,)``."""
        return log_normal(x.double(), self.mean[None], torch.linalg.cholesky(self.covariance)[None])[:, 0]

    def loss(self, x: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per dimension."""
        return -self.log_prob(x).mean() / x.shape[1]

    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, "n D"]:
        """Returns ``n`` rows, ``(n, D)``: a standard normal vector, stretched by the Cholesky factor and shifted."""
        eps = torch.randn(n, len(self.mean), dtype=torch.float64, device=self.mean.device, generator=generator)
        return self.mean.detach() + eps @ torch.linalg.cholesky(self.covariance.detach()).T


def fit_gaussian(x: Float[Tensor, " N"]) -> Gaussian:
    r"""Estimates a Gaussian from values: their mean, and their mean squared distance from it.

    .. math:: \hat μ = \frac 1 N \sum_n x_n, \qquad \hat σ^2 = \frac 1 N \sum_n (x_n - \hat μ)^2

    Args:
        x: values, ``(N,)``.

    Returns:
        The Gaussian of greatest likelihood (N in the denominator, not N − 1).

    Raises:
        ValueError: if a value is not finite, or all are equal.

    Example:
        >>> fit_gaussian(torch.tensor([1.0, 2.0, 3.0]))
        Gaussian(mean=tensor(2., dtype=torch.float64), variance=tensor(0.6667, dtype=torch.float64))

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 1.55 and 1.56.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """
    x = check_rows(x[:, None])[:, 0]
    variance = x.var(correction=0)
    if not variance > 0:
        raise ValueError(f"x must vary: all {len(x)} values equal {x[0].item():.6g}, and a Gaussian of variance 0 has no density")
    return Gaussian(mean=x.mean(), variance=variance)


def fit_multivariate_gaussian(x: Float[Tensor, "N D"]) -> MultivariateGaussian:
    r"""Estimates a Gaussian in D dimensions from rows: their mean and their covariance.

    .. math:: \hat μ = \frac 1 N \sum_n x_n, \qquad \hat Σ = \frac 1 N \sum_n (x_n - \hat μ)(x_n - \hat μ)^\top

    Args:
        x: rows, ``(N, D)``; more rows than dimensions.

    Returns:
        The Gaussian of greatest likelihood (N in the denominator, not N − 1).

    Raises:
        ValueError: if a value is not finite, or the rows lie on a line, a plane, … so that the covariance is singular.

    Example:
        >>> fit_multivariate_gaussian(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])).covariance
        tensor([[1., 0.],
                [0., 1.]], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 2.121 and 2.122.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """
    x = check_rows(x)
    N, D = x.shape
    mean = x.mean(0)
    covariance = (x - mean).T @ (x - mean) / N
    if is_singular(covariance, column_scales(x)):
        raise ValueError(
            f"x must fill its {D} dimensions, and these {N} rows do not: their covariance is singular. "
            "Give more rows, or leave out columns that are constant or a combination of others"
        )
    return MultivariateGaussian(mean=mean, covariance=covariance)


def gaussian_kl(p: Gaussian | MultivariateGaussian, q: Gaussian | MultivariateGaussian) -> Float[Tensor, ""]:
    r"""Returns the divergence of one Gaussian from another in closed form.

    .. math:: \mathrm{KL}(p ‖ q) = \tfrac12 \left( \operatorname{tr} Σ_q^{-1} Σ_p + (μ_q - μ_p)^\top Σ_q^{-1} (μ_q - μ_p)
              - D + \log \frac{|Σ_q|}{|Σ_p|} \right)

    Args:
        p: the Gaussian that the data follow.
        q: the Gaussian taken for it, in as many dimensions.

    Returns:
        KL(p ‖ q) in nats, 0 only where they are the same.

    Raises:
        ValueError: if the two do not have the same number of dimensions.

    Example:
        >>> gaussian_kl(Gaussian(0.0, 1.0), Gaussian(1.0, 1.0))
        tensor(0.5000, dtype=torch.float64)

    References:
        J. R. Hershey, P. A. Olsen, Approximating the Kullback Leibler Divergence Between Gaussian Mixture Models, ICASSP 2007.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """
    (mean_p, cov_p), (mean_q, cov_q) = _moments(p), _moments(q)
    if mean_p.shape != mean_q.shape:
        raise ValueError(f"p and q must have as many dimensions, got {len(mean_p)} and {len(mean_q)}")
    L_p, L_q = torch.linalg.cholesky(cov_p), torch.linalg.cholesky(cov_q)
    spread = torch.linalg.solve_triangular(L_q, L_p, upper=False)  # tr(Σq⁻¹ Σp) is its sum of squares
    shift = torch.linalg.solve_triangular(L_q, (mean_q - mean_p)[:, None], upper=False)
    log_ratio = 2 * (L_q.diagonal().log().sum() - L_p.diagonal().log().sum())
    return 0.5 * (spread.square().sum() + shift.square().sum() - len(mean_p) + log_ratio)


def log_normal(x: Float[Tensor, "B D"], means: Float[Tensor, "K D"], choleskys: Float[Tensor, "K D D"]) -> Float[Tensor, "B K"]:
    """Returns the log density of each row under each of K Gaussians, in nats.

    Args:
        x: rows, ``(B, D)``.
        means: ``(K, D)``.
        choleskys: lower Cholesky factors of the covariances, ``(K, D, D)``.

    Returns:
        log N(x_b; μ_k, Σ_k), ``(B, K)``.

    Example:
        >>> log_normal(torch.zeros(1, 1), torch.zeros(2, 1), torch.tensor([[[1.0]], [[2.0]]]))
        tensor([[-0.9189, -1.6121]])
    """
    difference = x.T - means[..., None]  # (K, D, B)
    whitened = torch.linalg.solve_triangular(choleskys, difference, upper=False)
    log_det = choleskys.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # ½ log |Σ|
    return -(0.5 * (x.shape[1] * LOG_2PI + whitened.square().sum(1)) + log_det[:, None]).T


def check_rows(x: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """Returns data in float64, or says what is wrong with it.

    Args:
        x: rows, ``(N, D)``.

    Returns:
        The same rows in float64.

    Raises:
        ValueError: if there is not at least one row and one column, or a value is not finite.

    Example:
        >>> check_rows(torch.tensor([[0.0], [float("nan")]]))
        Traceback (most recent call last):
        ...
        ValueError: x must be finite, row 1 is [nan]
    """
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"x must be rows by columns (N, D) with at least one of each, got shape {tuple(x.shape)}")
    x = x.double()
    if not x.sum().isfinite() and not (finite := x.isfinite().all(1)).all():
        row = int((~finite).nonzero()[0])
        raise ValueError(f"x must be finite, row {row} is {x[row].tolist()}")
    return x


def check_covariances(covariances: Float[Tensor, "*K D D"], name: str) -> None:
    """Refuses what is no covariance matrix.

    Args:
        covariances: one matrix or several, ``(…, D, D)``.
        name: what the caller calls them.

    Raises:
        ValueError: if one is not finite, not symmetric (to 1e-8 of its largest entry) or not positive definite.

    Example:
        >>> check_covariances(torch.tensor([[1.0, 2.0], [2.0, 1.0]]), "covariance")
        Traceback (most recent call last):
        ...
        ValueError: covariance must be positive definite, its smallest eigenvalue is -1
    """
    covariances = covariances.detach()
    asymmetry = (covariances - covariances.mT).abs().amax((-2, -1))
    wrong = ~(asymmetry <= 1e-8 * covariances.abs().amax((-2, -1)))  # ~ also catches nan
    if wrong.any():
        raise ValueError(f"{_named(name, wrong)} must be finite and symmetric: make it (C + C.T) / 2")
    wrong = torch.linalg.cholesky_ex(covariances).info != 0
    if wrong.any():
        smallest = torch.linalg.eigvalsh(covariances[wrong] if wrong.ndim else covariances).min().item()
        raise ValueError(f"{_named(name, wrong)} must be positive definite, its smallest eigenvalue is {smallest:.6g}")


def column_scales(x: Float[Tensor, "N D"]) -> Float[Tensor, " D"]:
    """Returns the standard deviation of each column, ``(D,)``; 1 for a constant one, which has no scale of its own."""
    scales = x.std(0, correction=0)
    return torch.where(scales > 0, scales, 1.0)


def is_singular(covariances: Float[Tensor, "*K D D"], scales: Float[Tensor, " D"]) -> Bool[Tensor, "*K"]:
    """Returns whether a covariance is singular up to rounding, at the scale of the data.

    A pivot of the Cholesky factorisation is the variance of one column given those before it: where that is no more than rounding
    leaves of 0, the rows lie on a line, a plane, … and have no density.

    Args:
        covariances: one matrix or several, ``(…, D, D)``.
        scales: the data's ``column_scales``, ``(D,)``.

    Returns:
        One truth value a matrix.

    Example:
        >>> is_singular(torch.tensor([[1.0, 1.0], [1.0, 1.0]]), torch.ones(2))
        tensor(True)
    """
    D = len(scales)
    factors, info = torch.linalg.cholesky_ex(covariances / (scales[:, None] * scales))
    pivots = factors.diagonal(dim1=-2, dim2=-1).square()
    return (info != 0) | ~(pivots > 10 * D * torch.finfo(torch.float64).eps).all(-1)


def _named(name: str, wrong: Tensor) -> str:
    return f"{name}[{int(wrong.nonzero()[0, 0])}]" if wrong.ndim else name


def _moments(p: Gaussian | MultivariateGaussian) -> tuple[Tensor, Tensor]:
    """Mean ``(D,)`` and covariance ``(D, D)``."""
    if isinstance(p, Gaussian):
        return p.mean[None], p.variance[None, None]
    return p.mean, p.covariance
