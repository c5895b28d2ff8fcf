"""Pitch: known tones and glides, noise and silence, and librosa's tracker on speech."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from course_lib.classical import pitch
from course_lib.datasets import audio


def buzz(pitch_hz: torch.Tensor, rate_hz: int, harmonics: int = 12) -> torch.Tensor:
    """A tone with its harmonics, the pitch given at each sample."""
    phase = 2 * math.pi * (pitch_hz / rate_hz).cumsum(0)
    weights = torch.rand(harmonics, generator=torch.Generator().manual_seed(3), dtype=torch.float64) + 0.3
    return sum(weights[h - 1] * (h * phase + h**2).cos() * (h * pitch_hz < rate_hz / 2) for h in range(1, harmonics + 1))


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 22_050])
@pytest.mark.parametrize("true_hz", [61.0, 87.3, 123.4, 200.0, 311.1, 398.0])
def test_a_tone_of_known_pitch_is_met(true_hz, rate_hz):
    hop = rate_hz // 100
    for harmonics in (1, 12):
        found = pitch.track_pitch(buzz(torch.full((rate_hz // 2,), true_hz).double(), rate_hz, harmonics), rate_hz, hop=hop)
        inside = found[6:-6]  # two periods of the lowest pitch, and the average that takes drifts out, reach 50 ms
        assert_close(inside, torch.full_like(inside, true_hz), rtol=2e-3, atol=0)  # a lag is read between samples
        assert ((found == 0) | ((found >= 60) & (found <= 400))).all()


@pytest.mark.parametrize("octaves_per_s", [1.0, -1.0])
def test_a_glide_is_followed_without_delay(octaves_per_s):
    start = 120.0 if octaves_per_s > 0 else 240.0
    t = torch.arange(16_000, dtype=torch.float64) / 16_000
    found = pitch.track_pitch(buzz(start * 2 ** (octaves_per_s * t), 16_000), 16_000, hop=160)
    truth = start * 2 ** (octaves_per_s * 0.01 * torch.arange(len(found), dtype=torch.float64))
    assert_close(found[4:-4], truth[4:-4], rtol=5e-3, atol=0)  # an octave a second is 0.7 % in 10 ms: a delay of one frame would show


def test_a_missing_fundamental_is_heard_all_the_same():
    t = torch.arange(8000, dtype=torch.float64) / 16_000
    x = sum((2 * math.pi * 150 * h * t).cos() for h in (2, 3, 4))
    assert_close(pitch.track_pitch(x, 16_000, hop=160)[3:-3].median(), torch.tensor(150.0).double(), rtol=1e-3, atol=0)


def test_alternating_periods_are_no_octave_lower():
    """Real folds do not repeat exactly: every second pulse a tenth weaker must not halve the pitch."""
    x = torch.zeros(8000, dtype=torch.float64)
    x[::100] = torch.tensor([1.0, 0.9]).double().repeat(40)
    found = pitch.track_pitch(x, 16_000, hop=160)[3:-3]
    assert_close(found, torch.full_like(found, 160.0), rtol=1e-3, atol=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_and_silence_have_no_pitch(seed):
    noise = torch.randn(16_000, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    assert (pitch.track_pitch(noise, 16_000, hop=160) > 0).double().mean() < 0.1
    assert not pitch.track_pitch(torch.zeros(4000, dtype=torch.float64), 16_000, hop=160).any()
    assert not pitch.track_pitch(torch.full((4000,), 0.3, dtype=torch.float64), 16_000, hop=160).any()  # an offset is no sound


def test_a_drift_is_no_voice():
    """A microphone in the wind: 3 Hz, alike at every lag of a voice, and a hundred times as strong as the hiss on it."""
    t = torch.arange(16_000, dtype=torch.float64) / 16_000
    hiss = torch.randn(16_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = pitch.track_pitch((2 * math.pi * 3 * t).sin() + 0.07 * hiss, 16_000, hop=160)
    assert (found[5:-5] > 0).double().mean() < 0.1


def test_voice_begins_and_ends_where_it_does():
    x = torch.cat([torch.zeros(4000).double(), buzz(torch.full((8000,), 140.0).double(), 16_000), torch.zeros(4000).double()])
    voiced = pitch.track_pitch(x, 16_000, hop=160) > 0
    (inside,) = voiced.nonzero(as_tuple=True)
    assert abs(int(inside[0]) - 25) <= 2
    assert abs(int(inside[-1]) - 75) <= 2
    assert voiced[inside[0] : inside[-1]].all()


def test_loudness_and_sign_do_not_matter():
    x = buzz(torch.linspace(100, 180, 8000).double(), 16_000)
    assert_close(pitch.track_pitch(x, 16_000, hop=160), pitch.track_pitch(-0.001 * x, 16_000, hop=160))


def test_the_last_frame_reaches_the_last_sample():
    for length in (1, 159, 160, 161, 321, 1000):
        N = pitch.frame_count(length, 160)
        assert length - 1 <= (N - 1) * 160
        assert N == 1 or length - 1 > (N - 2) * 160
        assert len(pitch.track_pitch(torch.ones(length, dtype=torch.float64), 16_000, hop=160)) == N


def test_likeness_is_the_correlation_of_the_two_stretches(monkeypatch):
    monkeypatch.setattr(pitch, "QUIET", 0.0)
    x = torch.randn(500, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = pitch.likeness(x, torch.tensor([7, 20]), 50 * torch.arange(8), window=60)
    y = (x - x.mean()).numpy()
    for frame, lag in ((4, 7), (5, 20)):
        start = 50 * frame - (lag + 60) // 2
        early, late = y[start : start + 60], y[start + lag : start + lag + 60]
        expected = early @ late / np.sqrt((early @ early) * (late @ late))
        assert_close(found[frame, [7, 20].index(lag)].item(), expected)


@pytest.mark.parametrize("seed", range(8))
def test_the_best_path_is_the_best_of_all(seed):
    """Against every path there is, of three lags or none over five frames."""
    lags, K, N = torch.tensor([40, 60, 80]), 3, 5
    alike = torch.rand(N, K, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) / 2 + 0.4  # hardly a choice is clear

    def worth(path):
        total = 0.0
        for n, state in enumerate(path):
            total += pitch.UNVOICED if state < 0 else alike[n, state].item() - pitch.OCTAVE_COST * math.log2(lags[state] / 40)
            if n and (state < 0) != (path[n - 1] < 0):
                total -= pitch.SWITCH_COST
            elif n and state >= 0:
                total -= pitch.JUMP_COST * abs(math.log2(lags[state] / lags[path[n - 1]]))
        return total

    everything = torch.cartesian_prod(*[torch.arange(-1, K)] * N).tolist()
    assert pitch.best_path(alike, lags, frame_s=0.01).tolist() == max(everything, key=worth)


def against_librosa(x: torch.Tensor, rate_hz: int) -> tuple[float, float]:
    """Share of gross errors, and median deviation, on the frames that both call voiced."""
    librosa = pytest.importorskip("librosa")
    found = pitch.track_pitch(x, rate_hz, hop=rate_hz // 100).numpy()
    theirs, voiced, _ = librosa.pyin(x.numpy(), fmin=60, fmax=400, sr=rate_hz, hop_length=rate_hz // 100, frame_length=1024)
    both = (found[: len(theirs)] > 0) & voiced[: len(found)]
    assert both.mean() > 0.3
    deviation = np.abs(found[: len(theirs)][both] / theirs[: len(found)][both] - 1)
    return float((deviation > 0.2).mean()), float(np.median(deviation))


@pytest.mark.slow
def test_speech_made_for_the_course_agrees_with_librosa():
    for recording in audio.sentences(size="quick")[:3]:
        gross, median = against_librosa(recording.samples, recording.rate_hz)
        assert gross < 0.05, recording.name  # a twentieth: two trackers at the ends of words
        assert median < 0.015, recording.name  # theirs is quantised to a tenth of a semitone and sees other windows


@pytest.mark.slow
def test_real_speech_agrees_with_librosa(real_data):
    errors = [against_librosa(recording.samples, recording.rate_hz) for recording in audio.sentences(size="full")]
    assert np.median([gross for gross, _ in errors]) < 0.02
    assert max(gross for gross, _ in errors) < 0.1  # a creaking end of a sentence is an octave lower for one of the two
    assert np.median([median for _, median in errors]) < 0.012


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lowest_hz": 0.0}, "lowest_hz and highest_hz"),
        ({"lowest_hz": 300.0, "highest_hz": 200.0}, "lowest_hz and highest_hz"),
        ({"highest_hz": 5000.0}, "lowest_hz and highest_hz"),
        ({"hop": 0}, "hop must be at least 1"),
    ],
)
def test_mistakes_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        pitch.track_pitch(torch.ones(800, dtype=torch.float64), 16_000, **({"hop": 160} | arguments))
    with pytest.raises(ValueError, match="finite"):
        pitch.track_pitch(torch.full((800,), torch.nan, dtype=torch.float64), 16_000, hop=160)
