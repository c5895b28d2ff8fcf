"""Residual connections (残差接続): a block computes what to add to its input, so that doing nothing is easy and gradients pass untouched.

Taught in: 08_convolutional_networks
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    r"""Two convolutions whose result is added to what came in.

    .. math:: h' = h + w_2 * \varphi(N_2(w_1 * \varphi(N_1(h)) + b_1)) + b_2

    N normalises each channel. The path from h to h′ is the identity, forwards and backwards: ∂h′/∂h = I + ….

    Args:
        channels: of the picture; the block keeps them and its size.
        normalise: makes N from the number of channels: ``nn.BatchNorm2d``, or ``nn.Identity`` for none.
        activation: makes the module φ.

    Attributes:
        branch: what is added.

    Raises:
        ValueError: if ``channels`` is below 1.

    Example:
        >>> import torch
        >>> ResidualBlock(8)(torch.zeros(5, 8, 16, 16)).shape
        torch.Size([5, 8, 16, 16])

    References:
        K. He, X. Zhang, S. Ren, J. Sun, "Identity mappings in deep residual networks", 2016, arXiv:1603.05027 (full pre-activation).
    Deviation: a bias in both convolutions, for use without N.
    Taught in: 08_convolutional_networks
    """

    def __init__(
        self,
        channels: int,
        *,
        normalise: Callable[[int], nn.Module] = nn.BatchNorm2d,
        activation: Callable[[], nn.Module] = nn.SiLU,
    ) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels must be at least 1, got {channels}")
        self.branch = nn.Sequential(
            normalise(channels),
            activation(),
            nn.Conv2d(channels, channels, 3, padding=1),
            normalise(channels),
            activation(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Returns h′, as large as h."""
        return h + self.branch(h)
