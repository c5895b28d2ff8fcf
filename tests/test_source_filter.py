"""Speech taken apart and put together is the same speech, to the last digit; what is taken out is white."""

import pytest
import torch
from torch.testing import assert_close

from course_lib.classical import source_filter, vocoder
from course_lib.datasets import audio
from course_lib.signal.pre_emphasis import pre_emphasis


@pytest.fixture(scope="module")
def speech() -> audio.Recording:
    recording = audio.sentence(size="quick")
    return audio.Recording(recording.samples[4000:20_000], recording.rate_hz, recording.name, recording.speaker, recording.source)


@pytest.mark.parametrize("hop", [40, 80, 160])
def test_together_again_is_the_same_sound(speech, hop):
    frames = vocoder.analyse(speech.samples, speech.rate_hz, hop=hop)
    again = source_filter.put_together(source_filter.take_apart(speech.samples, frames), frames)
    assert (again - speech.samples).abs().max() < 1e-12


@pytest.mark.parametrize("length", [1, 2, 79, 80, 81, 1001])
def test_any_length_comes_back_edges_included(length):
    x = torch.randn(length, dtype=torch.float64, generator=torch.Generator().manual_seed(length))
    frames = vocoder.analyse(x, 16_000)
    again = source_filter.put_together(source_filter.take_apart(x, frames), frames)
    assert again.shape == x.shape
    assert (again - x).abs().max() < 1e-12


def test_filters_of_other_speech_take_apart_and_together_too(speech):
    """The residual is exact whatever the filters: they need not even fit."""
    frames = vocoder.analyse(speech.samples.flip(0), speech.rate_hz)
    again = source_filter.put_together(source_filter.take_apart(speech.samples, frames), frames)
    assert (again - speech.samples).abs().max() < 1e-10


def test_the_residual_is_the_prediction_error_where_the_filter_stands_still():
    """One filter for all frames: then overlapping pieces must add up to the plain residual of the whole."""
    x = torch.randn(2000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    frames = vocoder.analyse(x, 8000, order=3)
    k = torch.tensor([-0.5, 0.3, 0.1], dtype=torch.float64)
    frames = vocoder.VocoderFrames(
        k.expand(len(frames.level), 3), frames.level, frames.pitch_hz, frames.periodicity, 8000, frames.hop, 2000
    )
    a = torch.fft.irfft(frames.whitening(8)[0], n=8)[:4]
    y = torch.nn.functional.pad(pre_emphasis(x), (3, 0))
    expected = sum(a[m] * y[3 - m : len(y) - m] for m in range(4))
    assert_close(source_filter.residual(x, frames), expected)


def test_the_residual_is_flatter_than_speech(speech):
    """Spectral flatness: geometric over arithmetic mean of the power spectrum, in the band and frame."""
    frames = vocoder.analyse(speech.samples, speech.rate_hz)
    flatness = {}
    for name, x in (("speech", speech.samples), ("residual", source_filter.residual(speech.samples, frames))):
        power = torch.fft.rfft(x.unfold(0, 400, 200) * torch.hann_window(400).double()).abs().square() + 1e-12
        flatness[name] = (power.log().mean(1).exp() / power.mean(1)).median()
    assert flatness["residual"] > 4 * flatness["speech"]


def test_windows_add_up_to_one():
    frames = vocoder.analyse(torch.ones(1000, dtype=torch.float64), 8000)
    pieces = source_filter.windowed_pieces(torch.ones(1000, dtype=torch.float64), frames)
    assert_close(pieces.sum(1)[1:-2], torch.full((len(pieces) - 3,), float(frames.hop), dtype=torch.float64))


@pytest.mark.usefixtures("own_messages")
def test_frames_of_another_length_are_refused():
    frames = vocoder.analyse(torch.ones(1000, dtype=torch.float64), 8000)
    with pytest.raises(ValueError, match="must have the 1000 samples"):
        source_filter.take_apart(torch.ones(999, dtype=torch.float64), frames)
