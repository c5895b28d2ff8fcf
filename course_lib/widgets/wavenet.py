"""Knobs of lecture 11: how far a stack of convolutions hears.

Taught in: 11_wavenet
"""

from collections.abc import Sequence

import ipywidgets
from IPython.display import Image
from matplotlib.figure import FigureBase

from course_lib.plotting import wavenet as plots
from course_lib.widgets import knobs


def receptive_field(*, most: int = 6, twin: Sequence[tuple[int, int]]) -> ipywidgets.Widget | Image:
    """Shows which samples an output hears while layers are added.

    Knobs: the number of layers, and by how much the dilation grows from layer to layer: 1 for none, 2 for WaveNet's.

    Args:
        most: layers at most.
        twin: (layers, growth) that the static twin shows.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, layers: int, growth: int) -> None:
        plots.dilations([growth**layer for layer in range(layers)], shown=2**most, ax=figure.subplots())

    growths = ipywidgets.ToggleButtons(options=[("× 1", 1), ("× 2", 2)], value=2, description="dilation grows")
    return knobs.explore(
        draw,
        {"layers": knobs.whole_slider("layers", 3, 1, most), "growth": growths},
        twin=[{"layers": layers, "growth": growth} for layers, growth in twin],
        figsize=(9.0, 2.8),
    )
