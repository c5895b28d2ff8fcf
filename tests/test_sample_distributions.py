"""Both against torch.distributions, their draws against their densities."""

import math

import pytest
import torch

from course_lib.generative.sample_distributions import Categorical, Gaussian


def test_a_level_has_its_softmax():
    logits = torch.randn(2, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = torch.randint(5, (2, 7), generator=torch.Generator().manual_seed(1))
    expected = torch.distributions.Categorical(logits=logits.mT).log_prob(x)
    torch.testing.assert_close(Categorical(5).log_prob(x, logits), expected)


def test_levels_are_drawn_where_the_cumulated_probability_passes_u():
    logits = torch.tensor([[0.2, 0.5, 0.3]], dtype=torch.float64).log().expand(6, -1)
    u = torch.tensor([0.0, 0.1999, 0.2001, 0.6999, 0.7001, 1 - 1e-16], dtype=torch.float64)
    assert Categorical(3).draw(logits, u).tolist() == [0, 0, 1, 1, 2, 2]


def test_a_level_without_probability_is_never_drawn():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]])
    for u in (0.0, 0.5, 1 - 1e-16):
        assert Categorical(3).draw(logits, torch.tensor([u], dtype=torch.float64)).item() == 1


def test_temperature_raises_probabilities_to_a_power():
    n, logits = 40_000, torch.tensor([0.2, 0.5, 0.3]).log()
    u = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    share = torch.bincount(Categorical(3).draw(logits.expand(n, -1), u, temperature=0.5), minlength=3) / n
    torch.testing.assert_close(share, torch.tensor([0.04, 0.25, 0.09]) / 0.38, rtol=0, atol=1e-3)


def test_levels_that_are_close_enter_and_leave_alike():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        levels = Categorical(256)
        table, leaves = levels.entrance(32).weight.detach(), levels.exit(32, bias=True).weight.detach()[..., 0]
    near, far = (table[1:] - table[:-1]).norm(dim=1).mean(), (table[128:] - table[:128]).norm(dim=1).mean()
    assert near < far / 10
    assert 0.3 < table.std() < 1.5
    assert (leaves[1:] - leaves[:-1]).norm(dim=1).mean() < (leaves[128:] - leaves[:128]).norm(dim=1).mean() / 10
    assert 0.5 < math.sqrt(32) * leaves.std() < 1.5


def test_what_enters_is_the_row_of_the_level():
    levels = Categorical(4)
    table = levels.entrance(3)
    x = torch.tensor([[2, 0]])
    torch.testing.assert_close(levels.enter(table, x), torch.stack([table.weight[2], table.weight[0]], 1)[None])


def test_a_number_has_its_normal_density():
    model = Gaussian().double()
    with torch.no_grad():
        model.log_var.fill_(0.7)
    x, mean = torch.randn(2, 3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.distributions.Normal(mean, model.log_var.exp().sqrt()).log_prob(x)
    torch.testing.assert_close(model.log_prob(x, mean[:, None]), expected)


def test_numbers_are_drawn_by_the_inverse_of_the_distribution_function():
    model = Gaussian().double()
    with torch.no_grad():
        model.log_var.fill_(0.7)
        u = torch.linspace(0.01, 0.99, 9, dtype=torch.float64)
        expected = torch.distributions.Normal(2.0, model.log_var.exp().sqrt()).icdf(u)
        torch.testing.assert_close(model.draw(torch.full((9, 1), 2.0, dtype=torch.float64), u), expected)
        assert model.draw(torch.zeros(1, 1).double(), torch.zeros(1).double()).isfinite().all()
        cold = model.draw(torch.full((9, 1), 2.0, dtype=torch.float64), u, temperature=0.25)
    torch.testing.assert_close(cold - 2, (expected - 2) / 2)


def test_refuses_a_single_level():
    with pytest.raises(ValueError, match="levels must be at least 2, got 1"):
        Categorical(1)
