"""The gated residual block (ゲート付き残差ブロック) that WaveNet is stacked of.

Taught in: 11_wavenet
"""

from collections import deque

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from course_lib.networks.causal_convolution import CausalConv1d


class GatedResidualBlock(nn.Module):
    r"""Filters the past, lets a gate decide what passes, and adds the rest to its input.

    .. math:: \begin{aligned} f, g &= W * h + V c + b \\ z &= \tanh(f) \odot σ(g) \\ h' &= h + R z + r, \qquad s = S z \end{aligned}

    ``*`` is the dilated causal convolution; h' goes to the next block and s, the skip connection (スキップ接続), straight to the output.
    A linear block leaves tanh, σ and all biases out: z = f.

    Args:
        channels: C, of h.
        skip_channels: of s.
        dilation: d of the causal convolution.
        kernel: its taps.
        features: of the condition c; 0 for none.
        linear: whether to leave out everything that is not linear.
        last: whether no block follows, so that no h' is needed.

    Attributes:
        dilated: W and b; the first C rows of ``dilated.weight (2C, C, kernel)`` are the filter's, the others the gate's (linear: C rows, no gate).
        condition: V, a 1×1 convolution from the features to 2C channels without bias, or None.
        residual: R and r, a 1×1 convolution, or None in the last block.
        skip: S, a 1×1 convolution without bias.

    Example:
        >>> block = GatedResidualBlock(8, 16, dilation=4)
        >>> h, skip = block(torch.zeros(1, 8, 100))
        >>> h.shape, skip.shape
        (torch.Size([1, 8, 100]), torch.Size([1, 16, 100]))

    References:
        A. van den Oord and others, WaveNet: a generative model for raw audio, 2016, arXiv:1609.03499, eq. 2 (f, g and z) and
        sections 2.3 to 2.5.
    Deviation: no bias in the skip connection: their sum has one, after it.
    Taught in: 11_wavenet
    """

    def __init__(
        self,
        channels: int,
        skip_channels: int,
        *,
        dilation: int,
        kernel: int = 2,
        features: int = 0,
        linear: bool = False,
        last: bool = False,
    ):
        super().__init__()
        self.linear = linear
        wide = channels if linear else 2 * channels
        self.dilated = CausalConv1d(channels, wide, kernel, dilation, bias=not linear)
        self.condition = CausalConv1d(features, wide, 1, bias=False) if features else None
        self.residual = None if last else CausalConv1d(channels, channels, 1, bias=not linear)
        self.skip = CausalConv1d(channels, skip_channels, 1, bias=False)

    def forward(
        self, h: Float[Tensor, "B C T"], c: Float[Tensor, "B F #T"] | None = None
    ) -> tuple[Float[Tensor, "B C T"], Float[Tensor, "B S T"]]:
        """Returns h' for the next block (h itself from the last) and the skip connection s, from the input h and a condition c."""
        told = 0 if self.condition is None else self.condition(c)
        z = self._pass(self.dilated(h) + told)
        return h if self.residual is None else h + self.residual(z), self.skip(z)

    def step(
        self, h: Float[Tensor, "B C"], past: deque[Tensor], c: Float[Tensor, "B F"] | None = None
    ) -> tuple[Float[Tensor, "B C"], Float[Tensor, "B S"]]:
        """Does the same for one moment; ``past`` holds the last (K − 1) d inputs, the oldest first, and moves on by one."""
        past.append(h)
        heard = torch.stack([past[k * self.dilated.dilation] for k in range(self.dilated.weight.shape[-1])], dim=2)  # (B, C, K)
        past.popleft()
        told = 0 if self.condition is None else functional.linear(c, self.condition.weight[..., 0])
        z = self._pass(functional.linear(heard.flatten(1), self.dilated.weight.flatten(1), self.dilated.bias) + told)
        skip = functional.linear(z, self.skip.weight[..., 0])
        return h if self.residual is None else h + functional.linear(z, self.residual.weight[..., 0], self.residual.bias), skip

    def silence(self, h: Float[Tensor, "B C"]) -> deque[Tensor]:
        """Returns the ``past`` of ``step`` at the beginning: as many zeros, like ``h``, as the convolution reaches back."""
        return deque([torch.zeros_like(h)] * self.dilated.reach)

    def _pass(self, y: Tensor) -> Tensor:
        """What the gate lets through of the filter, or the filter itself in a linear block."""
        if self.linear:
            return y
        f, g = y.chunk(2, dim=1)
        return torch.tanh(f) * torch.sigmoid(g)  # (B, C, ...)
