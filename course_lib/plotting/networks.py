"""Networks: the graph that a loss is computed on, the landscape that it forms, what depth does, where a classifier errs.

Taught in: 07_neural_networks
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_lib.plotting import style

_COLUMN = 1.5  # from one column of a graph to the next; its rows are 1.15 apart


def computational_graph(
    names: Sequence[str],
    values: ArrayLike,
    gradients: ArrayLike,
    edges: Sequence[tuple[int, int, float]],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draws how numbers are made from each other, left to right: in each box its name, value and gradient, on each arrow its local slope.

    Args:
        names: one a node.
        values: the number that each node holds.
        gradients: how fast the last node's number moves with each.
        edges: (from, to, slope): node ``to`` was made from node ``from`` and moves ``slope`` times as fast. The nodes are in an order in which
            they can be computed.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(11.0, 3.6))
    places = _places(len(names), [(begin, end) for begin, end, _ in edges])
    drawn: list[tuple[int, int]] = []
    for begin, end, slope in edges:
        drawn.append((begin, end))
        across = places[end] - places[begin]
        bend = _bend(across, drawn.count((begin, end)), sum(edge[:2] == (begin, end) for edge in edges))
        way = {"arrowstyle": "-|>", "color": style.DATA, "shrinkA": 26, "shrinkB": 26, "connectionstyle": f"arc3,rad={bend}"}
        ax.annotate("", places[end], places[begin], arrowprops=way)
        middle = (places[begin] + places[end]) / 2 + bend / 2 * np.array([across[1], -across[0]])  # where the arc is
        label = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        ax.text(*middle, f"×{_signed(slope)}", color=style.DATA, fontsize="x-small", ha="center", va="center", bbox=label)
    for name, value, gradient, place in zip(names, np.asarray(values), np.asarray(gradients), places, strict=True):
        box = {"boxstyle": "round,pad=0.9", "facecolor": "white", "edgecolor": style.DATA}
        ax.text(*place, " " * 10 + "\n\n", ha="center", va="center", fontsize="small", bbox=box)
        x, y = place
        ax.text(x, y + 0.17, name, ha="center", va="center", fontsize="small", fontweight="bold")
        ax.text(x, y, _signed(value), ha="center", va="center", fontsize="small", color=style.PALETTE[0])
        ax.text(x, y - 0.17, _signed(gradient), ha="center", va="center", fontsize="small", color=style.MODEL)
    ax.set(xlim=(places[:, 0].min() - 0.6, places[:, 0].max() + 0.6), ylim=(places[:, 1].min() - 0.55, places[:, 1].max() + 0.55))
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def landscape(
    loss: ArrayLike, first: ArrayLike, second: ArrayLike, paths: Mapping[str, ArrayLike], *, names: tuple[str, str], ax: Axes | None = None
) -> Axes:
    """Shows a loss as a map over two weights, darker where it is lower, and the ways that were walked on it, from ○ to ●.

    Args:
        loss: ``(len(second), len(first))``, above 0.
        first: values of the weight to the right.
        second: values of the weight upwards.
        paths: name → places ``(steps + 1, 2)``; what lies off the map is not seen.
        names: of the two weights.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.6, 3.8))
    height = np.log10(np.asarray(loss))
    ax.contourf(first, second, height, levels=24, cmap="Greys_r", alpha=0.75)
    for number, (name, path) in enumerate(paths.items()):
        path, colour = np.asarray(path), style.PALETTE[(number + 1) % len(style.PALETTE)]
        ax.plot(*path.T, "-", marker=".", markersize=3, linewidth=1, color=colour, label=name)
        ax.plot(*path[0], "o", color=colour, markerfacecolor="white", markersize=7)
        ax.plot(*path[-1], "o", color=colour, markersize=7)
    ax.set(xlim=np.asarray(first)[[0, -1]], ylim=np.asarray(second)[[0, -1]], xlabel=names[0], ylabel=names[1])
    ax.grid(False)
    if len(paths) > 1:
        ax.legend(fontsize="small", loc="lower right")
    return ax


