"""Filters, the matrices that they are, what they answer, and what reaches the weights of deep stacks of them.

Taught in: 08_convolutional_networks
"""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from course_lib.plotting import style


def signed(
    values: ArrayLike,
    *,
    limit: float | int | None = None,
    numbers: bool = False,
    grid: bool = False,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Shows numbers of either sign as colour: red above 0, blue below, white at 0.

    Args:
        values: ``(H, W)``; nan is left grey.
        limit: the size that has the full colour; the largest of all unless given.
        numbers: whether to write each number into its place.
        grid: whether to draw lines between the places.
        title: above.
        ax: where to draw.

    Returns:
        The axes.
    """
    values = np.asarray(values, dtype=float)
    height, width = values.shape
    ax = style.axes(ax, figsize=(3.4, 3.4 * min(2.0, max(0.4, height / width))))
    limit = limit or float(np.nanmax(np.abs(values))) or 1.0
    colours = matplotlib.colormaps["RdBu_r"].with_extremes(bad="#e8e8e8")
    ax.imshow(
        values,
        cmap=colours,
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
        aspect=_aspect(values),
    )
    if numbers:
        for (i, j), value in np.ndenumerate(values):
            colour = "white" if abs(value) > 0.6 * limit else "black"
            ax.text(j, i, f"{value:.3g}", ha="center", va="center", fontsize="small", color=colour)
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(False)
    if grid:
        ax.set_xticks(np.arange(0.5, width - 1), minor=True)
        ax.set_yticks(np.arange(0.5, height - 1), minor=True)
        ax.grid(True, which="minor", color="0.75", linewidth=0.5, alpha=1)
        ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(True)
    return ax


def picture(
    values: ArrayLike,
    *,
    box: tuple[int, int, int, int] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Shows a grey picture, or a spectrogram as one, with what a filter looks at framed.

    Args:
        values: ``(H, W)``; large is dark.
        box: top, left, height and width of the frame, in pixels.
        title: above.
        ax: where to draw.

    Returns:
        The axes.
    """
    values = np.asarray(values, dtype=float)
    ax = style.axes(ax, figsize=(3.4, 3.4))
    ax.imshow(values, cmap="gray_r", interpolation="nearest", aspect=_aspect(values))
    if box is not None:
        top, left, height, width = box
        ax.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor=style.MODEL, linewidth=2.5))
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(False)
    ax.spines[:].set_visible(True)
    return ax


def quartiles_by_layer(norms: Mapping[str, ArrayLike], *, label: str, title: str = "", ax: Axes | None = None) -> Axes:
    """Shows a quantity of each layer over its depth: the median over starts as a line, all between the quartiles shaded.

    Args:
        norms: name of the stack → ``(starts, layers)``, above 0; the first layer is that next to the data.
        label: the quantity and its unit.
        title: above.
        ax: where to draw.

    Returns:
        The axes, the quantity on a logarithmic scale.
    """
    ax = style.axes(ax, figsize=(6.0, 3.2))
    for name, values in norms.items():
        low, middle, high = np.quantile(np.asarray(values, dtype=float), [0.25, 0.5, 0.75], axis=0)
        depth = np.arange(1, len(middle) + 1)
        (line,) = ax.plot(depth, middle, label=name)
        ax.fill_between(depth, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set(xlabel="layer (1 is next to the data)", ylabel=label, yscale="log", title=title)
    ax.legend(fontsize="small", loc="best")
    return ax


def _aspect(values: np.ndarray) -> str:
    """Square places, but of what is much longer than high, as a spectrogram, oblong ones."""
    return "auto" if values.shape[1] > 2 * values.shape[0] else "equal"
