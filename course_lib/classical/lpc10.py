"""A voice in 2400 bits a second: the vocoder's numbers, rounded, in the frame of the classic LPC-10.

Taught in: 04_speech_coding_and_synthesis
"""

import math

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from course_lib.classical.vocoder_frames import VocoderFrames

RATE_HZ, ORDER, HOP = 8000, 10, 180  # 22.5 ms
# Of each frame: a bit that alternates, the pitch, the level, the ten reflection coefficients.
BITS = (1, 7, 5, 5, 5, 5, 5, 4, 4, 4, 4, 3, 2)
FRAME_BITS = sum(BITS)  # 54, at 8000 / 180 frames a second: 2400 bits a second
LOWEST_HZ, HIGHEST_HZ = 60.0, 400.0
LEVEL_STEP_DB = 2.0  # from full scale down; the last code is silence
# arcsin of each reflection coefficient: where nearly all speech lies
LOW = (-1.35, -0.75, -1.0, -0.7, -0.75, -0.55, -0.7, -0.5, -0.7, -0.45)
HIGH = (1.15, 1.1, 0.8, 1.05, 0.7, 1.0, 0.8, 0.9, 0.6, 0.5)


def encode(frames: VocoderFrames) -> bytes:
    """Rounds and packs: 54 bits a frame, the last byte filled up with zeros.

    The pitch is rounded to 127 steps of about 1.5 %, the level to steps of 2 dB. A reflection coefficient is rounded as an angle,
    arcsin k, finer where the filter is more sensitive; what lies outside the code's range gets the nearest code.

    Args:
        frames: of speech at 8 kHz, ``ORDER`` coefficients, ``HOP`` samples apart: ``vocoder.analyse(x, 8000, order=10, hop=180)``.

    Returns:
        The bytes; ``decode`` gives the frames back, rounded.

    Raises:
        ValueError: if the frames are not of this rate, order and hop, or a pitch is outside 60 … 400 Hz.

    Example:
        >>> from course_lib.classical.vocoder import analyse
        >>> x = torch.sin(0.1 * torch.arange(8000, dtype=torch.float64))
        >>> 8 * len(encode(analyse(x, 8000, order=10, hop=180)))  # of a second: 46 frames, as the last one reaches beyond
        2488

    References:
        T. E. Tremain, The government standard linear predictive coding algorithm: LPC-10, Speech Technology, 1982: the frame of 54 bits.
    Deviation: the standard's tables are replaced by even steps, and its spare bits in unvoiced frames protect nothing here.
    Taught in: 04_speech_coding_and_synthesis
    """
    found = (frames.rate_hz, frames.reflection.shape[1], frames.hop)
    if found != (RATE_HZ, ORDER, HOP):
        raise ValueError(f"frames must be of rate, order and hop {(RATE_HZ, ORDER, HOP)}, got {found}")
    codes = quantise(frames)
    bits = [(codes[:, i : i + 1] >> torch.arange(width - 1, -1, -1)) & 1 for i, width in enumerate(BITS)]  # most significant first
    return np.packbits(torch.cat(bits, dim=1).numpy().astype(np.uint8).ravel()).tobytes()


def decode(data: bytes) -> VocoderFrames:
    """Unpacks what ``encode`` packed.

    Voiced frames are all pulses, as the code has no bit for breath. The length is the longest that the frames reach: up to a frame
    more than was coded.

    Args:
        data: the bytes.

    Returns:
        The frames; ``vocoder.synthesise`` speaks them.

    Raises:
        ValueError: if there is no whole frame, or the alternating bit of some frame does not alternate.

    Example:
        >>> from course_lib.classical.vocoder import analyse
        >>> x = torch.sin(0.1 * torch.arange(8000, dtype=torch.float64))
        >>> decode(encode(analyse(x, 8000, order=10, hop=180))).pitch_hz[20].round()  # 127.3 Hz
        tensor(127., dtype=torch.float64)

    References:
        T. E. Tremain, The government standard linear predictive coding algorithm: LPC-10, Speech Technology, 1982.
    Deviation: as of ``encode``.
    Taught in: 04_speech_coding_and_synthesis
    """
    N = 8 * len(data) // FRAME_BITS
    if N == 0:
        raise ValueError(f"data must hold a frame of {FRAME_BITS} bits, got {8 * len(data)}")
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))[: N * FRAME_BITS].reshape(N, FRAME_BITS)
    parts = torch.from_numpy(bits.astype(np.int64)).split(list(BITS), dim=1)
    codes = torch.stack([(part << torch.arange(part.shape[1] - 1, -1, -1)).sum(1) for part in parts], dim=1)
    wrong = codes[:, 0] != torch.arange(N) % 2
    if wrong.any():
        raise ValueError(f"data must alternate in the first bit of each frame; frame {int(wrong.nonzero()[0])} of {N} does not")
    return dequantise(codes)


def quantise(frames: VocoderFrames) -> Int64[Tensor, "N 13"]:
    """Returns the code numbers of each frame, one a part of ``BITS``."""
    voiced = frames.pitch_hz > 0
    within = (frames.pitch_hz >= LOWEST_HZ - 1e-6) & (frames.pitch_hz <= HIGHEST_HZ + 1e-6)
    if not (within | ~voiced).all():
        raise ValueError(f"pitch_hz must be 0 or from {LOWEST_HZ} to {HIGHEST_HZ}, got {frames.pitch_hz[voiced & ~within][0]:.6g}")
    octaves = (frames.pitch_hz.clamp(min=LOWEST_HZ) / LOWEST_HZ).log2() / math.log2(HIGHEST_HZ / LOWEST_HZ)  # 0 … 1
    pitch = torch.where(voiced, 1 + (126 * octaves).round().clamp(0, 126), 0)
    level = (-20 * frames.level.log10() / LEVEL_STEP_DB).round().clamp(0, 31)
    low, high, steps = _ranges()
    angle = ((frames.reflection.asin() - low) / (high - low) * steps).floor().clamp(min=0).minimum(steps - 1)
    sync = torch.arange(len(pitch)) % 2
    return torch.cat([torch.stack([sync, pitch.long(), level.long()], dim=1), angle.long()], dim=1)


def dequantise(codes: Int64[Tensor, "N 13"]) -> VocoderFrames:
    """Returns the frames that code numbers stand for."""
    pitch, level, angle = codes[:, 1], codes[:, 2].double(), codes[:, 3:]
    octaves = math.log2(HIGHEST_HZ / LOWEST_HZ) * (pitch - 1).double() / 126
    low, high, steps = _ranges()
    reflection = (low + (angle + 0.5) / steps * (high - low)).sin()
    voiced = pitch > 0
    return VocoderFrames(
        reflection,
        torch.where(level == 31, 0.0, 10 ** (-LEVEL_STEP_DB * level / 20)),
        torch.where(voiced, LOWEST_HZ * 2**octaves, 0.0),
        voiced.double()[:, None].repeat(1, RATE_HZ // 2000),
        RATE_HZ,
        HOP,
        (len(codes) - 1) * HOP + 1,
    )


def _ranges() -> tuple[Tensor, Tensor, Tensor]:
    """The least and the greatest angle of each reflection coefficient, and the number of its steps."""
    low, high = (torch.tensor(ends, dtype=torch.float64) for ends in (LOW, HIGH))
    return low, high, 2 ** torch.tensor(BITS[3:], dtype=torch.float64)
