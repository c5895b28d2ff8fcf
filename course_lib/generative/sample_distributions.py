"""What one sample of a sound may be, given the numbers that a network gives for it: a level of many, or a real number near a mean.

Taught in: 11_wavenet
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from course_lib.networks.causal_convolution import CausalConv1d

_LOG_2PI = math.log(2 * math.pi)


class Categorical(nn.Module):
    r"""One of V levels, say of the μ-law code: the network gives a logit for each.

    .. math:: p(x_t = v) = \frac{e^{l_v}}{\sum_u e^{l_u}}

    Args:
        levels: V.

    Raises:
        ValueError: if there are fewer than 2 levels.

    Example:
        >>> Categorical(4).log_prob(torch.tensor([[2]]), torch.zeros(1, 4, 1)).exp()
        tensor([[0.2500]])

    References:
        A. van den Oord and others, WaveNet: a generative model for raw audio, 2016, arXiv:1609.03499, section 2.2.
    Deviation: none
    Taught in: 11_wavenet
    """

    dtype = torch.int64

    def __init__(self, levels: int = 256):
        super().__init__()
        if levels < 2:
            raise ValueError(f"levels must be at least 2, got {levels}")
        self.levels = self.outputs = levels

    def entrance(self, channels: int) -> nn.Embedding:
        r"""Returns the layer through which samples enter the network: a table, one row ``(C,)`` a level.

        Levels that are close begin alike, here and at the exit: column c is Σ_j w_jc cos(π j v / (V − 1)) with a few waves j and random w.
        """
        table = nn.Embedding(self.levels, channels)
        with torch.no_grad():
            table.weight.copy_(self._waves(0, channels))
        return table

    def exit(self, channels: int, *, bias: bool) -> CausalConv1d:
        """Returns the layer through which logits leave the network, a 1×1 convolution: it begins with levels that are close alike."""
        layer = CausalConv1d(channels, self.levels, 1, bias=bias)
        with torch.no_grad():
            layer.weight[..., 0] = self._waves(1, channels) / math.sqrt(channels)
        return layer

    def _waves(self, first: int, channels: int) -> Tensor:
        """Random smooth functions of the level, (V, C), from the wave ``first`` on: wave 0 is the same for all levels."""
        waves = torch.arange(first, max(first + 1, min(first + 8, self.levels)))
        v = torch.arange(self.levels) / (self.levels - 1)
        return torch.cos(math.pi * v[:, None] * waves) @ torch.randn(len(waves), channels) / math.sqrt(len(waves))

    def enter(self, entrance: nn.Module, x: Int64[Tensor, "B T"]) -> Float[Tensor, "B C T"]:
        """Returns the samples as channels."""
        return entrance(x).mT

    def log_prob(self, x: Int64[Tensor, "B T"], logits: Float[Tensor, "B V T"]) -> Float[Tensor, "B T"]:
        """Returns the log probability of each sample, nats."""
        return -functional.cross_entropy(logits, x, reduction="none")

    def draw(self, logits: Float[Tensor, "B V"], u: Float[Tensor, " B"], temperature: float = 1.0) -> Int64[Tensor, " B"]:
        """Returns the levels at which the cumulated probability first exceeds ``u``; probabilities are those of logits / ``temperature``."""
        cumulated = (logits.double() / temperature).softmax(1).cumsum(1)
        return (cumulated <= u[:, None] * cumulated[:, -1:]).sum(1)


class Gaussian(nn.Module):
    r"""A real number: the network gives its mean, and one variance serves all samples, as in linear prediction.

    .. math:: p(x_t) = \mathcal N(x_t;\, m_t,\, σ^2)

    Attributes:
        log_var: log σ², a parameter of shape ``()``.

    Example:
        >>> Gaussian().log_prob(torch.zeros(1, 1), torch.zeros(1, 1, 1)).item()
        -0.9189385175704956

    References:
        none needed: lecture 3's autoregressive model.
    Deviation: none
    Taught in: 11_wavenet
    """

    dtype = None  # that of the weights
    outputs = 1

    def __init__(self) -> None:
        super().__init__()
        self.log_var = nn.Parameter(torch.zeros(()))

    def entrance(self, channels: int) -> CausalConv1d:
        """Returns the layer through which samples enter the network: each channel is a multiple of the sample."""
        return CausalConv1d(1, channels, 1, bias=False)

    def exit(self, channels: int, *, bias: bool) -> CausalConv1d:
        """Returns the layer through which means leave the network, a 1×1 convolution."""
        return CausalConv1d(channels, 1, 1, bias=bias)

    def enter(self, entrance: nn.Module, x: Float[Tensor, "B T"]) -> Float[Tensor, "B C T"]:
        """Returns the samples as channels."""
        return entrance.weight[:, 0] * x[:, None].to(entrance.weight.dtype)  # the layer itself refuses a sound of no samples

    def log_prob(self, x: Float[Tensor, "B T"], mean: Float[Tensor, "B 1 T"]) -> Float[Tensor, "B T"]:
        """Returns the log density of each sample, nats."""
        return -0.5 * (_LOG_2PI + self.log_var + (x - mean[:, 0]).square() * torch.exp(-self.log_var))

    def draw(self, mean: Float[Tensor, "B 1"], u: Float[Tensor, " B"], temperature: float = 1.0) -> Float[Tensor, " B"]:
        """Returns the numbers below which a share ``u`` of the probability lies; the variance is σ² times ``temperature``."""
        inner = u.clamp(min=torch.finfo(u.dtype).tiny)  # at 0 it would be −∞
        return mean[:, 0] + (torch.special.ndtri(inner) * math.sqrt(temperature) * torch.exp(0.5 * self.log_var)).to(mean.dtype)
