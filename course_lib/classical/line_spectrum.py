"""Line spectral frequencies: a predictor written as M places on the frequency axis.

Taught in: 03_linear_prediction
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from course_lib.classical import reflection

_STEPS = 200  # many more than halving the bracket alone would take
_CLOSE = 1e-9  # radians; Newton's method, which doubles the digits, then has all of them


def phase(k: Float[Tensor, "*frames M"], w: Float[Tensor, "*frames F"]) -> tuple[Tensor, Tensor]:
    r"""Returns the phase of A(z) / (z^{-(M+1)} A(1/z)) at z = e^{jω}, and its slope.

    Stage by stage through the lattice, with θ_m the phase of A_m(z) / (z^{-m} A_m(1/z)):

    .. math:: ψ = θ_{m-1} + ω, \qquad θ_m = ψ - 2 \arg\bigl(1 + k_m e^{jψ}\bigr)

    The last angle stays within ±π/2 while every \|k\| < 1, so nothing needs unwrapping, and each stage rises where the one before rises:
    from 0 at ω = 0 to (M + 1) π at ω = π.

    Args:
        k: reflection coefficients, ``(..., M)``, all in (−1, 1).
        w: angular frequencies, ``(..., F)``, radians a sample.

    Returns:
        Φ(ω) and dΦ/dω, both ``(..., F)``.

    Example:
        >>> phase(torch.zeros(2), torch.tensor([1.0]))
        (tensor([3.]), tensor([3.]))

    References:
        P. P. Vaidyanathan, Multirate Systems and Filter Banks, 1993 (all-pass filters and their lattice).
    Deviation: none
    Taught in: 03_linear_prediction
    """
    angle, slope = torch.zeros_like(w), torch.zeros_like(w)
    for k_m in k.unsqueeze(-1).unbind(-2):  # (..., 1)
        angle, slope = angle + w, slope + 1
        c, s = torch.cos(angle), torch.sin(angle)
        angle = angle - 2 * torch.atan2(k_m * s, 1 + k_m * c)
        slope = slope * (1 - k_m**2) / (1 + 2 * k_m * c + k_m**2)
    return angle + w, slope + 1


def to_line_spectrum(a: Float[Tensor, "*frames M"]) -> Float64[Tensor, "*frames M"]:
    r"""Finds the line spectral frequencies (LSF, LSP): where the two mirrored filters vanish.

    .. math:: P(z) = A(z) + z^{-(M+1)} A(1/z), \qquad Q(z) = A(z) - z^{-(M+1)} A(1/z)

    The phase of ``phase`` climbs past π, 2π, …, Mπ, and each time one of the two has a zero: P at odd multiples, Q at even ones. So their zeros
    take turns, and are found by climbing: Newton's method, kept in a bracket that shrinks.

    Args:
        a: coefficients of a stable predictor, ``(..., M)``.

    Returns:
        ω_1 < … < ω_M in (0, π), radians a sample, ``(..., M)``; those of P and Q in turn.

    Raises:
        ValueError: if a predictor is not stable.

    Example:
        >>> to_line_spectrum(torch.zeros(3)) / torch.pi
        tensor([0.2500, 0.5000, 0.7500], dtype=torch.float64)

    References:
        F. Itakura, Line spectrum representation of linear predictor coefficients of speech signals, 1975, doi:10.1121/1.1995189.
    Deviation: zeros are found through the phase, of all frames at once, not as the roots of each polynomial.
    Taught in: 03_linear_prediction
    """
    k = reflection.to_reflection(a)
    if not (k.abs() < 1).all():
        raise ValueError(f"a must be stable (every |k| < 1) to have a line spectrum, the largest |k| is {k.abs().max().item():.6g}")
    targets = torch.pi * torch.arange(1, a.shape[-1] + 1, dtype=torch.float64)
    w = (targets / (a.shape[-1] + 1)).expand(k.shape)
    low, high = torch.zeros_like(w), torch.full_like(w, torch.pi)
    step = before = high
    for _ in range(_STEPS):
        climbed, slope = phase(k, w)
        beyond = climbed - targets
        low, high = torch.where(beyond > 0, low, w), torch.where(beyond > 0, w, high)
        newton, middle = beyond / slope, w - (low + high) / 2
        slow = (w - newton < low) | (w - newton > high) | (newton.abs() > (before.abs() / 2).clamp_min(_CLOSE))
        before, step = step, torch.where(slow, middle, newton)
        w = w - step
        if (step.abs() <= _CLOSE).all():
            return w
    raise AssertionError(f"no line spectrum was found in {_STEPS} steps")


def from_line_spectrum(w: Float[Tensor, "*frames M"]) -> Float64[Tensor, "*frames M"]:
    r"""Builds the predictor from its line spectral frequencies.

    .. math:: A(z) = \frac{P(z) + Q(z)}2, \qquad P(z) = (1 + z^{-1}) \prod_{i\text{ odd}} (1 - 2 \cos ω_i z^{-1} + z^{-2}), \quad
              Q(z) = (1 - z^{-1}) \prod_{i\text{ even}} (1 - 2 \cos ω_i z^{-1} + z^{-2})

    (for even M; for odd M both factors belong to Q).

    Args:
        w: frequencies ω_1 … ω_M, radians a sample, ``(..., M)``; of P and Q in turn.

    Returns:
        The coefficients a_1 … a_M, ``(..., M)``; 1 / A is stable if 0 < ω_1 < … < ω_M < π, and not otherwise.

    Example:
        >>> from_line_spectrum(torch.tensor([0.25, 0.5, 0.75]) * torch.pi).abs().max() < 1e-6
        tensor(True)

    References:
        F. Itakura, Line spectrum representation of linear predictor coefficients of speech signals, 1975, doi:10.1121/1.1995189.
    Deviation: none
    Taught in: 03_linear_prediction
    """
    w = w.double()
    M = w.shape[-1]
    at_zero, at_pi = w.new_tensor([1.0, -1.0]), w.new_tensor([1.0, 1.0])
    p, q = _product(w[..., ::2]), _product(w[..., 1::2])
    if M % 2:
        q = _times(_times(q, at_zero), at_pi)
    else:
        p, q = _times(p, at_pi), _times(q, at_zero)
    return ((p + q) / 2)[..., 1 : M + 1]


def _product(w: Tensor) -> Tensor:
    """The coefficients of Π (1 − 2 cos ω z⁻¹ + z⁻²), (..., 2 K + 1).

    Either half takes every second frequency, so that it spans the circle and its coefficients stay small: no digits are lost.
    """
    K = w.shape[-1]
    if K == 0:
        return w.new_ones(*w.shape[:-1], 1)
    if K == 1:
        return torch.cat([torch.ones_like(w), -2 * torch.cos(w), torch.ones_like(w)], dim=-1)
    return _times(_product(w[..., ::2]), _product(w[..., 1::2]))


def _times(p: Tensor, q: Tensor) -> Tensor:
    """The product of two polynomials."""
    longer = torch.nn.functional.pad(p, (0, q.shape[-1] - 1))
    return sum(q[..., i : i + 1] * longer.roll(i, dims=-1) for i in range(q.shape[-1]))
