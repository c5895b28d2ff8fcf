"""What a linear predictor looks like: its spectrum, its poles, its line spectrum; and vowels as places on a chart.

Taught in: 03_linear_prediction
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from course_lib.plotting import style

ODD, EVEN = style.PALETTE[0], style.PALETTE[3]  # zeros of P, zeros of Q; orange is for poles outside


def spectra_by_order(
    periodogram: ArrayLike, models: Mapping[int, ArrayLike], rate_hz: int, *, apart_db: float | int = 25, ax: Axes | None = None
) -> Axes:
    """Shows how the model's spectrum grows with its order: each over the same periodogram, one above the other.

    Args:
        periodogram: ``(F,)``, at frequencies spaced evenly from 0 to half the rate.
        models: order → power spectrum, ``(F,)``.
        rate_hz: samples a second.
        apart_db: how far one is drawn above the one before.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(6.4, 4.4))
    heard = _level(periodogram)
    khz = np.linspace(0, rate_hz / 2000, len(heard))
    for i, (order, model) in enumerate(models.items()):
        ax.plot(khz, heard + i * apart_db, color=style.DATA, linewidth=0.4, alpha=0.5)
        ax.plot(khz, _level(model) + i * apart_db, color=style.PALETTE[i % len(style.PALETTE)], linewidth=1.6)
        ax.annotate(
            f"order {order}", (khz[-1], _level(model)[-1] + i * apart_db), (4, 0), textcoords="offset points", fontsize="small", va="center"
        )
    ax.set(xlabel="frequency (kHz)", ylabel=f"level (dB, each {apart_db} dB above the last)", xlim=(0, khz[-1]))
    return ax


def formant_chart(
    measured: Mapping[str, tuple[float | int, float | int]],
    averages: Mapping[str, tuple[float | int, float | int]],
    *,
    within: float,
    ax: Axes | None = None,
) -> Axes:
    """Shows vowels by their first two formants, as phoneticians do: the open mouth below, the front of the tongue to the left.

    Args:
        measured: name → (F1, F2) in Hz.
        averages: name → (F1, F2) in Hz, of many speakers.
        within: share of an average that its box reaches to each side.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(5.0, 4.2))
    for i, (name, (f1, f2)) in enumerate(averages.items()):
        colour = style.PALETTE[i % len(style.PALETTE)]
        corner = ((1 - within) * f2, (1 - within) * f1)
        ax.add_patch(Rectangle(corner, 2 * within * f2, 2 * within * f1, facecolor=colour, edgecolor=colour, alpha=0.13))
        ax.plot(f2, f1, "+", color=colour, markersize=8)
        if name in measured:
            ax.plot(measured[name][1], measured[name][0], "o", color=colour)
            ax.annotate(name, (measured[name][1], measured[name][0]), (6, 6), textcoords="offset points", fontsize="x-large", color=colour)
    ax.plot([], [], "+", color=style.DATA, label="average of many men")
    ax.plot([], [], "o", color=style.DATA, label="measured here")
    ax.set(xlabel="second formant (Hz), tongue in front ← → behind", ylabel="first formant (Hz), mouth open ← → closed")
    ax.set(xlim=(2800, 600), ylim=(1050, 200))
    ax.legend(loc="lower left", fontsize="small")
    return ax


def z_plane(poles: ArrayLike, *, line_spectrum: ArrayLike | None = None, ax: Axes | None = None) -> Axes:
    """Shows poles in the plane: inside the circle they ring and fade, outside they grow.

    Args:
        poles: complex, ``(M,)``.
        line_spectrum: ω_1 … ω_M in radians, ``(M,)``: drawn on the upper half of the circle, zeros of P and Q in turn.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(3.8, 3.8))
    poles = np.asarray(poles)
    turn = np.linspace(0, 2 * np.pi, 400)
    ax.plot(np.cos(turn), np.sin(turn), color=style.DATA, linewidth=0.8)
    outside = np.abs(poles) >= 1
    ax.plot(poles[~outside].real, poles[~outside].imag, "x", color=style.TRUTH, markersize=7, markeredgewidth=2, label="poles")
    if outside.any():
        ax.plot(poles[outside].real, poles[outside].imag, "X", color=style.MODEL, markersize=10, label="poles outside")
    if line_spectrum is not None:
        for first, colour, name in ((0, ODD, "zeros of P"), (1, EVEN, "zeros of Q")):
            w = np.asarray(line_spectrum)[first::2]
            ax.plot(np.cos(w), np.sin(w), "o", color=colour, markersize=4, label=name)
    ax.set(xlabel="real part", ylabel="imaginary part", aspect="equal", xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize="small")  # within, it would hide poles
    return ax


def line_spectrum(power: ArrayLike, w: ArrayLike, rate_hz: int, *, periodogram: ArrayLike | None = None, ax: Axes | None = None) -> Axes:
    """Shows a model's spectrum between its line spectral frequencies: where two of them draw near, it peaks.

    Args:
        power: model, ``(F,)``, at frequencies spaced evenly from 0 to half the rate.
        w: ω_1 … ω_M in radians, ``(M,)``; zeros of P and Q in turn.
        rate_hz: samples a second.
        periodogram: ``(F,)``, drawn behind.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    khz = np.linspace(0, rate_hz / 2000, len(np.asarray(power)))
    if periodogram is not None:
        ax.plot(khz, _level(periodogram), color=style.DATA, linewidth=0.4, alpha=0.6)
    for first, colour, name in ((0, ODD, "zeros of P"), (1, EVEN, "zeros of Q")):
        for i, place in enumerate(np.asarray(w)[first::2] * rate_hz / (2000 * np.pi)):
            ax.axvline(place, color=colour, linewidth=0.9, alpha=0.8, label=name if i == 0 else None)
    ax.plot(khz, _level(power), color="black", linewidth=1.8)
    ax.set(xlabel="frequency (kHz)", ylabel="level (dB)", xlim=(0, khz[-1]))
    ax.legend(fontsize="small")
    return ax


def _level(power: ArrayLike) -> np.ndarray:
    """In dB; nothing where there is none."""
    power = np.asarray(power, dtype=float)
    return 10 * np.log10(np.where(power > 0, power, np.nan))
