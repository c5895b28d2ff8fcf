"""Gaussians with independent coordinates, one a row: what a variational autoencoder's encoder says about the latent vector.

Taught in: 12_vae
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, eq=False)
class DiagonalGaussian:
    r"""One Gaussian a row, with a variance of its own for each coordinate and no correlation between them.

    .. math:: q(z) = \prod_k \mathcal N(z_k;\, μ_k, σ_k^2)

    Args:
        mean: μ, ``(B, K)``.
        log_var: log σ², ``(B, K)``: any real number stands for a variance.

    Raises:
        ValueError: if the two differ in shape.

    Example:
        >>> q = DiagonalGaussian(torch.tensor([[0.0, 2.0]]), torch.zeros(1, 2))
        >>> q.kl(), q.kl_per_axis()
        (tensor([2.]), tensor([[0., 2.]]))

    References:
        D. P. Kingma, M. Welling, Auto-encoding variational Bayes, 2014, arXiv:1312.6114, eq. 9, section 2.4 and appendix B.
    Deviation: none
    Taught in: 12_vae
    """

    mean: Float[Tensor, "B K"]
    log_var: Float[Tensor, "B K"]

    def __post_init__(self) -> None:
        if self.mean.shape != self.log_var.shape:
            raise ValueError(f"mean and log_var must have one shape, got {tuple(self.mean.shape)} and {tuple(self.log_var.shape)}")

    def at(self, eps: Float[Tensor, "S _ K"]) -> Float[Tensor, "S B K"]:
        """Returns z = μ + σ ε, ``(S, B, K)``, differentiable in mean and log_var: with ε ~ N(0, I) these are draws of q."""
        return self.mean + (0.5 * self.log_var).exp() * eps

    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, "n B K"]:
        """Returns ``n`` draws of each row's Gaussian, ``(n, B, K)``, differentiable in mean and log_var."""
        return self.at(torch.randn(n, *self.mean.shape, dtype=self.mean.dtype, device=self.mean.device, generator=generator))

    def log_prob(self, z: Float[Tensor, "*S B K"]) -> Float[Tensor, "*S B"]:
        """Returns log q(z) of each row in nats, ``(…, B)``."""
        return -0.5 * (LOG_2PI + self.log_var + (z - self.mean).square() * (-self.log_var).exp()).sum(-1)

    def kl_per_axis(self) -> Float[Tensor, "B K"]:
        """Returns KL(q(z_k) ‖ N(0, 1)) = ½ (μ² + σ² − 1 − log σ²) of each coordinate, nats, ``(B, K)``, at least 0."""
        return 0.5 * (self.mean.square() + self.log_var.expm1() - self.log_var)

    def kl(self) -> Float[Tensor, " B"]:
        """Returns KL(q ‖ N(0, I)) of each row, nats, ``(B,)``, at least 0: the sum over the coordinates."""
        return self.kl_per_axis().sum(-1)


def standard_normal_log_prob(z: Float[Tensor, "*B K"]) -> Float[Tensor, "*B"]:
    """Returns log N(z; 0, I) of each row in nats.

    Example:
        >>> standard_normal_log_prob(torch.zeros(1, 2)) + LOG_2PI
        tensor([0.])
    """
    return -0.5 * (LOG_2PI + z.square()).sum(-1)
