"""Knobs of lecture 8: a filter on its way over a picture, or over a spectrogram.

Taught in: 08_convolutional_networks
"""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import torch
from IPython.display import Image
from matplotlib.figure import FigureBase
from torch import Tensor
from torch.nn import functional

from course_lib.plotting import filters
from course_lib.widgets import knobs


def moving(
    pictures: Mapping[str, Tensor], kernels: Mapping[str, Tensor], *, twin: Sequence[Mapping[str, Any]]
) -> ipywidgets.Widget | Image:
    """Shows a filter at one place of a picture, what it finds there, and all its answers up to that place.

    Knobs: which picture; which filter; how far it has come, in per cent of the places. It goes row by row, over a picture that is more than
    twice as long as high (a spectrogram) column by column, as time does.

    Args:
        pictures: name → ``(H, W)``.
        kernels: name → ``(h, w)``, both odd; outside the picture there are zeros.
        twin: settings that the static twin shows, each with ``on``, ``filter`` and ``place``.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, on: str, filter: str, place: float | int) -> None:
        x, kernel = pictures[on], kernels[filter]
        long = x.shape[1] > 2 * x.shape[0]
        everywhere = answers(x, kernel)
        visited, (i, j) = _visited(x, place, by_column=long)
        h, w = kernel.shape
        patch = functional.pad(x, (w // 2, w // 2, h // 2, h // 2))[i : i + h, j : j + w]
        widths = [3, 0.8, 0.8, 3] if long else [1.2, 0.8, 0.8, 1.2]
        here, looks, times, so_far = figure.subplots(1, 4, gridspec_kw={"width_ratios": widths})
        filters.picture(x, box=(i - h // 2, j - w // 2, h, w), title=on, ax=here)
        filters.signed(kernel, title="the filter", ax=looks)
        top = float((pictures[on].abs().max() * kernel.abs().max()).item())
        filters.signed(patch * kernel, limit=top, title=f"times the pixels,\nsummed: {everywhere[i, j].item():.2f}", ax=times)
        shown = everywhere.masked_fill(~visited, torch.nan)
        filters.signed(shown, limit=everywhere.abs().max().item(), title="its answers", ax=so_far)

    def menu(options: list[str], name: str) -> ipywidgets.Dropdown:
        return ipywidgets.Dropdown(options=options, description=name, style={"description_width": "9em"})

    options = {
        "on": menu(list(pictures), "on"),
        "filter": menu(list(kernels), "filter"),
        "place": knobs.slider("place (%)", 40, 0, 100, 0.5),
    }
    return knobs.explore(draw, options, twin=twin, figsize=(9.6, 2.9))


def answers(x: Tensor, kernel: Tensor) -> Tensor:
    """Returns what a filter ``(h, w)``, of odd sizes, says at every place of a picture ``(H, W)`` with zeros around it."""
    return functional.conv2d(x[None, None], kernel[None, None].to(x.dtype), padding=(kernel.shape[0] // 2, kernel.shape[1] // 2))[0, 0]


def _visited(x: Tensor, per_cent: float | int, *, by_column: bool) -> tuple[Tensor, tuple[int, int]]:
    """Which places lie behind a filter that has come so far, itself included, and the place where it is."""
    height, width = x.shape
    number = round(per_cent / 100 * (height * width - 1))
    order = torch.arange(height * width)
    order = order.reshape(width, height).T if by_column else order.reshape(height, width)
    i, j = (order == number).nonzero()[0].tolist()
    return order <= number, (i, j)
