"""Pre-emphasis (高域強調): high frequencies raised before a model of speech is fitted, and lowered again after.

Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
"""

import torch
from jaxtyping import Float
from torch import Tensor


def pre_emphasis(x: Float[Tensor, "*batch T"], coefficient: float | int = 0.97) -> Float[Tensor, "*batch T"]:
    r"""Subtracts from each sample most of the one before, so that a voice's spectrum falls less.

    .. math:: y_t = x_t - c\, x_{t-1}, \qquad x_{-1} = 0

    Args:
        x: signal, ``(..., T)``.
        coefficient: c, greater than −1 and less than 1.

    Returns:
        The signal with high frequencies raised, ``(..., T)``.

    Raises:
        ValueError: if ``coefficient`` is out of range.

    Example:
        >>> pre_emphasis(torch.tensor([1.0, 1.0, 1.0]), 0.5)
        tensor([1.0000, 0.5000, 0.5000])

    References:
        J. D. Markel, A. H. Gray, Linear Prediction of Speech, 1976.
    Deviation: none
    Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
    """
    _check(coefficient)
    return x - coefficient * _delayed(x, 1)


def de_emphasis(y: Float[Tensor, "*batch T"], coefficient: float | int = 0.97) -> Float[Tensor, "*batch T"]:
    r"""Undoes ``pre_emphasis``.

    .. math:: x_t = y_t + c\, x_{t-1}, \qquad \frac{1}{1 - c z^{-1}} = \prod_{j \ge 0} \bigl(1 + c^{2^j} z^{-2^j}\bigr)

    The product does in log₂ T steps over all samples at once what the recursion does in T steps of one.

    Args:
        y: signal, ``(..., T)``.
        coefficient: c of ``pre_emphasis``.

    Returns:
        The signal with high frequencies lowered, ``(..., T)``.

    Raises:
        ValueError: if ``coefficient`` is out of range.

    Example:
        >>> de_emphasis(torch.tensor([1.0, 0.5, 0.5]), 0.5)
        tensor([1., 1., 1.])

    References:
        J. D. Markel, A. H. Gray, Linear Prediction of Speech, 1976.
    Deviation: the recursion is unrolled by doubling.
    Taught in: 04_speech_coding_and_synthesis
    """
    _check(coefficient)
    x, shift = y, 1
    while shift < y.shape[-1]:
        x = x + coefficient**shift * _delayed(x, shift)
        shift *= 2
    return x


def _delayed(x: Tensor, shift: int) -> Tensor:
    """The signal ``shift`` samples later, zeros before it."""
    return torch.nn.functional.pad(x, (shift, 0))[..., : x.shape[-1]]


def _check(coefficient: float | int) -> None:
    if not -1 < coefficient < 1:
        raise ValueError(f"coefficient must be greater than −1 and less than 1, got {coefficient}")
