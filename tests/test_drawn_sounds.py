"""Sounds drawn by formula: in tune, bounded, the same in every run, and unlike each other."""

import numpy as np
import pytest
import torch

from course_lib.datasets import drawn_sounds

RATE_HZ = 16_000
DRAW = {
    "plucked string": drawn_sounds.plucked_string,
    "blown tube": drawn_sounds.blown_tube,
    **{kind: lambda length, rate_hz, kind=kind: drawn_sounds.everyday(kind, length, rate_hz) for kind in drawn_sounds.EVERYDAY},
}


@pytest.mark.parametrize("what", DRAW)
def test_a_sound_is_as_long_as_asked_bounded_audible_and_the_same_again(what):
    x = DRAW[what](3 * RATE_HZ, RATE_HZ)
    assert x.shape == (3 * RATE_HZ,)
    assert x.dtype == torch.float64
    assert x.abs().max() <= 0.9
    assert 0.01 < x.std() < 0.065
    assert torch.equal(x, DRAW[what](3 * RATE_HZ, RATE_HZ))
    assert DRAW[what](777, RATE_HZ).shape == (777,)


def strongest_hz(x):
    spectrum = torch.fft.rfft(x * torch.hann_window(len(x), dtype=torch.float64)).abs()
    return float(spectrum.argmax()) * RATE_HZ / len(x)


def test_the_string_plays_its_melody_in_tune():
    x = drawn_sounds.plucked_string(7 * RATE_HZ, RATE_HZ)
    at = 0.0
    for semitones, beats in drawn_sounds._STRING[:4]:
        note = x[round(at * RATE_HZ) : round((at + beats * 0.36) * RATE_HZ)]
        wanted = 220 * 2 ** (semitones / 12)
        partial = strongest_hz(note) / wanted
        assert abs(partial / max(1, round(partial)) - 1) < 0.02  # the period is a whole number of samples
        at += beats * 0.36


def test_the_string_dies_away_and_its_high_tones_first():
    x = drawn_sounds.plucked_string(RATE_HZ // 3, RATE_HZ)  # one note
    early, late = (torch.fft.rfft(part).abs() ** 2 for part in (x[:1600], x[-1600:]))
    assert late.sum() < 0.5 * early.sum()
    assert late[300:].sum() / late.sum() < 0.1 * early[300:].sum() / early.sum()


def test_the_tube_has_odd_partials_and_rests():
    x = drawn_sounds.blown_tube(3 * RATE_HZ, RATE_HZ)
    first, last = round(0.75 * 0.41 * RATE_HZ), round(2 * 0.41 * RATE_HZ)
    assert x[: first - 1].abs().max() < 1e-12
    note = x[first:last]
    power = torch.fft.rfft(note * torch.hann_window(len(note), dtype=torch.float64)).abs() ** 2
    pitch = 220 * 2 ** (16 / 12) * len(note) / RATE_HZ

    def around(partial):
        return power[round((partial - 0.1) * pitch) : round((partial + 0.1) * pitch)].sum()

    assert around(1) > around(3) > around(5) > 10 * max(around(2), around(4))


def test_the_two_instruments_can_be_told_apart_by_independence():
    pair = torch.stack([drawn_sounds.plucked_string(7 * RATE_HZ, RATE_HZ), drawn_sounds.blown_tube(7 * RATE_HZ, RATE_HZ)])
    assert abs(torch.corrcoef(pair)[0, 1]) < 0.02
    kurtosis = (pair**4).mean(1) / (pair**2).mean(1) ** 2
    assert (kurtosis > 3.05).all()  # a Gaussian has 3


def test_the_clock_ticks_twice_a_second_and_the_helicopter_beats_twelve_times():
    for kind, beats in (("Clock tick", 2), ("Helicopter", 12)):
        loudness = drawn_sounds.everyday(kind, 4 * RATE_HZ, RATE_HZ).abs()
        spectrum = np.abs(np.fft.rfft(loudness - loudness.mean()))[: 4 * 20]
        assert spectrum.argmax() % (4 * beats) == 0


def test_an_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match=r"kind must be one of \('Rain', .*got 'Cat'"):
        drawn_sounds.everyday("Cat", 100, RATE_HZ)
