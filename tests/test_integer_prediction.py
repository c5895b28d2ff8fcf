"""Prediction in whole numbers: the C form, the reference and Python's own integers agree to the last bit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.kernels import integer_prediction, native

WAYS = ("reference", "") if native.compiler() else ("reference",)


def in_words(x, past, q, shift, block):
    """e_t = x_t − floor((½ − Σ q_m x_{t−m} / 2^s) + …) with Python's unbounded integers."""
    known, e = [*past, *x], []
    for t, sample in enumerate(x):
        sum_of_past = sum(c * known[len(past) + t - m] for m, c in enumerate(q[t // block], 1))
        e.append(sample - (2 ** (shift - 1) - sum_of_past) // 2**shift)
    return e


@st.composite
def signals(draw):
    sample = st.integers(-65536, 65536) | st.sampled_from([-65536, 65536, 0])
    T, M, block = draw(st.integers(1, 40)), draw(st.integers(0, 5)), draw(st.integers(1, 16))
    q = st.lists(st.integers(-4096, 4096), min_size=M, max_size=M)
    G = -(-T // block)
    return (
        draw(st.lists(sample, min_size=T, max_size=T)),
        draw(st.lists(sample, min_size=M, max_size=M)),
        draw(st.lists(q, min_size=G, max_size=G)),
        draw(st.integers(1, 12)),
        block,
    )


@given(signals())
def test_residual_and_signal_are_each_others_inverse_in_every_way(case):
    x, past, q, shift, block = case
    tensors = (torch.tensor(past, dtype=torch.int64), torch.tensor(q, dtype=torch.int64).view(len(q), len(past)))
    for way in WAYS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COURSE_KERNELS", way)
            e = integer_prediction.residual(torch.tensor(x), *tensors, shift=shift, block=block)
            assert e.tolist() == in_words(x, past, q, shift, block)
            assert integer_prediction.synthesize(e, *tensors, shift=shift, block=block).tolist() == x


@pytest.mark.parametrize("way", WAYS)
def test_a_residual_that_explodes_is_refused_where_it_does(way, monkeypatch):
    monkeypatch.setenv("COURSE_KERNELS", way)
    q = torch.tensor([[-4]])  # x_t = 2 x_{t−1}
    e = torch.zeros(100, dtype=torch.int64)
    with pytest.raises(integer_prediction.OutOfRange, match="sample 17"):
        integer_prediction.synthesize(e, torch.tensor([1]), q, shift=1, block=100)
    assert integer_prediction.synthesize(e[:17], torch.tensor([-1]), q, shift=1, block=100)[-1] == -(2**17)


@pytest.mark.parametrize("way", WAYS)
def test_strided_numbers_are_taken_as_they_are(way, monkeypatch):
    monkeypatch.setenv("COURSE_KERNELS", way)
    both = torch.arange(20).view(10, 2)
    q = torch.tensor([[-3, 1], [2, 1]]).repeat(1, 2)[:, ::2]
    e = integer_prediction.residual(both[:, 0], torch.tensor([5, 6]), q, shift=2, block=5)
    assert torch.equal(e, integer_prediction.residual(both[:, 0].clone(), torch.tensor([5, 6]), q.clone(), shift=2, block=5))
    strided = torch.stack([e, e], 1)[:, 0]
    assert torch.equal(integer_prediction.synthesize(strided, torch.tensor([5, 6]), q, shift=2, block=5), both[:, 0])
