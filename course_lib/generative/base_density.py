r"""Where a flow ends: densities with independent entries, from which one can draw without effort.

Taught in: 15_flows
"""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn


class StandardNormal(nn.Module):
    r"""Independent Gaussians of mean 0 and variance 1.

    .. math:: \log p(z) = -\tfrac12 \sum_d \bigl(z_d^2 + \log 2π\bigr)

    Args:
        event: shape of one z.

    Example:
        >>> StandardNormal(2).log_prob(torch.zeros(1, 2))
        tensor([-1.8379])

    References: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 2.3.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, *event: int) -> None:
        super().__init__()
        self.event = event
        self.register_buffer("like", torch.empty(0), persistent=False)  # carries number format and device, nothing else

    def log_prob(self, z: Float[Tensor, "B ..."]) -> Float[Tensor, " B"]:
        """Returns log p(z) of each row in nats, ``(B,)``."""
        return -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)

    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, "n ..."]:
        """Returns ``n`` draws, ``(n, *event)``, on the module's device."""
        # on the CPU first: a generator lives there, and draws are the same whatever the device
        return torch.randn(n, *self.event, generator=generator, dtype=self.like.dtype).to(self.like.device)


class Laplace(nn.Module):
    r"""Independent Laplace densities (ラプラス分布) of mean 0 and variance 1: lecture 6's voices.

    .. math:: \log p(z) = -\sum_d \bigl(\sqrt 2\, |z_d| + \tfrac12 \log 2\bigr)

    Args:
        event: shape of one z.

    Example:
        >>> Laplace(2).log_prob(torch.zeros(1, 2))
        tensor([-0.6931])

    References: A. Hyvärinen, J. Karhunen, E. Oja, Independent Component Analysis, 2001.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, *event: int) -> None:
        super().__init__()
        self.event = event
        self.register_buffer("like", torch.empty(0), persistent=False)

    def log_prob(self, z: Float[Tensor, "B ..."]) -> Float[Tensor, " B"]:
        """Returns log p(z) of each row in nats, ``(B,)``."""
        return -(math.sqrt(2) * z.abs() + 0.5 * math.log(2)).flatten(1).sum(1)

    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, "n ..."]:
        """Returns ``n`` draws, ``(n, *event)``: the difference of two exponential draws."""
        u = 1 - torch.rand(2, n, *self.event, generator=generator, dtype=self.like.dtype)  # (0, 1]
        return ((u[0].log() - u[1].log()) / math.sqrt(2)).to(self.like.device)
