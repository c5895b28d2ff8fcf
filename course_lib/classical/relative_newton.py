r"""The climb to the likeliest unmixing matrix: the natural gradient, with a step for each direction that the curvature decides.

Taught in: 06_ica
"""

from typing import NamedTuple

import torch
from jaxtyping import Float64
from torch import Tensor

from course_lib.classical.source_densities import SourceDensity

_LEAST_CURVATURE = 0.01  # a step never trusts a flatter direction
_HALVINGS = 30  # of a step that overshoots
_FEW_ROWS = 1500  # enough to say which sources are flatter than a Gaussian


class Statistics(NamedTuple):
    """All that a step needs to know of the data."""

    log_likelihood: Float64[Tensor, ""]  # mean per row, in nats
    gradient: Float64[Tensor, "D D"]  # G, the natural one
    curvatures: Float64[Tensor, "D D"]  # h


class Climb(NamedTuple):
    """Where a climb ended: W, the density, the log-likelihood of the start and after each step, and whether the top was reached."""

    unmixing: Float64[Tensor, "D D"]
    density: SourceDensity
    log_likelihoods: Float64[Tensor, " steps"]
    converged: bool


def gather(unmixing: Float64[Tensor, "D D"], density: SourceDensity, centred: Float64[Tensor, "D N"]) -> Statistics:
    r"""Goes through the data once.

    .. math:: G = I + \frac 1 N \sum_n ψ(s_n)\, s_n^\top, \qquad h_{ij} = \frac 1 N \sum_n -ψ'(s_{ni})\, s_{nj}^2, \qquad s_n = W c_n

    Args:
        unmixing: W, ``(D, D)``.
        density: what each source is taken to be.
        centred: data less their mean, ``(D, N)``: what belongs to one sensor lies side by side in memory.

    Returns:
        Mean log-likelihood, G and h.

    Example:
        >>> from course_lib.classical.source_densities import Laplace
        >>> gather(torch.eye(1).double(), Laplace(), torch.tensor([[1.0, -1.0]]).double()).gradient
        tensor([[-0.4142]], dtype=torch.float64)
    """
    D, N = centred.shape
    totals = density.totals(unmixing, centred)
    log_det = torch.linalg.slogdet(unmixing).logabsdet
    return Statistics(totals.log_prob / N + log_det, torch.eye(D, dtype=torch.float64) + totals.products / N, totals.bends / N)


def direction(here: Statistics) -> tuple[Float64[Tensor, "D D"], Float64[Tensor, ""]]:
    r"""Returns the way to go, relative to W, and what a whole step promises to gain.

    Where the sources are independent, the likelihood's second derivatives fall apart into one 2 × 2 system for each pair of them:

    .. math:: \begin{pmatrix} h_{ij} & 1 \\ 1 & h_{ji} \end{pmatrix} \begin{pmatrix} ε_{ij} \\ ε_{ji} \end{pmatrix}
              = \begin{pmatrix} G_{ij} \\ G_{ji} \end{pmatrix}, \qquad ε_{ii} = \frac{G_{ii}}{h_{ii} + 1}, \qquad
              \text{gain} ≈ \tfrac12 \sum_{ij} ε_{ij} G_{ij}

    Args:
        here: statistics of the present W.

    Returns:
        ε, ``(D, D)``, for W ← (I + ε) W; and the gain in nats per row.

    References:
        P. Ablin, J.-F. Cardoso, A. Gramfort, Faster Independent Component Analysis by Preconditioning with Hessian Approximations,
        2018, arXiv:1706.08171 (the second of their two approximations).
    Deviation: none
    """
    _, G, h = here
    smaller = (h + h.T - ((h - h.T).square() + 4).sqrt()) / 2  # eigenvalue of each pair's system
    raised = h + (_LEAST_CURVATURE - smaller).clamp(min=0)
    turn = (raised.T * G - G.T) / (raised * raised.T - 1)
    turn.diagonal().copy_(G.diagonal() / (h.diagonal() + 1))
    return turn, (turn * G).sum() / 2


def climb(
    unmixing: Float64[Tensor, "D D"], density: SourceDensity, centred: Float64[Tensor, "D N"], *, steps: int, tolerance: float
) -> Climb:
    """Takes steps until one promises, or brings, a gain of less than ``tolerance``; a step that would lose likelihood is halved.

    Args:
        unmixing: W to start from, ``(D, D)``.
        density: what each source is taken to be; it may adapt before each step.
        centred: data less their mean, ``(D, N)``.
        steps: greatest number of steps.
        tolerance: nats per row.

    Returns:
        Where the climb ended.
    """
    density = _adapted(unmixing, density, centred)
    here = gather(unmixing, density, centred)
    log_likelihoods, gain = [here.log_likelihood], torch.inf
    while True:
        turn, promised = direction(here)
        converged = bool(min(promised, gain) < tolerance)
        if converged or len(log_likelihoods) > steps:
            return Climb(unmixing, density, torch.stack(log_likelihoods), converged)
        unmixing, here = _line_search(unmixing, density, centred, turn, here)
        gain = here.log_likelihood - log_likelihoods[-1]
        if (adapted := _adapted(unmixing, density, centred)) is not density:  # another shape, another likelihood
            density, here, gain = adapted, gather(unmixing, adapted, centred), torch.inf
        log_likelihoods.append(here.log_likelihood)


def _line_search(unmixing: Tensor, density: SourceDensity, centred: Tensor, turn: Tensor, here: Statistics) -> tuple[Tensor, Statistics]:
    """The matrix a step further that loses nothing, with its statistics; the same matrix where there is none."""
    for halvings in range(_HALVINGS):
        further = unmixing + 2.0**-halvings * turn @ unmixing
        there = gather(further, density, centred)
        if there.log_likelihood >= here.log_likelihood:  # −∞ for a singular matrix
            return further, there
    return unmixing, here


def _adapted(unmixing: Tensor, density: SourceDensity, centred: Tensor) -> SourceDensity:
    """The density whose shapes a few rows suggest."""
    few = centred[:, :: -(-centred.shape[1] // _FEW_ROWS)]
    return density.adapted((unmixing @ few).T)
