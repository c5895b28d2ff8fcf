"""Windows: how a frame fades in and out.

All are periodic: sample ``length`` would be sample 0 of the next period. So shifted copies add up exactly.

Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
"""

import math

import torch
from jaxtyping import Float64
from torch import Tensor


def hann(length: int) -> Float64[Tensor, " length"]:
    r"""Returns the Hann window; copies shifted by half its even length sum to 1.

    .. math:: w_n = \tfrac12 - \tfrac12 \cos(2πn / \mathrm{length})

    Args:
        length: samples, at least 1.

    Returns:
        The window, ``(length,)``, from 0 to 1.

    Raises:
        ValueError: if ``length`` is less than 1.

    Example:
        >>> hann(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000], dtype=torch.float64)

    References:
        F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier transform, 1978, doi:10.1109/PROC.1978.10837.
    Deviation: none
    Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
    """
    return 0.5 - 0.5 * torch.cos(_phase(length))


def hamming(length: int) -> Float64[Tensor, " length"]:
    r"""Returns the Hamming window: a Hann window on a small pedestal, with lower side lobes beside the main one.

    .. math:: w_n = 0.54 - 0.46 \cos(2πn / \mathrm{length})

    Args:
        length: samples, at least 1.

    Returns:
        The window, ``(length,)``, from 0.08 to 1.

    Raises:
        ValueError: if ``length`` is less than 1.

    Example:
        >>> hamming(4)
        tensor([0.0800, 0.5400, 1.0000, 0.5400], dtype=torch.float64)

    References:
        F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier transform, 1978, doi:10.1109/PROC.1978.10837.
    Deviation: none
    Taught in: 03_linear_prediction
    """
    return 0.54 - 0.46 * torch.cos(_phase(length))


def _phase(length: int) -> Tensor:
    """2πn / length for n = 0, …, length − 1."""
    if length < 1:
        raise ValueError(f"length must be at least 1 sample, got {length}")
    return torch.arange(length, dtype=torch.float64) * (2 * math.pi / length)
