"""Knobs of lecture 7: units that fold a line, a walk down a loss, the size of the first weights.

Taught in: 07_neural_networks
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
import torch
from IPython.display import Image
from matplotlib.figure import FigureBase
from torch import Tensor

from course_lib.plotting import networks as plots
from course_lib.plotting import style
from course_lib.widgets import knobs

LEARNING_RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def folds(
    x: Tensor, y: Tensor, grid: Tensor, fits: Mapping[int, tuple[Tensor, Tensor]], *, twin: Sequence[int]
) -> ipywidgets.Widget | Image:
    """Shows a curve as a sum of hinges, one for each hidden unit.

    Knob: the number of hidden units.

    Args:
        x: inputs of the data, ``(N,)``.
        y: their outputs, ``(N,)``.
        grid: where the network was evaluated, ``(G,)``.
        fits: number of hidden units H → what each of them adds, ``(G, H)``, and the network's output, ``(G,)``.
        twin: numbers that the static twin shows.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, units: int) -> None:
        left, right = figure.subplots(1, 2)
        hinges, output = fits[units]
        left.plot(grid, hinges, linewidth=1)
        left.set(xlabel="x", title=f"what each of {units} units adds")
        right.plot(x, y, ".", color=style.DATA, markersize=4, label="data")
        right.plot(grid, output, color=style.MODEL, label="their sum")
        right.set(xlabel="x", ylabel="y", ylim=(float(y.min()) - 0.5, float(y.max()) + 0.5))
        right.legend(fontsize="small")

    knob = ipywidgets.SelectionSlider(options=list(fits), value=twin[0], description="hidden units", style={"description_width": "9em"})
    return knobs.explore(draw, {"units": knob}, twin=[{"units": units} for units in twin], figsize=(8.6, 3.0))


def descent(
    walk: Callable[[str, float, int, str], Tensor],
    loss: Callable[[Tensor], Tensor],
    *,
    rules: Sequence[str],
    starts: Sequence[str],
    rows: int,
    reach: float,
    twin: Sequence[tuple[str, float, int, str]],
) -> ipywidgets.Widget | Image:
    """Shows a walk down the landscape of a loss over two weights, and the loss at each step.

    Knobs: the rule of the step, the learning rate, the batch size and where to begin.

    Args:
        walk: from (rule, learning rate, batch size, start) to places, ``(steps + 1, 2)``.
        loss: the loss over all data at places ``(…, 2)``, ``(…)``.
        rules: names of the rules.
        starts: names of the starts.
        rows: how many data there are.
        reach: the map goes from minus this to this.
        twin: settings that the static twin shows.

    Returns:
        The widget, or its static twin.
    """
    axis = torch.linspace(-reach, reach, 121, dtype=torch.float64)
    grid = loss(torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1))
    floor = float(grid.min())

    def draw(figure: FigureBase, rule: str, learning_rate: float, batch_size: int, start: str) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
        path = walk(rule, learning_rate, batch_size, start)
        plots.landscape(grid, axis, axis, {rule: path}, names=("$w$", "$v$"), ax=left)
        plots.loss_curve(loss(path).clamp(max=1e6), floor=floor, ylabel="loss over all data", ax=right)
        right.set_ylim(floor / 2, max(2 * float(grid.max()), 1.0))

    return knobs.explore(
        draw,
        {
            "rule": ipywidgets.ToggleButtons(options=list(rules), value=twin[0][0], description="rule"),
            "learning_rate": ipywidgets.SelectionSlider(
                options=LEARNING_RATES, value=twin[0][1], description="learning rate", style={"description_width": "9em"}
            ),
            "batch_size": knobs.doubling_slider("batch size", twin[0][2], rows),
            "start": ipywidgets.ToggleButtons(options=list(starts), value=twin[0][3], description="start"),
        },
        twin=[dict(zip(("rule", "learning_rate", "batch_size", "start"), setting, strict=True)) for setting in twin],
        figsize=(8.6, 3.3),
    )


def first_weights(
    sizes: Callable[[str, float], tuple[Tensor, Tensor]], *, activations: Sequence[str], twin: Sequence[tuple[str, float]]
) -> ipywidgets.Widget | Image:
    """Shows how large signals and gradients are in each layer of a deep network that has not learnt anything yet.

    Knobs: the activation, and the variance of the weights times the number of inputs of a unit.

    Args:
        sizes: from (activation, gain) to the root mean square of the signal, and of the gradient, one a layer.
        activations: their names.
        twin: settings that the static twin shows.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, **setting: Any) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        signal, gradient = (np.asarray(size) for size in sizes(setting["activation"], setting["gain"]))
        plots.through_depth({"signal": signal}, ylabel="size, relative to its source", ax=left).set_title("forwards →")
        plots.through_depth({"gradient": gradient}, ylabel="", ax=right).set_title("← backwards")
        left.set_ylim(1e-8, 1e8)

    knob = ipywidgets.ToggleButtons(options=list(activations), value=twin[0][0], description="activation")
    return knobs.explore(
        draw,
        {"activation": knob, "gain": knobs.slider("n × variance", twin[0][1], 0.25, 4.0, 0.25)},
        twin=[{"activation": activation, "gain": gain} for activation, gain in twin],
        figsize=(8.6, 3.0),
    )
