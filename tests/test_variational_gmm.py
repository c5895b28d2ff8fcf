"""Variational Bayes against scikit-learn, the book's seven terms, Monte Carlo, and an evidence known exactly."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.mixture import BayesianGaussianMixture

from course_lib.classical.gmm import GaussianMixture, fit_em, initial_mixture
from course_lib.classical.variational_gmm import NormalWishartMixture, default_prior, fit_variational, variational_step


def rows(N: int, D: int, *, seed: int = 0, spread: float = 3.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    centres = spread * torch.randn(3, D, dtype=torch.float64, generator=generator)
    member = torch.randint(3, (N,), generator=generator)
    return centres[member] + torch.randn(N, D, dtype=torch.float64, generator=generator)


def some_prior(K: int, D: int, *, concentration: float = 0.7) -> NormalWishartMixture:
    alike = torch.ones(K, dtype=torch.float64)
    scatter = 0.4 + 1.3 * torch.eye(D, dtype=torch.float64)
    return NormalWishartMixture(
        concentration * alike, 0.6 * alike, torch.full((K, D), 0.3).double(), (D + 1.5) * alike, scatter.expand(K, D, D)
    )


def book_bound(x, r, q: NormalWishartMixture, p: NormalWishartMixture) -> float:
    """The seven expectations of Bishop's eqs. 10.71 to 10.77, written out for any responsibilities."""
    D = x.shape[1]
    K = len(q.concentrations)
    alpha, beta, m, nu = (a.numpy() for a in (q.concentrations, q.mean_counts, q.means, q.degrees_of_freedom))
    W, W0_inverse = np.linalg.inv(q.scatters.numpy()), p.scatters[0].numpy()
    alpha0, beta0, m0, nu0 = (a[0].numpy() for a in (p.concentrations, p.mean_counts, p.means, p.degrees_of_freedom))

    def log_B(W, nu):
        return -nu / 2 * np.linalg.slogdet(W)[1] - nu * D / 2 * math.log(2) - special.multigammaln(nu / 2, D)

    log_pi = special.digamma(alpha) - special.digamma(alpha.sum())
    i = np.arange(1, D + 1)
    log_lambda = np.array([special.digamma((nu[k] + 1 - i) / 2).sum() + D * math.log(2) + np.linalg.slogdet(W[k])[1] for k in range(K)])
    total = 0.0
    for k in range(K):
        difference = x - m[k]
        square = np.einsum("ni,ij,nj->n", difference, W[k], difference)
        total += (r[:, k] * 0.5 * (log_lambda[k] - D / beta[k] - nu[k] * square - D * math.log(2 * math.pi))).sum()  # 10.71
        total += r[:, k].sum() * log_pi[k]  # 10.72
        shift = m[k] - m0
        total += 0.5 * (D * math.log(beta0 / (2 * math.pi)) + log_lambda[k] - D * beta0 / beta[k] - beta0 * nu[k] * shift @ W[k] @ shift)
        total += (
            log_B(np.linalg.inv(W0_inverse), nu0) + (nu0 - D - 1) / 2 * log_lambda[k] - nu[k] / 2 * np.trace(W0_inverse @ W[k])
        )  # 10.74
        entropy = -log_B(W[k], nu[k]) - (nu[k] - D - 1) / 2 * log_lambda[k] + nu[k] * D / 2
        total -= 0.5 * log_lambda[k] + D / 2 * math.log(beta[k] / (2 * math.pi)) - D / 2 - entropy  # 10.77
    total += special.gammaln(K * alpha0) - K * special.gammaln(alpha0) + (alpha0 - 1) * log_pi.sum()  # 10.73
    total -= special.xlogy(r, r).sum()  # 10.75
    return total - (((alpha - 1) * log_pi).sum() + special.gammaln(alpha.sum()) - special.gammaln(alpha).sum())  # 10.76


def scikit_learn_from(start: NormalWishartMixture, prior: NormalWishartMixture, x: torch.Tensor, steps: int) -> BayesianGaussianMixture:
    """scikit-learn after as many steps from the same posterior: a warm start whose numbers are put in its place."""
    peer = BayesianGaussianMixture(
        n_components=len(start.concentrations),
        covariance_type="full",
        weight_concentration_prior_type="dirichlet_distribution",
        weight_concentration_prior=prior.concentrations[0].item(),
        mean_precision_prior=prior.mean_counts[0].item(),
        mean_prior=prior.means[0].numpy(),
        degrees_of_freedom_prior=prior.degrees_of_freedom[0].item(),
        covariance_prior=prior.scatters[0].numpy(),
        reg_covar=0.0,
        tol=0.0,
        max_iter=steps,
        warm_start=True,
    )
    covariances = (start.scatters / start.degrees_of_freedom[:, None, None]).numpy()
    peer.weight_concentration_ = start.concentrations.numpy()
    peer.mean_precision_ = start.mean_counts.numpy()
    peer.means_ = start.means.numpy()
    peer.degrees_of_freedom_ = start.degrees_of_freedom.numpy()
    peer.covariances_ = covariances
    peer.precisions_cholesky_ = np.stack([np.linalg.inv(np.linalg.cholesky(c)).T for c in covariances])
    peer.converged_, peer.lower_bound_ = False, -np.inf
    return peer.fit(x.numpy())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("steps", [1, 25])
