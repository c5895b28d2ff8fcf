r"""Packs and unpacks Golomb–Rice codes: a PyTorch reference, and a loop in C.

A number :math:`u = 2^k q + r` is written in two parts, each in a plane of its own: the quotient q as q clear bits and a set one,
the remainder r as k bits, highest first. With the parts apart, every code's place is a running sum, and all of them are written
and read at once. Each plane begins at a byte; the last byte of each is filled with clear bits.

Taught in: 04_speech_coding_and_synthesis
"""

import ctypes

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from course_lib.kernels import native

LARGEST_PARAMETER = 32
_SPARE = 8  # bytes behind a plane, so that eight can be read from any of its bytes at once
_PLACES = torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=torch.uint8)


_NEGATIVE = "u must be at least 0, the smallest is {}: zigzag(e) maps signs away"


class Negative(ValueError):
    """A number below 0 has no Rice code."""


class EndsTooEarly(ValueError):
    """The bytes end before all numbers are read."""


def pack(u: Int64[Tensor, " N"], k: Int64[Tensor, " G"], block: int) -> UInt8[Tensor, " bytes"]:
    """Writes numbers of at least 0, in the fewest bytes.

    Args:
        u: the numbers, ``(N,)``.
        k: parameters, one for each ``block`` numbers, 0 to 32; the last may have fewer.
        block: how many numbers share a parameter.

    Returns:
        The plane of quotients, then that of remainders.

    Raises:
        Negative: if a number is below 0.

    Example:
        >>> pack(torch.tensor([5, 0]), torch.tensor([1]), 2).tolist()  # 001 1, then 1 0
        [48, 128]

    References:
        R. F. Rice, Some Practical Universal Noiseless Coding Techniques, JPL Publication 79-22, 1979.
    Deviation: all quotients stand before all remainders.
    Taught in: 04_speech_coding_and_synthesis
    """
    compiled = native.library("rice")
    return _pack_reference(u, k, block) if compiled is None else _pack_compiled(compiled, u.contiguous(), k.contiguous(), block)


def unpack(code: UInt8[Tensor, " bytes"], count: int, k: Int64[Tensor, " G"], block: int) -> tuple[Int64[Tensor, " N"], int]:
    """Reads what ``pack`` wrote.

    Args:
        code: the bytes, and whatever follows them.
        count: how many numbers.
        k: parameters, as when packing.
        block: how many numbers share a parameter.

    Returns:
        The numbers, ``(count,)``, and the bytes that they took.

    Raises:
        EndsTooEarly: if there are fewer bytes than the numbers need.

    Example:
        >>> unpack(torch.tensor([48, 128], dtype=torch.uint8), 2, torch.tensor([1]), 2)
        (tensor([5, 0]), 2)

    References:
        R. F. Rice, Some Practical Universal Noiseless Coding Techniques, JPL Publication 79-22, 1979.
    Deviation: all quotients stand before all remainders.
    Taught in: 04_speech_coding_and_synthesis
    """
    compiled = native.library("rice")
    return _unpack_reference(code, count, k, block) if compiled is None else _unpack_compiled(compiled, code, count, k.contiguous(), block)


