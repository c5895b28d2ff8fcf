"""The mel scale and its triangles against librosa's, and what triangles that overlap by half must sum to."""

import librosa
import pytest
import torch

from course_lib.signal.mel import hz_to_mel, mel_filterbank, mel_to_hz


def test_the_scale_is_the_known_one_and_its_inverse_undoes_it():
    hz = torch.linspace(0, 24_000, 500, dtype=torch.float64).reshape(5, 100)
    torch.testing.assert_close(hz_to_mel(hz), torch.from_numpy(librosa.hz_to_mel(hz.numpy(), htk=True)))
    torch.testing.assert_close(mel_to_hz(hz_to_mel(hz)), hz)
    assert abs(hz_to_mel(torch.tensor(1000.0)) - 1000) < 0.1  # the anchor of the scale, which the constants meet to a tenth of a mel


@pytest.mark.parametrize(("bands", "fft_length", "rate_hz"), [(40, 512, 16_000), (20, 257, 8000), (80, 1024, 22_050), (1, 64, 8000)])
def test_the_bank_is_librosas(bands, fft_length, rate_hz):
    expected = librosa.filters.mel(sr=rate_hz, n_fft=fft_length, n_mels=bands, htk=True, norm=None, dtype="float64")
    found = mel_filterbank(bands, fft_length, rate_hz)
    assert found.dtype == torch.float64
    # librosa places the last frequency of an odd transform at half the rate, where there is none
    F = found.shape[1] if fft_length % 2 == 0 else 0
    torch.testing.assert_close(found[:, :F], torch.from_numpy(expected)[:, :F])


def test_a_triangle_is_one_at_its_top_and_nought_at_its_neighbours():
    bank = mel_filterbank(5, 96_001, 16_000)  # a fine grid of frequencies, odd
    f = torch.arange(bank.shape[1]) * 16_000 / 96_001
    centres = mel_to_hz(torch.arange(7, dtype=torch.float64) * hz_to_mel(torch.tensor(8000.0).double()) / 6)
    for b in range(5):
        assert abs(f[bank[b].argmax()] - centres[b + 1]) < 16_000 / 96_001
        assert bank[b].max() > 0.999
        inside = (f > centres[b]) & (f < centres[b + 2])
        assert torch.equal(bank[b] > 0, inside)


def test_between_the_outer_tops_triangles_sum_to_one():
    bank = mel_filterbank(30, 1024, 16_000)
    inner = slice(int(bank[0].argmax()) + 1, int(bank[-1].argmax()))
    torch.testing.assert_close(bank.sum(0)[inner], torch.ones(inner.stop - inner.start, dtype=torch.float64))


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: hz_to_mel(torch.tensor([-5.0])), "hz must be at least 0, the smallest is -5"),
        (lambda: mel_to_hz(torch.tensor([-5.0])), "mel must be at least 0, the smallest is -5"),
        (lambda: mel_filterbank(0, 512, 16_000), "must be at least 1, 2 and 1, got 0, 512 and 16000"),
        (
            lambda: mel_filterbank(100, 256, 16_000),
            "none of 129 lies in band 0, 0 to 36 Hz: take fewer bands than 100, or a longer transform",
        ),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
