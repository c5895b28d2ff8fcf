r"""Densities of one source: what independent component analysis assumes each of its components to be.

Each knows log p(s), its *score* ψ(s) = d log p(s) / ds, and its *curvature* −ψ′(s); all act on every entry of a tensor.
None is Gaussian: a rotated mixture of Gaussian sources has the same density as the sources.

Taught in: 06_ica
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Float64
from torch import Generator, Tensor

from course_lib.kernels.log_cosh_totals import Evaluation, Shape, Totals, evaluate, log_cosh_totals, totals

_SCALE = math.pi / math.sqrt(3)  # standard deviation of the logistic density in its usual unit
_KINK = 0.1  # half the width over which the bend of |s| at 0 is spread
_LOG_PEAKED = -0.29939807202542074  # log ∫ N(s; 0, 1) / cosh(s) ds, by numerical integration; with · cosh(s) it is ½


@runtime_checkable
class SourceDensity(Protocol):
    """What a density of sources must know."""

    def log_prob(self, s: Tensor) -> Tensor:
        """Returns log p(s) in nats, entry by entry; the last axis counts sources."""

    def score(self, s: Tensor) -> Tensor:
        """Returns ψ(s) = d log p(s) / ds, entry by entry."""

    def evaluate(self, s: Tensor) -> Evaluation:
        """Returns log p(s), ψ(s) and −ψ′(s), entry by entry, for little more than the price of one."""

    def totals(self, unmixing: Tensor, centred: Tensor) -> Totals:
        """Returns sums over the sources W c_n of centred data ``(D, N)``: all that a step of a fit needs to know of them."""

    def adapted(self, s: Tensor) -> "SourceDensity":
        """Returns the density of this family that suits the sources ``s`` found so far, ``(N, D)``: itself, if it does already."""

    def sample(self, n: int, D: int, *, generator: Generator | None = None) -> Tensor:
        """Returns ``n`` rows of ``D`` independent sources, float64."""


@dataclass(frozen=True)
class Laplace:
    r"""A sharp peak and long tails, as speech has them; variance 1.

    .. math:: \log p(s) = -\sqrt 2\, |s| - \tfrac12 \log 2, \qquad ψ(s) = -\sqrt 2 \operatorname{sign} s

    Example:
        >>> Laplace().score(torch.tensor([-3.0, 0.0, 0.2]))
        tensor([ 1.4142, -0.0000, -1.4142])

    References:
        A. Hyvärinen, J. Karhunen, E. Oja, Independent Component Analysis, 2001.
    Deviation: the curvature is 0 except at the kink, where it is infinite; it is spread over ±0.1, and only guides a fit's steps.
    Taught in: 06_ica
    """

    def log_prob(self, s: Float[Tensor, "*S"]) -> Float[Tensor, "*S"]:
        """Returns log p(s) in nats."""
        return -math.sqrt(2) * s.abs() - math.log(2) / 2

    def score(self, s: Float[Tensor, "*S"]) -> Float[Tensor, "*S"]:
        """Returns ψ(s); 0 at the kink."""
        return -math.sqrt(2) * s.sign()

    def evaluate(self, s: Float[Tensor, "*S"]) -> Evaluation:
        """Returns log p(s), ψ(s), and −(ψ(s + h) − ψ(s − h)) / 2h with h = 0.1."""
        return Evaluation(self.log_prob(s), self.score(s), (s.abs() < _KINK).to(s.dtype) * (math.sqrt(2) / _KINK))

    def totals(self, unmixing: Float64[Tensor, "D D"], centred: Float64[Tensor, "D N"]) -> Totals:
        """Returns the sums over the sources."""
        return totals(unmixing, centred, self.evaluate)

    def adapted(self, s: Float[Tensor, "N D"]) -> "Laplace":
        """Returns itself."""
        return self

    def sample(self, n: int, D: int, *, generator: Generator | None = None) -> Float64[Tensor, "n D"]:
        """Returns ``n`` rows of ``D`` sources: the difference of two exponential draws."""
        u = 1 - torch.rand(2, n, D, dtype=torch.float64, generator=generator)  # (0, 1]
        return (u[0].log() - u[1].log()) / math.sqrt(2)


@dataclass(frozen=True)
class Logistic:
    r"""A round peak and long tails; variance 1.

    .. math:: p(s) = \frac c4 \operatorname{sech}^2 \frac{c s}2, \qquad ψ(s) = -c \tanh \frac{c s}2, \qquad c = \frac π{\sqrt 3}

    Example:
        >>> Logistic().score(torch.tensor([-9.0, 0.0, 9.0]))
        tensor([ 1.8138, -0.0000, -1.8138])

    References:
        A. J. Bell, T. J. Sejnowski, An Information-Maximization Approach to Blind Separation and Blind Deconvolution, 1995.
    Deviation: scaled to variance 1.
    Taught in: 06_ica
    """

    def log_prob(self, s: Float[Tensor, "*S"]) -> Float[Tensor, "*S"]:
        """Returns log p(s) in nats."""
        return self.evaluate(s)[0]

    def score(self, s: Float[Tensor, "*S"]) -> Float[Tensor, "*S"]:
        """Returns ψ(s)."""
        return -_SCALE * torch.tanh(_SCALE / 2 * s)

    def evaluate(self, s: Float[Tensor, "*S"]) -> Evaluation:
        """Returns log p(s), ψ(s) and −ψ′(s)."""
        return evaluate(s, self._shape(1))

    def totals(self, unmixing: Float64[Tensor, "D D"], centred: Float64[Tensor, "D N"]) -> Totals:
        """Returns the sums over the sources."""
        return log_cosh_totals(unmixing, centred, self._shape(len(unmixing)))

    def _shape(self, D: int) -> Shape:
        peak = torch.full((D,), math.log(_SCALE / 4), dtype=torch.float64)
        return Shape(0.0, _SCALE / 2, torch.full((D,), 2.0, dtype=torch.float64), peak)

    def adapted(self, s: Float[Tensor, "N D"]) -> "Logistic":
        """Returns itself."""
        return self

    def sample(self, n: int, D: int, *, generator: Generator | None = None) -> Float64[Tensor, "n D"]:
        """Returns ``n`` rows of ``D`` sources."""
        return torch.logit(torch.rand(n, D, dtype=torch.float64, generator=generator), eps=2.0**-53) / _SCALE


@dataclass(frozen=True)
class Adaptive:
    r"""One of two shapes for each source, chosen by the data: more peaked than a Gaussian, or flatter.

    .. math:: p(s_d) \propto \mathcal N(s_d; 0, 1) \cosh(s_d)^{-k_d}, \qquad ψ(s_d) = -s_d - k_d \tanh s_d, \qquad k_d = ±1

    Args:
        signs: k, ``(D,)``: 1 for a *super-Gaussian* source (a peak and long tails), −1 for a *sub-Gaussian* one, flat or with two summits.
            For −1 the density is the even mixture of N(−1, 1) and N(1, 1). Kept as float64.

    Raises:
        ValueError: if a sign is neither 1 nor −1.

    Example:
        >>> flat, peaked = torch.linspace(-1.7, 1.7, 99), torch.linspace(-1.4, 1.4, 99) ** 5
        >>> Adaptive(torch.ones(2)).adapted(torch.stack([flat, peaked], 1)).signs
        tensor([-1.,  1.], dtype=torch.float64)

    References:
        T.-W. Lee, M. Girolami, T. J. Sejnowski, Independent Component Analysis Using an Extended Infomax Algorithm for Mixed
        Subgaussian and Supergaussian Sources, 1999.
    Deviation: none
    Taught in: 06_ica
    """

    signs: Float[Tensor, " D"]

    def __post_init__(self) -> None:
        if not (self.signs.abs() == 1).all():
            raise ValueError(f"signs must be 1 (super-Gaussian) or -1 (sub-Gaussian), got {self.signs.tolist()}")
        object.__setattr__(self, "signs", self.signs.double())

    def log_prob(self, s: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """Returns log p(s) in nats."""
        return self.evaluate(s)[0]

    def score(self, s: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """Returns ψ(s)."""
        return -s - self.signs * torch.tanh(s)

    def evaluate(self, s: Float[Tensor, "*B D"]) -> Evaluation:
        """Returns log p(s), ψ(s) and −ψ′(s)."""
        return evaluate(s, self._shape())

    def totals(self, unmixing: Float64[Tensor, "D D"], centred: Float64[Tensor, "D N"]) -> Totals:
        """Returns the sums over the sources."""
        return log_cosh_totals(unmixing, centred, self._shape())

    def _shape(self) -> Shape:
        log_mass = torch.full_like(self.signs, 0.5).masked_fill(self.signs > 0, _LOG_PEAKED) + math.log(2 * math.pi) / 2
        return Shape(1.0, 1.0, self.signs, -log_mass)

    def adapted(self, s: Float[Tensor, "N D"]) -> "Adaptive":
        r"""Returns the shapes under which these sources are a stable solution: k = sign(E[sech² s] E[s²] − E[s tanh s])."""
        bend = torch.tanh(s)
        peakedness = (1 - bend.square().mean(0)) * s.square().mean(0) - (s * bend).mean(0)
        signs = torch.where(peakedness >= 0, 1.0, -1.0).double()
        return self if torch.equal(signs, self.signs) else Adaptive(signs)

    def sample(self, n: int, D: int, *, generator: Generator | None = None) -> Float64[Tensor, "n D"]:
        """Returns ``n`` rows of ``D`` sources: a Gaussian draw moved by ±1 for −1; for 1, Gaussian draws kept with probability sech(s)."""
        s = torch.randn(n, D, dtype=torch.float64, generator=generator)
        moved = s + torch.randint(2, (n, D), generator=generator) * 2 - 1
        kept = torch.rand(n, D, dtype=torch.float64, generator=generator) * torch.cosh(s) < 1
        while not kept.all():
            again = torch.randn(n, D, dtype=torch.float64, generator=generator)
            accepted = torch.rand(n, D, dtype=torch.float64, generator=generator) * torch.cosh(again) < 1
            s, kept = torch.where(kept, s, again), kept | accepted
        return torch.where(self.signs > 0, s, moved)
