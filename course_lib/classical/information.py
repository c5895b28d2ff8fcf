r"""Entropy, cross-entropy, Kullback–Leibler divergence and mutual information of probability tables, in nats.

They tell one story: the mean code length that data costs under a model is its entropy plus the price of a wrong model,
so the model of greatest likelihood is the one at the smallest divergence from the data.

.. math:: H(p, q) = H(p) + \mathrm{KL}(p ‖ q)

Taught in: 01_maximum_likelihood
"""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.classical.discrete import check_probabilities


def entropy(p: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    r"""Returns how uncertain a draw from p is.

    .. math:: H(p) = -\sum_x p(x) \log p(x), \qquad 0 \log 0 = 0

    Args:
        p: probability table of any shape, sums to 1.

    Returns:
        The entropy in nats, a scalar between 0 and the logarithm of the number of entries.

    Raises:
        ValueError: if ``p`` is no probability table.

    Example:
        >>> entropy(torch.tensor([0.5, 0.5]))
        tensor(0.6931, dtype=torch.float64)

    References:
        C. E. Shannon, A Mathematical Theory of Communication, 1948, section 6.
    Deviation: nats, not bits.
    Taught in: 01_maximum_likelihood
    """
    return torch.special.entr(check_probabilities(p, "p")).sum()


def cross_entropy(p: Float[Tensor, "*shape"], q: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    r"""Returns what data from p costs when coded, or predicted, with q.

    .. math:: H(p, q) = -\sum_x p(x) \log q(x)

    Args:
        p: the data's probability table.
        q: the model's, of the same shape.

    Returns:
        The cross-entropy in nats, at least the entropy of p; ∞ where q rules out what p allows.

    Raises:
        ValueError: if one is no probability table, or the shapes differ.

    Example:
        >>> cross_entropy(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5]))
        tensor(0.6931, dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 1.6.1.
    Deviation: none
    Taught in: 01_maximum_likelihood
    """
    p, q = _pair(p, q)
    return -torch.xlogy(p, q).sum()


def kl_divergence(p: Float[Tensor, "*shape"], q: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    r"""Returns the price of taking q for p: never negative, and 0 only where they are the same.

    .. math:: \mathrm{KL}(p ‖ q) = \sum_x p(x) \log \frac{p(x)}{q(x)}

    Args:
        p: the data's probability table.
        q: the model's, of the same shape.

    Returns:
        The divergence in nats; ∞ where q rules out what p allows.

    Raises:
        ValueError: if one is no probability table, or the shapes differ.

    Example:
        >>> kl_divergence(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5]))
        tensor(0.6931, dtype=torch.float64)

    References:
        S. Kullback, R. A. Leibler, On Information and Sufficiency, 1951;
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 1.113.
    Deviation: sums instead of integrals.
    Taught in: 01_maximum_likelihood
    """
    p, q = _pair(p, q)
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum()


def mutual_information(joint: Float[Tensor, "X Y"]) -> Float[Tensor, ""]:
    r"""Returns what one variable tells about the other: the divergence of their joint table from independence.

    .. math:: I(X; Y) = \mathrm{KL}\bigl(p(x, y) ‖ p(x)\, p(y)\bigr)

    Args:
        joint: joint probability table, ``(X, Y)``, sums to 1.

    Returns:
        The mutual information in nats; 0 only where the two are independent.

    Raises:
        ValueError: if ``joint`` is no probability table.

    Example:
        >>> mutual_information(torch.tensor([[0.5, 0.0], [0.0, 0.5]]))
        tensor(0.6931, dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 1.120.
    Deviation: sums instead of integrals.
    Taught in: 01_maximum_likelihood
    """
    joint = check_probabilities(joint, "joint")
    x, y = joint.sum(1, keepdim=True), joint.sum(0, keepdim=True)  # (X, 1), (1, Y)
    return (torch.xlogy(joint, joint) - torch.xlogy(joint, x) - torch.xlogy(joint, y)).sum()  # logs apart: x · y may underflow


def _pair(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    if p.shape != q.shape:
        raise ValueError(f"p and q must list the same outcomes, got shapes {tuple(p.shape)} and {tuple(q.shape)}")
    return check_probabilities(p, "p"), check_probabilities(q, "q")
