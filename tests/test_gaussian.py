"""Gaussians against SciPy, closed forms, and Monte Carlo."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_lib.classical.gaussian import (
    Gaussian,
    MultivariateGaussian,
    check_rows,
    fit_gaussian,
    fit_multivariate_gaussian,
    gaussian_kl,
)


def some_gaussian(D: int, seed: int) -> MultivariateGaussian:
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(D, D + 2, dtype=torch.float64, generator=generator)
    return MultivariateGaussian(torch.randn(D, dtype=torch.float64, generator=generator), root @ root.T / D)


def test_log_prob_equals_scipy():
    x = torch.linspace(-3, 5, 9, dtype=torch.float64)
    torch.testing.assert_close(Gaussian(1.5, 0.7).log_prob(x), torch.from_numpy(stats.norm(1.5, math.sqrt(0.7)).logpdf(x.numpy())))


@pytest.mark.parametrize("D", [1, 2, 7])
def test_multivariate_log_prob_equals_scipy(D):
    p = some_gaussian(D, seed=D)
    x = torch.randn(20, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3
    expected = torch.from_numpy(stats.multivariate_normal(p.mean.numpy(), p.covariance.numpy()).logpdf(x.numpy())).reshape(20)
    torch.testing.assert_close(p.log_prob(x), expected)
    torch.testing.assert_close(p.loss(x), -expected.mean() / D)


def test_samples_have_the_moments():
    p, n = some_gaussian(3, seed=5), 40_000
    x = p.sample(n, generator=torch.Generator().manual_seed(1))
    error = (p.covariance.diagonal() / n).sqrt()
    assert ((x.mean(0) - p.mean).abs() < 5 * error).all()
    spread = (p.covariance.diagonal()[:, None] * p.covariance.diagonal() + p.covariance.square()) / n  # Var of Σ̂_ij (Wishart)
    assert ((x.T.cov(correction=0) - p.covariance).abs() < 5 * spread.sqrt()).all()


def test_fit_divides_by_n():
    x = torch.tensor([1.0, 2.0, 4.0, 9.0], dtype=torch.float64)
    fitted = fit_gaussian(x)
    torch.testing.assert_close((fitted.mean, fitted.variance), (torch.tensor(4.0).double(), torch.tensor(9.5).double()))
    rows = torch.stack([x, x.square() % 5], 1)
    expected = torch.from_numpy(stats.multivariate_normal.fit(rows.numpy())[1])
    torch.testing.assert_close(fit_multivariate_gaussian(rows).covariance, expected)


def test_gradient_vanishes_at_the_estimate():
    x = some_gaussian(3, seed=2).sample(50, generator=torch.Generator().manual_seed(2))
    fitted = fit_multivariate_gaussian(x)
    mean, covariance = fitted.mean.requires_grad_(), fitted.covariance.requires_grad_()
    slopes = torch.autograd.grad(MultivariateGaussian(mean, covariance).loss(x), (mean, covariance))
    assert all(slope.abs().max() < 1e-12 for slope in slopes)


@given(st.integers(0, 1000), st.floats(-2, 2), st.floats(0.3, 3))
def test_no_gaussian_is_likelier_than_the_fitted_one(seed, shift, stretch):
    x = torch.randn(30, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    best = fit_gaussian(x)
    assert best.loss(x) <= Gaussian(best.mean + shift, best.variance * stretch).loss(x) + 1e-12


def test_divergence_equals_its_monte_carlo_estimate_and_torch():
    p, q = some_gaussian(3, seed=7), some_gaussian(3, seed=8)
    x = p.sample(100_000, generator=torch.Generator().manual_seed(4))
    terms = p.log_prob(x) - q.log_prob(x)
    assert (gaussian_kl(p, q) - terms.mean()).abs() < 5 * terms.std() / math.sqrt(len(x))
    reference = [torch.distributions.MultivariateNormal(g.mean, g.covariance) for g in (p, q)]
    torch.testing.assert_close(gaussian_kl(p, q), torch.distributions.kl_divergence(*reference))
    narrow, wide = Gaussian(0.3, 0.5), Gaussian(-1.0, 2.0)
    reference = [torch.distributions.Normal(g.mean, g.variance.sqrt()) for g in (narrow, wide)]
    torch.testing.assert_close(gaussian_kl(narrow, wide), torch.distributions.kl_divergence(*reference))
    assert gaussian_kl(p, p).abs() < 1e-12


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: Gaussian(0.0, 0.0), "variance must be finite and greater than 0, got 0.0"),
        (lambda: Gaussian(float("inf"), 1.0), "mean must be finite, got inf"),
        (lambda: MultivariateGaussian(torch.zeros(2), torch.eye(3)), r"covariance must be \(2, 2\) to go with the mean, got \(3, 3\)"),
        (lambda: MultivariateGaussian(torch.zeros(2), torch.tensor([[1.0, 0.5], [0.0, 1.0]])), "covariance must be finite and symmetric"),
        (lambda: MultivariateGaussian(torch.zeros(2), torch.full((2, 2), torch.nan)), "covariance must be finite and symmetric"),
        (lambda: MultivariateGaussian(torch.zeros(2), torch.diag(torch.tensor([1.0, -2.0]))), "smallest eigenvalue is -2"),
        (lambda: fit_gaussian(torch.ones(3)), "x must vary: all 3 values equal 1"),
        (lambda: fit_multivariate_gaussian(torch.ones(2, 3)), "x must fill its 3 dimensions, and these 2 rows do not"),
        (lambda: fit_multivariate_gaussian(torch.arange(6.0)[:, None].expand(6, 2)), "constant or a combination of others"),
        (lambda: check_rows(torch.tensor([[0.0], [torch.inf]])), r"x must be finite, row 1 is \[inf\]"),
        (lambda: check_rows(torch.zeros(0, 2)), r"at least one of each, got shape \(0, 2\)"),
        (lambda: check_rows(torch.zeros(3)), r"got shape \(3,\)"),
        (lambda: gaussian_kl(Gaussian(0.0, 1.0), some_gaussian(2, 0)), "as many dimensions, got 1 and 2"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
