r"""The planar layer: space is pushed along one direction, by an amount that depends on one other direction.

Taught in: 15_flows
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

_HALVINGS = {torch.float32: 32, torch.float64: 62}  # of a bracket: until rounding ends it


class Planar(nn.Module):
    r"""One hidden unit as an invertible map.

    .. math:: z = x + \hat u \tanh(w^\top x + b), \qquad
              \log|\det| = \log\bigl(1 + w^\top \hat u\, (1 - \tanh^2(w^\top x + b))\bigr), \qquad
              \hat u = u + \bigl(\operatorname{softplus}(w^\top u) - 1 - w^\top u\bigr) \frac{w}{\|w\|^2}

    :math:`w^\top \hat u > -1` whatever u is, so the map is invertible. Its inverse has no formula; but only the number :math:`w^\top x` is
    unknown in it, and ``decode`` finds that by halving an interval. No gradient flows through ``decode``.

    Args:
        D: numbers in one x.
        scale: standard deviation of the random start of w and u.

    Raises:
        ValueError: if ``D`` is below 1 or ``scale`` not above 0.

    Example:
        >>> layer = Planar(2)
        >>> x = torch.tensor([[1.0, -2.0]])
        >>> bool((layer.decode(layer.encode(x)[0])[0] - x).abs().max() < 1e-5)
        True

    References: D. J. Rezende, S. Mohamed, Variational inference with normalizing flows, 2015, arXiv:1505.05770, section 4.1 and appendix A.1.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, D: int, *, scale: float = 0.5) -> None:
        super().__init__()
        if D < 1 or not scale > 0:
            raise ValueError(f"D must be at least 1 and scale above 0, got {D} and {scale}")
        self.w, self.u = nn.Parameter(scale * torch.randn(D)), nn.Parameter(scale * torch.randn(D))
        self.b = nn.Parameter(torch.zeros(()))

    def _direction(self) -> tuple[Tensor, Tensor]:
        """û, and wᵀû > −1."""
        along = self.w @ self.u
        gain = softplus(along) - 1
        return self.u + (gain - along) * self.w / self.w.square().sum(), gain

    def encode(self, x: Float[Tensor, "B D"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B D"], Float[Tensor, " B"]]:
        """Returns z, and log |det ∂z/∂x| of each row, in closed form."""
        u, gain = self._direction()
        bend = torch.tanh(x @ self.w + self.b)  # (B,)
        return x + bend[:, None] * u, torch.log1p(gain * (1 - bend.square()))

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "B D"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B D"], Float[Tensor, " B"]]:
        """Returns x, and log |det ∂x/∂z| of each row, by halving an interval around wᵀx until rounding ends it."""
        u, gain = self._direction()
        target = z @ self.w  # = α + wᵀû tanh(α + b), which rises with α = wᵀx
        low, high = target - gain.abs(), target + gain.abs()
        for _ in range(_HALVINGS[z.dtype]):
            middle = (low + high) / 2
            below = middle + gain * torch.tanh(middle + self.b) < target
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        x = z - torch.tanh((low + high) / 2 + self.b)[:, None] * u
        return x, -self.encode(x)[1]
