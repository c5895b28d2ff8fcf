"""Knobs of lecture 5: a line that turns until it fits, a space that is turned by hand, a latent point that is moved.

Taught in: 05_pca
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
import torch
from IPython.display import Image
from matplotlib.figure import FigureBase
from torch import Tensor

from course_lib.plotting import images, projections, style
from course_lib.widgets import knobs


def turning_line(x: Tensor, *, twin: Sequence[float]) -> ipywidgets.Widget | Image:
    """Shows how much of a cloud's spread lies along a line through its mean, and how much beside it.

    Knob: the angle of the line.

    Args:
        x: points, ``(N, 2)``.
        twin: angles in degrees that the static twin shows.

    Returns:
        The widget, or its static twin.
    """
    x = np.asarray(x)
    mean = x.mean(0)
    angles = np.arange(0, 181, 2.0)
    unit = np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))])  # (2, A)
    kept = (((x - mean) @ unit) ** 2).mean(0)
    lost = ((x - mean) ** 2).sum(1).mean() - kept

    def draw(figure: FigureBase, angle: float) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.3])
        projections.feet_on_line(x, mean, [np.cos(np.radians(angle)), np.sin(np.radians(angle))], ax=left)
        projections.kept_and_lost(angles, kept, lost, angle=angle, ax=right)

    return knobs.explore(
        draw,
        {"angle": knobs.slider("angle of the line", twin[0], 0, 180, 2)},
        twin=[{"angle": angle} for angle in twin],
        figsize=(8.6, 3.6),
    )


def space(
    data: Mapping[str, Tensor], models: Mapping[str, Sequence[Any]], *, colours: Mapping[str, Tensor], draws: Mapping[str, Sequence[Tensor]]
) -> ipywidgets.Widget | Image:
    """Shows points in space beside those that a flat model draws, from any side.

    Knobs: which data, how many directions K the model keeps, a latent point (z₂ counts where K is 2), and the side from which to look. The point's
    place in space is the large black cross; small ones are the paths that it takes when one of its coordinates moves and the other stays.

    Args:
        data: name → points, ``(N, 3)``.
        models: name → the models of these data with K = 1, 2; a model has ``mean``, ``weights`` and ``decode(z)``.
        colours: name → a number for each of the points.
        draws: name → what each of the models drew, ``(N, 3)``.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, name: str, K: int, z1: float, z2: float, azimuth: float, elevation: float) -> None:
        model, points, drawn = models[name][K - 1], data[name], draws[name][K - 1]
        left, right = (figure.add_subplot(1, 2, column, projection="3d", computed_zorder=False) for column in (1, 2))
        both = np.concatenate([points, drawn])
        seen = {"view": (elevation, azimuth), "limits": np.stack([both.min(0), both.max(0)], 1)}
        projections.cloud(points, colours=colours[name], title=f"data: the {name}", ax=left, **seen)
        projections.cloud(drawn, colours=style.MODEL, title=f"drawn, K = {K}", ax=right, **seen)
        lengths = np.linalg.norm(model.weights, axis=0)
        projections.flat_sheet(model.mean, np.asarray(model.weights).T / lengths[:, None], 2 * lengths, ax=left)
        here = torch.tensor([[z1, z2][:K]], dtype=torch.float64)
        for ax in (left, right):
            ax.plot(*np.asarray(model.decode(here)).T, "X", color="black", markersize=9)
            for k in range(K):
                path = here.repeat(11, 1)
                path[:, k] = torch.linspace(-2.5, 2.5, 11)
                ax.plot(*np.asarray(model.decode(path)).T, "x-", color="black", markersize=3, linewidth=0.6)

    names = list(data)
    knob = ipywidgets.ToggleButtons(options=names, value=names[-1], description="data")
    return knobs.explore(
        draw,
        {
            "name": knob,
            "K": knobs.whole_slider("K", 2, 1, len(models[names[0]])),
            "z1": knobs.slider("z₁", 0.0, -2.5, 2.5, 0.25),
            "z2": knobs.slider("z₂", 0.0, -2.5, 2.5, 0.25),
            "azimuth": knobs.slider("walk round (°)", -85.0, -180.0, 180.0, 5.0),
            "elevation": knobs.slider("climb (°)", 5.0, -10.0, 90.0, 5.0),
        },
        twin=[{"name": name, "K": 2, "z1": 1.0, "z2": 0.0, "azimuth": -85.0, "elevation": 5.0} for name in names],
        figsize=(8.4, 3.9),
    )


def latent_picture(decode: Callable[[Tensor], Tensor], *, K: int, side: int, twin: Sequence[Sequence[float]]) -> ipywidgets.Widget | Image:
    """Shows the picture that a latent point is decoded to.

    Knobs: the first coordinates of the point, in standard deviations of the prior; the others are 0.

    Args:
        decode: from latents ``(1, K)`` to pictures ``(1, side · side)``.
        K: size of the latent vector.
        side: pixels along an edge.
        twin: points that the static twin shows, as many coordinates each as there shall be knobs.

    Returns:
        The widget, or its static twin.
    """
    names = [f"z{k + 1}" for k in range(len(twin[0]))]

    def draw(figure: FigureBase, **values: float) -> None:
        z = torch.zeros(1, K, dtype=torch.float64)
        z[0, : len(names)] = torch.tensor([values[name] for name in names])
        images.image_grid(decode(z).reshape(1, side, side), columns=1, value_range=(0, 1), ax=figure.subplots())

    sliders = {name: knobs.slider(name, 0.0, -4.0, 4.0, 0.25) for name in names}
    return knobs.explore(draw, sliders, twin=[dict(zip(names, point, strict=True)) for point in twin], figsize=(4.0, 3.6))
