"""Knobs of lecture 3: the order of a predictor, and where its poles and line spectrum go.

Taught in: 03_linear_prediction
"""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import numpy as np
from IPython.display import Image
from matplotlib.figure import FigureBase
from torch import Tensor

from course_lib.plotting import linear_prediction as plots
from course_lib.widgets import knobs


def order(
    periodogram: Tensor,
    rate_hz: int,
    fit: Callable[[int], Any],
    line_spectrum: Callable[[Tensor], Tensor],
    *,
    most: int,
    twin: Sequence[int],
) -> ipywidgets.Widget | Image:
    """Shows what a predictor of each order knows of a sound.

    Knob: the order. Left the spectrum and the line spectrum, right the poles.

    Args:
        periodogram: of the sound, ``(F,)``, from 0 to half the rate.
        rate_hz: samples a second.
        fit: order → predictor with ``a``, ``error_power`` and ``power_spectrum(n)``; of order 0 for the sound's power.
        line_spectrum: coefficients → frequencies in radians.
        most: the highest order.
        twin: orders that the static twin shows.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, order: int) -> None:
        predictor = fit(order)
        w = line_spectrum(predictor.a)
        left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
        plots.line_spectrum(predictor.power_spectrum(2 * (len(periodogram) - 1)), w, rate_hz, periodogram=periodogram, ax=left)
        plots.z_plane(np.roots([1.0, *predictor.a.tolist()]), line_spectrum=w, ax=right)
        heard = 10 * np.log10(periodogram[periodogram > 0].numpy())
        left_db = 10 * np.log10(predictor.error_power.item() / fit(0).error_power.item())
        left.set(ylim=(heard.max() - 75, heard.max() + 8), title=f"what is left is {-left_db:.1f} dB below the sound")

    return knobs.explore(
        draw,
        {"order": knobs.whole_slider("order", twin[0], 1, most)},
        twin=[{"order": order} for order in twin],
        figsize=(9.0, 3.6),
    )
