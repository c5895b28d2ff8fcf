"""Windows against SciPy's, and the sums that make them useful."""

import pytest
import scipy.signal
import torch

from course_lib.signal import windows


@pytest.mark.parametrize("length", [1, 2, 3, 4, 9, 400])
@pytest.mark.parametrize("name", ["hann", "hamming"])
def test_equal_to_scipys_periodic_windows(name, length):
    expected = scipy.signal.get_window(name, length, fftbins=True) if length > 1 else None
    found = getattr(windows, name)(length)
    assert found.dtype == torch.float64
    if length > 1:  # SciPy calls a window of one sample 1, whatever its name
        torch.testing.assert_close(found, torch.from_numpy(expected))


@pytest.mark.parametrize(("name", "total"), [("hann", 1.0), ("hamming", 1.08)])
def test_copies_half_a_window_apart_add_up_to_a_constant(name, total):
    window = getattr(windows, name)(64)
    torch.testing.assert_close(window[:32] + window[32:], torch.full((32,), total, dtype=torch.float64))


@pytest.mark.parametrize("name", ["hann", "hamming"])
def test_a_window_of_no_sample_is_refused(name):
    with pytest.raises(ValueError, match="length must be at least 1 sample, got 0"):
        getattr(windows, name)(0)
