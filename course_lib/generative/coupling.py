r"""Coupling layers (カップリング層): one part of x is left alone, and a network of it moves the other part.

The Jacobian is triangular, so its determinant is a product, and the network is never inverted: it may be any network at all.

Taught in: 15_flows
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from course_lib.networks.masked import MaskedLinear
from course_lib.networks.mlp import MLP


class _Parts(nn.Module):
    """Takes axis 1 apart into what is kept and what is moved, and puts it together again."""

    def __init__(self, kept: Bool[Tensor, " D"]) -> None:
        super().__init__()
        if not (kept.any() and not kept.all()):
            raise ValueError(f"kept must leave something and move something, got {kept.tolist()}")
        self.register_buffer("kept", kept.nonzero()[:, 0])
        self.register_buffer("moved", (~kept).nonzero()[:, 0])
        self.register_buffer("places", torch.cat([self.kept, self.moved]).argsort())

    def apart(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.index_select(1, self.kept), x.index_select(1, self.moved)

    def together(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([kept, moved], 1).index_select(1, self.places)


def _beside(kept: Tensor, cond: Tensor | None) -> Tensor:
    """What the network sees: the kept part and, beside it, at every pixel, the condition ``(B, K)``."""
    if cond is None:
        return kept
    cond = cond.to(kept.dtype).reshape(*cond.shape, *[1] * (kept.ndim - 2))
    return torch.cat([kept, cond.expand(*cond.shape[:2], *kept.shape[2:])], 1)


class AdditiveCoupling(nn.Module):
    r"""NICE: the moved part is shifted. No volume changes.

    .. math:: z_k = x_k, \qquad z_m = x_m + t(x_k), \qquad \log|\det| = 0

    Args:
        kept: which entries of axis 1 (features, or channels of a picture) are left alone.
        network: t, from the kept entries (and the condition's) to the moved ones.

    Raises:
        ValueError: if ``kept`` leaves nothing or moves nothing.

    Example:
        >>> layer = AdditiveCoupling(torch.tensor([True, False]), lambda x: x.square())
        >>> layer.encode(torch.tensor([[3.0, 1.0]]))
        (tensor([[ 3., 10.]]), tensor([0.]))

    References: L. Dinh, D. Krueger, Y. Bengio, NICE: non-linear independent components estimation, 2014, arXiv:1410.8516, section 3.2.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, kept: Bool[Tensor, " D"], network: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.parts, self.network = _Parts(kept), network

    def _shift(self, kept: Tensor, cond: Tensor | None) -> Tensor:
        return self.network(_beside(kept, cond)).to(kept.dtype)

    def encode(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns z, and zeros."""
        kept, moved = self.parts.apart(x)
        return self.parts.together(kept, moved + self._shift(kept, cond)), x.new_zeros(len(x))

    def decode(self, z: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns x, and zeros: the shift is computed again, from what was left alone, and taken off."""
        kept, moved = self.parts.apart(z)
        return self.parts.together(kept, moved - self._shift(kept, cond)), z.new_zeros(len(z))


class AffineCoupling(nn.Module):
    r"""RealNVP: the moved part is scaled and shifted.

    .. math:: z_k = x_k, \qquad z_m = x_m \odot e^{s(x_k)} + t(x_k), \qquad \log|\det| = \sum_i s_i(x_k)

    Args:
        kept: which entries of axis 1 (features, or channels of a picture) are left alone.
        network: (t, s) one after the other on axis 1, from the kept entries (and the condition's).
        bound: s is ``bound · tanh(· / bound)`` of what the network says, so that one layer scales at most by e^bound.

    Raises:
        ValueError: if ``kept`` leaves nothing or moves nothing, or ``bound`` is not above 0.

    Example:
        >>> layer = AffineCoupling(torch.tensor([True, False]), lambda x: torch.cat([x, 0 * x], 1))
        >>> layer.encode(torch.tensor([[3.0, 1.0]]))
        (tensor([[3., 4.]]), tensor([0.]))

    References:
        L. Dinh, J. Sohl-Dickstein, S. Bengio, Density estimation using Real NVP, 2016, arXiv:1605.08803, eqs. 4 to 6 (sections 3.2 and 3.3).
    Deviation: s is bounded; the paper bounds it by a tanh times a learned scale.
    Taught in: 15_flows
    """

    def __init__(self, kept: Bool[Tensor, " D"], network: Callable[[Tensor], Tensor], *, bound: float = 2.0) -> None:
        super().__init__()
        if not bound > 0:
            raise ValueError(f"bound must be above 0, got {bound}")
        self.parts, self.network, self.bound = _Parts(kept), network, bound

    def _shift_and_log_scale(self, kept: Tensor, cond: Tensor | None) -> tuple[Tensor, Tensor]:
        shift, raw = self.network(_beside(kept, cond)).to(kept.dtype).chunk(2, 1)  # networks may run in half precision, the map may not
        return shift, self.bound * torch.tanh(raw / self.bound)

    def encode(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns z, and Σ s of each row."""
        kept, moved = self.parts.apart(x)
        shift, log_scale = self._shift_and_log_scale(kept, cond)
        return self.parts.together(kept, moved * log_scale.exp() + shift), log_scale.flatten(1).sum(1)

    def decode(self, z: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns x, and −Σ s of each row."""
        kept, moved = self.parts.apart(z)
        shift, log_scale = self._shift_and_log_scale(kept, cond)
        return self.parts.together(kept, (moved - shift) * (-log_scale).exp()), -log_scale.flatten(1).sum(1)


def start_at_zero(network: nn.Module) -> nn.Module:
    """Sets a network's last layer to 0, so that the layer it moves starts as the identity; returns the network."""
    last = [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d | MaskedLinear)][-1]
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)
    return network


def alternating(D: int, layers: int) -> list[Bool[Tensor, " D"]]:
    """Returns ``layers`` masks of what is kept: even places, then odd ones, in turn.

    Example:
        >>> [mask.int().tolist() for mask in alternating(4, 2)]
        [[1, 0, 1, 0], [0, 1, 0, 1]]
    """
    even = torch.arange(D) % 2 == 0
    return [even if layer % 2 == 0 else ~even for layer in range(layers)]


def real_nvp(
    D: int, *, layers: int, hidden: Sequence[int], conditions: int = 0, bound: float = 2.0, additive: bool = False
) -> list[nn.Module]:
    """Returns coupling layers whose networks are MLPs, with alternating masks; each starts as the identity.

    Args:
        D: numbers in one x, at least 2.
        layers: how many.
        hidden: sizes of each MLP's hidden layers.
        conditions: numbers in a condition.
        bound: of each layer's log-scale.
        additive: NICE instead of RealNVP.
    """
    stack: list[nn.Module] = []
    for kept in alternating(D, layers):
        inputs, moved = int(kept.sum()) + conditions, int((~kept).sum())
        network = start_at_zero(MLP(inputs, hidden, moved if additive else 2 * moved))
        stack.append(AdditiveCoupling(kept, network) if additive else AffineCoupling(kept, network, bound=bound))
    return stack
