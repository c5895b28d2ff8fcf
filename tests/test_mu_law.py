"""μ-law against librosa's curve; codes survive the round trip, and the error is as large as theory says."""

import math

import librosa
import numpy as np
import pytest
import torch

from course_lib.signal.mu_law import mu_law_decode, mu_law_encode


@pytest.mark.parametrize("levels", [2, 3, 16, 255, 256, 65_536])
def test_every_code_comes_back(levels):
    codes = torch.arange(levels)
    x = mu_law_decode(codes, levels)
    assert (x.diff() > 0).all()
    assert (x[0].item(), x[-1].item()) == (pytest.approx(-1), pytest.approx(1))
    torch.testing.assert_close(x, -x.flip(0))
    assert torch.equal(mu_law_encode(x, levels), codes)


def test_the_curve_is_librosas():
    x = torch.linspace(-1, 1, 1001, dtype=torch.float64)
    compressed = librosa.mu_compress(x.numpy(), mu=255, quantize=False)
    assert torch.equal(mu_law_encode(x), torch.from_numpy(np.floor((compressed + 1) / 2 * 255 + 0.5)).long())
    codes = torch.arange(256)
    torch.testing.assert_close(
        mu_law_decode(codes), torch.from_numpy(librosa.mu_expand(codes.numpy() * 2 / 255 - 1, mu=255, quantize=False))
    )


def test_small_samples_are_told_apart_finely_and_large_ones_coarsely():
    steps = mu_law_decode(torch.arange(128, 256)).diff()
    assert (steps.diff() > 0).all()
    torch.testing.assert_close(steps[1:] / steps[:-1], torch.full((126,), 256 ** (2 / 255)).double())


def test_the_relative_error_is_bounded_and_that_of_even_steps_is_not():
    x = torch.linspace(0.05, 1, 10_000, dtype=torch.float64).reshape(2, 100, 50)
    error = (mu_law_decode(mu_law_encode(x)) - x).abs()
    # half a step in y, and dx/dy = ln(1 + μ) (1 + μ|x|) / μ, at most 2.4 % for |x| > 0.05
    assert (error <= 1.02 * math.log(256) / 255**2 * (1 + 255 * x)).all()
    assert error.shape == x.shape


def test_silence_stays_at_one_small_value():
    assert mu_law_decode(mu_law_encode(torch.zeros(4))).abs().max() < 1e-4
    assert not mu_law_decode(mu_law_encode(torch.zeros(4), 255), 255).any()  # an odd number of levels has 0


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: mu_law_encode(torch.tensor([0.0, 1.5])), "x must lie from −1 to 1, got 1.5"),
        (lambda: mu_law_encode(torch.tensor([math.nan])), "x must lie from −1 to 1, got nan"),
        (lambda: mu_law_encode(torch.zeros(1), 1), "levels must be at least 2, got 1"),
        (lambda: mu_law_decode(torch.tensor([0, 256])), "codes must be 0 to 255, got 256"),
        (lambda: mu_law_decode(torch.tensor([-1])), "codes must be 0 to 255, got -1"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
