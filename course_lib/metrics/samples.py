"""Whether drawn data look like real ones: how far off they lie, whether a judge can tell them apart, whether a reader can read them.

Taught in: 05_pca, 07_neural_networks
"""

import torch
from jaxtyping import Float
from torch import Tensor

_ROWS_AT_ONCE = 1024  # keeps the table of distances small


def nearest_distance(x: Float[Tensor, "B D"], reference: Float[Tensor, "N D"]) -> Float[Tensor, " B"]:
    r"""Measures how far each row lies from the nearest of a set.

    .. math:: \min_n \| x_b - r_n \|

    Where the set covers a surface densely, this is the distance from the surface, up to half the spacing of the set.

    Args:
        x: rows, ``(B, D)``.
        reference: the set, ``(N, D)``.

    Returns:
        The distances, ``(B,)``, in the data's unit.

    Raises:
        ValueError: if the set is empty.

    Example:
        >>> nearest_distance(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 0.0], [9.0, 9.0]]))
        tensor([5.])

    References: none needed: it is the definition.
    Deviation: none
    Taught in: 05_pca
    """
    if len(reference) == 0:
        raise ValueError("reference must hold at least one row, it is empty")
    return torch.cat([torch.cdist(rows, reference).amin(1) for rows in x.split(_ROWS_AT_ONCE)]) if len(x) else x.new_zeros(0)


def nearest_neighbour_accuracy(real: Float[Tensor, "N D"], drawn: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    r"""Asks a judge to tell drawn rows from real ones, by the company that each keeps.

    Every row is called real or drawn as its nearest neighbour among all the others is. Where the two come from one distribution the
    neighbours say nothing, and the judge is right half of the time; where they differ it is right more often, up to always.
    Below one half means copies: the nearest neighbour of a drawn row is then the real one that it was copied from.

    Args:
        real: rows, ``(N, D)``.
        drawn: as many drawn ones, ``(N, D)``.

    Returns:
        The share of rows that the judge gets right, 0 to 1; around ½ with a standard deviation of a little over 1 / (2√(2N)) if
        the two are alike.

    Raises:
        ValueError: if there are not equally many of both, or none.

    Example:
        >>> real = torch.arange(4.0)[:, None]
        >>> nearest_neighbour_accuracy(real, real + 100), nearest_neighbour_accuracy(real, real + 0.1)
        (tensor(1.), tensor(0.))

    References:
        D. Lopez-Paz, M. Oquab, Revisiting classifier two-sample tests, 2017, arXiv:1610.06545: with a neighbour left out as the judge;
        J. H. Friedman, L. C. Rafsky, Multivariate generalizations of the Wald–Wolfowitz and Smirnov two-sample tests, 1979: its ancestor.
    Deviation: none
    Taught in: 05_pca
    """
    if len(real) != len(drawn) or len(real) == 0:
        raise ValueError(f"real and drawn must be equally many rows, at least one, got {len(real)} and {len(drawn)}")
    rows = torch.cat([real, drawn])
    is_real = torch.arange(len(rows), device=rows.device) < len(real)
    right = []
    for chunk in torch.arange(len(rows), device=rows.device).split(_ROWS_AT_ONCE):
        distance = torch.cdist(rows[chunk], rows)
        distance[torch.arange(len(chunk), device=rows.device), chunk] = torch.inf  # nobody is a witness of oneself
        right.append(is_real[distance.argmin(1)] == is_real[chunk])
    return torch.cat(right).to(rows.dtype).mean()


def recognised_share(probabilities: Float[Tensor, "B V"], *, confidence: float = 0.9) -> Float[Tensor, ""]:
    r"""Counts the pictures in which a classifier sees one of its classes for sure.

    .. math:: \frac 1 B \sum_b \big[ \max_v p(v \mid x_b) > c \big]

    It says nothing of variety: a model that draws one perfect digit for ever is recognised always. See ``effective_classes``.

    Args:
        probabilities: of each class, ``(B, V)``; what a row lacks to 1 belongs to "none of these".
        confidence: c, the least probability that counts as sure.

    Returns:
        The share, 0 to 1.

    Raises:
        ValueError: if there is no row, or ``confidence`` is not a probability.

    Example:
        >>> recognised_share(torch.tensor([[0.95, 0.05], [0.5, 0.5], [0.01, 0.02]]))
        tensor(0.3333)

    References:
        none needed: a share. As a measure of generators, the idea that a good drawing has one clear class is that of T. Salimans et al.,
        "Improved techniques for training GANs", 2016, arXiv:1606.03498, whose score is exp E[KL(p(v | x) ‖ p(v))].
    Deviation: clearness and variety are kept apart, here and in ``effective_classes``; the score of the reference multiplies them.
    Taught in: 07_neural_networks
    """
    if len(probabilities) == 0:
        raise ValueError("probabilities must hold at least one row, they are empty")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    return (probabilities.amax(1) > confidence).to(probabilities.dtype).mean()


def effective_classes(probabilities: Float[Tensor, "B V"]) -> Float[Tensor, ""]:
    r"""Says over how many classes drawn pictures are spread: V if evenly over all, 1 if all show the same.

    .. math:: \exp H(q), \qquad q_v \propto \sum_b p(v \mid x_b)

    Args:
        probabilities: of each class, ``(B, V)``; what a row lacks to 1 belongs to "none of these", and is left out.

    Returns:
        A number from 1 to V: the perplexity of the class.

    Raises:
        ValueError: if no row shows any class.

    Example:
        >>> effective_classes(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
        tensor(2.)

    References: T. Salimans et al., 2016, as above: H(q) is the half of their score that rewards variety.
    Deviation: see ``recognised_share``.
    Taught in: 07_neural_networks
    """
    total = probabilities.sum(0)
    if not total.sum() > 0:
        raise ValueError(f"probabilities must show a class somewhere, got {len(probabilities)} rows that sum to 0")
    q = total / total.sum()
    return torch.special.entr(q).sum().exp()
