"""Tensors and arrays as raw numbers: exact, and refused where they are not what they say."""

import numpy as np
import pytest
import torch

from course_lib.grading.conversation import wire, wire_arrays
from course_lib.grading.conversation.wire_records import Refused

TENSORS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_of_every_kind(name):
    x = (torch.randn(3, 4, generator=torch.Generator().manual_seed(1)) * 5).to(getattr(torch, name))
    for value in (x, x.T, x[::2], x[:0], x[1, 1], x[0].expand(2, 4)):
        got = wire.unpack(wire.pack(value))
        assert got.dtype == value.dtype
        assert got.shape == value.shape
        assert torch.equal(got, value)
        got.zero_()  # it has memory of its own


def test_what_wants_a_gradient_says_so():
    assert wire.unpack(wire.pack(torch.ones(1, requires_grad=True))).requires_grad
    assert wire.unpack(wire.pack(torch.ones(1, requires_grad=True) * 2)).is_leaf
    assert torch.equal(wire.unpack(wire.pack(torch.tensor([1j]).conj())), torch.tensor([-1j]))


@pytest.mark.parametrize("code", [">f8", "<f4", "|b1", "<u2", "<c16", "<U3"])
def test_arrays_of_every_kind(code):
    x = np.array([[1, 0, 3], [0, 5, 6]]).astype(code)
    for value in (x, x.T, x[:, ::2], x[:0]):
        got = wire.unpack(wire.pack(value))
        assert got.dtype == value.dtype.newbyteorder("=") or got.dtype.kind == "U"
        np.testing.assert_array_equal(got, value)


def test_scalars_and_kinds():
    for value in (np.float32(1.5), np.bool_(True), np.complex128(1j), np.uint64(2**64 - 1)):
        got = wire.unpack(wire.pack(value))
        assert type(got) is type(value)
        assert got == value
    for value in (np.float32, np.bool_, np.dtype("i4"), torch.bfloat16, torch.Size([1, 2]), torch.device("cpu")):
        assert wire.unpack(wire.pack(value)) == value
    assert wire.unpack(wire.pack(np.array([object()]))).text == "an array of object"


@pytest.mark.parametrize(
    ("tag", "rest"),
    [
        ("T", ["float32", [2], 0, False]),
        ("T", ["float32", [1], 0, 1]),
        ("T", ["load", [1], 0, False]),
        ("T", ["float32", [0, 1 << 40], 1, False]),
        ("A", ["<f4", ["1"], 0]),
        ("N", ["<f4", [1], 0]),
        ("A", ["O", [1], 0]),
        ("S", ["a"]),
        ("D", ["nn"]),
        ("D", ["os.path"]),
        ("V", ["disk"]),
        ("a", [[1], ["x" * 3000]]),
        ("?", []),
    ],
)
def test_what_is_not_what_it_says(tag, rest):
    parts = [memoryview(bytes(4)), memoryview(b"")]
    with pytest.raises(Refused):
        wire_arrays.read(tag, rest, parts.__getitem__, 1000)
