r"""Lossless coding of 16-bit sound: half the bytes, every bit back.

    code = encode(pcm, rate_hz)
    pcm, rate_hz = decode(code)

====================  ===========================================================================================
a stream is           a header, then frames of 65 536 samples (the last may have fewer)
the header            ``LPCR``, version, channels (1 byte each), rate in Hz, samples a channel (4 bytes each), its CRC-32
a frame               length of its body (4 bytes), CRC-32 of the body (begun at the frame's number), the body
the body              a byte for how the channels are told, then each channel as ``predictive_coding`` writes it;
                      or, where that would be longer, the samples as they are
====================  ===========================================================================================

All numbers have their lowest byte first.

Taught in: 04_speech_coding_and_synthesis
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Int16, Int64
from torch import Tensor

from course_lib.classical import predictive_coding

FRAME = 1 << 16  # samples a channel
_MARK, _VERSION = b"LPCR", 1
_HEADER, _FRAME_HEADER = struct.Struct("<4sBBII"), struct.Struct("<II")
_CHECKSUM = struct.Struct("<I")
LEFT, RIGHT, MIDDLE, SIDE = range(4)
_PAIRS = ((LEFT, RIGHT), (LEFT, SIDE), (SIDE, RIGHT), (MIDDLE, SIDE))  # two of these tell both channels
_AS_THEY_ARE = 255


class CorruptStream(ValueError):
    """The bytes are not what ``encode`` wrote.

    Args:
        what: what is wrong.
        byte: where the part that is wrong begins.
        frame: which frame it is, from 0; None in the header.
    """

    def __init__(self, what: str, *, byte: int, frame: int | None = None):
        self.what, self.byte, self.frame = what, byte, frame
        super().__init__(f"{'the header' if frame is None else f'frame {frame}'} at byte {byte}: {what}")


def encode(pcm: Int16[Tensor, " T"] | Int16[Tensor, "C T"], rate_hz: int) -> bytes:
    """Writes sound in fewer bytes.

    Args:
        pcm: 16-bit samples, ``(T,)`` or two channels ``(2, T)``, of any length.
        rate_hz: samples a second.

    Returns:
        The stream. It is never longer than the samples by more than 18 bytes and 9 a frame.

    Raises:
        ValueError: if ``pcm`` is not int16, has other than one or two channels or 2^32 samples or more, or ``rate_hz`` is not from 1 to 2^32 − 1.

    Example:
        >>> silence = torch.zeros(16_000, dtype=torch.int16)
        >>> len(encode(silence, 16_000)) < 150
        True

    References:
        RFC 9639, Free Lossless Audio Codec, 2024, section 4 (the same parts: blocking, channel decorrelation, prediction, residual coding).
    Deviation: a format of its own: see above, and ``predictive_coding``.
    Taught in: 04_speech_coding_and_synthesis
    """
    if pcm.dtype != torch.int16:
        raise ValueError(f"pcm must be int16, got {pcm.dtype}")
    if not (pcm.ndim == 1 or (pcm.ndim == 2 and pcm.shape[0] == 2)) or pcm.shape[-1] >= 1 << 32:
        raise ValueError(f"pcm must be (T,) or (2, T) with T below 2^32, got {tuple(pcm.shape)}")
    if not 1 <= rate_hz < 1 << 32:
        raise ValueError(f"rate_hz must be from 1 to 2^32 - 1, got {rate_hz}")
    header = _HEADER.pack(_MARK, _VERSION, pcm.ndim, rate_hz, pcm.shape[-1])
    parts = [header, _CHECKSUM.pack(zlib.crc32(header))]
    for number, start in enumerate(range(0, pcm.shape[-1], FRAME)):
        body = _frame_body(pcm, start)
        parts += [_FRAME_HEADER.pack(len(body), zlib.crc32(body, number)), body]
    return b"".join(parts)


def decode(code: bytes) -> tuple[Int16[Tensor, " T"] | Int16[Tensor, "C T"], int]:
    """Reads a stream.

    Args:
        code: what ``encode`` wrote.

    Returns:
        The samples, ``(T,)`` or ``(2, T)``, int16, each bit as it was; and the rate in Hz.

    Raises:
        CorruptStream: if it is anything else; says what is wrong, in which frame, at which byte.

    Example:
        >>> pcm = torch.tensor([[3, 1, 4], [1, 5, 9]], dtype=torch.int16)
        >>> decode(encode(pcm, 8000))
        (tensor([[3, 1, 4],
                [1, 5, 9]], dtype=torch.int16), 8000)

    References:
        RFC 9639, Free Lossless Audio Codec, 2024, section 4.
    Deviation: as ``encode``.
    Taught in: 04_speech_coding_and_synthesis
    """
    channels, rate_hz, length = _read_header(code)
    parts: list[Tensor] = []  # a frame (C, n) each
    past = torch.zeros(channels, predictive_coding.ORDER, dtype=torch.int16)
    for number, byte, body in _bodies(code, -(-length // FRAME)):
        count = min(FRAME, length - number * FRAME)
        try:
            parts.append(_read_body(body, count, past))
        except ValueError as reason:
            raise CorruptStream(f"its checksum is right, but it makes no sense: {reason}", byte=byte, frame=number) from reason
        past = torch.cat([past, parts[-1]], 1)[:, -predictive_coding.ORDER :]
    pcm = torch.cat(parts, 1) if parts else torch.zeros(channels, 0, dtype=torch.int16)
    return (pcm if channels == 2 else pcm[0]), rate_hz


def views(pcm: Int16[Tensor, "2 T"]) -> Int64[Tensor, "4 T"]:
    r"""Returns four signals of which two tell both channels: left, right, their middle and their difference.

    .. math:: m = \lfloor (l + r) / 2 \rfloor, \qquad s = l - r

    The half that the middle loses is no loss: l + r and l − r are both odd or both even.

    Example:
        >>> views(torch.tensor([[5], [2]], dtype=torch.int16)).T
        tensor([[5, 2, 3, 3]])

    References:
        RFC 9639, Free Lossless Audio Codec, 2024, section 4.2.
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    left, right = pcm.long()
    return torch.stack([left, right, (left + right) >> 1, left - right])


