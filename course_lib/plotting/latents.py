"""A latent space seen: a guess beside the true posterior, the bound beside what it bounds, a sheet of what its points become.

Taught in: 12_vae
"""

import math

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_lib.plotting import style


def posterior_and_guess(z: ArrayLike, log_joint: ArrayLike, *, mean: float, std: float, ax: Axes | None = None) -> Axes:
    """Shows prior, exact posterior and a Gaussian guess of one latent number.

    Args:
        z: an even grid, ``(G,)``, that covers the posterior.
        log_joint: log p(x, z) on it, nats, ``(G,)``.
        mean: of the guess.
        std: its standard deviation.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax)
    z, log_joint = np.asarray(z), np.asarray(log_joint)
    step = z[1] - z[0]
    posterior = np.exp(log_joint - log_joint.max())
    ax.plot(z, np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi), color=style.DATA, linewidth=1, label="prior $p(z)$")
    ax.fill_between(z, posterior / posterior.sum() / step, color=style.TRUTH, alpha=0.3, label="posterior $p(z|x)$")
    ax.plot(z, np.exp(_log_normal(z, mean, std)), color=style.MODEL, label="guess $q(z)$")
    ax.set(xlabel="$z$", ylabel="density", xlim=(-4, 4), ylim=(0, None))
    ax.legend(fontsize="small")
    return ax


def bound_and_gap(z: ArrayLike, log_joint: ArrayLike, *, mean: float, std: float, ax: Axes | None = None) -> Axes:
    """Shows the bound that a guess gives, and how far it stays below log p(x): the divergence from guess to posterior.

    Args:
        z: an even grid, ``(G,)``, that covers guess and posterior.
        log_joint: log p(x, z) on it, nats, ``(G,)``.
        mean: of the guess.
        std: its standard deviation.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.4, 3.0))
    z, log_joint = np.asarray(z), np.asarray(log_joint)
    step = z[1] - z[0]
    log_p = log_joint.max() + math.log(np.exp(log_joint - log_joint.max()).sum() * step)
    log_q = _log_normal(z, mean, std)
    bound = (np.exp(log_q) * (log_joint - log_q)).sum() * step
    ax.axhline(log_p, color=style.TRUTH, label=r"$\log p(x)$")
    ax.axhline(bound, color=style.MODEL, label="bound")
    ax.plot([0.5, 0.5], [bound, log_p], color="black", linewidth=3, solid_capstyle="butt", label="KL from guess to posterior")
    title = f"bound {bound:.2f}, below by {log_p - bound:.2f}"
    ax.set(ylabel="nats", ylim=(log_p - 5, log_p + 0.5), xlim=(0, 1), xticks=[], title=title)
    ax.legend(fontsize="small", loc="lower right")
    return ax


def atlas(pictures: ArrayLike, *, centre: tuple[float, float] = (0.0, 0.0), span: float = 2.0, ax: Axes | None = None) -> Axes:
    """Shows what the points of a square of a latent plane become.

    Args:
        pictures: ``(R, C, H, W)``, paper 0 to ink 1: rows from the largest z₂ down, columns from the smallest z₁ up.
        centre: the middle of the square.
        span: how far it reaches from there.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if ``pictures`` has another number of axes.
    """
    pictures = np.asarray(pictures)
    if pictures.ndim != 4:
        raise ValueError(f"pictures must be (R, C, H, W), got shape {pictures.shape}")
    R, C, H, W = pictures.shape
    ax = style.axes(ax, figsize=(5.0, 5.0))
    sheet = pictures.transpose(0, 2, 1, 3).reshape(R * H, C * W)
    corners = (centre[0] - span, centre[0] + span, centre[1] - span, centre[1] + span)
    ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=1, extent=corners, interpolation="nearest", aspect="equal")
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    ax.grid(False)
    return ax


def _log_normal(z: np.ndarray, mean: float, std: float) -> np.ndarray:
    return -0.5 * ((z - mean) / std) ** 2 - math.log(std) - 0.5 * math.log(2 * math.pi)
