r"""A room with walls that reflect: what each microphone hears of each source, echoes and all.

Taught in: 06_ica
"""

import math

import torch
from jaxtyping import Float, Float64
from torch import Tensor

SPEED_OF_SOUND = 343.0  # m/s, in air at 20 °C
_HALF_WIDTH = 40  # samples to each side over which a pulse between two samples is spread


def impulse_responses(
    sources: Float[Tensor, "S 3"],
    microphones: Float[Tensor, "M 3"],
    *,
    size_m: tuple[float, float, float],
    reflection: float,
    rate_hz: int,
    length: int,
) -> Float64[Tensor, "M S length"]:
    r"""Returns what each microphone of a box-shaped room hears when each source clicks once.

    A wall is a mirror: the echo seems to come from an image of the source behind it, and images have images. Each is heard after
    d / c seconds, 1 / (4π d) as loud, times β for each wall on the way:

    .. math:: h(t) = \sum_{p ∈ \{0,1\}^3} \sum_{n ∈ \mathbb Z^3} β^{\sum_i |n_i - p_i| + |n_i|}\, \frac{δ(t - d_{pn} / c)}{4π\, d_{pn}},
              \qquad d_{pn} = ‖(1 - 2p)\, x_s + 2 n L - x_m‖

    Args:
        sources: positions x_s in metres from one corner, ``(S, 3)``.
        microphones: positions x_m, ``(M, 3)``.
        size_m: L, the room's three lengths in metres.
        reflection: β, what a wall gives back of the pressure, 0 (open air) to less than 1, the same for all six walls.
        rate_hz: samples a second.
        length: samples of each response; echoes that come later are left out.

    Returns:
        The responses, ``(M, S, length)``, for a source of pressure 1 / (4π) at one metre.

    Raises:
        ValueError: if a position is not inside the room, a source sits in a microphone, or another argument is out of range.

    Example:
        >>> open_air = dict(size_m=(5.0, 4.0, 3.0), reflection=0.0, rate_hz=16_000, length=400)
        >>> h = impulse_responses(torch.tensor([[1.0, 1.0, 1.0]]), torch.tensor([[1.0, 3.0, 1.0]]), **open_air)
        >>> h.argmax().item() / 16_000 * SPEED_OF_SOUND  # metres, to the nearest sample
        1.9936875

    References:
        J. B. Allen, D. A. Berkley, Image Method for Efficiently Simulating Small-Room Acoustics, 1979 (the sum over images);
        P. M. Peterson, Simulating the Response of Multiple Microphones to a Single Acoustic Source in a Reverberant Room, 1986
        (pulses between samples).
    Deviation: one β for all walls, no high-pass filter afterwards; a pulse is a sinc under a Hann window of 80 samples.
    Taught in: 06_ica
    """
    sources, microphones = sources.double(), microphones.double()
    size = torch.tensor(size_m, dtype=torch.float64)
    _check(sources, microphones, size, reflection, rate_hz, length)
    reach_m = length / rate_hz * SPEED_OF_SOUND
    counts = [math.ceil(reach_m / (2 * side)) + 1 for side in size_m]
    n = torch.cartesian_prod(*(torch.arange(-count, count + 1) for count in counts))  # (I, 3)
    p = torch.cartesian_prod(*(torch.arange(2) for _ in range(3)))  # (8, 3)
    bounces = ((n[:, None] - p).abs() + n[:, None].abs()).sum(-1).reshape(-1)  # (8 I,)
    strength = torch.full((), reflection, dtype=torch.float64) ** bounces
    response = torch.zeros(len(microphones), len(sources), length, dtype=torch.float64)
    for s, source in enumerate(sources):
        images = ((1 - 2 * p) * source + 2 * n[:, None] * size).reshape(-1, 3)
        for m, microphone in enumerate(microphones):
            distance = (images - microphone).norm(dim=1)
            heard = (distance < reach_m) & (strength > 0)
            loudness = strength[heard] / (4 * math.pi * distance[heard])
            response[m, s] = _pulses(distance[heard] / SPEED_OF_SOUND * rate_hz, loudness, length)
    return response


