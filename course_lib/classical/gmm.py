"""Mixtures of Gaussians, fitted by expectation–maximisation.

Taught in: 02_gaussian_mixtures
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from course_lib.classical.discrete import Categorical, check_probabilities
from course_lib.classical.gaussian import check_covariances, check_rows, column_scales, is_singular
from course_lib.classical.sufficient_statistics import StandardisedRows, Statistics, gather, joint_log_density, moments


@dataclass(frozen=True)
class GaussianMixture:
    r"""A weighted sum of K Gaussians.

    .. math:: p(x) = \sum_{k=1}^K π_k\, \mathcal N(x; μ_k, Σ_k)

    Args:
        weights: π, ``(K,)``, at least 0, summing to 1.
        means: μ, ``(K, D)``.
        covariances: Σ, ``(K, D, D)``, symmetric positive definite; or ``(K, D)``, the variances where each Σ_k is diagonal.
            All three are kept as float64.

    Raises:
        ValueError: if the shapes do not belong together, the weights are no probabilities, a mean is not finite,
            or a covariance is not symmetric positive definite.

    Example:
        >>> mixture = GaussianMixture(torch.tensor([0.5, 0.5]), torch.tensor([[-2.0], [2.0]]), torch.ones(2, 1, 1))
        >>> mixture.responsibilities(torch.tensor([[0.0], [2.0]]))
        tensor([[5.0000e-01, 5.0000e-01],
                [3.3535e-04, 9.9966e-01]], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 9.2.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """

    weights: Float[Tensor, " K"]
    means: Float[Tensor, "K D"]
    covariances: Float[Tensor, "K D D"] | Float[Tensor, "K D"]

    def __post_init__(self) -> None:
        weights, means, covariances = check_probabilities(self.weights, "weights"), self.means.double(), self.covariances.double()
        K, D = means.shape
        if weights.shape != (K,) or covariances.shape not in ((K, D, D), (K, D)):
            raise ValueError(
                f"weights (K,), means (K, D) and covariances (K, D, D) or (K, D) must belong together, "
                f"got {tuple(weights.shape)}, {tuple(means.shape)} and {tuple(covariances.shape)}"
            )
        if not means.isfinite().all():
            raise ValueError(f"means must be finite, got {means.tolist()}")
        if covariances.ndim == 3:
            check_covariances(covariances, "covariances")
        elif not (covariances.isfinite().all() and (covariances > 0).all()):
            raise ValueError(f"diagonal covariances must be finite and greater than 0, the smallest is {covariances.min().item():.6g}")
        for name, value in (("weights", weights), ("means", means), ("covariances", covariances)):
            object.__setattr__(self, name, value)

    @property
    def diagonal(self) -> bool:
        """Whether the covariances are kept as variances, ``(K, D)``."""
        return self.covariances.ndim == 2

    def joint_log_prob(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        """Returns log π_k N(x_b; μ_k, Σ_k), the log joint density of row and component in nats, ``(B, K)``."""
        return joint_log_density(x.double(), self.weights.log(), self.means, self.covariances)

    def log_prob(self, x: Float[Tensor, "B D"]) -> Float[Tensor, " B"]:
        """Returns log p(x) of each row in nats, ``(B,)``."""
        return self.joint_log_prob(x).logsumexp(1)

    def loss(self, x: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per dimension."""
        return -self.log_prob(x).mean() / x.shape[1]

    def responsibilities(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        """Returns p(k | x), the posterior probability of each component for each row, ``(B, K)``; rows sum to 1."""
        return self.joint_log_prob(x).softmax(1)

    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, "n D"]:
        """Returns ``n`` rows, ``(n, D)``: a component is drawn by its weight, then a row from it."""
        weights, means, covariances = self.weights.detach(), self.means.detach(), self.covariances.detach()
        D = means.shape[1]
        component = Categorical(weights).sample(n, generator=generator)
        eps = torch.randn(n, D, dtype=torch.float64, device=means.device, generator=generator)
        if self.diagonal:
            return means[component] + covariances.sqrt()[component] * eps
        x = means[component]
        for k, L in enumerate(torch.linalg.cholesky(covariances)):  # one product a component, not one a row
            x[component == k] += eps[component == k] @ L.T
        return x


@dataclass(frozen=True)
class EMFit:
    """What ``fit_em`` found.

    Args:
        mixture: the fitted mixture.
        log_likelihoods: mean log-likelihood per row in nats, ``(steps + 1,)``: of the start, and after each step; the last is ``mixture``'s.
        converged: whether the last step gained less than the tolerance.
    """

    mixture: GaussianMixture
    log_likelihoods: Float[Tensor, " steps"]
    converged: bool


def initial_mixture(
    x: Float[Tensor, "N D"], K: int, *, generator: Generator | None = None, diagonal: bool = False, floor: float = 0.0
) -> GaussianMixture:
    """Chooses a start for EM: K rows far from each other as means, equal weights, one shared covariance.

    The first mean is any row; each further one is a row drawn with probability proportional to its squared distance from the
    nearest mean so far. Distances are taken after scaling each column to variance 1. The shared covariance is that of the rows about
    their nearest mean.

    Args:
        x: data, ``(N, D)``.
        K: number of components, 1 to N.
        generator: source of chance.
        diagonal: whether the covariances shall be diagonal.
        floor: least variance in any direction, see ``m_step``.

    Returns:
        A mixture to start from.

    Raises:
        ValueError: if ``x`` is not finite, ``K`` is not from 1 to N, fewer than K rows differ,
            or the rows about their means do not fill all dimensions and ``floor`` is 0.

    Example:
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
        >>> initial_mixture(x, 2, generator=torch.Generator().manual_seed(0)).weights
        tensor([0.5000, 0.5000], dtype=torch.float64)

    References:
        D. Arthur, S. Vassilvitskii, k-means++: The Advantages of Careful Seeding, SODA 2007, steps 1a to 1c.
    Deviation: distances after scaling; means are not moved by k-means afterwards.
    Taught in: 02_gaussian_mixtures
    """
    x = _check_fit(x, K)
    scale = column_scales(x)
    means = x[torch.randint(len(x), (1,), device=x.device, generator=generator)]
    residual = x - means  # of each row from its nearest mean so far
    for k in range(1, K):
        distance = (residual / scale).square().sum(1)
        if not distance.max() > 0:
            raise ValueError(f"K must not exceed the number of different rows: x has {k}, K is {K}")
        means = torch.cat([means, x[Categorical(distance / distance.sum()).sample(1, generator=generator)]])
        from_new = x - means[-1]
        nearer = (from_new / scale).square().sum(1) < distance
        residual = torch.where(nearer[:, None], from_new, residual)
    shared = residual.square().mean(0) if diagonal else residual.T @ residual / len(x)
    shared = _upright(shared[None], scale, floor, "the start's shared covariance")[0]
    weights = torch.full((K,), 1 / K, dtype=torch.float64, device=x.device)
    return GaussianMixture(weights, means, shared.expand(K, *shared.shape).contiguous())


def e_step(mixture: GaussianMixture, x: Float[Tensor, "N D"]) -> tuple[Float[Tensor, "N K"], Float[Tensor, ""]]:
    r"""Asks each component how much of each row it answers for.

    .. math:: r_{nk} = \frac{π_k \mathcal N(x_n; μ_k, Σ_k)}{\sum_j π_j \mathcal N(x_n; μ_j, Σ_j)}

    Args:
        mixture: the current mixture.
        x: data, ``(N, D)``.

    Returns:
        The responsibilities, ``(N, K)``, rows summing to 1; and the mixture's mean log-likelihood per row, in nats.

    Raises:
        ValueError: if ``x`` is not finite.

    Example:
        >>> mixture = GaussianMixture(torch.tensor([0.5, 0.5]), torch.tensor([[-2.0], [2.0]]), torch.ones(2, 1, 1))
        >>> e_step(mixture, torch.tensor([[0.0]]))[0]
        tensor([[0.5000, 0.5000]], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 9.23.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    joint = mixture.joint_log_prob(check_rows(x))
    log_likelihood = joint.logsumexp(1)
    return (joint - log_likelihood[:, None]).exp(), log_likelihood.mean()


def m_step(
    x: Float[Tensor, "N D"], responsibilities: Float[Tensor, "N K"], *, diagonal: bool = False, floor: float = 0.0
) -> GaussianMixture:
    r"""Fits each component to the rows it answers for.

    .. math:: N_k = \sum_n r_{nk}, \quad π_k = \frac{N_k}{N}, \quad μ_k = \frac{1}{N_k} \sum_n r_{nk} x_n, \quad
              Σ_k = \frac{1}{N_k} \sum_n r_{nk} (x_n - μ_k)(x_n - μ_k)^\top

    Args:
        x: data, ``(N, D)``.
        responsibilities: r, ``(N, K)``, rows summing to 1.
        diagonal: whether only the variances are wanted, ``(K, D)``.
        floor: least variance that a component may have in any direction, in the data's unit squared. Smaller eigenvalues of Σ_k
            are raised to it: the best covariance under that condition, so EM still never loses likelihood.

    Returns:
        The mixture that makes the expected log-likelihood of rows and components greatest.

    Raises:
        ValueError: if a component is left without rows, or has collapsed onto fewer than D dimensions and ``floor`` is 0.

    Example:
        >>> x = torch.tensor([[-1.0], [1.0], [9.0], [11.0]])
        >>> m_step(x, torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])).means
        tensor([[ 0.],
                [10.]], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 9.24 to 9.27.
    Deviation: ``floor``, unused unless asked for.
    Taught in: 02_gaussian_mixtures
    """
    x = check_rows(x)
    counts, means, scatters = moments(x, responsibilities.double(), diagonal=diagonal)
    return _mixture(counts, means, scatters, column_scales(x), floor)


def em_step(mixture: GaussianMixture, x: Float[Tensor, "N D"], *, floor: float = 0.0) -> tuple[GaussianMixture, Float[Tensor, ""]]:
    """Takes one step of EM: responsibilities from the mixture, then a new mixture from the responsibilities.

    Args:
        mixture: the current mixture.
        x: data, ``(N, D)``.
        floor: least variance in any direction, see ``m_step``.

    Returns:
        The new mixture; and the mean log-likelihood per row, in nats, of the **old** one. The new one's is never lower.

    Raises:
        ValueError: if ``x`` is not finite, or a component collapses (see ``m_step``).

    Example:
        >>> x = torch.tensor([[-1.0], [1.0], [9.0], [11.0]])
        >>> start = GaussianMixture(torch.tensor([0.5, 0.5]), torch.tensor([[0.0], [8.0]]), torch.ones(2, 1, 1))
        >>> better, before = em_step(start, x)
        >>> bool(better.log_prob(x).mean() > before)
        True

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 9.2.2.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    rows = StandardisedRows.of(check_rows(x), diagonal=mixture.diagonal)
    statistics = _gather(mixture, rows)
    return _maximise(statistics, rows, floor), statistics.log_evidence


def fit_em(
    x: Float[Tensor, "N D"],
    K: int,
    *,
    generator: Generator | None = None,
    start: GaussianMixture | None = None,
    steps: int = 100,
    tolerance: float = 1e-6,
    diagonal: bool = False,
    floor: float = 0.0,
) -> EMFit:
    """Fits a mixture by EM: steps until one gains less than ``tolerance``, or ``steps`` are taken.

    Args:
        x: data, ``(N, D)``.
        K: number of components, 1 to N.
        generator: source of chance for the start.
        start: the mixture to start from; ``initial_mixture`` unless given.
        steps: greatest number of steps.
        tolerance: least gain of the mean log-likelihood per row, in nats, that is worth another step.
        diagonal: whether the covariances shall be diagonal; a ``start`` decides for itself.
        floor: least variance in any direction, see ``m_step``.

    Returns:
        The mixture, the mean log-likelihood after each step, and whether it has converged.

    Raises:
        ValueError: if an argument is out of range, or a component collapses (see ``m_step``).

    Example:
        >>> x = torch.tensor([[-1.0], [1.0], [9.0], [11.0]])
        >>> fit_em(x, 2, generator=torch.Generator().manual_seed(0)).mixture.means.sort(0).values.round(decimals=6)
        tensor([[ 0.],
                [10.]], dtype=torch.float64)

    References:
        A. P. Dempster, N. M. Laird, D. B. Rubin, Maximum Likelihood from Incomplete Data via the EM Algorithm, 1977;
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 9.2.2.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    x = _check_fit(x, K)
    if steps < 0 or not tolerance >= 0:
        raise ValueError(f"steps and tolerance must be at least 0, got {steps} and {tolerance}")
    mixture = start if start is not None else initial_mixture(x, K, generator=generator, diagonal=diagonal, floor=floor)
    if mixture.means.shape != (K, x.shape[1]):
        raise ValueError(f"start must have K = {K} components in {x.shape[1]} dimensions, its means are {tuple(mixture.means.shape)}")
    rows = StandardisedRows.of(x, diagonal=mixture.diagonal)
    log_likelihoods = []
    while True:
        statistics = _gather(mixture, rows)
        log_likelihoods.append(statistics.log_evidence)
        converged = len(log_likelihoods) > 1 and bool(log_likelihoods[-1] - log_likelihoods[-2] < tolerance)
        if converged or len(log_likelihoods) > steps:
            return EMFit(mixture=mixture, log_likelihoods=torch.stack(log_likelihoods), converged=converged)
        mixture = _maximise(statistics, rows, floor)


def _gather(mixture: GaussianMixture, rows: StandardisedRows) -> Statistics:
    """The E step, summed up."""
    return gather(rows, mixture.weights.log(), mixture.means, mixture.covariances)


def _maximise(statistics: Statistics, rows: StandardisedRows, floor: float) -> GaussianMixture:
    """The M step, from what was gathered."""
    return _mixture(statistics.counts, statistics.means, statistics.scatters, rows.scales, floor)


def _mixture(counts: Tensor, means: Tensor, scatters: Tensor, scales: Tensor, floor: float) -> GaussianMixture:
    """The likeliest mixture for these weighted sums over rows."""
    if not (counts > 0).all():
        raise ValueError(f"component {int((~(counts > 0)).nonzero()[0])} has no rows left: take fewer components, or start elsewhere")
    covariances = scatters / counts.reshape(-1, *[1] * (scatters.ndim - 1))
    return GaussianMixture(counts / counts.sum(), means, _upright(covariances, scales, floor, "component {k}"))


def _upright(covariances: Tensor, scales: Tensor, floor: float, who: str) -> Tensor:
    """The covariances, ``(K, D, D)`` or ``(K, D)``, with variances of at least ``floor``; if that is 0, none may be singular."""
    if not floor >= 0:
        raise ValueError(f"floor must be a variance, at least 0, got {floor}")
    if floor > 0 and covariances.ndim == 2:
        return covariances.clamp(min=floor)
    if floor > 0:
        variances, directions = torch.linalg.eigh(covariances)
        raised = directions * variances.clamp(min=floor)[:, None] @ directions.mT
        return (raised + raised.mT) / 2
    singular = is_singular(covariances if covariances.ndim == 3 else covariances.diag_embed(), scales)
    if singular.any():
        raise ValueError(
            f"{who.format(k=int(singular.nonzero()[0]))} has collapsed: its covariance is singular, the likelihood has no limit there. "
            "Take fewer components, start elsewhere (another generator or start=), leave out columns that are constant or a combination "
            "of others, or set the least variance that you accept with floor="
        )
    return covariances


def _check_fit(x: Tensor, K: int) -> Tensor:
    """The data in float64, enough of it for K components."""
    x = check_rows(x)
    if not 1 <= K <= len(x):
        raise ValueError(f"K must be from 1 to the number of rows, {len(x)}, got {K}")
    return x
