r"""Golomb–Rice codes: the shortest whole-bit codes for numbers that fall off geometrically.

Taught in: 04_speech_coding_and_synthesis
"""

import torch
from jaxtyping import Float64, Int64, UInt8
from torch import Tensor

from course_lib.kernels import rice


def zigzag(e: Int64[Tensor, "..."]) -> Int64[Tensor, "..."]:
    r"""Interleaves the signs: 0, −1, 1, −2, 2 … become 0, 1, 2, 3, 4 …

    .. math:: u = 2e \text{ for } e \ge 0, \qquad u = -2e - 1 \text{ for } e < 0

    Args:
        e: whole numbers of any sign and shape.

    Returns:
        Whole numbers of at least 0, one to one, same shape.

    Example:
        >>> zigzag(torch.tensor([0, -1, 1, -2, 2]))
        tensor([0, 1, 2, 3, 4])

    References:
        RFC 9639, Free Lossless Audio Codec, 2024, section 4.4 (residual coding).
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    return (e << 1) ^ (e >> 63)  # the second is 0 for e ≥ 0 and all ones for e < 0: it flips every bit of 2e


def unzigzag(u: Int64[Tensor, "..."]) -> Int64[Tensor, "..."]:
    """Gives the signs back: the inverse of ``zigzag``.

    Args:
        u: whole numbers of at least 0.

    Returns:
        Whole numbers of either sign, same shape.

    Example:
        >>> unzigzag(torch.tensor([0, 1, 2, 3, 4]))
        tensor([ 0, -1,  1, -2,  2])

    References:
        RFC 9639, Free Lossless Audio Codec, 2024, section 4.4 (residual coding).
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    return (u >> 1) ^ -(u & 1)


def code_length(u: Int64[Tensor, "*block N"], k: int | Int64[Tensor, "*block"]) -> Int64[Tensor, "*block"]:
    r"""Returns the bits that a Rice code takes: unary quotient, its end, k bits of remainder.

    .. math:: \sum_n \big( \lfloor u_n / 2^k \rfloor + 1 + k \big)

    Args:
        u: numbers of at least 0, ``(..., N)``.
        k: the parameter, or one a block, ``(...)``.

    Returns:
        Bits of each block, ``(...)``.

    Example:
        >>> code_length(torch.tensor([0, 5, 9]), 2)
        tensor(12)

    References:
        A. Kiely, Selecting the Golomb Parameter in Rice Coding, IPN Progress Report 42-159, 2004.
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    k = torch.as_tensor(k)
    return (u >> k[..., None]).sum(-1) + u.shape[-1] * (k + 1)


def best_parameter(u: Int64[Tensor, "*block N"]) -> Int64[Tensor, "*block"]:
    r"""Finds the parameter with the shortest code, exactly.

    The mean m of the numbers leaves three candidates at most:

    .. math:: \lfloor \log_2 \tfrac23 (m + 1) \rfloor \le k \le \lceil \log_2 m \rceil \qquad \text{(neither below 0)}

    Why: from k to k + 1 a code gains :math:`\lceil q/2 \rceil` and loses 1, with q the quotient at k; so it pays as long as the
    mean of :math:`\lceil q/2 \rceil` exceeds 1. As q only falls with k, it never pays again once it did not.

    Args:
        u: numbers of at least 0, ``(..., N)``, each block with its own parameter.

    Returns:
        k of each block, ``(...)``; the least where several are best. At most 32.

    Example:
        >>> best_parameter(torch.tensor([[0, 1, 0, 2], [9, 17, 12, 30]]))
        tensor([0, 4])

    References:
        A. Kiely, Selecting the Golomb Parameter in Rice Coding, IPN Progress Report 42-159, 2004.
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    mean = u.sum(-1).double() / max(u.shape[-1], 1)
    lowest = (2 / 3 * (mean + 1) * (1 - 1e-12)).log2().floor().long()  # a hair below, so that rounding never skips one
    best = lowest.clamp(0, rice.LARGEST_PARAMETER)
    bits = code_length(u, best)
    for step in (1, 2):
        k = (lowest + step).clamp(0, rice.LARGEST_PARAMETER)
        shorter = code_length(u, k)
        best, bits = torch.where(shorter < bits, k, best), torch.minimum(shorter, bits)
    return best


