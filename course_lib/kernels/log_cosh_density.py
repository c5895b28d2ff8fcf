r"""Densities made of a square and a log cosh: the log density and its first two derivatives in one pass.

Taught in: 06_ica
"""

import ctypes
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from course_lib.kernels import native


class Evaluation(NamedTuple):
    """log p, ψ = d log p / ds and −ψ′, each of the shape of s."""

    log_prob: Float[Tensor, "N D"]
    score: Float[Tensor, "N D"]
    curvature: Float[Tensor, "N D"]


class Shape(NamedTuple):
    r"""The numbers in :math:`\log p(s_d) = m_d - \tfrac12 a s_d^2 - k_d \log \cosh(b s_d)`; b > 0."""

    a: float
    b: float
    k: Float64[Tensor, " D"]
    m: Float64[Tensor, " D"]


def reference(s: Float[Tensor, "N D"], shape: Shape) -> Evaluation:
    r"""Returns log p(s), ψ(s) and −ψ′(s).

    .. math:: ψ(s) = -a s - k b \tanh(b s), \qquad -ψ'(s) = a + k b^2 (1 - \tanh^2 (b s)), \qquad
              \log \cosh u = |u| - \log(1 + \tanh |u|)
    """
    a, b, k, m = shape
    u = b * s
    tanh = torch.tanh(u)
    log_cosh = u.abs() - (1 + tanh.abs()).log()
    return Evaluation(m - 0.5 * a * s.square() - k * log_cosh, -a * s - k * b * tanh, a + k * b**2 * (1 - tanh.square()))


def compiled(s: Float64[Tensor, "N D"], shape: Shape, library: ctypes.CDLL) -> Evaluation:
    """Returns what ``reference`` returns, up to rounding; without gradients. The results of one source lie side by side in memory."""
    by_source = s.detach().T.contiguous()  # (D, N): no copy where it lies so already
    D, N = by_source.shape
    results = [torch.empty_like(by_source) for _ in range(3)]
    sizes = (ctypes.c_long(D), ctypes.c_long(N), ctypes.c_double(shape.a), ctypes.c_double(shape.b))
    given = (native.pointer(numbers.detach().double().contiguous()) for numbers in (shape.k, shape.m))
    library.log_cosh_density.restype = None
    library.log_cosh_density(native.pointer(by_source), *sizes, *given, *(native.pointer(result) for result in results))
    return Evaluation(*(result.T for result in results))


def log_cosh_density(s: Float[Tensor, "N D"], shape: Shape) -> Evaluation:
    """Returns what ``reference`` returns, compiled where that is possible."""
    library = native.library("log_cosh_density") if s.dtype == torch.float64 and native.takes(s, shape.k, shape.m) else None
    return reference(s, shape) if library is None else compiled(s, shape, library)
