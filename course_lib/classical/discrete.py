"""The coin and the die: Bernoulli and categorical distributions, and their maximum-likelihood estimates.

Taught in: 01_maximum_likelihood
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor


@dataclass(frozen=True)
class Bernoulli:
    r"""A coin that shows 1 with probability θ.

    .. math:: p(x) = θ^x (1 - θ)^{1 - x}, \qquad x ∈ \{0, 1\}

    Args:
        theta: probability of a 1, a number or scalar tensor in [0, 1]; kept as float64.

    Raises:
        ValueError: if ``theta`` is no probability.

    Example:
        >>> coin = Bernoulli(theta=4 / 7)
        >>> coin.log_prob(torch.tensor([1, 0])).exp()
        tensor([0.5714, 0.4286], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 2.2.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """

    theta: Float[Tensor, ""] | float

    def __post_init__(self) -> None:
        theta = torch.as_tensor(self.theta, dtype=torch.float64)
        if not 0 <= theta <= 1:
            raise ValueError(f"theta must be a probability between 0 and 1, got {theta.item()}")
        object.__setattr__(self, "theta", theta)

    def log_prob(self, x: Float[Tensor, " B"] | Int[Tensor, " B"]) -> Float[Tensor, " B"]:
        """Returns log p(x) of each throw in nats, ``(B,)``; −∞ for one that cannot happen."""
        x = _throws(x)
        return torch.xlogy(x, self.theta) + torch.special.xlog1py(1 - x, -self.theta)

    def loss(self, x: Float[Tensor, " B"] | Int[Tensor, " B"]) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per throw."""
        return -self.log_prob(x).mean()

    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, " n"]:
        """Returns ``n`` throws, each 0.0 or 1.0, ``(n,)``."""
        return torch.bernoulli(self.theta.detach().expand(n), generator=generator)


@dataclass(frozen=True)
class Categorical:
    r"""A die with V faces, face v with probability π_v.

    .. math:: p(x) = \prod_v π_v^{[x = v]}, \qquad x ∈ \{0, …, V - 1\}

    Args:
        probs: probability of each face, ``(V,)``, summing to 1; kept as float64.

    Raises:
        ValueError: if a probability is negative or they do not sum to 1.

    Example:
        >>> die = Categorical(probs=torch.full((6,), 1 / 6))
        >>> die.log_prob(torch.tensor([5])).exp()
        tensor([0.1667], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 2.2.
    Deviation: a face is named by its number, not by a one-hot vector.
    Taught in: 01_maximum_likelihood
    """

    probs: Float[Tensor, " V"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "probs", check_probabilities(self.probs, "probs"))

    def log_prob(self, x: Int[Tensor, " B"]) -> Float[Tensor, " B"]:
        """Returns log p(x) of each throw in nats, ``(B,)``; −∞ for a face of probability 0."""
        return self.probs.log()[_faces(x, len(self.probs))]

    def loss(self, x: Int[Tensor, " B"]) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per throw."""
        return -self.log_prob(x).mean()

    def sample(self, n: int, *, generator: Generator | None = None) -> Int[Tensor, " n"]:
        """Returns ``n`` faces, int64 from 0 to V − 1, ``(n,)``."""
        cumulative = self.probs.detach().cumsum(0)
        u = torch.rand(n, dtype=torch.float64, device=cumulative.device, generator=generator) * cumulative[-1]
        return torch.searchsorted(cumulative, u, right=True)  # the face whose share of [0, 1) holds u


def fit_bernoulli(x: Float[Tensor, " N"] | Int[Tensor, " N"]) -> Bernoulli:
    r"""Estimates a coin from its throws: the θ that makes them most probable is the share of ones.

    .. math:: \hat θ = \frac 1 N \sum_n x_n

    Args:
        x: throws, each 0 or 1, ``(N,)``.

    Returns:
        The coin of greatest likelihood.

    Raises:
        ValueError: if there are no throws, or one is neither 0 nor 1.

    Example:
        >>> fit_bernoulli(torch.tensor([1, 0, 1, 0, 1, 1, 0])).theta
        tensor(0.5714, dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 2.7.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """
    return Bernoulli(theta=_throws(x).mean())


def fit_categorical(x: Int[Tensor, " N"], V: int) -> Categorical:
    r"""Estimates a die from its throws: each face's probability is its share of the throws.

    .. math:: \hat π_v = \frac{N_v}{N}

    Args:
        x: faces, int64 from 0 to V − 1, ``(N,)``.
        V: number of faces.

    Returns:
        The die of greatest likelihood; a face that never came up has probability 0.

    Raises:
        ValueError: if there are no throws, or one lies outside 0 … V − 1.

    Example:
        >>> fit_categorical(torch.tensor([0, 2, 2, 1]), V=3).probs
        tensor([0.2500, 0.2500, 0.5000], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 2.33.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """
    counts = torch.bincount(_faces(x, V), minlength=V)
    return Categorical(probs=counts.double() / len(x))


def check_probabilities(p: Float[Tensor, "*shape"], name: str) -> Float[Tensor, "*shape"]:
    """Returns a table of probabilities as float64, or says why it is none.

    Args:
        p: the table, any shape.
        name: what the caller calls it.

    Returns:
        The same table in float64.

    Raises:
        ValueError: if an entry is negative or not finite, or the table does not sum to 1 within 1e-6 (what float32 can hold).

    Example:
        >>> check_probabilities(torch.tensor([0.5, 0.6]), "p")
        Traceback (most recent call last):
        ...
        ValueError: p must sum to 1, sums to 1.1: divide it by its sum
    """
    p = p.double()
    if not (p.isfinite().all() and (p >= 0).all()):
        raise ValueError(f"{name} must hold probabilities, finite and at least 0; its smallest entry is {p.min().item():.6g}")
    if (total := p.sum().item()) and abs(total - 1) <= 1e-6:
        return p
    raise ValueError(f"{name} must sum to 1, sums to {total:.8g}: divide it by its sum")


def _throws(x: Tensor) -> Tensor:
    """The throws of a coin in float64."""
    if x.numel() == 0:
        raise ValueError("x must hold at least one throw, it is empty")
    if not (wrong := x[(x != 0) & (x != 1)]).numel() == 0:
        raise ValueError(f"x must hold only 0 and 1, found {wrong[0].item()}")
    return x.double()


def _faces(x: Tensor, V: int) -> Tensor:
    """The throws of a die in int64."""
    if x.numel() == 0:
        raise ValueError("x must hold at least one throw, it is empty")
    if not (wrong := x[(x < 0) | (x >= V)]).numel() == 0:
        raise ValueError(f"x must hold faces from 0 to {V - 1}, found {wrong[0].item()}")
    return x.long()
