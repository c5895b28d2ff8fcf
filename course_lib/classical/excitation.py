"""What drives the vocal tract: pulses where the vocal folds swing, noise where air rushes, and mixtures of both.

Taught in: 04_speech_coding_and_synthesis
"""

import math

import torch
from jaxtyping import Float64
from torch import Tensor

FADE = 0.05  # of the band, at its top: where a rising harmonic leaves, so that it does not leave with a click


def pulse_train(pitch_hz: Float64[Tensor, " T"], rate_hz: int) -> Float64[Tensor, " T"]:
    r"""Gives one pulse a period, between samples where need be: all harmonics of the pitch, with equal weight.

    .. math:: e_t = 2 \sqrt{\tfrac{f_t}{\text{rate}}} \sum_{h=1}^{H} \cos(h\,φ_t), \qquad φ_t = φ_{t-1} + 2π \tfrac{f_t}{\text{rate}},
              \qquad H f_t < \tfrac{\text{rate}}{2}

    The phase runs on whatever the pitch does. The mean square is 1 at any pitch, so a low voice has few large pulses and a high one
    many small ones.

    Args:
        pitch_hz: f, of each sample, ``(T,)``, greater than 0 and below ``rate_hz`` / 2.
        rate_hz: samples a second.

    Returns:
        The pulses, ``(T,)``, mean square 1 less the harmonics that fade below half the rate.

    Raises:
        ValueError: if a pitch is not between 0 and ``rate_hz`` / 2.

    Example:
        >>> pulses = pulse_train(torch.full((800,), 100.0, dtype=torch.float64), 8000)
        >>> pulses.argsort(descending=True)[:3].sort().values % 80  # one every 80 samples
        tensor([79, 79, 79])

    References:
        R. J. McAulay, T. F. Quatieri, Speech analysis/synthesis based on a sinusoidal representation, 1986, doi:10.1109/TASSP.1986.1164910.
    Deviation: harmonics fade over the last twentieth of the band.
    Taught in: 04_speech_coding_and_synthesis
    """
    if len(pitch_hz) == 0 or not ((pitch_hz > 0) & (pitch_hz < rate_hz / 2)).all():
        raise ValueError(f"pitch_hz must lie between 0 and rate_hz / 2 = {rate_hz / 2}, at every one of at least one sample")
    phase = 2 * math.pi * (pitch_hz / rate_hz).cumsum(0)
    pulses = torch.zeros_like(phase)
    for h in range(1, math.ceil(rate_hz / 2 / pitch_hz.min().item())):
        pulses += fade(h * pitch_hz / rate_hz) * (h * phase).cos()
    return 2 * (pitch_hz / rate_hz).sqrt() * pulses


def fade(frequency: Float64[Tensor, "*any"]) -> Float64[Tensor, "*any"]:
    """Returns the weight of a harmonic at this frequency in cycles a sample: 1, falling to 0 over the top ``FADE`` of the band below ½."""
    return ((1 - 2 * frequency) / FADE).clamp(0, 1)


