"""Sound: vowels, sentences, voices to mix, instruments, spoken digits, noises; recorded at full size, made for the course at quick size.

    voice = audio.sentence(size=run.size)
    voice.samples, voice.rate_hz  # float64 (T,), 16 000

Every sample is a whole number of 1/32 768, as in a 16-bit file, and ``Recording.pcm`` gives the whole numbers back.

Taught in: 00_start_here
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int16
from torch import Tensor

from course_lib.datasets import made_speech

VOWELS = tuple("aiueo")
FULL_SCALE = 2**15


@dataclass(frozen=True)
class Recording:
    """A sound: samples in [−1, 1), samples a second, what it is, who makes it, and in words where it is from."""

    samples: Float64[Tensor, " T"]
    rate_hz: int
    name: str
    speaker: str
    source: str

    @property
    def pcm(self) -> Int16[Tensor, " T"]:
        """The samples as the 16-bit whole numbers that they are."""
        return (self.samples * FULL_SCALE).to(torch.int16)


def vowels(*, size: str) -> dict[str, Recording]:
    """Returns the steady parts of あいうえお, under the keys a, i, u, e, o.

    Args:
        size: the run's size, ``quick`` or ``full``.
    """
    return {vowel: _made(f"vowel_{vowel}", vowel, "man") for vowel in VOWELS}


def sentence(*, size: str) -> Recording:
    """Returns one sentence of two to four seconds at 16 kHz."""
    return sentences(size=size)[0]


def sentences(*, size: str) -> list[Recording]:
    """Returns sentences of several speakers at 16 kHz."""
    return [
        _made(f"{speaker}_{language}", words, speaker)
        for speaker in made_speech.SPEAKERS
        for language, words in made_speech.SENTENCES[speaker].items()
    ]


def voices(*, size: str) -> list[Recording]:
    """Returns three speakers at 16 kHz, equally long, each saying something else: to be mixed."""
    said = sentences(size=size)
    joined = [torch.cat([r.samples for r in said if r.speaker == speaker]) for speaker in made_speech.SPEAKERS]
    length = min(len(samples) for samples in joined)  # what is cut away is silence
    return [
        Recording(samples[:length].clone(), 16_000, speaker, speaker, made_speech.SOURCE)
        for samples, speaker in zip(joined, made_speech.SPEAKERS, strict=True)
    ]


def _made(file: str, name: str, speaker: str) -> Recording:
    samples, rate_hz = made_speech.read(file)
    return Recording(samples, rate_hz, name, speaker, made_speech.SOURCE)
