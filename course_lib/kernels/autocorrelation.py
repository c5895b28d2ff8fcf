"""The autocorrelation of many frames: how alike each is to itself, some samples later.

Taught in: 03_linear_prediction
"""

import ctypes

import torch
from jaxtyping import Float64
from torch import Tensor

from course_lib.kernels import native

WIDEST = 8  # numbers in the C form's widest vector


def reference(x: Float64[Tensor, "N T"], order: int) -> Float64[Tensor, "N lags"]:
    """Returns Σ_t x_t x_{t+k} / T for k = 0 … ``order``, ``(N, order + 1)``; outside the frame the signal is 0."""
    T = x.shape[1]
    lags = [(x[:, k:] * x[:, : T - k]).sum(1) if k < T else torch.zeros_like(x[:, 0]) for k in range(order + 1)]
    return torch.stack(lags, dim=1) / T


def compiled(x: Float64[Tensor, "N T"], order: int, library: ctypes.CDLL) -> Float64[Tensor, "N lags"]:
    """Returns what ``reference`` returns, up to the order of its sums; without gradients."""
    x = x.detach().contiguous()
    N, T = x.shape
    r, work = x.new_empty(N, order + 1), x.new_zeros(T + 4 * WIDEST)
    sizes = (ctypes.c_long(size) for size in (N, T, order))
    library.autocorrelation(native.pointer(x), *sizes, native.pointer(r), native.pointer(work))
    return r


def autocorrelation(x: Float64[Tensor, "N T"], order: int) -> Float64[Tensor, "N lags"]:
    """Returns what ``reference`` returns, compiled where that is possible."""
    library = native.library("autocorrelation") if native.takes(x) else None
    return reference(x, order) if library is None else compiled(x, order, library)
