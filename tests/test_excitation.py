"""Pulses of the right strength at the right places, noise where a voice is breathy."""

import math

import pytest
import torch
from torch.testing import assert_close

from course_lib.classical import excitation


def steady(pitch_hz: float, T: int = 16_000) -> torch.Tensor:
    return torch.full((T,), pitch_hz, dtype=torch.float64)


@pytest.mark.parametrize("pitch_hz", [60.0, 100.0, 123.4, 250.0, 400.0])
def test_pulses_have_unit_power_at_any_pitch(pitch_hz):
    power = excitation.pulse_train(steady(pitch_hz), 16_000).square().mean()
    assert 1 - 2 * excitation.FADE < power < 1.01  # what fades below half the rate, and the harmonic cut by it


@pytest.mark.parametrize("pitch_hz", [100.0, 123.0, 317.0])
def test_pulses_have_harmonics_and_nothing_between(pitch_hz):
    spectrum = torch.fft.rfft(excitation.pulse_train(steady(pitch_hz), 16_000)).abs() / 8000  # a bin is 1 Hz; a cosine's amplitude
    harmonics = torch.arange(int(pitch_hz), 7500, int(pitch_hz))
    assert_close(spectrum[harmonics], torch.full((len(harmonics),), 2 * math.sqrt(pitch_hz / 16_000)).double(), rtol=1e-6, atol=0)
    spectrum[:: int(pitch_hz)] = 0
    assert spectrum.max() < 1e-9


def test_pulses_lie_between_samples_where_they_must():
    """160.3 samples a period: every harmonic has its crest at −1, 159.3, 319.6 … and nowhere else."""
    x = excitation.pulse_train(steady(16_000 / 160.3, 16_030), 16_000)
    turns = (torch.arange(16_030, dtype=torch.float64) + 1) / 160.3
    for h in (1, 2, 30, 60):
        assert_close((x * (2 * math.pi * h * turns).cos()).mean().item(), 1 / math.sqrt(160.3), rtol=1e-6, atol=0)
        assert abs((x * (2 * math.pi * h * turns).sin()).mean()) < 1e-9


def test_a_moving_pitch_makes_no_click():
    """A click has power between 5 and 8 kHz at one moment; a glide's loudest 2 ms there are no louder than a steady voice's."""
    glide = excitation.pulse_train(torch.linspace(90, 260, 16_000).double(), 16_000)
    spectrum = torch.fft.rfft(glide)
    amplitude = glide.square().unfold(0, 400, 100).mean(-1)
    assert amplitude.max() < 1.6  # about one pulse more or less in 25 ms
    assert amplitude.min() > 0.5
    assert spectrum.abs().isfinite().all()
    size = glide / (2 * (torch.linspace(90, 260, 16_000).double() / 16_000).sqrt())  # the number of harmonics at a pulse's top
    assert size.max() < 8000 / 90


def test_the_phase_runs_on_where_the_pitch_jumps():
    pitch_hz = torch.cat([steady(100.0, 8040), steady(150.0, 8000)])  # the jump falls between two pulses
    x = excitation.pulse_train(pitch_hz, 16_000)
    tops = (x[1:-1] > x[:-2]) & (x[1:-1] > x[2:]) & (x[1:-1] > 0.6 * x.max())
    gaps = tops.nonzero()[:, 0].diff()
    assert gaps.min() >= 106
    assert gaps.max() <= 161


def test_pitch_is_drawn_through_silence():
    tracked = torch.tensor([0, 0, 100, 0, 0, 0, 140, 0], dtype=torch.float64)
    assert excitation.fill_pitch(tracked).tolist() == [100, 100, 100, 110, 120, 130, 140, 140]
    assert excitation.fill_pitch(torch.zeros(3, dtype=torch.float64)).tolist() == [100, 100, 100]
    voiced = torch.tensor([90.0, 95.0], dtype=torch.float64)
    assert_close(excitation.fill_pitch(voiced), voiced)


def test_bands_are_tiles():
    for rate_hz in (8000, 16_000, 22_050):
        weights = excitation.band_weights(torch.linspace(0, rate_hz / 2000, 301).double(), rate_hz)
        assert_close(weights.sum(1), torch.ones(301).double())
        assert weights.shape[1] == rate_hz // 2000
        assert weights.min() >= 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_periodicity_is_the_share_of_pulses(seed):
    """Pulses below 3 kHz, noise above 5 kHz, half and half of power everywhere: each found as what it is."""
    T, rate_hz, hop = 32_000, 16_000, 160
    pulses = excitation.pulse_train(steady(120.0, T), rate_hz)
    noise = torch.randn(T, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    track = torch.full((T // hop,), 120.0, dtype=torch.float64)
    khz = torch.fft.rfftfreq(T, 1 / rate_hz, dtype=torch.float64) / 1000
    share = ((5 - khz) / 2).clamp(0, 1)
    mixed = torch.fft.irfft(share.sqrt() * torch.fft.rfft(pulses) + (1 - share).sqrt() * torch.fft.rfft(noise), n=T)
    found = excitation.band_periodicity(mixed, track, rate_hz, hop=hop)[5:-5].mean(0)
    assert (found[:2] > 0.95).all()
    assert (found[6:] < 0.3).all()
    assert (found.diff() < 0.05).all()
    half = excitation.band_periodicity((pulses + noise) / math.sqrt(2), track, rate_hz, hop=hop)[5:-5].mean(0)
    assert ((half > 0.3) & (half < 0.7)).all()
    pure = excitation.band_periodicity(noise, track, rate_hz, hop=hop)[5:-5].mean(0)
    assert (pure < 0.3).all()


def test_no_voice_no_periodicity():
    track = torch.zeros(50, dtype=torch.float64)
    assert not excitation.band_periodicity(excitation.pulse_train(steady(100.0, 8000), 16_000), track, 16_000, hop=160).any()


def test_silence_is_not_periodic():
    track = torch.full((50,), 100.0, dtype=torch.float64)
    assert not excitation.band_periodicity(torch.zeros(8000, dtype=torch.float64), track, 16_000, hop=160).any()


@pytest.mark.parametrize("wrong", [0.0, -100.0, 8000.0])
def test_a_pitch_out_of_range_is_told(wrong):
    with pytest.raises(ValueError, match="pitch_hz must lie between 0 and"):
        excitation.pulse_train(torch.tensor([100.0, wrong], dtype=torch.float64), 16_000)
