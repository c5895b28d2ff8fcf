"""The vocoder: speech as a few numbers a frame, and speech from them.

    frames = vocoder.analyse(x, 16_000)
    again = vocoder.synthesise(frames, generator=run.generator(1))

Taught in: 04_speech_coding_and_synthesis
"""

import math

import torch
from jaxtyping import Float64
from torch import Generator, Tensor

from course_lib.classical import excitation, lpc
from course_lib.classical.pitch import frame_count, track_pitch
from course_lib.classical.source_filter import put_together, windowed_pieces
from course_lib.classical.vocoder_frames import VocoderFrames, interpolate
from course_lib.signal import framing, windows
from course_lib.signal.pre_emphasis import pre_emphasis

HOP_S = 0.005  # from frame to frame: short enough for the ear not to hear steps
WINDOW_S = 0.025  # of speech that one filter is fitted to
SMEAR_HZ = 40.0  # a lag window this wide keeps the filter from settling on single harmonics
RINGING = 2.0  # times as loud as a frame says: so far noise and pulses scatter; what goes beyond rings on from an earlier frame


def analyse(x: Float64[Tensor, " T"], rate_hz: int, *, order: int | None = None, hop: int | None = None) -> VocoderFrames:
    r"""Measures the vocal tract, the loudness, the pitch and the breath of speech.

    A Hann window around each frame's centre; linear prediction after pre-emphasis, from an autocorrelation with a lag window.

    .. math:: \text{level}^2 = \frac{\sum_i w_i^2 x_i^2}{\sum_i w_i^2}, \qquad
              r_k = e^{-\frac12 (2π f_0 k / \text{rate})^2} \sum_i w_i x'_i\, w_{i+k} x'_{i+k}

    Args:
        x: speech, ``(T,)``.
        rate_hz: samples a second.
        order: coefficients of the filter M; two more than the rate in kHz unless given: two for each formant and a pair for the glottis.
        hop: samples from frame to frame; 5 ms unless given.

    Returns:
        The frames.

    Raises:
        ValueError: if ``x`` is empty or not finite, or ``order`` or ``hop`` is below 1.

    Example:
        >>> t = torch.arange(4000, dtype=torch.float64) / 8000
        >>> analyse((2 * torch.pi * 200 * t).sin(), 8000).pitch_hz[50].round()
        tensor(200., dtype=torch.float64)

    References:
        L. R. Rabiner, R. W. Schafer, Introduction to Digital Speech Processing, 2007, doi:10.1561/2000000001.
    Deviation: the lag window, a Gaussian of ``SMEAR_HZ``.
    Taught in: 04_speech_coding_and_synthesis
    """
    order = rate_hz // 1000 + 2 if order is None else order
    hop = round(HOP_S * rate_hz) if hop is None else hop
    if order < 1:
        raise ValueError(f"order must be at least 1, got {order}")
    pitch_hz = track_pitch(x, rate_hz, hop=hop)
    window = _window(rate_hz)
    lags = torch.arange(order + 1, dtype=x.dtype)
    smear = (-0.5 * (2 * math.pi * SMEAR_HZ * lags / rate_hz) ** 2).exp()
    predictor = lpc.levinson_durbin(lpc.autocorrelation(_around_centres(pre_emphasis(x), window, hop), order) * smear)
    periodicity = excitation.band_periodicity(x, pitch_hz, rate_hz, hop=hop)
    return VocoderFrames(predictor.reflection, _level(x, rate_hz, hop), pitch_hz, periodicity, rate_hz, hop, len(x))


