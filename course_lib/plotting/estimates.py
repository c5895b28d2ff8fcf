"""Estimates as the data grow: the likelihood they climb, the truth they approach.

Taught in: 01_maximum_likelihood
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike

from course_lib.plotting import style


def likelihood_curve(theta: ArrayLike, log_likelihood: ArrayLike, *, estimate: float, label: str, ax: Axes | None = None) -> Axes:
    """Shows the average log-likelihood over the parameter and where it peaks.

    Args:
        theta: the parameter, ``(G,)``.
        log_likelihood: nats per observation, ``(G,)``.
        estimate: the maximum-likelihood estimate.
        label: of the curve.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    (line,) = ax.plot(theta, log_likelihood, label=label)
    ax.plot(estimate, np.interp(estimate, theta, log_likelihood), "o", color=line.get_color())
    ax.axvline(estimate, color=line.get_color(), linewidth=0.8, linestyle=":")
    ax.set(xlabel=r"$\theta$", ylabel="log-likelihood\n(nats per observation)")
    ax.legend()
    return ax


def running_estimates(estimates: ArrayLike, *, truth: ArrayLike, labels: list[str], ax: Axes | None = None) -> Axes:
    """Shows probabilities estimated from the first n observations, for every n, with two standard errors around the truth.

    Args:
        estimates: ``(N, V)``, row n − 1 from the first n observations.
        truth: the true probabilities, ``(V,)``.
        labels: names of the V outcomes.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    estimates, truth = np.asarray(estimates), np.asarray(truth)
    n = np.arange(1, len(estimates) + 1)
    for p in np.unique(truth.round(9)):  # outcomes that are alike share a band
        error = 2 * np.sqrt(p * (1 - p) / n)
        ax.fill_between(n, p - error, p + error, color=style.DATA, alpha=0.12, linewidth=0)
    for estimate, p, label, colour in zip(estimates.T, truth, labels, style.PALETTE, strict=False):
        ax.plot(n, estimate, color=colour, label=label, linewidth=1.4, marker="o" if len(n) < 20 else None, markersize=4)
        ax.axhline(p, color=colour, linewidth=0.8, linestyle=":")
    ax.set(xscale="log", xlim=(0.9, max(len(n), 2)), ylim=(0, 1), xlabel="observations", ylabel="estimated probability")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend(ncols=3, fontsize="small", title="shaded: truth ± 2 standard errors", title_fontsize="small")
    return ax
