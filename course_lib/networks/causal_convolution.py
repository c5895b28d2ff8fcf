"""Causal convolution (因果的畳み込み): a filter that hears only now and the past, with holes (dilation) to hear further back.

Taught in: 11_wavenet
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class CausalConv1d(nn.Module):
    r"""A convolution over time whose output never depends on the future.

    .. math:: y_t = b + \sum_{k=0}^{K-1} W_k\, x_{t - (K-1-k)\,d}, \qquad x_t = 0 \text{ for } t < 0

    The last tap hears the present, the one before it ``dilation`` samples back, and so on.

    Args:
        C_in: channels of the input.
        C_out: channels of the output.
        kernel: K, the number of taps.
        dilation: d, the samples from one tap to the next (膨張率).
        bias: whether there is a b.

    Attributes:
        weight: W, ``(C_out, C_in, kernel)``.
        bias: b, ``(C_out,)``, or None.

    Raises:
        ValueError: if a number is less than 1.

    Example:
        >>> layer = CausalConv1d(1, 1, kernel=2, dilation=3, bias=False)
        >>> with torch.no_grad():
        ...     _ = layer.weight.copy_(torch.tensor([[[10.0, 1.0]]]))  # ten times the sample three back, plus this one
        ...     layer(torch.tensor([[[1.0, 2, 3, 4, 5]]]))
        tensor([[[ 1.,  2.,  3., 14., 25.]]])

    References:
        A. van den Oord and others, WaveNet: a generative model for raw audio, 2016, arXiv:1609.03499, section 2.1.
    Deviation: none
    Taught in: 11_wavenet
    """

    def __init__(self, C_in: int, C_out: int, kernel: int, dilation: int = 1, *, bias: bool = True):
        super().__init__()
        for name, value in (("C_in", C_in), ("C_out", C_out), ("kernel", kernel), ("dilation", dilation)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.dilation = dilation
        largest = math.sqrt(3 / (C_in * kernel))  # uniform to both sides: what enters with variance 1 leaves with variance 1
        self.weight = nn.Parameter(torch.empty(C_out, C_in, kernel).uniform_(-largest, largest))
        self.bias = nn.Parameter(torch.zeros(C_out)) if bias else None

    @property
    def reach(self) -> int:
        """How many samples back the first tap lies: (K − 1) d."""
        return (self.weight.shape[-1] - 1) * self.dilation

    def forward(self, x: Float[Tensor, "B C_in T"]) -> Float[Tensor, "B C_out T"]:
        """Returns the filtered signals, as long as they came."""
        heard = functional.pad(x, (self.reach, 0)) if self.reach else x  # padding by nothing would copy
        return functional.conv1d(heard, self.weight, self.bias, dilation=self.dilation)

    def extra_repr(self) -> str:
        """The sizes, as ``print`` shows them."""
        C_out, C_in, kernel = self.weight.shape
        return f"{C_in}, {C_out}, kernel={kernel}, dilation={self.dilation}, bias={self.bias is not None}"
