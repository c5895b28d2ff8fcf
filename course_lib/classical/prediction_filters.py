"""The two filters of linear prediction: one takes out what the past tells, the other puts it back.

Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from scipy.signal import lfilter
from torch import Tensor


def residual(
    x: Float[Tensor, "*batch T"], a: Float[Tensor, "*filters M"], *, hop: int | None = None, past: Float[Tensor, "*before M"] | None = None
) -> Float[Tensor, "*batch T"]:
    r"""Returns what could not be predicted, the output of the all-zero filter A(z).

    .. math:: e_t = x_t + \sum_{m=1}^M a_m x_{t-m}

    Args:
        x: signal, ``(..., T)``.
        a: coefficients, ``(..., M)``; with ``hop`` one filter a frame, ``(..., N, M)``, N = ⌈T / hop⌉. Leading axes are those of ``x``, or none.
        hop: filter n serves samples n·hop to (n + 1)·hop − 1. The past that it needs is the signal's own, across the frame's edge.
        past: the M samples before the first, oldest first, ``(..., M)``; 0 unless given.

    Returns:
        The residual, ``(..., T)``; differentiable.

    Raises:
        ValueError: if the shapes do not belong together.

    Example:
        >>> residual(torch.tensor([1.0, 0.5, 0.25]), torch.tensor([-0.5]))
        tensor([1., 0., 0.], dtype=torch.float64)

    References:
        J. Makhoul, Linear prediction: a tutorial review, Proc. IEEE 63, 1975, doi:10.1109/PROC.1975.9792.
    Deviation: none
    Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
    """
    x, a, past, hop = _aligned(x, a, hop, past)
    (T, (N, M)) = (x.shape[-1], a.shape[-2:])
    padded = torch.cat([past, x, x.new_zeros(*x.shape[:-1], N * hop - T)], dim=-1)
    before = padded.unfold(-1, M + 1, 1)[..., :M].unflatten(-2, (N, hop))  # (..., N, hop, M): the M samples before each, oldest first
    predicted = -(before @ a.flip(-1)[..., None])[..., 0]
    return x - predicted.flatten(-2)[..., :T]


def synthesize(
    e: Float[Tensor, "*batch T"], a: Float[Tensor, "*filters M"], *, hop: int | None = None, past: Float[Tensor, "*before M"] | None = None
) -> Float[Tensor, "*batch T"]:
    r"""Returns the signal that has this residual, the output of the all-pole filter 1 / A(z): the inverse of ``residual``.

    .. math:: y_t = e_t - \sum_{m=1}^M a_m y_{t-m}

    Args:
        e: excitation, ``(..., T)``.
        a: coefficients, ``(..., M)``; with ``hop`` one filter a frame, ``(..., N, M)``. Leading axes are those of ``e``, or none.
        hop: filter n serves samples n·hop to (n + 1)·hop − 1; it goes on from the samples that the one before has made.
        past: the M samples before the first, oldest first, ``(..., M)``; 0 unless given.

    Returns:
        The signal, ``(..., T)``; without gradients.

    Raises:
        ValueError: if the shapes do not belong together.

    Example:
        >>> synthesize(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([-0.5]))
        tensor([1.0000, 0.5000, 0.2500], dtype=torch.float64)

    References:
        J. Makhoul, Linear prediction: a tutorial review, Proc. IEEE 63, 1975, doi:10.1109/PROC.1975.9792.
    Deviation: none
    Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
    """
    e, a, past, hop = _aligned(e, a, hop, past)
    e, a, past = e.detach(), a.detach(), past.detach()
    (T, (N, M)) = (e.shape[-1], a.shape[-2:])
    shared = a.ndim == 2  # one filter, or one row of filters, for all signals: they are filtered together
    rows = math.prod(e.shape[:-1])
    signals = e.reshape((1, rows, T) if shared else (rows, 1, T)).numpy()
    y = np.concatenate([past.reshape(*signals.shape[:2], M).numpy(), np.empty(signals.shape)], axis=-1)  # (filters, signals, M + T)
    for made, excitation, filters in zip(y, signals, a.reshape(len(signals), N, M).numpy(), strict=True):
        for n, coefficients in enumerate(filters):
            begin, end = n * hop, min(n * hop + hop, T)
            state = _ringing(made[:, begin : begin + M], coefficients)
            made[:, M + begin : M + end], _ = lfilter([1.0], [1.0, *coefficients], excitation[:, begin:end], zi=state)
    return torch.from_numpy(y[..., M:]).reshape(e.shape)


def _ringing(before: np.ndarray, a: np.ndarray) -> np.ndarray:
    """What the last M outputs (signals, M), oldest first, alone contribute to the next M: the state of SciPy's filter."""
    M = len(a)
    hankel = np.lib.stride_tricks.sliding_window_view(np.concatenate([a, np.zeros(M)]), M)[:M]  # a_{i+j+1}, 0 beyond a_M
    return -before[:, ::-1] @ hankel.T


def _aligned(x: Tensor, a: Tensor, hop: int | None, past: Tensor | None) -> tuple[Tensor, Tensor, Tensor, int]:
    """All in float64, filters as (..., N, M), and the samples before the first."""
    T, M = x.shape[-1], a.shape[-1]
    if hop is None:
        a, hop = a[..., None, :], max(T, 1)
    if hop < 1 or a.ndim < 2 or a.shape[-2] != max(-(-T // hop), 1) or a.shape[:-2] not in (x.shape[:-1], ()):
        raise ValueError(
            f"there must be one filter for the signal, or ⌈T / hop⌉ of them, with the signal's leading axes or none: "
            f"got filters {tuple(a.shape)} for a signal {tuple(x.shape)} with hop {hop}"
        )
    past = x.new_zeros(*x.shape[:-1], M) if past is None else past
    if past.shape != (*x.shape[:-1], M):
        raise ValueError(f"past must hold the last {M} samples of each signal, {(*x.shape[:-1], M)}, got {tuple(past.shape)}")
    return x.double(), a.double(), past.double(), hop
