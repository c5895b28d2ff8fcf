"""The autocorrelation of many frames: how alike each is to itself, some samples later.

Taught in: 03_linear_prediction
"""

import torch
from jaxtyping import Float64
from torch import Tensor


def reference(x: Float64[Tensor, "N T"], order: int) -> Float64[Tensor, "N lags"]:
    """Returns Σ_t x_t x_{t+k} / T for k = 0 … ``order``, ``(N, order + 1)``; outside the frame the signal is 0."""
    T = x.shape[1]
    lags = [(x[:, k:] * x[:, : T - k]).sum(1) if k < T else torch.zeros_like(x[:, 0]) for k in range(order + 1)]
    return torch.stack(lags, dim=1) / T


def autocorrelation(x: Float64[Tensor, "N T"], order: int) -> Float64[Tensor, "N lags"]:
    """Returns what ``reference`` returns."""
    return reference(x, order)
