"""Another voice from the same words: each change touches one of the numbers that a vocoder sends.

Taught in: 04_speech_coding_and_synthesis
"""

from dataclasses import replace

import torch

from course_lib.classical import lpc
from course_lib.classical.vocoder_frames import VocoderFrames

GRID = 1024  # length of the Fourier transform on which an envelope is stretched


def whisper(frames: VocoderFrames) -> VocoderFrames:
    """Lets the vocal folds rest: noise alone, through the same vocal tract.

    Args:
        frames: speech.

    Returns:
        The same, nowhere voiced.

    Example:
        >>> from course_lib.classical.vocoder import analyse
        >>> tone = torch.sin(0.1 * torch.arange(1000, dtype=torch.float64))
        >>> whisper(analyse(tone, 8000)).pitch_hz.max()
        tensor(0., dtype=torch.float64)

    References: none
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    return replace(frames, pitch_hz=torch.zeros_like(frames.pitch_hz), periodicity=torch.zeros_like(frames.periodicity))


def robot(frames: VocoderFrames, pitch_hz: float = 100.0) -> VocoderFrames:
    """Holds the pitch of every voiced frame.

    Args:
        frames: speech.
        pitch_hz: to hold.

    Returns:
        The same on one note.

    Raises:
        ValueError: if ``pitch_hz`` is not between 0 and half the rate.

    Example:
        >>> from course_lib.classical.vocoder import analyse
        >>> tone = torch.sin(0.1 * torch.arange(1000, dtype=torch.float64))
        >>> robot(analyse(tone, 8000), 90.0).pitch_hz.unique()
        tensor([90.], dtype=torch.float64)

    References: none
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    if not 0 < pitch_hz < frames.rate_hz / 2:
        raise ValueError(f"pitch_hz must lie between 0 and rate_hz / 2 = {frames.rate_hz / 2}, got {pitch_hz}")
    return replace(frames, pitch_hz=torch.where(frames.pitch_hz > 0, pitch_hz, 0.0).double())


def transpose(frames: VocoderFrames, factor: float) -> VocoderFrames:
    """Multiplies the pitch; the vocal tract stays, so the vowels and the speaker's size do.

    Args:
        frames: speech.
        factor: 2 is an octave up.

    Returns:
        The same, higher or lower.

    Raises:
        ValueError: if ``factor`` is not greater than 0, or a pitch comes to half the rate.

    Example:
        >>> from course_lib.classical.vocoder import analyse
        >>> frames = analyse(torch.sin(0.1 * torch.arange(1000, dtype=torch.float64)), 8000)
        >>> (transpose(frames, 2.0).pitch_hz / frames.pitch_hz).unique()
        tensor([2.], dtype=torch.float64)

    References: none
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    _check_factor(factor)
    return replace(frames, pitch_hz=factor * frames.pitch_hz)


def lengthen_tract(frames: VocoderFrames, factor: float) -> VocoderFrames:
    r"""Makes the vocal tract longer or shorter: every formant moves, the pitch stays.

    A tube ``factor`` times as long resonates at frequencies ``factor`` times as low:

    .. math:: \lvert H'(f) \rvert^2 = \lvert H(\text{factor} \cdot f) \rvert^2,

    and an all-pole filter is fitted to H' through its autocorrelation. What a short tract would bring from beyond half the rate,
    the envelope's last value stands in for.

    Args:
        frames: speech.
        factor: of the length; a child's tract is about 0.75 of a man's.

    Returns:
        The same from another throat.

    Raises:
        ValueError: if ``factor`` is not greater than 0.

    Example:
        >>> from course_lib.classical.vocoder import analyse
        >>> frames = analyse(torch.sin(0.1 * torch.arange(1000, dtype=torch.float64)), 8000)
        >>> torch.testing.assert_close(lengthen_tract(frames, 1.0).reflection, frames.reflection, rtol=0, atol=0.02)

    References:
        E. Eide, H. Gish, A parametric approach to vocal tract length normalization, ICASSP 1996.
    Deviation: used the other way round, to change a speaker rather than to make speakers alike.
    Taught in: 04_speech_coding_and_synthesis
    """
    _check_factor(factor)
    power = frames.whitening(GRID).abs().square().reciprocal()  # (N, F)
    last = power.shape[1] - 1
    place = (factor * torch.arange(last + 1, dtype=torch.float64)).clamp(max=last)
    left = place.floor().long().clamp(max=last - 1)
    warped = torch.lerp(power[:, left].log(), power[:, left + 1].log(), place - left).exp()
    r = torch.fft.irfft(warped, n=GRID)[:, : frames.reflection.shape[1] + 1]
    return replace(frames, reflection=lpc.levinson_durbin(r).reflection)


def _check_factor(factor: float) -> None:
    if not factor > 0:
        raise ValueError(f"factor must be greater than 0, got {factor}")
