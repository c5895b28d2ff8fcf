"""What a decoder's numbers mean: the distribution p(x | z) of the data once the latent vector is known.

Each likelihood is a small module with the same three verbs, on the numbers that a decoder returns for each row:
``log_prob(numbers, x) (B,)`` in nats, ``mean(numbers)`` and ``sample(numbers)``.

Taught in: 12_vae
"""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from course_lib.generative.diagonal_gaussian import LOG_2PI


class BernoulliLikelihood(nn.Module):
    r"""Pixels that are ink or paper, each by the toss of its own coin; the decoder's numbers are the logits.

    .. math:: \log p(x \mid z) = \sum_d x_d \log σ(a_d) + (1 - x_d) \log (1 - σ(a_d))

    Example:
        >>> BernoulliLikelihood().log_prob(torch.zeros(1, 3), torch.tensor([[0.0, 1.0, 1.0]])).exp()
        tensor([0.1250])

    References:
        D. P. Kingma, M. Welling, Auto-encoding variational Bayes, 2014, arXiv:1312.6114, eq. 11 (appendix C.1).
    Deviation: the decoder gives logits, not probabilities: no logarithm of 0 can occur.
    Taught in: 12_vae
    """

    def log_prob(self, numbers: Float[Tensor, "B ..."], x: Float[Tensor, "B ..."]) -> Float[Tensor, " B"]:
        """Returns log p(x | z) of each row in nats.

        Raises:
            ValueError: if a value of ``x`` is neither 0 nor 1: of grey pixels this would be no probability.
        """
        if not bool(((x == 0) | (x == 1)).all()):
            raise ValueError(f"x must be 0 or 1 everywhere for Bernoulli pixels, got values from {x.min():g} to {x.max():g}")
        return -nn.functional.binary_cross_entropy_with_logits(numbers, x.expand_as(numbers), reduction="none").flatten(1).sum(1)

    def mean(self, numbers: Float[Tensor, "B ..."]) -> Float[Tensor, "B ..."]:
        """Returns the probability of ink at each pixel."""
        return numbers.sigmoid()

    def sample(self, numbers: Float[Tensor, "B ..."], *, generator: Generator | None = None) -> Float[Tensor, "B ..."]:
        """Returns pictures of 0 and 1."""
        return torch.bernoulli(numbers.sigmoid(), generator=generator)


class GaussianLikelihood(nn.Module):
    r"""Gaussian noise of one variance on every coordinate, fixed or learned; the decoder's numbers are the mean.

    .. math:: p(x \mid z) = \mathcal N\bigl(x;\, f(z), σ^2 I\bigr)

    Args:
        variance: σ², in the data's unit squared; where it is learned, the start.
        learned: whether log σ² is a parameter. Maximising over it gives the mean squared error of a coordinate.

    Raises:
        ValueError: if the variance is not greater than 0.

    Example:
        >>> GaussianLikelihood(variance=4.0).log_prob(torch.zeros(1, 1), torch.zeros(1, 1)).exp() * 2 * math.sqrt(2 * math.pi)
        tensor([1.])

    References:
        O. Rybkin, K. Daniilidis, S. Levine, Simple and effective VAE training with calibrated decoders, 2021, arXiv:2006.13202 (a shared
        learned variance);
        J. Lucas, G. Tucker, R. Grosse, M. Norouzi, Don't blame the ELBO! A linear VAE perspective on posterior collapse, 2019,
        arXiv:1911.02469.
    Deviation: none
    Taught in: 12_vae
    """

    def __init__(self, variance: float = 1.0, *, learned: bool = False) -> None:
        super().__init__()
        if not 0 < variance < math.inf:
            raise ValueError(f"variance must be finite and greater than 0, got {variance}")
        log_var = torch.tensor(math.log(variance))
        if learned:
            self.log_var = nn.Parameter(log_var)
        else:
            self.register_buffer("log_var", log_var)

    @property
    def variance(self) -> Float[Tensor, ""]:
        """σ²."""
        return self.log_var.exp()

    def log_prob(self, numbers: Float[Tensor, "B ..."], x: Float[Tensor, "B ..."]) -> Float[Tensor, " B"]:
        """Returns log p(x | z) of each row in nats."""
        return _gaussian_log_prob(numbers, self.log_var, x)

    def mean(self, numbers: Float[Tensor, "B ..."]) -> Float[Tensor, "B ..."]:
        """Returns the mean."""
        return numbers

    def sample(self, numbers: Float[Tensor, "B ..."], *, generator: Generator | None = None) -> Float[Tensor, "B ..."]:
        """Returns the mean with noise added."""
        return numbers + (0.5 * self.log_var).exp() * _noise_like(numbers, generator)


class PixelGaussianLikelihood(nn.Module):
    r"""Gaussian noise whose variance the decoder chooses for every coordinate of every row; its numbers are mean and log-variance.

    .. math:: p(x \mid z) = \prod_d \mathcal N\bigl(x_d;\, f_d(z), σ_d^2(z)\bigr)

    Where a coordinate hardly varies the likelihood has next to no upper bound: the variance follows it down.

    Example:
        >>> PixelGaussianLikelihood().mean(torch.tensor([[5.0, 6.0, -1.0, -2.0]]))
        tensor([[5., 6.]])

    References:
        D. P. Kingma, M. Welling, Auto-encoding variational Bayes, 2014, arXiv:1312.6114, eq. 12 (appendix C.2);
        P.-A. Mattei, J. Frellsen, Leveraging the exact likelihood of deep latent variable models, 2018, arXiv:1802.04826 (no upper bound).
    Deviation: none
    Taught in: 12_vae
    """

    def log_prob(self, numbers: Float[Tensor, "B twice *rest"], x: Float[Tensor, "B D *rest"]) -> Float[Tensor, " B"]:
        """Returns log p(x | z) of each row in nats; ``numbers`` has means, then log-variances, along axis 1."""
        mean, log_var = numbers.chunk(2, 1)
        return _gaussian_log_prob(mean, log_var, x)

    def mean(self, numbers: Float[Tensor, "B twice *rest"]) -> Float[Tensor, "B D *rest"]:
        """Returns the mean."""
        return numbers.chunk(2, 1)[0]

    def sample(self, numbers: Float[Tensor, "B twice *rest"], *, generator: Generator | None = None) -> Float[Tensor, "B D *rest"]:
        """Returns the mean with noise added."""
        mean, log_var = numbers.chunk(2, 1)
        return mean + (0.5 * log_var).exp() * _noise_like(mean, generator)


Likelihood = BernoulliLikelihood | GaussianLikelihood | PixelGaussianLikelihood


def _gaussian_log_prob(mean: Tensor, log_var: Tensor, x: Tensor) -> Tensor:
    return -0.5 * (LOG_2PI + log_var + (x - mean).square() * (-log_var).exp()).flatten(1).sum(1)


def _noise_like(numbers: Tensor, generator: Generator | None) -> Tensor:
    return torch.randn(numbers.shape, dtype=numbers.dtype, device=numbers.device, generator=generator)
