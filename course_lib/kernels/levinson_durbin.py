"""The Levinson–Durbin recursion on many frames: Toeplitz equations solved order by order.

Taught in: 03_linear_prediction
"""

import torch
from jaxtyping import Float64
from torch import Tensor

EPSILON = torch.finfo(torch.float64).eps


def reference(r: Float64[Tensor, "N lags"]) -> tuple[Float64[Tensor, "N M"], Float64[Tensor, "N M"], Float64[Tensor, " N"]]:
    r"""Returns coefficients a, reflections k, and the power E that is left, of each row's autocorrelation.

    .. math:: k_i = -\frac{r_i + \sum_{m<i} a_m r_{i-m}}{E}, \quad a_i = k_i, \quad a_m \mathrel{+}= k_i a_{i-m}, \quad E \mathrel{*}= 1 - k_i^2

    r is known to a relative error of ε at best, so E is known only to ε r₀ (1 + Σ |a|)². A row whose E has come down to that (of silence it is 0
    from the start) has been predicted as well as its numbers can say: its further coefficients are 0.
    """
    order = r.shape[1] - 1
    a, ks, power = r[:, :0], [], r[:, 0]
    for i in range(1, order + 1):
        known = power > EPSILON * r[:, 0] * (1 + a.abs().sum(1)) ** 2
        k = -(r[:, i] + (a * r[:, 1:i].flip(1)).sum(1)) / torch.where(known, power, 1.0)
        k = torch.where(known, k, 0.0)
        a = torch.cat([a + k[:, None] * a.flip(1), k[:, None]], dim=1)
        power = power * (1 - k**2)
        ks.append(k)
    return a, torch.stack(ks, dim=1) if ks else a, power


def levinson_durbin(r: Float64[Tensor, "N lags"]) -> tuple[Float64[Tensor, "N M"], Float64[Tensor, "N M"], Float64[Tensor, " N"]]:
    """Returns what ``reference`` returns."""
    return reference(r)