def fill_pitch(pitch_hz: Float64[Tensor, " N"], otherwise_hz: float = 100.0) -> Float64[Tensor, " N"]:
    """Draws the pitch on through frames without voice, straight from the last one to the next.

    Args:
        pitch_hz: of each frame, 0 where there is no voice, ``(N,)``.
        otherwise_hz: the pitch where no frame at all has a voice.

    Returns:
        The pitch, greater than 0 in every frame, ``(N,)``.

    Example:
        >>> fill_pitch(torch.tensor([0.0, 100.0, 0.0, 120.0, 0.0], dtype=torch.float64))
        tensor([100., 100., 110., 120., 120.], dtype=torch.float64)

    References: none
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    (voiced,) = (pitch_hz > 0).nonzero(as_tuple=True)
    if len(voiced) == 0:
        return torch.full_like(pitch_hz, otherwise_hz)
    frames = torch.arange(len(pitch_hz))
    after = torch.searchsorted(voiced, frames).clamp(max=len(voiced) - 1)
    before = (torch.searchsorted(voiced, frames, right=True) - 1).clamp(min=0)
    left, right = voiced[before], voiced[after]
    share = ((frames - left) / (right - left).clamp(min=1)).clamp(0, 1)
    return torch.lerp(pitch_hz[left], pitch_hz[right], share.to(pitch_hz))


def band_periodicity(x: Float64[Tensor, " T"], pitch_hz: Float64[Tensor, " N"], rate_hz: int, *, hop: int) -> Float64[Tensor, "N B"]:
    r"""Measures which share of each band's power repeats with the pitch.

    A voice is breathy above a few kilohertz: there the pulses are drowned in noise. Each band of 1 kHz is compared with itself one
    period later, as waveform and as envelope, and the larger likeness counts: high up the envelope still beats with the pitch when the
    waveform's phase no longer does.

    Args:
        x: speech, ``(T,)``.
        pitch_hz: 0 where there is no voice, ``(N,)``, frame n centred on sample ``n * hop``.
        rate_hz: samples a second.
        hop: samples from frame to frame.

    Returns:
        From 0, noise, to 1, ``(N, B)``; band b is centred on (b + ½) kHz; 0 in frames without voice.

    Example:
        >>> t = torch.arange(8000, dtype=torch.float64) / 8000
        >>> buzz = pulse_train(torch.full_like(t, 125.0), 8000)
        >>> band_periodicity(buzz, torch.full((100,), 125.0, dtype=torch.float64), 8000, hop=80)[50] > 0.99
        tensor([True, True, True, True])

    References:
        A. V. McCree, T. P. Barnwell, A mixed excitation LPC vocoder model for low bit rate speech coding, IEEE Trans. Speech and Audio Processing 3, 1995.
    Deviation: bands of 1 kHz, overlapping like roof tiles; the likeness itself is the share.
    Taught in: 04_speech_coding_and_synthesis
    """
    spectrum = torch.fft.fft(x)
    khz = torch.fft.fftfreq(len(x), 1 / rate_hz, dtype=x.dtype) / 1000
    tiles = band_weights(khz.clamp(min=0), rate_hz).T * (2.0 * (khz > 0))  # positive frequencies only: an analytic signal
    bands = torch.fft.ifft(spectrum * tiles)  # (B, T)
    period = torch.where(pitch_hz > 0, rate_hz / pitch_hz.clamp(min=1), 1).round().long()
    window = 3 * hop if hop * 3 > rate_hz // 50 else rate_hz // 50
    start = hop * torch.arange(len(pitch_hz)) - (period + window) // 2
    early = start[:, None] + torch.arange(window)  # (N, W)
    shares = []
    for signal in (bands.real, bands.abs()):
        first, second = (_take(signal, at) for at in (early, early + period[:, None]))  # (B, N, W)
        first, second = first - first.mean(-1, keepdim=True), second - second.mean(-1, keepdim=True)
        power = (first.square().sum(-1) * second.square().sum(-1)).sqrt()
        shares.append((first * second).sum(-1) / power.clamp(min=torch.finfo(x.dtype).tiny))
    share = torch.maximum(*shares).clamp(0, 1).T
    return torch.where(pitch_hz[:, None] > 0, share, 0.0)


def band_weights(khz: Float64[Tensor, " F"], rate_hz: int) -> Float64[Tensor, "F B"]:
    """Returns each band's weight at each frequency: 1 in its middle, falling straight to 0 in the next band's; they sum to 1."""
    B = max(1, rate_hz // 2000)
    place = (khz - 0.5).clamp(0, B - 1)
    return (1 - (place[:, None] - torch.arange(B, dtype=khz.dtype)).abs()).clamp(min=0)


def _take(signal: Tensor, at: Tensor) -> Tensor:
    """The samples at these places, 0 outside the signal."""
    inside = (at >= 0) & (at < signal.shape[-1])
    return torch.where(inside, signal[..., at.clamp(0, signal.shape[-1] - 1)], 0.0)
