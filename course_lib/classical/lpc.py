"""Linear prediction: each sample guessed from the ones before it.

A(z) = 1 + Σ a_m z^-m takes the predictable out of a signal; 1 / A(z) is the vocal tract that put it there.

Taught in: 03_linear_prediction
"""

from dataclasses import dataclass

import torch
from jaxtyping import Complex128, Float, Float64
from torch import Tensor

from course_lib.classical import formants, prediction_filters, reflection
from course_lib.kernels import autocorrelation as correlate
from course_lib.kernels import levinson_durbin as recursion


@dataclass(frozen=True)
class LinearPredictor:
    r"""Coefficients that guess a sample from the M before it, for one signal or for many frames.

    .. math:: \hat x_t = -\sum_{m=1}^M a_m x_{t-m}, \qquad A(z) = 1 + \sum_{m=1}^M a_m z^{-m}

    Args:
        a: coefficients a_1 … a_M, ``(..., M)``, float64.
        reflection: k_1 … k_M, ``(..., M)``: k_m is the last coefficient of the predictor of order m. All in (−1, 1) if and only if 1 / A is stable.
        error_power: mean square of what is left, ``(...)``, in the signal's unit squared.

    Example:
        >>> predictor = fit(torch.tensor([1.0, 0.5, 0.25, 0.125]), order=1)
        >>> predictor.a
        tensor([-0.4941], dtype=torch.float64)

    References:
        J. Makhoul, Linear prediction: a tutorial review, Proc. IEEE 63, 1975, doi:10.1109/PROC.1975.9792.
    Deviation: the sign of k is that of a_m^{(m)}, the opposite of the partial autocorrelation's; some texts turn it round.
    Taught in: 03_linear_prediction
    """

    a: Float64[Tensor, "*frames M"]
    reflection: Float64[Tensor, "*frames M"]
    error_power: Float64[Tensor, "*frames"]

    def residual(self, x: Float[Tensor, "*batch T"], *, hop: int | None = None) -> Float64[Tensor, "*batch T"]:
        """Returns what could not be predicted, see ``prediction_filters.residual``; with ``hop`` frame n's coefficients serve the n-th ``hop`` samples."""
        return prediction_filters.residual(x, self.a, hop=hop)

    def synthesize(self, e: Float[Tensor, "*batch T"], *, hop: int | None = None) -> Float64[Tensor, "*batch T"]:
        """Returns the signal with this residual, see ``prediction_filters.synthesize``: the inverse of ``residual``."""
        return prediction_filters.synthesize(e, self.a, hop=hop)

    def frequency_response(self, w: int | Float[Tensor, " F"]) -> Complex128[Tensor, "*frames F"]:
        """Returns 1 / A(e^{jω}), the response of the vocal tract, ``(..., F)``.

        Args:
            w: angular frequencies, ``(F,)``, radians a sample; or the length of a Fourier transform, for its frequencies from 0 to π.
        """
        if isinstance(w, int):
            w = 2 * torch.pi * torch.fft.rfftfreq(w, dtype=torch.float64)
        delay = torch.arange(1, self.a.shape[-1] + 1, dtype=torch.float64)
        return 1 / (1 + self.a.to(torch.complex128) @ torch.exp(-1j * delay[:, None] * w.double()))

    def power_spectrum(self, w: int | Float[Tensor, " F"]) -> Float64[Tensor, "*frames F"]:
        """Returns E / |A(e^{jω})|², the all-pole model of the power spectrum |X|² / T; arguments as of ``frequency_response``."""
        return self.error_power[..., None] * self.frequency_response(w).abs() ** 2

    def formants(self, rate_hz: float | int) -> formants.Formants:
        """Returns the resonances of 1 / A, lowest first, see ``formants.formants``."""
        return formants.formants(self.a, rate_hz)


def autocorrelation(x: Float[Tensor, "*frames T"], order: int) -> Float64[Tensor, "*frames lags"]:
    r"""Measures how alike a signal is to itself some samples later.

    .. math:: r_k = \frac1T \sum_{t=0}^{T-1-k} x_t\, x_{t+k}, \qquad k = 0, \dots, M

    The signal counts as 0 outside: all lags are divided by T, though lag k has only T − k products. This is what keeps every predictor
    that follows from r stable.

    Args:
        x: signal or frames, ``(..., T)``.
        order: M, at least 0.

    Returns:
        r_0 … r_M, ``(..., M + 1)``.

    Raises:
        ValueError: if ``x`` is empty or not finite, or ``order`` is negative.

    Example:
        >>> autocorrelation(torch.tensor([1.0, 2.0, 3.0]), 2)
        tensor([4.6667, 2.6667, 1.0000], dtype=torch.float64)

    References:
        J. Makhoul, Linear prediction: a tutorial review, Proc. IEEE 63, 1975, doi:10.1109/PROC.1975.9792 (the autocorrelation method).
    Deviation: divided by T, so that r_0 is the signal's power.
    Taught in: 03_linear_prediction
    """
    if order < 0:
        raise ValueError(f"order must be at least 0, got {order}")
    if x.shape[-1] == 0:
        raise ValueError(f"x must have samples, got shape {tuple(x.shape)}")
    r = correlate.autocorrelation(x.double().reshape(-1, x.shape[-1]), order)
    if not (finite := r[:, 0].isfinite()).all():
        raise ValueError(f"x must be finite, and its squares too: row {int((~finite).nonzero()[0])} is not")
    return r.reshape(*x.shape[:-1], order + 1)


