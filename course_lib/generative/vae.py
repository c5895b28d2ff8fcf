"""The variational autoencoder (変分自己符号化器): probabilistic PCA whose decoder is a network, and whose posterior is learned by a second one.

Taught in: 12_vae
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Generator, Tensor, nn

from course_lib.generative.diagonal_gaussian import DiagonalGaussian, standard_normal_log_prob
from course_lib.generative.likelihoods import Likelihood


class ElboTerms(NamedTuple):
    """The two terms of the bound of each row, nats: how well z explains x, and what it costs to know z.

    ``reconstruction`` is an estimate of E_q[log p(x | z)], ``kl`` is KL(q(z | x) ‖ p(z)), both ``(B,)``.
    """

    reconstruction: Float[Tensor, " B"]
    kl: Float[Tensor, " B"]


class VAE(nn.Module):
    r"""A latent vector is drawn, a network turns it into a distribution of the data; another network guesses the latent vector from the data.

    .. math:: z \sim \mathcal N(0, I), \quad x \sim p(x \mid z), \quad
              \log p(x) \ge \mathbb E_{q(z \mid x)}[\log p(x \mid z)] - \mathrm{KL}(q(z \mid x) \,\|\, p(z))

    With a condition c, say a digit's name, every distribution but the prior is also given c: ``cond`` ``(B, C)`` goes to both networks beside
    x and z, as more columns of a row or more channels of a picture.

    Wherever noise enters, ``eps`` ``(S, B, K)`` (or ``(S, 1, K)``, for all rows) may be given in place of a generator: z = μ + σ ε.

    Args:
        encoder: from x, with c beside it, to means and log-variances of z, ``(B, 2 K)``.
        decoder: from z ``(B, K)``, with c beside it, to the numbers that the likelihood reads.
        likelihood: what these numbers mean: see ``course_lib.generative.likelihoods``.
        latent_size: K.

    Raises:
        ValueError: if the latent size is less than 1.

    Example:
        >>> from course_lib.generative.likelihoods import GaussianLikelihood
        >>> model = VAE(nn.Linear(3, 4), nn.Linear(2, 3), GaussianLikelihood(), latent_size=2)
        >>> model.elbo(torch.zeros(5, 3)).shape, model.sample(7).shape
        (torch.Size([5]), torch.Size([7, 3]))

    References:
        D. P. Kingma, M. Welling, Auto-encoding variational Bayes, 2014, arXiv:1312.6114, eq. 3;
        D. J. Rezende, S. Mohamed, D. Wierstra, Stochastic backpropagation and approximate inference in deep generative models, 2014,
        arXiv:1401.4082; K. Sohn, H. Lee, X. Yan, Learning structured output representation using deep conditional generative models, 2015.
    Deviation: none in the bound; with a condition the prior stays N(0, I), where Sohn et al. let it depend on c.
    Taught in: 12_vae
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, likelihood: Likelihood, *, latent_size: int) -> None:
        super().__init__()
        if latent_size < 1:
            raise ValueError(f"latent_size must be at least 1, got {latent_size}")
        self.encoder, self.decoder, self.likelihood, self.latent_size = encoder, decoder, likelihood, latent_size

    def posterior(self, x: Float[Tensor, "B ..."], cond: Float[Tensor, "B C"] | None = None) -> DiagonalGaussian:
        """Returns q(z | x), what the encoder says about the latent vector of each row.

        Raises:
            ValueError: if the encoder returns anything but ``(B, 2 K)``.
        """
        numbers = _full_precision(self.encoder(_beside(x, cond)))
        if numbers.shape != (len(x), 2 * self.latent_size):
            raise ValueError(f"the encoder must return (B, 2 K) = {(len(x), 2 * self.latent_size)}, got {tuple(numbers.shape)}")
        return DiagonalGaussian(*numbers.chunk(2, 1))

    def encode(self, x: Float[Tensor, "B ..."], cond: Float[Tensor, "B C"] | None = None) -> Float[Tensor, "B K"]:
        """Returns the mean of q(z | x)."""
        return self.posterior(x, cond).mean

    def decode(self, z: Float[Tensor, "B K"], cond: Float[Tensor, "B C"] | None = None) -> Float[Tensor, "B ..."]:
        """Returns the mean of p(x | z)."""
        return self.likelihood.mean(_full_precision(self.decoder(_beside(z, cond))))

    def sample(self, n: int, *, generator: Generator | None = None, cond: Float[Tensor, "n C"] | None = None) -> Float[Tensor, "n ..."]:
        """Returns ``n`` new data: a latent vector is drawn from the prior, the data from p(x | z), its noise included."""
        like = next(self.parameters())
        z = torch.randn(n, self.latent_size, dtype=like.dtype, device=like.device, generator=generator)
        with torch.no_grad():
            return self.likelihood.sample(_full_precision(self.decoder(_beside(z, cond))), generator=generator)

    def elbo_terms(
        self,
        x: Float[Tensor, "B ..."],
        cond: Float[Tensor, "B C"] | None = None,
        *,
        eps: Float[Tensor, "S _ K"] | None = None,
        generator: Generator | None = None,
    ) -> ElboTerms:
        """Returns both terms of the bound of each row, nats: the first as the mean over one draw of z (or those of ``eps``), the second exactly."""
        q = self.posterior(x, cond)
        z = q.sample(1, generator=generator) if eps is None else q.at(eps)
        return ElboTerms(self._log_likelihood(x, z, cond).mean(0), q.kl())

    def elbo(
        self,
        x: Float[Tensor, "B ..."],
        cond: Float[Tensor, "B C"] | None = None,
        *,
        eps: Float[Tensor, "S _ K"] | None = None,
        generator: Generator | None = None,
    ) -> Float[Tensor, " B"]:
        """Returns an unbiased estimate of the evidence lower bound of log p(x) of each row, nats."""
        reconstruction, kl = self.elbo_terms(x, cond, eps=eps, generator=generator)
        return reconstruction - kl

    def loss(self, x: Float[Tensor, "B ..."], cond: Float[Tensor, "B C"] | None = None) -> Float[Tensor, ""]:
        """Returns the mean negative bound in nats per dimension of x, with noise from the global random state."""
        return -self.elbo(x, cond).mean() / x[0].numel()

    def log_weights(
        self,
        x: Float[Tensor, "B ..."],
        samples: int = 1,
        cond: Float[Tensor, "B C"] | None = None,
        *,
        eps: Float[Tensor, "S _ K"] | None = None,
        generator: Generator | None = None,
    ) -> Float[Tensor, "S B"]:
        """Returns log p(x, z) − log q(z | x) at draws z of q, nats: the mean of the exponentials estimates p(x) without bias."""
        q = self.posterior(x, cond)
        z = q.sample(samples, generator=generator) if eps is None else q.at(eps)
        return self._log_likelihood(x, z, cond) + standard_normal_log_prob(z) - q.log_prob(z)

    def importance_bound(
        self,
        x: Float[Tensor, "B ..."],
        samples: int,
        cond: Float[Tensor, "B C"] | None = None,
        *,
        generator: Generator | None = None,
    ) -> Float[Tensor, " B"]:
        r"""Estimates the importance-weighted bound of log p(x) of each row, nats; with one sample it is the ELBO, with many it nears log p(x).

        .. math:: \mathcal L_S = \mathbb E_{z_1 … z_S \sim q} \log \frac 1 S \sum_s \frac{p(x, z_s)}{q(z_s \mid x)} \le \log p(x)

        Raises:
            ValueError: if ``samples`` is less than 1.

        References:
            Y. Burda, R. Grosse, R. Salakhutdinov, Importance weighted autoencoders, 2016, arXiv:1509.00519, eq. 8 and theorem 1.
        """
        if samples < 1:
            raise ValueError(f"samples must be at least 1, got {samples}")
        return self.log_weights(x, samples, cond, generator=generator).logsumexp(0) - math.log(samples)

    def _log_likelihood(self, x: Tensor, z: Tensor, cond: Tensor | None) -> Tensor:
        """log p(x | z) for S latent vectors a row, (S, B)."""
        S, B, K = z.shape
        repeated = None if cond is None else cond.repeat(S, 1)
        numbers = _full_precision(self.decoder(_beside(z.reshape(S * B, K), repeated)))
        return self.likelihood.log_prob(numbers, x.repeat(S, *[1] * (x.ndim - 1))).view(S, B)


def _beside(x: Shaped[Tensor, "B D *rest"], cond: Tensor | None) -> Tensor:
    """The condition joined to x along axis 1: as columns of a row, or as channels of one value each of a picture."""
    if cond is None:
        return x
    planes = cond.reshape(*cond.shape, *[1] * (x.ndim - 2)).expand(*cond.shape, *x.shape[2:])
    return torch.cat([x, planes.to(x.dtype)], 1)


def _full_precision(numbers: Tensor) -> Tensor:
    """What autocast made half precision, in float32: logarithms and sums over pixels need its digits."""
    return numbers.float() if numbers.dtype in (torch.float16, torch.bfloat16) else numbers
