"""Densities of one source: normalised, with scores that are their derivatives, and draws that follow them."""

import math

import pytest
import torch
from scipy import stats

from course_lib.classical.source_densities import Adaptive, Laplace, Logistic, SourceDensity

DENSITIES = {
    "Laplace": Laplace(),
    "Logistic": Logistic(),
    "Adaptive, peaked": Adaptive(torch.ones(1)),
    "Adaptive, flat": Adaptive(-torch.ones(1)),
}


@pytest.fixture(params=DENSITIES)
def density(request) -> SourceDensity:
    return DENSITIES[request.param]


def line() -> torch.Tensor:
    return torch.linspace(-40, 40, 400_001, dtype=torch.float64)[:, None]


def test_each_knows_what_a_source_density_must(density):
    assert isinstance(density, SourceDensity)


def test_probability_sums_to_one(density):
    total = density.log_prob(line()).exp().sum() * 80 / 400_000
    torch.testing.assert_close(total, torch.tensor(1.0).double(), rtol=0, atol=2e-8)  # the kink of Laplace's, on this grid


def test_the_first_two_equal_scipys():
    x = torch.linspace(-9, 9, 101, dtype=torch.float64)
    torch.testing.assert_close(Laplace().log_prob(x), torch.from_numpy(stats.laplace(scale=math.sqrt(0.5)).logpdf(x)))
    torch.testing.assert_close(Logistic().log_prob(x), torch.from_numpy(stats.logistic(scale=math.sqrt(3) / math.pi).logpdf(x)))


def test_flat_is_two_gaussians():
    x = torch.linspace(-9, 9, 101, dtype=torch.float64)[:, None]
    two = (stats.norm(1).pdf(x.numpy()) + stats.norm(-1).pdf(x.numpy())) / 2
    torch.testing.assert_close(Adaptive(-torch.ones(1)).log_prob(x), torch.from_numpy(two).log())


def test_score_and_curvature_are_derivatives(density):
    x = torch.linspace(-5, 5, 100, dtype=torch.float64)[:, None].requires_grad_()  # 0 is not among them
    log_prob, score, curvature = density.evaluate(x)
    torch.testing.assert_close(log_prob, density.log_prob(x))
    torch.testing.assert_close(score, density.score(x))
    (slope,) = torch.autograd.grad(density.log_prob(x).sum(), x)
    torch.testing.assert_close(score.detach(), slope)
    if not isinstance(density, Laplace):  # whose slope jumps
        (bend,) = torch.autograd.grad(density.score(x).sum(), x)
        torch.testing.assert_close(curvature.detach(), -bend)


def test_laplaces_kink_is_spread_and_lost_nowhere():
    x = torch.linspace(-1, 1, 20_001, dtype=torch.float64)
    fall = Laplace().score(x[:1]) - Laplace().score(x[-1:])
    torch.testing.assert_close(Laplace().evaluate(x)[2].sum() * 1e-4, fall[0], rtol=1e-3, atol=0)  # a step at a grid point


def test_large_values_do_not_overflow(density):
    far = torch.tensor([[1e3], [-1e3]], dtype=torch.float64)
    assert all(part.isfinite().all() for part in density.evaluate(far))


def test_draws_follow_the_density(density):
    n = 50_000
    draws = density.sample(n, 1, generator=torch.Generator().manual_seed(0))
    probability = density.log_prob(line())[:, 0].exp() * 80 / 400_000
    for power in (2, 4):
        expected = (line()[:, 0].abs() ** power * probability).sum()
        values = draws[:, 0].abs() ** power
        assert abs(values.mean() - expected) < 5 * values.std() / math.sqrt(n)
    assert abs(draws.mean()) < 5 * draws.std() / math.sqrt(n)


@pytest.mark.parametrize("density", [Laplace(), Logistic()])
def test_variance_is_one(density):
    probability = density.log_prob(line()).exp() * 80 / 400_000
    torch.testing.assert_close((line().square() * probability).sum(), torch.tensor(1.0).double(), rtol=1e-6, atol=0)
    assert density.adapted(torch.zeros(3, 2)) is density


def test_shapes_are_chosen_source_by_source():
    generator = torch.Generator().manual_seed(0)
    flat, peaked = torch.rand(5000, 2, generator=generator).double() - 0.5, Laplace().sample(5000, 2, generator=generator)
    sources = torch.cat([flat * 3, peaked, flat[:, :1].sign()], 1)
    adapted = Adaptive(torch.ones(5)).adapted(sources)
    assert adapted.signs.tolist() == [-1, -1, 1, 1, -1]
    assert adapted.adapted(sources) is adapted


def test_a_sign_is_one_or_minus_one():
    with pytest.raises(ValueError, match=r"signs must be 1 .* or -1 .*, got \[0.5\]"):
        Adaptive(torch.tensor([0.5]))