def _sizes(count: int, block: int) -> Tensor:
    """How many numbers each parameter has: ``block``, and the rest."""
    sizes = torch.full((-(-count // block),), block)
    if count % block:
        sizes[-1] = count % block
    return sizes


def _bytes(bits: int) -> int:
    return -(-bits // 8)


def _planes(code: Tensor, count: int, unary_bits: int, k: Tensor, block: int) -> tuple[int, int]:
    """Where the plane of remainders begins, and where it ends."""
    if count and unary_bits < 0:
        raise EndsTooEarly(f"{count} numbers are to be read, the bytes end before the last quotient")
    first = _bytes(unary_bits) if count else 0
    used = first + _bytes(int(_sizes(count, block) @ k))
    if used > len(code):
        raise EndsTooEarly(f"{count} numbers need {used} bytes, there are {len(code)}")
    return first, used


_long = ctypes.c_int64


# ------------------------------------------------------------------------------------------------------- PyTorch alone


def _pack_bits(bits: Tensor) -> Tensor:
    padded = torch.cat([bits, bits.new_zeros(-len(bits) % 8)]).to(torch.uint8)
    return (padded.view(-1, 8) * _PLACES).sum(1, dtype=torch.uint8)


def _unpack_bits(code: Tensor) -> Tensor:
    return (code[:, None] & _PLACES).ne(0).flatten()


def _pack_reference(u: Tensor, k: Tensor, block: int) -> Tensor:
    if len(u) and u.min() < 0:
        raise Negative(_NEGATIVE.format(u.min().item()))
    widths = k.repeat_interleave(_sizes(len(u), block))  # (N,)
    ends = ((u >> widths) + 1).cumsum(0)  # where each quotient's set bit is followed by the next
    unary = torch.zeros(int(ends[-1]) if len(u) else 0, dtype=torch.uint8)
    unary[ends - 1] = 1
    owner, place = _remainder_places(widths)
    return torch.cat([_pack_bits(unary), _pack_bits(u[owner] >> place & 1)])


def _unpack_reference(code: Tensor, count: int, k: Tensor, block: int) -> tuple[Tensor, int]:
    ones = _unpack_bits(code).nonzero()[:count, 0]
    first, used = _planes(code, count, int(ones[-1]) + 1 if len(ones) and len(ones) == count else -1, k, block)
    widths = k.repeat_interleave(_sizes(count, block))
    owner, place = _remainder_places(widths)
    bits = _unpack_bits(code[first:used])[: len(owner)].long()
    quotients = ones.diff(prepend=ones.new_tensor([-1])) - 1
    return (quotients << widths).index_add(0, owner, bits << place), used


def _remainder_places(widths: Tensor) -> tuple[Tensor, Tensor]:
    """For each bit of the plane of remainders: whose it is, and its place in that number, highest first."""
    owner = torch.arange(len(widths)).repeat_interleave(widths)
    return owner, widths.cumsum(0)[owner] - 1 - torch.arange(len(owner))


# ------------------------------------------------------------------------------------------------------------------ C


def _pack_compiled(compiled: ctypes.CDLL, u: Tensor, k: Tensor, block: int) -> Tensor:
    given = (native.pointer(u), _long(len(u)), native.pointer(k), _long(block))
    unary_bits, remainder_bits = ctypes.c_int64(), ctypes.c_int64()
    compiled.rice_size.restype = ctypes.c_int64
    if compiled.rice_size(*given, ctypes.byref(unary_bits), ctypes.byref(remainder_bits)) < 0:
        raise Negative(_NEGATIVE.format(u.min().item()))
    unary, remainders = (torch.zeros(_bytes(bits.value) + _SPARE, dtype=torch.uint8) for bits in (unary_bits, remainder_bits))
    compiled.rice_encode(*given, native.pointer(unary), native.pointer(remainders))
    return torch.cat([unary[:-_SPARE], remainders[:-_SPARE]])


def _unpack_compiled(compiled: ctypes.CDLL, code: Tensor, count: int, k: Tensor, block: int) -> tuple[Tensor, int]:
    padded = torch.cat([code, torch.zeros(_SPARE, dtype=torch.uint8)])
    compiled.rice_unary_bits.restype = ctypes.c_int64
    unary_bits = compiled.rice_unary_bits(native.pointer(padded), _long(len(code)), _long(count))
    first, used = _planes(code, count, unary_bits, k, block)
    u = torch.empty(count, dtype=torch.int64)
    planes = (native.pointer(padded), native.pointer(padded[first:]))
    compiled.rice_decode(*planes, native.pointer(u), _long(count), native.pointer(k), _long(block))
    return u, used
