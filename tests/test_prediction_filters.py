"""Residual and synthesis: each undoes the other, whatever the filters do."""

import pytest
import torch
from scipy import signal

from course_lib.classical import lpc
from course_lib.classical.prediction_filters import residual, synthesize


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def stable(*shape: int, seed: int = 1) -> torch.Tensor:
    """Coefficients of predictors fitted to frames of wandering noise."""
    return lpc.fit(noise(*shape[:-1], 300, seed=seed).cumsum(-1), shape[-1]).a


def test_the_residual_is_scipys_filter():
    x, a = noise(2, 50), stable(2, 6)
    expected = [torch.from_numpy(signal.lfilter([1.0, *a[i].numpy()], [1.0], x[i].numpy())) for i in range(2)]
    torch.testing.assert_close(residual(x, a), torch.stack(expected))


def test_each_frame_uses_its_own_filter_on_the_signals_own_past():
    x, a, hop = noise(25), stable(3, 4), 10
    by_hand = [x[t] + sum(a[t // hop, m] * x[t - 1 - m] for m in range(4) if t - 1 - m >= 0) for t in range(25)]
    torch.testing.assert_close(residual(x, a, hop=hop), torch.stack(by_hand))


@pytest.mark.parametrize("T", [1, 9, 10, 11, 97])
@pytest.mark.parametrize("hop", [1, 10])
@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_synthesis_of_the_residual_is_the_signal_with_a_new_filter_every_hop(T, hop, batch):
    x, a = noise(*batch, T), stable(*batch, -(-T // hop), 8)  # a hop of 1 is shorter than the filter's memory
    torch.testing.assert_close(synthesize(residual(x, a, hop=hop), a, hop=hop), x, rtol=0, atol=1e-9)
    torch.testing.assert_close(residual(synthesize(x, a, hop=hop), a, hop=hop), x, rtol=0, atol=1e-9)


def test_one_row_of_filters_serves_all_signals():
    x, a = noise(3, 40), stable(4, 5)
    torch.testing.assert_close(residual(x, a, hop=10)[1], residual(x[1], a, hop=10))
    torch.testing.assert_close(synthesize(x, a, hop=10)[1], synthesize(x[1], a, hop=10))
    torch.testing.assert_close(synthesize(x, a[0])[2], synthesize(x[2], a[0]))


def test_a_signal_in_two_pieces_gives_what_the_whole_gives():
    x, a = noise(2, 60), stable(2, 7)
    e = residual(x, a)
    torch.testing.assert_close(residual(x[:, 20:], a, past=x[:, 13:20]), e[:, 20:])
    torch.testing.assert_close(synthesize(e[:, 20:], a, past=x[:, 13:20]), x[:, 20:])


def test_an_unstable_filter_is_inverted_too():
    x = noise(60)
    a = torch.tensor([-2.0, 1.5])
    torch.testing.assert_close(residual(synthesize(x, a), a), x, rtol=0, atol=1e-6)  # it grew by (3/2)^(t/2), and its rounding with it


def test_the_residual_has_gradients():
    x, a = noise(2, 12), stable(2, 2, 3)
    assert torch.autograd.gradcheck(lambda x, a: residual(x, a, hop=6), (x.requires_grad_(), a.requires_grad_()))


def test_no_samples_or_no_coefficients_are_no_trouble():
    a = noise(0)
    assert torch.equal(residual(noise(5), a), noise(5))
    assert torch.equal(synthesize(noise(5), a), noise(5))
    assert residual(noise(2, 0), noise(3)).shape == synthesize(noise(2, 0), noise(3)).shape == (2, 0)


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: residual(noise(20), stable(3, 4), hop=10), r"⌈T / hop⌉ of them.*filters \(3, 4\) for a signal \(20,\) with hop 10"),
        (lambda: synthesize(noise(2, 20), stable(3, 4)), r"got filters \(3, 1, 4\) for a signal \(2, 20\)"),
        (lambda: residual(noise(20), stable(4), hop=10), "there must be one filter"),
        (lambda: residual(noise(20), stable(2, 4), hop=0), "with hop 0"),
        (lambda: synthesize(noise(2, 20), stable(4), past=noise(4)), r"the last 4 samples of each signal, \(2, 4\), got \(4,\)"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
