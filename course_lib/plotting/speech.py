"""Speech as a vocoder sees it: lags and pitch, pulses through a tract, bits against distance.

Taught in: 04_speech_coding_and_synthesis
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import ArrayLike

from course_lib.plotting import style


def pitch_map(alike: ArrayLike, lag_s: ArrayLike, pitch_hz: ArrayLike, *, hop_s: float, ax: Axes | None = None) -> Axes:
    """Shows how alike speech is to itself at each lag, and the path that was chosen.

    Args:
        alike: likeness, −1 to 1, ``(N, K)``.
        lag_s: lags in seconds, evenly spaced, ``(K,)``.
        pitch_hz: 0 where there is no voice, ``(N,)``.
        hop_s: seconds from frame to frame.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    alike, lag_s, pitch_hz = (np.asarray(a, dtype=float) for a in (alike, lag_s, pitch_hz))
    if alike.shape != (len(pitch_hz), len(lag_s)):
        raise ValueError(f"alike must be (frames, lags) = ({len(pitch_hz)}, {len(lag_s)}), got shape {alike.shape}")
    ax = style.axes(ax, figsize=(8.5, 3.0))
    extent = (-hop_s / 2, (len(pitch_hz) - 0.5) * hop_s, 1000 * lag_s[0], 1000 * lag_s[-1])
    picture = ax.imshow(alike.T, origin="lower", aspect="auto", extent=extent, cmap="Greys", vmin=0, vmax=1)
    ax.figure.colorbar(picture, ax=ax, label="likeness", pad=0.01)
    period = np.where(pitch_hz > 0, 1000 / np.maximum(pitch_hz, 1e-9), np.nan)
    ax.plot(np.arange(len(pitch_hz)) * hop_s, period, color=style.MODEL, label="chosen period")
    ax.set(xlabel="time (s)", ylabel="lag (ms)", ylim=extent[2:])
    ax.legend(loc="upper right", frameon=True)
    ax.grid(False)
    return ax


def source_and_tract(
    source_khz: ArrayLike,
    source_db: ArrayLike,
    tract_khz: ArrayLike,
    tract_db: ArrayLike,
    *,
    levels_db: tuple[float | int, float | int],
    figure: FigureBase,
) -> None:
    """Shows harmonics, the vocal tract's response, and the two multiplied: three panels, in dB, where a product is a sum.

    Args:
        source_khz: the harmonics' frequencies, ``(H,)``.
        source_db: their levels, ``(H,)``.
        tract_khz: frequencies of the response, rising, ``(F,)``.
        tract_db: the response, ``(F,)``.
        levels_db: lowest and highest level that is shown, so that figures can be compared.
        figure: where to draw.
    """
    source_khz, source_db, tract_khz, tract_db = (np.asarray(a, dtype=float) for a in (source_khz, source_db, tract_khz, tract_db))
    speech_db = source_db + np.interp(source_khz, tract_khz, tract_db)
    left, middle, right = figure.subplots(1, 3, sharey=True)
    left.vlines(source_khz, levels_db[0], source_db, color=style.DATA, linewidth=1.2)
    left.set(title="vocal folds", ylabel="level (dB)", ylim=levels_db)
    middle.plot(tract_khz, tract_db, color=style.MODEL)
    middle.set(title="+ vocal tract, in dB", xlabel="frequency (kHz)")
    right.vlines(source_khz, levels_db[0], speech_db, color=style.DATA, linewidth=1.2)
    right.plot(tract_khz, tract_db + np.interp(tract_khz, source_khz, source_db), ":", color=style.MODEL)
    right.set(title="= speech, in dB")
    for ax in (left, middle, right):
        ax.set_xlim(0, tract_khz[-1])


def rate_and_distance(names: Sequence[str], bits_per_s: ArrayLike, distance_db: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Shows what each way of sending speech costs, and how far from it the sound is.

    Args:
        names: of the ways.
        bits_per_s: what they cost.
        distance_db: log-spectral distance of what arrives from what was said.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(6.4, 3.2))
    for i, (name, bits, distance) in enumerate(zip(names, np.asarray(bits_per_s), np.asarray(distance_db), strict=True)):
        above = i % 2 == 0  # by turns, so that names of neighbours do not collide
        ax.plot(bits, distance, "o", markersize=8)
        ax.annotate(name, (bits, distance), xytext=(0, 9 if above else -17), textcoords="offset points", ha="center", fontsize="small")
    ax.set(xscale="log", xlabel="bits a second", ylabel="log-spectral distance (dB)")
    ax.margins(x=0.18, y=0.22)
    return ax
