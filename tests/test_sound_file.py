"""Sound files become samples of 16 bits, exactly where they have them."""

import io

import numpy as np
import pytest
import soundfile
import torch

from course_lib.datasets.sound_file import decoded, in_16_bits


def written(x, rate_hz, **how):
    place = io.BytesIO()
    soundfile.write(place, x, rate_hz, **how)
    return place.getvalue()


@pytest.mark.parametrize("how", [{"format": "WAV"}, {"format": "FLAC"}])
def test_16_bits_come_back_as_they_were(how):
    pcm = np.array([-32768, -32767, -1, 0, 1, 2, 12345, 32766, 32767], np.int16)
    samples, rate_hz = decoded(written(pcm, 8_000, subtype="PCM_16", **how))
    assert rate_hz == 8_000
    assert samples.dtype == torch.float64
    assert ((samples * 32_768).numpy() == pcm).all()


def test_channels_are_averaged_and_rounded_to_16_bits():
    pcm = np.array([[100, 200], [101, 200], [103, 200], [-7, 7]], np.int16)
    samples, _ = decoded(written(pcm, 8_000, subtype="PCM_16", format="WAV"))
    assert (samples * 32_768).tolist() == [150, 150, 152, 0]  # halves go to the even number


def test_a_tone_keeps_its_pitch_its_loudness_and_its_length_at_another_rate():
    t = np.arange(44_100) / 44_100
    samples, rate_hz = decoded(written(0.5 * np.sin(2 * np.pi * 440 * t), 44_100, subtype="PCM_24", format="WAV"), 16_000)
    assert (rate_hz, len(samples)) == (16_000, 16_000)
    spectrum = torch.fft.rfft(samples).abs() / 8_000
    assert spectrum.argmax() == 440
    torch.testing.assert_close(spectrum.max(), torch.tensor(0.5, dtype=torch.float64), atol=2e-3, rtol=0)
    high = 0.5 * np.sin(2 * np.pi * 10_000 * t)  # above half of the new rate: it must vanish, not come back as a lower tone
    assert decoded(written(high, 44_100, format="WAV"), 16_000)[0][1000:-1000].abs().max() < 1e-3


def test_a_sample_too_large_for_16_bits_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"samples must lie in \[-1, 1\), got 1.0000 at sample 2"):
        in_16_bits(torch.tensor([0.0, -1.0, 1.0], dtype=torch.float64))
    with pytest.raises(ValueError, match="got nan at sample 0"):
        in_16_bits(torch.tensor([float("nan")], dtype=torch.float64))
    assert in_16_bits(torch.zeros(0, dtype=torch.float64)).shape == (0,)


def test_what_is_no_sound_file_is_an_error():
    with pytest.raises(soundfile.LibsndfileError):
        decoded(b"<html>not found</html>")
