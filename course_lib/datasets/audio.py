"""Sound: vowels, sentences, voices to mix, instruments, spoken digits, noises; recorded at full size, made for the course at quick size.

    voice = audio.sentence(size=run.size)
    voice.samples, voice.rate_hz  # float64 (T,), 16 000

Every sample is a whole number of 1/32 768, as in a 16-bit file, and ``Recording.pcm`` gives the whole numbers back. What is recorded otherwise
(compressed, in stereo, at another rate) is brought to that form, and its ``source`` says so.

Taught in: 03_linear_prediction
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int16
from torch import Tensor

from course_lib.datasets import drawn_sounds, made_speech, recordings, registry
from course_lib.datasets.sound_file import FULL_SCALE, decoded, in_16_bits

VOWELS = tuple("aiueo")
RATE_HZ = 16_000
_WANTED = {
    "world-vowels": "recorded vowels",
    "cmu-arctic": "CMU ARCTIC's sentences",
    "librispeech-voices": "three readers of LibriSpeech",
    "instruments": "a trumpet and a string orchestra",
    "fsdd": "the Free Spoken Digit Dataset",
    "esc10-cc0": "the recordings of ESC-10",
}


@dataclass(frozen=True)
class Recording:
    """A sound: samples in [−1, 1), samples a second, what it is, who makes it, and in words what is really in hand."""

    samples: Float64[Tensor, " T"]
    rate_hz: int
    name: str
    speaker: str
    source: str

    @property
    def pcm(self) -> Int16[Tensor, " T"]:
        """The samples as the 16-bit whole numbers that they are."""
        return (self.samples * FULL_SCALE).to(torch.int16)


@dataclass(frozen=True)
class SpokenDigit:
    """A digit, 0 … 9, said by somebody for the ``take``-th time."""

    digit: int
    take: int
    recording: Recording


def vowels(*, size: str) -> dict[str, Recording]:
    """Returns あいうえお said by a man, under the keys a, i, u, e, o: only the steady part of each.

    At quick size 0.4 s each at 16 kHz; at full size 55 to 80 ms each at 22.05 kHz, cut out of one breath.

    Args:
        size: the run's size, ``quick`` or ``full``.

    Returns:
        A recording for each vowel, in the order of the Japanese alphabet.

    Raises:
        ValueError: if there is no such size.
        DataRefused: if the file is there but is not what was published.

    Example:
        >>> list(vowels(size="quick"))  # doctest: +ELLIPSIS
        quick size: ...
        ['a', 'i', 'u', 'e', 'o']

    References:
        Morise, Yokomori, Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system for real-time applications", 2016,
        doi:10.1587/transinf.2015EDP7457: its test sound.
    """
    if (content := _content("world-vowels", size)) is None:
        return {vowel: _made(f"vowel_{vowel}", vowel, "man") for vowel in VOWELS}
    (whole,) = (decoded(file) for file in content.values())
    pieces = {vowel: slice(*(round(second * whole[1]) for second in held)) for vowel, held in recordings.HELD_S.items()}
    source = registry.DATASETS["world-vowels"].what
    return {vowel: Recording(whole[0][piece].clone(), whole[1], vowel, "man", source) for vowel, piece in pieces.items()}


def sentence(*, size: str) -> Recording:
    """Returns the first of ``sentences``: about four seconds of a man's English at 16 kHz.

    Example:
        >>> sentence(size="quick").name  # doctest: +ELLIPSIS
        quick size: ...
        'The wind began to blow, and all the leaves flew over the wall.'
    """
    return sentences(size=size)[0]


def sentences(*, size: str) -> list[Recording]:
    """Returns read sentences at 16 kHz: six by three voices in English and Japanese, or nine English ones of CMU ARCTIC by five voices.

    Args:
        size: the run's size, ``quick`` or ``full``.

    Returns:
        Recordings of 1.5 to 4 s; each ``name`` is what is said.

    Raises:
        ValueError: if there is no such size.
        DataRefused: if a file is there but is not what was published.

    Example:
        >>> [recording.speaker for recording in sentences(size="quick")]  # doctest: +ELLIPSIS
        quick size: ...
        ['man', 'man', 'woman', 'woman', 'child', 'child']

    References:
        Kominek, Black, "The CMU Arctic speech databases", 2004, Speech Synthesis Workshop 5, 223–224.
    """
    if (content := _content("cmu-arctic", size)) is None:
        return _made_sentences()
    source = registry.DATASETS["cmu-arctic"].what
    return [
        Recording(*decoded(content[f"speech-samples/{file}.wav"]), words, who, source) for file, (who, words) in recordings.ARCTIC.items()
    ]


def voices(*, size: str) -> list[Recording]:
    """Returns three people who talk at once, each of something else: equally long, at 16 kHz, to be mixed.

    Args:
        size: the run's size, ``quick`` (a man, a woman and a child, 6.9 s) or ``full`` (three readers of LibriSpeech, 13.9 s).

    Returns:
        Three recordings; where one is longer its end is cut off, which at quick size is silence.

    Raises:
        ValueError: if there is no such size.
        DataRefused: if a file is there but is not what was published.

    Example:
        >>> {recording.samples.shape for recording in voices(size="quick")}  # doctest: +ELLIPSIS
        quick size: ...
        {torch.Size([109324])}

    References:
        Panayotov, Chen, Povey, Khudanpur, "Librispeech: an ASR corpus based on public domain audio books", 2015,
        doi:10.1109/ICASSP.2015.7178964.
    """
    if (content := _content("librispeech-voices", size)) is None:
        source, said = made_speech.SOURCE, _made_sentences()
        talk = {who: torch.cat([r.samples for r in said if r.speaker == who]) for who in made_speech.SPEAKERS}
    else:
        source = registry.DATASETS["librispeech-voices"].what
        talk = {who: decoded(content[f"librosa-audio/{file}.hq.ogg"])[0] for file, who in recordings.READERS.items()}
    length = min(map(len, talk.values()))
    return [Recording(samples[:length].clone(), RATE_HZ, who, who, source) for who, samples in talk.items()]


def instruments(*, size: str) -> list[Recording]:
    """Returns two instruments, as long as the ``voices`` and at their rate, to be mixed with them.

    Args:
        size: the run's size: ``quick`` draws a plucked string and a blown tube, ``full`` has a trumpet and a string orchestra, in mono and at
            16 kHz; the trumpet plays its phrase of 5.3 s again until the voices end.

    Returns:
        Two recordings.

    Raises:
        ValueError: if there is no such size.
        DataRefused: if a file is there but is not what was published.

    Example:
        >>> [recording.name for recording in instruments(size="quick")]  # doctest: +ELLIPSIS
        quick size: ...
        ['plucked string', 'blown tube']
    """
    content = _content("instruments", size)
    if content is None:
        length = min(sum(len(r.samples) for r in _made_sentences() if r.speaker == who) for who in made_speech.SPEAKERS)
        drawn = {"plucked string": drawn_sounds.plucked_string, "blown tube": drawn_sounds.blown_tube}
        return [Recording(in_16_bits(draw(length, RATE_HZ)), RATE_HZ, name, name, "drawn by formula") for name, draw in drawn.items()]
    length, found = len(voices(size=size)[0].samples), []
    for name, (file, player) in recordings.PLAYERS.items():
        samples, _ = decoded(content[f"librosa-audio/{file}.ogg"], RATE_HZ)
        again = samples.repeat(math.ceil(length / len(samples)))[:length]
        found.append(Recording(again, RATE_HZ, name, player, f"{registry.DATASETS['instruments'].what}; mono, at 16 kHz"))
    return found


def spoken_digits(*, size: str) -> list[SpokenDigit]:
    """Returns English digits at 8 kHz, without silence around them: one take by each of three made voices, or 50 by each of six men.

    Args:
        size: the run's size: ``quick`` (30 recordings) or ``full`` (3 000, 22 minutes).

    Returns:
        The recordings, speaker by speaker within each digit.

    Raises:
        ValueError: if there is no such size.
        DataRefused: if the archive is there but does not hold what was published.

    Example:
        >>> [(said.digit, said.recording.speaker) for said in spoken_digits(size="quick")][:2]  # doctest: +ELLIPSIS
        quick size: ...
        [(0, 'man'), (0, 'woman')]

    References:
        Z. Jackson and others, "Free Spoken Digit Dataset", 2018, doi:10.5281/zenodo.1342401.
    """
    if (content := _content("fsdd", size)) is None:
        made = [(digit, who) for digit in range(10) for who in made_speech.SPEAKERS]
        return [SpokenDigit(digit, 0, _made(f"{digit}_{who}", str(digit), who)) for digit, who in made]
    found, source = [], registry.DATASETS["fsdd"].what
    for file in recordings.FSDD:
        digit, who, take = file.removeprefix("recordings/").removesuffix(".wav").split("_")
        found.append(SpokenDigit(int(digit), int(take), Recording(*decoded(content[file]), digit, who, source)))
    return found


def sounds(*, size: str) -> list[Recording]:
    """Returns everyday sounds; ``name`` is the kind: Dog bark, Rain, Sea waves, Clock tick, Helicopter and so on.

    Args:
        size: the run's size: ``quick`` draws four sounds of 3 s at 16 kHz, ``full`` has 70 recordings of ten kinds, 4 to 7 s at 44.1 kHz.

    Raises:
        ValueError: if there is no such size.
        DataRefused: if the archive is there but does not hold what was published.

    Example:
        >>> [recording.name for recording in sounds(size="quick")]  # doctest: +ELLIPSIS
        quick size: ...
        ['Rain', 'Sea waves', 'Clock tick', 'Helicopter']

    References:
        Piczak, "ESC: Dataset for environmental sound classification", 2015, doi:10.1145/2733373.2806390.
    """
    if (content := _content("esc10-cc0", size)) is None:
        drawn = {kind: in_16_bits(drawn_sounds.everyday(kind, 3 * RATE_HZ, RATE_HZ)) for kind in drawn_sounds.EVERYDAY}
        return [Recording(samples, RATE_HZ, kind, "nobody", "drawn by formula") for kind, samples in drawn.items()]
    source = registry.DATASETS["esc10-cc0"].what
    return [Recording(*decoded(content[file]), file.split("/")[0].partition(" - ")[2], "nobody", source) for file in recordings.ESC10]


def _content(name: str, size: str) -> dict[str, bytes] | None:
    """The files of a registered set by path, those of an archive by name; None where something stands in, which is said aloud."""
    if size not in ("quick", "full"):
        raise ValueError(f"size must be one of ('quick', 'full'), got {size!r}")
    wanted = registry.DATASETS[name]
    stand_in = f"{wanted.stand_in} in place of {_WANTED[name]}"
    if size == "quick":
        print(f"quick size: {stand_in}")
        return None
    try:
        found = {}
        for file in wanted.files:
            found |= registry.members(file.path) if isinstance(file, registry.DataArchive) else {file.path: registry.read(file.path)}
        return found
    except registry.DataUnavailable as reason:
        print(f"{reason}\n{stand_in}")
        return None


def _made(file: str, name: str, speaker: str) -> Recording:
    samples, rate_hz = made_speech.read(file)
    return Recording(samples, rate_hz, name, speaker, made_speech.SOURCE)


def _made_sentences() -> list[Recording]:
    said = made_speech.SENTENCES.items()
    return [_made(f"{who}_{language}", words, who) for who, by_language in said for language, words in by_language.items()]
