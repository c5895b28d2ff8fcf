"""Rice codes in two planes: the loop in C writes and reads the reference's bytes, and both write what a person would by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.kernels import native, rice

WAYS = ["reference", pytest.param("", marks=pytest.mark.skipif(native.compiler() is None, reason="needs a C compiler"))]


@pytest.fixture(params=WAYS, ids=["reference", "compiled"])
def way(request, monkeypatch):
    monkeypatch.setenv("COURSE_KERNELS", request.param)
    return request.param


def by_hand(u, k, block):
    """The planes as text."""
    unary = "".join("0" * (n >> k[i // block]) + "1" for i, n in enumerate(u))
    low = "".join(format(n & (1 << k[i // block]) - 1, f"0{k[i // block]}b") for i, n in enumerate(u) if k[i // block])
    return [int(plane[i : i + 8].ljust(8, "0"), 2) for plane in (unary, low) for i in range(0, len(plane), 8)]


@st.composite
def lists(draw):
    block = draw(st.integers(1, 9))
    u = draw(st.lists(st.integers(0, 400) | st.just(0), max_size=70))
    G = -(-len(u) // block)
    return u, draw(st.lists(st.integers(0, 32), min_size=G, max_size=G)), block


@given(lists())
def test_both_ways_write_the_bits_that_are_written_by_hand_and_read_them(case):
    u, k, block = case
    tensors = torch.tensor(u, dtype=torch.int64), torch.tensor(k, dtype=torch.int64)
    for asked in ("reference", "") if native.compiler() else ("reference",):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COURSE_KERNELS", asked)
            code = rice.pack(*tensors, block)
            assert code.tolist() == by_hand(u, k, block)
            followed = torch.cat([code, torch.full((3,), 255, dtype=torch.uint8)])
            read, used = rice.unpack(followed, len(u), tensors[1], block)
            assert read.tolist() == u
            assert used == len(code)


def test_large_numbers_and_long_runs(way):
    u = torch.tensor([0, 2**17, 1, 3 << 32, (5 << 32) - 1, 2**17 - 1])
    k = torch.tensor([0, 0, 0, 32, 32, 5])
    code = rice.pack(u, k, 1)
    assert torch.equal(rice.unpack(code, 6, k, 1)[0], u)
    assert len(code) == -(-(6 + 2**17 + 1 + 3 + 4 + (2**17 - 1 >> 5)) // 8) + -(-(64 + 5) // 8)


def test_many_numbers_cross_all_words(way):
    generator = torch.Generator().manual_seed(0)
    u = torch.randint(0, 200, (5000,), generator=generator)
    for k in range(9):
        whole = torch.tensor([k])
        assert torch.equal(rice.unpack(rice.pack(u, whole, 5000), 5000, whole, 5000)[0], u)
    k = torch.randint(0, 12, (79,), generator=generator)
    assert torch.equal(rice.unpack(rice.pack(u[::1], k, 64), 5000, k, 64)[0], u)
    strided = torch.stack([u, u], 1)[:, 0]
    assert torch.equal(rice.pack(strided, k, 64), rice.pack(u, k, 64))


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4])
def test_every_missing_byte_is_noticed(way, cut):
    u, k = torch.tensor([9, 0, 30, 2]), torch.tensor([2])  # 2 bytes of quotients and 1 of remainders
    code = rice.pack(u, k, 4)
    if cut < len(code):
        with pytest.raises(rice.EndsTooEarly, match="4 numbers"):
            rice.unpack(code[:cut], 4, k, 4)
    assert torch.equal(rice.unpack(code, 4, k, 4)[0], u)


def test_bytes_behind_the_quotients_are_not_read_as_quotients(way):
    """Eight bytes are read at once: those that are not there must not count."""
    with pytest.raises(rice.EndsTooEarly):
        rice.unpack(torch.zeros(1, dtype=torch.uint8), 1, torch.tensor([0]), 1)
    with pytest.raises(rice.EndsTooEarly):
        rice.unpack(torch.full((1,), 255, dtype=torch.uint8), 9, torch.tensor([0]), 9)
