"""Resonances that were put in are found again."""

import pytest
import torch

from course_lib.classical.formants import formants


def tube(frequencies_hz: list[float], bandwidths_hz: list[float], rate_hz: float) -> torch.Tensor:
    """The coefficients with these pairs of poles."""
    a = torch.ones(1, dtype=torch.float64)
    for f, b in zip(frequencies_hz, bandwidths_hz, strict=True):
        pole = torch.exp(torch.tensor(complex(-torch.pi * b, 2 * torch.pi * f) / rate_hz, dtype=torch.complex128))
        section = torch.stack([torch.tensor(1.0).double(), -2 * pole.real, pole.abs() ** 2])
        a = torch.nn.functional.conv1d(a[None], section.flip(0)[None, None], padding=2)[0]
    return a[1:]


def test_what_was_put_in_is_found_lowest_first():
    a = tube([2500, 700, 1200], [120, 60, 90], 16_000)
    found = formants(a, 16_000)
    torch.testing.assert_close(found.frequency_hz, torch.tensor([700.0, 1200, 2500]).double())
    torch.testing.assert_close(found.bandwidth_hz, torch.tensor([60.0, 90, 120]).double())


def test_wide_and_very_low_resonances_are_no_formants():
    found = formants(torch.stack([tube([50, 700, 1500, 3000], [40, 60, 900, 80], 8000)]), 8000)
    torch.testing.assert_close(found.frequency_hz, torch.tensor([[700.0, 3000, torch.nan, torch.nan]]).double(), equal_nan=True)
    torch.testing.assert_close(found.bandwidth_hz, torch.tensor([[60.0, 80, torch.nan, torch.nan]]).double(), equal_nan=True)


def test_real_poles_are_no_formants():
    assert formants(torch.tensor([0.2, -0.15]), 8000).frequency_hz.isnan().all()  # poles at 0.3 and −0.5


def test_frames_are_independent_of_each_other():
    a = torch.stack([tube([500, 1500], [50, 80], 8000), tube([300, 2200], [50, 80], 8000)])
    both = formants(a, 8000)
    assert both.frequency_hz.shape == (2, 2)
    for row, one in zip(both.frequency_hz, a, strict=True):
        torch.testing.assert_close(row, formants(one, 8000).frequency_hz)


def test_a_rate_that_is_none_is_refused():
    with pytest.raises(ValueError, match="rate_hz must be greater than 0, got 0"):
        formants(torch.tensor([-1.8, 0.97]), 0)
