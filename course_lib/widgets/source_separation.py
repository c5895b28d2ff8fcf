"""Knobs of lecture 6: an unmixing turned by hand.

Taught in: 06_ica
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import torch
from IPython.display import Image
from matplotlib.figure import FigureBase
from torch import Tensor

from course_lib.plotting import source_separation, style
from course_lib.widgets import knobs


def unmixing_angle(
    white: Mapping[str, Tensor], log_density: Callable[[Tensor], Tensor], *, twin: Sequence[Mapping[str, Any]]
) -> ipywidgets.Widget | Image:
    """Shows what an unmixing angle does to whitened mixtures of two sources: their scatter, their histograms, their likelihood.

    Knobs: which sources; the angle.

    Args:
        white: name → whitened mixtures, ``(N, 2)``.
        log_density: log p(s) of one source in nats, entry by entry.
        twin: settings that the static twin shows, each with ``sources`` and ``angle`` in degrees.

    Returns:
        The widget, or its static twin.
    """
    angles = torch.linspace(0, 90, 91, dtype=torch.float64)  # every one that the knob can show
    highest = {name: max(_peak(output) for a in angles for output in turned(z, a).T) for name, z in white.items()}
    curves = {name: torch.stack([log_density(turned(z, a)).sum(1).mean() for a in angles]) for name, z in white.items()}

    def draw(figure: FigureBase, sources: str, angle: float | int) -> None:
        s = turned(white[sources], torch.tensor(float(angle), dtype=torch.float64))
        cloud, first, second, curve = figure.subplots(1, 4, gridspec_kw={"width_ratios": [1.1, 1, 1, 1.4]})
        source_separation.scatter(s, names=("output 1", "output 2"), ax=cloud)
        source_separation.against_gaussian({"output 1": s[:, 0], "output 2": s[:, 1]}, axs=[first, second])
        for ax in (first, second):
            ax.set_ylim(0, 1.05 * highest[sources])  # the same at every angle, so that peaks can be seen to grow
        curve.plot(angles.numpy(), curves[sources].numpy())
        curve.plot([angle], [log_density(s).sum(1).mean().item()], "o", color=style.MODEL, markersize=9)
        low, high = (value.item() for value in curves[sources].aminmax())
        middle, half = (low + high) / 2, max((high - low) * 0.6, 0.02)
        curve.set(xlabel="angle (degrees)", ylabel="log-likelihood (nats)", ylim=(middle - half, middle + half))

    options = {
        "sources": ipywidgets.Dropdown(options=list(white), description="sources", style={"description_width": "9em"}),
        "angle": knobs.slider("angle", 0, 0, 90, 1),
    }
    return knobs.explore(draw, options, twin=twin, figsize=(11.0, 2.9))


def turned(z: Tensor, angle: Tensor) -> Tensor:
    """Returns points ``(N, 2)`` turned clockwise by an angle in degrees."""
    radians = angle * math.pi / 180
    c, s = radians.cos(), radians.sin()
    return z @ torch.stack([torch.stack([c, -s]), torch.stack([s, c])])


def _peak(s: Tensor) -> float:
    """Height of the histogram that is drawn of these values."""
    z = (s - s.mean()) / s.std(correction=0)
    return torch.histc(z, 60, -4, 4).max().item() / len(z) * 60 / 8
