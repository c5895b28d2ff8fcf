"""The mel scale (メル尺度): frequencies as far apart as they sound.

Taught in: 04_speech_coding_and_synthesis
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor


def hz_to_mel(hz: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Returns frequencies on the mel scale: nearly linear below 700 Hz, logarithmic above; 1000 Hz are 1000 mel.

    .. math:: m = 2595 \log_{10}(1 + f / 700)

    Args:
        hz: frequencies in Hz, at least 0.

    Returns:
        The same in mel.

    Raises:
        ValueError: if a frequency is negative.

    Example:
        >>> hz_to_mel(torch.tensor([0.0, 1000.0, 8000.0])).round()
        tensor([   0., 1000., 2840.])

    References:
        J. Makhoul, L. Cosell, LPCW: An LPC vocoder with linear predictive spectral warping, ICASSP 1976.
    Deviation: one of several formulas for the scale (HTK's); librosa's default is another.
    Taught in: 04_speech_coding_and_synthesis
    """
    if (hz < 0).any():
        raise ValueError(f"hz must be at least 0, the smallest is {hz.min().item():.6g}")
    return 2595 * torch.log10(1 + hz / 700)


def mel_to_hz(mel: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Returns frequencies in Hz; undoes ``hz_to_mel``.

    .. math:: f = 700\,(10^{m / 2595} - 1)

    Args:
        mel: frequencies in mel, at least 0.

    Returns:
        The same in Hz.

    Raises:
        ValueError: if a frequency is negative.

    Example:
        >>> mel_to_hz(torch.tensor([0.0, 1000.0])).round()
        tensor([   0., 1000.])

    References:
        J. Makhoul, L. Cosell, LPCW: An LPC vocoder with linear predictive spectral warping, ICASSP 1976.
    Deviation: as in ``hz_to_mel``
    Taught in: 04_speech_coding_and_synthesis
    """
    if (mel < 0).any():
        raise ValueError(f"mel must be at least 0, the smallest is {mel.min().item():.6g}")
    return 700 * (10 ** (mel / 2595) - 1)


def mel_filterbank(bands: int, fft_length: int, rate_hz: int) -> Float64[Tensor, "bands F"]:
    r"""Returns the matrix that sums a power spectrum into overlapping triangles, equally wide on the mel scale.

    .. math:: H_{b,k} = \max\Bigl(0, \min\Bigl(\frac{f_k - c_{b-1}}{c_b - c_{b-1}}, \frac{c_{b+1} - f_k}{c_{b+1} - c_b}\Bigr)\Bigr),
              \qquad f_k = k\,\mathrm{rate} / \mathrm{fft\_length}

    with c_0 = 0 Hz, c_{bands+1} half the rate, and the centres between them equally spaced in mel.

    Args:
        bands: triangles, at least 1.
        fft_length: samples that were transformed; F = ⌊fft_length / 2⌋ + 1.
        rate_hz: samples a second.

    Returns:
        H, ``(bands, F)``: ``H @ power`` are the band powers. Each triangle is 1 at its top.

    Raises:
        ValueError: if there is no band, or one is so narrow that no frequency of the spectrum lies in it.

    Example:
        >>> mel_filterbank(2, 8, 8000)
        tensor([[0.0000, 0.6759, 0.0000, 0.0000, 0.0000],
                [0.0000, 0.3241, 0.9055, 0.4528, 0.0000]], dtype=torch.float64)

    References:
        S. B. Davis, P. Mermelstein, Comparison of parametric representations for monosyllabic word recognition, 1980,
        doi:10.1109/TASSP.1980.1163420.
    Deviation: centres from the formula above instead of a table.
    Taught in: 04_speech_coding_and_synthesis
    """
    if bands < 1 or fft_length < 2 or rate_hz <= 0:
        raise ValueError(f"bands, fft_length and rate_hz must be at least 1, 2 and 1, got {bands}, {fft_length} and {rate_hz}")
    top = hz_to_mel(torch.tensor(rate_hz / 2, dtype=torch.float64))
    edges = mel_to_hz(torch.linspace(0, 1, bands + 2, dtype=torch.float64) * top)  # (bands + 2,)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]  # (bands, 1)
    f = torch.arange(fft_length // 2 + 1, dtype=torch.float64) * rate_hz / fft_length  # (F,)
    bank = torch.minimum((f - low) / (centre - low), (high - f) / (high - centre)).clamp(min=0)
    empty = ~(bank > 0).any(1)
    if empty.any():
        b = int(empty.nonzero()[0])
        raise ValueError(
            f"bands must be wide enough to hold a frequency: none of {len(f)} lies in band {b}, "
            f"{edges[b].item():.0f} to {edges[b + 2].item():.0f} Hz: take fewer bands than {bands}, or a longer transform"
        )
    return bank
