"""Pre-emphasis against SciPy's filter; undone, every sample is back."""

import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.signal.pre_emphasis import de_emphasis, pre_emphasis


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@given(T=st.integers(1, 70), c=st.floats(-0.999, 0.999))
def test_both_are_the_filters_they_say(T, c):
    x = noise(2, 3, T)
    torch.testing.assert_close(pre_emphasis(x, c), torch.from_numpy(scipy.signal.lfilter([1, -c], [1], x.numpy())))
    torch.testing.assert_close(de_emphasis(x, c), torch.from_numpy(scipy.signal.lfilter([1], [1, -c], x.numpy())))
    torch.testing.assert_close(de_emphasis(pre_emphasis(x, c), c), x)
    torch.testing.assert_close(pre_emphasis(de_emphasis(x, c), c), x)


def test_a_second_of_speech_length_comes_back_to_rounding():
    x = noise(16_001)
    assert (de_emphasis(pre_emphasis(x)) - x).abs().max() < 1e-12


def test_the_default_raises_high_frequencies_and_lowers_low_ones():
    t = torch.arange(1000, dtype=torch.float64)
    gain = lambda w: pre_emphasis(torch.sin(w * t))[10:].std() / torch.sin(w * t)[10:].std()  # noqa: E731
    assert gain(0.05) < 0.1
    assert gain(3.0) > 1.9


def test_silence_precision_and_gradients():
    assert not de_emphasis(pre_emphasis(torch.zeros(9))).any()
    assert de_emphasis(torch.ones(9)).dtype == torch.float32
    x = noise(2, 9).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: de_emphasis(pre_emphasis(x).square(), 0.5), x)


@pytest.mark.parametrize("filtered", [pre_emphasis, de_emphasis])
@pytest.mark.parametrize("c", [1.0, -1.0, 1.5, float("nan")])
def test_a_filter_that_could_not_be_undone_is_refused(filtered, c):
    with pytest.raises(ValueError, match="coefficient must be greater than −1 and less than 1"):
        filtered(noise(5), c)
