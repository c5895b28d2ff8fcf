"""Knobs of lecture 12: a guess that climbs the bound, an atlas of a latent plane, a digit drawn to order.

Taught in: 12_vae
"""

from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np
import torch
from IPython.display import Image
from matplotlib.figure import FigureBase
from matplotlib.patches import Rectangle
from torch import Tensor

from course_lib.plotting import images, latents, projections
from course_lib.widgets import knobs

_ATLAS = 9  # pictures along an edge


def bound(z: Tensor, log_joint: Tensor, *, twin: Sequence[tuple[float, float]]) -> ipywidgets.Widget | Image:
    """Shows a Gaussian guess beside the exact posterior of one latent number, and the bound that it gives.

    Knobs: mean and standard deviation of the guess.

    Args:
        z: an even grid, ``(G,)``.
        log_joint: log p(x, z) on it, ``(G,)``.
        twin: pairs of mean and standard deviation that the static twin shows.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, mean: float, std: float) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
        latents.posterior_and_guess(z, log_joint, mean=mean, std=std, ax=left)
        latents.bound_and_gap(z, log_joint, mean=mean, std=std, ax=right)

    sliders = {"mean": knobs.slider("mean of q", twin[0][0], -3, 3, 0.05), "std": knobs.slider("spread σ of q", twin[0][1], 0.05, 2, 0.05)}
    return knobs.explore(draw, sliders, twin=[{"mean": mean, "std": std} for mean, std in twin], figsize=(8.6, 3.2))


def atlas(
    decode: Callable[[Tensor], Tensor], codes: Tensor, labels: Tensor, *, classes: Sequence[str], twin: Sequence[tuple[float, float, float]]
) -> ipywidgets.Widget | Image:
    """Shows where data lie in a latent plane, and what a square of that plane is decoded to.

    Knobs: the middle of the square, and how far it reaches.

    Args:
        decode: from latents ``(B, 2)`` to pictures ``(B, H, W)``, paper 0 to ink 1.
        codes: latents of data, ``(N, 2)``.
        labels: index of the class of each, ``(N,)``.
        classes: their names.
        twin: middles and reaches ``(z₁, z₂, span)`` that the static twin shows.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, z1: float, z2: float, span: float) -> None:
        left, right = figure.subplots(1, 2)
        projections.coloured_by_class(codes, labels, classes=classes, ax=left)
        left.add_patch(Rectangle((z1 - span, z2 - span), 2 * span, 2 * span, fill=False, linewidth=1.5))
        left.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
        steps = torch.linspace(-1, 1, _ATLAS + 1)
        steps = span * (steps[1:] + steps[:-1]) / 2  # the middle of each cell
        across, up = torch.meshgrid(z1 + steps, z2 + steps.flip(0), indexing="xy")
        pictures = decode(torch.stack([across.flatten(), up.flatten()], 1))
        latents.atlas(np.asarray(pictures).reshape(_ATLAS, _ATLAS, *pictures.shape[1:]), centre=(z1, z2), span=span, ax=right)

    sliders = {
        "z1": knobs.slider("z₁ of the middle", twin[0][0], -3, 3, 0.25),
        "z2": knobs.slider("z₂ of the middle", twin[0][1], -3, 3, 0.25),
        "span": knobs.slider("reach", twin[0][2], 0.25, 3, 0.25),
    }
    return knobs.explore(draw, sliders, twin=[{"z1": z1, "z2": z2, "span": span} for z1, z2, span in twin], figsize=(9.0, 4.4))


def drawn_to_order(
    decode: Callable[[Tensor, int], Tensor],
    *,
    K: int,
    classes: Sequence[str],
    names: Sequence[str],
    twin: Sequence[tuple[str, Sequence[float]]],
) -> ipywidgets.Widget | Image:
    """Shows the picture of a class that one chooses, in a style that one sets.

    Knobs: the class, and one coordinate of the latent vector for each of ``names``; the other coordinates are 0.

    Args:
        decode: from latents ``(1, K)`` and the index of a class to pictures ``(1, H, W)``, paper 0 to ink 1.
        K: size of the latent vector.
        classes: the names to choose from.
        names: what to call the first coordinates.
        twin: classes and coordinates that the static twin shows.

    Returns:
        The widget, or its static twin.
    """
    keys = [f"z{k}" for k in range(len(names))]

    def draw(figure: FigureBase, name: str, **values: float) -> None:
        z = torch.zeros(1, K)
        z[0, : len(keys)] = torch.tensor([values[key] for key in keys])
        images.image_grid(decode(z, list(classes).index(name)), columns=1, value_range=(0, 1), ax=figure.subplots())

    choice = ipywidgets.ToggleButtons(
        options=list(classes), value=twin[0][0], description="digit", style={"button_width": "3em", "description_width": "9em"}
    )
    sliders = {key: knobs.slider(name, value, -3, 3, 0.25) for key, name, value in zip(keys, names, twin[0][1], strict=True)}
    settings = [{"name": name, **dict(zip(keys, values, strict=True))} for name, values in twin]
    return knobs.explore(draw, {"name": choice, **sliders}, twin=settings, figsize=(5.8, 3.8))
