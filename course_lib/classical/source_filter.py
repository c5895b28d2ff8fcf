"""Speech taken apart into what the vocal folds gave and what the vocal tract made of it, and put together again.

Taught in: 04_speech_coding_and_synthesis
"""

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from course_lib.classical.vocoder_frames import VocoderFrames
from course_lib.signal import framing, windows
from course_lib.signal.pre_emphasis import de_emphasis, pre_emphasis

LEAD_S, TAIL_S = 0.010, 0.080  # room for a frame's sound before and after its window


def take_apart(x: Float64[Tensor, " T"], frames: VocoderFrames) -> Float64[Tensor, "N L"]:
    r"""Takes the vocal tract out of speech: each frame, faded in and out, through its own A(z).

    .. math:: e_n = A_n(z)\,[w_n x'], \qquad x' = \text{pre-emphasis}(x), \quad \sum_n w_n = 1

    Args:
        x: speech, ``(T,)``, that the frames belong to.
        frames: its filters.

    Returns:
        The residual in overlapping pieces, ``(N, L)``; ``put_together`` gives back ``x`` exactly, ``residual`` makes them one sound.

    Raises:
        ValueError: if the frames are not of this length.

    Example:
        >>> from course_lib.classical import vocoder
        >>> x = torch.sin(0.1 * torch.arange(1000, dtype=torch.float64))
        >>> frames = vocoder.analyse(x, 8000)
        >>> torch.testing.assert_close(put_together(take_apart(x, frames), frames), x)

    References:
        J. B. Allen, L. R. Rabiner, A unified approach to short-time Fourier analysis and synthesis, 1977, doi:10.1109/PROC.1977.10770.
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    if len(x) != frames.length:
        raise ValueError(f"x must have the {frames.length} samples that the frames were measured on, got {len(x)}")
    pieces = windowed_pieces(pre_emphasis(x), frames)
    L = pieces.shape[1]
    return torch.fft.irfft(torch.fft.rfft(pieces) * frames.whitening(L), n=L)


def put_together(pieces: Float64[Tensor, "N L"], frames: VocoderFrames) -> Float64[Tensor, " T"]:
    r"""Sends pieces of excitation through the vocal tract and adds them up where they overlap: ``take_apart``'s inverse.

    .. math:: x = \text{de-emphasis}\Big(\sum_n \tfrac{1}{A_n(z)}\, e_n\Big)

    Args:
        pieces: ``(N, L)``, as ``take_apart`` cuts them.
        frames: the filters.

    Returns:
        Speech, ``(T,)``.

    Example:
        >>> from course_lib.classical import vocoder
        >>> frames = vocoder.analyse(torch.zeros(800, dtype=torch.float64), 8000)
        >>> put_together(take_apart(torch.zeros(800, dtype=torch.float64), frames), frames).abs().max()
        tensor(0., dtype=torch.float64)

    References:
        J. B. Allen, L. R. Rabiner, A unified approach to short-time Fourier analysis and synthesis, 1977, doi:10.1109/PROC.1977.10770.
    Deviation: the filters' tails are laid in a circle of ``LEAD_S`` + ``TAIL_S`` and more, by when they have died away.
    Taught in: 04_speech_coding_and_synthesis
    """
    L = pieces.shape[1]
    return de_emphasis(_laid_over(torch.fft.irfft(torch.fft.rfft(pieces) / frames.whitening(L), n=L), frames))


def residual(x: Float64[Tensor, " T"], frames: VocoderFrames) -> Float64[Tensor, " T"]:
    """Returns what the vocal folds gave, as one sound, ``(T,)``: ``take_apart``'s pieces, added up."""
    return _laid_over(take_apart(x, frames), frames)


def windowed_pieces(x: Tensor, frames: VocoderFrames) -> Tensor:
    """Pieces of a signal under Hann windows that sum to 1, each with room before and after, ``(N, L)``."""
    before, L = _room(frames)
    hop, N = frames.hop, len(frames.level)
    padded = torch.nn.functional.pad(x, (hop, N * hop - len(x) + hop))
    pieces = framing.frames(padded, 2 * hop, hop)[:N] * windows.hann(2 * hop)
    return torch.nn.functional.pad(pieces, (before - hop, L - before - hop))


def _room(frames: VocoderFrames) -> tuple[int, int]:
    """Samples before a frame's centre, and of a whole piece: a power of 2."""
    before = round(LEAD_S * frames.rate_hz) + frames.hop
    return before, 2 ** math.ceil(math.log2(before + frames.hop + round(TAIL_S * frames.rate_hz)))


def _laid_over(pieces: Tensor, frames: VocoderFrames) -> Tensor:
    """The sum of pieces, each about its frame's centre, ``(T,)``."""
    before, _ = _room(frames)
    return framing.overlap_add(pieces, frames.hop, length=before + frames.length)[before:]
