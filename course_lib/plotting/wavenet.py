"""What a stack of dilated convolutions hears, and what it expects of the next sample.

Taught in: 11_wavenet
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import ArrayLike

from course_lib.plotting import style


def dilations(dilations: Sequence[int], *, kernel: int = 2, shown: int | None = None, ax: Axes | None = None) -> Axes:
    """Shows a stack of causal convolutions over time: lines from each value to those it is computed from.

    What one output, the last, is computed from is drawn in colour; its receptive field is the coloured row of samples at the bottom.

    Args:
        dilations: of the layers, lowest first.
        kernel: taps of each.
        shown: samples along the time axis; enough for the receptive field and one more unless given.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if a dilation or the kernel is less than 1.
    """
    if kernel < 1 or min(dilations, default=1) < 1:
        raise ValueError(f"kernel and dilations must be at least 1, got {kernel} and {list(dilations)}")
    reach = (kernel - 1) * sum(dilations)
    T = reach + 2 if shown is None else shown
    ax = style.axes(ax, figsize=(7.5, 0.7 + 0.6 * len(dilations)))
    heard = {T - 1}
    for layer in range(len(dilations), 0, -1):
        d = dilations[layer - 1]
        lines = [((t - k * d, layer - 1), (t, layer)) for t in range(T) for k in range(kernel) if t - k * d >= 0]
        used = [line for line in lines if line[1][0] in heard]
        ax.add_collection(LineCollection(lines, colors="0.9", linewidths=0.6, zorder=1))
        ax.add_collection(LineCollection(used, colors=style.PALETTE[0], linewidths=1.3, zorder=2))
        _row(ax, T, layer, heard)
        heard = {t for (t, _), _ in used}
    _row(ax, T, 0, heard)
    names = ["samples", *(f"dilation {d}" for d in dilations)]
    ax.set(xlabel="time (samples)", yticks=range(len(names)), yticklabels=names, xlim=(-0.7, T - 0.3), ylim=(-0.4, len(names) - 0.6))
    ax.set_title(f"{len(dilations)} layers of {kernel} taps: the last output hears {reach + 1} samples", loc="left")
    ax.grid(False)
    return ax


def expectation(probabilities: ArrayLike, codes: ArrayLike, rate_hz: int, *, start_s: float | int = 0, ax: Axes | None = None) -> Axes:
    """Shows at each moment how probable a model holds each level, darker for more, and the level that came.

    Args:
        probabilities: ``(V, T)``, each column sums to 1.
        codes: the levels that came, ``(T,)``.
        rate_hz: samples a second.
        start_s: time of the first sample in seconds.
        ax: where to draw.

    Returns:
        The axes.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    codes = np.asarray(codes)
    if p.ndim != 2 or codes.shape != p.shape[1:]:
        raise ValueError(f"probabilities must be (V, T) and codes (T,), got {p.shape} and {codes.shape}")
    ax = style.axes(ax, figsize=(9.0, 2.8))
    ms = 1000 * (start_s + np.array([-0.5, p.shape[1] - 0.5]) / rate_hz)
    ax.imshow(np.sqrt(p), origin="lower", aspect="auto", extent=(*ms, -0.5, len(p) - 0.5), cmap="Blues", vmin=0, vmax=np.sqrt(0.2))
    ax.plot(1000 * (start_s + np.arange(len(codes)) / rate_hz), codes, ".-", color=style.MODEL, markersize=4, linewidth=0.5)
    ax.set(xlabel="time (ms)", ylabel="level", ylim=(codes.min() - 12, codes.max() + 12))
    ax.grid(False)
    return ax


def bits(rows: Mapping[str, Mapping[str, float]], *, ax: Axes | None = None) -> Axes:
    """Shows what each model spends on a sample, as bars whose parts add up.

    Args:
        rows: model → part → bits per sample; parts may differ from model to model.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(7.5, 0.8 + 0.42 * len(rows)))
    names = list(dict.fromkeys(part for parts in rows.values() for part in parts))
    for place, parts in enumerate(rows.values()):
        start = 0.0
        for part, value in parts.items():
            ax.barh(place, value, left=start, height=0.65, color=style.PALETTE[names.index(part)])
            start += value
        ax.annotate(f"{start:.2f}", (start, place), (4, 0), textcoords="offset points", va="center", fontsize="small")
    for number, part in enumerate(names):
        ax.barh(0, 0, color=style.PALETTE[number], label=part)
    ax.set(xlabel="bits per sample", yticks=range(len(rows)), yticklabels=list(rows))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    if len(names) > 1:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(names), borderaxespad=0)
    return ax


def _row(ax: Axes, T: int, height: int, heard: set[int]) -> None:
    """The values of a layer as dots, coloured where they are heard."""
    times = np.arange(T)
    mine = np.isin(times, list(heard))
    ax.plot(times[~mine], np.full((~mine).sum(), height), "o", color="0.85", markersize=3.5, zorder=3)
    ax.plot(times[mine], np.full(mine.sum(), height), "o", color=style.PALETTE[0], markersize=4.5, zorder=4)
