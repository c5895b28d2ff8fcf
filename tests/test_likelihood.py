"""Measures of likelihood against closed forms and repeated experiments."""

import math

import pytest
import torch
from scipy import special

from course_lib.classical.gaussian import Gaussian
from course_lib.metrics.likelihood import bits_per_dimension, effective_sample_size, importance_estimate, log_mean_exp, perplexity


def test_a_uniform_byte_costs_eight_bits():
    log_prob = torch.full((5,), 3 * math.log(1 / 256), dtype=torch.float64)  # three bytes a datum
    torch.testing.assert_close(bits_per_dimension(log_prob, D=3), torch.full((5,), 8.0).double())


def test_perplexity_of_a_die_is_its_faces_and_of_two_coins_their_geometric_mean():
    torch.testing.assert_close(perplexity(torch.full((9,), -math.log(6))), torch.tensor(6.0))
    torch.testing.assert_close(perplexity(torch.tensor([1 / 2, 1 / 8]).log()), torch.tensor(4.0))


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_log_mean_exp_equals_scipy_even_far_from_zero(dim):
    x = 50 * torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 2000
    n = x.shape[dim]
    torch.testing.assert_close(log_mean_exp(x, dim), torch.from_numpy(special.logsumexp(x.numpy(), axis=dim, b=1 / n)))


def test_importance_estimate_is_unbiased_and_its_error_honest():
    """A tail of probability 3e-5, sampled around the tail itself."""
    p, q = Gaussian(0.0, 1.0), Gaussian(4.0, 1.0)
    truth = special.ndtr(-4.0)
    scores = []
    for seed in range(200):
        x = q.sample(500, generator=torch.Generator().manual_seed(seed))
        estimate, error = importance_estimate((x > 4).double(), p.log_prob(x), q.log_prob(x))
        scores.append(((estimate - truth) / error).item())
    scores = torch.tensor(scores)
    assert scores.mean().abs() < 5 / math.sqrt(200)
    assert 0.8 < scores.std() < 1.25  # five standard errors of the spread of 200 standard normals


def test_effective_sample_size_between_one_and_all():
    n = 50
    torch.testing.assert_close(effective_sample_size(torch.full((n,), -700.0).double()), torch.tensor(float(n)).double())
    alone = torch.full((n,), -1e4).double()
    alone[3] = 0
    torch.testing.assert_close(effective_sample_size(alone), torch.tensor(1.0).double())
    w = torch.tensor([1.0, 2.0, 4.0]).double()
    torch.testing.assert_close(effective_sample_size(w.log() + 900), torch.tensor(49 / 21).double())


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: bits_per_dimension(torch.zeros(1), D=0), "at least 1, got 0"),
        (lambda: perplexity(torch.tensor([])), "at least one symbol"),
        (lambda: importance_estimate(torch.zeros(1), torch.zeros(1), torch.zeros(1)), "at least 2, got 1, 1 and 1"),
        (lambda: importance_estimate(torch.zeros(3), torch.zeros(2), torch.zeros(3)), "got 3, 2 and 3"),
        (lambda: effective_sample_size(torch.full((3,), -torch.inf)), "all are −∞"),
        (lambda: effective_sample_size(torch.tensor([0.0, torch.nan])), "not a number"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
