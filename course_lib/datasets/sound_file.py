"""A sound file of any kind as samples of 16 bits.

Taught in: 03_linear_prediction
"""

import io
import math

import torch
from jaxtyping import Float64
from torch import Tensor

FULL_SCALE = 2**15


def decoded(content: bytes, rate_hz: int | None = None) -> tuple[Float64[Tensor, " T"], int]:
    """Returns one channel of a sound file, in [−1, 1) and in steps of 1/32 768, and its rate.

    Args:
        content: the file, of any format that libsndfile reads (WAV, FLAC, Ogg and others).
        rate_hz: the rate to resample to; its own unless told.

    Returns:
        The mean of its channels, and samples a second.

    Raises:
        ValueError: if a sample does not fit into 16 bits.
        soundfile.LibsndfileError: if it is no sound file.
    """
    import soundfile
    from scipy.signal import resample_poly

    x, own_hz = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    mono = x.mean(1)
    if rate_hz not in (None, own_hz):
        shared = math.gcd(rate_hz, own_hz)
        mono = resample_poly(mono, rate_hz // shared, own_hz // shared)
    return in_16_bits(torch.from_numpy(mono)), rate_hz or own_hz


def in_16_bits(x: Float64[Tensor, " T"]) -> Float64[Tensor, " T"]:
    """Returns the nearest multiples of 1/32 768.

    Raises:
        ValueError: if a sample does not fit into 16 bits.

    Example:
        >>> in_16_bits(torch.tensor([-1.0, 0.1, 0.2], dtype=torch.float64)) * 32_768
        tensor([-32768.,   3277.,   6554.], dtype=torch.float64)
    """
    pcm = (x * FULL_SCALE).round()
    outside = (pcm < -FULL_SCALE) | (pcm >= FULL_SCALE) | pcm.isnan()
    if outside.any():
        raise ValueError(f"samples must lie in [-1, 1), got {float(x[outside][0]):.4f} at sample {int(outside.nonzero()[0])}")
    return pcm / FULL_SCALE
