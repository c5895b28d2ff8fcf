r"""Linear prediction in whole numbers, so that a residual gives its signal back bit for bit on every machine.

.. math:: p_t = \Big\lfloor \frac{2^{s-1} - \sum_{m=1}^M q_m x_{t-m}}{2^s} \Big\rfloor, \qquad e_t = x_t - p_t

with :math:`q_m \approx 2^s a_m`: the coefficients of A(z) in steps of 2^-s. The residual of all samples can be had at once; its inverse cannot,
for each sample waits for the one before it.

Taught in: 04_speech_coding_and_synthesis
"""

import ctypes

import torch
from jaxtyping import Int64
from torch import Tensor

from course_lib.kernels import native

LIMIT = 1 << 17  # a difference of two 16-bit samples
LARGEST_COEFFICIENT = 1 << 30  # times 32 samples of 2^17: far from the end of 64 bits


class OutOfRange(ValueError):
    """No residual of 16-bit samples leads to such numbers."""


def residual(x: Int64[Tensor, " T"], past: Int64[Tensor, " M"], q: Int64[Tensor, "G M"], *, shift: int, block: int) -> Int64[Tensor, " T"]:
    """Returns what the samples before it do not say of each sample.

    Args:
        x: samples, ``(T,)``.
        past: the M samples before them.
        q: coefficients q_1 … q_M of each ``block`` samples, ``(G, M)``; 0 beyond a block's order.
        shift: s, at least 1.
        block: how many samples share coefficients; the last block may have fewer.

    Returns:
        e, ``(T,)``.

    Example:
        >>> residual(torch.tensor([10, 13, 16]), torch.tensor([4, 7]), torch.tensor([[-4, 2]]), shift=1, block=3)  # 2 x[t-1] - x[t-2]
        tensor([0, 0, 0])

    References:
        RFC 9639, Free Lossless Audio Codec, 2024, section 4.3 (prediction).
    Deviation: rounds to the nearest, where there the sum is cut off.
    Taught in: 04_speech_coding_and_synthesis
    """
    compiled = native.library("integer_prediction")
    signal = torch.cat([past, x])
    if compiled is None:
        return _residual_reference(signal, q, shift, block)
    e, q, M = torch.empty_like(x), q.contiguous(), len(past)
    sizes = (ctypes.c_int64(number) for number in (len(x), block, M, shift))
    compiled.integer_residual(native.pointer(signal[M:]), native.pointer(q), native.pointer(e), *sizes)
    return e


def synthesize(
    e: Int64[Tensor, " T"], past: Int64[Tensor, " M"], q: Int64[Tensor, "G M"], *, shift: int, block: int
) -> Int64[Tensor, " T"]:
    """Returns the samples of which ``residual`` made e.

    Args:
        e: residual, ``(T,)``.
        past: the M samples before.
        q: coefficients of each ``block`` samples, ``(G, M)``.
        shift: s, at least 1.
        block: how many samples share coefficients.

    Returns:
        x, ``(T,)``.

    Raises:
        OutOfRange: if a sample's magnitude exceeds 2^17.

    Example:
        >>> synthesize(torch.zeros(3, dtype=torch.int64), torch.tensor([4, 7]), torch.tensor([[-4, 2]]), shift=1, block=3)
        tensor([10, 13, 16])

    References:
        RFC 9639, Free Lossless Audio Codec, 2024, section 4.3 (prediction).
    Deviation: rounds to the nearest, where there the sum is cut off.
    Taught in: 04_speech_coding_and_synthesis
    """
    compiled = native.library("integer_prediction")
    if compiled is None:
        return _synthesize_reference(e, past, q, shift, block)
    M, e, q = len(past), e.contiguous(), q.contiguous()
    signal = torch.cat([past, torch.empty_like(e)])
    sizes = (ctypes.c_int64(number) for number in (len(e), block, M, shift, LIMIT))
    compiled.integer_synthesize.restype = ctypes.c_int64
    wrong = compiled.integer_synthesize(native.pointer(e), native.pointer(q), native.pointer(signal[M:]), *sizes)
    if wrong >= 0:
        raise OutOfRange(f"sample {wrong} is beyond ±2^17")
    return signal[M:]


def _residual_reference(signal: Tensor, q: Tensor, shift: int, block: int) -> Tensor:
    M = q.shape[1]
    T = len(signal) - M
    total = torch.full((T,), 1 << shift >> 1)
    each = q.repeat_interleave(block, 0)[:T]  # (T, M)
    for m in range(1, M + 1):
        total -= each[:, m - 1] * signal[M - m : M - m + T]
    return signal[M:] - (total >> shift)


def _synthesize_reference(e: Tensor, past: Tensor, q: Tensor, shift: int, block: int) -> Tensor:
    """Plain Python integers: sample by sample, they are faster than tensors of one."""
    M, half, x = len(past), 1 << shift >> 1, past.tolist()
    coefficients = q.flip(1).tolist()  # oldest sample first
    for t, left in enumerate(e.tolist()):
        total = half - sum(a * b for a, b in zip(coefficients[t // block], x[t:], strict=False))
        x.append(left + (total >> shift))
        if abs(x[-1]) > LIMIT:
            raise OutOfRange(f"sample {t} is beyond ±2^17")
    return torch.tensor(x[M:], dtype=torch.int64)
