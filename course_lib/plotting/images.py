"""Pictures in a grid, and maps of one number a pixel.

Taught in: 01_maximum_likelihood
"""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_lib.plotting import style


def image_grid(
    images: ArrayLike,
    *,
    columns: int = 10,
    value_range: tuple[float | int, float | int] | None = None,
    row_titles: Sequence[str] = (),
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Shows grey pictures side by side, row after row.

    Args:
        images: ``(N, H, W)`` or ``(N, 1, H, W)``; ink is bright in the array and dark on the page, a missing pixel (nan) is blue.
        columns: pictures in a row.
        value_range: the values drawn white and black; the smallest and largest of all pictures unless given.
        row_titles: one word to the left of each row.
        title: above the grid.
        ax: where to draw.

    Returns:
        The axes.

    Raises:
        ValueError: if ``images`` has another number of axes.
    """
    pictures = np.asarray(images, dtype=float)
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        pictures = pictures[:, 0]
    if pictures.ndim != 3:
        raise ValueError(f"images must be (N, H, W) or (N, 1, H, W), got shape {pictures.shape}")
    count, height, width = pictures.shape
    rows = -(-count // columns)
    low, high = value_range or (np.nanmin(pictures), np.nanmax(pictures))

    gap = max(1, height // 8)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), float(low))
    for i, picture in enumerate(pictures):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture

    inches = min(9.0, 0.75 * columns)
    ax = style.axes(ax, figsize=(inches, inches * sheet.shape[0] / sheet.shape[1] + 0.35 * bool(title)))
    ax.imshow(sheet, cmap=matplotlib.colormaps["gray_r"].with_extremes(bad=style.PALETTE[5]), vmin=low, vmax=high, interpolation="nearest")
    ax.set(xticks=[], title=title, yticks=[i * (height + gap) + height / 2 for i in range(len(row_titles))])
    ax.set_yticklabels(row_titles)
    ax.tick_params(left=False)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax


def heat_map(values: ArrayLike, *, label: str, ax: Axes | None = None) -> Axes:
    """Shows one number a pixel as colour, with its scale.

    Args:
        values: ``(H, W)``.
        label: name and unit of the number.
        ax: where to draw.

    Returns:
        The axes.
    """
    ax = style.axes(ax, figsize=(4.0, 3.2))
    picture = ax.imshow(np.asarray(values), cmap="viridis", interpolation="nearest")
    ax.figure.colorbar(picture, ax=ax, label=label)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    return ax
