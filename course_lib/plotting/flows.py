"""Flows: how a map moves mass, what it does to a grid, the shape of its Jacobian, densities over the plane.

Taught in: 15_flows
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import ArrayLike

from course_lib.plotting import style


def change_of_variables(
    x: ArrayLike, z: ArrayLike, p_x: ArrayLike, p_z: ArrayLike, *, strips: int = 8, drawn: ArrayLike | None = None
) -> tuple[Axes, Axes, Axes]:
    """Shows a rising map z = f(x), the density of x below it, that of z to its left; strips of one colour hold one mass.

    Args:
        x: where the map was evaluated, ``(G,)``, rising.
        z: f(x), ``(G,)``.
        p_x: density of x there, ``(G,)``.
        p_z: density of z at f(x), ``(G,)``.
        strips: into how many parts of equal width x is cut.
        drawn: draws of x, whose histogram is laid over its density.

    Returns:
        The axes of z, of the map, and of x.
    """
    x, z, p_x, p_z = (np.asarray(a) for a in (x, z, p_x, p_z))
    figure = plt.figure(figsize=(6.2, 4.8))
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 2.6], height_ratios=[2, 1])
    middle = figure.add_subplot(grid[0, 1])
    left, below = figure.add_subplot(grid[0, 0], sharey=middle), figure.add_subplot(grid[1, 1], sharex=middle)
    edges = np.linspace(0, len(x) - 1, strips + 1).round().astype(int)
    for number, (start, end) in enumerate(pairwise(edges)):
        part, colour = slice(start, end + 1), style.PALETTE[number % len(style.PALETTE)]
        below.fill_between(x[part], p_x[part], color=colour, alpha=0.7, linewidth=0)
        left.fill_betweenx(z[part], p_z[part], color=colour, alpha=0.7, linewidth=0)
        middle.plot(x[part], z[part], color=colour, linewidth=3)
    if drawn is not None:
        below.hist(np.asarray(drawn), bins=4 * strips, range=(x[0], x[-1]), density=True, histtype="step", color="black", linewidth=0.8)
    middle.set(title="z = f(x)")
    left.set(ylabel="z", xlabel="p(z)")
    left.invert_xaxis()
    below.set(xlabel="x", ylabel="p(x)")
    return left, middle, below


def jacobians(matrices: Mapping[str, ArrayLike], *, axs: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Shows Jacobian matrices: orange entries are positive, purple ones negative, white ones exactly 0; each by its own largest.

    Args:
        matrices: title → ∂z/∂x, ``(D, D)``, row i for z_i.
        axs: where to draw, one a matrix.

    Returns:
        The axes.
    """
    if axs is None:
        axs = plt.subplots(1, len(matrices), figsize=(2.6 * len(matrices), 2.9), squeeze=False)[1][0]
    for ax, (title, matrix) in zip(axs, matrices.items(), strict=True):
        matrix = np.asarray(matrix)
        colours = np.sign(matrix) * np.sqrt(np.abs(matrix) / np.abs(matrix).max())  # small entries are to be seen
        ax.imshow(colours, cmap="PuOr_r", vmin=-1.2, vmax=1.2)
        ax.set(xticks=[], yticks=[], xlabel="x", ylabel="z")
        ax.set_title(title, fontsize="small")
        ax.grid(False)
    return axs


def warped_grid(
    lines: ArrayLike, points: ArrayLike, *, colours: ArrayLike | None = None, limits: float | int = 3.2, ax: Axes | None = None
) -> Axes:
    """Shows what has become of a grid of lines, and of points among them.

    Args:
        lines: ``(M, P, 2)``, each a line of P points.
        points: ``(N, 2)``.
        colours: a number a point; one colour unless given.
        limits: both axes go from minus this to this.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(3.6, 3.6))
    ax.add_collection(LineCollection(list(np.asarray(lines)), colors=style.DATA, linewidths=0.5, alpha=0.7))
    colour = {"color": style.MODEL} if colours is None else {"c": np.asarray(colours), "cmap": "twilight"}
    ax.scatter(*np.asarray(points).T, s=5, linewidths=0, **colour)
    ax.set(xlim=(-limits, limits), ylim=(-limits, limits), aspect="equal")
    ax.grid(False)
    return ax


def density_map(
    density: ArrayLike,
    limits: tuple[float | int, float | int],
    *,
    points: ArrayLike | None = None,
    title: str = "",
    quantile: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Shows a density over a square of the plane, dark where it is high.

    Args:
        density: ``(G, G)``; the first axis is x₁ (drawn across), the second x₂ (drawn upwards).
        limits: where both axes begin and end.
        points: data to draw on it, ``(N, 2)``.
        title: above it.
        quantile: the share of all grid points below the density that is drawn darkest; less than 1 lets spikes leave room for the rest.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(3.6, 3.6))
    density = np.asarray(density)
    ax.imshow(density.T, origin="lower", extent=(*limits, *limits), cmap="magma_r", vmin=0, vmax=np.quantile(density, quantile))
    if points is not None:
        ax.plot(*np.asarray(points).T, ".", color=style.PALETTE[5], markersize=2, alpha=0.6)
    ax.set(title=title, xlabel="$x_1$", ylabel="$x_2$", xlim=limits, ylim=limits)
    ax.grid(False)
    return ax
