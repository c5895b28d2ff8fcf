r"""Sums over many samples of densities made of a square and a log cosh: all that a step of independent component analysis needs of the data.

Taught in: 06_ica
"""

import ctypes
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from course_lib.kernels import native

_BLOCK_NUMBERS = 2**15  # float64 numbers that fit in a processor's second cache several times over
_SAMPLES = 256  # of a block of the C form


class Evaluation(NamedTuple):
    """log p, ψ = d log p / ds and −ψ′, each of the shape of s."""

    log_prob: Float[Tensor, "*N D"]
    score: Float[Tensor, "*N D"]
    curvature: Float[Tensor, "*N D"]


class Totals(NamedTuple):
    r"""Sums over samples: :math:`\sum_{nd} \log p(s_{nd})`, :math:`\sum_n ψ(s_{ni}) s_{nj}` and :math:`\sum_n -ψ'(s_{ni}) s_{nj}^2`."""

    log_prob: Float64[Tensor, ""]
    products: Float64[Tensor, "D D"]
    bends: Float64[Tensor, "D D"]


class Shape(NamedTuple):
    r"""The numbers in :math:`\log p(s_d) = m_d - \tfrac12 a s_d^2 - k_d \log \cosh(b s_d)`; b > 0."""

    a: float
    b: float
    k: Float64[Tensor, " D"]
    m: Float64[Tensor, " D"]


def evaluate(s: Float[Tensor, "*N D"], shape: Shape) -> Evaluation:
    r"""Returns log p(s), ψ(s) and −ψ′(s).

    .. math:: ψ(s) = -a s - k b \tanh(b s), \qquad -ψ'(s) = a + k b^2 (1 - \tanh^2 (b s)), \qquad
              \log \cosh u = |u| - \log(1 + \tanh |u|)
    """
    a, b, k, m = shape
    u = b * s
    tanh = torch.tanh(u)
    log_cosh = u.abs() - (1 + tanh.abs()).log()
    return Evaluation(m - 0.5 * a * s.square() - k * log_cosh, -a * s - k * b * tanh, a + k * b**2 * (1 - tanh.square()))


def totals(unmixing: Float64[Tensor, "D D"], centred: Float64[Tensor, "D N"], evaluation: Callable[[Tensor], Evaluation]) -> Totals:
    """Returns the sums for the sources W c_n of any density, a block at a time: what is made of a block fits in the processor's cache."""
    D = len(unmixing)
    log_prob, products, bends = torch.zeros(1, dtype=torch.float64), torch.zeros_like(unmixing), torch.zeros_like(unmixing)
    for block in centred.split(_BLOCK_NUMBERS // D + 1, dim=1):
        sources = (unmixing @ block).T  # (n, D)
        log_p, score, curvature = evaluation(sources)
        log_prob += log_p.sum()
        products += score.T @ sources
        bends += curvature.T @ sources.square()
    return Totals(log_prob[0], products, bends)


def reference(unmixing: Float64[Tensor, "D D"], centred: Float64[Tensor, "D N"], shape: Shape) -> Totals:
    """Returns the sums for the sources W c_n with a density of this shape."""
    return totals(unmixing, centred, lambda s: evaluate(s, shape))


def compiled(unmixing: Float64[Tensor, "D D"], centred: Float64[Tensor, "D N"], shape: Shape, library: ctypes.CDLL) -> Totals:
    """Returns what ``reference`` returns, up to rounding; without gradients."""
    D, N = centred.shape
    W, c, k, m = (given.detach().contiguous() for given in (unmixing, centred, shape.k, shape.m))
    work, products, bends = torch.empty(4 * D * _SAMPLES, dtype=torch.float64), torch.empty_like(W), torch.empty_like(W)
    library.log_cosh_totals.restype = ctypes.c_double
    numbers = (ctypes.c_long(D), ctypes.c_long(N), ctypes.c_double(shape.a), ctypes.c_double(shape.b))
    tensors = (native.pointer(tensor) for tensor in (k, m, work, products, bends))
    log_prob = library.log_cosh_totals(native.pointer(W), native.pointer(c), *numbers, *tensors)
    return Totals(torch.tensor(log_prob, dtype=torch.float64), products, bends)


def log_cosh_totals(unmixing: Float64[Tensor, "D D"], centred: Float64[Tensor, "D N"], shape: Shape) -> Totals:
    """Returns what ``reference`` returns, compiled where that is possible."""
    library = native.library("log_cosh_totals") if native.takes(unmixing, centred, shape.k, shape.m) else None
    return reference(unmixing, centred, shape) if library is None else compiled(unmixing, centred, shape, library)
