"""Up and down the orders: against the predictors that are fitted to each order, and against SciPy's roots."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.classical import lpc
from course_lib.classical.reflection import from_reflection, lower_orders, to_reflection


def wandering(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).cumsum(-1)


def test_the_lower_orders_are_what_a_fit_of_that_order_gives():
    x = wandering(3, 200)
    for order, lower in enumerate(lower_orders(lpc.fit(x, 7).a), start=1):
        torch.testing.assert_close(lower, lpc.fit(x, order).a)


def test_reflections_are_those_of_the_recursion():
    predictor = lpc.fit(wandering(2, 3, 300), 12)
    torch.testing.assert_close(to_reflection(predictor.a), predictor.reflection)
    torch.testing.assert_close(from_reflection(predictor.reflection), predictor.a)


@given(k=st.lists(st.floats(-0.95, 0.95), min_size=1, max_size=12))
def test_up_and_down_again(k):
    k = torch.tensor(k, dtype=torch.float64)
    a = from_reflection(k)
    torch.testing.assert_close(to_reflection(a), k, rtol=0, atol=1e-3)  # near ±1 each step down may lose a digit or two
    torch.testing.assert_close(from_reflection(to_reflection(a)), a, rtol=1e-6, atol=1e-6)


@given(k=st.lists(st.floats(-1.5, 1.5).filter(lambda v: abs(abs(v) - 1) > 0.01), min_size=1, max_size=8))
def test_stable_means_every_reflection_is_less_than_one(k):
    """The largest root of z^M A(z) lies inside the circle exactly then."""
    k = torch.tensor(k, dtype=torch.float64)
    companion = torch.diag(torch.ones(len(k) - 1, dtype=torch.float64), -1)
    companion[0] = -from_reflection(k)
    assert bool((k.abs() < 1).all()) == bool(torch.linalg.eigvals(companion).abs().max() < 1)


def test_partial_autocorrelations_have_the_other_sign():
    """The correlation of two samples i apart, each freed by least squares of what the samples between them explain, is −k_i."""
    x = torch.nn.functional.pad(wandering(60), (4, 4))  # zeros before and behind: the autocorrelation method
    k = lpc.fit(x[4:-4], 4).reflection
    for i in range(1, 5):
        stretch = x.unfold(0, i + 1, 1)
        ends, between = stretch[:, [0, -1]], stretch[:, 1:-1]
        if i > 1:
            ends = ends - between @ torch.linalg.lstsq(between, ends).solution
        torch.testing.assert_close(ends[:, 0] @ ends[:, 1] / (ends[:, 0].norm() * ends[:, 1].norm()), -k[i - 1])


def test_no_coefficients_have_no_reflections():
    assert to_reflection(torch.zeros(2, 0)).shape == from_reflection(torch.zeros(2, 0)).shape == (2, 0)


def test_both_have_gradients():
    k = torch.tensor([[-0.9, 0.5, 0.1]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(from_reflection, k)
    assert torch.autograd.gradcheck(to_reflection, from_reflection(k).detach().requires_grad_())


def test_a_pole_on_the_circle_is_named():
    with pytest.raises(ValueError, match="no reflection coefficient may be exactly ±1, the one of order 2 is"):
        to_reflection(torch.tensor([0.3, 1.0]))
