"""Points in the plane (and one roll in space) whose shape the eye knows, so that a wrong model is seen at once.

Each set is a formula and a random generator. Where the density is known it is given too, as the truth to compare a learned one with.

Taught in: 02_gaussian_mixtures
"""

import math

import torch
from jaxtyping import Float64
from torch import Generator, Tensor


def moons(n: int, *, generator: Generator, noise: float = 0.1) -> Float64[Tensor, "n 2"]:
    """Draws points near two half circles that reach into each other.

    (cos a, sin a) or (1 − cos a, ½ − sin a) with equal chance,  a ~ Uniform[0, π),  plus noise · N(0, I)

    Args:
        n: number of points.
        generator: where the randomness comes from.
        noise: standard deviation around the half circles.

    Returns:
        The points, in no order.

    Raises:
        ValueError: if ``n`` is below 1 or ``noise`` below 0.

    Example:
        >>> moons(500, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([500, 2])

    Taught in: 02_gaussian_mixtures
    """
    _require(n=n, noise=noise)
    angle = math.pi * _uniform(n, generator)
    arc = torch.stack([angle.cos(), angle.sin()], 1)  # (n, 2)
    lower = _uniform(n, generator)[:, None] < 0.5
    return torch.where(lower, torch.tensor([1.0, 0.5]) - arc, arc) + noise * _normal(n, 2, generator)


def rings(n: int, *, generator: Generator, number: int = 2, noise: float = 0.1) -> Float64[Tensor, "n 2"]:
    """Draws points near circles of radius 1, 2, … about the origin: no Gaussian mixture of few components fits them.

    k (cos a, sin a),  k ~ Uniform{1 … number},  a ~ Uniform[0, 2π),  plus noise · N(0, I)

    Args:
        n: number of points.
        generator: where the randomness comes from.
        number: number of circles.
        noise: standard deviation around the circles.

    Returns:
        The points, in no order.

    Raises:
        ValueError: if ``n`` or ``number`` is below 1 or ``noise`` below 0.

    Example:
        >>> rings(500, generator=torch.Generator().manual_seed(0), noise=0.0).norm(dim=1).round().unique()
        tensor([1., 2.], dtype=torch.float64)

    Taught in: 02_gaussian_mixtures
    """
    _require(n=n, number=number, noise=noise)
    angle = 2 * math.pi * _uniform(n, generator)
    radius = 1 + torch.randint(number, (n,), generator=generator)
    return radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1) + noise * _normal(n, 2, generator)


def swiss_roll(n: int, *, generator: Generator, noise: float = 0.0) -> Float64[Tensor, "n 3"]:
    """Draws points on a sheet rolled up in space: flat inside, curved outside.

    (a cos a, 21 h, a sin a),  a = 3π/2 · (1 + 2u),  u, h ~ Uniform[0, 1),  plus noise · N(0, I)

    Args:
        n: number of points.
        generator: where the randomness comes from.
        noise: standard deviation around the sheet.

    Returns:
        The points, in no order.

    Raises:
        ValueError: if ``n`` is below 1 or ``noise`` below 0.

    Example:
        >>> swiss_roll(500, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([500, 3])

    References:
        Tenenbaum, de Silva, Langford, "A global geometric framework for nonlinear dimensionality reduction", 2000,
        doi:10.1126/science.290.5500.2319.

    Taught in: 05_pca
    """
    _require(n=n, noise=noise)
    angle = 1.5 * math.pi * (1 + 2 * _uniform(n, generator))
    height = 21 * _uniform(n, generator)
    return torch.stack([angle * angle.cos(), height, angle * angle.sin()], 1) + noise * _normal(n, 3, generator)


