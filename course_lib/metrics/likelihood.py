"""What a likelihood means: bits per dimension, perplexity, and estimates that come from weighted samples.

Taught in: 02_gaussian_mixtures
"""

import math

import torch
from jaxtyping import Float


def bits_per_dimension(log_prob: Float[torch.Tensor, "*B"], D: int) -> Float[torch.Tensor, "*B"]:
    r"""Returns how many bits a model needs for each number of a datum.

    .. math:: \frac{-\log p(x)}{D \log 2}

    Args:
        log_prob: log p(x) in nats, any shape.
        D: numbers in one datum; an RGB image of 32 × 32 has 3072.

    Returns:
        Bits per dimension, of the same shape. Of a density it can be negative, and it depends on the unit of the data.

    Raises:
        ValueError: if ``D`` is less than 1.

    Example:
        >>> bits_per_dimension(torch.tensor([-8 * math.log(2)]), D=4)
        tensor([2.])

    References:
        L. Theis, A. van den Oord, M. Bethge, A note on the evaluation of generative models, 2016, arXiv:1511.01844.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    if D < 1:
        raise ValueError(f"D must be the numbers in one datum, at least 1, got {D}")
    return -log_prob / (D * math.log(2))


def perplexity(log_prob: Float[torch.Tensor, " B"]) -> Float[torch.Tensor, ""]:
    r"""Returns how many equally likely outcomes would be as hard to guess.

    .. math:: \exp\Bigl(-\frac 1 B \sum_b \log p(x_b)\Bigr)

    Args:
        log_prob: log probability of each symbol in nats, ``(B,)``.

    Returns:
        The perplexity, at least 1 for probabilities.

    Raises:
        ValueError: if there is no symbol.

    Example:
        >>> perplexity(torch.tensor([1 / 6, 1 / 6]).log())
        tensor(6.)

    References:
        F. Jelinek, R. L. Mercer, L. R. Bahl, J. K. Baker, Perplexity: a measure of the difficulty of speech recognition tasks, 1977.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    if log_prob.numel() == 0:
        raise ValueError("log_prob must hold at least one symbol, it is empty")
    return (-log_prob.mean()).exp()


def log_mean_exp(x: Float[torch.Tensor, "*shape"], dim: int) -> Float[torch.Tensor, "*rest"]:
    r"""Returns the logarithm of the mean of numbers given by their logarithms, without overflow.

    .. math:: \log \frac 1 n \sum_i e^{x_i}

    Args:
        x: logarithms, any shape.
        dim: axis to take the mean over.

    Returns:
        The same without that axis.

    Example:
        >>> log_mean_exp(torch.tensor([-1000.0, -1000.0]), dim=0)
        tensor(-1000.)

    References: none needed: the largest number is taken out of the sum.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    return x.logsumexp(dim) - math.log(x.shape[dim])


def importance_estimate(
    f: Float[torch.Tensor, " n"], log_p: Float[torch.Tensor, " n"], log_q: Float[torch.Tensor, " n"]
) -> tuple[Float[torch.Tensor, ""], Float[torch.Tensor, ""]]:
    r"""Estimates a mean under p from samples of q.

    .. math:: \mathbb E_p[f] ≈ \frac 1 n \sum_i f(x_i) \frac{p(x_i)}{q(x_i)}, \qquad x_i \sim q

    Args:
        f: f(x_i) at each sample of q, ``(n,)``.
        log_p: log p(x_i) in nats, ``(n,)``; p must be normalised.
        log_q: log q(x_i) in nats, ``(n,)``; q must be greater than 0 wherever f p is not 0.

    Returns:
        The estimate, without bias, and its standard error.

    Raises:
        ValueError: if there are fewer than two samples, or the arguments differ in length.

    Example:
        >>> f, p, q = torch.tensor([1.0, 3.0]), torch.tensor([0.5, 0.25]), torch.tensor([0.25, 0.25])
        >>> importance_estimate(f, p.log(), q.log())
        (tensor(2.5000), tensor(0.5000))

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 11.19.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    n = len(f)
    if n < 2 or len(log_p) != n or len(log_q) != n:
        raise ValueError(f"f, log_p and log_q must be of one length, at least 2, got {n}, {len(log_p)} and {len(log_q)}")
    terms = f * (log_p - log_q).exp()
    return terms.mean(), terms.std() / math.sqrt(n)


def effective_sample_size(log_weights: Float[torch.Tensor, " n"]) -> Float[torch.Tensor, ""]:
    r"""Returns how many equally weighted samples these weighted ones are worth.

    .. math:: \frac{\left(\sum_i w_i\right)^2}{\sum_i w_i^2}

    Args:
        log_weights: log w_i, up to one constant, ``(n,)``.

    Returns:
        The effective sample size: n where all weights are equal, 1 where one outweighs all.

    Raises:
        ValueError: if there is no weight greater than 0, or one is not a number.

    Example:
        >>> effective_sample_size(torch.tensor([0.0, 0.0, -torch.inf]))
        tensor(2.)

    References:
        A. Kong, A Note on Importance Sampling using Standardized Weights, 1992.
    Deviation: none
    Taught in: 02_gaussian_mixtures
    """
    if log_weights.numel() == 0 or not log_weights.max().isfinite():
        raise ValueError("log_weights must hold a finite greatest weight: all are −∞, or one is +∞ or not a number, or there is none")
    return (2 * log_weights.logsumexp(0) - (2 * log_weights).logsumexp(0)).exp()
