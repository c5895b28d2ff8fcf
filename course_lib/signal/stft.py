"""The short-time Fourier transform, and its inverse that gives back every sample.

Taught in: 04_speech_coding_and_synthesis, 06_ica
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from course_lib.signal.framing import check_hop, frames, overlap_add

LEAST_WEIGHT = 1e-12  # of the heaviest sample's: below, dividing would bring up nothing but rounding errors


def stft(x: Float[Tensor, "*batch T"], window: Float[Tensor, " L"], hop: int) -> Complex[Tensor, "*batch F N"]:
    r"""Returns the spectrum around every ``hop``-th sample; frame n is centred on sample n·hop, zeros stand before and after the signal.

    .. math:: X_{k,n} = \sum_{l=0}^{L-1} w_l\, x_{n\,\mathrm{hop} + l - \lfloor L/2 \rfloor}\, e^{-2πikl/L},
              \qquad k = 0, \dots, \lfloor L/2 \rfloor, \quad n = 0, \dots, \lceil (T-1)/\mathrm{hop} \rceil

    Args:
        x: signal, ``(..., T)``.
        window: w, ``(L,)``; taken in the precision of ``x``.
        hop: samples between frames, 1 to L.

    Returns:
        The spectra, ``(..., F, N)``, F = ⌊L/2⌋ + 1; row k lies at k · rate / L Hz, column n at n · hop / rate seconds.

    Raises:
        ValueError: if there is no sample, or ``hop`` is out of range.

    Example:
        >>> from course_lib.signal.windows import hann
        >>> stft(torch.ones(6), hann(4), 2).abs()
        tensor([[1.5000, 2.0000, 2.0000, 0.5000],
                [1.1180, 1.0000, 1.0000, 0.5000],
                [0.5000, 0.0000, 0.0000, 0.5000]])

    References:
        D. W. Griffin, J. S. Lim, Signal estimation from modified short-time Fourier transform, 1984, doi:10.1109/TASSP.1984.1164317.
    Deviation: phases count from the start of each frame, as in librosa and torch.stft.
    Taught in: 04_speech_coding_and_synthesis, 06_ica
    """
    L, T = len(window), x.shape[-1]
    if T < 1:
        raise ValueError(f"x must have at least one sample, got shape {tuple(x.shape)}")
    before, covered = L // 2, (_frame_count(T, hop, L) - 1) * hop + L
    padded = torch.nn.functional.pad(x, (before, covered - before - T))
    return torch.fft.rfft(frames(padded, L, hop) * window.to(x)).mT


def istft(X: Complex[Tensor, "*batch F N"], window: Float[Tensor, " L"], hop: int, *, length: int) -> Float[Tensor, "*batch T"]:
    r"""Returns the signal whose spectra lie nearest to the given ones, in squares summed over all frames.

    .. math:: x_t = \frac{\sum_n w_{t - n\,\mathrm{hop} + \lfloor L/2 \rfloor}\, f_{n,\, t - n\,\mathrm{hop} + \lfloor L/2 \rfloor}}
              {\sum_n w_{t - n\,\mathrm{hop} + \lfloor L/2 \rfloor}^2}

    with f_n the frame whose spectrum is column n. Spectra that ``stft`` made are met exactly: ``istft(stft(x)) = x``, edges included.

    Args:
        X: spectra, ``(..., F, N)``.
        window: w, ``(L,)``, the one of ``stft``; F = ⌊L/2⌋ + 1.
        hop: samples between frames, as in ``stft``.
        length: samples T of the signal.

    Returns:
        The signal, ``(..., length)``.

    Raises:
        ValueError: if ``X`` does not have the F and N of this window, hop and length, or some sample lies under no frame's window.

    Example:
        >>> from course_lib.signal.windows import hann
        >>> x = torch.tensor([0.1, -0.2, 0.3, 0.4, -0.5])
        >>> istft(stft(x, hann(4), 2), hann(4), 2, length=5)
        tensor([ 0.1000, -0.2000,  0.3000,  0.4000, -0.5000])

    References:
        D. W. Griffin, J. S. Lim, Signal estimation from modified short-time Fourier transform, 1984, doi:10.1109/TASSP.1984.1164317.
    Deviation: none
    Taught in: 04_speech_coding_and_synthesis, 06_ica
    """
    L, window = len(window), window.to(X.real)
    if length < 1:
        raise ValueError(f"length must be at least 1 sample, got {length}")
    expected = (L // 2 + 1, _frame_count(length, hop, L))
    if X.shape[-2:] != expected:
        raise ValueError(
            f"X must end in (F, N) = {expected} for a window of {L} samples, hop {hop} and {length} samples, got {tuple(X.shape)}"
        )
    N, before = expected[1], L // 2
    end = before + length
    pieces = torch.fft.irfft(X.mT, n=L) * window  # (..., N, L)
    weight = overlap_add(window.square().expand(N, L), hop, length=end)[before:]
    if not weight.min() > LEAST_WEIGHT * weight.max():
        raise ValueError(f"window and hop must leave every sample some weight; sample {int(weight.argmin())} has none: take a smaller hop")
    return overlap_add(pieces, hop, length=end)[..., before:] / weight


def _frame_count(T: int, hop: int, L: int) -> int:
    """As many frames as it takes for the last centre to reach the last sample."""
    check_hop(hop, L)
    return 1 - (-(T - 1) // hop)
