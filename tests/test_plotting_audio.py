"""What the figures of sounds show is read back from the Axes."""

import math

import matplotlib
import numpy as np
import pytest
import torch

from course_lib.plotting import audio

matplotlib.use("Agg")


def tone(hz: float, *, rate_hz: int = 8000, seconds: float = 1.0, amplitude: float = 0.5) -> torch.Tensor:
    return amplitude * torch.sin(2 * math.pi * hz / rate_hz * torch.arange(int(seconds * rate_hz), dtype=torch.float64))


def test_a_waveform_has_seconds_below_it():
    x = tone(3.0)
    ax = audio.waveform(x, 8000, start_s=2.0)
    times, values = ax.lines[0].get_data()
    np.testing.assert_array_equal(values, x)
    assert (times[0], times[-1]) == (2.0, 2.0 + 7999 / 8000)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "amplitude")


def test_a_spectrogram_shows_a_tone_at_its_frequency_time_and_level():
    x = torch.cat([tone(1000), torch.zeros(8000), tone(3000, amplitude=0.05)])
    ax = audio.spectrogram(x, 8000)
    picture = ax.images[0]
    level, (left, right, bottom, top) = picture.get_array(), picture.get_extent()
    seconds = np.linspace(left, right, 2 * level.shape[1] + 1)[1::2]
    khz = np.linspace(bottom, top, 2 * level.shape[0] + 1)[1::2]
    assert (khz[0], khz[-1]) == (pytest.approx(0.0), pytest.approx(4.0))
    first, last = np.abs(seconds - 0.5).argmin(), np.abs(seconds - 2.5).argmin()
    assert khz[level[:, first].argmax()] == pytest.approx(1.0)
    assert khz[level[:, last].argmax()] == pytest.approx(3.0)
    assert level[:, first].max() == pytest.approx(20 * math.log10(0.5), abs=0.1)  # abs: the other side's leakage
    assert level[:, last].max() == pytest.approx(20 * math.log10(0.05), abs=0.1)
    heard = seconds[level.max(0) > level.max() - 30]
    assert heard[heard < 1.5].max() == pytest.approx(1.0, abs=0.02)  # abs: under one window
    assert heard[heard > 1.5].min() == pytest.approx(2.0, abs=0.02)
    assert picture.origin == "lower"  # else all of the above is drawn upside down
    assert ax.get_xlim() == (0, 3)
    assert ax.get_ylim() == (0, 4)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "frequency (kHz)")
    assert ax.figure.axes[1].get_ylabel() == "level (dB)"


def test_the_scale_of_levels_ends_at_the_loudest_point():
    ax = audio.spectrogram(tone(1000), 8000, range_db=40.0)
    low, high = ax.images[0].get_clim()
    assert high == pytest.approx(ax.images[0].get_array().max())
    assert high - low == pytest.approx(40.0)


@pytest.mark.parametrize("x", [torch.zeros(4000), torch.zeros(1), torch.ones(1), torch.ones(37)])
def test_silence_and_a_single_sample_can_be_drawn(x):
    ax = audio.spectrogram(x, 8000, colourbar=False)
    assert len(ax.figure.axes) == 1
    level, (low, _) = ax.images[0].get_array(), ax.images[0].get_clim()
    assert np.isfinite(level).all()
    if not x.any():
        np.testing.assert_allclose(level, low)
    ax.figure.canvas.draw()


def test_spectra_lie_over_each_other():
    ax = audio.spectrum(np.array([1.0, 10.0, 0.0, 100.0]), 8000, label="signal")
    audio.spectrum(torch.ones(8), 8000, label="model", colour="#d55e00", ax=ax)
    khz, level = ax.lines[0].get_data()
    np.testing.assert_allclose(khz, [0, 4 / 3, 8 / 3, 4])
    np.testing.assert_allclose(level, [0, 10, np.nan, 20])
    assert ax.lines[1].get_color() == "#d55e00"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["signal", "model"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("frequency (kHz)", "level (dB)")


@pytest.mark.parametrize("draw", [audio.waveform, audio.spectrogram, audio.spectrum])
def test_more_axes_than_one_are_refused(draw):
    with pytest.raises(ValueError, match=r"must be .*\(.,\), at least one, got shape \(2, 3\)"):
        draw(np.ones((2, 3)), 8000)


def test_negative_power_is_refused():
    with pytest.raises(ValueError, match="power must be at least 0, the smallest is -1"):
        audio.spectrum([1.0, -1.0], 8000)