def ideal_code_length(e: Int64[Tensor, "*block N"]) -> Float64[Tensor, "*block"]:
    r"""Returns the bits that a perfect code would take if it knew the scale of each block, and nothing else.

    The numbers are modelled as drawn from a two-sided geometric density, a Laplace density on the whole numbers, with the θ of
    greatest likelihood for the block. A perfect code spends :math:`-\log_2 P` on each:

    .. math:: P(e) = \frac{1-θ}{1+θ}\, θ^{|e|}, \qquad \hat θ = \frac{\sqrt{1 + m^2} - 1}{m}, \qquad m = \frac1N \sum_n |e_n|

    Args:
        e: whole numbers, ``(..., N)``.

    Returns:
        Bits of each block, ``(...)``: 0 where all numbers are 0.

    Example:
        >>> ideal_code_length(torch.tensor([[0, 0, 0, 0], [0, -1, 1, 0]]))
        tensor([0.0000, 6.9424], dtype=torch.float64)

    References:
        S. Inusah, T. J. Kozubowski, A discrete analogue of the Laplace distribution, J. Statistical Planning and Inference 136, 2006.
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis
    """
    N = e.shape[-1]
    if N == 0:
        return torch.zeros(e.shape[:-1], dtype=torch.float64)
    m = e.abs().double().mean(-1)
    theta = m / (1 + (1 + m * m).sqrt())  # = (√(1+m²) − 1) / m, also right at 0
    nats = torch.log1p(theta) - torch.log1p(-theta) - torch.xlogy(m, theta)
    return N * nats / torch.log(torch.tensor(2.0, dtype=torch.float64))


def encode(u: Int64[Tensor, " N"], k: int | Int64[Tensor, " G"], *, block: int | None = None) -> UInt8[Tensor, " bytes"]:
    r"""Writes numbers as Rice codes: first all quotients :math:`\lfloor u/2^k \rfloor` in unary, then all remainders in k bits each.

    Args:
        u: numbers of at least 0.
        k: the parameter, or one for each ``block`` numbers.
        block: how many numbers share a parameter; the last may have fewer. All, unless told.

    Returns:
        The bytes. Quotients and remainders each begin at a byte.

    Raises:
        ValueError: if a number is negative, k is not from 0 to 32, or there are not as many parameters as blocks.

    Example:
        >>> code = encode(torch.tensor([3, 0, 6, 1]), 1)
        >>> [f"{byte:08b}" for byte in code.tolist()]  # 01 1 0001 1, then 1 0 0 1
        ['01100011', '10010000']

    References:
        R. F. Rice, Some Practical Universal Noiseless Coding Techniques, JPL Publication 79-22, 1979.
    Deviation: all quotients stand before all remainders, which lets every code be written and read at once.
    Taught in: 04_speech_coding_and_synthesis
    """
    return rice.pack(u, *_parameters(len(u), k, block))


def decode(code: UInt8[Tensor, " bytes"], count: int, k: int | Int64[Tensor, " G"], *, block: int | None = None) -> Int64[Tensor, " N"]:
    """Reads what ``encode`` wrote.

    Args:
        code: the bytes, all of them and no more.
        count: how many numbers.
        k: the parameter or parameters, as given to ``encode``.
        block: how many numbers share a parameter.

    Returns:
        The numbers, ``(count,)``.

    Raises:
        ValueError: if there are fewer or more bytes than the numbers need, or k or its count is wrong.

    Example:
        >>> decode(torch.tensor([0b01100011, 0b10010000], dtype=torch.uint8), 4, 1)
        tensor([3, 0, 6, 1])

    References:
        R. F. Rice, Some Practical Universal Noiseless Coding Techniques, JPL Publication 79-22, 1979.
    Deviation: as ``encode``.
    Taught in: 04_speech_coding_and_synthesis
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    u, used = rice.unpack(code, count, *_parameters(count, k, block))
    if used != len(code):
        raise ValueError(f"code must end with its last number: {count} numbers took {used} bytes of {len(code)}")
    return u


def _parameters(count: int, k: int | Tensor, block: int | None) -> tuple[Tensor, int]:
    """The parameters as a tensor, one a block, and how many numbers a block has."""
    block = max(count, 1) if block is None else block
    if block < 1:
        raise ValueError(f"block must be at least 1 number, got {block}")
    needed = -(-count // block)
    k = torch.full((needed,), k, dtype=torch.int64) if isinstance(k, int) else k
    if len(k) != needed:
        raise ValueError(f"k must be one parameter for each block of {block}: {count} numbers make {needed}, got {len(k)}")
    if len(k) and not 0 <= k.min() <= k.max() <= rice.LARGEST_PARAMETER:
        raise ValueError(f"k must be from 0 to {rice.LARGEST_PARAMETER}, got {k.min().item()} to {k.max().item()}")
    return k, block
