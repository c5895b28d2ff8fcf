r"""One run of samples as Rice codes: predict, and say only what the prediction missed.

A run is cut into blocks, each with a predictor of its own; the residual is cut into shorter pieces, each with a Rice parameter of its own. All that the
receiver must know beside the residual, the side information, is written as Rice codes as well.

Taught in: 04_speech_coding_and_synthesis
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from course_lib.classical import lpc, reflection
from course_lib.classical.golomb_rice import best_parameter, code_length, unzigzag, zigzag
from course_lib.kernels import integer_prediction, rice
from course_lib.signal import framing, windows

ORDER = 32  # the most samples of the past that are used
BLOCKS = (512, 2048)  # samples that share a predictor: short for speech, long for music
PIECES = (32, 64, 128, 256)  # samples that share a Rice parameter


@dataclass(frozen=True)
class PredictiveCode:
    """What is said of one run of T samples.

    Args:
        unused: low bits that are 0 in every sample, and are left out.
        block: samples that share a predictor; its coefficients are whole multiples of 1 / (block / 4).
        orders: order of each block's predictor, ``(G,)``.
        coefficients: A(z)'s, times block / 4, ``(G, 32)``; 0 beyond the order.
        piece: samples that share a Rice parameter.
        parameters: 0 for a piece of zeros, of which no more is said; else the Rice parameter + 1, ``(P,)``.
        residual: what the prediction missed, ``(T,)``.
    """

    unused: int
    block: int
    orders: Int64[Tensor, " G"]
    coefficients: Int64[Tensor, "G M"]
    piece: int
    parameters: Int64[Tensor, " P"]
    residual: Int64[Tensor, " T"]

    def side_information(self) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the numbers of at least 0 that are written before the residual: orders, coefficients, steps between parameters."""
        used = torch.arange(ORDER) < self.orders[:, None]
        return self.orders, zigzag(self.coefficients[used]), zigzag(self.parameters.diff(prepend=self.parameters.new_zeros(1)))

    def spoken(self) -> tuple[Tensor, Tensor]:
        """Returns the mapped residual of all pieces that are not silent, and their Rice parameters."""
        u = zigzag(self.residual)
        return u[(self.parameters > 0).repeat_interleave(self.piece)[: len(u)]], self.parameters[self.parameters > 0] - 1

    def bits(self) -> dict[str, int]:
        """Returns how many bits each part takes: ``residual``, ``predictors``, ``parameters``."""
        orders, coefficients, steps = (int(code_length(u, best_parameter(u))) for u in self.side_information())
        return {"residual": int(self.bits_of_pieces().sum()), "predictors": orders + coefficients, "parameters": steps}

    def bits_of_pieces(self) -> Int64[Tensor, " P"]:
        """Returns the bits of each piece's residual, ``(P,)``."""
        u = zigzag(self.residual)
        pieces = torch.cat([u, u.new_zeros(-len(u) % self.piece)]).view(-1, self.piece)
        lengths = torch.full((len(pieces),), self.piece)
        lengths[-1:] -= -len(u) % self.piece
        k = (self.parameters - 1).clamp(min=0)
        return torch.where(self.parameters > 0, (pieces >> k[:, None]).sum(1) + lengths * (k + 1), 0)

    def to_bytes(self) -> bytes:
        """Returns the run's code: three bytes of sizes, three lists of side information, the residual."""
        lists = [_with_parameter(u) for u in self.side_information()]
        u, k = self.spoken()
        sizes = bytes([self.unused, self.block.bit_length() - 1, self.piece.bit_length() - 1])
        return sizes + b"".join(lists) + rice.pack(u, k, self.piece).numpy().tobytes()


def encode(x: Int64[Tensor, " T"], past: Int64[Tensor, " M"]) -> PredictiveCode:
    """Finds the shortest code among a few: block lengths and piece lengths are tried, the rest is calculated.

    Args:
        x: samples, ``(T,)``, T at least 1, of at most 17 bits and a sign.
        past: the 32 samples before them, which the receiver knows; zeros at the beginning.

    Returns:
        The code.

    Example:
        >>> x = torch.arange(0, 4000, 8)
        >>> code = encode(x, torch.zeros(32, dtype=torch.int64))
        >>> code.unused, len(code.to_bytes()) < 200  # of 1000
        (3, True)

    References:
        T. Robinson, SHORTEN: Simple lossless and near-lossless waveform compression, Cambridge University report CUED/F-INFENG/TR.156, 1994.
    Deviation: predictors cost Rice codes too; the prediction goes on across blocks, so no block begins with unpredicted samples.
    Taught in: 04_speech_coding_and_synthesis
    """
    unused = unused_bits(x)
    codes = [code for block in BLOCKS for code in _with_blocks(x >> unused, past >> unused, unused, block)]
    return min(codes, key=lambda code: sum(code.bits().values()))


