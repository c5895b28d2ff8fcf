r"""Independent component analysis: one invertible matrix between the data and sources that know nothing of each other.

Taught in: 06_ica
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Generator, Tensor

from course_lib.classical import relative_newton
from course_lib.classical.gaussian import check_rows
from course_lib.classical.source_densities import Adaptive, SourceDensity
from course_lib.classical.whitening import whiten, whitening_matrix

_FEW_ROWS = 1500  # enough for all but the last steps of a fit


@dataclass(frozen=True)
class ICA:
    r"""Independent sources s, mixed: x = μ + A s with A = W⁻¹.

    .. math:: \log p(x) = \sum_d \log p_d\bigl((W(x - μ))_d\bigr) + \log |\det W|

    Args:
        mean: μ, ``(D,)``.
        unmixing: W, ``(D, D)``, invertible; row d takes source d out of the mixture. Both are kept as float64.
        density: what each source is taken to be.

    Raises:
        ValueError: if the shapes do not belong together, a value is not finite, or W is singular.

    Example:
        >>> from course_lib.classical.source_densities import Laplace
        >>> mixture = ICA(torch.zeros(2), torch.tensor([[1.0, -1.0], [0.0, 2.0]]), Laplace())
        >>> mixture.encode(torch.tensor([[3.0, 1.0]]))
        (tensor([[2., 2.]], dtype=torch.float64), tensor([0.6931], dtype=torch.float64))

    References:
        J.-F. Cardoso, Blind Signal Separation: Statistical Principles, 1998.
    Deviation: none
    Taught in: 06_ica
    """

    mean: Float[Tensor, " D"]
    unmixing: Float[Tensor, "D D"]
    density: SourceDensity

    def __post_init__(self) -> None:
        mean, unmixing = self.mean.double(), self.unmixing.double()
        if mean.ndim != 1 or unmixing.shape != (len(mean), len(mean)):
            raise ValueError(f"mean (D,) and unmixing (D, D) must belong together, got {tuple(mean.shape)} and {tuple(unmixing.shape)}")
        if not (mean.isfinite().all() and unmixing.isfinite().all()):
            raise ValueError(f"mean and unmixing must be finite, got {mean.tolist()} and {unmixing.tolist()}")
        if torch.linalg.slogdet(unmixing.detach()).sign == 0:
            raise ValueError(f"unmixing must be invertible, its determinant is 0: {unmixing.tolist()}")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "unmixing", unmixing)

    @property
    def mixing(self) -> Float64[Tensor, "D D"]:
        """A = W⁻¹; column d is how source d reaches the sensors."""
        return torch.linalg.inv(self.unmixing)

    def encode(self, x: Float[Tensor, "B D"]) -> tuple[Float64[Tensor, "B D"], Float64[Tensor, " B"]]:
        """Returns the sources W(x − μ), ``(B, D)``, and log |det W| of each row's map, ``(B,)``."""
        return (x.double() - self.mean) @ self.unmixing.T, torch.linalg.slogdet(self.unmixing).logabsdet.expand(len(x))

    def decode(self, z: Float[Tensor, "B D"]) -> tuple[Float64[Tensor, "B D"], Float64[Tensor, " B"]]:
        """Returns the mixtures μ + A z, ``(B, D)``, and log |det A| of each row's map, ``(B,)``."""
        x = torch.linalg.solve(self.unmixing, z.double().T).T + self.mean
        return x, -torch.linalg.slogdet(self.unmixing).logabsdet.expand(len(z))

    def log_prob(self, x: Float[Tensor, "B D"]) -> Float64[Tensor, " B"]:
        """Returns log p(x) of each row in nats, ``(B,)``."""
        z, log_det = self.encode(x)
        return self.density.log_prob(z).sum(1) + log_det

    def loss(self, x: Float[Tensor, "B D"]) -> Float64[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per dimension."""
        return -self.log_prob(x).mean() / x.shape[1]

    def sample(self, n: int, *, generator: Generator | None = None) -> Float64[Tensor, "n D"]:
        """Returns ``n`` rows, ``(n, D)``: sources are drawn, then mixed."""
        sources = self.density.sample(n, len(self.mean), generator=generator)
        return ICA(self.mean.detach(), self.unmixing.detach(), self.density).decode(sources)[0]


@dataclass(frozen=True)
class ICAFit:
    """What ``fit_ica`` found.

    Args:
        ica: the fitted model.
        log_likelihoods: mean log-likelihood per row in nats, ``(steps + 1,)``: of the start, and after each step; the last is ``ica``'s.
        converged: whether it stopped because nothing was left to gain.
    """

    ica: ICA
    log_likelihoods: Float64[Tensor, " steps"]
    converged: bool


def initial_ica(x: Float[Tensor, "N D"], *, density: SourceDensity | None = None, generator: Generator | None = None) -> ICA:
    """Chooses a start: the data's mean, whitening, then a random rotation.

    Args:
        x: data, ``(N, D)``.
        density: what each source is taken to be; ``Adaptive``, all super-Gaussian, unless given.
        generator: source of chance.

    Returns:
        A model to start from.

    Raises:
        ValueError: if ``x`` is not finite, or does not fill its D dimensions.

    Example:
        >>> x = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
        >>> sources, _ = initial_ica(x, generator=torch.Generator().manual_seed(1)).encode(x)
        >>> bool((torch.cov(sources.T, correction=0) - torch.eye(2)).abs().max() < 1e-12)
        True
    """
    x = check_rows(x)
    _, V = whiten(x)
    D = x.shape[1]
    return ICA(x.mean(0), _random_rotation(D, generator) @ V, Adaptive(torch.ones(D)) if density is None else density)


def gradient_step(ica: ICA, x: Float[Tensor, "N D"], step: float) -> tuple[ICA, Float64[Tensor, ""]]:
    r"""Climbs the likelihood along its gradient with respect to the entries of W.

    .. math:: W ← W + η\, \Bigl( W^{-\top} + \frac 1 N \sum_n ψ(s_n)\, (x_n - μ)^\top \Bigr), \qquad s_n = W (x_n - μ)

    Args:
        ica: the current model; mean and density stay.
        x: data, ``(N, D)``.
        step: η, greater than 0.

    Returns:
        The new model; and the mean log-likelihood per row, in nats, of the **old** one.

    Raises:
        ValueError: if ``step`` is not greater than 0, or leads to a matrix that is singular or not finite.

    Example:
        >>> from course_lib.classical.source_densities import Logistic
        >>> x = torch.tensor([[1.0], [-1.0]])
        >>> gradient_step(ICA(torch.zeros(1), torch.eye(1), Logistic()), x, 0.1)[0].unmixing
        tensor([[0.9695]], dtype=torch.float64)

    References:
        A. J. Bell, T. J. Sejnowski, An Information-Maximization Approach to Blind Separation and Blind Deconvolution, 1995.
    Deviation: the mean over all rows, where the paper takes one row at a time.
    Taught in: 06_ica
    """
    _check_step(step)
    centred = check_rows(x) - ica.mean
    sources = centred @ ica.unmixing.T
    gradient = torch.linalg.inv(ica.unmixing).T + ica.density.score(sources).T @ centred / len(x)
    return _moved(ica, step * gradient), _log_likelihood(ica, sources)


def natural_gradient_step(ica: ICA, x: Float[Tensor, "N D"], step: float) -> tuple[ICA, Float64[Tensor, ""]]:
    r"""Climbs the likelihood along its natural gradient: the same gradient, times WᵀW. No inverse is left in it.

    .. math:: W ← W + η\, \Bigl( I + \frac 1 N \sum_n ψ(s_n)\, s_n^\top \Bigr) W, \qquad s_n = W (x_n - μ)

    Args:
        ica: the current model; mean and density stay.
        x: data, ``(N, D)``.
        step: η, greater than 0.

    Returns:
        The new model; and the mean log-likelihood per row, in nats, of the **old** one.

    Raises:
        ValueError: if ``step`` is not greater than 0, or leads to a matrix that is singular or not finite.

    Example:
        >>> from course_lib.classical.source_densities import Logistic
        >>> x = torch.tensor([[10.0], [-10.0]])
        >>> natural_gradient_step(ICA(torch.zeros(1), torch.eye(1) / 10, Logistic()), x, 0.1)[0].unmixing  # as above, ÷ 10
        tensor([[0.0969]], dtype=torch.float64)

    References:
        S. Amari, A. Cichocki, H. H. Yang, A New Learning Algorithm for Blind Signal Separation, NIPS 1995;
        J.-F. Cardoso, B. H. Laheld, Equivariant Adaptive Source Separation, 1996 (there: the relative gradient).
    Deviation: the mean over all rows.
    Taught in: 06_ica
    """
    _check_step(step)
    sources = (check_rows(x) - ica.mean) @ ica.unmixing.T
    relative = torch.eye(len(ica.mean), dtype=torch.float64) + ica.density.score(sources).T @ sources / len(x)
    return _moved(ica, step * relative @ ica.unmixing), _log_likelihood(ica, sources)


def fit_ica(
    x: Float[Tensor, "N D"],
    *,
    density: SourceDensity | None = None,
    generator: Generator | None = None,
    start: ICA | None = None,
    steps: int = 200,
    tolerance: float = 1e-6,
) -> ICAFit:
    """Fits ICA by maximum likelihood: natural-gradient steps whose length in each direction the curvature decides.

    A step that would lose likelihood is halved until it does not. The fit stops when a step promises to gain less than ``tolerance``, or
    did. Long data are first fitted on every k-th row, then on eight times as many, and so on. See ``relative_newton``.

    Args:
        x: data, ``(N, D)``.
        density: what each source is taken to be; ``Adaptive`` unless given. A ``start`` decides for itself.
        generator: source of chance for the start.
        start: the model to start from; ``initial_ica`` unless given.
        steps: greatest number of steps.
        tolerance: least gain of the mean log-likelihood per row, in nats, that is worth another step.

    Returns:
        The model, the mean log-likelihood after each step, and whether it has converged.

    Raises:
        ValueError: if an argument is out of range, ``x`` is not finite, or does not fill its D dimensions.

    Example:
        >>> sources = torch.rand(2000, 2, generator=torch.Generator().manual_seed(0))
        >>> x = sources @ torch.tensor([[1.0, 0.5], [0.5, 1.0]])
        >>> fit = fit_ica(x, generator=torch.Generator().manual_seed(1))
        >>> fit.converged, fit.ica.density.signs.tolist()  # uniform: flatter than a Gaussian
        (True, [-1.0, -1.0])

    References:
        P. Ablin, J.-F. Cardoso, A. Gramfort, Faster Independent Component Analysis by Preconditioning with Hessian Approximations,
        2018, arXiv:1706.08171.
    Deviation: no memory of earlier steps (L-BFGS) beside the approximation; where shapes adapt, they do so before each step.
    Taught in: 06_ica
    """
    x = check_rows(x)
    if steps < 0 or not tolerance >= 0:
        raise ValueError(f"steps and tolerance must be at least 0, got {steps} and {tolerance}")
    if start is not None and len(start.mean) != x.shape[1]:
        raise ValueError(f"start must have D = {x.shape[1]} dimensions, it has {len(start.mean)}")
    if start is None:
        mean, density = x.mean(0), Adaptive(torch.ones(x.shape[1])) if density is None else density
    else:
        mean, density = start.mean, start.density
    centred = (x - mean).T.contiguous()  # (D, N)
    few = max(_FEW_ROWS, 25 * x.shape[1] ** 2)
    if start is not None:
        unmixing = start.unmixing
    else:
        unmixing = _random_rotation(x.shape[1], generator) @ whitening_matrix(centred @ centred.T / len(x))
        while len(x) >= 4 * few:  # most of the way needs no more than a few rows, and most of the rest not many more
            thinned = centred[:, :: len(x) // few].contiguous()
            unmixing, density, _, _ = relative_newton.climb(unmixing, density, thinned, steps=steps, tolerance=max(tolerance, 1 / few))
            few *= 8
    top = relative_newton.climb(unmixing, density, centred, steps=steps, tolerance=tolerance)
    return ICAFit(ica=ICA(mean, top.unmixing, top.density), log_likelihoods=top.log_likelihoods, converged=top.converged)


def _log_likelihood(ica: ICA, sources: Tensor) -> Tensor:
    return ica.density.log_prob(sources).sum() / len(sources) + torch.linalg.slogdet(ica.unmixing).logabsdet


def _moved(ica: ICA, by: Tensor) -> ICA:
    return ICA(ica.mean, ica.unmixing + by, ica.density)


def _check_step(step: float) -> None:
    if not step > 0:
        raise ValueError(f"step must be greater than 0, got {step}")


def _random_rotation(D: int, generator: Generator | None) -> Tensor:
    return torch.linalg.qr(torch.randn(D, D, dtype=torch.float64, generator=generator)).Q