def _left_and_right(pair: tuple[int, int], told: Tensor) -> Tensor:
    """Both channels (2, n) from the two signals that were told."""
    first, second = told
    if pair == (LEFT, SIDE):
        return torch.stack([first, first - second])
    if pair == (SIDE, RIGHT):
        return torch.stack([first + second, second])
    if pair == (MIDDLE, SIDE):
        twice = 2 * first + (second & 1)  # l + r
        return torch.stack([(twice + second) >> 1, (twice - second) >> 1])
    return told


def _frame_body(pcm: Tensor, start: int) -> bytes:
    """The shortest way to tell one frame."""
    M = predictive_coding.ORDER
    now, before = pcm[..., start : start + FRAME], pcm[..., max(start - M, 0) : start]
    before = torch.cat([before.new_zeros(*pcm.shape[:-1], M - before.shape[-1]), before], -1)
    if pcm.ndim == 1:
        body = b"\0" + predictive_coding.encode(now.long(), before.long()).to_bytes()
    else:
        each = [predictive_coding.encode(x, past).to_bytes() for x, past in zip(views(now), views(before), strict=True)]
        way = min(range(len(_PAIRS)), key=lambda way: sum(len(each[view]) for view in _PAIRS[way]))
        body = bytes([way]) + b"".join(each[view] for view in _PAIRS[way])
    return body if len(body) <= 2 * now.numel() else bytes([_AS_THEY_ARE]) + now.numpy().astype("<i2").tobytes()


def _read_header(code: bytes) -> tuple[int, int, int]:
    """Channels, rate, samples a channel."""
    size = _HEADER.size + _CHECKSUM.size
    if len(code) < size:
        raise CorruptStream(f"it has {size} bytes, the stream only {len(code)}", byte=0)
    mark, version, channels, rate_hz, length = _HEADER.unpack_from(code)
    if mark != _MARK:
        raise CorruptStream(f"a stream begins with {_MARK!r}, this with {mark!r}", byte=0)
    if _CHECKSUM.unpack_from(code, _HEADER.size)[0] != zlib.crc32(code[: _HEADER.size]):
        raise CorruptStream("its checksum does not match", byte=0)
    if version != _VERSION or channels not in (1, 2) or rate_hz == 0:
        raise CorruptStream(f"version {version}, {channels} channels, {rate_hz} Hz: nothing that this version writes", byte=0)
    return channels, rate_hz, length


def _bodies(code: bytes, count: int) -> Iterator[tuple[int, int, bytes]]:
    """Each frame's number, first byte and body, once its checksum has been found right."""
    byte = _HEADER.size + _CHECKSUM.size
    for number in range(count):
        if len(code) < byte + _FRAME_HEADER.size:
            raise CorruptStream(f"the stream ends here, {count - number} of {count} frames are missing", byte=byte, frame=number)
        size, checksum = _FRAME_HEADER.unpack_from(code, byte)
        body = code[byte + _FRAME_HEADER.size : byte + _FRAME_HEADER.size + size]
        if len(body) < size:
            raise CorruptStream(f"it has {size} bytes, the stream ends after {len(body)}", byte=byte, frame=number)
        if zlib.crc32(body, number) != checksum:
            raise CorruptStream("its checksum does not match", byte=byte, frame=number)
        yield number, byte, body
        byte += _FRAME_HEADER.size + size
    if byte < len(code):
        raise CorruptStream(f"{len(code) - byte} bytes follow the last frame", byte=byte, frame=count)


def _read_body(body: bytes, count: int, past: Tensor) -> Tensor:
    """A frame's channels, (C, count)."""
    channels = len(past)
    if body[:1] == bytes([_AS_THEY_ARE]):
        if len(body) != 1 + 2 * channels * count:
            raise ValueError(f"{channels} × {count} samples need {2 * channels * count} bytes, there are {len(body) - 1}")
        return torch.from_numpy(np.frombuffer(body, "<i2", offset=1).astype(np.int16)).view(channels, count)
    way = body[0] if body else None
    if way not in range(len(_PAIRS) if channels == 2 else 1):
        raise ValueError(f"{way} is no way to tell {channels} channels")
    pair = _PAIRS[way] if channels == 2 else (LEFT,)
    known = views(past)[list(pair)] if channels == 2 else past.long()
    place, told = 1, []
    for signal in known:
        x, used = predictive_coding.decode(body[place:], count, signal)
        told.append(x)
        place += used
    if place != len(body):
        raise ValueError(f"{len(body) - place} bytes follow its last sample")
    pcm = torch.stack(told) if channels == 1 else _left_and_right(pair, torch.stack(told))
    if not -(1 << 15) <= pcm.min() <= pcm.max() < 1 << 15:
        raise ValueError("a sample has more than 16 bits")
    return pcm.short()
