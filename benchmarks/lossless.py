"""Lossless coding: Rice codes beside a plain Python coder that packs its bits with bitstring, and whole recordings beside FLAC.

What is timed for Rice codes: 10⁶ mapped residuals to bytes, and bytes to numbers; the parameter is given. The peer writes each code as
textbooks do, quotient and remainder side by side; here all quotients stand before all remainders. Both take the same bits, and each gives
the numbers back. What is timed for recordings: samples in memory to a whole file in memory. There size is what counts: the gate lets
nothing pass that is more than 2 % larger than FLAC's.
"""

import io

import numpy as np
import soundfile
import torch
from torch import Tensor

from benchmarks.side_by_side import Contest, Task
from course_lib.classical import golomb_rice, lossless
from course_lib.datasets import audio

COUNT, SPREAD = 1_000_000, 0.99
RATE_HZ = 8000


def numbers() -> tuple[Tensor, int]:
    """Mapped residuals as a Laplace-like source sends them, and their best parameter."""
    first, second = torch.empty(2, COUNT).geometric_(1 - SPREAD, generator=torch.Generator().manual_seed(0)).long()
    u = golomb_rice.zigzag(first - second)
    return u, golomb_rice.best_parameter(u).item()


def rice_code(u: list[int], k: int) -> bytes:
    """As Rice's definition reads: text of zeros and ones for each number, packed by bitstring."""
    from bitstring import Bits

    return Bits(bin="".join(f"{'0' * (n >> k)}1{n & (1 << k) - 1:0{k}b}" for n in u)).tobytes()


def numbers_of(code: bytes, count: int, k: int) -> list[int]:
    """The same way back."""
    from bitstring import Bits

    text, place, u = Bits.from_bytes(code).bin, 0, []
    for _ in range(count):
        one = text.index("1", place)
        u.append(one - place << k | int(text[one + 1 : one + 1 + k], 2))
        place = one + 1 + k
    return u


def rice_encoding() -> Contest:
    """Numbers to bytes: as many, but for one that is not full, and the same numbers in them."""
    u, k = numbers()
    listed = u.tolist()

    def difference(theirs: bytes, ours: Tensor) -> float:
        both_right = numbers_of(theirs, COUNT, k) == listed and torch.equal(golomb_rice.decode(ours, COUNT, k), u)
        return abs(len(ours) - len(theirs)) if both_right else float("inf")

    return Contest(peer=lambda: rice_code(listed, k), ours=lambda: golomb_rice.encode(u, k), difference=difference, tolerance=1.0)


def rice_decoding() -> Contest:
    """Bytes to the same numbers."""
    u, k = numbers()
    theirs, ours = rice_code(u.tolist(), k), golomb_rice.encode(u, k)
    return Contest(
        peer=lambda: numbers_of(theirs, COUNT, k),
        ours=lambda: golomb_rice.decode(ours, COUNT, k),
        difference=lambda theirs, ours: float(theirs != ours.tolist()),
        tolerance=0.0,
    )


def digits() -> list[np.ndarray]:
    """Spoken digits, joined speaker by speaker: real ones where they are at hand."""
    joined: dict[str, list[Tensor]] = {}
    for said in audio.spoken_digits(size="full"):
        joined.setdefault(said.recording.speaker, []).append(said.recording.pcm)
    return [torch.cat(parts).numpy() for parts in joined.values()]


def flac(pcm: np.ndarray) -> bytes:
    """A FLAC file at its strongest, which is what ``flac -8`` writes."""
    file = io.BytesIO()
    soundfile.write(file, pcm, RATE_HZ, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return file.getvalue()


def recordings() -> Contest:
    """Files of which neither is much larger; ours must also give every bit back."""
    speakers = digits()

    def difference(theirs: list[bytes], ours: list[bytes]) -> float:
        """Our bytes over theirs, less 1: below 0 where ours are fewer."""
        if any(not np.array_equal(lossless.decode(code)[0].numpy(), pcm) for code, pcm in zip(ours, speakers, strict=True)):
            return float("inf")
        return sum(map(len, ours)) / sum(map(len, theirs)) - 1

    return Contest(
        peer=lambda: [flac(pcm) for pcm in speakers],
        ours=lambda: [lossless.encode(torch.from_numpy(pcm), RATE_HZ) for pcm in speakers],
        difference=difference,
        tolerance=0.02,
    )


TASKS = (
    Task(f"Rice codes of {COUNT:,} numbers, to bytes", "bitstring", "bitstring", "bytes, but for one", 200.0, rice_encoding),
    Task(f"Rice codes of {COUNT:,} numbers, from bytes", "bitstring", "bitstring", "numbers", 200.0, rice_decoding),
    Task(
        "Lossless coding of spoken digits, joined speaker by speaker",
        "soundfile",
        "soundfile",
        "size: ours over FLAC's, less 1",
        None,
        recordings,
    ),
)
