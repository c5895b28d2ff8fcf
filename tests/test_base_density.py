"""Base densities against torch.distributions and their own samples."""

import math

import pytest
import torch

from course_lib.generative.base_density import Laplace, StandardNormal

REFERENCE = {
    StandardNormal: torch.distributions.Normal(0.0, 1.0),
    Laplace: torch.distributions.Laplace(0.0, 1 / math.sqrt(2)),  # variance 1
}


@pytest.mark.parametrize("kind", REFERENCE)
def test_log_prob_is_that_of_independent_entries(kind):
    z = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(kind(2, 3).log_prob(z), REFERENCE[kind].log_prob(z).sum((1, 2)))


@pytest.mark.parametrize("kind", REFERENCE)
def test_samples_follow_it(kind):
    n = 50_000
    z = kind(3).sample(n, generator=torch.Generator().manual_seed(0))
    assert z.shape == (n, 3)
    for power in (1, 2, 4):
        expected = {1: 0, 2: 1, 4: 3 if kind is StandardNormal else 6}[power]
        moment = z**power
        assert ((moment.mean(0) - expected).abs() < 5 * moment.std(0) / math.sqrt(n)).all()
    assert torch.corrcoef(z.T).triu(1).abs().max() < 5 / math.sqrt(n)


@pytest.mark.parametrize("kind", REFERENCE)
def test_it_follows_the_modules_number_format(kind):
    base = kind(2).double()
    assert base.sample(1).dtype == torch.float64
    assert not base.state_dict()
    before = torch.get_rng_state()
    base.sample(3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)
