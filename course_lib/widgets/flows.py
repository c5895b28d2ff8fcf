"""Knobs of lecture 15: a flow, one layer at a time.

Taught in: 15_flows
"""

from collections.abc import Sequence

import ipywidgets
from IPython.display import Image
from matplotlib.figure import FigureBase
from torch import Tensor

from course_lib.plotting import flows
from course_lib.widgets import knobs


def layers(
    lines: Sequence[Tensor], points: Sequence[Tensor], *, colours: Tensor, target: Tensor, limits: float | int = 3.2, twin: Sequence[int]
) -> ipywidgets.Widget | Image:
    """Shows noise on a square grid on its way to data.

    Knob: through how many layers it has gone.

    Args:
        lines: after 0, 1, 2, … layers: the grid, ``(M, P, 2)``.
        points: after as many layers: the noise, ``(N, 2)``.
        colours: a number for each of the points, so that one can be followed.
        target: the data that it is to become, ``(N, 2)``, drawn behind it in grey.
        limits: both axes go from minus this to this.
        twin: numbers of layers that the static twin shows.

    Returns:
        The widget, or its static twin.

    Raises:
        ValueError: if there are not as many grids as clouds of points.
    """
    if len(lines) != len(points):
        raise ValueError(f"lines and points must be given after equally many layers, got {len(lines)} and {len(points)}")

    def draw(figure: FigureBase, layer: int) -> None:
        ax = figure.subplots()
        flows.warped_grid(lines[layer], points[layer], colours=colours, limits=limits, ax=ax)
        ax.plot(*target.numpy().T, ".", color="black", markersize=3, markeredgewidth=0, alpha=0.15, zorder=0)

    return knobs.explore(
        draw,
        {"layer": knobs.whole_slider("layers", twin[-1], 0, len(lines) - 1)},
        twin=[{"layer": layer} for layer in twin],
        figsize=(4.4, 3.7),
    )
