"""Sounds for the lectures: the stand-ins are what they say, the real ones are read to the last bit."""

import functools
import io
import zipfile

import numpy as np
import pytest
import soundfile
import torch

from course_lib.datasets import audio, recordings, registry

LOADERS = {
    "vowels": ("world-vowels", audio.vowels),
    "sentence": ("cmu-arctic", audio.sentence),
    "sentences": ("cmu-arctic", audio.sentences),
    "voices": ("librispeech-voices", audio.voices),
    "instruments": ("instruments", audio.instruments),
    "spoken_digits": ("fsdd", audio.spoken_digits),
    "sounds": ("esc10-cc0", audio.sounds),
}


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["quick", pytest.param("full", marks=pytest.mark.slow)])
def size(request):
    """Both sizes, the full one where real data are."""
    if request.param == "full":
        request.getfixturevalue("real_data")
    return request.param


@functools.cache
def load(name, size):
    """What a loader gives, once for all tests that need it as it is here."""
    return LOADERS[name][1](size=size)


def recordings_of(loaded):
    """The recordings in whatever a loader returns."""
    if isinstance(loaded, audio.Recording):
        return [loaded]
    return [getattr(one, "recording", one) for one in (loaded.values() if isinstance(loaded, dict) else loaded)]


@pytest.mark.parametrize("name", LOADERS)
def test_every_sample_is_one_of_16_bits(name, size):
    found = recordings_of(load(name, size))
    for recording in found[:: max(1, len(found) // 300)]:
        assert recording.samples.dtype == torch.float64
        assert recording.pcm.dtype == torch.int16
        assert torch.equal(recording.pcm.double() / 32_768, recording.samples)
        assert recording.samples.abs().max() > 0.01
        assert recording.rate_hz in (8_000, 16_000, 22_050, 44_100)
        assert recording.name
        assert recording.speaker
        assert recording.source


@pytest.mark.parametrize("name", LOADERS)
def test_what_stands_in_is_said_aloud_and_kept_in_source(name, nothing_here, capsys):
    for asked in ("quick", "full"):
        found = recordings_of(LOADERS[name][1](size=asked))
        said = capsys.readouterr().out
        assert "in place of" in said
        assert ("could not be had" in said) == (asked == "full")
        assert all("made for the course" in recording.source or "drawn by formula" in recording.source for recording in found)


@pytest.mark.parametrize("name", LOADERS)
def test_a_tampered_file_is_refused_and_nothing_stands_in_for_it(name, nothing_here, monkeypatch, tmp_path):
    data, loader = LOADERS[name]
    for file in registry.DATASETS[data].files:
        (tmp_path / file.path).parent.mkdir(exist_ok=True)
        (tmp_path / file.path).write_bytes(b"RIFF")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(registry.DataRefused):
        loader(size="full")


@pytest.mark.parametrize("name", LOADERS)
def test_a_wrong_size_is_an_error(name):
    with pytest.raises(ValueError, match=r"size must be one of \('quick', 'full'\), got 'small'"):
        LOADERS[name][1](size="small")


def test_vowels_are_five_and_steady(size):
    found = load("vowels", size)
    assert list(found) == list("aiueo")
    for vowel, recording in found.items():
        assert recording.name == vowel
        assert len(recording.samples) > 0.05 * recording.rate_hz
        halves = [float(half.std()) for half in recording.samples.chunk(2)]
        assert 0.4 < halves[0] / halves[1] < 2.5


def test_sentences_are_words_by_several_speakers(size):
    found = load("sentences", size)
    assert len(found) == (6 if size == "quick" else 9)
    assert len({recording.name for recording in found}) == len(found)
    assert len({recording.speaker for recording in found}) == (3 if size == "quick" else 5)
    for recording in found:
        assert recording.rate_hz == 16_000
        assert 1.5 < len(recording.samples) / 16_000 < 4.1
    assert torch.equal(load("sentence", size).samples, found[0].samples)


def test_voices_and_instruments_can_be_mixed(size):
    found = [*load("voices", size), *load("instruments", size)]
    assert len({recording.name for recording in found}) == 5
    assert {recording.rate_hz for recording in found} == {16_000}
    assert len({len(recording.samples) for recording in found}) == 1
    assert len(found[0].samples) > 5 * 16_000
    together = torch.stack([recording.samples for recording in found])
    assert (torch.corrcoef(together) - torch.eye(5)).abs().max() < 0.06  # they know nothing of each other
    assert ((together**4).mean(1) / (together**2).mean(1) ** 2 > 3.05).all()  # and none is Gaussian, which has 3
    for part in together.chunk(5, 1):
        assert (part.std(1) > 0.003).all()  # each is there all the time


def test_the_made_voices_lose_only_silence_when_they_are_made_equally_long():
    spoken = {recording.name: recording.samples for recording in audio.sentences(size="quick")}
    for recording in audio.voices(size="quick"):
        whole = torch.cat([samples for name, samples in spoken.items() if name in audio.made_speech.SENTENCES[recording.speaker].values()])
        kept = len(recording.samples)
        assert torch.equal(whole[:kept], recording.samples)
        assert whole[kept:].abs().max() < 0.01 if len(whole) > kept else True


def test_digits_are_all_there(size):
    found = load("spoken_digits", size)
    speakers, takes = (3, 1) if size == "quick" else (6, 50)
    assert len({(said.digit, said.recording.speaker, said.take) for said in found}) == 10 * speakers * takes == len(found)
    assert {said.digit for said in found} == set(range(10))
    assert len({said.recording.pcm.numpy().tobytes() for said in found}) == len(found)  # no two are the same sound
    for said in found:
        assert said.recording.rate_hz == 8_000
        assert said.recording.name == str(said.digit)
        assert 0.1 < len(said.recording.samples) / 8_000 < 2.5


def test_sounds_have_kinds(size):
    found = load("sounds", size)
    kinds = {recording.name for recording in found}
    assert {"Rain", "Sea waves", "Clock tick", "Helicopter"} <= kinds
    assert (len(found), len(kinds)) == ((4, 4) if size == "quick" else (70, 10))


@pytest.mark.slow
def test_samples_are_those_of_the_file(real_data):
    """Against the files themselves, read as whole numbers by another way."""
    first = audio.sentences(size="full")[3]
    pcm, _ = soundfile.read(real_data / "speech-samples" / "cmu_arctic_us_axb_a0004.wav", dtype="int16")
    assert np.array_equal(first.pcm.numpy(), pcm)
    with zipfile.ZipFile(real_data / "fsdd" / "fsdd-recordings.zip") as archive:
        pcm, _ = soundfile.read(io.BytesIO(archive.read("recordings/7_theo_31.wav")), dtype="int16")
    (said,) = [d for d in load("spoken_digits", "full") if (d.digit, d.recording.speaker, d.take) == (7, "theo", 31)]
    assert np.array_equal(said.recording.pcm.numpy(), pcm)


def test_real_voices_begin_where_the_readers_begin(real_data):
    for recording, file in zip(audio.voices(size="full"), ("198-209-0000", "3436-172162-0000", "5703-47212-0000"), strict=True):
        x, _ = soundfile.read(real_data / "librosa-audio" / f"{file}.hq.ogg")
        assert np.abs(recording.samples.numpy() - x[: len(recording.samples)]).max() <= 0.5 / 32_768 + 1e-12
        assert recording.speaker in (real_data / "librosa-audio" / f"{file}.hq.txt").with_name(f"{file}.txt").read_text(encoding="utf-8")


def test_the_trumpet_plays_its_phrase_again(real_data):
    trumpet, strings = audio.instruments(size="full")
    phrase = round(235_201 * 16_000 / 44_100)
    assert (trumpet.speaker, strings.speaker) == ("Mihai Sorohan", "US Army Strings")
    again = next(at for at in (phrase, phrase + 1) if torch.equal(trumpet.samples[:1000], trumpet.samples[at : at + 1000]))
    assert torch.equal(trumpet.samples[: len(trumpet.samples) - again], trumpet.samples[again:])


def test_the_tables_name_registered_files():
    known = {file.path for data in registry.DATASETS.values() for file in data.files}
    assert {f"speech-samples/{file}.wav" for file in recordings.ARCTIC} <= known
    assert {f"librosa-audio/{file}.hq.ogg" for file in recordings.READERS} <= known
    assert {f"librosa-audio/{file}.ogg" for file, _ in recordings.PLAYERS.values()} <= known
    assert {data for data, _ in LOADERS.values()} == set(recordings.RECORDINGS)
