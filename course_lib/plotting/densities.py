"""Densities over data: histograms, tails, quantiles, surfaces.

Taught in: 01_maximum_likelihood
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import ArrayLike

from course_lib.plotting import style


def histogram_and_density(
    values: ArrayLike,
    grid: ArrayLike,
    density: ArrayLike,
    *,
    bins: int = 60,
    logarithmic: bool = False,
    xlabel: str = "x",
    ax: Axes | None = None,
) -> Axes:
    """Shows how data are spread, and the density of a model over them.

    Args:
        values: the data, ``(N,)``.
        grid: where the density was evaluated, ``(G,)``.
        density: the model's density there, ``(G,)``.
        bins: bars of the histogram.
        logarithmic: a logarithmic density axis shows the tails.
        xlabel: name and unit of the data.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    values = np.asarray(values)
    ax.hist(values, bins=bins, density=True, color=style.DATA, alpha=0.45, label="data")
    ax.plot(grid, density, color=style.MODEL, label="model")
    ax.set(xlabel=xlabel, ylabel="density")
    if logarithmic:
        one_point = 1 / (len(values) * (values.max() - values.min()) / bins)  # the height of a bar that holds one point
        ax.set(yscale="log", ylim=(one_point / 3, None))
    ax.legend()
    return ax


def quantiles(values: ArrayLike, expected: ArrayLike, *, unit: str, ax: Axes | None = None) -> Axes:
    """Shows sorted data against where a model expects them; a model that fits gives the diagonal.

    Args:
        values: the data, ``(N,)``, in any order.
        expected: the model's quantiles at (i − ½) / N, ``(N,)``, rising.
        unit: of both axes.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.2, 3.4))
    expected = np.asarray(expected)
    ax.plot(expected, np.sort(values), ".", color=style.DATA, markersize=3)
    ax.plot(expected[[0, -1]], expected[[0, -1]], color=style.MODEL)
    ax.set(xlabel=f"expected by the model ({unit})", ylabel=f"observed ({unit})")
    return ax


def surface(x1: ArrayLike, x2: ArrayLike, density: ArrayLike, *, figure: FigureBase) -> tuple[Axes, Axes]:
    """Shows a density over the plane as a mountain, and beside it as a map with contour lines.

    Args:
        x1: first coordinate of the grid, ``(G, G)``.
        x2: second coordinate, ``(G, G)``.
        density: ``(G, G)``.
        figure: where to draw.

    Returns:
        The axes of the mountain and of the map.
    """
    mountain, chart = figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2)
    x1, x2, density = (np.asarray(a) for a in (x1, x2, density))
    top = float(density.max())
    mountain.plot_surface(x1, x2, density, cmap="viridis", linewidth=0, rcount=80, ccount=80)
    mountain.set(xlabel="$x_1$", ylabel="$x_2$", zlabel="density", zlim=(0, top), zticks=[0, top], zticklabels=["0", f"{top:.2g}"])
    mountain.view_init(elev=30, azim=-60)
    chart.contour(x1, x2, density, levels=np.array([0.05, 0.2, 0.4, 0.6, 0.8, 0.95]) * top, cmap="viridis")
    chart.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    return mountain, chart
