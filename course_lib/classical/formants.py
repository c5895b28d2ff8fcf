"""Formants: the resonances of the vocal tract, which tell one vowel from another.

Taught in: 03_linear_prediction
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

LOWEST_HZ = 90.0
WIDEST_HZ = 600.0


@dataclass(frozen=True)
class Formants:
    """Resonances of each frame, lowest first; nan fills up where a frame has fewer than others might.

    Args:
        frequency_hz: ``(..., M // 2)``.
        bandwidth_hz: ``(..., M // 2)``, where the power of the resonance has fallen to half.
    """

    frequency_hz: Float64[Tensor, "*frames F"]
    bandwidth_hz: Float64[Tensor, "*frames F"]


def formants(a: Float[Tensor, "*frames M"], rate_hz: float | int) -> Formants:
    r"""Reads the resonances off the poles p of 1 / A(z).

    .. math:: f = \frac{\arg p}{2π}\, \mathrm{rate}, \qquad b = -\frac{\ln |p|}{π}\, \mathrm{rate}

    A pole counts if it lies in the upper half plane, above 90 Hz (below is the glottis) and under 600 Hz wide (wider ones shape the slope).

    Args:
        a: coefficients, ``(..., M)``.
        rate_hz: samples a second.

    Returns:
        The formants of each frame.

    Raises:
        ValueError: if ``rate_hz`` is not positive.

    Example:
        >>> formants(torch.tensor([-1.8, 0.97]), 8000).frequency_hz
        tensor([532.4999], dtype=torch.float64)

    References:
        B. S. Atal, S. L. Hanauer, Speech analysis and synthesis by linear prediction of the speech wave, 1971, doi:10.1121/1.1912679.
    Deviation: both limits are ours.
    Taught in: 03_linear_prediction
    """
    if not rate_hz > 0:
        raise ValueError(f"rate_hz must be greater than 0, got {rate_hz}")
    a = a.double()
    M = a.shape[-1]
    companion = torch.diag(a.new_ones(M - 1), -1).expand(*a.shape[:-1], M, M).clone()
    companion[..., 0, :] = -a
    poles = torch.linalg.eigvals(companion)
    frequency_hz, bandwidth_hz = poles.angle() * rate_hz / (2 * torch.pi), -poles.abs().log() * rate_hz / torch.pi
    counts = (poles.imag > 0) & (frequency_hz > LOWEST_HZ) & (bandwidth_hz < WIDEST_HZ)
    frequency_hz, order = torch.where(counts, frequency_hz, torch.nan).sort(-1)  # nan comes last
    bandwidth_hz = torch.where(counts, bandwidth_hz, torch.nan).gather(-1, order)
    return Formants(frequency_hz[..., : M // 2], bandwidth_hz[..., : M // 2])
