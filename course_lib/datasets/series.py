"""Real series: a century and a half of stock prices, and nine voices saying /ae/; each with a stand-in that needs no download.

    returns = series.monthly_returns(size=run.size)
    voices = series.vowel_cepstra("train", size=run.size)

Taught in: 01_maximum_likelihood
"""

import csv
import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Generator, Tensor

from course_lib.datasets import registry

SPEAKERS = 9
ORDER = 12  # cepstral coefficients a frame
_RATE_HZ = 10_000
_UTTERANCES = {"train": [30] * SPEAKERS, "test": [31, 35, 88, 44, 29, 24, 40, 50, 29]}  # of each speaker, as in the real set
# Average formants of Japanese men: the first two as measured (Jo), the others ours; bandwidths ours.
_A_HZ = [753.0, 1385.0, 2550.0, 3450.0, 4250.0]
_E_HZ = [500.0, 1947.0, 2600.0, 3500.0, 4300.0]
_BANDWIDTH_HZ = [90.0, 110.0, 170.0, 250.0, 300.0]


@dataclass(frozen=True)
class Series:
    """Numbers in the order of time; ``name`` is what one of them measures, ``source`` says in words what is really in hand."""

    values: Float64[Tensor, " N"]
    name: str
    source: str


@dataclass(frozen=True)
class Utterances:
    """Frames of speech: row i of ``frames`` belongs to utterance ``utterance[i]``, said by ``speaker[i]`` (0 … 8), in the order of time."""

    frames: Float64[Tensor, "N 12"]
    speaker: Int64[Tensor, " N"]
    utterance: Int64[Tensor, " N"]
    source: str


def monthly_returns(*, size: str) -> Series:
    """Returns log returns of the S&P 500, month by month since 1871; at quick size a real series with tails like theirs stands in.

    r_t = log p_t − log p_{t−1}

    The prices are averages over each month's days, which makes neighbouring returns alike (a correlation of about 0.3); dividends are left
    out. The stand-in is the steps in log brightness between neighbouring pixels of a photograph: small as a rule, huge at an edge.

    Args:
        size: the run's size, ``quick`` or ``full``.

    Returns:
        The returns, without unit (0.01 is about one per cent).

    Raises:
        ValueError: if there is no such size.
        DataRefused: if the file is there but is not what was published.

    Example:
        >>> len(monthly_returns(size="quick").values)  # doctest: +ELLIPSIS
        quick size: ...
        1865

    References:
        R. Shiller, "Irrational Exuberance", 2000, whose monthly prices these are.

    Taught in: 01_maximum_likelihood
    """
    if _is_full(size, "the S&P 500", "brightness steps in a photograph") and (
        content := _content("finance-sp500/data.csv", "finance-sp500")
    ):
        rows = csv.DictReader(io.StringIO(content.decode("utf-8")))
        prices = torch.tensor([float(row["SP500"]) for row in rows], dtype=torch.float64)
        return Series(prices.log().diff(), "monthly log return", "S&P 500 without dividends, monthly averages, 1871-01 to 2026-06")
    return Series(_brightness_steps(), "log brightness step", "log brightness steps in scikit-learn's photograph china.jpg")


def vowel_cepstra(split: str = "train", *, size: str) -> Utterances:
    """Returns LPC cepstra of nine men saying /ae/: recorded ones at full size, made-up voices at quick size.

    c_n = (1/n) Σ_i p_i^n   over the poles p_i of the all-pole model of a frame, n = 1 … 12

    The made-up set has the real one's speakers, numbers of utterances and lengths (7 to 29 frames). Each voice has its own vocal-tract length,
    formants and bandwidths; each utterance glides from /a/ to /e/ at its own pace and varies a little; the test utterances are said on another
    day. It is the same in every run.

    Args:
        split: ``train`` (270 utterances) or ``test`` (370).
        size: the run's size, ``quick`` or ``full``.

    Returns:
        The frames of all utterances, one after the other.

    Raises:
        ValueError: if there is no such split or size.
        DataRefused: if the file is there but is not what was published.

    Example:
        >>> int(vowel_cepstra("train", size="quick").utterance.max())  # doctest: +ELLIPSIS
        quick size: ...
        269

    References:
        Kudo, Toyama, Shimbo, "Multidimensional curve classification using passing-through regions", 1999,
        Pattern Recognition Letters 20 (11–13), 1103–1111: the recordings (10 kHz, frames of 25.6 ms every 6.4 ms).
        C.-H. Jo, thesis, Kyoto University, figure 4.2: average formants of Japanese men, /a/ 753 and 1385 Hz, /e/ 500 and 1947 Hz.

    Taught in: 02_gaussian_mixtures
    """
    if split not in _UTTERANCES:
        raise ValueError(f"split must be one of {tuple(_UTTERANCES)}, got {split!r}")
    path = f"timeseries-ucr/JapaneseVowels_{split.upper()}.ts"
    if _is_full(size, "the Japanese vowels", "nine made-up speakers") and (content := _content(path, "japanese-vowels")):
        return _parse_ts(content.decode("utf-8"))
    return _made_up_voices(split)


def _is_full(size: str, real: str, stand_in: str) -> bool:
    if size not in ("quick", "full"):
        raise ValueError(f"size must be one of ('quick', 'full'), got {size!r}")
    if size == "quick":
        print(f"quick size: {stand_in} stand in for {real}")
    return size == "full"


