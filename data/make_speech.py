"""Makes the course's own speech with the program espeak-ng: five vowels, six sentences by three voices, and the ten digits by each of them.

    python data/make_speech.py [FOLDER]

Without a folder it writes to ``course_lib/datasets/speech``, inside the library, so that every way of installing the course brings the sound
along. The same version of espeak-ng gives the same samples, to the last bit.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

PLACE = Path(__file__).parents[1] / "course_lib" / "datasets" / "speech"
MADE_WITH = "1.51"  # the version of espeak-ng that made what is kept
SPOKEN_HZ = 22_050  # espeak-ng's own rate
LOUDNESS = 10 ** (-24 / 20)  # root mean square of what is not silence, full scale = 1


@dataclass(frozen=True)
class Speaker:
    """One of espeak-ng's voices (a form of the vocal tract) and how it is used."""

    voice: str
    pitch: int  # 0 … 99 within the voice's own range
    words_a_minute: int


SPEAKERS = {"man": Speaker("m1", 60, 178), "woman": Speaker("f1", 50, 165), "child": Speaker("linda", 75, 145)}
# Japanese is written as it sounds (わ for は, お for を): espeak-ng reads letter by letter.
SENTENCES = {
    ("man", "en"): "The wind began to blow, and all the leaves flew over the wall.",
    ("man", "ja"): "きょうわ とても よい てんきなので、えきまで あるきます。",
    ("woman", "en"): "My sister wrote a long letter, but nobody could read it.",
    ("woman", "ja"): "あめが やんで、にしの そらに おおきな にじが でました。",
    ("child", "en"): "Where did you hide the little yellow ship that I made?",
    ("child", "ja"): "どうぶつえんで、ねむって いる ぞうお みましたか。",
}
# For each vowel the language whose sound comes nearest to Japanese あいうえお, and espeak-ng's sign for it, drawn out.
VOWELS = {"a": ("en-us", "A::"), "i": ("ja", "i::"), "u": ("vi", "y1::"), "e": ("ja", "e::"), "o": ("en", "o::")}
VOWEL_S = (0.07, 0.47)  # the steady part of a vowel that was drawn out
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def main() -> None:
    """Writes every file, and says how large all of them are."""
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is missing: apt install espeak-ng, brew install espeak-ng")
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else PLACE
    place.mkdir(parents=True, exist_ok=True)
    for vowel, (language, sign) in VOWELS.items():
        drawn_out = without_silence(say(f"[[{sign}]]", language, Speaker("m1", 60, 80)))
        first, last = (round(second * SPOKEN_HZ) for second in VOWEL_S)
        write(place / f"vowel_{vowel}.flac", faded(drawn_out[first:last]), 16_000)
    for (name, language), words in SENTENCES.items():
        spoken = say(words, "en-us" if language == "en" else language, SPEAKERS[name])
        write(place / f"{name}_{language}.flac", spoken, 16_000)
    for name, speaker in SPEAKERS.items():
        for digit, word in enumerate(DIGITS):
            write(place / f"{digit}_{name}.flac", without_silence(say(word, "en-us", speaker)), 8_000)
    print(f"{place}: {sum(path.stat().st_size for path in place.glob('*.flac')) / 1e3:.0f} kB")


def say(words: str, language: str, speaker: Speaker) -> np.ndarray:
    """What espeak-ng says, as numbers in [-1, 1)."""
    options = ["-v", f"{language}+{speaker.voice}", "-p", str(speaker.pitch), "-s", str(speaker.words_a_minute), "--stdout"]
    wave = subprocess.run(["espeak-ng", *options, words], capture_output=True, check=True).stdout
    pcm = np.frombuffer(wave[wave.index(b"data") + 8 :], "<i2")  # its header gives no length, for it writes to a pipe
    return pcm / 2**15


def without_silence(x: np.ndarray) -> np.ndarray:
    """From 10 ms before the first sound to 10 ms after the last."""
    (loud,) = np.nonzero(np.abs(x) > 0.01)
    margin = SPOKEN_HZ // 100
    return x[max(loud[0] - margin, 0) : loud[-1] + margin]


def faded(x: np.ndarray) -> np.ndarray:
    """Risen within 5 ms and gone within 5 ms, so that a loudspeaker does not click."""
    n = SPOKEN_HZ // 200
    rise = np.sin(np.pi / 2 * (np.arange(n) + 0.5) / n) ** 2
    return np.concatenate([x[:n] * rise, x[n:-n], x[-n:] * rise[::-1]])


def write(path: Path, x: np.ndarray, rate_hz: int) -> None:
    """Writes 16-bit FLAC at the common loudness."""
    y = resample_poly(x, rate_hz // 50, SPOKEN_HZ // 50)
    y *= LOUDNESS / np.sqrt(np.mean(y[np.abs(y) > 0.005] ** 2))
    pcm = np.round(y * 2**15).astype(np.int64)
    if np.abs(pcm).max() >= 2**15:
        raise ValueError(f"{path.name} would be clipped: LOUDNESS must be lower than {LOUDNESS:.3f}")
    soundfile.write(path, pcm.astype(np.int16), rate_hz, subtype="PCM_16", format="FLAC", compression_level=1.0)


if __name__ == "__main__":
    main()
