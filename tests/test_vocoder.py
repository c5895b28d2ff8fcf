"""The whole chain: speech to numbers to speech, as loud, on the same pitch, through the same vocal tract, without clicks."""

import math
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from course_lib.classical import vocoder
from course_lib.classical.excitation import band_weights, pulse_train
from course_lib.classical.pitch import track_pitch
from course_lib.classical.vocoder_frames import VocoderFrames
from course_lib.datasets import audio
from course_lib.metrics.audio import log_spectral_distance
from course_lib.signal.pre_emphasis import pre_emphasis

RATE_HZ = 16_000


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frames_of(k: list[float], *, pitch_hz: float, level: float = 0.1, length: int = 16_000, periodicity: float = 1.0) -> VocoderFrames:
    """Frames that stand still."""
    N = vocoder.frame_count(length, 80)
    ones = torch.ones(N, dtype=torch.float64)
    voiced = periodicity * float(pitch_hz > 0) * ones[:, None].repeat(1, 8)
    return VocoderFrames(torch.tensor(k).double().repeat(N, 1), level * ones, pitch_hz * ones, voiced, RATE_HZ, 80, length)


@pytest.fixture(scope="module")
def sentence() -> torch.Tensor:
    return audio.sentence(size="quick").samples


@pytest.fixture(scope="module")
def frames(sentence) -> VocoderFrames:
    return vocoder.analyse(sentence, RATE_HZ)


@pytest.mark.parametrize("pitch_hz", [0.0, 80.0, 123.4, 320.0])
@pytest.mark.parametrize("k", [[0.0], [-0.9, 0.6], [0.7, 0.5, -0.6, 0.3]])
@pytest.mark.parametrize("periodicity", [0.5, 1.0])
def test_the_level_is_met_whatever_pitch_tract_and_breath(pitch_hz, k, periodicity):
    sound = vocoder.synthesise(frames_of(k, pitch_hz=pitch_hz, length=32_000, periodicity=periodicity), generator=seeded())
    assert abs(20 * math.log10(sound[2000:-2000].square().mean().sqrt() / 0.1)) < 0.6  # dB: noise of two seconds, a harmonic between bins


def test_a_voice_that_stands_still_repeats_without_a_click():
    """160 samples a period and 80 a frame: whatever happened at a frame's edge would show as a difference between periods."""
    sound = vocoder.synthesise(frames_of([-0.8, 0.5, 0.2], pitch_hz=100.0), generator=seeded())
    periods = sound[4000:12_000].reshape(-1, 160)
    assert (periods - periods.mean(0)).abs().max() < 1e-9


def test_frames_that_do_not_fit_the_period_make_no_click_either():
    """All power lies at the harmonics of 123 Hz, none between, where a click at every frame's edge (200 Hz) would lie."""
    sound = vocoder.synthesise(frames_of([-0.8, 0.5, 0.2], pitch_hz=123.0, length=40_000), generator=seeded())
    spectrum = torch.fft.rfft(sound[4000:20_000] * torch.hann_window(16_000).double()).abs()
    bins = torch.arange(len(spectrum))
    away = ((bins + 61) % 123 - 61).abs() > 4
    assert spectrum[away].max() < 1e-5 * spectrum.max()


def test_the_spectrum_is_the_tract_s():
    """Noise through a known filter: its averaged spectrum is |H|² to the scatter of noise."""
    still = frames_of([-0.7, 0.6, -0.3, 0.2], pitch_hz=0.0, length=80_000)
    sound = pre_emphasis(vocoder.synthesise(still, generator=seeded()))
    power = torch.fft.rfft(sound.unfold(0, 512, 256) * torch.hann_window(512).double()).abs().square().mean(0)
    tract = still.whitening(512)[0].abs().square().reciprocal()
    ratio = 10 * (power / tract).log10()[3:-3]
    assert (ratio - ratio.mean()).abs().max() < 1.5  # dB: about 310 frames


def test_periodicity_chooses_pulses_low_and_noise_high():
    frames = frames_of([0.0], pitch_hz=125.0, length=32_000)
    cut = replace(frames, periodicity=torch.tensor([1, 1, 1, 1, 0, 0, 0, 0]).double().repeat(len(frames.level), 1))
    sound = vocoder.synthesise(cut, generator=seeded())
    spectrum = torch.fft.rfft(sound[4000:20_000] * torch.hann_window(16_000).double()).abs().square()
    bins = torch.arange(len(spectrum))
    near = ((bins + 62) % 125 - 62).abs() < 5
    low, high = (bins > 500) & (bins < 3000), (bins > 5000) & (bins < 7000)
    assert spectrum[low & near].sum() / spectrum[low].sum() > 0.999
    assert spectrum[high & near].sum() / spectrum[high].sum() < 0.2


def test_power_is_expected_as_it_comes():
    generator = seeded(3)
    F = 513
    tract = torch.rand(1, F, dtype=torch.float64, generator=generator) + 0.5
    pitch = torch.tensor([5 / 1024 * 4], dtype=torch.float64)
    x = pulse_train((pitch * RATE_HZ).repeat(1024 * 20), RATE_HZ)[-1024 * 10 :]
    spectrum = torch.fft.rfft(x)[None, ::10] / 10  # a whole number of periods: harmonics fall on bins
    power = (spectrum.abs().square() * tract)[0]
    direct = (2 * power.sum() - power[0] - power[-1]) / 1024**2
    assert_close(vocoder.expected_power(tract, torch.ones_like(tract), pitch)[0], direct, rtol=1e-6, atol=0)
    noise = vocoder.expected_power(tract, torch.zeros_like(tract), pitch)
    assert_close(noise[0], (2 * tract.sum() - tract[0, 0] - tract[0, -1]) / 1024)


