"""The code of 2400 bits a second: bits counted, rounding bounded, a slip in the stream noticed."""

import math

import pytest
import torch
from torch.testing import assert_close

from course_lib.classical import lpc10, vocoder
from course_lib.classical.vocoder_frames import VocoderFrames
from course_lib.datasets import audio
from course_lib.metrics.audio import log_spectral_distance
from course_lib.signal.resampling import resample


@pytest.fixture(scope="module")
def speech() -> torch.Tensor:
    return resample(audio.sentence(size="quick").samples, 16_000, 8000)


@pytest.fixture(scope="module")
def frames(speech) -> VocoderFrames:
    return vocoder.analyse(speech, lpc10.RATE_HZ, order=lpc10.ORDER, hop=lpc10.HOP)


def test_it_is_2400_bits_a_second(frames, speech):
    assert lpc10.FRAME_BITS * lpc10.RATE_HZ == 2400 * lpc10.HOP
    N = len(frames.level)
    assert len(lpc10.encode(frames)) == math.ceil(54 * N / 8)


def test_codes_survive_the_packing(frames):
    codes = lpc10.quantise(frames)
    limits = 2 ** torch.tensor(lpc10.BITS)
    assert ((codes >= 0) & (codes < limits)).all()
    again = lpc10.quantise(lpc10.decode(lpc10.encode(frames)))
    loud = codes[:, 2] < 31
    assert_close(again[loud], codes[loud], rtol=0, atol=0)  # rounding what is rounded changes nothing


def test_rounding_is_as_fine_as_said(frames):
    decoded = lpc10.decode(lpc10.encode(frames))
    voiced = frames.pitch_hz > 0
    assert ((decoded.pitch_hz > 0) == voiced).all()
    assert (decoded.pitch_hz[voiced] / frames.pitch_hz[voiced] - 1).abs().max() < 0.0076  # half a step
    loud = frames.level > 10 ** (-60 / 20)
    assert (20 * (decoded.level[loud] / frames.level[loud]).log10()).abs().max() <= 1 + 1e-9  # dB, half a step
    error = (decoded.reflection.asin() - frames.reflection.asin()).abs()
    low, high = torch.tensor(lpc10.LOW), torch.tensor(lpc10.HIGH)
    inside = (frames.reflection.asin() > low) & (frames.reflection.asin() < high)
    half_step = (high - low) / 2 ** torch.tensor(lpc10.BITS[3:]) / 2
    assert inside.double().mean() > 0.9
    assert (error <= half_step + 1e-6)[inside].all()
    assert (decoded.reflection.abs() < 1).all()


def test_silence_is_coded_as_silence():
    silent = vocoder.analyse(torch.zeros(4000, dtype=torch.float64), 8000, order=10, hop=180)
    assert not lpc10.decode(lpc10.encode(silent)).level.any()


def test_the_decoded_voice_is_as_loud_and_as_high(speech, frames):
    sound = vocoder.synthesise(lpc10.decode(lpc10.encode(frames)), generator=torch.Generator().manual_seed(0))
    assert 0 <= len(sound) - len(speech) < lpc10.HOP
    sound = sound[: len(speech)]
    assert abs(20 * math.log10(sound.std() / speech.std())) < 1
    flat = torch.randn(len(speech), dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * speech.std()
    assert log_spectral_distance(speech, sound) < log_spectral_distance(speech, flat) - 3


@pytest.mark.parametrize("at", [0, 54, 54 * 20])
def test_a_turned_sync_bit_is_noticed_and_placed(frames, at):
    data = bytearray(lpc10.encode(frames))
    data[at // 8] ^= 128 >> (at % 8)
    with pytest.raises(ValueError, match=f"frame {at // 54} of {len(frames.level)} does not"):
        lpc10.decode(bytes(data))


def test_a_lost_byte_is_noticed(frames):
    data = lpc10.encode(frames)
    with pytest.raises(ValueError, match="alternate"):
        lpc10.decode(data[:100] + data[101:])


def test_other_frames_are_refused(speech, frames):
    with pytest.raises(ValueError, match="rate, order and hop"):
        lpc10.encode(vocoder.analyse(speech, 8000))
    with pytest.raises(ValueError, match="must hold a frame of 54 bits"):
        lpc10.decode(b"\x00" * 6)
    high = VocoderFrames(frames.reflection, frames.level, 10 * frames.pitch_hz.clamp(max=300), frames.periodicity, 8000, 180, frames.length)
    with pytest.raises(ValueError, match="pitch_hz must be 0 or from"):
        lpc10.encode(high)
