"""Whisper, robot, other pitch, other tract: each moves what it should, and nothing else."""

import math

import pytest
import torch
from torch.testing import assert_close

from course_lib.classical import lpc, vocoder, voice_change
from course_lib.classical.excitation import pulse_train
from course_lib.classical.pitch import track_pitch
from course_lib.datasets import audio
from course_lib.signal.pre_emphasis import de_emphasis, pre_emphasis

RATE_HZ = 16_000
FORMANTS_HZ = torch.tensor([600.0, 1300.0, 2500.0, 3500.0], dtype=torch.float64)


@pytest.fixture(scope="module")
def vowel() -> torch.Tensor:
    """Half a second with formants where we know them."""
    x = de_emphasis(pulse_train(torch.full((8000,), 110.0, dtype=torch.float64), RATE_HZ))
    for formant_hz in FORMANTS_HZ.tolist():
        radius = math.exp(-math.pi * 80 / RATE_HZ)
        a = torch.tensor([-2 * radius * math.cos(2 * math.pi * formant_hz / RATE_HZ), radius**2], dtype=torch.float64)
        x = lpc.LinearPredictor(a, a, torch.ones(()).double()).synthesize(x)
    return 0.1 * x / x.square().mean().sqrt()


def envelope(x: torch.Tensor) -> torch.Tensor:
    """The smooth log spectrum of a sound from 0 to 5 kHz in 1280 steps, by a method that is not linear prediction: the cepstrum."""
    piece = pre_emphasis(x)[2000:6096] * torch.hann_window(4096).double()
    cepstrum = torch.fft.irfft((torch.fft.rfft(piece).abs() + 1e-9).log())
    cepstrum[80:-79] = 0  # longer than 5 ms: the pitch
    return torch.fft.rfft(cepstrum).real[:1280]


def stretch(before: torch.Tensor, after: torch.Tensor) -> float:
    """The factor c for which after(f) is most like before(c f), up to 3.5 kHz."""
    bins = torch.arange(50, 896, dtype=torch.float64)
    fits = {}
    for c in torch.linspace(0.7, 1.4, 141).tolist():
        place = c * bins[c * bins < 1279]
        left = place.long()
        moved = torch.lerp(before[left], before[left + 1], place - left)
        fits[c] = torch.corrcoef(torch.stack([moved, after[bins.long()][: len(place)]]))[0, 1].item()
    return max(fits, key=fits.get)


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.0, 1.15, 1.3])
def test_formants_move_by_the_factor(vowel, factor):
    frames = voice_change.lengthen_tract(vocoder.analyse(vowel, RATE_HZ), factor)
    moved = FORMANTS_HZ / factor
    envelope = -frames.whitening(2048).abs()[50].log()
    for expected in moved[moved < 4200]:
        bins = torch.arange(len(envelope)) * RATE_HZ / 2048
        near = (bins > 0.9 * expected) & (bins < 1.1 * expected)
        top = bins[near][envelope[near].argmax()]
        assert abs(top / expected - 1) < 0.04, (factor, expected)  # as near as pulses 110 Hz apart show a formant


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.2])
def test_the_hills_of_the_sound_move_too(vowel, factor):
    frames = vocoder.analyse(vowel, RATE_HZ)
    sounds = [
        vocoder.synthesise(f, generator=torch.Generator().manual_seed(0)) for f in (frames, voice_change.lengthen_tract(frames, factor))
    ]
    assert abs(stretch(*map(envelope, sounds)) / factor - 1) < 0.05  # harmonics 110 Hz apart show a hill's place no better


def test_a_longer_tract_leaves_pitch_and_level(vowel):
    frames = vocoder.analyse(vowel, RATE_HZ)
    longer = voice_change.lengthen_tract(frames, 1.2)
    assert_close(longer.pitch_hz, frames.pitch_hz)
    assert_close(longer.level, frames.level)


def test_there_and_back_is_nearly_the_same(vowel):
    """What leaves at the top of the band is lost; below, the envelope returns."""
    frames = vocoder.analyse(vowel, RATE_HZ)
    back = voice_change.lengthen_tract(voice_change.lengthen_tract(frames, 0.9), 1 / 0.9)
    old, new = (20 * f.whitening(512)[20:-20, 5:192].abs().log10() for f in (frames, back))
    difference = (old - old.mean(1, keepdim=True)) - (new - new.mean(1, keepdim=True))
    assert difference.square().mean().sqrt() < 2.5  # dB


@pytest.mark.parametrize("factor", [0.7, 1.5])
def test_the_pitch_of_the_sound_is_multiplied(vowel, factor):
    frames = vocoder.analyse(vowel, RATE_HZ)
    sound = vocoder.synthesise(voice_change.transpose(frames, factor), generator=torch.Generator().manual_seed(0))
    found = track_pitch(sound, RATE_HZ, hop=160)[5:-5]
    assert_close(found.median(), torch.tensor(110.0 * factor).double(), rtol=0.01, atol=0)


def test_a_robot_has_one_pitch_and_a_whisper_none():
    recording = audio.sentence(size="quick")
    x = recording.samples[:24_000]
    frames = vocoder.analyse(x, RATE_HZ)
    generator = torch.Generator().manual_seed(0)
    robot = track_pitch(vocoder.synthesise(voice_change.robot(frames, 120.0), generator=generator), RATE_HZ, hop=80)
    both = (robot > 0) & (frames.pitch_hz > 0)
    assert (robot[both] / 120 - 1).abs().quantile(0.8) < 0.02
    assert ((voice_change.robot(frames).pitch_hz > 0) == (frames.pitch_hz > 0)).all()
    whisper = track_pitch(vocoder.synthesise(voice_change.whisper(frames), generator=generator), RATE_HZ, hop=80)
    assert (whisper > 0).double().mean() < 0.3 * (frames.pitch_hz > 0).double().mean()


def test_loudness_is_kept_whatever_the_voice():
    x = audio.sentence(size="quick").samples[:24_000]
    frames = vocoder.analyse(x, RATE_HZ)
    changes = {
        "same": frames,
        "whisper": voice_change.whisper(frames),
        "robot": voice_change.robot(frames),
        "higher": voice_change.transpose(frames, 1.5),
        "shorter": voice_change.lengthen_tract(frames, 0.8),
    }
    for name, changed in changes.items():
        sound = vocoder.synthesise(changed, generator=torch.Generator().manual_seed(0))
        assert abs(20 * math.log10(sound.std() / x.std())) < 1, name  # dB


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan])
def test_a_factor_must_be_positive(vowel, factor):
    frames = vocoder.analyse(vowel[:800], RATE_HZ)
    for change in (voice_change.transpose, voice_change.lengthen_tract):
        with pytest.raises(ValueError, match="factor must be greater than 0"):
            change(frames, factor)
    with pytest.raises(ValueError, match="pitch_hz must lie between 0 and"):
        voice_change.robot(frames, factor)
