"""Distances between sounds against closed forms."""

import math

import pytest
import torch

from course_lib.metrics.audio import log_spectral_distance, signal_to_noise_ratio


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def across(x: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """Noise that is orthogonal to each row of x and as large."""
    n = noise(*x.shape, seed=seed)
    n = n - (n * x).sum(-1, keepdim=True) / x.square().sum(-1, keepdim=True) * x
    return n * x.norm(dim=-1, keepdim=True) / n.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("level_db", [-10.0, 0.0, 30.0])
def test_noise_of_known_level_gives_that_ratio(level_db):
    s = noise(2, 3, 500)
    estimate = s + 10 ** (-level_db / 20) * across(s)
    torch.testing.assert_close(signal_to_noise_ratio(estimate, s), torch.full((2, 3), level_db).double())


def test_loudness_and_sign_count():
    s = noise(400)
    estimate = s + 0.1 * across(s)
    torch.testing.assert_close(signal_to_noise_ratio(2 * s, s), torch.tensor(0.0).double())
    assert signal_to_noise_ratio(-estimate, s) < 0
    assert signal_to_noise_ratio(s, s) == math.inf


@pytest.mark.parametrize("gain_db", [-20.0, 6.0])
def test_a_gain_is_its_own_log_spectral_distance(gain_db):
    x = noise(2, 4000)
    found = log_spectral_distance(10 ** (gain_db / 20) * x, x, floor_db=300)
    torch.testing.assert_close(found, torch.full((2,), abs(gain_db)).double())


def test_signals_that_differ_in_half_of_the_spectrum():
    """The upper half of the spectrum is 20 dB lower: the root mean square over all of it is 20 dB times the root of a half."""
    T, L = 4096, 512
    k = torch.arange(1, T // 2)
    high = k > T // 4
    spectrum = torch.polar(
        torch.ones(len(k), dtype=torch.float64), 2 * math.pi * torch.rand(len(k), generator=torch.Generator().manual_seed(0)).double()
    )
    signal = lambda gain: torch.fft.irfft(torch.cat([torch.zeros(1), spectrum * gain, torch.zeros(1)]), n=T)  # noqa: E731
    x, y = signal(torch.ones(len(k))), signal(torch.where(high, 0.1, 1.0))
    found = log_spectral_distance(x, y, window_length=L, floor_db=200)
    assert found == pytest.approx(20 * math.sqrt(0.5), rel=0.05)  # frames leak over the step in the middle, and end with the signal


def test_it_is_symmetric_and_blind_to_sign():
    x, y = noise(3000), noise(3000, seed=1)
    assert log_spectral_distance(x, x) == 0
    assert log_spectral_distance(x, -x) == 0
    torch.testing.assert_close(log_spectral_distance(x, y), log_spectral_distance(y, x))


def test_the_floor_silences_pauses():
    x = torch.cat([noise(3000), torch.zeros(3000)])
    hiss = 1e-6 * noise(6000, seed=1)
    assert log_spectral_distance(x, x + hiss) < 0.01
    assert log_spectral_distance(x, x + hiss, floor_db=200) > 20
    assert log_spectral_distance(torch.zeros(600), noise(600)) > 20  # one of both may be silent


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: signal_to_noise_ratio(x, x[:5]), r"must have the same shape, got \(9,\) and \(5,\)"),
        (lambda x: signal_to_noise_ratio(x, 0 * x), "reference must not be silent"),
        (lambda x: log_spectral_distance(x, x[:5]), r"x and y must have the same shape, got \(9,\) and \(5,\)"),
        (lambda x: log_spectral_distance(0 * x, 0 * x), "x and y must not both be silent"),
        (lambda x: log_spectral_distance(x, x, floor_db=0.0), "floor_db must be greater than 0, got 0"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(noise(9))
