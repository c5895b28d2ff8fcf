"""Knobs of lecture 2: two ways to fit a mixture, side by side, step by step.

Taught in: 02_gaussian_mixtures
"""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
from IPython.display import Image
from matplotlib.figure import FigureBase
from torch import Tensor

from course_lib.plotting import mixtures
from course_lib.widgets import knobs


def fits(x: Tensor, histories: Mapping[str, Sequence[Any]], *, twin: Sequence[int]) -> ipywidgets.Widget | Image:
    """Shows how fits of a mixture move over the same points.

    Knob: the step; a history that has ended stays at its last mixture.

    Args:
        x: points, ``(N, 2)``.
        histories: name of the algorithm → its mixture after each step, the start first. A mixture has ``weights``, ``means``,
            ``covariances`` and ``responsibilities(x)``.
        twin: steps that the static twin shows.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, step: int) -> None:
        for ax, (name, history) in zip(figure.subplots(1, len(histories), squeeze=False)[0], histories.items(), strict=True):
            mixture = history[min(step, len(history) - 1)]
            mixtures.ellipses(x, mixture.weights, mixture.means, mixture.covariances, responsibilities=mixture.responsibilities(x), ax=ax)
            ax.set_title(f"{name}: {int((mixture.weights > 0.01).sum())} components over 1 %")

    last = max(len(history) for history in histories.values()) - 1
    return knobs.explore(
        draw,
        {"step": knobs.whole_slider("step", 0, 0, last)},
        twin=[{"step": min(step, last)} for step in twin],
        figsize=(4.2 * len(histories), 3.8),
    )
