"""A long signal as short overlapping pieces, and the pieces added up again.

Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
"""

import torch
from jaxtyping import Float
from torch import Tensor


def frames(x: Float[Tensor, "*batch T"], length: int, hop: int) -> Float[Tensor, "*batch N length"]:
    r"""Cuts a signal into frames; the last is filled up with zeros, so that every sample lies in at least one.

    .. math:: f_{n,l} = x_{n\,\mathrm{hop} + l}, \qquad N = 1 + \max\bigl(0, \lceil (T - \mathrm{length}) / \mathrm{hop} \rceil\bigr)

    Args:
        x: signal, ``(..., T)``, at least one sample.
        length: samples in a frame, at least 1.
        hop: samples from the start of one frame to the start of the next, 1 to ``length``.

    Returns:
        The frames, ``(..., N, length)``, a view into one padded copy of ``x``.

    Raises:
        ValueError: if there is no sample, or ``hop`` would skip some.

    Example:
        >>> frames(torch.arange(1.0, 6.0), 4, 2)
        tensor([[1., 2., 3., 4.],
                [3., 4., 5., 0.]])

    References:
        L. R. Rabiner, R. W. Schafer, Introduction to Digital Speech Processing, 2007, doi:10.1561/2000000001 (short-time analysis).
    Deviation: none
    Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
    """
    check_hop(hop, length)
    T = x.shape[-1]
    if T < 1:
        raise ValueError(f"x must have at least one sample, got shape {tuple(x.shape)}")
    N = 1 + max(0, -(-(T - length) // hop))
    padded = torch.nn.functional.pad(x, (0, (N - 1) * hop + length - T))
    return padded.unfold(-1, length, hop)


def overlap_add(frames: Float[Tensor, "*batch N L"], hop: int, *, length: int) -> Float[Tensor, "*batch T"]:
    r"""Lays frames over each other, each ``hop`` samples after the one before, and sums them.

    .. math:: x_t = \sum_n f_{n,\, t - n\,\mathrm{hop}}

    The plain sum: what windows gave twice is there twice. With windows that sum to 1 at this hop (``hann`` at half its length)
    the inside of a signal comes back as it was; ``stft.istft`` divides and so gives back the edges too.

    Args:
        frames: ``(..., N, L)``.
        hop: samples from the start of one frame to the start of the next, 1 to L.
        length: samples T of the signal; what lies behind is cut off.

    Returns:
        The sum, ``(..., length)``.

    Raises:
        ValueError: if ``hop`` is out of range, or the frames end before ``length``.

    Example:
        >>> overlap_add(torch.ones(2, 4), 2, length=5)
        tensor([1., 1., 2., 2., 1.])

    References:
        J. B. Allen, L. R. Rabiner, A unified approach to short-time Fourier analysis and synthesis, 1977, doi:10.1109/PROC.1977.10770.
    Deviation: none
    Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis
    """
    *batch, N, L = frames.shape
    check_hop(hop, L)
    covered = (N - 1) * hop + L
    if not 1 <= length <= covered:
        raise ValueError(f"length must be from 1 to the {covered} samples that the frames cover, got {length}")
    columns = frames.reshape(-1, N, L).mT  # (B, L, N), as fold wants them
    summed = torch.nn.functional.fold(columns, output_size=(1, covered), kernel_size=(1, L), stride=(1, hop))
    return summed.reshape(*batch, covered)[..., :length]


def check_hop(hop: int, length: int) -> None:
    """Refuses a hop that would leave samples between frames."""
    if not 1 <= hop <= length:
        raise ValueError(f"hop must be from 1 to the frame's length, {length}, got {hop}")