def levinson_durbin(r: Float[Tensor, "*frames lags"]) -> LinearPredictor:
    r"""Solves the Yule–Walker equations order by order.

    .. math:: \sum_{m=1}^M a_m r_{|i-m|} = -r_i, \qquad i = 1, \dots, M

    From the predictor of order i − 1 the next one takes one number, the reflection coefficient (−k_i is the partial autocorrelation, PARCOR):

    .. math:: k_i = -\frac{r_i + \sum_{m<i} a_m r_{i-m}}{E}, \quad a_i \leftarrow k_i, \quad a_m \leftarrow a_m + k_i a_{i-m}, \quad E \leftarrow (1 - k_i^2)\,E

    The recursion ends before a step that would leave no more than rounding (for silence before the first): further k are 0.

    Args:
        r: autocorrelation r_0 … r_M, ``(..., M + 1)``.

    Returns:
        The predictor of order M of each frame.

    Raises:
        ValueError: if ``r`` is not finite, or is no autocorrelation: a predictor's error power would be negative.

    Example:
        >>> levinson_durbin(torch.tensor([1.0, 0.5, 0.25])).a
        tensor([-0.5000, -0.0000], dtype=torch.float64)

    References:
        J. Durbin, The fitting of time-series models, 1960, doi:10.2307/1401322;
        J. Makhoul, Linear prediction: a tutorial review, Proc. IEEE 63, 1975, doi:10.1109/PROC.1975.9792.
    Deviation: ends where rounding begins, see ``kernels.levinson_durbin.reference``.
    Taught in: 03_linear_prediction
    """
    if r.shape[-1] == 0:
        raise ValueError(f"r must hold at least r_0, got shape {tuple(r.shape)}")
    rows = r.double().reshape(-1, r.shape[-1])
    a, k, power, refused = recursion.levinson_durbin(rows)
    if refused is not None:
        row = ", ".join(f"{value:.6g}" for value in rows[refused, :4])
        raise ValueError(
            f"r must be an autocorrelation (|r_k| ≤ r_0, every error power ≥ 0), row {refused} is not: {row}{' …' if rows.shape[1] > 4 else ''}"
        )
    lead = r.shape[:-1]
    return LinearPredictor(a.reshape(*lead, -1), k.reshape(*lead, -1), power.reshape(lead))


def fit(x: Float[Tensor, "*frames T"], order: int) -> LinearPredictor:
    """Fits a predictor by the autocorrelation method: least squares over the signal with zeros before and behind. Always stable.

    Args:
        x: signal or frames, ``(..., T)``; frames of a longer signal should be windowed.
        order: M, the number of past samples used.

    Returns:
        The predictor of the signal, or of each frame.

    Raises:
        ValueError: if ``x`` is empty or not finite, or ``order`` is negative.

    Example:
        >>> fit(torch.zeros(3, 400), order=16).error_power
        tensor([0., 0., 0.], dtype=torch.float64)

    References:
        J. Makhoul, Linear prediction: a tutorial review, Proc. IEEE 63, 1975, doi:10.1109/PROC.1975.9792 (the autocorrelation method).
    Deviation: none
    Taught in: 03_linear_prediction
    """
    return levinson_durbin(autocorrelation(x, order))


def covariance_method(x: Float[Tensor, "*frames T"], order: int) -> LinearPredictor:
    r"""Fits a predictor by the covariance method: least squares over the samples that have a full past. Need not be stable.

    .. math:: \min_a \frac1{T-M} \sum_{t=M}^{T-1} \Bigl( x_t + \sum_{m=1}^M a_m x_{t-m} \Bigr)^2

    Args:
        x: signal or frames, ``(..., T)``, longer than ``order``; not windowed.
        order: M, at least 1.

    Returns:
        The predictor; of several that are as good (silence, a pure tone) the one of least Σ a².

    Raises:
        ValueError: if there are too few samples or one is not finite, or a reflection coefficient is exactly ±1.

    Example:
        >>> covariance_method(torch.tensor([1.0, 2.0, 4.0, 8.0]), order=1).a.round(decimals=6)
        tensor([-2.], dtype=torch.float64)

    References:
        B. S. Atal, S. L. Hanauer, Speech analysis and synthesis by linear prediction of the speech wave, 1971, doi:10.1121/1.1912679.
    Deviation: solved as least squares, not through the normal equations, whose condition is the square.
    Taught in: 03_linear_prediction
    """
    T = x.shape[-1]
    if not 1 <= order < T or not x.isfinite().all():
        raise ValueError(f"order must be from 1 to one less than the {T} samples, all finite; got order {order}")
    windows = x.double().unfold(-1, order + 1, 1)  # (..., T − M, M + 1)
    past, now = windows[..., :-1].flip(-1), windows[..., -1:]
    a = torch.linalg.lstsq(past, -now, driver="gelsd").solution
    left = (now + past @ a).square().mean((-2, -1))
    return LinearPredictor(a[..., 0], reflection.to_reflection(a[..., 0]), left)
