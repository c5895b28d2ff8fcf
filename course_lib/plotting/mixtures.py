"""Mixtures over the points that they were fitted to.

Taught in: 02_gaussian_mixtures
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike

from course_lib.plotting import style


def ellipses(
    x: ArrayLike,
    weights: ArrayLike,
    means: ArrayLike,
    covariances: ArrayLike,
    *,
    responsibilities: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Shows points and the components of a mixture, each as its ellipse of two standard deviations.

    A component fades with its weight, and is dotted below one per cent. Points take the colour of the component that answers for them, mixed where several do.

    Args:
        x: points, ``(N, 2)``.
        weights: ``(K,)``, summing to 1.
        means: ``(K, 2)``.
        covariances: ``(K, 2, 2)``.
        responsibilities: ``(N, K)``; grey points unless given.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if the points do not lie in the plane.
    """
    x, weights, means, covariances = (np.asarray(a, dtype=float) for a in (x, weights, means, covariances))
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"points must lie in the plane, (N, 2), got shape {x.shape}")
    ax = style.axes(ax, figsize=(4.2, 3.8))
    colours = np.array([_rgb(k) for k in range(len(weights))])  # (K, 3)
    points = style.DATA if responsibilities is None else np.clip(np.asarray(responsibilities) @ colours, 0, 1)
    ax.scatter(*x.T, c=points, s=5, alpha=0.5, linewidths=0)
    for weight, mean, covariance, colour in zip(weights, means, covariances, colours, strict=True):
        variances, directions = np.linalg.eigh(covariance)
        ax.add_patch(
            Ellipse(
                mean,
                *(4 * np.sqrt(variances)),  # full axes: two standard deviations to each side
                angle=np.degrees(np.arctan2(directions[1, 0], directions[0, 0])),
                facecolor="none",
                edgecolor=colour,
                linewidth=2,
                linestyle="-" if weight >= 0.01 else ":",
                alpha=min(1.0, 0.15 + 0.85 * min(1.0, weight * len(weights))),
            )
        )
        ax.plot(*mean, "+", color=colour, markersize=9, markeredgewidth=2, alpha=0.2 if weight < 0.01 else 1.0)
    low, high = x.min(0), x.max(0)
    margin = 0.15 * (high - low).max() or 1.0
    ax.set(
        xlabel="$x_1$", ylabel="$x_2$", aspect="equal", xlim=(low[0] - margin, high[0] + margin), ylim=(low[1] - margin, high[1] + margin)
    )
    return ax


def progress(curves: Mapping[str, ArrayLike], *, ylabel: str, step: int | None = None, ax: Axes | None = None) -> Axes:
    """Shows what each step of an algorithm gained.

    Args:
        curves: name → values, one a step.
        ylabel: name and unit of the values.
        step: marked by a vertical line.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    for name, values in curves.items():
        ax.plot(np.asarray(values), ".-", label=name)
    if step is not None:
        ax.axvline(step, color=style.DATA, linewidth=0.8, linestyle=":")
    ax.set(xlabel="step", ylabel=ylabel)
    ax.legend()
    return ax


def table_of_answers(counts: ArrayLike, *, labels: list[str], unit: str, ax: Axes | None = None) -> Axes:
    """Shows which answers were given for which truth (a confusion matrix).

    Args:
        counts: ``(C, C)``, row: the truth, column: the answer.
        labels: names of the C classes.
        unit: what was counted.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.0, 3.6))
    counts = np.asarray(counts)
    ax.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ax.text(column, row, str(count), ha="center", va="center", fontsize="small", color="white" if row == column else "black")
    ticks = range(len(labels))
    ax.set(xticks=ticks, yticks=ticks, xticklabels=labels, yticklabels=labels, xlabel=f"answer ({unit})", ylabel="truth")
    ax.grid(False)
    return ax


def _rgb(k: int) -> tuple[float, float, float]:
    """Returns the colour of component k, the palette repeating."""
    code = style.PALETTE[k % len(style.PALETTE)]
    return tuple(int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
