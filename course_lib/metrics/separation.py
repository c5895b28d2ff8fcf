r"""How well sources were taken out of a mixture: by the matrix that was found, or by the sounds that came out.

Taught in: 06_ica
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor


@dataclass(frozen=True)
class SeparationQuality:
    """Quality of each source's estimate, in the order of the true sources; all ratios in dB, more is better.

    Args:
        sdr: signal-to-distortion ratio, ``(S,)``: the source against all that is wrong.
        sir: signal-to-interference ratio, ``(S,)``: the source against what is left of the others.
        sar: signal-to-artefacts ratio, ``(S,)``: what came from any source against what came from none.
        order: ``(S,)``; ``estimates[order[j]]`` is the estimate of source j.
    """

    sdr: Float64[Tensor, " S"]
    sir: Float64[Tensor, " S"]
    sar: Float64[Tensor, " S"]
    order: Int64[Tensor, " S"]


def amari_distance(unmixing: Float[Tensor, "D D"], mixing: Float[Tensor, "D D"]) -> Float64[Tensor, ""]:
    r"""Returns how far P = W A is from separating, whatever the order and the scale of what was found.

    .. math:: \frac{1}{2 D (D - 1)} \biggl[ \sum_i \Bigl( \frac{\sum_j |P_{ij}|}{\max_j |P_{ij}|} - 1 \Bigr)
              + \sum_j \Bigl( \frac{\sum_i |P_{ij}|}{\max_i |P_{ij}|} - 1 \Bigr) \biggr]

    Args:
        unmixing: W that was found, ``(D, D)``, D ≥ 2.
        mixing: A that was used, ``(D, D)``.

    Returns:
        From 0, where each row of W takes out one source alone, to 1, where each takes all alike.

    Raises:
        ValueError: if D is 1, or a row or column of W A is 0 or not finite.

    Example:
        >>> amari_distance(torch.tensor([[0.0, -2.0], [3.0, 0.3]]), torch.eye(2))
        tensor(0.0625, dtype=torch.float64)

    References:
        S. Amari, A. Cichocki, H. H. Yang, A New Learning Algorithm for Blind Signal Separation, NIPS 1995.
    Deviation: divided by 2 D (D − 1), so that it ends at 1.
    Taught in: 06_ica
    """
    P = (unmixing.double() @ mixing.double()).abs()
    D = len(P)
    rows, columns = P.amax(1), P.amax(0)
    if D < 2 or not (P.isfinite().all() and (rows > 0).all() and (columns > 0).all()):
        raise ValueError(f"unmixing @ mixing must have at least two rows, all finite and none 0, nor a column, got {P.tolist()}")
    return ((P.sum(1) / rows).sum() + (P.sum(0) / columns).sum() - 2 * D) / (2 * D * (D - 1))


def separation_quality(estimates: Float[Tensor, "S T"], sources: Float[Tensor, "S T"], *, filter_length: int = 1) -> SeparationQuality:
    r"""Judges separated sounds as BSS Eval does; who is who is found by the best mean SIR.

    .. math:: \hat s = s_\text{target} + e_\text{interf} + e_\text{artif}, \qquad
              \text{SDR} = 10 \log_{10} \frac{‖s_\text{target}‖^2}{‖e_\text{interf} + e_\text{artif}‖^2}, \quad
              \text{SIR} = 10 \log_{10} \frac{‖s_\text{target}‖^2}{‖e_\text{interf}‖^2}, \quad
              \text{SAR} = 10 \log_{10} \frac{‖s_\text{target} + e_\text{interf}‖^2}{‖e_\text{artif}‖^2}

    :math:`s_\text{target}` is the part of the estimate that lies in the span of the source and its first ``filter_length`` − 1 delays,
    :math:`s_\text{target} + e_\text{interf}` the part in the span of all sources and their delays.

    Args:
        estimates: ``(S, T)``, in any order and scale.
        sources: the true ones, ``(S, T)``.
        filter_length: how much filtering of a source is forgiven, in samples; 1 forgives a change of loudness alone.

    Returns:
        The three ratios of each source, and the order. None exceeds 150 dB: beyond, rounding would decide.

    Raises:
        ValueError: if the shapes differ, ``filter_length`` is not from 1 to T, a source or estimate is silent, or the sources (with
            their delays) are not linearly independent.

    Example:
        >>> sources = torch.eye(2, 8)
        >>> separation_quality(torch.tensor([[0.1, 1.0], [1.0, 0.0]]) @ sources, sources).sdr.round()
        tensor([150.,  20.], dtype=torch.float64)

    References:
        E. Vincent, R. Gribonval, C. Févotte, Performance Measurement in Blind Audio Source Separation, 2006,
        time-invariant gains (``filter_length`` 1) and time-invariant filters.
    Deviation: no term for noise at the sensors.
    Taught in: 06_ica
    """
    estimates, sources = estimates.double(), sources.double()
    S, T = sources.shape
    if estimates.shape != sources.shape or not 1 <= filter_length <= T:
        raise ValueError(
            f"estimates and sources must have one shape (S, T), and filter_length lie from 1 to T, "
            f"got {tuple(estimates.shape)}, {tuple(sources.shape)} and {filter_length}"
        )
    for name, sounds in (("estimates", estimates), ("sources", sources)):
        if not ((energy := sounds.square().sum(1)) > 0).all() or not energy.isfinite().all():
            raise ValueError(f"{name} must be finite and none silent, their energies are {energy.tolist()}")
    gram, cross = _correlations(estimates, sources, filter_length)
    blocks = [slice(j * filter_length, (j + 1) * filter_length) for j in range(S)]
    target = torch.stack([_explained(gram[block, block], cross[:, block]) for block in blocks])  # (S, S): source, estimate
    together = _explained(gram, cross)  # (S,): energy of s_target + e_interf
    total = estimates.square().sum(1)  # (S,)
    floor = 1e-15 * total
    sir = _decibels(target, torch.maximum(together - target, floor))
    sdr = _decibels(target, torch.maximum(total - target, floor))
    sar = _decibels(together, torch.maximum(total - together, floor))
    order = torch.from_numpy(linear_sum_assignment(sir.numpy(), maximize=True)[1])
    source = torch.arange(S)
    return SeparationQuality(sdr=sdr[source, order], sir=sir[source, order], sar=sar[order], order=order)


def _correlations(estimates: Tensor, sources: Tensor, L: int) -> tuple[Tensor, Tensor]:
    """Inner products of all delayed sources with each other, ``(S L, S L)``, and with the estimates, ``(S, S L)``; zeros around the sounds."""
    S, T = sources.shape
    n = 2 ** (T + L - 1).bit_length()
    spectra, spectra_of_estimates = torch.fft.rfft(sources, n), torch.fft.rfft(estimates, n)
    between = torch.fft.irfft(spectra[:, None].conj() * spectra, n)  # (S, S, n): Σ_u s_j(u) s_k(u + m)
    with_estimates = torch.fft.irfft(spectra.conj() * spectra_of_estimates[:, None], n)  # (S, S, n): Σ_u s_j(u) ŝ_i(u + m)
    delay = torch.arange(L)
    gram = between[:, :, delay[:, None] - delay]  # (S, S, L, L); a negative delay counts from the end
    return gram.transpose(1, 2).reshape(S * L, S * L), with_estimates[:, :, :L].reshape(S, S * L)


def _explained(gram: Tensor, cross: Tensor) -> Tensor:
    """Energy of the part of each estimate that lies in the span whose inner products are given."""
    factor, info = torch.linalg.cholesky_ex(gram)
    new = factor.diagonal().square() / gram.diagonal()  # the share of each that those before it do not explain
    if info != 0 or not new.min() > 10 * torch.finfo(gram.dtype).eps:
        raise ValueError(
            "sources (and their delays) must be linearly independent, and these are not: give longer sounds, a shorter filter_length, "
            "or sounds that leave no band of frequencies empty"
        )
    return torch.linalg.solve_triangular(factor, cross.T, upper=False).square().sum(0)


def _decibels(signal: Tensor, error: Tensor) -> Tensor:
    return 10 * torch.log10(signal / error)