def loss_curve(
    losses: ArrayLike, *, floor: float | None = None, xlabel: str = "step", ylabel: str = "loss", ax: Axes | None = None
) -> Axes:
    """Shows a loss as it falls (or does not), on a logarithmic scale.

    Args:
        losses: one a step, ``(steps,)``.
        floor: the least loss that there is, if it is known.
        xlabel: what is counted.
        ylabel: name and unit of the loss.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    ax.plot(np.asarray(losses), color=style.MODEL)
    if floor is not None:
        ax.axhline(floor, color=style.TRUTH, linestyle=":", label="the least there is")
        ax.legend(fontsize="small")
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log")
    return ax


def through_depth(sizes: Mapping[str, ArrayLike], *, ylabel: str, ax: Axes | None = None) -> Axes:
    """Shows how large something is in each layer of a network, on a logarithmic scale.

    Args:
        sizes: name → one size a layer, above 0.
        ylabel: what it is the size of.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.6, 3.2))
    for name, size in sizes.items():
        ax.plot(np.arange(len(np.asarray(size))), size, label=name)
    ax.axhline(1, color=style.DATA, linewidth=0.8)
    ax.set(xlabel="layer", ylabel=ylabel, yscale="log")
    ax.legend(fontsize="small")
    return ax


def confusions(counts: ArrayLike, classes: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Shows which class was taken for which: a count in each field, the errors coloured.

    Args:
        counts: ``(V, V)``, row: what it is, column: what it was read as.
        classes: their names.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.4, 3.8))
    counts = np.asarray(counts)
    errors = counts * (1 - np.eye(len(counts)))
    ax.imshow(errors, cmap="Oranges", vmin=0, vmax=max(1, 1.5 * errors.max()))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            faint = {"color": "#999999"} if row == column else {"fontweight": "bold"}
            ax.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize="x-small", **faint)
    ax.set(xticks=range(len(classes)), yticks=range(len(classes)), xlabel="read as", ylabel="is")
    ax.set_xticklabels(classes)
    ax.set_yticklabels(classes)
    ax.grid(False)
    return ax


def captioned(images: ArrayLike, captions: Sequence[str], axes: Iterable[Axes]) -> None:
    """Shows pictures, each on axes of its own with a line of words above.

    Args:
        images: ``(N, H, W)`` or ``(N, 1, H, W)``; ink is bright in the array and dark on the page.
        captions: one a picture.
        axes: at least as many as pictures; those left over stay empty.
    """
    pictures = np.asarray(images, dtype=float)
    pictures, axes = pictures.reshape(len(pictures), *pictures.shape[-2:]), list(axes)
    for ax, picture, caption in zip(axes, pictures, captions, strict=False):
        ax.imshow(picture, cmap="gray_r", interpolation="nearest")
        ax.set_title(caption, fontsize="small")
    for ax in axes:
        ax.axis("off")


def _signed(number: float) -> str:
    return f"{number:.3g}".replace("-", "−")


def _bend(across: np.ndarray, which: int, of: int) -> float:
    """How far an arrow bows: two from the same number bow apart, and one that leaps over a column bows around what stands there."""
    if of > 1:
        return (-0.35, 0.35)[which % 2]
    return 0.0 if across[0] < 1.5 * _COLUMN else (0.25 if across[1] > 0 else -0.25)


def _places(count: int, edges: Sequence[tuple[int, int]]) -> np.ndarray:
    """Columns by the longest way to the last node, and in each column the nodes near what is made from them: ``(count, 2)``."""
    ahead = np.zeros(count)
    for begin, end in sorted(edges, key=lambda edge: -edge[1]):
        ahead[begin] = max(ahead[begin], ahead[end] + 1)
    places = np.stack([-_COLUMN * ahead, np.zeros(count)], 1)
    for column in np.unique(ahead)[1:]:
        nodes = np.flatnonzero(ahead == column)
        wish = np.array([np.mean([places[end, 1] for begin, end in edges if begin == node]) for node in nodes])
        order = np.argsort(wish, kind="stable")
        places[nodes[order], 1] = wish.mean() + 1.15 * (np.arange(len(nodes))[::-1] - (len(nodes) - 1) / 2)
    return places