def checkerboard(n: int, *, generator: Generator, squares: int = 4) -> Float64[Tensor, "n 2"]:
    """Draws points uniformly from the dark squares of a board of ``squares`` × ``squares`` unit squares about the origin.

    Args:
        n: number of points.
        generator: where the randomness comes from.
        squares: squares along a side, an even number, so that half of them are dark.

    Returns:
        The points, in no order; their exact density is ``checkerboard_log_prob``.

    Raises:
        ValueError: if ``n`` is below 1 or ``squares`` is not an even number of at least 2.

    Example:
        >>> x = checkerboard(500, generator=torch.Generator().manual_seed(0))
        >>> float(x.abs().max()) <= 2.0
        True

    Taught in: 02_gaussian_mixtures
    """
    _require(n=n, squares=squares)
    row = torch.randint(squares, (n,), generator=generator)
    column = 2 * torch.randint(squares // 2, (n,), generator=generator) + row % 2  # row + column even: dark
    corner = torch.stack([column, row], 1) - squares / 2
    return corner + torch.rand(n, 2, generator=generator, dtype=torch.float64)


def checkerboard_log_prob(x: Float64[Tensor, "B 2"], *, squares: int = 4) -> Float64[Tensor, " B"]:
    """The exact log density of the checkerboard: − log(squares² / 2) on dark squares, −∞ elsewhere.

    Args:
        x: points.
        squares: squares along a side, as for ``checkerboard``.

    Returns:
        Log density of each point, nats.

    Raises:
        ValueError: if ``squares`` is not an even number of at least 2.

    Example:
        >>> checkerboard_log_prob(torch.tensor([[0.5, 0.5], [0.5, -0.5]], dtype=torch.float64)).exp()
        tensor([0.1250, 0.0000], dtype=torch.float64)

    Taught in: 02_gaussian_mixtures
    """
    _require(squares=squares)
    cell = (x + squares / 2).floor()  # (B, 2) column and row
    dark = (cell.sum(1) % 2 == 0) & (cell >= 0).all(1) & (cell < squares).all(1)
    return torch.full_like(x[:, 0], -math.log(squares**2 / 2)).masked_fill(~dark, -math.inf)


def gaussian_blobs(n: int, *, generator: Generator, number: int = 8, radius: float = 2.0, spread: float = 0.2) -> Float64[Tensor, "n 2"]:
    """Draws points from a mixture of round Gaussians on a circle.

    p(x) = (1 / number) Σ_k N(x; μ_k, spread² I),  μ = ``blob_centres(number=number, radius=radius)``

    Args:
        n: number of points.
        generator: where the randomness comes from.
        number: number of Gaussians.
        radius: distance of their centres from the origin.
        spread: standard deviation of each.

    Returns:
        The points, in no order.

    Raises:
        ValueError: if ``n`` or ``number`` is below 1, or ``radius`` or ``spread`` below 0.

    Example:
        >>> gaussian_blobs(500, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([500, 2])

    Taught in: 02_gaussian_mixtures
    """
    _require(n=n, number=number, radius=radius, spread=spread)
    which = torch.randint(number, (n,), generator=generator)
    return blob_centres(number=number, radius=radius)[which] + spread * _normal(n, 2, generator)


def blob_centres(*, number: int = 8, radius: float = 2.0) -> Float64[Tensor, "number 2"]:
    """The true means of ``gaussian_blobs``: evenly round the circle, the first on the right.

    Example:
        >>> blob_centres(number=2, radius=3.0).round() + 0.0
        tensor([[ 3.,  0.],
                [-3.,  0.]], dtype=torch.float64)

    Taught in: 02_gaussian_mixtures
    """
    _require(number=number, radius=radius)
    angle = 2 * math.pi * torch.arange(number, dtype=torch.float64) / number
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


def _require(**numbers: int | float) -> None:
    for name, value in numbers.items():
        if name in ("n", "number") and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
        if name == "squares" and (value < 2 or value % 2):
            raise ValueError(f"squares must be an even number of at least 2, got {value}")
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be at least 0, got {value}")


def _uniform(n: int, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator, dtype=torch.float64)


def _normal(n: int, axes: int, generator: Generator) -> Tensor:
    return torch.randn(n, axes, generator=generator, dtype=torch.float64)
