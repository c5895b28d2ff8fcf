"""The coin and the die against SciPy, closed forms and their own samples."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_lib.classical.discrete import Bernoulli, Categorical, check_probabilities, fit_bernoulli, fit_categorical


def test_bernoulli_log_prob_equals_scipy():
    x = torch.tensor([0, 1, 1, 0])
    for theta in (0.2, 0.5, 1e-9, 1 - 1e-9):
        expected = torch.from_numpy(stats.bernoulli(theta).logpmf(x.numpy()))
        # SciPy takes log(1 - θ), which has lost ten digits at θ = 1e-9; ours keeps them
        torch.testing.assert_close(Bernoulli(theta).log_prob(x), expected, rtol=1e-6, atol=1e-12)


def test_a_certain_coin_has_no_nan():
    torch.testing.assert_close(Bernoulli(1.0).log_prob(torch.tensor([1, 0])), torch.tensor([0.0, -math.inf], dtype=torch.float64))
    torch.testing.assert_close(Bernoulli(0.0).log_prob(torch.tensor([1, 0])), torch.tensor([-math.inf, 0.0], dtype=torch.float64))


def test_seven_throws_give_four_sevenths_where_the_gradient_vanishes():
    x = torch.tensor([1, 0, 1, 0, 1, 1, 0])
    theta = fit_bernoulli(x).theta.requires_grad_()
    assert abs(theta.item() - 4 / 7) < 1e-15
    (slope,) = torch.autograd.grad(Bernoulli(theta).loss(x), theta)
    assert abs(slope) < 1e-14
    (slope,) = torch.autograd.grad(Bernoulli(wrong := torch.tensor(0.5, requires_grad=True)).loss(x), wrong)
    torch.testing.assert_close(slope, torch.tensor((0.5 - 4 / 7) / 0.25))  # d loss/dθ = (θ − x̄) / (θ (1 − θ))


def test_categorical_log_prob_equals_scipy():
    probs = torch.tensor([0.1, 0.0, 0.6, 0.3])
    x = torch.tensor([0, 2, 3, 1])
    expected = torch.from_numpy(stats.multinomial(1, (probs.double() / probs.double().sum()).numpy()).logpmf(torch.eye(4)[x].numpy()))
    torch.testing.assert_close(Categorical(probs).log_prob(x), expected, rtol=1e-6, atol=1e-6)  # probs come from float32


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_no_die_is_likelier_than_the_fitted_one(throws):
    x = torch.tensor(throws)
    best = fit_categorical(x, V=5)
    torch.testing.assert_close(best.probs, torch.tensor([throws.count(v) / len(throws) for v in range(5)], dtype=torch.float64))
    for mix in (0.01, 0.5):
        other = Categorical((1 - mix) * best.probs + mix / 5)
        assert best.loss(x) <= other.loss(x) + 1e-12


@pytest.mark.parametrize("probs", [[0.5, 0.5], [0.05, 0.0, 0.15, 0.8], [1.0, 0.0]])
def test_samples_of_a_die_follow_its_probabilities(probs):
    n = 20_000
    x = Categorical(torch.tensor(probs, dtype=torch.float64)).sample(n, generator=torch.Generator().manual_seed(3))
    share = torch.bincount(x, minlength=len(probs)) / n
    for p, seen in zip(probs, share.tolist(), strict=True):
        assert abs(seen - p) <= 5 * math.sqrt(p * (1 - p) / n)  # five standard errors; exact where p is 0 or 1


def test_sample_of_none_is_empty():
    assert Categorical(torch.tensor([1.0])).sample(0).shape == (0,)
    assert Bernoulli(0.5).sample(0).shape == (0,)


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: Bernoulli(1.2), "theta must be a probability between 0 and 1, got 1.2"),
        (lambda: Bernoulli(float("nan")), "theta must be a probability"),
        (lambda: Categorical(torch.tensor([0.5, 0.6])), "probs must sum to 1, sums to 1.1"),
        (lambda: Categorical(torch.tensor([1.5, -0.5])), "probs must hold probabilities.*smallest entry is -0.5"),
        (lambda: check_probabilities(torch.zeros(3), "p"), "p must sum to 1, sums to 0"),
        (lambda: fit_bernoulli(torch.tensor([0, 2])), "x must hold only 0 and 1, found 2"),
        (lambda: fit_bernoulli(torch.tensor([])), "at least one throw"),
        (lambda: fit_categorical(torch.tensor([0, 6]), V=6), "faces from 0 to 5, found 6"),
        (lambda: Categorical(torch.tensor([1.0])).log_prob(torch.tensor([-1])), "faces from 0 to 0, found -1"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
