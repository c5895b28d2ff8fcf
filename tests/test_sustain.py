"""A held sound is the sound itself where it is long enough, and keeps its pitch and level where it is not."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.signal.sustain import sustain

RATE_HZ = 16_000


def voice(pitch_hz: float, T: int) -> torch.Tensor:
    """Ten harmonics, steady."""
    t = torch.arange(T, dtype=torch.float64) / RATE_HZ
    return sum(torch.sin(2 * math.pi * pitch_hz * i * t + i * i) / (10 * i) for i in range(1, 11))


@given(pitch_hz=st.floats(90, 300))
def test_a_held_voice_keeps_its_pitch(pitch_hz):
    """The seam is no more than half a sample out of step: from one sample to the next it moves as the voice itself does."""
    x = voice(pitch_hz, 900)
    held = sustain(x, 8000)
    assert held.shape == (8000,)
    assert held.diff().abs().max() < 1.1 * x.diff().abs().max()
    period = round(RATE_HZ / pitch_hz)
    assert (held[period:] @ held[:-period]) / held.square().sum() > 0.9
    torch.testing.assert_close(held[:450], x[:450])


def test_whole_periods_go_on_exactly():
    x = voice(200.0, 880)
    torch.testing.assert_close(sustain(x, 5000), voice(200.0, 5000))


def test_the_level_stays():
    held = sustain(voice(123.4, 900), 16_000)
    assert held[8000:].std() / held[:450].std() == pytest.approx(1, abs=0.1)


def test_a_long_sound_is_cut_and_left_alone():
    x = voice(123.4, 900)
    held = sustain(x, 500)
    assert torch.equal(held, x[:500])
    held.zero_()
    assert x.abs().max() > 0


def test_it_rises_from_nothing_and_falls_to_nothing():
    held = sustain(torch.ones(100, dtype=torch.float64), 300, fade=10)
    torch.testing.assert_close(held[:11], torch.arange(11, dtype=torch.float64) / 10)
    assert torch.equal(held, held.flip(0))
    assert (held[10:-10] == 1).all()


@pytest.mark.parametrize("T", [4, 5, 6, 7, 8])
def test_the_shortest_sounds_are_held(T):
    assert torch.equal(sustain(torch.ones(T), 100), torch.ones(100))


@pytest.mark.parametrize(
    ("T", "length", "fade", "message"),
    [(3, 10, 0, "at least 4 samples, got 3"), (10, 0, 0, "length 0"), (10, 10, 6, "fade 6"), (10, 10, -1, "fade -1")],
)
def test_what_cannot_be_held_is_said(T, length, fade, message):
    with pytest.raises(ValueError, match=message):
        sustain(torch.zeros(T), length, fade=fade)
