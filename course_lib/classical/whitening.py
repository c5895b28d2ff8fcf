r"""Whitening: turn and stretch data until no two of their columns are correlated.

Taught in: 06_ica
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from course_lib.classical.gaussian import check_rows, is_singular


def whiten(x: Float[Tensor, "N D"]) -> tuple[Float64[Tensor, "N D"], Float64[Tensor, "D D"]]:
    r"""Turns and stretches the data until their covariance is the identity.

    .. math:: z = V(x - \bar x), \qquad V = Λ^{-1/2} E^\top S^{-1}, \qquad \operatorname{cov}(x) = S\, (E Λ E^\top)\, S

    with S the columns' standard deviations on a diagonal: sensors of different units cost no precision.

    What is left between z and independent sources of variance 1 is a rotation.

    Args:
        x: data, ``(N, D)``.

    Returns:
        z, ``(N, D)``, and V, ``(D, D)``.

    Raises:
        ValueError: if ``x`` is not finite, or does not fill its D dimensions.

    Example:
        >>> z, V = whiten(torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]]))
        >>> z.T @ z / 4
        tensor([[1., 0.],
                [0., 1.]], dtype=torch.float64)

    References:
        A. Hyvärinen, E. Oja, Independent Component Analysis: Algorithms and Applications, 2000, section 5.2.
    Deviation: of the correlations, not the covariance; without the last turn E back to the data's axes.
    Taught in: 06_ica
    """
    x = check_rows(x)
    centred = x - x.mean(0)
    V = whitening_matrix(centred.T @ centred / len(x))
    return centred @ V.T, V


def whitening_matrix(covariance: Float64[Tensor, "D D"]) -> Float64[Tensor, "D D"]:
    """Returns V = Λ^(−½) Eᵀ S⁻¹ of a covariance S E Λ Eᵀ S, S its standard deviations.

    Raises:
        ValueError: if the covariance is singular.
    """
    scales = covariance.diagonal().sqrt()
    if is_singular(covariance, torch.where(scales > 0, scales, 1.0)):
        raise ValueError(
            f"x must fill its {len(scales)} dimensions, and its rows do not: as many sources as sensors cannot be found. "
            "Give more rows, or leave out columns that are constant or a combination of others"
        )
    variances, directions = torch.linalg.eigh(covariance / (scales[:, None] * scales))
    return directions.T / variances.sqrt()[:, None] / scales
