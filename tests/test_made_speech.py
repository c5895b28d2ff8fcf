"""The speech that the course brings: it comes with every installation, can be made again, and is what it is said to be."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter, resample_poly

from course_lib.datasets import made_speech

ROOT = Path(__file__).parents[1]
KEPT = sorted((ROOT / "course_lib" / "datasets" / "speech").glob("*.flac"))


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_speech", ROOT / "data" / "make_speech.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def formants_hz(x: np.ndarray, rate_hz: int) -> np.ndarray:
    """The first three resonances of a steady sound: poles of linear prediction by a solver of SciPy, over frames of 30 ms at 10 kHz."""
    y = lfilter([1, -0.97], 1, resample_poly(x, 10_000 // 50, rate_hz // 50))
    found = []
    for first in range(0, len(y) - 300, 150):
        frame = y[first : first + 300] * np.hamming(300)
        r = np.correlate(frame, frame, "full")[299:312]
        poles = np.roots(np.r_[1, solve_toeplitz(r[:-1], -r[1:])])
        poles = poles[(poles.imag > 0) & (-np.log(np.abs(poles)) * 10_000 / np.pi < 400)]  # narrower than 400 Hz
        found.append(np.sort(np.angle(poles) * 10_000 / (2 * np.pi))[:3])
    return np.median(found, 0)


def pitch_hz(x: np.ndarray, rate_hz: int) -> float:
    """The median pitch of the loud frames: the highest peak of the autocorrelation between 60 and 400 Hz."""
    n, found = rate_hz // 20, []
    for first in range(0, len(x) - n, n):
        frame = x[first : first + n] - x[first : first + n].mean()
        r = np.correlate(frame, frame, "full")[n - 1 :]
        lags = np.arange(rate_hz // 400, rate_hz // 60)
        best = lags[np.argmax(r[lags] / (n - lags))]
        if frame.std() > 0.03 and r[best] > 0.5 * r[0]:
            found.append(rate_hz / best)
    return float(np.median(found))


def test_everything_is_there_small_and_of_16_bits():
    assert len(KEPT) == 5 + 6 + 30
    assert sum(path.stat().st_size for path in KEPT) < 700_000
    for path in KEPT:
        told = soundfile.info(path)
        assert (told.format, told.subtype, told.channels) == ("FLAC", "PCM_16", 1)
        assert told.samplerate == (8_000 if path.stem[0].isdigit() else 16_000)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_each_is_as_loud_as_the_others_and_none_is_clipped(path):
    x, _ = soundfile.read(path)
    loud = x[np.abs(x) > 0.005]
    assert 0.055 < np.sqrt(np.mean(loud**2)) < 0.075
    assert np.abs(x).max() < 0.9
    assert abs(x.mean()) < 0.003


def test_reading_gives_the_whole_numbers_and_an_unknown_name_is_an_error():
    samples, rate_hz = made_speech.read("man_ja")
    pcm, _ = soundfile.read(KEPT[0].with_name("man_ja.flac"), dtype="int16")
    assert rate_hz == 16_000
    assert ((samples * 2**15).numpy() == pcm).all()
    with pytest.raises(ValueError, match=r"name must be one of .*'vowel_a'.*, got '\.\./vowel_a'"):
        made_speech.read("../vowel_a")


# Where the first two resonances of Japanese men lie, in Hz, with room to spare on both sides.
RANGES = {"a": ((600, 850), (1000, 1450)), "i": ((230, 370), (2000, 2500)), "u": ((280, 420), (950, 1450)), "e": ((400, 560), (1750, 2150)), "o": ((400, 560), (700, 1000))}  # fmt: skip


@pytest.mark.parametrize("vowel", RANGES)
def test_a_vowel_has_the_resonances_of_its_kind_from_beginning_to_end(vowel):
    x, rate_hz = soundfile.read(KEPT[0].with_name(f"vowel_{vowel}.flac"))
    assert len(x) == 0.4 * rate_hz
    for part in (x, x[: len(x) // 3], x[-len(x) // 3 :]):
        for found, (low, high) in zip(formants_hz(part, rate_hz), RANGES[vowel], strict=False):
            assert low < found < high
    assert 85 < pitch_hz(x, rate_hz) < 120


def test_the_voices_are_three_people():
    pitches = {}
    for who in made_speech.SPEAKERS:
        for language in ("en", "ja"):
            x, rate_hz = soundfile.read(KEPT[0].with_name(f"{who}_{language}.flac"))
            pitches.setdefault(who, []).append(pitch_hz(x, rate_hz))
            assert 3 < len(x) / rate_hz < 4
            assert 5 < np.mean(x**4) / np.mean(x**2) ** 2 < 25  # speech: a Gaussian has 3
    assert max(pitches["man"]) < 115
    assert min(pitches["woman"]) > 150
    assert max(pitches["woman"]) < 210
    assert min(pitches["child"]) > 250


def test_what_is_said_is_what_the_script_says(script):
    assert tuple(script.SPEAKERS) == made_speech.SPEAKERS
    for who, by_language in made_speech.SENTENCES.items():
        for language, words in by_language.items():
            spoken = script.SENTENCES[who, language]
            as_it_sounds = words if language == "en" else words.replace("きょうは", "きょうわ").replace("ぞうを", "ぞうお")
            assert spoken.replace(" ", "") == as_it_sounds.replace(" ", "")
    named = {f"vowel_{vowel}" for vowel in script.VOWELS} | {f"{who}_{language}" for who, language in script.SENTENCES}
    assert {path.stem for path in KEPT} == named | {f"{digit}_{who}" for digit in range(10) for who in script.SPEAKERS}
    assert f"espeak-ng {script.MADE_WITH}" in (ROOT / "data" / "README.md").read_text(encoding="utf-8")


def test_made_again_it_is_the_same_to_the_last_sample(script, tmp_path):
    if shutil.which("espeak-ng") is None:
        pytest.skip("needs espeak-ng: apt install espeak-ng")
    here = re.search(r"text-to-speech: ([\d.]+)", subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True).stdout)[1]
    if here != script.MADE_WITH:
        pytest.skip(f"needs espeak-ng {script.MADE_WITH}, and here is {here}")
    subprocess.run([sys.executable, script.__file__, tmp_path], check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in KEPT]
    for path in KEPT:
        assert np.array_equal(soundfile.read(path, dtype="int16")[0], soundfile.read(tmp_path / path.name, dtype="int16")[0]), path.name


@pytest.mark.slow
def test_the_speech_comes_with_a_library_installed_from_a_zip_file(tmp_path):
    """As on Colab, but into a folder and with this environment's packages."""
    with zipfile.ZipFile(tmp_path / "v0.1.0.zip", "w") as packed:
        for path in [*(ROOT / "course_lib").rglob("*"), *(ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE"))]:
            if path.is_file() and "__pycache__" not in path.parts:
                packed.write(path, Path("course-0.1.0") / path.relative_to(ROOT))
    place = tmp_path / "site"
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(place)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(tmp_path / "v0.1.0.zip")], check=True, capture_output=True)
    ask = (
        f"import sys, json; sys.path.insert(0, {str(place)!r}); import course_lib; from course_lib.datasets import audio; "
        "print(json.dumps([course_lib.__file__, len(audio.voices(size='quick')), len(audio.spoken_digits(size='quick'))]))"
    )
    said = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    file, voices, digits = json.loads(said)
    assert Path(file).is_relative_to(place)
    assert (voices, digits) == (3, 30)
    assert len(list((place / "course_lib" / "datasets" / "speech").glob("*.flac"))) == len(KEPT)
