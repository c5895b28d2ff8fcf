r"""Independent vector analysis: one unmixing matrix for each frequency, all of them found together.

In a room every source reaches every microphone through a filter. A short-time Fourier transform makes of that one (complex) mixing matrix
a frequency. Separated frequency by frequency, the sources would come out in another order at each; here a source is one *vector* over
all frequencies, loud and quiet as a whole, and that holds its frequencies together.

Taught in: 06_ica
"""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Complex128, Float64
from torch import Tensor

_SILENCE = 1e-10  # of the mean loudness of a source: a frame is never weighed as quieter than that


@dataclass(frozen=True)
class IVAFit:
    """What ``fit_iva`` found.

    Args:
        unmixing: W(f), ``(F, D, D)``.
        costs: what is made small, ``(steps + 1,)``: of the start, and after each step.
    """

    unmixing: Complex128[Tensor, "F D D"]
    costs: Float64[Tensor, " steps"]

    def separate(self, X: Complex[Tensor, "D F N"]) -> Complex128[Tensor, "D F N"]:
        r"""Returns each source as the first microphone hears it, ``(D, F, N)``; they sum to X[0].

        .. math:: \hat Y_d(f) = \bigl(W(f)^{-1}\bigr)_{0 d}\, \bigl(W(f)\, X(f)\bigr)_d
        """
        sources = self.unmixing @ X.to(torch.complex128).transpose(0, 1)  # (F, D, N)
        at_first = torch.linalg.inv(self.unmixing)[:, 0, :, None]  # (F, D, 1)
        return (at_first * sources).transpose(0, 1)


def iva_step(
    unmixing: Complex128[Tensor, "F D D"], X: Complex128[Tensor, "F D N"]
) -> tuple[Complex128[Tensor, "F D D"], Float64[Tensor, ""]]:
    r"""Renews each source's rows once; no step size, and the cost never rises.

    .. math:: r_{dn} = \Bigl( \sum_f |w_d(f)^H X_n(f)|^2 \Bigr)^{1/2}, \quad
              V_d(f) = \frac 1 N \sum_n \frac{X_n(f) X_n(f)^H}{r_{dn}}, \quad
              w_d(f) ← (W(f) V_d(f))^{-1} e_d, \quad w_d(f) ← \frac{w_d(f)}{\sqrt{w_d(f)^H V_d(f) w_d(f)}}

    Args:
        unmixing: W(f), ``(F, D, D)``, row d of W(f) is w_d(f)ᴴ.
        X: spectra with the frequencies first, ``(F, D, N)``.

    Returns:
        The new matrices; and the cost of the **old** ones, Σ_d mean_n r_dn − Σ_f log |det W(f)|.

    Example:
        >>> X = torch.tensor([[[3.0, -3.0, 3.0]]], dtype=torch.complex128)
        >>> iva_step(torch.ones(1, 1, 1, dtype=torch.complex128), X)[0].real
        tensor([[[0.5774]]], dtype=torch.float64)

    References:
        N. Ono, Stable and Fast Update Rules for Independent Vector Analysis Based on Auxiliary Function Technique, WASPAA 2011
        (with G(r) = r: a spherical Laplace density over the frequencies).
    Deviation: frames quieter than 1e-10 of a source's mean are weighed as loud as that.
    Taught in: 06_ica
    """
    F, D, N = X.shape
    W = unmixing.clone()
    cost = _cost(W, X)
    for d in range(D):
        r = (W[:, d : d + 1] @ X).abs().square().sum(0).sqrt()[0]  # (N,)
        weighted = X / torch.maximum(r, _SILENCE * r.mean())
        V = weighted @ X.mH / N  # (F, D, D)
        e = torch.zeros(F, D, 1, dtype=X.dtype)
        e[:, d] = 1
        w = torch.linalg.solve(W @ V, e)
        w = w / (w.mH @ V @ w).real.sqrt()
        W[:, d] = w[..., 0].conj()
    return W, cost


def fit_iva(X: Complex[Tensor, "D F N"], *, steps: int = 50) -> IVAFit:
    """Separates spectra of as many microphones as sources.

    Each frequency is whitened first: then all are of one scale, and the matrices in the way are well conditioned.

    Args:
        X: short-time spectra of the microphones, ``(D, F, N)``, more frames than microphones.
        steps: how often each source's rows are renewed.

    Returns:
        The matrices, for the spectra as given, and the cost at each step.

    Raises:
        ValueError: if ``steps`` is negative, or at some frequency the microphones' spectra are not linearly independent.

    Example:
        >>> chance = torch.Generator().manual_seed(0)
        >>> loud = torch.rand(2, 1, 400, generator=chance) ** 8  # two sources, each loud at its own times, over all frequencies
        >>> S = loud * torch.randn(2, 5, 400, generator=chance, dtype=torch.complex128)
        >>> A = torch.randn(5, 2, 2, generator=chance, dtype=torch.complex128)
        >>> X = (A @ S.transpose(0, 1)).transpose(0, 1)
        >>> P = (fit_iva(X).unmixing @ A).abs()  # one large entry a row, in the same column at all frequencies
        >>> P.argmax(2).unique(dim=0).shape[0], bool((P.amin(2) < 0.1 * P.amax(2)).all())
        (1, True)

    References:
        N. Ono, Stable and Fast Update Rules for Independent Vector Analysis Based on Auxiliary Function Technique, WASPAA 2011.
    Deviation: whitening first.
    Taught in: 06_ica
    """
    if steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps}")
    spectra = X.to(torch.complex128).transpose(0, 1)  # (F, D, N)
    F, D, N = spectra.shape
    variances, directions = torch.linalg.eigh(spectra @ spectra.mH / N)
    flat = ~(variances[:, 0] > 1e-14 * variances[:, -1])
    if flat.any():
        raise ValueError(
            f"X must fill its {D} dimensions at every frequency, at row {int(flat.nonzero()[0])} it does not: "
            "are two microphones the same, or is a frequency silent?"
        )
    V = (directions / variances.sqrt()[:, None]).mH  # (F, D, D)
    white = V @ spectra
    W = torch.eye(D, dtype=torch.complex128).expand(F, D, D).contiguous()
    costs = []
    for _ in range(steps):
        W, cost = iva_step(W, white)
        costs.append(cost)
    return IVAFit(unmixing=W @ V, costs=torch.stack([*costs, _cost(W, white)]))


def _cost(W: Tensor, X: Tensor) -> Tensor:
    loudness = (W @ X).abs().square().sum(0).sqrt()  # (D, N)
    return loudness.mean(1).sum() - torch.linalg.slogdet(W).logabsdet.sum()