def test_equal_to_scikit_learn_after_equal_steps(steps):
    x, prior = rows(1500, 3, spread=1.5), some_prior(4, 3)
    fit = fit_variational(x, 4, generator=torch.Generator().manual_seed(1), prior=prior, steps=0)
    start = fit.posterior
    peer = scikit_learn_from(start, prior, x, steps)
    posterior = start
    for _ in range(steps):
        previous = posterior
        posterior, _ = variational_step(previous, prior, x)
    ours = (posterior.concentrations, posterior.mean_counts, posterior.means, posterior.degrees_of_freedom)
    theirs = (peer.weight_concentration_, peer.mean_precision_, peer.means_, peer.degrees_of_freedom_)
    for got, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(got, torch.from_numpy(expected), rtol=1e-7, atol=1e-9)  # rounding of every step
    torch.testing.assert_close(posterior.mixture().covariances, torch.from_numpy(peer.covariances_), rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(posterior.responsibilities(x), torch.from_numpy(peer.predict_proba(x.numpy())), rtol=1e-7, atol=1e-9)
    # scikit-learn reports the bound half-way: new posterior, responsibilities of the old one, and without its constants
    half_way = book_bound(x.numpy(), previous.responsibilities(x).numpy(), posterior, prior)
    before = scikit_learn_from(start, prior, x, 1)
    first, _ = variational_step(start, prior, x)
    constant = book_bound(x.numpy(), start.responsibilities(x).numpy(), first, prior) - before.lower_bound_
    assert abs(half_way - peer.lower_bound_ - constant) < 1e-6


@pytest.mark.parametrize(("K", "D"), [(1, 1), (3, 2), (2, 4)])
def test_the_bound_is_the_books_seven_terms(K, D):
    x, prior = rows(60, D), some_prior(K, D)
    posterior = fit_variational(x, K, generator=torch.Generator().manual_seed(0), prior=prior, steps=2, tolerance=0.0).posterior
    _, bound = variational_step(posterior, prior, x)
    torch.testing.assert_close(bound.item(), book_bound(x.numpy(), posterior.responsibilities(x).numpy(), posterior, prior))


def test_with_one_component_the_bound_is_the_evidence():
    """K = 1: the posterior is exact, and the evidence a product of Student's t predictions."""
    x, prior = rows(12, 2), some_prior(1, 2)
    posterior, _ = variational_step(prior, prior, x)
    _, bound = variational_step(posterior, prior, x)
    log_evidence, D = 0.0, 2
    beta, m, nu, scatter = prior.mean_counts.item(), prior.means[0].numpy(), prior.degrees_of_freedom.item(), prior.scatters[0].numpy()
    for row in x.numpy():
        shape = scatter * (beta + 1) / (beta * (nu - D + 1))
        log_evidence += stats.multivariate_t(m, shape, df=nu - D + 1).logpdf(row)
        scatter = scatter + beta / (beta + 1) * np.outer(row - m, row - m)
        m, beta, nu = (beta * m + row) / (beta + 1), beta + 1, nu + 1
    torch.testing.assert_close(bound.item(), float(log_evidence))


def test_the_bound_equals_its_monte_carlo_estimate():
    """E_q[log p(x, z, θ) − log q(z, θ)] with θ drawn from q and z summed out, by SciPy's draws and PyTorch's densities."""
    x, prior, rng, n = rows(5, 2), some_prior(2, 2), np.random.default_rng(0), 4000
    posterior = fit_variational(x, 2, generator=torch.Generator().manual_seed(0), prior=prior, steps=3).posterior
    r = posterior.responsibilities(x)
    weights = torch.from_numpy(rng.dirichlet(posterior.concentrations.numpy(), n))
    terms = torch.distributions.Dirichlet(prior.concentrations).log_prob(weights)
    terms -= torch.distributions.Dirichlet(posterior.concentrations).log_prob(weights)
    terms -= torch.xlogy(r, r).sum()
    for k in range(2):
        W = torch.linalg.inv(posterior.scatters[k]).numpy()
        precisions = torch.from_numpy(stats.wishart(posterior.degrees_of_freedom[k].item(), W).rvs(n, random_state=rng))
        spread = torch.linalg.cholesky(torch.linalg.inv(posterior.mean_counts[k] * precisions))
        means = posterior.means[k] + (spread @ torch.from_numpy(rng.standard_normal((n, 2, 1))))[..., 0]
        for sign, p in ((1, prior), (-1, posterior)):
            wishart = torch.distributions.Wishart(p.degrees_of_freedom[k], precision_matrix=p.scatters[k])
            normal = torch.distributions.MultivariateNormal(p.means[k], precision_matrix=p.mean_counts[k] * precisions)
            terms += sign * (wishart.log_prob(precisions) + normal.log_prob(means))
        rows_given = torch.distributions.MultivariateNormal(means[:, None], precision_matrix=precisions[:, None])
        terms += ((weights[:, k].log()[:, None] + rows_given.log_prob(x)) * r[:, k]).sum(1)
    _, bound = variational_step(posterior, prior, x)
    error = terms.std() / math.sqrt(n)
    assert (terms.mean() - bound).abs() < 5 * error
    assert error < 0.1  # else the line above says nothing


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    K=st.integers(1, 6),
    D=st.integers(1, 4),
    concentration=st.sampled_from([1e-3, 1.0, 30.0]),
)
def test_the_bound_never_falls(seed, K, D, concentration):
    x, prior = rows(80, D, seed=seed, spread=1.0), some_prior(K, D, concentration=concentration)
    bounds = fit_variational(x, K, generator=torch.Generator().manual_seed(seed), prior=prior, steps=10, tolerance=0.0).bounds
    assert (bounds.diff() >= -1e-9 * bounds.abs().max()).all()  # rounding of a sum of 80 rows and their divergences


