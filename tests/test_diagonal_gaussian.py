"""One Gaussian a row: its density and divergence against torch.distributions and quadrature, its draws against both."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from course_lib.generative.diagonal_gaussian import DiagonalGaussian, standard_normal_log_prob


def some_gaussians(B: int = 4, K: int = 3, seed: int = 0) -> DiagonalGaussian:
    generator = torch.Generator().manual_seed(seed)
    mean, log_var = (torch.randn(B, K, dtype=torch.float64, generator=generator) for _ in range(2))
    return DiagonalGaussian(mean.requires_grad_(), log_var.requires_grad_())


def reference(q: DiagonalGaussian) -> Normal:
    return Normal(q.mean, (q.log_var / 2).exp())


def test_the_density_is_that_of_independent_gaussians():
    q = some_gaussians()
    z = q.sample(5, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(q.log_prob(z), reference(q).log_prob(z).sum(-1))
    torch.testing.assert_close(q.log_prob(z[0]), reference(q).log_prob(z[0]).sum(-1))
    standard = Normal(torch.zeros(()).double(), torch.ones(()).double())
    torch.testing.assert_close(standard_normal_log_prob(z), standard.log_prob(z).sum(-1))


def test_the_divergence_is_the_closed_form_and_the_integral():
    q = some_gaussians()
    standard = Normal(torch.zeros(3).double(), torch.ones(3).double())
    torch.testing.assert_close(q.kl_per_axis(), kl_divergence(reference(q), standard))
    torch.testing.assert_close(q.kl(), q.kl_per_axis().sum(1))
    line = torch.linspace(-25, 25, 20001, dtype=torch.float64)[:, None, None]
    log_q = reference(q).log_prob(line)
    integral = (log_q.exp() * (log_q - standard.log_prob(line))).sum(0) * 50 / 20000
    torch.testing.assert_close(q.kl_per_axis(), integral)


def test_the_divergence_is_zero_at_the_prior_alone():
    prior = DiagonalGaussian(torch.zeros(1, 3), torch.zeros(1, 3))
    assert prior.kl() == 0
    for mean, log_var in ((0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1)):
        assert DiagonalGaussian(torch.tensor([[mean]]), torch.tensor([[log_var]])).kl() > 0
    assert DiagonalGaussian(torch.zeros(1, 1), torch.tensor([[1e-4]])).kl() > 0  # exp(x) − 1 − x by its parts would be 0 or less in float32


def test_draws_have_the_mean_and_the_spread_and_share_no_noise():
    q, n = some_gaussians(), 50_000
    z = q.sample(n, generator=torch.Generator().manual_seed(2)).detach()
    assert z.shape == (n, 4, 3)
    std = (q.log_var / 2).exp()
    assert ((z.mean(0) - q.mean).abs() < 5 * std / math.sqrt(n)).all()
    assert ((z.var(0) / std.square() - 1).abs() < 5 * math.sqrt(2 / n)).all()
    together = torch.corrcoef(z.reshape(n, 12).T) - torch.eye(12)
    assert together.abs().max() < 5 / math.sqrt(n)  # neither coordinates nor rows have their noise in common
    kurtosis = ((z - q.mean) / std).pow(4).mean(0)
    assert ((kurtosis - 3).abs() < 5 * math.sqrt(96 / n)).all()  # Gaussian noise, not uniform (1.8)


def test_the_gradient_goes_through_the_draw():
    """∂z/∂μ = 1 and ∂z/∂log σ² = σ ε / 2, each entry its own."""
    q = some_gaussians()
    eps = torch.randn(1, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    q.at(eps).sum().backward()
    torch.testing.assert_close(q.mean.grad, torch.ones(4, 3).double())
    torch.testing.assert_close(q.log_var.grad, 0.5 * (q.log_var / 2).exp() * eps[0])
    torch.testing.assert_close(q.sample(1, generator=torch.Generator().manual_seed(3)), q.at(eps))


def test_one_noise_may_serve_all_rows():
    q = some_gaussians()
    eps = torch.randn(7, 1, 3, dtype=torch.float64)
    torch.testing.assert_close(q.at(eps), q.at(eps.expand(7, 4, 3)))


def test_mean_and_log_variance_belong_together(own_messages):
    with pytest.raises(ValueError, match=r"one shape, got \(2, 3\) and \(2, 4\)"):
        DiagonalGaussian(torch.zeros(2, 3), torch.zeros(2, 4))
