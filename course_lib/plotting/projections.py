"""Points and the flat subspaces near them: a line in the plane, a plane in space, the variances along each axis, two coordinates of many.

Taught in: 05_pca
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_lib.plotting import style


def feet_on_line(x: ArrayLike, mean: ArrayLike, direction: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Shows points in the plane, a line, and each point's foot on it.

    Args:
        x: points, ``(N, 2)``.
        mean: a point of the line, ``(2,)``.
        direction: of the line, ``(2,)``, of length 1.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.2, 4.0))
    x, mean, direction = (np.asarray(a, dtype=float) for a in (x, mean, direction))
    along = (x - mean) @ direction  # (N,)
    feet = mean + along[:, None] * direction
    ax.plot(*np.stack([x, feet, np.full_like(x, np.nan)], 1).reshape(-1, 2).T, color=style.DATA, linewidth=0.6, alpha=0.6)
    reach = 1.1 * np.linalg.norm(x - mean, axis=1).max()
    ax.plot(*(mean + np.array([[-reach], [reach]]) * direction).T, color=style.MODEL, linewidth=1.2)
    ax.plot(*x.T, ".", color=style.DATA, markersize=5, label="points")
    ax.plot(*feet.T, ".", color=style.MODEL, markersize=5, label="their feet")
    limits = np.stack([mean - reach, mean + reach], 1)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=limits[0], ylim=limits[1], aspect="equal")
    return ax


def kept_and_lost(angles: ArrayLike, kept: ArrayLike, lost: ArrayLike, *, angle: float | None = None, ax: Axes | None = None) -> Axes:
    """Shows how much variance lies along a line and how much beside it, for each angle of the line.

    Args:
        angles: degrees, ``(A,)``.
        kept: mean squared distance of the feet from the mean, ``(A,)``.
        lost: mean squared distance of the points from their feet, ``(A,)``.
        angle: marked by a vertical line.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    ax.plot(angles, kept, color=style.MODEL, label="variance along the line")
    ax.plot(angles, lost, color=style.DATA, label="mean squared error")
    ax.plot(angles, np.asarray(kept) + np.asarray(lost), color=style.TRUTH, linestyle=":", label="their sum")
    if angle is not None:
        ax.axvline(angle, color="black", linewidth=0.8)
    ax.set(xlabel="angle of the line (degrees)", ylabel="squared length", ylim=(0, None))
    ax.legend(fontsize="small", ncols=3, columnspacing=1, handlelength=1.2, loc="lower center", bbox_to_anchor=(0.5, 1))  # off the curves
    return ax


def scree(variances: ArrayLike, *, kept: int | None = None, noise_variance: float | None = None, ax: Axes | None = None) -> Axes:
    """Shows the variance along each principal axis, the widest first.

    Args:
        variances: ``(D,)``, falling.
        kept: the axes that a model keeps are drawn in its colour.
        noise_variance: what the model has in all the others.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    variances = np.asarray(variances)
    axis = np.arange(1, len(variances) + 1)
    ax.plot(axis, variances, ".", color=style.DATA, label="the data's variance along each axis")
    if kept is not None and noise_variance is not None:
        level = np.where(axis <= kept, variances, noise_variance)
        ax.step(axis, level, where="mid", color=style.MODEL, label=f"the model's, {kept} axes kept")
    ax.set(yscale="log", xlabel="principal axis", ylabel="variance")
    ax.legend(fontsize="small")
    return ax


def cloud(
    x: ArrayLike,
    *,
    ax: Axes,
    colours: ArrayLike | str = style.DATA,
    view: tuple[float, float] = (20.0, -60.0),
    limits: ArrayLike | None = None,
    title: str = "",
) -> Axes:
    """Shows points in space, seen from a side of one's choice.

    Args:
        x: points, ``(N, 3)``.
        ax: three-dimensional axes.
        colours: one colour, or a number a point.
        view: elevation and azimuth of the eye, in degrees.
        limits: least and greatest coordinate to show, ``(3, 2)``; those of the points unless given.
        title: above the axes.

    Returns:
        The axes.

    Raises:
        ValueError: if the points are not in space.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 2 or x.shape[1] != 3:
        raise ValueError(f"points must lie in space, (N, 3), got shape {x.shape}")
    limits = np.stack([x.min(0), x.max(0)], 1) if limits is None else np.asarray(limits)
    paint = {"color": colours} if isinstance(colours, str) else {"c": np.asarray(colours), "cmap": "viridis"}
    ax.scatter(*x.T, s=6, linewidths=0, **paint)
    ax.set(xlim=limits[0], ylim=limits[1], zlim=limits[2], xticks=[], yticks=[], zticks=[], title=title)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", zlabel="$x_3$")
    ax.set_box_aspect(limits[:, 1] - limits[:, 0], zoom=1.05)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.labelpad = -12
    ax.view_init(elev=view[0], azim=view[1])
    return ax


def flat_sheet(mean: ArrayLike, directions: ArrayLike, reach: ArrayLike, *, ax: Axes) -> Axes:
    """Adds to a picture of space the line or plane through a point.

    Args:
        mean: the point, ``(3,)``.
        directions: one or two of length 1, as rows, ``(1, 3)`` or ``(2, 3)``.
        reach: how far to draw in each direction, ``(1,)`` or ``(2,)``.
        ax: three-dimensional axes.

    Returns:
        The axes.
    """
    mean, directions, reach = (np.asarray(a, dtype=float) for a in (mean, directions, reach))
    u = np.linspace(-reach[0], reach[0], 9)
    if len(directions) == 1:
        ax.plot(*(mean + u[:, None] * directions[0]).T, color=style.MODEL)
        return ax
    grid = np.stack(np.meshgrid(u, np.linspace(-reach[1], reach[1], 9)), -1)  # (9, 9, 2)
    ax.plot_surface(*np.moveaxis(mean + grid @ directions, -1, 0), color=style.MODEL, alpha=0.18, edgecolor=style.MODEL, linewidth=0.3)
    return ax


def coloured_by_class(z: ArrayLike, labels: ArrayLike, *, classes: Sequence[str], ax: Axes | None = None) -> Axes:
    """Shows rows by two coordinates, each with the colour of its class, and the class's name in the middle of its rows.

    Args:
        z: coordinates, ``(N, 2)``.
        labels: index of each row's class, ``(N,)``.
        classes: their names.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.4, 4.0))
    z, labels = np.asarray(z), np.asarray(labels)
    for index, name in enumerate(classes):
        rows, colour = z[labels == index], f"C{index}" if index < len(style.PALETTE) else "black"
        ax.plot(*rows.T, ".", markersize=3, color=colour, alpha=0.6)
        if len(rows):
            box = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": colour, "alpha": 0.9}
            ax.text(*np.median(rows, 0), name, ha="center", va="center", fontweight="bold", bbox=box)
    ax.grid(False)
    return ax
