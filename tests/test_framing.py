"""Frames against a plain loop and librosa; added up again, every sample comes back."""

import librosa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.signal import framing, windows


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(T=st.integers(1, 40), length=st.integers(1, 12), hop=st.integers(1, 12))
def test_frames_are_the_plain_loops(T, length, hop):
    hop = min(hop, length)
    x = noise(2, T)
    found = framing.frames(x, length, hop)
    assert found.shape[-2] == 1 or (found.shape[-2] - 2) * hop + length < T  # one frame fewer would not reach the end
    for n in range(found.shape[-2]):
        for l in range(length):
            t = n * hop + l
            expected = x[:, t] if t < T else torch.zeros(2, dtype=torch.float64)
            torch.testing.assert_close(found[:, n, l], expected, rtol=0, atol=0)
    assert (found.shape[-2] - 1) * hop + length >= T


def test_frames_are_librosas_where_no_zeros_are_needed():
    x = noise(3, 100)
    expected = librosa.util.frame(x.numpy(), frame_length=20, hop_length=8)  # (3, 20, N)
    torch.testing.assert_close(framing.frames(x, 20, 8), torch.from_numpy(expected.copy()).mT)


@given(T=st.integers(1, 40), length=st.integers(1, 12), hop=st.integers(1, 12))
def test_every_sample_comes_back_as_often_as_it_was_taken(T, length, hop):
    hop = min(hop, length)
    x = noise(2, 3, T)
    taken = framing.frames(x, length, hop)
    times = framing.overlap_add(torch.ones_like(taken), hop, length=T)
    assert times.min() >= 1
    assert times[0, 0, -1] == len([n for n in range(taken.shape[-2]) if n * hop <= T - 1 < n * hop + length])
    torch.testing.assert_close(framing.overlap_add(taken, hop, length=T) / times, x)


def test_side_by_side_frames_come_back_to_the_bit():
    x = noise(2, 103)
    assert torch.equal(framing.overlap_add(framing.frames(x, 10, 10), 10, length=103), x)


def test_overlap_add_is_the_plain_loops():
    pieces = noise(2, 4, 7)
    expected = torch.zeros(2, 16, dtype=torch.float64)
    for n in range(4):
        for l in range(7):
            expected[:, 3 * n + l] += pieces[:, n, l]
    torch.testing.assert_close(framing.overlap_add(pieces, 3, length=16), expected)
    torch.testing.assert_close(framing.overlap_add(pieces, 3, length=11), expected[:, :11])


def test_shifted_hann_windows_give_back_the_inside_of_a_signal():
    x = noise(200)
    faded = framing.frames(x, 32, 16) * windows.hann(32)
    torch.testing.assert_close(framing.overlap_add(faded, 16, length=200)[16:-16], x[16:-16])


def test_silence_one_sample_and_single_precision():
    assert torch.equal(framing.frames(torch.zeros(5), 4, 2), torch.zeros(2, 4))
    assert torch.equal(framing.frames(torch.ones(1), 4, 2), torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    assert framing.overlap_add(torch.ones(2, 4), 2, length=6).dtype == torch.float32


def test_gradients_flow_through_both():
    x = noise(2, 9).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: framing.overlap_add(framing.frames(x, 4, 3).square(), 3, length=9), x)


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: framing.frames(x, 4, 5), "hop must be from 1 to the frame's length, 4, got 5"),
        (lambda x: framing.frames(x, 4, 0), "hop must be from 1 to the frame's length, 4, got 0"),
        (lambda x: framing.frames(x[:0], 4, 2), "x must have at least one sample"),
        (
            lambda x: framing.overlap_add(x.reshape(5, 2), 2, length=11),
            "length must be from 1 to the 10 samples that the frames cover, got 11",
        ),
        (lambda x: framing.overlap_add(x.reshape(5, 2), 2, length=0), "length must be from 1"),
        (lambda x: framing.overlap_add(x.reshape(5, 2), 3, length=4), "hop must be from 1 to the frame's length, 2"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(noise(10))
