"""Reflection coefficients, and the predictors of all orders that they build.

With A(z) = 1 + Σ a_m z^-m and k_i the last coefficient of the predictor of order i, k_1 = −r_1 / r_0: the partial autocorrelations (PARCOR)
are the −k_i. Stability asks for their size only.

Taught in: 03_linear_prediction
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor


def from_reflection(k: Float[Tensor, "*frames M"]) -> Float64[Tensor, "*frames M"]:
    r"""Builds the predictor, one order at a time (the step-up recursion).

    .. math:: a^{(i)}_i = k_i, \qquad a^{(i)}_m = a^{(i-1)}_m + k_i\, a^{(i-1)}_{i-m}

    Args:
        k: reflection coefficients k_1 … k_M, ``(..., M)``.

    Returns:
        The coefficients a_1 … a_M, ``(..., M)``; 1 / A is stable if and only if every \|k\| < 1.

    Example:
        >>> from_reflection(torch.tensor([-0.5, 0.2]))
        tensor([-0.6000,  0.2000], dtype=torch.float64)

    References:
        J. D. Markel, A. H. Gray, Linear Prediction of Speech, 1976 (step-up and step-down).
    Deviation: the sign of k is that of a_i^{(i)}; some texts turn it round.
    Taught in: 03_linear_prediction
    """
    k = k.double()
    a = k[..., :0]
    for i in range(k.shape[-1]):
        a = torch.cat([a + k[..., i : i + 1] * a.flip(-1), k[..., i : i + 1]], dim=-1)
    return a


def to_reflection(a: Float[Tensor, "*frames M"]) -> Float64[Tensor, "*frames M"]:
    r"""Takes the predictor down again, one order at a time (the step-down recursion).

    .. math:: k_i = a^{(i)}_i, \qquad a^{(i-1)}_m = \frac{a^{(i)}_m - k_i\, a^{(i)}_{i-m}}{1 - k_i^2}

    Args:
        a: coefficients a_1 … a_M, ``(..., M)``, stable or not.

    Returns:
        The reflection coefficients, ``(..., M)``.

    Raises:
        ValueError: if a coefficient on the way down is exactly ±1: then the predictors below it are not determined.

    Example:
        >>> to_reflection(torch.tensor([-0.6, 0.2]))
        tensor([-0.5000,  0.2000], dtype=torch.float64)

    References:
        J. D. Markel, A. H. Gray, Linear Prediction of Speech, 1976 (step-up and step-down).
    Deviation: none
    Taught in: 03_linear_prediction
    """
    return torch.stack([lower[..., -1] for lower in lower_orders(a)], dim=-1) if a.shape[-1] else a.double()


def lower_orders(a: Float[Tensor, "*frames M"]) -> list[Tensor]:
    """Returns the predictors of order 1 … M that the recursion passes through, ``(..., 1)``, ``(..., 2)``, … ``(..., M)``.

    Raises:
        ValueError: if a reflection coefficient is exactly ±1.
    """
    a = a.double()
    orders = [a]
    for _ in range(a.shape[-1] - 1):
        k, shorter = a[..., -1:], a[..., :-1]
        if (k.abs() == 1).any():
            raise ValueError(f"no reflection coefficient may be exactly ±1, the one of order {a.shape[-1]} is")
        a = (shorter - k * shorter.flip(-1)) / (1 - k**2)
        orders.insert(0, a)
    return orders
