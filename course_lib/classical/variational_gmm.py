r"""Mixtures of Gaussians by variational Bayes: a distribution over mixtures instead of one, and a bound that counts what each costs.

The model: weights π ~ Dir(α₀), and for each component a precision Λ_k ~ W(W₀, ν₀) and a mean μ_k ~ N(m₀, (β₀ Λ_k)⁻¹). The posterior is taken
to be a product q(z) q(π, μ, Λ), which keeps these families; only their numbers change. A component that the data do not need falls
back to its prior, and its weight to nearly nothing.

Taught in: 02_gaussian_mixtures
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from course_lib.classical.gaussian import check_covariances, check_rows
from course_lib.classical.gmm import GaussianMixture, initial_mixture
from course_lib.classical.sufficient_statistics import StandardisedRows, Statistics, gather, joint_log_density


@dataclass(frozen=True)
class NormalWishartMixture:
    r"""A distribution over mixtures of K Gaussians: Dirichlet for the weights, normal–Wishart for each component.

    .. math:: \operatorname{Dir}(π; α) \prod_k \mathcal N(μ_k; m_k, (β_k Λ_k)^{-1})\, \mathcal W(Λ_k; W_k, ν_k)

    Serves as prior (all components alike) and as posterior.

    Args:
        concentrations: α, ``(K,)``, greater than 0: rows seen of each component.
        mean_counts: β, ``(K,)``, greater than 0: rows seen of each mean.
        means: m, ``(K, D)``.
        degrees_of_freedom: ν, ``(K,)``, greater than D − 1: rows seen of each covariance.
        scatters: W⁻¹, ``(K, D, D)``, symmetric positive definite; ν⁻¹ W⁻¹ is the covariance that goes with the mean precision.
            All are kept as float64.

    Raises:
        ValueError: if the shapes do not belong together or a number is out of range.

    Example:
        >>> one = torch.ones(2)
        >>> NormalWishartMixture(one, one, torch.zeros(2, 1), one, torch.ones(2, 1, 1)).mixture().weights
        tensor([0.5000, 0.5000], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 10.39, 10.40, 10.57 and 10.59.
    Deviation: W⁻¹ is stored, not W.
    Taught in: 02_gaussian_mixtures
    """

    concentrations: Float[Tensor, " K"]
    mean_counts: Float[Tensor, " K"]
    means: Float[Tensor, "K D"]
    degrees_of_freedom: Float[Tensor, " K"]
    scatters: Float[Tensor, "K D D"]

    def __post_init__(self) -> None:
        for name in ("concentrations", "mean_counts", "means", "degrees_of_freedom", "scatters"):
            object.__setattr__(self, name, getattr(self, name).double())
        K, D = self.means.shape
        least = {"concentrations": 0, "mean_counts": 0, "degrees_of_freedom": D - 1}
        if any(getattr(self, name).shape != (K,) for name in least) or self.scatters.shape != (K, D, D):
            raise ValueError(
                f"concentrations, mean_counts and degrees_of_freedom must be (K,) and scatters (K, D, D), with K, D = {K}, {D}"
            )
        for name, bound in least.items():
            value = getattr(self, name)
            if not (value.isfinite().all() and (value > bound).all()):
                raise ValueError(f"{name} must be finite and greater than {bound}, got {value.tolist()}")
        if not self.means.isfinite().all():
            raise ValueError(f"means must be finite, got {self.means.tolist()}")
        check_covariances(self.scatters, "scatters")

    def mixture(self) -> GaussianMixture:
        """Returns the mixture of posterior means: E[π], E[μ], and the inverse of E[Λ] as covariance."""
        return GaussianMixture(self.concentrations / self.concentrations.sum(), self.means, self._covariances())

    def responsibilities(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        """Returns q(z), the posterior probability of each component for each row, ``(B, K)``; rows sum to 1."""
        return joint_log_density(x.double(), self._log_weights(), self.means, self._covariances()).softmax(1)

    def _covariances(self) -> Tensor:
        return self.scatters / self.degrees_of_freedom[:, None, None]

    def _log_weights(self) -> Tensor:
        """log w_k such that the expected log joint density of row and component is log w_k + log N(x; m_k, W_k⁻¹/ν_k)."""
        D, nu = self.means.shape[1], self.degrees_of_freedom
        log_weight = self.concentrations.digamma() - self.concentrations.sum().digamma()  # E[log π_k]
        log_det = _digamma_sum(nu, D) + D * math.log(2) - D * nu.log()  # E[log |Λ_k|] − log |ν_k W_k|
        return log_weight + 0.5 * (log_det - D / self.mean_counts)


@dataclass(frozen=True)
class VariationalFit:
    """What ``fit_variational`` found.

    Args:
        posterior: the distribution over mixtures.
        bounds: lower bound of the log evidence, in nats for all rows together, ``(steps + 1,)``: of the start, and after each step; the last
            is the ``posterior``'s.
        converged: whether the last step gained less than the tolerance.
    """

    posterior: NormalWishartMixture
    bounds: Float[Tensor, " steps"]
    converged: bool


def default_prior(x: Float[Tensor, "N D"], K: int, *, concentration: float = 1e-3) -> NormalWishartMixture:
    """Returns a prior that knows little: one row's worth about the data's own mean, D rows' worth about their variances.

    Args:
        x: data, ``(N, D)``; only the mean and the variance of each column are used.
        K: number of components.
        concentration: α₀; the smaller, the fewer components the posterior keeps.

    Returns:
        The prior: α₀, β₀ = 1, m₀ the mean, ν₀ = D, W₀⁻¹ = D diag(variances), as if each component were as wide as the data.

    Raises:
        ValueError: if ``x`` is not finite, has a constant column, or K or the concentration is out of range.

    Example:
        >>> default_prior(torch.tensor([[0.0], [2.0]]), 3).means.flatten()
        tensor([1., 1., 1.], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 10.2.1 (α₀ = 10⁻³ for figure 10.6).
    Deviation: the rest of the prior is taken from the data.
    Taught in: 02_gaussian_mixtures
    """
    x = check_rows(x)
    D = x.shape[1]
    if K < 1:
        raise ValueError(f"K must be at least 1, got {K}")
    variances = x.var(0, correction=0)
    if not (variances > 0).all():
        raise ValueError(f"x must vary in every column, and column {int((~(variances > 0)).nonzero()[0])} is constant: leave it out")
    alike = torch.ones(K, dtype=torch.float64, device=x.device)
    return NormalWishartMixture(concentration * alike, alike, x.mean(0).expand(K, D), D * alike, (D * variances).diag().expand(K, D, D))


def variational_step(
    posterior: NormalWishartMixture, prior: NormalWishartMixture, x: Float[Tensor, "N D"]
) -> tuple[NormalWishartMixture, Float[Tensor, ""]]:
    r"""Takes one step of variational Bayes: responsibilities from the posterior, then a new posterior from them and the prior.

    .. math:: α_k = α_0 + N_k, \quad β_k = β_0 + N_k, \quad ν_k = ν_0 + N_k, \quad m_k = \frac{β_0 m_0 + N_k \bar x_k}{β_k}, \quad
              W_k^{-1} = W_0^{-1} + N_k S_k + \frac{β_0 N_k}{β_k} (\bar x_k - m_0)(\bar x_k - m_0)^\top

    Args:
        posterior: the current posterior.
        prior: the prior.
        x: data, ``(N, D)``.

    Returns:
        The new posterior; and the lower bound of log p(x), in nats for all rows together, of the **old** one with its best q(z).
        The new one's is never lower.

    Raises:
        ValueError: if ``x`` is not finite.

    Example:
        >>> x = torch.tensor([[-1.0], [1.0], [9.0], [11.0]])
        >>> prior = default_prior(x, 1)
        >>> variational_step(prior, prior, x)[0].means
        tensor([[5.]], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 10.46 and 10.49 (responsibilities),
        10.58 and 10.60 to 10.63 (posterior), 10.70 (bound).
    Deviation: with q(z) at its best, the terms of the bound that hold z sum to Σ_n log Σ_k ρ_nk, and the rest is −KL(q(π, μ, Λ) ‖ p(π, μ, Λ)).
    Taught in: 02_gaussian_mixtures
    """
    rows = StandardisedRows.of(check_rows(x))
    statistics = _gather(posterior, prior, rows)
    return _update(prior, statistics), _bound(posterior, prior, statistics, len(x))


def fit_variational(
    x: Float[Tensor, "N D"],
    K: int,
    *,
    generator: Generator | None = None,
    start: GaussianMixture | None = None,
    prior: NormalWishartMixture | None = None,
    steps: int = 500,
    tolerance: float = 1e-6,
) -> VariationalFit:
    """Fits a distribution over mixtures: steps until one gains less than ``tolerance`` a row, or ``steps`` are taken.

    Args:
        x: data, ``(N, D)``.
        K: greatest number of components, 1 to N.
        generator: source of chance for the start.
        start: a mixture of full covariances whose responsibilities give the first posterior; ``initial_mixture`` unless given.
        prior: the prior; ``default_prior`` unless given.
        steps: greatest number of steps after the first posterior.
        tolerance: least gain of the bound, in nats per row, that is worth another step.

    Returns:
        The posterior, the bound after each step, and whether it has converged.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> x = torch.cat([torch.randn(50, 1), 100 + torch.randn(50, 1)])
        >>> fit = fit_variational(x, 2, generator=torch.Generator().manual_seed(0))
        >>> fit.posterior.mixture().weights
        tensor([0.5000, 0.5000], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 10.2.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    x = check_rows(x)
    if not 1 <= K <= len(x):
        raise ValueError(f"K must be from 1 to the number of rows, {len(x)}, got {K}")
    if steps < 0 or not tolerance >= 0:
        raise ValueError(f"steps and tolerance must be at least 0, got {steps} and {tolerance}")
    prior = prior if prior is not None else default_prior(x, K)
    start = start if start is not None else initial_mixture(x, K, generator=generator)
    for name, means in (("prior", prior.means), ("start", start.means)):
        if means.shape != (K, x.shape[1]):
            raise ValueError(f"{name} must have K = {K} components in {x.shape[1]} dimensions, its means are {tuple(means.shape)}")
    rows = StandardisedRows.of(x)
    covariances = start.covariances.diag_embed() if start.diagonal else start.covariances
    posterior = _update(prior, gather(rows, start.weights.log(), start.means, covariances, prior_scatter=prior.scatters))
    bounds = []
    while True:
        statistics = _gather(posterior, prior, rows)
        bounds.append(_bound(posterior, prior, statistics, len(x)))
        converged = len(bounds) > 1 and bool(bounds[-1] - bounds[-2] < tolerance * len(x))
        if converged or len(bounds) > steps:
            return VariationalFit(posterior=posterior, bounds=torch.stack(bounds), converged=converged)
        posterior = _update(prior, statistics)


def _gather(posterior: NormalWishartMixture, prior: NormalWishartMixture, rows: StandardisedRows) -> Statistics:
    """The step from q(π, μ, Λ) to q(z), summed up."""
    return gather(rows, posterior._log_weights(), posterior.means, posterior._covariances(), prior_scatter=prior.scatters)


def _update(prior: NormalWishartMixture, statistics: Statistics) -> NormalWishartMixture:
    """The step from q(z) to q(π, μ, Λ)."""
    counts, shift = statistics.counts, statistics.means - prior.means
    mean_counts = prior.mean_counts + counts
    shrinkage = prior.mean_counts * counts / mean_counts
    return NormalWishartMixture(
        concentrations=prior.concentrations + counts,
        mean_counts=mean_counts,
        means=prior.means + (counts / mean_counts)[:, None] * shift,
        degrees_of_freedom=prior.degrees_of_freedom + counts,
        scatters=prior.scatters + statistics.scatters + shrinkage[:, None, None] * shift[:, :, None] * shift[:, None],
    )


def _bound(posterior: NormalWishartMixture, prior: NormalWishartMixture, statistics: Statistics, N: int) -> Tensor:
    """Σ_n log Σ_k ρ_nk − KL(q(π) ‖ p(π)) − Σ_k KL(q(μ_k, Λ_k) ‖ p(μ_k, Λ_k)), in nats."""
    return N * statistics.log_evidence - _dirichlet_kl(posterior, prior) - _normal_wishart_kl(posterior, prior)


def _dirichlet_kl(q: NormalWishartMixture, p: NormalWishartMixture) -> Tensor:
    a, b = q.concentrations, p.concentrations
    log_normaliser = (a.sum().lgamma() - a.lgamma().sum()) - (b.sum().lgamma() - b.lgamma().sum())
    return log_normaliser + ((a - b) * (a.digamma() - a.sum().digamma())).sum()


def _normal_wishart_kl(q: NormalWishartMixture, p: NormalWishartMixture) -> Tensor:
    """Σ_k of the divergence between the Wisharts, and between the normals on average over the precision."""
    D = q.means.shape[1]
    L_q, L_p = torch.linalg.cholesky(q.scatters), torch.linalg.cholesky(p.scatters)
    ratio = torch.linalg.solve_triangular(L_q, L_p, upper=False).square().sum((1, 2))  # tr(W_q W_p⁻¹)
    shift = torch.linalg.solve_triangular(L_q, (q.means - p.means)[..., None], upper=False).square().sum((1, 2))
    log_det_q, log_det_p = (2 * L.diagonal(dim1=1, dim2=2).log().sum(1) for L in (L_q, L_p))  # log |W⁻¹|
    nu_q, nu_p = q.degrees_of_freedom, p.degrees_of_freedom
    wishart = (
        0.5 * (nu_p * (log_det_q - log_det_p) + nu_q * (ratio - D) + (nu_q - nu_p) * _digamma_sum(nu_q, D))
        + torch.special.multigammaln(nu_p / 2, D)
        - torch.special.multigammaln(nu_q / 2, D)
    )
    count_ratio = p.mean_counts / q.mean_counts
    normal = 0.5 * (D * (count_ratio - 1 - count_ratio.log()) + p.mean_counts * nu_q * shift)
    return (wishart + normal).sum()


def _digamma_sum(nu: Tensor, D: int) -> Tensor:
    """Σ_i ψ((ν + 1 − i) / 2) over i = 1 … D, ``(K,)``."""
    return ((nu[:, None] - torch.arange(D, device=nu.device)) / 2).digamma().sum(1)
