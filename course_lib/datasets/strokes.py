"""Digits and a few kana drawn by code with one pen, so that what varies is known: slant, thickness, size and place.

A character is a few smooth pieces through control points, in a box of height 1 with y downwards. A drawing bends it a little, then slants,
sizes and shifts it, and inks every pixel by its distance from the line. The affine part is taken out of the bends, so the factors remain true.

    drawn = strokes.draw(1000, side=16, generator=run.generator())
    slant = drawn.factors[:, strokes.FACTOR_NAMES.index("slant")]

Taught in: 08_convolutional_networks
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64, UInt8
from torch import Generator, Tensor

DIGITS = "0123456789"
KANA = "いうくこしつてとのりろん"
FACTOR_NAMES = ("slant", "thickness", "size", "x", "y")
FACTOR_RANGES = ((-0.35, 0.35), (0.08, 0.15), (0.55, 0.75), (-0.05, 0.05), (-0.04, 0.04))
_WOBBLE = 0.05  # standard deviation of a control point's place, before the affine part is taken out
_ROWS_AT_ONCE = 256  # distances of so many pictures fit into a processor's cache

# Smooth pieces through (x, y); points that coincide are one, so that pieces stay joined. A piece that ends where it began is closed.
_SHAPES = {
    "0": [[(0, -0.5), (-0.24, -0.32), (-0.31, 0), (-0.24, 0.32), (0, 0.5), (0.24, 0.32), (0.31, 0), (0.24, -0.32), (0, -0.5)]],
    "1": [[(-0.2, -0.28), (-0.06, -0.38), (0.05, -0.5)], [(0.05, -0.5), (0.05, -0.17), (0.05, 0.17), (0.05, 0.5)]],
    "2": [
        [(-0.3, -0.26), (-0.2, -0.44), (0.02, -0.5), (0.25, -0.41), (0.28, -0.2), (0.08, 0.1), (-0.13, 0.31), (-0.32, 0.5)],
        [(-0.32, 0.5), (0, 0.49), (0.34, 0.5)],
    ],
    "3": [
        [(-0.28, -0.38), (-0.04, -0.5), (0.22, -0.4), (0.23, -0.18), (-0.06, -0.04)],
        [(-0.06, -0.04), (0.26, 0.08), (0.29, 0.31), (0.02, 0.5), (-0.31, 0.37)],
    ],
    "4": [[(0.12, -0.5), (-0.12, -0.15), (-0.36, 0.19)], [(-0.36, 0.19), (0, 0.19), (0.36, 0.19)], [(0.12, -0.5), (0.12, 0), (0.12, 0.5)]],
    "5": [
        [(0.29, -0.5), (0, -0.5), (-0.22, -0.5)],
        [(-0.22, -0.5), (-0.24, -0.3), (-0.26, -0.05)],
        [(-0.26, -0.05), (-0.05, -0.14), (0.23, -0.04), (0.31, 0.2), (0.16, 0.43), (-0.07, 0.5), (-0.3, 0.4)],
    ],
    "6": [[(0.22, -0.5), (-0.08, -0.36), (-0.27, -0.02), (-0.26, 0.31), (0, 0.5), (0.27, 0.34), (0.25, 0.06), (0, -0.04), (-0.27, 0.16)]],
    "7": [[(-0.31, -0.5), (0, -0.49), (0.32, -0.5)], [(0.32, -0.5), (0.12, -0.15), (0, 0.17), (-0.1, 0.5)]],
    "8": [
        [
            (0, -0.06),
            (-0.24, -0.24),
            (-0.19, -0.43),
            (0, -0.5),
            (0.19, -0.43),
            (0.24, -0.24),
            (0, -0.06),
            (-0.28, 0.19),
            (-0.22, 0.42),
            (0, 0.5),
            (0.22, 0.42),
            (0.28, 0.19),
            (0, -0.06),
        ]
    ],
    "9": [[(0.26, -0.16), (0, 0.04), (-0.26, -0.07), (-0.25, -0.33), (0, -0.5), (0.25, -0.36), (0.27, -0.1), (0.16, 0.22), (-0.06, 0.5)]],
    "い": [[(-0.38, -0.32), (-0.37, 0.06), (-0.22, 0.36), (-0.08, 0.16)], [(0.22, -0.26), (0.36, -0.06), (0.4, 0.2)]],
    "う": [[(-0.14, -0.48), (0.02, -0.45), (0.18, -0.4)], [(-0.3, -0.02), (0, -0.17), (0.27, -0.08), (0.26, 0.2), (0, 0.5)]],
    "く": [[(0.2, -0.48), (-0.02, -0.23), (-0.23, 0)], [(-0.23, 0), (0.02, 0.22), (0.23, 0.48)]],
    "こ": [[(-0.3, -0.38), (0, -0.38), (0.28, -0.34)], [(-0.34, 0.14), (-0.24, 0.34), (0.02, 0.4), (0.36, 0.36)]],
    "し": [[(-0.2, -0.48), (-0.22, -0.1), (-0.18, 0.28), (0, 0.47), (0.2, 0.38), (0.34, 0.16)]],
    "つ": [[(-0.45, -0.12), (-0.15, -0.26), (0.2, -0.28), (0.42, -0.04), (0.26, 0.24), (-0.1, 0.36)]],
    "て": [[(-0.42, -0.36), (0, -0.4), (0.4, -0.44)], [(0.4, -0.44), (0.08, -0.22), (-0.06, 0.08), (0.06, 0.36), (0.28, 0.46)]],
    "と": [[(-0.18, -0.48), (-0.14, -0.22), (-0.08, 0)], [(0.32, -0.26), (-0.08, 0), (-0.32, 0.22), (-0.16, 0.44), (0.36, 0.42)]],
    "の": [
        [
            (0.06, -0.4),
            (0, 0),
            (-0.16, 0.26),
            (-0.34, 0.22),
            (-0.4, 0),
            (-0.26, -0.28),
            (0.06, -0.4),
            (0.36, -0.2),
            (0.38, 0.14),
            (0.1, 0.4),
        ]
    ],
    "り": [[(-0.24, -0.42), (-0.27, -0.12), (-0.2, 0.1)], [(0.2, -0.48), (0.27, -0.1), (0.19, 0.24), (-0.06, 0.5)]],
    "ろ": [
        [(-0.26, -0.45), (0, -0.45), (0.24, -0.47)],
        [(0.24, -0.47), (-0.06, -0.16), (-0.36, 0.16)],
        [(-0.36, 0.16), (0, -0.05), (0.33, 0.08), (0.3, 0.34), (-0.04, 0.49)],
    ],
    "ん": [
        [(0.06, -0.49), (-0.2, 0), (-0.43, 0.46)],
        [(-0.43, 0.46), (-0.22, 0.1), (-0.02, 0.02), (0.06, 0.36), (0.24, 0.42), (0.44, 0.1)],
    ],
}


@dataclass(frozen=True)
class Strokes:
    """Drawn characters, and everything that is known of them.

    ``images`` hold ink 255 on paper 0; ``labels`` index ``classes``; ``factors`` are in the order of ``factor_names``: the tangent of the
    slant (above 0: the top leans to the right), then, as shares of the picture's side, the pen's width, the height of the character's box,
    and how far its centre lies right of and below the picture's.
    """

    images: UInt8[Tensor, "N 1 side side"]
    labels: Int64[Tensor, " N"]
    classes: tuple[str, ...]
    factors: Float64[Tensor, "N 5"]
    levels: int = 256
    factor_names: tuple[str, ...] = FACTOR_NAMES


def draw(
    n: int, *, side: int = 16, characters: str = DIGITS, generator: Generator, factors: Float64[Tensor, "n 5"] | None = None
) -> Strokes:
    """Draws characters, each with equal chance, every one bent, slanted, sized and placed a little differently.

    p ← size · (p_x − slant · p_y, p_y) + (x, y),  ink = clip(½ + side · (thickness / 2 − distance to the line), 0, 1)

    Args:
        n: number of pictures.
        side: height and width, pixels.
        characters: which to draw, of ``DIGITS + KANA``; their order is that of the classes.
        generator: where the randomness comes from.
        factors: one row a picture, as in ``Strokes``; uniform in ``FACTOR_RANGES`` and independent unless given.

    Returns:
        The pictures with their labels and factors.

    Raises:
        ValueError: if ``n`` is below 1, ``side`` below 8, a character unknown or twice there, or a factor impossible.

    Example:
        >>> drawn = draw(5, characters="のし", generator=torch.Generator().manual_seed(0))
        >>> drawn.images.shape, drawn.classes
        (torch.Size([5, 1, 16, 16]), ('の', 'し'))

    Taught in: 08_convolutional_networks
    """
    _refuse(n, side, characters)
    labels = torch.randint(len(characters), (n,), generator=generator)
    if factors is None:
        low, high = torch.tensor(FACTOR_RANGES, dtype=torch.float64).T
        factors = low + (high - low) * torch.rand(n, 5, generator=generator, dtype=torch.float64)
    _refuse_factors(factors)
    images = torch.empty(n, 1, side, side, dtype=torch.uint8)
    for label, character in enumerate(characters):
        points, bend, pieces = _skeleton(character)
        for rows in (labels == label).nonzero()[:, 0].split(_ROWS_AT_ONCE):
            bends = _WOBBLE * torch.randn(len(rows), bend.shape[1], 2, generator=generator, dtype=torch.float64)
            images[rows, 0] = _ink(points + bend @ bends, pieces, factors[rows], side)
    return Strokes(images, labels, tuple(characters), factors)


def render(
    character: str,
    *,
    slant: float | int = 0.0,
    thickness: float | int = 0.11,
    size: float | int = 0.65,
    x: float | int = 0.0,
    y: float | int = 0.0,
    side: int = 16,
) -> UInt8[Tensor, "1 side side"]:
    """Draws one character without any wobble.

    Args:
        character: one of ``DIGITS + KANA``.
        slant: tangent of the angle by which the top leans to the right.
        thickness: the pen's width, as a share of the side.
        size: height of the character's box, as a share of the side.
        x: how far its centre lies right of the picture's, as a share of the side.
        y: how far it lies below.
        side: height and width, pixels.

    Returns:
        The picture, ink 255 on paper 0.

    Raises:
        ValueError: as for ``draw``.

    Example:
        >>> for row in render("7", side=10)[0, 1:] > 127:
        ...     print("".join("·#"[ink] for ink in row.tolist()))
        ··######··
        ······#···
        ·····##···
        ·····#····
        ·····#····
        ····#·····
        ····#·····
        ····#·····
        ··········

    Taught in: 08_convolutional_networks
    """
    _refuse(1, side, character)
    factors = torch.tensor([[slant, thickness, size, x, y]], dtype=torch.float64)
    _refuse_factors(factors)
    points, _, pieces = _skeleton(character)
    return _ink(points[None], pieces, factors, side)


def _skeleton(character: str) -> tuple[Tensor, Tensor, Tensor]:
    """Points (P, 2) along a character, how they move with its control points (P, K), and which pairs of them the pen joins (2, S)."""
    pieces = _SHAPES[character]
    places = list(dict.fromkeys(place for piece in pieces for place in piece))
    control = torch.tensor(places, dtype=torch.float64)
    blends = [_blend([places.index(place) for place in piece], len(places)) for piece in pieces]
    blend = torch.cat(blends)  # (P, K): points = blend @ control
    first = torch.arange(len(blend) - 1)
    last = torch.tensor([len(part) for part in blends]).cumsum(0)[:-1] - 1
    first = first[~torch.isin(first, last)]  # no line from one piece's end to the next one's beginning
    points = blend @ control
    pieces = torch.stack([first, first + 1])
    length = (points[first + 1] - points[first]).norm(dim=1)
    ink = torch.zeros(len(points), dtype=torch.float64).index_add(0, pieces.flatten(), length.repeat(2) / 2)[:, None].sqrt()
    affine = torch.cat([torch.ones_like(ink), points], 1)  # shifts, slants and sizes are combinations of these columns
    bend = blend - affine @ torch.linalg.lstsq(ink * affine, ink * blend).solution
    return points, bend, pieces


def _blend(order: list[int], count: int, per_span: int = 3) -> Tensor:
    """Weights (P, count) of the control points along a Catmull–Rom curve through those in ``order``."""
    unit = torch.eye(count, dtype=torch.float64)
    through = unit[order]
    before, after = (
        (unit[order[-2]], unit[order[1]]) if order[0] == order[-1] else (2 * through[0] - through[1], 2 * through[-1] - through[-2])
    )
    p = torch.cat([before[None], through, after[None]])
    t = torch.arange(per_span, dtype=torch.float64)[:, None, None] / per_span  # (per_span, 1, 1)
    p0, p1, p2, p3 = p[:-3], p[1:-2], p[2:-1], p[3:]
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))  # (per_span, spans, count)
    return torch.cat([curve.transpose(0, 1).flatten(0, 1), through[-1:]])


def _ink(points: Tensor, pieces: Tensor, factors: Tensor, side: int) -> Tensor:
    """Inks pixels by their distance from the line: points (B, P, 2) to (B, side, side) whole levels."""
    slant, thickness, size, x, y = factors.float()[:, :, None].unbind(1)  # each (B, 1)
    across, down = points.float().unbind(2)
    placed = torch.stack([size * (across - slant * down) + x, size * down + y], 2)
    begin, end = placed[:, pieces[0]], placed[:, pieces[1]]  # (B, S, 2)
    middle = (torch.arange(side) + 0.5) / side - 0.5
    pixel = torch.stack([middle.repeat(side), middle.repeat_interleave(side), torch.ones(side**2)])  # (3, side²): x, y, 1
    length = (end - begin).norm(dim=2, keepdim=True)
    ahead = (end - begin) / length  # (B, S, 2), unit vectors
    aside = torch.stack([-ahead[:, :, 1], ahead[:, :, 0]], 2)
    from_centre = [
        torch.cat([axis, -(axis * (begin + end) / 2).sum(2, keepdim=True)], 2) @ pixel for axis in (ahead, aside)
    ]  # (B, S, side²)
    beyond = from_centre[0].abs_().sub_(length / 2).clamp_(min=0)  # past the piece's ends
    distance = from_centre[1].square_().addcmul_(beyond, beyond).amin(1).sqrt()  # (B, side²) to the nearest piece
    share = (0.5 + side * (thickness / 2 - distance)).clamp(0, 1)
    return (255 * share).round().to(torch.uint8).reshape(-1, side, side)


def _refuse(n: int, side: int, characters: str) -> None:
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    if side < 8:
        raise ValueError(f"side must be at least 8 pixels, got {side}")
    if not characters or len(set(characters)) < len(characters) or set(characters) - set(_SHAPES):
        raise ValueError(f"characters must be some of {DIGITS + KANA}, each once, got {characters!r}")


def _refuse_factors(factors: Tensor) -> None:
    if not factors.isfinite().all():
        raise ValueError("factors must be finite, got one that is not")
    for column, what in ((1, "thickness"), (2, "size")):
        if not (factors[:, column] > 0).all():
            raise ValueError(f"{what} must be above 0, got {float(factors[:, column].min())}")