def decode(code: bytes, count: int, past: Int64[Tensor, " M"]) -> tuple[Int64[Tensor, " T"], int]:
    """Reads a run.

    Args:
        code: bytes that begin with the run's.
        count: how many samples it has.
        past: the 32 samples before them.

    Returns:
        The samples, and how many bytes they took.

    Raises:
        ValueError: if the bytes are no such code.
    """
    unused, block, piece = _sizes(code)
    reader = _Reader(code, 3)
    orders = reader.numbers(-(-count // block))
    if len(orders) and orders.max() > ORDER:
        raise ValueError(f"a predictor of order {orders.max()}, there are none beyond {ORDER}")
    used = torch.arange(ORDER) < orders[:, None]
    coefficients = torch.zeros(len(orders), ORDER, dtype=torch.int64)
    coefficients[used] = unzigzag(reader.numbers(int(used.sum())))
    if coefficients.abs().max() > integer_prediction.LARGEST_COEFFICIENT:
        raise ValueError("a coefficient that no predictor has")
    parameters = unzigzag(reader.numbers(-(-count // piece))).cumsum(0)
    if not 0 <= parameters.min() <= parameters.max() <= rice.LARGEST_PARAMETER + 1:
        raise ValueError(f"a Rice parameter of {parameters.max() - 1}, they go from 0 to {rice.LARGEST_PARAMETER}")
    spoken = (parameters > 0).repeat_interleave(piece)[:count]
    residual = torch.zeros(count, dtype=torch.int64)
    residual[spoken] = unzigzag(reader.packed(int(spoken.sum()), parameters[parameters > 0] - 1, piece))
    x = integer_prediction.synthesize(residual, past >> unused, coefficients, shift=_shift(block), block=block)
    return x << unused, reader.place


def predictors(x: Int64[Tensor, " T"], block: int) -> tuple[Int64[Tensor, " G"], Int64[Tensor, "G M"]]:
    r"""Chooses each block's order and coefficients.

    A window half as long again as the block is laid over it, the recursion gives the power :math:`E_m` that each order m leaves, and the order with the fewest
    expected bits is taken:

    .. math:: \min_m\; \tfrac{L}{2} \log_2 E_m + m\,c

    with c bits a coefficient. To cut a predictor's order is to set its further reflection coefficients to 0.

    Args:
        x: samples, ``(T,)``.
        block: L.

    Returns:
        Orders, ``(G,)``, and coefficients in steps of 1 / (block / 4), ``(G, 32)``.
    """
    reach = block // 4
    G = -(-len(x) // block)
    around = torch.cat([x.new_zeros(reach), x, x.new_zeros(G * block - len(x) + reach)]).double()
    window = windows.hann(block + 2 * reach)
    views = framing.frames(around, len(window), block)[:G] * window
    r = lpc.autocorrelation(views, ORDER) / window.square().mean()
    full = lpc.levinson_durbin(r)
    left = r[:, :1] * torch.cat([torch.ones(G, 1), 1 - full.reflection.square()], 1).cumprod(1)  # (G, 33): E_0 … E_32
    expected = block / 2 * left.clamp(min=0.05).log2() + (_shift(block) + 1) * torch.arange(ORDER + 1)
    orders = expected.argmin(1)
    k = full.reflection * (torch.arange(ORDER) < orders[:, None])
    return orders, (reflection.from_reflection(k) * 2 ** _shift(block)).round().long()


def unused_bits(x: Int64[Tensor, " T"]) -> int:
    """Returns how many low bits are 0 in every sample; 0 where all samples are."""
    lowest = (x & -x)[x != 0]  # of each sample, its lowest bit that is 1
    return int(lowest.min()).bit_length() - 1 if len(lowest) else 0


def _with_blocks(x: Tensor, past: Tensor, unused: int, block: int) -> Iterator[PredictiveCode]:
    """Codes with blocks of one length, and pieces of each."""
    orders, q = predictors(x, block)
    e = integer_prediction.residual(x, past, q, shift=_shift(block), block=block)
    for piece in PIECES:
        u = torch.cat([zigzag(e), e.new_zeros(-len(e) % piece)]).view(-1, piece)
        yield PredictiveCode(unused, block, orders, q, piece, torch.where(u.any(1), best_parameter(u) + 1, 0), e)


def _shift(block: int) -> int:
    """Coefficients are multiples of 2^-shift: the longer they serve, the finer they may be."""
    return block.bit_length() - 3


def _with_parameter(u: Tensor) -> bytes:
    """A list of numbers as a byte for its Rice parameter and the code."""
    k = best_parameter(u)
    return bytes([int(k)]) + rice.pack(u, k[None][: len(u)], max(len(u), 1)).numpy().tobytes()


def _sizes(code: bytes) -> tuple[int, int, int]:
    """Unused bits, block and piece."""
    if len(code) < 3:
        raise ValueError("a run has three bytes of sizes")
    unused, block, piece = code[0], 1 << min(code[1], 30), 1 << min(code[2], 30)
    if unused > 15 or block not in BLOCKS or piece not in PIECES:
        raise ValueError(f"{unused} unused bits, blocks of {block}, pieces of {piece}: no such sizes are written")
    return unused, block, piece


class _Reader:
    """Reads a run's lists one after the other."""

    def __init__(self, code: bytes, place: int):
        self.code, self.place = torch.frombuffer(bytearray(code), dtype=torch.uint8), place

    def numbers(self, count: int) -> Tensor:
        """The next list and its one parameter."""
        if self.place >= len(self.code) or (k := int(self.code[self.place])) > rice.LARGEST_PARAMETER:
            raise ValueError("a list begins with a Rice parameter")
        self.place += 1
        return self.packed(count, torch.full((1,), k), max(count, 1))

    def packed(self, count: int, k: Tensor, block: int) -> Tensor:
        """The next numbers, of known parameters."""
        u, used = rice.unpack(self.code[self.place :], count, k[: -(-count // block)], block)
        self.place += used
        return u
