"""Spectra against librosa and a plain sum; the inverse gives back every sample, and what it gives lies nearest."""

import math

import librosa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.signal.stft import istft, stft
from course_lib.signal.windows import hamming, hann


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("L", "hop"), [(64, 16), (64, 20), (63, 16)])
def test_equal_to_librosa(L, hop):
    x = noise(2, 500)
    expected = librosa.stft(x.numpy(), n_fft=L, hop_length=hop, window=hann(L).numpy(), center=True, pad_mode="constant")
    found = stft(x, hann(L), hop)
    N = expected.shape[-1]
    assert N <= found.shape[-1] <= N + 1  # librosa leaves out a last frame whose centre lies behind the last sample
    torch.testing.assert_close(found[..., :N], torch.from_numpy(expected))


def test_equal_to_the_sum():
    L, hop, T = 6, 2, 9
    x, w = noise(T), hamming(L)
    found = stft(x, w, hop)
    assert found.shape == (4, 5)
    for k in range(4):
        for n in range(5):
            terms = [
                (w[l] * x[t] if 0 <= (t := n * hop + l - L // 2) < T else 0.0)
                * torch.exp(torch.tensor(-2j * math.pi * k * l / L, dtype=torch.complex128))
                for l in range(L)
            ]
            torch.testing.assert_close(found[k, n], sum(terms))


@given(T=st.integers(1, 70), L=st.integers(2, 20), hop=st.integers(1, 10), shape=st.sampled_from([hann, hamming]))
def test_every_sample_comes_back_edges_included(T, L, hop, shape):
    hop = min(hop, L // 2)
    x, window = noise(2, 3, T), shape(L)
    X = stft(x, window, hop)
    assert X.shape == (2, 3, L // 2 + 1, 1 + math.ceil((T - 1) / hop))
    torch.testing.assert_close(istft(X, window, hop, length=T), x)


@pytest.mark.parametrize("T", [1, 2, 1023, 1024, 1025, 4001])
@pytest.mark.parametrize("hop", [128, 300, 512])
def test_speech_sized_frames_come_back_to_rounding(T, hop):
    x = noise(T)
    assert (istft(stft(x, hann(1024), hop), hann(1024), hop, length=T) - x).abs().max() < 1e-13


def test_side_by_side_rectangles_come_back_too():
    x = noise(50)
    torch.testing.assert_close(istft(stft(x, torch.ones(8), 8), torch.ones(8), 8, length=50), x)


def test_silence_stays_silence():
    X = stft(torch.zeros(100), hann(16), 4)
    assert not X.any()
    assert torch.equal(istft(X, hann(16), 4, length=100), torch.zeros(100))


def test_a_click_is_where_it_was():
    x = torch.zeros(100, dtype=torch.float64)
    x[40] = 1.0
    X = stft(x, hann(16), 4)
    level = X.abs().sum(0)
    assert level.argmax() == 10  # the frame centred on sample 40
    torch.testing.assert_close(X[:, 10].abs(), torch.ones(9, dtype=torch.float64))


def test_a_sine_is_in_its_row():
    t = torch.arange(1000, dtype=torch.float64)
    X = stft(torch.sin(2 * math.pi * 0.125 * t), hann(64), 16)
    assert (X[:, 2:-2].abs().argmax(0) == 8).all()
    torch.testing.assert_close(X[8, 30].abs(), hann(64).sum() / 2)


def test_the_inverse_is_the_least_squares_signal():
    """For spectra that no signal has: solved as one big linear system."""
    T, window, hop = 12, hamming(6), 2
    X = torch.complex(noise(4, 7, seed=1), noise(4, 7, seed=2))
    X[0], X[-1] = X[0].real, X[-1].real  # as in any real frame's spectrum
    frames = torch.fft.irfft(X.mT, n=6)  # Parseval: distance of frames is distance of two-sided spectra
    columns = [torch.fft.irfft(stft(e, window, hop).mT, n=6).reshape(-1) for e in torch.eye(T, dtype=torch.float64)]
    best = torch.linalg.lstsq(torch.stack(columns, 1), frames.reshape(-1, 1)).solution[:, 0]
    torch.testing.assert_close(istft(X, window, hop, length=T), best)


def test_gradients_flow_and_single_precision_stays():
    x = noise(1, 11).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: istft(2 * stft(x, hann(4), 2), hann(4), 2, length=11), x)
    X = stft(torch.ones(9), hann(4), 2)
    assert X.dtype == torch.complex64
    assert istft(X, hann(4), 2, length=9).dtype == torch.float32


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: stft(x[:0], hann(8), 4), "x must have at least one sample"),
        (lambda x: stft(x, hann(8), 9), "hop must be from 1 to the frame's length, 8, got 9"),
        (lambda x: istft(stft(x, hann(8), 4), hann(8), 4, length=101), r"X must end in \(F, N\) = \(5, 26\).*101 samples.*\(5, 10\)"),
        (lambda x: istft(stft(x, hann(8), 4), hann(10), 4, length=36), r"X must end in \(F, N\) = \(6, 10\) for a window of 10"),
        (lambda x: istft(stft(x, hann(8), 4), hann(8), 4, length=0), "length must be at least 1 sample, got 0"),
        (lambda x: istft(stft(x, hann(8), 8), hann(8), 8, length=36), "sample 4 has none: take a smaller hop"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(noise(36))
