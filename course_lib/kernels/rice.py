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
    quotients, unary_bytes = _quotients_reference(code, count) if compiled is None else _quotients_compiled(compiled, code, count)
    remainder_bits = int(_sizes(count, block) @ k)
    used = unary_bytes + _bytes(remainder_bits)
    if used > len(code):
        raise EndsTooEarly(f"{count} numbers need {used} bytes, there are {len(code)}")
    if compiled is None:
        return _with_remainders_reference(quotients, code[unary_bytes:used], k, block), used
    plane = torch.cat([code[unary_bytes:used], torch.zeros(_SPARE, dtype=torch.uint8)])
    compiled.rice_decode_remainders(
        native.pointer(plane), native.pointer(quotients), _long(count), native.pointer(k.contiguous()), _long(block)
    )
    return quotients, used


def _sizes(count: int, block: int) -> Tensor:
    """How many numbers each parameter has: ``block``, and the rest."""
    sizes = torch.full((-(-count // block),), block)
    if count % block:
        sizes[-1] = count % block
    return sizes


def _bytes(bits: int) -> int:
    return -(-bits // 8)


_long = ctypes.c_int64


# ------------------------------------------------------------------------------------------------------- PyTorch alone


def _pack_bits(bits: Tensor) -> Tensor:
    padded = torch.cat([bits, bits.new_zeros(-len(bits) % 8)]).to(torch.uint8)
    return (padded.view(-1, 8) * _PLACES).sum(1, dtype=torch.uint8)


def _unpack_bits(code: Tensor) -> Tensor:
    return (code[:, None] & _PLACES).ne(0).flatten()


def _pack_reference(u: Tensor, k: Tensor, block: int) -> Tensor:
    widths = k.repeat_interleave(_sizes(len(u), block))  # (N,)
    ends = ((u >> widths) + 1).cumsum(0)  # where each quotient's set bit is followed by the next
    unary = torch.zeros(int(ends[-1]) if len(u) else 0, dtype=torch.uint8)
    unary[ends - 1] = 1
    owner, place = _remainder_places(widths)
    return torch.cat([_pack_bits(unary), _pack_bits(u[owner] >> place & 1)])


def _quotients_reference(code: Tensor, count: int) -> tuple[Tensor, int]:
    if count == 0:
        return torch.empty(0, dtype=torch.int64), 0
    ones = _unpack_bits(code).nonzero()[:count, 0]
    if len(ones) < count:
        raise EndsTooEarly(f"{count} numbers are to be read, the bytes end after {len(ones)} quotients")
    return ones.diff(prepend=ones.new_tensor([-1])) - 1, _bytes(int(ones[-1]) + 1)


def _with_remainders_reference(quotients: Tensor, plane: Tensor, k: Tensor, block: int) -> Tensor:
    widths = k.repeat_interleave(_sizes(len(quotients), block))
    owner, place = _remainder_places(widths)
    bits = _unpack_bits(plane)[: len(owner)].long()
    return (quotients << widths).index_add(0, owner, bits << place)


def _remainder_places(widths: Tensor) -> tuple[Tensor, Tensor]:
    """For each bit of the plane of remainders: whose it is, and its place in that number, highest first."""
    owner = torch.arange(len(widths)).repeat_interleave(widths)
    return owner, widths.cumsum(0)[owner] - 1 - torch.arange(len(owner))


# ------------------------------------------------------------------------------------------------------------------ C


def _pack_compiled(compiled: ctypes.CDLL, u: Tensor, k: Tensor, block: int) -> Tensor:
    given = (native.pointer(u), _long(len(u)), native.pointer(k), _long(block))
    unary_bits, remainder_bits = ctypes.c_int64(), ctypes.c_int64()
    compiled.rice_size(*given, ctypes.byref(unary_bits), ctypes.byref(remainder_bits))
    first, second = _bytes(unary_bits.value), _bytes(remainder_bits.value)
    code = torch.zeros(first + second + _SPARE, dtype=torch.uint8)
    compiled.rice_encode(*given, native.pointer(code), native.pointer(code[first:]))
    return code[: first + second]


def _quotients_compiled(compiled: ctypes.CDLL, code: Tensor, count: int) -> tuple[Tensor, int]:
    quotients = torch.empty(count, dtype=torch.int64)
    plane = torch.cat([code, torch.zeros(_SPARE, dtype=torch.uint8)])
    compiled.rice_decode_unary.restype = ctypes.c_int64
    bits = compiled.rice_decode_unary(native.pointer(plane), _long(len(code)), native.pointer(quotients), _long(count))
    if bits < 0:
        raise EndsTooEarly(f"{count} numbers are to be read, the bytes end before the last quotient")
    return quotients, _bytes(bits)