def test_analysis_finds_level_pitch_and_breath():
    voiced = frames_of([-0.8, 0.5], pitch_hz=140.0, level=0.05)
    found = vocoder.analyse(vocoder.synthesise(voiced, generator=seeded()), RATE_HZ, order=2)
    inside = slice(20, -20)
    assert_close(found.pitch_hz[inside], voiced.pitch_hz[inside], rtol=0.01, atol=0)
    assert abs(20 * (found.level[inside] / 0.05).log10()).max() < 1  # dB: periods in a window vary
    assert (found.periodicity[inside] > 0.9).all()
    noise = frames_of([-0.8, 0.5, 0.3], pitch_hz=0.0, level=0.05, length=32_000)
    found = vocoder.analyse(vocoder.synthesise(noise, generator=seeded()), RATE_HZ, order=3)
    assert_close(found.reflection.mean(0), noise.reflection[0], rtol=0, atol=0.05)  # frames of 25 ms scatter about the truth
    assert (found.pitch_hz > 0).double().mean() < 0.1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_speech_comes_back_in_level_pitch_and_spectrum(sentence, frames, seed):
    sound = vocoder.synthesise(frames, generator=seeded(seed))
    assert sound.shape == sentence.shape
    assert abs(20 * math.log10(sound.std() / sentence.std())) < 1  # dB
    assert sound.abs().max() < 1
    again = track_pitch(sound, RATE_HZ, hop=frames.hop)
    both = (again > 0) & (frames.pitch_hz > 0)
    assert both.double().mean() > 0.85 * (frames.pitch_hz > 0).double().mean()
    assert (again[both] / frames.pitch_hz[both] - 1).abs().median() < 0.01
    flat = torch.randn(len(sentence), dtype=torch.float64, generator=seeded(seed)) * sentence.std()
    distance = log_spectral_distance(sentence, sound)
    assert distance < 7  # dB
    assert distance < log_spectral_distance(sentence, flat) - 3


def test_a_filter_of_higher_order_comes_nearer(sentence):
    distances = []
    for order in (2, 8, 18):
        sound = vocoder.synthesise(vocoder.analyse(sentence, RATE_HZ, order=order), generator=seeded())
        distances.append(log_spectral_distance(sentence, sound).item())
    assert distances[0] > distances[1] > distances[2]


@pytest.mark.slow
def test_every_real_sentence_comes_back(real_data):
    for recording in audio.sentences(size="full"):
        frames = vocoder.analyse(recording.samples, recording.rate_hz)
        sound = vocoder.synthesise(frames, generator=seeded())
        assert abs(20 * math.log10(sound.std() / recording.samples.std())) < 1, recording.name
        assert log_spectral_distance(recording.samples, sound) < 7, recording.name
        assert (frames.reflection.abs() < 1).all()


def test_silence_stays_silent_and_a_sample_is_enough():
    for length in (1, 2, 100, 1000):
        silence = vocoder.analyse(torch.zeros(length, dtype=torch.float64), RATE_HZ)
        assert not vocoder.synthesise(silence, generator=seeded()).any()
    assert vocoder.synthesise(vocoder.analyse(torch.tensor([0.5]).double(), RATE_HZ), generator=seeded()).shape == (1,)


@pytest.mark.parametrize("pitch_hz", [0.0, 120.0])
def test_no_filter_rings_on_into_silence(pitch_hz):
    """A narrow formant rings for a tenth of a second; where the frames say 0, nothing is heard, and before it the level is met."""
    still = frames_of([-0.95, 0.995], pitch_hz=pitch_hz)
    level = still.level.clone()
    level[100:] = 0
    sound = vocoder.synthesise(replace(still, level=level), generator=seeded())
    assert not sound[100 * 80 :].any()
    level[100:] = 1e-5
    hush = vocoder.synthesise(replace(still, level=level), generator=seeded())[104 * 80 :]  # beyond the window that still sees the sound
    assert hush.square().mean().sqrt() < 3e-5
    assert (sound[: 96 * 80] == vocoder.synthesise(still, generator=seeded())[: 96 * 80]).all()


def test_the_same_generator_gives_the_same_sound_and_leaves_the_global_one(frames):
    state = torch.get_rng_state()
    assert_close(vocoder.synthesise(frames, generator=seeded(5)), vocoder.synthesise(frames, generator=seeded(5)), rtol=0, atol=0)
    assert (torch.get_rng_state() == state).all()


def test_frames_far_apart_are_drawn_closer(sentence):
    coarse = vocoder.analyse(sentence, RATE_HZ, hop=320)
    sound = vocoder.synthesise(coarse, generator=seeded())
    assert sound.shape == sentence.shape
    assert log_spectral_distance(sentence, sound) < 7


def test_slow_speech_is_frames_laid_out_wider(frames):
    slow = replace(frames, hop=2 * frames.hop, length=2 * (frames.length - 1) + 1)
    sound = vocoder.synthesise(slow, generator=seeded())
    again = track_pitch(sound, RATE_HZ, hop=2 * frames.hop)
    both = (again > 0) & (frames.pitch_hz > 0)
    assert (again[both] / frames.pitch_hz[both] - 1).abs().median() < 0.01


@pytest.mark.parametrize(("arguments", "message"), [({"order": 0}, "order must be at least 1"), ({"hop": 0}, "hop must be at least 1")])
def test_mistakes_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        vocoder.analyse(torch.ones(800, dtype=torch.float64), RATE_HZ, **arguments)


def test_the_bands_reach_as_far_as_the_rate(frames):
    assert frames.periodicity.shape[1] == band_weights(torch.zeros(1).double(), RATE_HZ).shape[1] == 8
