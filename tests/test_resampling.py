"""A tone keeps its frequency, phase and size at another rate; what lies too high is gone."""

import math

import pytest
import torch

from course_lib.signal.resampling import resample


def tone(hz: float, rate_hz: int, *, seconds: float = 0.25) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz / rate_hz * torch.arange(math.ceil(seconds * rate_hz), dtype=torch.float64))


@pytest.mark.parametrize(("from_hz", "to_hz"), [(22_050, 16_000), (16_000, 8000), (8000, 16_000), (44_100, 16_000), (16_000, 22_050)])
def test_a_tone_stays_the_same_tone(from_hz, to_hz):
    x = torch.stack([tone(440, from_hz), 0.1 * tone(2000, from_hz)])
    y = resample(x, from_hz, to_hz)
    assert y.shape == (2, math.ceil(x.shape[-1] * to_hz / from_hz))
    assert y.dtype == torch.float64
    expected = torch.stack([tone(440, to_hz, seconds=0.2), 0.1 * tone(2000, to_hz, seconds=0.2)])
    inside = slice(200, expected.shape[-1])  # the filter reaches over both ends
    assert (y[:, inside] - expected[:, inside]).abs().max() < 2e-3  # the ripple of SciPy's filter


def test_what_the_new_rate_cannot_carry_is_taken_away():
    kept, gone = resample(tone(3000, 16_000), 16_000, 8000), resample(tone(5000, 16_000), 16_000, 8000)
    assert kept[200:-200].std() == pytest.approx(math.sqrt(0.5), rel=0.01)
    assert gone[200:-200].abs().max() < 2e-3


def test_the_same_rate_copies_and_single_precision_stays():
    x = torch.ones(5)
    same = resample(x, 8000, 8000)
    same[0] = 2
    assert x[0] == 1
    assert resample(x, 8000, 16_000).dtype == torch.float32
    assert resample(torch.ones(1), 16_000, 8000).shape == (1,)
    assert not resample(torch.zeros(50), 16_000, 8000).any()


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: resample(x, 0, 8000), "from_hz and to_hz must be at least 1, got 0 and 8000"),
        (lambda x: resample(x[:0], 8000, 16_000), "x must have at least one sample"),
        (lambda x: resample(x.requires_grad_(), 8000, 16_000), "x must not require a gradient"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(torch.ones(5))