def mix_in_room(sounds: Float[Tensor, "S T"], responses: Float[Tensor, "M S length"]) -> Float64[Tensor, "M S T"]:
    r"""Returns what each microphone hears of each source, the *source images*; their sum over sources is the recording.

    .. math:: x_{ms}(t) = \sum_τ h_{ms}(τ)\, s_s(t - τ)

    Args:
        sounds: ``(S, T)``.
        responses: ``(M, S, length)``.

    Returns:
        The images, ``(M, S, T)``; what would be heard after the last sample is left out.

    Raises:
        ValueError: if the numbers of sources differ.

    Example:
        >>> mix_in_room(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[[1.0, 1.0]]])).round(decimals=6)
        tensor([[[1., 3., 5.]]], dtype=torch.float64)

    References: the definition of convolution.
    Deviation: none
    Taught in: 06_ica
    """
    if len(sounds) != responses.shape[1]:
        raise ValueError(f"responses must have one column a source: {len(sounds)} sounds, shape {tuple(responses.shape)}")
    T = sounds.shape[1]
    n = 2 ** (T + responses.shape[2] - 1).bit_length()
    return torch.fft.irfft(torch.fft.rfft(sounds.double(), n) * torch.fft.rfft(responses.double(), n), n)[..., :T]


def energy_decay_db(response: Float[Tensor, "*M T"]) -> Float64[Tensor, "*M T"]:
    r"""Returns how much of a response's energy is still to come at each sample, in dB of all of it.

    .. math:: 10 \log_{10} \frac{\sum_{τ ≥ t} h(τ)^2}{\sum_τ h(τ)^2}

    Args:
        response: ``(…, T)``, not silent.

    Returns:
        The decay, ``(…, T)``, from 0 downwards; the *reverberation time* is when it passes −60 dB.

    Example:
        >>> energy_decay_db(torch.tensor([0.3, 0.1])).round()
        tensor([  0., -10.], dtype=torch.float64)

    References:
        M. R. Schroeder, New Method of Measuring Reverberation Time, 1965.
    Deviation: none
    Taught in: 06_ica
    """
    to_come = response.double().square().flip(-1).cumsum(-1).flip(-1)
    return 10 * torch.log10(to_come / to_come[..., :1])


def _pulses(delay: Tensor, loudness: Tensor, length: int) -> Tensor:
    """A sum of pulses at delays in samples, not whole ones: each a sinc under a Hann window."""
    first = delay.ceil().long() - _HALF_WIDTH
    at = first[:, None] + torch.arange(2 * _HALF_WIDTH)  # (I, 80): samples under the window
    x = at - delay[:, None]
    values = loudness[:, None] * torch.sinc(x) * (0.5 + 0.5 * torch.cos(math.pi * x / _HALF_WIDTH))
    inside = (at >= 0) & (at < length)
    return torch.zeros(length, dtype=torch.float64).index_add(0, at[inside], values[inside])


def _check(sources: Tensor, microphones: Tensor, size: Tensor, reflection: float, rate_hz: int, length: int) -> None:
    if not 0 <= reflection < 1:
        raise ValueError(f"reflection must be at least 0 and less than 1, got {reflection}")
    if rate_hz < 1 or length < 1:
        raise ValueError(f"rate_hz and length must be at least 1, got {rate_hz} and {length}")
    for name, places in (("sources", sources), ("microphones", microphones)):
        if not ((places > 0) & (places < size)).all():
            raise ValueError(f"{name} must stand inside the room of {size.tolist()} m, got {places.tolist()}")
    if not (torch.cdist(sources, microphones) > 0).all():
        raise ValueError("a source and a microphone must not share one place: it would be infinitely loud there")
