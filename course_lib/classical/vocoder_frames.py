"""What a vocoder sends of speech: filter, level, pitch and breath, a few numbers a frame.

Taught in: 04_speech_coding_and_synthesis
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Complex128, Float64
from torch import Tensor

from course_lib.classical.excitation import fill_pitch
from course_lib.classical.pitch import frame_count
from course_lib.classical.reflection import from_reflection


@dataclass(frozen=True)
class VocoderFrames:
    """What a vocoder sends of speech: filter, loudness, pitch and breath, frame by frame.

    Args:
        reflection: reflection coefficients of the vocal tract's filter, ``(N, M)``, each between −1 and 1.
        level: root mean square of the speech, ``(N,)``, at least 0.
        pitch_hz: 0 where there is no voice, ``(N,)``.
        periodicity: share of the excitation's power that is pulses, in bands of 1 kHz, ``(N, B)``, 0 to 1; the rest is noise.
        rate_hz: samples a second.
        hop: samples from frame to frame; frame n is centred on sample ``n * hop``.
        length: samples of the speech; the frames reach its last one.

    Raises:
        ValueError: if the numbers of frames differ or do not reach ``length``, or a value is out of its range.

    Example:
        >>> from course_lib.classical import vocoder
        >>> frames = vocoder.analyse(torch.zeros(160, dtype=torch.float64), 8000)
        >>> frames.reflection.shape, frames.pitch_hz
        (torch.Size([5, 10]), tensor([0., 0., 0., 0., 0.], dtype=torch.float64))

    References:
        B. S. Atal, S. L. Hanauer, Speech analysis and synthesis by linear prediction of the speech wave, 1971, doi:10.1121/1.1912679.
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """

    reflection: Float64[Tensor, "N M"]
    level: Float64[Tensor, " N"]
    pitch_hz: Float64[Tensor, " N"]
    periodicity: Float64[Tensor, "N B"]
    rate_hz: int
    hop: int
    length: int

    def __post_init__(self) -> None:
        counts = [len(part) for part in (self.reflection, self.level, self.pitch_hz, self.periodicity)]
        wanted = frame_count(self.length, self.hop)
        if counts != [wanted] * 4:
            raise ValueError(
                f"length {self.length} at hop {self.hop} needs {wanted} frames, got {counts} of reflection, level, pitch, periodicity"
            )
        if not (self.reflection.abs() < 1).all():
            raise ValueError(
                f"reflection must lie between −1 and 1, or the filter is not stable; largest size {self.reflection.abs().max():.6g}"
            )
        if not ((self.level >= 0) & self.level.isfinite()).all():
            raise ValueError(f"level must be finite and at least 0, the smallest is {self.level.min():.6g}")
        if not ((self.pitch_hz >= 0) & (self.pitch_hz < self.rate_hz / 2)).all():
            raise ValueError(f"pitch_hz must lie from 0 to below rate_hz / 2, got {self.pitch_hz.min():.6g} to {self.pitch_hz.max():.6g}")
        if not ((self.periodicity >= 0) & (self.periodicity <= 1)).all():
            raise ValueError(f"periodicity must lie from 0 to 1, got {self.periodicity.min():.6g} to {self.periodicity.max():.6g}")

    def whitening(self, fft_length: int) -> Complex128[Tensor, "N F"]:
        """Returns A of each frame at the frequencies of a real FFT, ``(N, fft_length // 2 + 1)``; 1 / A is the vocal tract."""
        a = from_reflection(self.reflection)
        return torch.fft.rfft(torch.cat([torch.ones_like(a[:, :1]), a], dim=1), n=fft_length)


def interpolate(frames: VocoderFrames, hop: int) -> VocoderFrames:
    """Returns the frames at another distance, in straight lines between neighbours: reflection coefficients stay between −1 and 1, so filters stay stable.

    Where a voice starts or stops, the nearer frame says whether there is one.
    """
    if hop == frames.hop:
        return frames
    place = torch.arange(frame_count(frames.length, hop)) * hop / frames.hop
    place = place.double().clamp(max=len(frames.level) - 1)
    left = place.floor().long()
    right, share = (left + 1).clamp(max=len(frames.level) - 1), place - left

    def between(values: Tensor) -> Tensor:
        return torch.lerp(values[left], values[right], share.reshape(-1, *[1] * (values.ndim - 1)))

    nearest = torch.where(share < 0.5, left, right)
    voiced = frames.pitch_hz[nearest] > 0
    return replace(
        frames,
        reflection=between(frames.reflection),
        level=between(frames.level),
        pitch_hz=torch.where(voiced, between(fill_pitch(frames.pitch_hz)), 0.0),
        periodicity=torch.where(voiced[:, None], between(frames.periodicity), 0.0),
        hop=hop,
    )
