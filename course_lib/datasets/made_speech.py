"""The speech that the course brings along, made by the program espeak-ng: ``data/make_speech.py`` makes it anew.

The files lie inside the library, in ``speech``, so that every way of installing it brings them.

Taught in: 03_linear_prediction
"""

from pathlib import Path

import torch
from jaxtyping import Float64
from torch import Tensor

SPEAKERS = ("man", "woman", "child")
SENTENCES = {
    "man": {
        "en": "The wind began to blow, and all the leaves flew over the wall.",
        "ja": "きょうはとてもよいてんきなので、えきまであるきます。",
    },
    "woman": {
        "en": "My sister wrote a long letter, but nobody could read it.",
        "ja": "あめがやんで、にしのそらにおおきなにじがでました。",
    },
    "child": {
        "en": "Where did you hide the little yellow ship that I made?",
        "ja": "どうぶつえんで、ねむっているぞうをみましたか。",
    },
}
SOURCE = "made for the course with the program espeak-ng"
_PLACE = Path(__file__).parent / "speech"


def read(name: str) -> tuple[Float64[Tensor, " T"], int]:
    """Returns the samples of one file, in [−1, 1), and its rate in Hz.

    Args:
        name: the file's name without its ending: ``vowel_a``, ``man_ja``, ``7_woman``.

    Raises:
        ValueError: if there is no such file.

    Example:
        >>> samples, rate_hz = read("vowel_a")
        >>> len(samples), rate_hz
        (6400, 16000)
    """
    import soundfile

    path = _PLACE / f"{name}.flac"
    if not path.is_file():
        raise ValueError(f"name must be one of {sorted(p.stem for p in _PLACE.glob('*.flac'))}, got {name!r}")
    pcm, rate_hz = soundfile.read(path, dtype="int16")
    return torch.from_numpy(pcm).double() / 2**15, rate_hz
