"""One look for all figures: a palette that the colour-blind can tell apart, light grids, sizes that suit a notebook.

Taught in: 00_start_here

References:
    Okabe, Ito: Color Universal Design, 2008 (the palette).
"""

import matplotlib
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

DATA = "#56606b"  # what was observed
MODEL = "#d55e00"  # what the model says
TRUTH = "#009e73"  # what is known to be so
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d31", "#56606b")


def use() -> None:
    """Sets the look for every figure of this process."""
    matplotlib.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": "medium",
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "figure.figsize": (6.4, 3.4),
            "grid.alpha": 0.3,
            "grid.linewidth": 0.6,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "savefig.facecolor": "white",
        }
    )


def axes(ax: Axes | None, *, figsize: tuple[float, float] = (6.4, 3.4)) -> Axes:
    """Returns the axes to draw on: the given ones, or new ones of the given size in inches."""
    return plt.subplots(figsize=figsize)[1] if ax is None else ax
