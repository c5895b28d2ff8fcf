"""A figure with knobs: turn one, and the figure is drawn again.

The figure lives in an ``ipywidgets.Image``, so it behaves alike in JupyterLab, in Colab and in ipywidgets 7.7 and 8. With
``COURSE_WIDGETS=static`` the twin is shown instead: the same drawing at a few settings, side by side.

Taught in: 01_maximum_likelihood
"""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
from IPython.display import Image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase

Draw = Callable[..., None]


def explore(
    draw: Draw,
    knobs: Mapping[str, ipywidgets.Widget],
    *,
    twin: Sequence[Mapping[str, Any]],
    figsize: tuple[float, float] = (6.4, 3.4),
) -> ipywidgets.Widget | Image:
    """Shows a drawing with knobs, or its static twin.

    Args:
        draw: called as ``draw(figure, **values)`` with one value a knob; draws on the empty figure it is given.
        knobs: a slider, toggle or menu for each argument of ``draw``.
        twin: settings that tell the same story without knobs, two or three of them.
        figsize: inches, of one drawing.

    Returns:
        The widget, or the twin's picture; the last expression of a cell, so that it is shown.

    Raises:
        ValueError: if a setting of the twin does not name exactly the knobs.
    """
    for values in twin:
        if set(values) != set(knobs):
            raise ValueError(f"each setting of the twin must name the knobs {sorted(knobs)}, got {sorted(values)}")
    if os.environ.get("COURSE_WIDGETS") == "static":
        figure = static_twin(draw, knobs, twin, figsize=figsize)
        return Image(_png(figure), width=int(100 * figure.get_figwidth()))

    picture = ipywidgets.Image(format="png", layout={"width": f"{figsize[0] * 100:.0f}px", "max_width": "100%", "object_fit": "contain"})

    def redraw(_change: Any = None) -> None:
        figure = Figure(figsize=figsize)
        draw(figure, **{name: knob.value for name, knob in knobs.items()})
        picture.value = _png(figure)

    for knob in knobs.values():
        knob.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([*knobs.values(), picture])


def slider(description: str, value: float | int, low: float | int, high: float | int, step: float | int) -> ipywidgets.FloatSlider:
    """Returns a slider over real numbers."""
    return ipywidgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=description, style={"description_width": "9em"}, layout={"width": "32em"}
    )


def whole_slider(description: str, value: int, low: int, high: int) -> ipywidgets.IntSlider:
    """Returns a slider over whole numbers."""
    return ipywidgets.IntSlider(
        value=value, min=low, max=high, description=description, style={"description_width": "9em"}, layout={"width": "32em"}
    )


def doubling_slider(description: str, value: int, high: int) -> ipywidgets.SelectionSlider:
    """Returns a slider over 1, 2, 4, … up to ``high``."""
    options = [2**power for power in range(high.bit_length()) if 2**power <= high]
    return ipywidgets.SelectionSlider(
        options=options, value=value, description=description, style={"description_width": "9em"}, layout={"width": "32em"}
    )


def static_twin(
    draw: Draw, knobs: Mapping[str, ipywidgets.Widget], twin: Sequence[Mapping[str, Any]], *, figsize: tuple[float, float]
) -> Figure:
    """Returns a figure of the twin's settings, each under the names that its knobs carry: side by side, wide ones one below the other."""
    side_by_side = figsize[0] < 6
    rows, columns = (1, len(twin)) if side_by_side else (len(twin), 1)
    figure = Figure(figsize=(0.75 * figsize[0] * columns if side_by_side else figsize[0], figsize[1] * rows))
    parts: Sequence[FigureBase] = figure.subfigures(rows, columns, squeeze=False).ravel()
    for part, values in zip(parts, twin, strict=True):
        draw(part, **values)
        part.suptitle(", ".join(f"{knobs[name].description} = {value}" for name, value in values.items()), fontsize="medium")
    return figure


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=130)
    return buffer.getvalue()
