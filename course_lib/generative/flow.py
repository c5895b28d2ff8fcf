r"""Flows (フローベース生成モデル): a stack of invertible maps between data and something simple, and the change of variables through it.

A *transform* is a module with ``encode(x, cond) -> (z, log_det)`` and ``decode(z, cond) -> (x, log_det)``, each with the log-determinant of
*that* map, ``(B,)``. Whatever keeps this promise can stand in a flow.

Taught in: 15_flows
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn


@runtime_checkable
class Transform(Protocol):
    """An invertible map that knows how it changes volumes."""

    def encode(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns z, and log |det ∂z/∂x| of each row, ``(B,)``."""
        ...

    def decode(self, z: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns x, and log |det ∂x/∂z| of each row, ``(B,)``."""
        ...


class Chain(nn.Module):
    r"""One transform after the other; their log-determinants add.

    .. math:: z = f_L(\cdots f_2(f_1(x))), \qquad x = f_1^{-1}(f_2^{-1}(\cdots f_L^{-1}(z)))

    Args:
        transforms: f₁ … f_L, the one that meets the data first.

    Raises:
        ValueError: if one of them cannot encode and decode.

    Example:
        >>> from course_lib.generative.glow import Squeeze
        >>> Chain([Squeeze(), Squeeze()]).encode(torch.zeros(1, 1, 4, 4))[0].shape
        torch.Size([1, 16, 1, 1])

    References:
        E. G. Tabak, E. Vanden-Eijnden, Density estimation by dual ascent of the log-likelihood, 2010, doi:10.4310/CMS.2010.v8.n1.a11.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, transforms: Sequence[nn.Module]) -> None:
        super().__init__()
        for number, transform in enumerate(transforms):
            if not isinstance(transform, Transform):
                raise ValueError(f"transforms must encode and decode, and number {number} does not: {type(transform).__name__}")
        self.transforms = nn.ModuleList(transforms)

    def encode(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns z, and log |det ∂z/∂x| of each row."""
        total = x.new_zeros(len(x))
        for transform in self.transforms:
            x, log_det = transform.encode(x, cond)
            total = total + log_det
        return x, total

    def decode(self, z: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns x, and log |det ∂x/∂z| of each row: the last map is undone first."""
        total = z.new_zeros(len(z))
        for transform in reversed(self.transforms):
            z, log_det = transform.decode(z, cond)
            total = total + log_det
        return z, total

    @torch.no_grad()
    def start_from(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> None:
        """Lets each transform that can (it has ``start_from``) suit itself to the data as they reach it, the first one first."""
        for transform in self.transforms:
            if hasattr(transform, "start_from"):
                transform.start_from(x, cond)
            x, _ = transform.encode(x, cond)


class Inverse(nn.Module):
    """A transform turned round: its ``decode`` encodes.

    Args:
        transform: what to turn round.

    Example:
        >>> from course_lib.generative.planar import Planar
        >>> Inverse(Planar(2)).decode(torch.zeros(1, 2))[0].shape  # closed form, as is Planar's encode
        torch.Size([1, 2])

    References:
        G. Papamakarios, E. Nalisnick, D. J. Rezende, S. Mohamed, B. Lakshminarayanan, Normalizing flows for probabilistic modeling and
        inference, 2021, arXiv:1912.02762.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, transform: nn.Module) -> None:
        super().__init__()
        self.transform = transform

    def encode(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns what the transform decodes."""
        return self.transform.decode(x, cond)

    def decode(self, z: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns what the transform encodes."""
        return self.transform.encode(z, cond)


class Flow(nn.Module):
    r"""A density by change of variables (変数変換).

    .. math:: \log p(x) = \log p_Z\bigl(f(x)\bigr) + \log \Bigl| \det \frac{\partial f}{\partial x} \Bigr|, \qquad f = f_L \circ \cdots \circ f_1

    ``loss`` is in nats per dimension.

    Args:
        transforms: f₁ … f_L, the one that meets the data first.
        base: p_Z, with ``log_prob(z)`` and ``sample(n, generator=…)``.

    Raises:
        ValueError: if a transform cannot encode and decode.

    Example:
        >>> from course_lib.generative.base_density import StandardNormal
        >>> from course_lib.generative.linear_flow import Linear
        >>> flow = Flow([Linear(2)], StandardNormal(2))
        >>> flow.log_prob(torch.zeros(3, 2)).shape, flow.sample(5).shape
        (torch.Size([3]), torch.Size([5, 2]))

    References:
        D. J. Rezende, S. Mohamed, Variational inference with normalizing flows, 2015, arXiv:1505.05770;
        L. Dinh, D. Krueger, Y. Bengio, NICE: non-linear independent components estimation, 2014, arXiv:1410.8516;
        L. Dinh, J. Sohl-Dickstein, S. Bengio, Density estimation using Real NVP, 2016, arXiv:1605.08803, eq. 3.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, transforms: Sequence[nn.Module], base: nn.Module) -> None:
        super().__init__()
        self.chain = Chain(transforms)
        self.base = base

    def encode(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns z = f(x), and log |det ∂z/∂x| of each row."""
        return self.chain.encode(x.to(next(self.parameters()).dtype), cond)

    def decode(self, z: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns x = f⁻¹(z), and log |det ∂x/∂z| of each row."""
        return self.chain.decode(z.to(next(self.parameters()).dtype), cond)

    def log_prob(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> Float[Tensor, " B"]:
        """Returns log p(x) of each row in nats, exact, ``(B,)``."""
        z, log_det = self.encode(x, cond)
        return self.base.log_prob(z) + log_det

    def loss(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per dimension."""
        return -self.log_prob(x, cond).mean() / x[0].numel()

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None, cond: Tensor | None = None) -> Float[Tensor, "n ..."]:
        """Returns ``n`` draws: z from the base, decoded; ``cond`` has a row for each."""
        return self.decode(self.base.sample(n, generator=generator), cond)[0]

    def start_from(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> None:
        """Starts from data instead of by chance: whitening whitens, ActNorm normalises, each on what the maps before it make of ``x``."""
        self.chain.start_from(x.to(next(self.parameters()).dtype), cond)
