"""Sounds drawn by formula: a plucked string, a blown tube, rain, the sea, a clock, a helicopter. They stand in for recordings.

Each is the same in every run and lies in (−1, 1); full scale is 1.

Taught in: 06_ica
"""

import math

import numpy as np
import torch
from jaxtyping import Float64
from scipy.signal import lfilter
from torch import Tensor

# Notes as (semitones above A3 = 220 Hz, beats); None is a rest. Two melodies that share neither notes nor rhythm for long.
_STRING = [(0, 1), (7, 0.5), (3, 0.5), (5, 1.5), (10, 0.5), (7, 1), (2, 0.5), (-2, 0.5), (3, 1), (0, 1.5), (12, 0.5), (8, 1)]
_TUBE = [(None, 0.75), (16, 1.25), (14, 0.35), (11, 0.9), (None, 0.5), (9, 1.6), (12, 0.45), (None, 0.4), (14, 2.1), (19, 0.6), (None, 0.7)]
_STRING_BEAT_S, _TUBE_BEAT_S = 0.36, 0.41


def plucked_string(length: int, rate_hz: int) -> Float64[Tensor, " T"]:
    """Draws a melody on a plucked string: noise runs round a loop of one period and loses its high tones at each turn.

    y_t = x_t + 0.996 (y_{t−P} + y_{t−P−1}) / 2,   P + ½ = rate / pitch,   x a burst of noise of P samples and mean 0

    Args:
        length: number of samples.
        rate_hz: samples a second.

    Returns:
        The melody, repeated until it is long enough; root mean square 0.06.

    Example:
        >>> plucked_string(8000, 16_000).shape
        torch.Size([8000])

    References:
        Karplus, Strong, "Digital synthesis of plucked-string and drum timbres", 1983, Computer Music Journal 7 (2), 43–55.
    """
    chance = np.random.default_rng(1)
    x = np.zeros(length)
    for pitch_hz, first, last in _notes(_STRING, _STRING_BEAT_S, length, rate_hz):
        period = round(rate_hz / pitch_hz - 0.5)
        burst = np.zeros(min(last + rate_hz, length) - first)  # it rings on for a second, under the next notes
        noise = chance.uniform(-1, 1, period)
        burst[:period] = (noise - noise.mean())[: len(burst)]  # a mean would run round the loop for ever
        loop = np.zeros(period + 2)
        loop[0], loop[-2:] = 1, -0.996 / 2
        x[first : first + len(burst)] += lfilter([1.0], loop, burst)
    return _levelled(x)


def blown_tube(length: int, rate_hz: int) -> Float64[Tensor, " T"]:
    """Draws a melody on a tube closed at one end: odd partials, a slow attack, breath, and a vibrato of 5 Hz.

    Args:
        length: number of samples.
        rate_hz: samples a second.

    Returns:
        The melody, repeated until it is long enough; root mean square 0.06.

    Example:
        >>> blown_tube(8000, 16_000).shape
        torch.Size([8000])
    """
    chance = np.random.default_rng(2)
    x = np.zeros(length)
    for pitch_hz, first, last in _notes(_TUBE, _TUBE_BEAT_S, length, rate_hz):
        t = np.arange(last - first) / rate_hz
        phase = 2 * np.pi * pitch_hz * t + 0.3 * np.sin(2 * np.pi * 5 * t)
        partials = [p for p in range(1, 12, 2) if p * pitch_hz < 0.45 * rate_hz]
        tone = sum(np.sin(p * phase) / p**1.3 for p in partials) + 0.03 * chance.standard_normal(len(t))
        loudness = np.minimum(1, t / 0.05) * np.minimum(1, (t[-1] - t) / 0.03) * np.exp(-5 * t)
        x[first:last] += loudness * tone
    return _levelled(x)


def everyday(kind: str, length: int, rate_hz: int) -> Float64[Tensor, " T"]:
    """Draws one of the sounds ``Rain``, ``Sea waves``, ``Clock tick``, ``Helicopter``.

    Args:
        kind: which.
        length: number of samples.
        rate_hz: samples a second.

    Returns:
        The sound, root mean square 0.06 or, for a clock, peak 0.5.

    Raises:
        ValueError: if there is no such kind.

    Example:
        >>> everyday("Rain", 8000, 16_000).shape
        torch.Size([8000])
    """
    if kind not in EVERYDAY:
        raise ValueError(f"kind must be one of {tuple(EVERYDAY)}, got {kind!r}")
    return _levelled(EVERYDAY[kind](np.arange(length) / rate_hz, np.random.default_rng(3)))


def _rain(t: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    drops = chance.standard_normal(len(t)) * (chance.random(len(t)) < 0.02)
    return lfilter([1, -1], [1, -0.6], chance.standard_normal(len(t))) + 4 * lfilter([1], [1, -1.2, 0.8], drops)


def _sea(t: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    swell = 0.15 + np.sin(np.pi * t / 3.5) ** 4
    return swell * lfilter([1], [1, -0.95], chance.standard_normal(len(t)))


def _clock(t: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    since = t % 0.5  # two ticks a second, the second one lower
    pitch_hz = np.where(t % 1 < 0.5, 3200, 2600)
    return np.exp(-since / 0.006) * np.sin(2 * np.pi * pitch_hz * since) + 2e-4 * chance.standard_normal(len(t))


def _helicopter(t: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    blades = np.exp(-((((12 * t) % 1) - 0.5) ** 2) / 0.01)  # twelve beats a second
    return (0.2 + blades) * lfilter([1], [1, -1.6, 0.7], chance.standard_normal(len(t)))


EVERYDAY = {"Rain": _rain, "Sea waves": _sea, "Clock tick": _clock, "Helicopter": _helicopter}


def _notes(melody: list, beat_s: float, length: int, rate_hz: int) -> list[tuple[float, int, int]]:
    """Pitch, first and last sample of each note, the melody repeated until it is long enough."""
    found, at, turn = [], 0.0, 0
    while round(at * rate_hz) < length:
        semitones, beats = melody[turn % len(melody)]
        first, last = (round(second * rate_hz) for second in (at, at + beats * beat_s))
        if semitones is not None:
            found.append((220 * 2 ** (semitones / 12), first, min(last, length)))
        at, turn = at + beats * beat_s, turn + 1
    return found


def _levelled(x: np.ndarray) -> Tensor:
    """At a root mean square of 0.06, about that of speech, or where that would be too loud a peak, at a peak of 0.5."""
    if not x.any():
        return torch.from_numpy(x)  # nothing but a rest
    return torch.from_numpy(x * min(0.06 / math.sqrt(float(np.mean(x**2))), 0.5 / float(np.abs(x).max())))
