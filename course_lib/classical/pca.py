"""Principal component analysis: the flat subspace in which data spread most, and which loses least of them.

Taught in: 05_pca
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.classical.gaussian import check_rows


@dataclass(frozen=True)
class PCA:
    r"""A flat subspace through the mean, with an orthonormal axis for each direction kept.

    .. math:: z = U^\top (x - μ), \qquad \hat x = μ + U z, \qquad U^\top U = I

    Args:
        mean: μ, ``(D,)``.
        components: the columns of U as rows, ``(K, D)``, orthonormal, the widest first.
        variances: λ, the mean square of each coordinate z_k over the data, ``(K,)``, in the data's unit squared: N in the denominator,
            not N − 1. All three are kept as float64.

    Raises:
        ValueError: if the shapes do not belong together, the components are not orthonormal, or the variances are negative or rise.

    Example:
        >>> line = PCA(torch.zeros(2), torch.tensor([[0.6, 0.8]]), torch.tensor([4.0]))
        >>> line.decode(line.encode(torch.tensor([[3.0, 4.0], [4.0, -3.0]]))).round(decimals=4)
        tensor([[3., 4.],
                [0., 0.]], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 12.1.
    Deviation: none
    Taught in: 05_pca
    """

    mean: Float[Tensor, " D"]
    components: Float[Tensor, "K D"]
    variances: Float[Tensor, " K"]

    def __post_init__(self) -> None:
        mean, components, variances = self.mean.double(), self.components.double(), self.variances.double()
        K = len(variances)
        if components.shape != (K, len(mean)):
            raise ValueError(
                f"mean (D,), components (K, D) and variances (K,) must belong together, "
                f"got {tuple(mean.shape)}, {tuple(components.shape)} and {tuple(variances.shape)}"
            )
        skew = (components @ components.T - torch.eye(K, dtype=torch.float64, device=mean.device)).abs().max()
        if not skew < 1e-6:  # what float32 components keep to
            raise ValueError(f"components must be orthonormal: each of length 1, and at right angles; they miss that by {skew.item():.3g}")
        if not ((variances >= 0).all() and (variances.diff() <= 0).all()):
            raise ValueError(f"variances must be at least 0, the largest first, got {variances.tolist()}")
        for name, value in (("mean", mean), ("components", components), ("variances", variances)):
            object.__setattr__(self, name, value)

    def encode(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        """Returns the coordinates of each row in the subspace, ``(B, K)``."""
        return (x.double() - self.mean) @ self.components.T

    def decode(self, z: Float[Tensor, "B K"]) -> Float[Tensor, "B D"]:
        """Returns the points of the subspace with these coordinates, ``(B, D)``: after ``encode``, the nearest to each row."""
        return self.mean + z.double() @ self.components


def fit_pca(x: Float[Tensor, "N D"], K: int) -> PCA:
    r"""Finds the K directions of largest variance, which are those of least squared reconstruction error.

    .. math:: S = \frac 1 N \sum_n (x_n - \bar x)(x_n - \bar x)^\top, \qquad S u_k = λ_k u_k, \qquad λ_1 ≥ λ_2 ≥ …

    Computed from the singular values of the centred rows, s_k = √(N λ_k), so that small variances keep their digits. Of the two signs of
    an axis the one is taken that makes its largest entry positive.

    Args:
        x: rows, ``(N, D)``.
        K: directions to keep, 1 to min(N, D).

    Returns:
        The subspace. Its variances have N in the denominator: they are maximum-likelihood estimates. scikit-learn's
        ``explained_variance_`` is larger by N / (N − 1).

    Raises:
        ValueError: if a value is not finite, or ``K`` is out of range.

    Example:
        >>> fit_pca(torch.tensor([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]]), 1)  # doctest: +NORMALIZE_WHITESPACE
        PCA(mean=tensor([2., 2.], dtype=torch.float64), components=tensor([[0.7071, 0.7071]], dtype=torch.float64),
            variances=tensor([5.3333], dtype=torch.float64))

    References:
        K. Pearson, On lines and planes of closest fit to systems of points in space, 1901: least error.
        H. Hotelling, Analysis of a complex of statistical variables into principal components, 1933: largest variance.
    Deviation: none
    Taught in: 05_pca
    """
    x = check_rows(x)
    N, D = x.shape
    if not 1 <= K <= min(N, D):
        raise ValueError(f"K must be from 1 to the smaller of rows and columns, {min(N, D)}, got {K}")
    mean = x.mean(0)
    triangle = torch.linalg.qr(x - mean, mode="r").R  # (min(N, D), D), with the singular values and right vectors of the rows
    _, singular, axes = torch.linalg.svd(triangle, full_matrices=False)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return PCA(mean, (axes * largest.sign())[:K], (singular.square() / N)[:K])


def principal_angles(a: Float[Tensor, "D K"], b: Float[Tensor, "D K"]) -> Float[Tensor, " K"]:
    r"""Measures how two subspaces lie to each other.

    .. math:: \cos θ_k = \text{the k-th largest singular value of } Q_a^\top Q_b, \qquad Q \text{ an orthonormal basis}

    Small angles are taken from their sines, the singular values of :math:`Q_b - Q_a Q_a^\top Q_b`: a cosine near 1 has no digits for them.

    Args:
        a: vectors that span the one, as columns, ``(D, K)``; any lengths, any angles between them.
        b: those of the other, ``(D, K)``.

    Returns:
        The K angles in radians, 0 to π/2, rising: all 0 for the same subspace.

    Raises:
        ValueError: if there are more vectors than dimensions, or the vectors of one do not span K dimensions.

    Example:
        >>> line, other = torch.tensor([[1.0], [0.0]]), torch.tensor([[1.0], [1.0]])
        >>> principal_angles(line, other).rad2deg()
        tensor([45.0000], dtype=torch.float64)

    References:
        Å. Björck, G. H. Golub, Numerical methods for computing angles between linear subspaces, 1973.
    Deviation: none
    Taught in: 05_pca
    """
    basis_a, basis_b = _basis(a, "a"), _basis(b, "b")
    overlap = basis_a.T @ basis_b
    cosine = torch.linalg.svdvals(overlap)  # falling
    sine = torch.linalg.svdvals(basis_b - basis_a @ overlap).flip(0)  # rising
    return torch.atan2(sine, cosine)


def _basis(vectors: Tensor, name: str) -> Tensor:
    """An orthonormal basis of what the columns span, (D, K)."""
    D, K = vectors.shape
    left, singular, _ = torch.linalg.svd(vectors.double(), full_matrices=False)
    if K > D or not singular[-1] > D * torch.finfo(torch.float64).eps * singular[0]:
        raise ValueError(f"{name} must have {K} independent columns in {D} dimensions, and they are not")
    return left