def _content(path: str, name: str) -> bytes | None:
    try:
        return registry.read(path)
    except registry.DataUnavailable as reason:
        print(f"{reason}\n{registry.DATASETS[name].stand_in} stand in")
        return None


def _brightness_steps() -> Tensor:
    from sklearn.datasets import load_sample_image

    picture = load_sample_image("china.jpg")
    below_the_sky = picture[len(picture) // 3 :].astype(np.float64)  # (H, W, 3), 0 to 255; the sky has no steps to speak of
    brightness = below_the_sky @ np.array([0.299, 0.587, 0.114])  # (H, W), as the eye weighs red, green and blue
    within = np.random.default_rng(0).random(brightness.shape)  # grey levels are rounded; each stands for all up to the next
    steps = np.diff(np.log(brightness + 1 + within), axis=1).ravel()  # + 1: a black pixel has no logarithm
    return torch.from_numpy(steps[:: len(steps) // 1864].copy())[:1865]  # as many as there are returns, from all over the picture


def _parse_ts(text: str) -> Utterances:
    """After @data one line an utterance: its 12 coefficients as series of numbers, then the speaker 1 … 9, parted by colons."""
    frames, speakers = [], []
    for line in text[text.index("@data") + len("@data") :].split():
        *coefficients, speaker = line.split(":")
        frames.append(torch.tensor([[float(c) for c in track.split(",")] for track in coefficients], dtype=torch.float64).T)
        speakers.append(int(speaker) - 1)
    lengths = torch.tensor([len(frame) for frame in frames])
    return Utterances(
        torch.cat(frames).contiguous(),
        torch.tensor(speakers).repeat_interleave(lengths),
        torch.arange(len(frames)).repeat_interleave(lengths),
        "JapaneseVowels: nine men saying /ae/, recorded",
    )


def _made_up_voices(split: str) -> Utterances:
    voice, chance = Generator().manual_seed(6), Generator().manual_seed(2 if split == "train" else 3)
    own = _spread(voice, 0.02, SPEAKERS, 2, 5) / _spread(voice, 0.05, SPEAKERS, 1, 1)  # (9, 2, 5) formants ÷ vocal-tract length
    own_bandwidth = _spread(voice, 0.1, SPEAKERS, 5)
    own_tilt = 0.75 * _spread(voice, 0.03, SPEAKERS)  # a real pole: how fast the voice fades towards high frequencies
    day = _spread(chance, 0.01, SPEAKERS, 5) if split == "test" else torch.ones(SPEAKERS, 5)

    speaker = torch.arange(SPEAKERS).repeat_interleave(torch.tensor(_UTTERANCES[split]))  # (U,)
    U = len(speaker)
    formant = torch.tensor([_A_HZ, _E_HZ], dtype=torch.float64) * (own * day[:, None])[speaker] * _spread(chance, 0.015, U, 1, 5)
    bandwidth = torch.tensor(_BANDWIDTH_HZ, dtype=torch.float64) * own_bandwidth[speaker] * _spread(chance, 0.1, U, 5)
    tilt = own_tilt[speaker] * _spread(chance, 0.03, U)
    middle = 0.5 + 0.12 * torch.randn(U, generator=chance, dtype=torch.float64)  # when the glide is half way, as a share of the utterance
    pace = 0.08 + 0.06 * torch.rand(U, generator=chance, dtype=torch.float64)
    length = (15.7 + 4 * torch.randn(U, generator=chance, dtype=torch.float64)).round().clamp(7, 29).long()

    utterance = torch.arange(U).repeat_interleave(length)  # (N,)
    first = length.cumsum(0) - length
    time = (torch.arange(len(utterance)) - first[utterance] + 0.5) / length[utterance]
    glide = torch.sigmoid((time - middle[utterance]) / pace[utterance])[:, None]  # 0 at /a/, 1 at /e/
    N = len(utterance)
    frequency_hz = formant[utterance, 0] ** (1 - glide) * formant[utterance, 1] ** glide * _spread(chance, 0.01, N, 5)
    width_hz = bandwidth[utterance] * _spread(chance, 0.1, N, 5)
    real_pole = tilt[utterance] * _spread(chance, 0.03, N)
    poles = torch.exp(torch.complex(-math.pi * width_hz, 2 * math.pi * frequency_hz) / _RATE_HZ)  # (N, 5), upper half plane
    slips = 0.02 * torch.randn(N, ORDER, generator=chance, dtype=torch.float64)  # an analysis of 25.6 ms of speech is never exact
    source = "nine made-up speakers saying /ae/, from formants"
    return Utterances(_cepstra(poles, real_pole) + slips, speaker[utterance], utterance, source)


def _cepstra(poles: Tensor, real_pole: Tensor) -> Tensor:
    """c_n = (1/n) Σ p^n, n = 1 … 12, over pairs of poles (N, P), given by the upper one, and one real pole (N,)."""
    n = torch.arange(1, ORDER + 1)
    return (2 * (poles[:, :, None] ** n).real.sum(1) + real_pole[:, None] ** n) / n  # (N, 12)


def _spread(generator: Generator, width: float, *shape: int) -> Tensor:
    """Factors near 1: exp(width · N(0, 1))."""
    return (width * torch.randn(shape, generator=generator, dtype=torch.float64)).exp()
