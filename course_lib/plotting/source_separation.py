"""Sources, mixtures, and the ways from these back to those.

Taught in: 06_ica
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_lib.plotting import style


def against_gaussian(samples: Mapping[str, ArrayLike], *, limit: float = 4.0, axs: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Shows histograms of samples scaled to mean 0 and variance 1, each under the standard normal density.

    Args:
        samples: name → values, ``(N,)``.
        limit: how far out to show, in standard deviations.
        axs: where to draw, one each.

    Returns:
        The axes.
    """
    if axs is None:
        _, axs = plt.subplots(1, len(samples), figsize=(2.5 * len(samples), 2.6), sharex=True, sharey=True, squeeze=False)
        axs = list(axs[0])
    grid = np.linspace(-limit, limit, 200)
    for ax, (name, values) in zip(axs, samples.items(), strict=True):
        values = np.asarray(values, dtype=float)
        values = (values - values.mean()) / values.std()
        ax.hist(values, bins=np.linspace(-limit, limit, 61), density=True, color=style.DATA, alpha=0.6)
        ax.plot(grid, np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi), color=style.MODEL, label="Gaussian")
        ax.set(title=name, xlabel="standard deviations")
    axs[0].set_ylabel("density")
    axs[0].legend(fontsize="small", loc="upper left")
    return axs


def scatter(x: ArrayLike, *, arrows: ArrayLike | None = None, names: tuple[str, str] = ("$x_1$", "$x_2$"), ax: Axes | None = None) -> Axes:
    """Shows pairs of simultaneous samples.

    Args:
        x: points, ``(N, 2)``; of more than 3000 every k-th is drawn.
        arrows: columns of a matrix, ``(2, 2)``, drawn from the origin: how each source reaches the two sensors.
        names: of the axes.
        ax: where to draw.

    Returns:
        The axes, with one scale in both directions.

    Raises:
        ValueError: if the points do not lie in the plane.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"points must lie in the plane, (N, 2), got shape {x.shape}")
    ax = style.axes(ax, figsize=(3.4, 3.4))
    reach = 4 * x.std()
    ax.plot(*x[:: max(1, len(x) // 3000)].T, ".", color=style.DATA, markersize=1.5, alpha=0.5)
    if arrows is not None:
        for colour, arrow in zip(style.PALETTE[:2], np.asarray(arrows, dtype=float).T, strict=True):
            tip = 0.7 * reach * arrow / np.linalg.norm(arrow)
            ax.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2})
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel=names[0], ylabel=names[1])
    return ax


def paths(
    x: ArrayLike, climbs: Mapping[str, Sequence[ArrayLike]], *, truth: ArrayLike, title: str = "", every: int = 25, ax: Axes | None = None
) -> Axes:
    """Shows, over the mixtures, how the two directions that a fit holds for the sources' turn into the true ones.

    Args:
        x: mixtures, ``(N, 2)``.
        climbs: name of the start → mixing matrix A, ``(2, 2)``, after each step. A's columns are drawn, each scaled so that a source of
            the variance that its unmixing gives it reaches its tip.
        truth: the true directions, columns of ``(2, 2)``, drawn as lines through the origin.
        title: of the axes.
        every: steps between two dots.
        ax: where to draw.

    Returns:
        The axes.
    """
    x = np.asarray(x, dtype=float)
    ax = scatter(x, ax=ax)
    reach = ax.get_xlim()[1]
    for direction in np.asarray(truth, dtype=float).T:
        ax.plot(*(np.outer([-2, 2], direction / np.linalg.norm(direction)) * reach).T, color="black", linewidth=0.8, linestyle=":")
    for (name, matrices), marker, colour in zip(climbs.items(), "s^ov", (style.MODEL, style.TRUTH, *style.PALETTE[3:]), strict=False):
        tips = np.stack([_tips(np.asarray(A, dtype=float), x) for A in matrices])  # (steps, 2, 2)
        for column in range(2):
            ax.plot(*tips[:, :, column].T, color=colour, linewidth=1.4)
            ax.plot(*tips[::every, :, column].T, ".", color=colour, markersize=8)
            ax.plot(*tips[0, :, column], marker, color=colour, markersize=8, label=name if column == 0 else None)
            ax.plot(*tips[-1, :, column], ".", color="black", markersize=11, zorder=3)
    ax.plot([], [], ".", color="black", markersize=11, label="at the end")
    ax.set_title(title)
    ax.legend(fontsize="small", loc="upper left")
    return ax


def _tips(A: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Columns of A times the standard deviations of A⁻¹ x, twice: where a loud moment of each source lies."""
    return 2 * A * np.std(np.linalg.solve(A, x.T), axis=1)
