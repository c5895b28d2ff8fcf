"""Pictures of codes: what a code length believes about the numbers, and where the bits go.

Taught in: 04_speech_coding_and_synthesis
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_lib.plotting import style


def histogram(values: ArrayLike, *, reach: int, label: str = "", title: str = "", ax: Axes | None = None) -> Axes:
    """Shows the share of each whole number from −reach to reach, on a logarithmic axis.

    Args:
        values: whole numbers, any shape.
        reach: largest magnitude that is shown.
        label: for the legend.
        title: above the axes.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if there are no values, or ``reach`` is below 1.

    Example:
        >>> histogram([0, 0, 1, -1], reach=2).get_xlabel()
        'value'
    """
    values = np.asarray(values).ravel()
    if len(values) == 0 or reach < 1:
        raise ValueError(f"there must be values, and reach must be at least 1, got {len(values)} values and {reach}")
    ax = style.axes(ax)
    width = max(1, 2 * reach // 120)
    edges = np.arange(-reach - 0.5, reach + 0.5 + width, width)
    share = np.histogram(values, edges)[0] / len(values) / width
    ax.bar(edges[:-1], share, width, align="edge", color=style.DATA, label=label)
    ax.set(xlabel="value", ylabel="share", yscale="log", xlim=(-reach, reach), title=title)
    ax.locator_params(axis="x", nbins=5)
    return ax


def bits_by_part(
    rows: Mapping[str, Mapping[str, float | int]], *, marks: Mapping[str, Sequence[Any]] | None = None, ax: Axes | None = None
) -> Axes:
    """Shows what each file's bits are spent on, as stacked bars, and what else it could be compared with, as marks.

    Args:
        rows: for each file the bits of each part, in order; the same parts for all.
        marks: further quantities by name, one number a file.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if the files do not have the same parts, or a mark has not one number a file.

    Example:
        >>> bits_by_part({"one": {"residual": 5.0, "side": 0.2}}, marks={"ideal": [5.1]}).get_xlabel()
        'bits per sample'
    """
    names = list(rows)
    parts = list(rows[names[0]]) if names else []
    if any(list(row) != parts for row in rows.values()) or any(len(mark) != len(names) for mark in (marks or {}).values()):
        raise ValueError(f"every file must have the same parts, and every mark one number for each of the {len(names)} files")
    ax = style.axes(ax, figsize=(6.4, 0.8 + 0.38 * len(names)))
    place, left = np.arange(len(names))[::-1], np.zeros(len(names))
    for part, colour in zip(parts, style.PALETTE, strict=False):
        width = np.array([float(row[part]) for row in rows.values()])
        ax.barh(place, width, 0.6, left, color=colour, label=part)
        left += width
    for (name, numbers), marker in zip((marks or {}).items(), "D|x", strict=False):
        ax.plot([float(number) for number in numbers], place, marker, color="black", markersize=9 if marker == "|" else 5, label=name)
    ax.set(yticks=place, yticklabels=names, xlabel="bits per sample")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax
