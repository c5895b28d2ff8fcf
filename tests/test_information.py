"""Entropy and its kin against SciPy, and the laws between them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_lib.classical.information import cross_entropy, entropy, kl_divergence, mutual_information

weights = st.lists(st.floats(0, 1), min_size=6, max_size=6).filter(lambda w: sum(w) > 0.1)


def table(w) -> torch.Tensor:
    w = torch.tensor(w, dtype=torch.float64)
    return w / w.sum()


@given(weights, weights)
def test_equal_to_scipy(p, q):
    p, q = table(p), table(q)
    torch.testing.assert_close(entropy(p), torch.tensor(stats.entropy(p), dtype=torch.float64))
    torch.testing.assert_close(kl_divergence(p, q), torch.tensor(stats.entropy(p, q), dtype=torch.float64), rtol=1e-7, atol=1e-12)


@given(weights, weights)
def test_divergence_is_never_negative_and_closes_the_gap(p, q):
    p, q = table(p), table(q)
    assert kl_divergence(p, q) >= -1e-14  # rounding of a sum of six terms
    torch.testing.assert_close(cross_entropy(p, q), entropy(p) + kl_divergence(p, q))
    assert entropy(p) <= math.log(6) + 1e-14


@given(weights)
def test_mutual_information_is_what_the_entropies_share(w):
    joint = table(w).reshape(2, 3)
    shared = entropy(joint.sum(1)) + entropy(joint.sum(0)) - entropy(joint)
    torch.testing.assert_close(mutual_information(joint), shared, rtol=1e-7, atol=1e-12)


def test_mutual_information_of_independent_and_of_equal_variables():
    p, q = table([1, 2, 3]), table([4, 1])
    assert abs(mutual_information(p[:, None] * q)) < 1e-15
    torch.testing.assert_close(mutual_information(torch.diag(p)), entropy(p))
    rare = torch.tensor([[1.0, 1e-200], [0.0, 0.0]], dtype=torch.float64)
    assert abs(mutual_information(rare)) < 1e-15
    assert abs(mutual_information(torch.tensor([[1e-200, 0.0], [0.0, 1.0]], dtype=torch.float64))) < 1e-15  # 1e-200² is no number


def test_what_the_model_rules_out_costs_infinitely_much():
    p, q = torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])
    assert kl_divergence(p, q) == cross_entropy(p, q) == math.inf
    torch.testing.assert_close(kl_divergence(q, p).item(), math.log(2))


@pytest.mark.usefixtures("own_messages")
def test_a_mistake_is_named():
    half = torch.tensor([0.5, 0.5])
    with pytest.raises(ValueError, match=r"p and q must list the same outcomes, got shapes \(2,\) and \(3,\)"):
        kl_divergence(half, torch.ones(3) / 3)
    with pytest.raises(ValueError, match="q must sum to 1"):
        cross_entropy(half, half * 2)
    with pytest.raises(ValueError, match="joint must sum to 1"):
        mutual_information(torch.eye(2))
    with pytest.raises(ValueError, match="p must hold probabilities"):
        entropy(torch.tensor([1.5, -0.5]))
