"""The distance by hand, its laws, and what makes it the lecture's: the autocorrelation method minimises it."""

import math

import pytest
import torch
from scipy import optimize

from course_lib.classical import lpc
from course_lib.classical.itakura_saito import itakura_saito
from course_lib.classical.reflection import from_reflection


def positive(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).exp()


def test_by_hand():
    torch.testing.assert_close(itakura_saito(torch.tensor([2.0, 1.0]), torch.tensor([1.0, 1.0])).item(), (1 - math.log(2)) / 2)
    torch.testing.assert_close(itakura_saito(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 1.0])).item(), (math.log(2) - 0.5) / 2)


def test_zero_only_for_equals_and_blind_to_loudness():
    p, q = positive(5, 8), positive(5, 8, seed=1)
    assert (itakura_saito(p, q) > 0).all()
    assert torch.equal(itakura_saito(p, p), torch.zeros(5).double())
    torch.testing.assert_close(itakura_saito(100 * p, 100 * q), itakura_saito(p, q))
    torch.testing.assert_close(itakura_saito(p, q[0])[3], itakura_saito(p[3], q[0]))


def periodogram(x: torch.Tensor, n: int) -> torch.Tensor:
    return torch.fft.fft(x, n).abs() ** 2 / len(x)


def distance(parameters: torch.Tensor, spectrum: torch.Tensor) -> torch.Tensor:
    """Of any stable all-pole model from the periodogram: M numbers whose tanh are reflections, and the logarithm of the gain."""
    a = from_reflection(torch.tanh(parameters[:-1]))
    n = len(spectrum)
    A = torch.fft.fft(torch.cat([torch.ones(1, dtype=torch.float64), a]), n)
    return itakura_saito(spectrum, parameters[-1].exp() / A.abs() ** 2)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_autocorrelation_method_is_the_minimum_over_all_pole_models(seed):
    x = torch.randn(120, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).cumsum(0)
    order, n = 6, 2**14  # longer than 120 + 6, to know r_0 … r_6; and than every pole rings, for the mean of ln |A|² to be 0
    spectrum, predictor = periodogram(x, n), lpc.fit(x, order)
    best = torch.cat([torch.atanh(predictor.reflection), predictor.error_power.log()[None]]).requires_grad_()
    least = distance(best, spectrum)
    (slope,) = torch.autograd.grad(least, best)
    assert slope.abs().max() < 1e-10

    def value_and_slope(parameters):
        p = torch.from_numpy(parameters).requires_grad_()
        value = distance(p, spectrum)
        return value.item(), torch.autograd.grad(value, p)[0].numpy()

    for start in torch.randn(3, order + 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)):
        assert distance(start, spectrum) > least
        found = optimize.minimize(value_and_slope, (best.detach() + 0.3 * start).numpy(), jac=True)
        assert found.fun >= least.item() - 1e-12
        torch.testing.assert_close(found.fun, least.item(), rtol=0, atol=1e-6)  # and goes back there


def test_with_too_short_a_transform_it_is_not():
    x = torch.randn(120, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).cumsum(0)
    predictor = lpc.fit(x, 6)
    best = torch.cat([torch.atanh(predictor.reflection), predictor.error_power.log()[None]]).requires_grad_()
    (slope,) = torch.autograd.grad(distance(best, periodogram(x, 120)), best)
    assert slope.abs().max() > 1e-6


@pytest.mark.parametrize(("p", "q", "message"), [([0.0, 1.0], [1.0, 1.0], "p must be"), ([1.0, 1.0], [-1.0, 1.0], "q must be .* -1")])
def test_what_is_no_power_is_refused(p, q, message):
    with pytest.raises(ValueError, match=message):
        itakura_saito(torch.tensor(p), torch.tensor(q))
