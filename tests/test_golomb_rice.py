"""Rice codes against codes written by hand, their best parameter against trying all, the ideal length against the density itself."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.classical.golomb_rice import best_parameter, code_length, decode, encode, ideal_code_length, unzigzag, zigzag

numbers = st.lists(st.integers(0, 2**17) | st.integers(0, 9), min_size=1, max_size=60)


def test_signs_alternate():
    assert zigzag(torch.tensor([0, -1, 1, -2, 2, -(2**17), 2**17])).tolist() == [0, 1, 2, 3, 4, 2**18 - 1, 2**18]
    e = torch.arange(-70_000, 70_000).view(2, -1)
    assert torch.equal(zigzag(e).flatten().sort().values[:140_000], torch.arange(140_000))
    assert torch.equal(unzigzag(zigzag(e)), e)


@given(numbers)
def test_the_best_parameter_is_the_best_of_all(u):
    u = torch.tensor(u)
    lengths = [sum((n >> k) + 1 + k for n in u.tolist()) for k in range(25)]
    assert [int(code_length(u, k)) for k in range(25)] == lengths
    assert best_parameter(u) == lengths.index(min(lengths))


def test_the_bounds_of_the_best_parameter_hold_at_their_edges():
    """All pairs of small numbers: many means lie exactly on 1.5 · 2^j − 1 and on 2^j."""
    pairs = torch.cartesian_prod(torch.arange(70), torch.arange(70))
    every = torch.stack([code_length(pairs, k) for k in range(9)])
    assert torch.equal(best_parameter(pairs), every.argmin(0))
    assert torch.equal(code_length(pairs, best_parameter(pairs)), every.min(0).values)


@pytest.mark.parametrize("j", [4, 9, 13])
def test_the_highest_of_the_three_candidates_can_be_best(j):
    """Many numbers of 2^j and one of 3 · 2^j: their mean asks for j − 1 at least, their best parameter is j + 1."""
    u = torch.tensor([1, 1, 1, 1, 3]) << j
    assert best_parameter(u) == j + 1 == torch.stack([code_length(u, k) for k in range(20)]).argmin()


def test_an_empty_block_has_a_parameter():
    assert best_parameter(torch.zeros(3, 0, dtype=torch.int64)).tolist() == [0, 0, 0]
    assert len(encode(torch.zeros(0, dtype=torch.int64), 3)) == 0
    assert len(decode(torch.zeros(0, dtype=torch.uint8), 0, 3)) == 0


@given(numbers, st.integers(1, 9))
def test_what_is_encoded_is_decoded_and_as_long_as_said(u, block):
    u = torch.tensor(u)
    pieces = u.split(block)
    k = torch.stack([best_parameter(piece) for piece in pieces])
    code = encode(u, k, block=block)
    assert torch.equal(decode(code, len(u), k, block=block), u)
    assert 0 <= len(code) - sum(code_length(piece, best).item() for piece, best in zip(pieces, k, strict=True)) / 8 < 2
    assert torch.equal(decode(encode(u, 9), len(u), 9), u)


def test_the_ideal_length_is_minus_the_log_of_the_fitted_density():
    e = torch.tensor([[3, -1, 0, 0, 4, -2, 1, 0], [900, -20, 3, 4, -5, 77, 0, 1]])
    for row, bits in zip(e, ideal_code_length(e), strict=True):
        theta = torch.linspace(1e-4, 1 - 1e-5, 400_001, dtype=torch.float64)
        m = row.abs().double().mean()
        on_grid = -len(row) * ((1 - theta).log2() - (1 + theta).log2() + m * theta.log2())
        torch.testing.assert_close(bits, on_grid.min(), rtol=1e-7, atol=0)  # the grid's step
    all_e = torch.arange(-4000, 4001)
    theta = 0.98
    p = (1 - theta) / (1 + theta) * theta ** all_e.abs().double()
    torch.testing.assert_close(p.sum(), torch.tensor(1.0).double())
    many = all_e.repeat_interleave((p * 1e7).round().long())  # as many of each as the density says
    entropy = -(p * p.log2()).sum()
    torch.testing.assert_close(ideal_code_length(many) / len(many), entropy, rtol=1e-4, atol=0)  # counts are whole numbers


def test_the_ideal_length_of_zeros_is_nothing():
    assert ideal_code_length(torch.zeros(2, 5, dtype=torch.int64)).tolist() == [0, 0]
    assert ideal_code_length(torch.zeros(0, dtype=torch.int64)) == 0


def test_a_geometric_source_is_coded_within_a_few_percent_of_the_ideal():
    """The difference of two geometric numbers is two-sided geometric: what the ideal code is made for."""
    generator = torch.Generator().manual_seed(0)
    for theta in (0.5, 0.8, 0.95, 0.99, 0.999):
        first, second = torch.empty(2, 50_000).geometric_(1 - theta, generator=generator).long()
        e = first - second
        u = zigzag(e)
        ratio = code_length(u, best_parameter(u)) / ideal_code_length(e)
        assert 1 < ratio < 1.05, (theta, ratio)


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda u: encode(u - 3, 1), r"u must be at least 0, the smallest is -3: zigzag\(e\) maps signs away"),
        (lambda u: encode(u, -1), "k must be from 0 to 32, got -1"),
        (lambda u: encode(u, 33), "k must be from 0 to 32, got 33"),
        (lambda u: encode(u, torch.tensor([1]), block=4), "10 numbers make 3, got 1"),
        (lambda u: encode(u, 1, block=0), "block must be at least 1 number, got 0"),
        (lambda u: decode(encode(u, 1), -1, 1), "count must be at least 0, got -1"),
        (lambda u: decode(encode(u, 1), 4, 1), "code must end with its last number: 4 numbers took"),
        (lambda u: decode(encode(u, 1)[:-1], 10, 1), "10 numbers need"),
        (lambda u: decode(encode(u, 1)[:1], 10, 1), "10 numbers are to be read"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(torch.arange(10))
