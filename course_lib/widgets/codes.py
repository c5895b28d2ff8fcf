"""The knob of lecture 4's first half: the parameter of a Rice code.

Taught in: 04_speech_coding_and_synthesis
"""

import ipywidgets
import numpy as np
from IPython.display import Image
from matplotlib.figure import FigureBase
from numpy.typing import ArrayLike

from course_lib.plotting import codes, style
from course_lib.widgets import knobs


def rice_parameter(e: ArrayLike, bits: ArrayLike, *, reach: int = 150) -> ipywidgets.Widget | Image:
    """Shows how the numbers are spread, how a Rice code believes that they are, and what the difference costs.

    A code of length ℓ is as good as the belief 2^−ℓ: the nearer its staircase lies to the histogram, the fewer bits are spent.

    Args:
        e: whole numbers of either sign.
        bits: bits a number for each parameter 0, 1, 2 …
        reach: largest magnitude that is shown.

    Returns:
        The widget, or its static twin.
    """
    e, bits = np.asarray(e), np.asarray(bits, dtype=float)
    value = np.arange(-reach, reach + 1)
    mapped = np.where(value >= 0, 2 * value, -2 * value - 1)
    best = int(bits.argmin())

    def draw(figure: FigureBase, k: int) -> None:
        left, right = figure.subplots(1, 2)
        codes.histogram(e, reach=reach, label="residual", ax=left)
        left.step(value, 2.0 ** -((mapped >> k) + 1 + k), where="mid", color=style.MODEL, label=r"$2^{-\mathrm{length}}$")
        left.set(ylim=(1e-7, 1))
        left.legend(fontsize="small")
        right.plot(bits, "o-", color=style.DATA)
        right.plot(k, bits[k], "o", color=style.MODEL, markersize=11)
        right.set(xlabel="k", ylabel="bits per sample", yscale="log", title=f"k = {k}: {bits[k]:.2f} bits per sample")

    return knobs.explore(
        draw,
        {"k": knobs.whole_slider("k", max(best - 3, 0), 0, len(bits) - 1)},
        twin=[{"k": max(best - 2, 0)}, {"k": best}, {"k": min(best + 3, len(bits) - 1)}],
        figsize=(8.4, 3.0),
    )
