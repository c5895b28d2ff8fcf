"""A short steady sound held as long as one needs to listen to it.

Taught in: 03_linear_prediction
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def sustain(x: Float[Tensor, " T"], length: int, *, fade: int = 0) -> Float[Tensor, " length"]:
    """Repeats a steady sound, as samplers do: from where it resembles its own beginning most it goes back there, cross-faded.

    The beginning, a quarter of the sound, is compared with every place in the second half. The jump is a whole number of pitch periods where
    the sound has a pitch, if a period is no longer than that quarter. A sound that is long enough is only cut.

    Args:
        x: samples, ``(T,)``, at least 4.
        length: of the result, in samples, at least 1.
        fade: samples over which the result rises from 0, and falls to it at the end.

    Returns:
        The held sound, ``(length,)``.

    Raises:
        ValueError: if the sound is too short, or ``length`` or ``fade`` do not fit.

    Example:
        >>> sustain(torch.tensor([0.0, 1, 0, -1, 0, 1, 0, -1]), 10)
        tensor([ 0.,  1.,  0., -1.,  0.,  1.,  0., -1.,  0.,  1.])

    References: the loop points of any sampler.
    Deviation: none
    Taught in: 03_linear_prediction
    """
    T = len(x)
    if T < 4:
        raise ValueError(f"x must have at least 4 samples, got {T}")
    if length < 1 or not 0 <= fade <= length // 2:
        raise ValueError(f"length must be at least 1 and fade from 0 to half of it, got length {length} and fade {fade}")
    if length > T:
        overlap = T // 4
        later = x[T // 2 :].unfold(0, overlap, 1)
        jump = T // 2 + int((later - x[:overlap]).square().sum(1).argmin())
        rise = (torch.arange(overlap, dtype=x.dtype) + 1) / (overlap + 1)
        again = torch.cat([rise * x[:overlap] + (1 - rise) * x[jump : jump + overlap], x[overlap:jump]])
        x = torch.cat([x[:jump], again.repeat(math.ceil((length - jump) / jump))])
    edge = torch.arange(length, dtype=x.dtype)
    return x[:length] * (torch.minimum(edge, edge.flip(0)) / max(1, fade)).clamp(max=1) if fade else x[:length].clone()
