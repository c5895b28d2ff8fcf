"""Pitch and voicing: how fast the vocal folds swing, and whether they do.

Taught in: 04_speech_coding_and_synthesis
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor
from torch.nn.functional import pad

WINDOW_S = 0.025  # of speech that is laid over itself
SMOOTHING_S = 0.001  # a Hann-shaped average this long leaves little above 1 kHz, where a voice is no longer periodic
DRIFT_S = 0.04  # and what such a long average holds, a few Hz, is no voice but a drift, alike at every lag
ENOUGH_HZ = 8000  # samples a second that hold all of that
QUIET = 5e-3  # of the mean power: what is weaker counts as unlike itself
ROUNDING = 1e-20  # a power far below any sample's, far above rounding errors'
UNVOICED = 0.5  # likeness that a voice must exceed
OCTAVE_COST = 0.02  # of likeness, for each octave below the highest pitch: of two equal lags the shorter wins
JUMP_COST = 0.5  # for each octave between neighbouring frames 10 ms apart
SWITCH_COST = 0.15  # for a voice that starts or stops


def track_pitch(
    x: Float64[Tensor, " T"], rate_hz: int, *, hop: int, lowest_hz: float = 60.0, highest_hz: float = 400.0
) -> Float64[Tensor, " N"]:
    """Follows the pitch of a voice.

    Each stretch of speech is laid over itself, shifted by every lag that a pitch could have (``likeness``); one path through
    all frames then chooses a lag or "no voice" in each (``best_path``), and a parabola through three lags finds the place between samples.

    Args:
        x: speech, ``(T,)``.
        rate_hz: samples a second.
        hop: samples from frame to frame; frame n is centred on sample ``n * hop``.
        lowest_hz: least pitch.
        highest_hz: greatest pitch.

    Returns:
        The pitch in Hz, from ``lowest_hz`` to ``highest_hz``, 0 where there is no voice, ``(N,)`` with N = ⌈(T − 1) / hop⌉ + 1.

    Raises:
        ValueError: if ``x`` is empty or not finite, ``hop`` is below 1, or not 0 < ``lowest_hz`` < ``highest_hz`` < ``rate_hz`` / 4.

    Example:
        >>> t = torch.arange(8000, dtype=torch.float64) / 8000
        >>> buzz = sum(torch.cos(2 * torch.pi * 125 * h * t) for h in range(1, 20))
        >>> track_pitch(buzz, 8000, hop=80)[50]
        tensor(125.0000, dtype=torch.float64)

    References:
        D. Talkin, A robust algorithm for pitch tracking (RAPT), in Speech Coding and Synthesis, 1995: the correlation;
        P. Boersma, Accurate short-term analysis of the fundamental frequency, 1993: the costs of a path.
    Deviation: the path runs over all lags rather than over a few candidates, as they are few at speech's rates.
    Taught in: 04_speech_coding_and_synthesis
    """
    if not (0 < lowest_hz < highest_hz < rate_hz / 4):
        raise ValueError(
            f"lowest_hz and highest_hz must satisfy 0 < lowest < highest < rate_hz / 4, got {lowest_hz}, {highest_hz} at {rate_hz}"
        )
    if hop < 1:
        raise ValueError(f"hop must be at least 1 sample, got {hop}")
    x = x - x.mean()
    step = max(1, rate_hz // ENOUGH_HZ)  # after smoothing every second sample at 16 kHz tells as much
    smooth = (_average(x, round(SMOOTHING_S * rate_hz)) - _average(x, round(DRIFT_S * rate_hz)))[::step]
    rate = rate_hz / step
    lags = torch.arange(int(rate / highest_hz) - 1, int(rate / lowest_hz) + 3)  # one more at each end, for the parabola
    centres = torch.arange(frame_count(len(x), hop)) * hop // step
    alike = likeness(smooth, lags, centres, window=round(WINDOW_S * rate))
    path = best_path(alike[:, 1:-1], lags[1:-1], frame_s=hop / rate_hz)
    around = alike.gather(1, path.clamp(min=0)[:, None] + torch.arange(3))  # (N, 3): the chosen lag and its neighbours
    slope, bend = (around[:, 2] - around[:, 0]) / 2, around[:, 0] - 2 * around[:, 1] + around[:, 2]
    shift = torch.where(bend < 0, -slope / bend, 0.0)
    lag = lags[1:-1][path.clamp(min=0)] + torch.where(shift.abs() < 1, shift, 0.0)  # a slope without a summit stays where it is
    return torch.where(path >= 0, rate / lag.clamp(rate / highest_hz, rate / lowest_hz), 0.0)


def _average(x: Tensor, length: int) -> Tensor:
    """The average around each sample under a Hann window, ``(T,)``."""
    kernel = torch.hann_window(length + 1, periodic=False, dtype=x.dtype)
    return torch.nn.functional.conv1d(x[None], (kernel / kernel.sum())[None, None], padding="same")[0]


def likeness(x: Float64[Tensor, " T"], lags: Int64[Tensor, " K"], centres: Int64[Tensor, " N"], *, window: int) -> Float64[Tensor, "N K"]:
    r"""Compares each stretch of a signal with itself, shifted: the normalised cross-correlation.

    .. math:: φ_n(k) = \frac{\sum_i x_{i} x_{i+k}}{\sqrt{\sum_i x_{i}^2 \sum_i x_{i+k}^2}}, \qquad
              i = c_n - \tfrac{k + \text{window}}{2}, \dots

    The two stretches lie evenly about the frame's centre, whatever the lag. The signal's mean is taken off first, and ``QUIET`` of its mean
    power is added to either power below the root, so that hardly anything is unlike itself.

    Args:
        x: signal, ``(T,)``; zeros before and after.
        lags: shifts, ``(K,)`` samples, greater than 0.
        centres: c, a sample for each frame, ``(N,)``, from 0 to T − 1 and a little more.
        window: samples compared.

    Returns:
        φ, from −1 to 1, ``(N, K)``; 0 in silence.

    Raises:
        ValueError: if ``x`` is empty or not finite.

    Example:
        >>> x = torch.tensor([1.0, -1.0] * 40, dtype=torch.float64)
        >>> likeness(x, torch.tensor([1, 2]), torch.tensor([40]), window=20).round(decimals=1)
        tensor([[-1.,  1.]], dtype=torch.float64)

    References:
        D. Talkin, A robust algorithm for pitch tracking (RAPT), in Speech Coding and Synthesis, 1995.
    Deviation: stretches centred on the frame; the quiet-signal term is relative to the signal's power.
    Taught in: 04_speech_coding_and_synthesis
    """
    if len(x) == 0 or not x.isfinite().all():
        raise ValueError(f"x must be finite and hold at least one sample, got {len(x)} samples")
    x = x - x.mean()
    quiet = QUIET * x.square().mean() * window + ROUNDING  # digital silence is unlike itself too
    margin = int(lags.max()) + window
    x = pad(x, (margin, margin + max(0, int(centres.max()) + 1 - len(x))))
    energy = pad(x.square().cumsum(0), (1, 0))  # energy[i]: of all samples before i
    alike = x.new_empty(len(centres), len(lags))
    for column, lag in enumerate(lags.tolist()):
        first = centres + margin - (lag + window) // 2  # of the earlier stretch
        product = pad((x[:-lag] * x[lag:]).cumsum(0), (1, 0))
        early, late = (energy[at + window] - energy[at] for at in (first, first + lag))
        alike[:, column] = (product[first + window] - product[first]) / ((early.clamp(min=0) + quiet) * (late.clamp(min=0) + quiet)).sqrt()
    return alike


def best_path(alike: Float64[Tensor, "N K"], lags: Int64[Tensor, " K"], *, frame_s: float) -> Int64[Tensor, " N"]:
    r"""Chooses a lag, or no voice, in each frame so that the whole path is best, by dynamic programming.

    A path earns φ_n(k), less a little for long lags, in a voiced frame and ``UNVOICED`` in one without voice. It pays for each
    octave that it moves between frames, and for each start or end of a voice.

    .. math:: \max \sum_n \big(φ_n(k_n) - c_1 \log_2 \tfrac{k_n}{k_\min}\big) - \sum_n c_2 \big|\log_2 \tfrac{k_n}{k_{n-1}}\big|

    Args:
        alike: φ, ``(N, K)``.
        lags: ``(K,)``, rising.
        frame_s: seconds from frame to frame; a jump within less time costs more.

    Returns:
        The index of the lag, −1 for no voice, ``(N,)``.

    Example:
        >>> alike = torch.tensor([[0.1, 0.9], [0.8, 0.7], [0.1, 0.9], [0.1, 0.1]], dtype=torch.float64)
        >>> best_path(alike, torch.tensor([50, 100]), frame_s=0.01)
        tensor([ 1,  1,  1, -1])

    References:
        P. Boersma, Accurate short-term analysis of the fundamental frequency, 1993.
    Deviation: none but the size of the costs.
    Taught in: 04_speech_coding_and_synthesis
    """
    octaves = lags.to(alike.dtype).log2()
    earned = torch.cat([alike - OCTAVE_COST * (octaves - octaves[0]), alike.new_full((len(alike), 1), UNVOICED)], dim=1)  # (N, K + 1)
    paid = alike.new_full((len(lags) + 1, len(lags) + 1), SWITCH_COST)
    paid[:-1, :-1] = JUMP_COST * (0.01 / frame_s) * (octaves[:, None] - octaves).abs()
    paid[-1, -1] = 0.0
    total, came_from = earned[0], []
    for step in earned[1:]:
        best, previous = (total[:, None] - paid).max(0)  # over the states before
        total = best + step
        came_from.append(previous)
    state = total.argmax()
    path = [state]
    for previous in reversed(came_from):
        state = previous[state]
        path.append(state)
    chosen = torch.stack(path[::-1])
    return torch.where(chosen < len(lags), chosen, -1)


def frame_count(length: int, hop: int) -> int:
    """Returns how many frames it takes for the last centre to reach the last sample: 1 + ⌈(length − 1) / hop⌉."""
    return 1 - (-(length - 1) // hop)
