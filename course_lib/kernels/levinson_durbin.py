"""The Levinson–Durbin recursion on many frames: Toeplitz equations solved order by order.

Taught in: 03_linear_prediction
"""

import ctypes
from typing import NamedTuple

import torch
from jaxtyping import Float64
from torch import Tensor

from course_lib.kernels import native

ROUNDING = 64 * torch.finfo(torch.float64).eps  # of an autocorrelation's sums, with a margin
WIDEST = 8  # numbers in the C form's widest vector


class Solution(NamedTuple):
    """Coefficients, reflections and power left of each row; and the first row that is no autocorrelation, None if all are."""

    a: Float64[Tensor, "N M"]
    reflection: Float64[Tensor, "N M"]
    error_power: Float64[Tensor, " N"]
    refused: int | None


def reference(r: Float64[Tensor, "N lags"]) -> Solution:
    r"""Solves each row's Yule–Walker equations.

    .. math:: k_i = -\frac{r_i + \sum_{m<i} a_m r_{i-m}}{E}, \quad a_i = k_i, \quad a_m \leftarrow a_m + k_i a_{i-m}, \quad E \leftarrow (1 - k_i^2) E

    r is known to some ε r₀, ε being rounding, so E is known to ε r₀ (1 + Σ |a|)². The recursion ends before a step that would bring E down to that
    (for silence before the first), and the coefficients of higher orders are 0: more digits are not there to be predicted.
    A row is refused if some \|r_i\| > r₀, or E would become truly negative.
    """
    a, reflection, power = r[:, :0], r[:, :0], r[:, 0]
    going = valid = ((r.abs() <= r[:, :1]) & r.isfinite()).all(1)
    for i in range(1, r.shape[1]):
        k = -(r[:, i] + (a * r[:, 1:i].flip(1)).sum(1)) / torch.where(power > 0, power, 1.0)
        longer = torch.cat([a + k[:, None] * a.flip(1), k[:, None]], dim=1)
        left = power * (1 - k**2)
        rounding = ROUNDING * r[:, 0] * (1 + longer.abs().sum(1)) ** 2
        valid = valid & ~(going & (left < -rounding))
        going = going & (left > rounding)
        a = torch.where(going[:, None], longer, torch.nn.functional.pad(a, (0, 1)))
        reflection = torch.cat([reflection, torch.where(going, k, 0.0)[:, None]], dim=1)
        power = torch.where(going, left, power)
    return Solution(a, reflection, power, None if valid.all() else int((~valid).nonzero()[0]))


def compiled(r: Float64[Tensor, "N lags"], library: ctypes.CDLL) -> Solution:
    """Returns what ``reference`` returns, up to rounding; without gradients. Where a row is refused the numbers mean nothing."""
    r = r.detach().contiguous()
    N, M = r.shape[0], r.shape[1] - 1
    a, reflection, power = r.new_empty(N, M), r.new_empty(N, M), r.new_empty(N)
    work = r.new_empty((2 * M + 1) * WIDEST)
    library.levinson_durbin.restype = ctypes.c_long
    refused = library.levinson_durbin(
        native.pointer(r), ctypes.c_long(N), ctypes.c_long(M), *(native.pointer(t) for t in (a, reflection, power, work))
    )
    return Solution(a, reflection, power, None if refused < 0 else refused)


def levinson_durbin(r: Float64[Tensor, "N lags"]) -> Solution:
    """Returns what ``reference`` returns, compiled where that is possible."""
    library = native.library("levinson_durbin") if native.takes(r) else None
    return reference(r) if library is None else compiled(r, library)
