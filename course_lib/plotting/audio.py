"""Sound over time, over frequency, and over both.

Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis, 06_ica
"""

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_lib.plotting import style
from course_lib.signal import stft, windows


def waveform(x: ArrayLike, rate_hz: int, *, start_s: float | int = 0, label: str = "", ax: Axes | None = None) -> Axes:
    """Shows samples over time.

    Args:
        x: ``(T,)``.
        rate_hz: samples a second.
        start_s: time of the first sample in seconds.
        label: of the line, for a legend.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if ``x`` is not ``(T,)``.
    """
    x = _one_axis(x, "x must be samples (T,)")
    ax = style.axes(ax, figsize=(6.4, 2.0))
    ax.plot(start_s + np.arange(len(x)) / rate_hz, x, linewidth=0.7, label=label or None)
    ax.set(xlabel="time (s)", ylabel="amplitude")
    ax.margins(x=0)
    return ax


def spectrogram(
    x: ArrayLike, rate_hz: int, *, window_s: float = 0.025, range_db: float | int = 70, colourbar: bool = True, ax: Axes | None = None
) -> Axes:
    """Shows the level of each frequency over time.

    Args:
        x: samples, ``(T,)``.
        rate_hz: samples a second.
        window_s: length of the Hann window in seconds: long ones part harmonics, short ones part glottal pulses.
        range_db: what lies this far below the loudest point, or further, stays pale.
        colourbar: whether to draw the scale of levels.
        ax: where to draw.

    Returns:
        The axes; 0 dB is a sine of amplitude 1.

    Raises:
        ValueError: if ``x`` is not ``(T,)``.
    """
    x = _one_axis(x, "x must be samples (T,)")
    ax = style.axes(ax, figsize=(6.4, 2.8))
    window = windows.hann(max(4, round(window_s * rate_hz)))
    hop = max(1, min(len(window) // 4, len(x) // 400))
    amplitude = stft.stft(torch.from_numpy(x), window, hop).abs().numpy() * (2 / window.sum().item())
    top = amplitude.max() or 1.0  # silence stays pale
    level = 20 * np.log10(np.maximum(amplitude, top * 10 ** (-range_db / 20)))
    highest = 20 * np.log10(top)
    half_s, half_khz = hop / rate_hz / 2, rate_hz / 1000 / len(window) / 2  # a picture's point reaches to both sides of its centre
    extent = (-half_s, (2 * level.shape[1] - 1) * half_s, -half_khz, (2 * level.shape[0] - 1) * half_khz)
    limits = {"vmin": highest - range_db, "vmax": highest}
    picture = ax.imshow(level, origin="lower", aspect="auto", extent=extent, cmap="magma_r", interpolation="bilinear", **limits)
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)", xlim=(0, len(x) / rate_hz), ylim=(0, rate_hz / 2000))
    ax.grid(False)
    if colourbar:
        ax.figure.colorbar(picture, ax=ax, label="level (dB)", pad=0.01)
    return ax


def spectrum(power: ArrayLike, rate_hz: int, *, label: str = "", colour: str | None = None, ax: Axes | None = None) -> Axes:
    """Shows a power spectrum in dB; call it again on the same axes to lay a model's over a signal's.

    Args:
        power: ``(F,)``, at frequencies spaced evenly from 0 to half the rate; where it is 0 nothing is drawn.
        rate_hz: samples a second.
        label: of the line, for a legend.
        colour: of the line; the next of the palette unless given.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if ``power`` is not ``(F,)``, or negative somewhere.
    """
    power = _one_axis(power, "power must be (F,)")
    if (power < 0).any():
        raise ValueError(f"power must be at least 0, the smallest is {power.min():.6g}")
    ax = style.axes(ax)
    level = 10 * np.log10(np.where(power > 0, power, np.nan))
    ax.plot(np.linspace(0, rate_hz / 2000, len(power)), level, linewidth=1.2, color=colour, label=label or None)
    ax.set(xlabel="frequency (kHz)", ylabel="level (dB)")
    ax.margins(x=0)
    if label:
        ax.legend()
    return ax


def _one_axis(values: ArrayLike, rule: str) -> np.ndarray:
    """The values in float64, along one axis."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"{rule}, at least one, got shape {values.shape}")
    return values
