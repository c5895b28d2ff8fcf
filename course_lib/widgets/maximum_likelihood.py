"""Knobs of lecture 1: a coin and a die whose estimates settle, a Gaussian over the plane that leans and stretches.

Taught in: 01_maximum_likelihood
"""

import ipywidgets
import numpy as np
import torch
from IPython.display import Image
from matplotlib.figure import FigureBase

from course_lib.plotting import densities, estimates, style
from course_lib.widgets import knobs

MOST_TOSSES = 4096


def coin(*, generator: torch.Generator) -> ipywidgets.Widget | Image:
    """Shows how the estimate of a coin settles, and how its likelihood narrows, as tosses come in.

    Knobs: the number of tosses and the true probability of heads. The same coins are tossed again at every turn of a knob, so that
    nothing changes but what the knob changes.

    Args:
        generator: tosses the coins.

    Returns:
        The widget, or its static twin.
    """
    luck = torch.rand(MOST_TOSSES, generator=generator, dtype=torch.float64).numpy()
    grid = np.linspace(0.005, 0.995, 199)

    def draw(figure: FigureBase, number: int, heads: float) -> None:
        tosses = luck[:number] < heads
        running = np.cumsum(tosses) / np.arange(1, len(tosses) + 1)
        left, right = figure.subplots(1, 2)
        estimates.running_estimates(running[:, None], truth=[heads], labels=["heads"], ax=left)
        share = running[-1]
        relative = np.exp(len(tosses) * (share * np.log(grid) + (1 - share) * np.log(1 - grid) + _binary_entropy(share)))
        right.plot(grid, relative, color=style.MODEL)
        right.axvline(heads, color=style.TRUTH, linestyle=":")
        right.set(xlabel=r"$\theta$", ylabel="likelihood / its maximum", title=f"estimate {share:.3f} from {number}")

    return knobs.explore(
        draw,
        {"number": knobs.doubling_slider("tosses", 32, MOST_TOSSES), "heads": knobs.slider("true P(heads)", 0.5, 0.05, 0.95, 0.05)},
        twin=[{"number": 8, "heads": 0.5}, {"number": 1024, "heads": 0.5}],
        figsize=(8.4, 3.2),
    )


def die(*, generator: torch.Generator, sides: int = 6) -> ipywidgets.Widget | Image:
    """Shows how the estimates of a die settle as rolls come in.

    Knobs: the number of rolls, and how much lead is hidden behind the last face (its probability is ``1 / sides + lead``).

    Args:
        generator: rolls the die.
        sides: faces of the die.

    Returns:
        The widget, or its static twin.
    """
    luck = torch.rand(MOST_TOSSES, generator=generator, dtype=torch.float64).numpy()
    labels = [str(face) for face in range(1, sides + 1)]

    def draw(figure: FigureBase, number: int, lead: float) -> None:
        truth = np.full(sides, 1 / sides - lead / (sides - 1))
        truth[-1] = 1 / sides + lead
        faces = np.minimum(np.searchsorted(np.cumsum(truth), luck[:number], side="right"), sides - 1)
        running = np.cumsum(np.eye(sides)[faces], axis=0) / np.arange(1, len(faces) + 1)[:, None]
        left, right = figure.subplots(1, 2)
        estimates.running_estimates(running, truth=truth, labels=labels, ax=left)
        right.bar(labels, running[-1], color=style.PALETTE[:sides], alpha=0.7)
        right.plot(labels, truth, "_", color=style.TRUTH, markersize=22, markeredgewidth=2, label="truth")
        right.set(xlabel="face", ylabel="estimated probability", ylim=(0, 1), title=f"from {number}")
        right.legend()

    return knobs.explore(
        draw,
        {
            "number": knobs.doubling_slider("rolls", 64, MOST_TOSSES),
            "lead": knobs.slider("lead on the last face", 0.0, 0.0, 0.8, 0.05),
        },
        twin=[{"number": 16, "lead": 0.0}, {"number": 4096, "lead": 0.3}],
        figsize=(8.4, 3.2),
    )


def gaussian_surface() -> ipywidgets.Widget | Image:
    """Shows the density of two correlated Gaussian variables as a surface.

    Knobs: the standard deviations σ₁ and σ₂, and the correlation ρ.

    Returns:
        The widget, or its static twin.
    """
    axis = np.linspace(-3.5, 3.5, 81)  # in standard deviations, so that a narrow ridge is drawn as finely as a broad one

    def draw(figure: FigureBase, sigma_1: float, sigma_2: float, rho: float) -> None:
        u1, u2 = np.meshgrid(axis, axis)
        height = 1 / (2 * np.pi * sigma_1 * sigma_2 * np.sqrt(1 - rho**2))
        density = height * np.exp(-(u1**2 - 2 * rho * u1 * u2 + u2**2) / (2 * (1 - rho**2)))
        mountain, chart = densities.surface(sigma_1 * u1, sigma_2 * u2, density, figure=figure)
        for ax in (mountain, chart):
            ax.set(xlim=(-5, 5), ylim=(-5, 5))

    return knobs.explore(
        draw,
        {
            "sigma_1": knobs.slider("σ₁", 1.0, 0.4, 2.0, 0.1),
            "sigma_2": knobs.slider("σ₂", 1.0, 0.4, 2.0, 0.1),
            "rho": knobs.slider("ρ", 0.0, -0.95, 0.95, 0.05),
        },
        twin=[{"sigma_1": 1.0, "sigma_2": 1.0, "rho": 0.0}, {"sigma_1": 1.0, "sigma_2": 1.5, "rho": 0.8}],
        figsize=(7.6, 3.6),
    )


def _binary_entropy(p: float) -> float:
    """Returns −p log p − (1 − p) log(1 − p) in nats, 0 at both ends."""
    return float(-sum(q * np.log(q) for q in (p, 1 - p) if q > 0))
