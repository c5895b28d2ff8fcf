"""Mixtures and EM against scikit-learn, against a plain loop, and under EM's own law."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import mixture as sklearn_mixture

from course_lib.classical.gmm import GaussianMixture, em_step, fit_em, initial_mixture, m_step


def blobs(seed: int, *, N: int = 300, D: int = 2, K: int = 3, apart: float = 4.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    centres = apart * torch.randn(K, D, dtype=torch.float64, generator=generator)
    stretch = torch.randn(K, D, D, dtype=torch.float64, generator=generator) + torch.eye(D)
    member = torch.randint(K, (N,), generator=generator)
    eps = torch.randn(N, D, dtype=torch.float64, generator=generator)
    return centres[member] + (stretch[member] @ eps[..., None])[..., 0]


def some_mixture(K: int, D: int, *, diagonal: bool = False, seed: int = 0) -> GaussianMixture:
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(K, D, D + 2, dtype=torch.float64, generator=generator)
    covariances = root @ root.mT
    weights = torch.rand(K, dtype=torch.float64, generator=generator) + 0.1
    means = 3 * torch.randn(K, D, dtype=torch.float64, generator=generator)
    return GaussianMixture(weights / weights.sum(), means, covariances.diagonal(dim1=1, dim2=2) if diagonal else covariances)


def scikit_learn_from(start: GaussianMixture, x: torch.Tensor, steps: int) -> sklearn_mixture.GaussianMixture:
    """scikit-learn after as many steps from the same start, without its regulariser."""
    peer = sklearn_mixture.GaussianMixture(
        len(start.weights),
        covariance_type="diag" if start.diagonal else "full",
        reg_covar=0.0,
        tol=0.0,
        max_iter=steps,
        weights_init=start.weights.numpy(),
        means_init=start.means.numpy(),
        precisions_init=(1 / start.covariances if start.diagonal else torch.linalg.inv(start.covariances)).numpy(),
    )
    return peer.fit(x.numpy())


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize(("K", "D"), [(1, 1), (4, 3)])
def test_log_prob_is_the_sum_over_components(K, D, diagonal):
    mixture = some_mixture(K, D, diagonal=diagonal)
    x = 3 * torch.randn(20, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    covariances = mixture.covariances.diag_embed() if diagonal else mixture.covariances
    parts = [
        w * stats.multivariate_normal(m, c).pdf(x.numpy()).reshape(20)
        for w, m, c in zip(mixture.weights.numpy(), mixture.means.numpy(), covariances.numpy(), strict=True)
    ]
    torch.testing.assert_close(mixture.log_prob(x), torch.from_numpy(np.log(sum(parts))))
    torch.testing.assert_close(mixture.responsibilities(x), torch.from_numpy(np.stack(parts, 1) / sum(parts)[:, None]))
    torch.testing.assert_close(mixture.loss(x), torch.from_numpy(-np.log(sum(parts))).mean() / D)


def test_far_away_rows_do_not_underflow():
    x = torch.full((1, 2), 1e5, dtype=torch.float64)
    mixture = some_mixture(3, 2)
    assert mixture.log_prob(x).isfinite()
    torch.testing.assert_close(mixture.responsibilities(x).sum(), torch.tensor(1.0).double())


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("steps", [1, 20])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_equal_to_scikit_learn_after_equal_steps(steps, diagonal):
    x = blobs(0, N=2000, D=4, K=3, apart=2.0)
    start = initial_mixture(x, 5, generator=torch.Generator().manual_seed(1), diagonal=diagonal)
    peer = scikit_learn_from(start, x, steps)
    ours = fit_em(x, 5, start=start, steps=steps, tolerance=0.0)
    assert ours.log_likelihoods.shape == (steps + 1,)
    assert abs(ours.log_likelihoods[-1].item() - peer.score(x.numpy())) < 1e-6
    # both round differently in every one of the steps
    torch.testing.assert_close(ours.mixture.weights, torch.from_numpy(peer.weights_), rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(ours.mixture.means, torch.from_numpy(peer.means_), rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(ours.mixture.covariances, torch.from_numpy(peer.covariances_), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("diagonal", [False, True])
def test_one_step_equals_the_plain_loops(diagonal):
    x, mixture = blobs(3, N=40), some_mixture(3, 2, diagonal=diagonal)
    r = mixture.responsibilities(x)
    better, log_likelihood = em_step(mixture, x)
    torch.testing.assert_close(log_likelihood, mixture.log_prob(x).mean())
    for k in range(3):
        N_k = sum(r[n, k] for n in range(40))
        mean = sum(r[n, k] * x[n] for n in range(40)) / N_k
        covariance = sum(r[n, k] * torch.outer(x[n] - mean, x[n] - mean) for n in range(40)) / N_k
        torch.testing.assert_close(better.weights[k], N_k / 40)
        torch.testing.assert_close(better.means[k], mean)
        torch.testing.assert_close(better.covariances[k], covariance.diagonal() if diagonal else covariance)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), K=st.integers(1, 5), D=st.integers(1, 4), diagonal=st.booleans(), floor=st.sampled_from([0.0, 0.5]))
def test_em_never_loses_likelihood(seed, K, D, diagonal, floor):
    x = blobs(seed, N=120, D=D, apart=1.0)
    mixture = some_mixture(K, D, diagonal=diagonal, seed=seed)
    best = -math.inf
    if floor:  # the law with a floor holds among mixtures that keep to it
        mixture = em_step(mixture, x, floor=floor)[0]
    for _ in range(10):
        try:
            mixture, log_likelihood = em_step(mixture, x, floor=floor)
        except ValueError as problem:
            assert "collapsed" in str(problem)  # noqa: PT017 - a collapse is EM's right, and named
            assert floor == 0
            return
        assert log_likelihood >= best - 1e-10  # rounding of a mean of 120 terms
        best = log_likelihood


def test_the_fit_reports_the_likelihood_of_what_it_returns():
    x = blobs(1)
    for steps in (0, 1, 7):
        fit = fit_em(x, 3, generator=torch.Generator().manual_seed(0), steps=steps, tolerance=0.0)
        assert fit.log_likelihoods.shape == (steps + 1,)
        torch.testing.assert_close(fit.log_likelihoods[-1], fit.mixture.log_prob(x).mean())
        assert not fit.converged
    fit = fit_em(x, 3, generator=torch.Generator().manual_seed(0), tolerance=1e-4)
    gains = fit.log_likelihoods.diff()
    assert fit.converged
    assert gains[-1] < 1e-4
    assert (gains[:-1] >= 1e-4).all()
    torch.testing.assert_close(fit.log_likelihoods[-1], fit.mixture.log_prob(x).mean())


def test_separated_clusters_are_found():
    truth = torch.tensor([[-20.0, 0.0], [0.0, 20.0], [20.0, 0.0]], dtype=torch.float64)
    x = truth.repeat(200, 1) + torch.randn(600, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    fitted = fit_em(x, 3, generator=torch.Generator().manual_seed(2)).mixture
    order = fitted.means[:, 0].argsort()
    assert (fitted.means[order] - truth).abs().max() < 5 / math.sqrt(200)  # five standard errors
    torch.testing.assert_close(fitted.weights, torch.full((3,), 1 / 3, dtype=torch.float64))


@pytest.mark.parametrize("diagonal", [False, True])
def test_samples_have_the_mixtures_moments(diagonal):
    mixture, n = some_mixture(3, 2, diagonal=diagonal, seed=4), 50_000
    x = mixture.sample(n, generator=torch.Generator().manual_seed(0))
    mean = mixture.weights @ mixture.means
    covariances = mixture.covariances.diag_embed() if diagonal else mixture.covariances
    offset = mixture.means - mean
    covariance = torch.einsum("k,kij->ij", mixture.weights, covariances + offset[:, :, None] * offset[:, None])
    assert ((x.mean(0) - mean).abs() < 5 * (covariance.diagonal() / n).sqrt()).all()
    products = (x - mean)[:, :, None] * (x - mean)[:, None]
    assert ((products.mean(0) - covariance).abs() < 5 * products.std(0) / math.sqrt(n)).all()
    share = mixture.responsibilities(x).mean(0)
    assert ((share - mixture.weights).abs() < 5 * (mixture.weights / n).sqrt()).all()


def test_the_start_spreads_its_means():
    """Three tight clusters far apart: squared distance all but forbids two means in one."""
    x = torch.tensor([0.0, 100.0, 200.0]).repeat(50)[:, None] + 0.01 * torch.randn(150, 1, generator=torch.Generator().manual_seed(0))
    for seed in range(20):
        start = initial_mixture(x, 3, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(start.means.sort(0).values.round(), torch.tensor([[0.0], [100.0], [200.0]]).double())
        assert start.covariances.max() < 0.01


def test_a_floor_is_kept_and_reaches_what_is_asked():
    x = torch.cat([blobs(0, K=1, N=50), torch.tensor([[50.0, 50.0]]).double()])  # one row far away: its component collapses
    start = GaussianMixture(torch.tensor([0.5, 0.5]), torch.stack([x.mean(0), x[-1]]), torch.eye(2).expand(2, 2, 2))
    with pytest.raises(ValueError, match=r"component 1 has collapsed.*fewer components.*floor="):
        fit_em(x, 2, start=start)
    fit = fit_em(x, 2, start=start, floor=0.3)
    smallest = torch.linalg.eigvalsh(fit.mixture.covariances)
    torch.testing.assert_close(smallest[1], torch.full((2,), 0.3).double())
    assert (smallest[0] >= 0.3 - 1e-12).all()
    flat = torch.cat([x, torch.zeros(len(x), 1)], 1)  # a column that never changes
    for diagonal in (False, True):
        held = fit_em(flat, 2, generator=torch.Generator().manual_seed(0), floor=0.3, diagonal=diagonal).mixture.covariances
        torch.testing.assert_close(held[:, 2] if diagonal else held[:, 2, 2], torch.full((2,), 0.3).double())
    diagonal = GaussianMixture(start.weights, start.means, torch.ones(2, 2))
    torch.testing.assert_close(fit_em(x, 2, start=diagonal, floor=0.3).mixture.covariances[1], torch.full((2,), 0.3).double())


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: fit_em(x[:2], 3), "K must be from 1 to the number of rows, 2, got 3"),
        (lambda x: fit_em(x, 0), "K must be from 1"),
        (lambda x: fit_em(x, 2, steps=-1), "steps and tolerance must be at least 0"),
        (lambda x: fit_em(x, 2, tolerance=float("nan")), "steps and tolerance must be at least 0"),
        (lambda x: fit_em(x, 2, start=some_mixture(3, 2)), r"start must have K = 2 components in 2 dimensions, its means are \(3, 2\)"),
        (lambda x: fit_em(x / 0, 2), "x must be finite, row 0"),
        (lambda x: fit_em(x[:, 0], 2), r"x must be rows by columns \(N, D\)"),
        (lambda x: em_step(some_mixture(2, 2), x * torch.nan), "x must be finite"),
        (lambda x: m_step(x, torch.ones(len(x), 1), floor=-1.0), "floor must be a variance, at least 0, got -1"),
        (lambda x: m_step(x, torch.eye(2)[[0] * len(x)]), "component 1 has no rows left"),
        (lambda x: initial_mixture(torch.zeros(5, 2), 2), "K must not exceed the number of different rows: x has 1, K is 2"),
        (lambda x: initial_mixture(x[:, [0, 0]], 2), "the start's shared covariance has collapsed"),
        (lambda x: GaussianMixture(torch.ones(2), torch.zeros(2, 1), torch.ones(2, 1)), "weights must sum to 1, sums to 2"),
        (lambda x: GaussianMixture(torch.ones(1), torch.zeros(2, 1), torch.ones(2, 1)), r"must belong together, got \(1,\)"),
        (lambda x: GaussianMixture(torch.ones(1), torch.zeros(1, 1), torch.zeros(1, 1)), "greater than 0, the smallest is 0"),
        (lambda x: GaussianMixture(torch.ones(1), torch.zeros(1, 2), -torch.eye(2)[None]), r"covariances\[0\] must be positive definite"),
        (lambda x: GaussianMixture(torch.ones(1), torch.full((1, 1), torch.nan), torch.ones(1, 1)), "means must be finite"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(blobs(0))
