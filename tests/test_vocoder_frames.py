"""The numbers that a vocoder sends: checked, and drawn closer without leaving what is stable."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from course_lib.classical import lpc
from course_lib.classical.vocoder_frames import VocoderFrames, interpolate


@pytest.fixture
def frames() -> VocoderFrames:
    generator = torch.Generator().manual_seed(0)
    reflection = 2 * torch.rand(6, 4, dtype=torch.float64, generator=generator) - 1
    pitch_hz = torch.tensor([0, 100, 120, 0, 0, 200], dtype=torch.float64)
    level = torch.rand(6, dtype=torch.float64, generator=generator)
    return VocoderFrames(reflection, level, pitch_hz, (pitch_hz > 0).double()[:, None].repeat(1, 4), 8000, 100, 501)


def test_frames_at_the_same_places_stay_and_those_between_lie_between(frames):
    fine = interpolate(frames, 25)
    assert len(fine.level) == 21
    for name in ("reflection", "level", "pitch_hz", "periodicity"):
        assert_close(getattr(fine, name)[::4], getattr(frames, name))
    assert_close(fine.reflection[5], 0.75 * frames.reflection[1] + 0.25 * frames.reflection[2])
    assert_close(fine.level[6], (frames.level[1] + frames.level[2]) / 2)
    assert fine.pitch_hz[5] == 105


def test_a_voice_starts_halfway_between_frames(frames):
    fine = interpolate(frames, 25)
    assert (fine.pitch_hz > 0).tolist() == [False] * 2 + [True] * 8 + [False] * 8 + [True] * 3
    assert fine.pitch_hz[2:5].tolist() == [100, 100, 100]  # held, not drawn from 0


def test_filters_between_are_stable(frames):
    fine = interpolate(frames, 7)
    poles = torch.linalg.eigvals(companion(fine))
    assert poles.abs().max() < 1


def companion(frames: VocoderFrames) -> torch.Tensor:
    """Matrices whose eigenvalues are the poles of 1 / A, from A read off its own Fourier transform."""
    a = torch.fft.irfft(frames.whitening(8), n=8)[:, 1:5]
    matrix = torch.diag_embed(torch.ones(len(a), 3, dtype=torch.float64), offset=-1)
    matrix[:, 0] = -a
    return matrix


def test_whitening_is_the_inverse_of_the_predictor_s_response():
    x = torch.randn(400, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    predictor = lpc.fit(x, 4)
    one = torch.ones(1, dtype=torch.float64)
    frames = VocoderFrames(predictor.reflection[None], one, 0 * one, torch.zeros(1, 4).double(), 8000, 400, 1)
    assert_close(1 / frames.whitening(64)[0], predictor.frequency_response(64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 502}, "needs 7 frames"),
        ({"level": torch.ones(5).double()}, r"needs 6 frames, got \[6, 5, 6, 6\]"),
        ({"reflection": torch.ones(6, 4).double()}, "reflection must lie between"),
        ({"level": torch.full((6,), -1.0).double()}, "level must be finite"),
        ({"pitch_hz": torch.full((6,), 4000.0).double()}, "pitch_hz must lie from 0"),
        ({"periodicity": torch.full((6, 4), 1.5).double()}, "periodicity must lie from 0 to 1"),
    ],
)
@pytest.mark.usefixtures("own_messages")
def test_mistakes_are_told(frames, change, message):
    with pytest.raises(ValueError, match=message):
        replace(frames, **change)
