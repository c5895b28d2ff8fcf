"""μ-law (μ則): few levels, close together where samples are small.

Taught in: 04_speech_coding_and_synthesis
"""

import math

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor


def mu_law_encode(x: Float[Tensor, "*batch"], levels: int = 256) -> Int64[Tensor, "*batch"]:
    r"""Rounds samples to levels that are spaced evenly after a logarithm.

    .. math:: y = \operatorname{sign}(x)\, \frac{\ln(1 + μ|x|)}{\ln(1 + μ)}, \qquad
              c = \bigl\lfloor \tfrac{μ}{2}(y + 1) + \tfrac12 \bigr\rfloor, \qquad μ = \mathrm{levels} - 1

    Args:
        x: samples from −1 to 1, any shape.
        levels: of the code, at least 2.

    Returns:
        The codes, 0 to ``levels − 1``, int64, of the shape of ``x``.

    Raises:
        ValueError: if a sample lies outside or is not finite, or there are fewer than 2 levels.

    Example:
        >>> mu_law_encode(torch.tensor([-1.0, -0.01, 0.0, 0.01, 1.0]))
        tensor([  0,  98, 128, 157, 255])

    References:
        ITU-T Recommendation G.711, 1988; A. van den Oord et al., WaveNet, 2016, arXiv:1609.03499.
    Deviation: the formula itself, as in WaveNet, not G.711's straight segments. With an even number of levels none is 0.
    Taught in: 04_speech_coding_and_synthesis
    """
    mu = _mu(levels)
    if not (x.abs() <= 1).all():
        worst = x[~(x.abs() <= 1)][0].item()
        raise ValueError(f"x must lie from −1 to 1, got {worst:.6g}")
    y = x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)
    return ((y + 1) / 2 * mu + 0.5).floor().long()


def mu_law_decode(codes: Int64[Tensor, "*batch"], levels: int = 256) -> Float64[Tensor, "*batch"]:
    r"""Returns the samples that stand for codes; ``mu_law_encode`` gives the codes back.

    .. math:: y = 2c / μ - 1, \qquad x = \operatorname{sign}(y)\, \frac{(1 + μ)^{|y|} - 1}{μ}

    Args:
        codes: 0 to ``levels − 1``, any shape.
        levels: of the code, at least 2.

    Returns:
        Samples from −1 to 1, float64, of the shape of ``codes``.

    Raises:
        ValueError: if a code is none of the levels, or there are fewer than 2.

    Example:
        >>> mu_law_decode(torch.tensor([0, 98, 128, 157, 255]))
        tensor([-1.0000e+00, -1.0225e-02,  8.6212e-05,  1.0225e-02,  1.0000e+00],
               dtype=torch.float64)

    References:
        ITU-T Recommendation G.711, 1988; A. van den Oord et al., WaveNet, 2016, arXiv:1609.03499.
    Deviation: as in ``mu_law_encode``
    Taught in: 04_speech_coding_and_synthesis
    """
    mu = _mu(levels)
    wrong = (codes < 0) | (codes > mu)
    if wrong.any():
        raise ValueError(f"codes must be 0 to {mu}, got {codes[wrong][0].item()}")
    y = 2 * codes.double() / mu - 1
    magnitude = torch.expm1(y.abs() * math.log1p(mu)) / mu
    return y.sign() * magnitude.clamp(max=1)  # rounding alone could lead beyond 1


def _mu(levels: int) -> int:
    if levels < 2:
        raise ValueError(f"levels must be at least 2, got {levels}")
    return levels - 1
