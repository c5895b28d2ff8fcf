"""How far one sound is from another, in dB: sample by sample, and by spectrum alone.

Taught in: 04_speech_coding_and_synthesis
"""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.signal.stft import stft
from course_lib.signal.windows import hann


def signal_to_noise_ratio(estimate: Float[Tensor, "*batch T"], reference: Float[Tensor, "*batch T"]) -> Float[Tensor, "*batch"]:
    r"""Returns how much larger a signal's power is than that of the difference from it.

    .. math:: \mathrm{SNR} = 10 \log_{10} \frac{\|s\|^2}{\|\hat s - s\|^2}

    Args:
        estimate: ŝ, ``(..., T)``.
        reference: s, ``(..., T)``.

    Returns:
        dB, ``(...)``; infinite where both are equal.

    Raises:
        ValueError: if shapes differ, or the reference is silent.

    Example:
        >>> signal_to_noise_ratio(torch.tensor([1.1, -1.1]), torch.tensor([1.0, -1.0]))
        tensor(20.0000)

    References:
        L. R. Rabiner, R. W. Schafer, Introduction to Digital Speech Processing, 2007, doi:10.1561/2000000001.
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    _check(estimate, reference)
    return _ratio_db(reference, estimate - reference)


def log_spectral_distance(
    x: Float[Tensor, "*batch T"], y: Float[Tensor, "*batch T"], *, window_length: int = 512, floor_db: float | int = 60
) -> Float[Tensor, "*batch"]:
    r"""Returns by how many dB the short-time spectra of two signals differ; phases do not count, loudness does.

    .. math:: D = \frac1N \sum_n \sqrt{\frac1F \sum_k \Bigl(10 \log_{10} \frac{|X_{k,n}|^2}{|Y_{k,n}|^2}\Bigr)^2}

    Frames are Hann windows, each half over the next.

    Args:
        x: one signal, ``(..., T)``.
        y: another, ``(..., T)``.
        window_length: samples in a frame.
        floor_db: powers this far below the largest of both signals, or further, count as equal to that floor: else the distance
            would be ruled by pauses that nobody hears.

    Returns:
        dB, ``(...)``, at least 0.

    Raises:
        ValueError: if shapes differ, both signals are silent, or ``floor_db`` is not greater than 0.

    Example:
        >>> x = torch.sin(torch.arange(1000.0))
        >>> log_spectral_distance(x, x / 10) < log_spectral_distance(x, x / 100)
        tensor(True)

    References:
        A. H. Gray, J. D. Markel, Distance measures for speech processing, 1976, doi:10.1109/TASSP.1976.1162849.
    Deviation: the floor, and spectra of the signals themselves instead of smooth models of them.
    Taught in: 04_speech_coding_and_synthesis
    """
    if x.shape != y.shape:
        raise ValueError(f"x and y must have the same shape, got {tuple(x.shape)} and {tuple(y.shape)}")
    if not floor_db > 0:
        raise ValueError(f"floor_db must be greater than 0, got {floor_db}")
    window = hann(window_length)
    power = torch.stack([stft(signal, window, window_length // 2).abs().square() for signal in (x, y)])  # (2, ..., F, N)
    largest = power.amax((0, -2, -1), keepdim=True)
    if not (largest > 0).all():
        raise ValueError("x and y must not both be silent: silence has no spectrum")
    level = 10 * torch.log10(torch.maximum(power, largest * 10 ** (-floor_db / 10)))
    return (level[0] - level[1]).square().mean(-2).sqrt().mean(-1)


def _check(estimate: Tensor, reference: Tensor) -> None:
    if estimate.shape != reference.shape:
        raise ValueError(f"estimate and reference must have the same shape, got {tuple(estimate.shape)} and {tuple(reference.shape)}")
    if not reference.any(-1).all():
        raise ValueError("reference must not be silent: nothing can be compared with silence")


def _ratio_db(signal: Tensor, rest: Tensor) -> Tensor:
    return 10 * torch.log10(signal.square().sum(-1) / rest.square().sum(-1))