@pytest.mark.parametrize("seed", range(5))
def test_separated_clusters_variational_bayes_prunes_what_em_splits(seed):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.tensor([[-10.0, 0.0], [0.0, 10.0], [10.0, 0.0]], dtype=torch.float64)
    x = centres.repeat(100, 1) + torch.randn(300, 2, dtype=torch.float64, generator=generator)
    start = initial_mixture(x, 5, generator=generator)
    fit = fit_variational(x, 5, start=start)
    assert fit.converged
    weights = fit.posterior.mixture().weights
    assert (weights > 0.01).sum() == 3
    torch.testing.assert_close(weights.sort().values[2:], torch.full((3,), 1 / 3).double(), atol=1e-3, rtol=0)  # the prior's share
    em = fit_em(x, 5, start=start, steps=500).mixture
    assert (em.weights > 0.01).sum() == 5
    assert (weights > 0.01).sum() < (em.weights > 0.01).sum()


def test_the_fit_reports_the_bound_of_what_it_returns():
    x = rows(100, 2)
    prior = default_prior(x, 3)
    for steps in (0, 1, 6):
        fit = fit_variational(x, 3, generator=torch.Generator().manual_seed(0), steps=steps, tolerance=0.0)
        assert fit.bounds.shape == (steps + 1,)
        torch.testing.assert_close(fit.bounds[-1], variational_step(fit.posterior, prior, x)[1])


def test_a_collapsing_component_is_held_by_the_prior():
    x = torch.cat([rows(50, 2), torch.tensor([[80.0, 80.0]]).double()])
    start = GaussianMixture(torch.tensor([0.5, 0.5]), torch.stack([x.mean(0), x[-1]]), torch.eye(2).expand(2, 2, 2))
    with pytest.raises(ValueError, match="component 1 has collapsed"):
        fit_em(x, 2, start=start)
    mixture = fit_variational(x, 2, start=start).posterior.mixture()
    assert torch.linalg.eigvalsh(mixture.covariances).min() > 0


def test_a_start_of_diagonal_covariances_serves_too():
    x = rows(100, 2)
    diagonal = initial_mixture(x, 2, generator=torch.Generator().manual_seed(0), diagonal=True)
    full = GaussianMixture(diagonal.weights, diagonal.means, diagonal.covariances.diag_embed())
    one, other = (fit_variational(x, 2, start=start, steps=3).bounds for start in (diagonal, full))
    torch.testing.assert_close(one, other)


ones = torch.ones(2)


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: fit_variational(x, 0), "K must be from 1 to the number of rows, 60, got 0"),
        (lambda x: fit_variational(x, 2, steps=-1), "steps and tolerance must be at least 0"),
        (lambda x: fit_variational(x, 2, prior=some_prior(3, 2)), "prior must have K = 2 components in 2 dimensions"),
        (lambda x: fit_variational(x, 2, start=initial_mixture(x, 3)), "start must have K = 2 components in 2 dimensions"),
        (lambda x: fit_variational(x * torch.nan, 2), "x must be finite"),
        (lambda x: default_prior(x, 0), "K must be at least 1"),
        (lambda x: default_prior(x, 2, concentration=-1.0), "concentrations must be finite and greater than 0"),
        (lambda x: default_prior(torch.ones(5, 2), 2), "column 0 is constant"),
        (
            lambda x: NormalWishartMixture(ones, ones, torch.zeros(2, 3), 2 * ones, torch.eye(3).expand(2, 3, 3)),
            "degrees_of_freedom must be.*2",
        ),
        (
            lambda x: NormalWishartMixture(ones, ones, torch.zeros(2, 1), ones, torch.ones(2, 2, 2)),
            r"scatters \(K, D, D\), with K, D = 2, 1",
        ),
        (
            lambda x: NormalWishartMixture(ones, ones, torch.zeros(2, 1), ones, -torch.ones(2, 1, 1)),
            r"scatters\[0\] must be positive definite",
        ),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(rows(60, 2))
