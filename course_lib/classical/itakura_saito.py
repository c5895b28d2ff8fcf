"""The Itakura–Saito distance between power spectra: what maximum likelihood measures when it fits one.

Taught in: 03_linear_prediction
"""

from jaxtyping import Float, Float64
from torch import Tensor


def itakura_saito(p: Float[Tensor, "*#frames F"], q: Float[Tensor, "*#frames F"]) -> Float64[Tensor, "*#frames"]:
    r"""Compares a power spectrum p with a model q of it.

    .. math:: D_{IS}(p \,\|\, q) = \frac1F \sum_f \left( \frac{p_f}{q_f} - \ln \frac{p_f}{q_f} - 1 \right)

    It is 0 where they are alike, does not change when both are made louder, and minds a missing peak more than a filled valley.
    For stationary Gaussian noise with spectrum q it is, but for what q cannot change, twice the negative log-likelihood per sample. For real signals
    take all F frequencies of the circle, 0 ≤ ω < 2π: those of ``rfft`` alone would count 0 and π too often.

    Args:
        p: power spectrum, ``(..., F)``, greater than 0; leading axes broadcast.
        q: power spectrum, ``(..., F)``, greater than 0.

    Returns:
        The distance, at least 0, ``(...)``; differentiable.

    Raises:
        ValueError: if a value is not greater than 0.

    Example:
        >>> import torch
        >>> itakura_saito(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
        tensor(0.1534, dtype=torch.float64)

    References:
        F. Itakura, S. Saito, Analysis synthesis telephony based on the maximum likelihood method, 6th International Congress on Acoustics, 1968, C-5-5.
    Deviation: none
    Taught in: 03_linear_prediction
    """
    for name, spectrum in (("p", p), ("q", q)):
        if not (spectrum > 0).all():
            raise ValueError(f"{name} must be greater than 0 at every frequency, the smallest is {spectrum.min().item():.6g}")
    ratio = p.double() / q.double()
    return (ratio - ratio.log() - 1).mean(-1)
