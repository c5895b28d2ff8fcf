"""The same sound at another sampling rate, by SciPy's polyphase filter.

Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
"""

import math

import scipy.signal
import torch
from jaxtyping import Float
from torch import Tensor


def resample(x: Float[Tensor, "*batch T"], from_hz: int, to_hz: int) -> Float[Tensor, "*batch S"]:
    """Returns a signal at another rate, without what lies above half of the lower of both rates.

    Args:
        x: signal, ``(..., T)``, on the CPU; no gradient flows through.
        from_hz: its samples a second.
        to_hz: samples a second wanted.

    Returns:
        The signal, ``(..., ⌈T · to_hz / from_hz⌉)``; its first sample lies at the same time.

    Raises:
        ValueError: if a rate is less than 1, there is no sample, or ``x`` carries a gradient.

    Example:
        >>> resample(torch.ones(441), 22050, 16000).shape
        torch.Size([320])

    References:
        SciPy, scipy.signal.resample_poly (Kaiser window, β = 5).
    Deviation: none
    Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
    """
    if from_hz < 1 or to_hz < 1:
        raise ValueError(f"from_hz and to_hz must be at least 1, got {from_hz} and {to_hz}")
    if x.shape[-1] < 1:
        raise ValueError(f"x must have at least one sample, got shape {tuple(x.shape)}")
    if x.requires_grad:
        raise ValueError("x must not require a gradient, which could not flow through SciPy: pass x.detach()")
    common = math.gcd(from_hz, to_hz)
    if from_hz == to_hz:
        return x.clone()
    return torch.from_numpy(scipy.signal.resample_poly(x.numpy(), to_hz // common, from_hz // common, axis=-1))