def synthesise(frames: VocoderFrames, *, generator: Generator | None = None) -> Float64[Tensor, " T"]:
    """Speaks: pulses and noise, as loud as the frames say, through their filters.

    Frames further apart than 5 ms are drawn closer first (``interpolate``). Where speech falls silent faster than its filter does, the
    ringing is held down to the silence.

    Args:
        frames: what to say.
        generator: source of the noise.

    Returns:
        Speech, ``(T,)``.

    Example:
        >>> frames = analyse(torch.sin(0.1 * torch.arange(1000, dtype=torch.float64)), 8000)
        >>> synthesise(frames, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([1000])

    References:
        B. S. Atal, S. L. Hanauer, Speech analysis and synthesis by linear prediction of the speech wave, 1971, doi:10.1121/1.1912679;
        A. V. McCree, T. P. Barnwell, A mixed excitation LPC vocoder model for low bit rate speech coding, IEEE Trans. Speech and Audio Processing 3, 1995.
    Deviation: the mixture is made per frame in the frequency domain, with phase zero.
    Taught in: 04_speech_coding_and_synthesis
    """
    frames = interpolate(frames, min(frames.hop, round(HOP_S * frames.rate_hz)))
    contour = excitation.fill_pitch(frames.pitch_hz)
    pulses = excitation.pulse_train(_per_sample(contour, frames), frames.rate_hz)
    noise = torch.randn(frames.length, dtype=torch.float64, generator=generator)
    pulses, noise = (windowed_pieces(source, frames) for source in (pulses, noise))
    L = pulses.shape[1]
    khz = torch.fft.rfftfreq(L, 1 / frames.rate_hz, dtype=torch.float64) / 1000
    share = frames.periodicity @ excitation.band_weights(khz, frames.rate_hz).T  # (N, F)
    mixed = share.sqrt() * torch.fft.rfft(pulses) + (1 - share).sqrt() * torch.fft.rfft(noise)
    tract = _de_emphasis(L) / frames.whitening(L).abs().square()
    power = expected_power(tract, share, contour / frames.rate_hz)
    spoken = put_together((frames.level / power.sqrt())[:, None] * torch.fft.irfft(mixed, n=L), frames)
    loud = _level(spoken, frames.rate_hz, frames.hop).clamp(min=torch.finfo(spoken.dtype).tiny)
    return spoken * _per_sample((RINGING * frames.level / loud).clamp(max=1), frames)


def expected_power(tract: Float64[Tensor, "N F"], share: Float64[Tensor, "N F"], pitch: Float64[Tensor, " N"]) -> Float64[Tensor, " N"]:
    r"""Says how strong a mixture of unit pulses and unit noise leaves the vocal tract.

    .. math:: P = 2 f \sum_h v(hf)\, \lvert H(hf) \rvert^2 + \int_{-1/2}^{1/2} (1 - v(ν))\, \lvert H(ν) \rvert^2\, dν

    Pulses hear the tract at harmonics only: a formant between two of them counts for little.

    Args:
        tract: \|H\|², ``(N, F)``, at the frequencies of a real FFT of 2 (F − 1) samples.
        share: v, of pulses, ``(N, F)``.
        pitch: f, cycles a sample, ``(N,)``.

    Returns:
        P, ``(N,)``.

    Example:
        >>> half = torch.full((1, 65), 0.5, dtype=torch.float64)
        >>> expected_power(2 * half, half, torch.tensor([1 / 16], dtype=torch.float64))  # harmonic 8 lies at half the rate and is not there
        tensor([0.9375], dtype=torch.float64)

    References: none
    Deviation: the tract is read at the nearest bin.
    Taught in: 04_speech_coding_and_synthesis
    """
    bins = tract.shape[1] - 1
    harmonics = pitch[:, None] * torch.arange(1, math.ceil(0.5 / pitch.min().item()))
    nearest = (2 * bins * harmonics).round().long().clamp(max=bins)
    heard = (tract * share).gather(1, nearest) * excitation.fade(harmonics).square()
    return 2 * pitch * heard.sum(1) + torch.fft.irfft(tract * (1 - share))[:, 0]


def _window(rate_hz: int) -> Tensor:
    """What one filter and one level are measured under, ``(L,)``."""
    return windows.hann(2 * round(WINDOW_S * rate_hz / 2))


def _level(x: Tensor, rate_hz: int, hop: int) -> Tensor:
    """The root mean square around each frame's centre, ``(N,)``."""
    window = _window(rate_hz)
    return (_around_centres(x, window, hop).square().sum(1) / window.square().sum()).sqrt()


def _around_centres(x: Tensor, window: Tensor, hop: int) -> Tensor:
    """The stretches of a signal under a window centred on every ``hop``-th sample, ``(N, L)``."""
    padded = torch.nn.functional.pad(x, (len(window) // 2, len(window) // 2 + hop))
    return framing.frames(padded, len(window), hop)[: frame_count(len(x), hop)] * window


def _per_sample(values: Tensor, frames: VocoderFrames) -> Tensor:
    """Values of frames, drawn in straight lines from centre to centre, ``(T,)``."""
    place = torch.arange(frames.length, dtype=torch.float64) / frames.hop
    left = place.floor().long().clamp(max=max(0, len(values) - 2))
    return torch.lerp(values[left], values[(left + 1).clamp(max=len(values) - 1)], place - left)


def _de_emphasis(fft_length: int) -> Tensor:
    """The power response of ``de_emphasis``, ``(F,)``."""
    impulse = torch.zeros(fft_length, dtype=torch.float64)
    impulse[0] = 1.0
    return torch.fft.rfft(pre_emphasis(impulse)).abs().square().reciprocal()
