"""Non-negative matrix factorisation: each row a sum of parts, nothing ever subtracted.

Taught in: 05_pca
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from course_lib.classical.gaussian import check_rows


@dataclass(frozen=True)
class NMF:
    r"""Parts that are added up, each as strongly as its activation says.

    .. math:: v_{nd} ≈ \sum_{k=1}^K a_{nk}\, p_{kd}, \qquad a, p ≥ 0

    Args:
        parts: p, ``(K, D)``, at least 0; kept as float64.
        beta: what counts as near, see ``beta_divergence``; from 1 to 2.

    Raises:
        ValueError: if a part is negative, not finite or 0 everywhere, or ``beta`` is out of range.

    Example:
        >>> model = NMF(torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
        >>> model.encode(torch.tensor([[2.0, 2.0, 5.0]]))
        tensor([[2., 5.]], dtype=torch.float64)

    References:
        D. D. Lee, H. S. Seung, Learning the parts of objects by non-negative matrix factorization, Nature 401, 1999.
    Deviation: none
    Taught in: 05_pca
    """

    parts: Float[Tensor, "K D"]
    beta: float = 2.0

    def __post_init__(self) -> None:
        parts = _non_negative(self.parts, "parts")
        if not parts.any(1).all():
            raise ValueError(f"each part must be greater than 0 somewhere, part {int((~parts.any(1)).nonzero()[0])} is not")
        if not 1 <= self.beta <= 2:
            raise ValueError(f"beta must be from 1 (Kullback–Leibler) to 2 (Euclidean), got {self.beta}")
        object.__setattr__(self, "parts", parts)

    def encode(self, v: Float[Tensor, "B D"], *, steps: int = 300) -> Float[Tensor, "B K"]:
        """Returns the activations of each row after ``steps`` updates with the parts held still, ``(B, K)``."""
        v = _non_negative(v, "v")
        activations = v.mean(1, keepdim=True) / self.parts.sum(0).mean() * v.new_ones(1, len(self.parts))
        for _ in range(steps):
            activations = update(v, activations, self.parts, self.beta)
        return activations

    def decode(self, activations: Float[Tensor, "B K"]) -> Float[Tensor, "B D"]:
        """Returns the sums of parts, ``(B, D)``."""
        return activations.double() @ self.parts


@dataclass(frozen=True)
class NMFFit:
    """What ``fit_nmf`` found.

    Args:
        model: the parts.
        activations: of the rows it was fitted to, ``(N, K)``.
        objectives: the divergence after each step, the start first, ``(steps + 1,)``.
    """

    model: NMF
    activations: Float[Tensor, "N K"]
    objectives: Float[Tensor, " steps"]


def beta_divergence(v: Float[Tensor, "N D"], approximation: Float[Tensor, "N D"], beta: float) -> Float[Tensor, ""]:
    r"""Measures how far sums of parts are from the data, added up over all entries.

    .. math:: d_2(v \| \hat v) = \tfrac12 (v - \hat v)^2, \qquad d_1(v \| \hat v) = v \log \frac{v}{\hat v} - v + \hat v, \qquad
              d_β = \frac{v^β + (β - 1)\, \hat v^β - β\, v\, \hat v^{β-1}}{β (β - 1)}

    β = 2 is (half) the squared Euclidean distance; β = 1, the generalised Kullback–Leibler divergence, minds small entries more.

    Args:
        v: data, ``(N, D)``, at least 0.
        approximation: v̂, ``(N, D)``, greater than 0 wherever v is.
        beta: from 1 to 2.

    Returns:
        The divergence, 0 only where the two are the same.

    Example:
        >>> v, guess = torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 1.0]])
        >>> beta_divergence(v, guess, 2.0), beta_divergence(v, guess, 1.0)
        (tensor(1.), tensor(1.3069))

    References:
        C. Févotte, J. Idier, Algorithms for nonnegative matrix factorization with the β-divergence, 2011, arXiv:1010.1763.
    Deviation: none
    Taught in: 05_pca
    """
    if beta == 2:
        return 0.5 * (v - approximation).square().sum()  # no digits are lost where the two are near
    if beta == 1:
        return (torch.special.xlogy(v, v) - torch.special.xlogy(v, approximation) - v + approximation).sum()
    return ((v**beta + (beta - 1) * approximation**beta - beta * v * approximation ** (beta - 1)) / (beta * (beta - 1))).sum()


def update(v: Float[Tensor, "N D"], moving: Float[Tensor, "N K"], fixed: Float[Tensor, "K D"], beta: float) -> Float[Tensor, "N K"]:
    r"""Moves one factor, the other held still, so that the divergence does not rise.

    .. math:: a \leftarrow a \odot \frac{(v \odot \hat v^{β-2})\, p^\top}{\hat v^{β-1}\, p^\top}, \qquad \hat v = a\, p

    Gradient descent with a step of its own for each entry: what it multiplies with is never negative, so neither is the result.
    A quotient 0 / 0 belongs to an entry that cannot change the sum, which then stays as it is.

    Args:
        v: data, ``(N, D)``, at least 0.
        moving: the factor to move, ``(N, K)``. To move the parts, hand over the transposes: vᵀ, pᵀ, aᵀ.
        fixed: the other factor, ``(K, D)``.
        beta: from 1 to 2.

    Returns:
        The factor after the step, ``(N, K)``.

    Example:
        >>> update(torch.tensor([[4.0]]), torch.tensor([[1.0]]), torch.tensor([[2.0]]), 2.0)
        tensor([[2.]])

    References:
        D. D. Lee, H. S. Seung, Algorithms for non-negative matrix factorization, NIPS 2000, eq. 4 (β = 2) and eq. 5 (β = 1), with the
        proofs that nothing rises; for β between them Févotte and Idier, 2011, arXiv:1010.1763.
    Deviation: none
    Taught in: 05_pca
    """
    approximation = moving @ fixed
    if beta == 2:
        above, below = v @ fixed.T, approximation @ fixed.T
    elif beta == 1:
        above, below = torch.where(v > 0, v / approximation, 0.0) @ fixed.T, fixed.sum(1).expand_as(moving)
    else:
        above = torch.where(v > 0, v * approximation ** (beta - 2), 0.0) @ fixed.T
        below = approximation ** (beta - 1) @ fixed.T
    return moving * torch.where(below > 0, above / below, 1.0)


def fit_nmf(
    v: Float[Tensor, "N D"],
    K: int,
    *,
    beta: float = 2.0,
    steps: int = 300,
    generator: Generator | None = None,
    start: tuple[Float[Tensor, "N K"], Float[Tensor, "K D"]] | None = None,
) -> NMFFit:
    """Factorises non-negative rows: activations and parts are updated in turn.

    It ends in a local minimum, another one from another start; a part may be made larger and its activations smaller by the same factor.

    Args:
        v: rows, ``(N, D)``, at least 0, not all 0.
        K: number of parts, at least 1.
        beta: what counts as near, see ``beta_divergence``; from 1 to 2.
        steps: updates of each factor.
        generator: source of chance for the start.
        start: activations and parts to start from, greater than 0; |N(0, 1)|, scaled to the mean of ``v``, unless given.

    Returns:
        The parts, the activations, and the divergence after each step.

    Raises:
        ValueError: if ``v`` has a negative entry or only zeros, an argument is out of range, or the start is not positive.

    Example:
        >>> v = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0], [3.0, 3.0, 2.0]])
        >>> fit = fit_nmf(v, 2, generator=torch.Generator().manual_seed(0))
        >>> fit.model.decode(fit.activations).round(decimals=1)
        tensor([[1., 1., 0.],
                [0., 0., 2.],
                [3., 3., 2.]], dtype=torch.float64)

    References: those of ``update``.
    Deviation: none
    Taught in: 05_pca
    """
    v = _non_negative(v, "v")
    if not v.any():
        raise ValueError("v must be greater than 0 somewhere, it is 0 everywhere")
    if K < 1 or steps < 0:
        raise ValueError(f"K must be at least 1 and steps at least 0, got {K} and {steps}")
    if start is None:
        sizes, scale = ((len(v), K), (K, v.shape[1])), (v.mean() / K).sqrt()
        start = tuple(scale * torch.randn(size, dtype=torch.float64, device=v.device, generator=generator).abs() for size in sizes)
    activations, parts = (factor.double() for factor in start)
    if activations.shape != (len(v), K) or parts.shape != (K, v.shape[1]) or not ((activations > 0).all() and (parts > 0).all()):
        raise ValueError(f"start must be activations ({len(v)}, {K}) and parts ({K}, {v.shape[1]}), all greater than 0")
    NMF(parts, beta)  # refuses a beta out of range before the work
    objectives = [beta_divergence(v, activations @ parts, beta)]
    for _ in range(steps):
        activations = update(v, activations, parts, beta)
        parts = update(v.T, parts.T, activations.T, beta).T
        objectives.append(beta_divergence(v, activations @ parts, beta))
    return NMFFit(NMF(parts, beta), activations, torch.stack(objectives))


def _non_negative(values: Tensor, name: str) -> Tensor:
    """The values in float64, none below 0."""
    values = check_rows(values)
    if (values < 0).any():
        row, column = (values < 0).nonzero()[0].tolist()
        raise ValueError(f"{name} must be at least 0 everywhere, entry [{row}, {column}] is {values[row, column].item():.6g}")
    return values
