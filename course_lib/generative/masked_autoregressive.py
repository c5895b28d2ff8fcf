"""MADE: an autoencoder whose masks make it an autoregressive model (自己回帰モデル).

Taught in: 11_wavenet
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Generator, Tensor, nn
from torch.nn import functional

from course_lib.networks.masked import MaskedLinear, MaskedMLP


class MADE(nn.Module):
    r"""A probability of binary data, dimension by dimension: one network, one pass for all factors.

    .. math:: p(x) = \prod_{d=1}^D p(x_d \mid x_1, \dots, x_{d-1}), \qquad p(x_d = 1 \mid x_{<d}) = σ(f_d(x_{<d}))

    Dimensions follow each other as they lie in memory: a picture's pixels line by line. f_d is a network plus a weighted sum of the x before.

    Args:
        event: shape of one x, for example ``(1, 16, 16)``.
        hidden: size of each hidden layer.

    Raises:
        ValueError: if a size is not at least 1.

    Example:
        >>> from course_lib import training
        >>> from course_lib.datasets import strokes
        >>> chance = torch.Generator().manual_seed(0)
        >>> x = strokes.draw(256, side=16, generator=chance).images > 127
        >>> model = MADE((1, 16, 16), [64])
        >>> model.start_from(x)
        >>> descent = torch.optim.Adam(model.parameters(), lr=1e-2)
        >>> record = training.fit(model, x, optimizer=descent, epochs=2, batch_size=64)
        >>> model.sample(2, generator=chance).shape, bool(model.log_prob(x).mean() > 256 * -math.log(2))
        (torch.Size([2, 1, 16, 16]), True)

    References:
        M. Germain, K. Gregor, I. Murray, H. Larochelle, MADE: masked autoencoder for distribution estimation, 2015, arXiv:1502.03509,
        section 3.
    Deviation: one order of dimensions and one set of masks, where there they may be drawn anew for each batch; zeros enter as −1.
    Taught in: 11_wavenet
    """

    def __init__(self, event: Sequence[int], hidden: Sequence[int]) -> None:
        super().__init__()
        self.event = tuple(event)
        D = math.prod(self.event)
        self.network = MaskedMLP(D, hidden, 1)
        self.direct = MaskedLinear(torch.ones(D, D, dtype=torch.bool).tril(-1))

    @torch.no_grad()
    def start_from(self, x: Shaped[Tensor, "N ..."]) -> None:
        """Sets the biases so that each dimension begins near its own frequency in ``x``, whatever comes before it: training is quicker from there."""
        frequency = (as_binary(x, self.event).flatten(1).sum(0) + 0.5) / (len(x) + 1)  # never 0 or 1
        self.direct.bias.copy_(frequency.logit())

    def logits(self, x: Shaped[Tensor, "B ..."]) -> Float[Tensor, "B ..."]:
        """Returns log p(x_d = 1 | x_<d) − log p(x_d = 0 | x_<d) for every d, ``(B, *event)``."""
        x = 2 * as_binary(x, self.event).flatten(1).to(self.direct.weight) - 1
        return self._logits(x).view(len(x), *self.event)

    def log_prob(self, x: Shaped[Tensor, "B ..."]) -> Float[Tensor, " B"]:
        """Returns log p(x) of each row of zeros and ones, in nats, ``(B,)``."""
        logits = self.logits(x)
        return -functional.binary_cross_entropy_with_logits(logits, x.to(logits), reduction="none").flatten(1).sum(1)

    def loss(self, x: Shaped[Tensor, "B ..."]) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per dimension."""
        return -self.log_prob(x).mean() / math.prod(self.event)

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, "n ..."]:
        """Returns ``n`` draws of zeros and ones, ``(n, *event)``: D passes, each for one dimension of all."""
        weight = self.direct.weight
        u = torch.rand(n, len(weight), dtype=weight.dtype, device=weight.device, generator=generator)
        x = -torch.ones_like(u)
        for d in range(len(weight)):
            x[:, d] = 2 * (u[:, d] < self._logits(x)[:, d].sigmoid()).to(x) - 1
        return ((x + 1) / 2).view(n, *self.event)

    def _logits(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        """From −1 and 1 to logits."""
        return self.network(x)[..., 0] + self.direct(x)


def as_binary(x: Shaped[Tensor, "B ..."], event: tuple[int, ...]) -> Bool[Tensor, "B ..."]:
    """Returns ``x`` as truth values.

    Args:
        x: rows of zeros and ones, in any number format.
        event: the shape that each row must have.

    Raises:
        ValueError: if a row has another shape, or holds other numbers.

    Example:
        >>> as_binary(torch.tensor([[0.0, 1.0]]), (2,))
        tensor([[False,  True]])
    """
    if x.shape[1:] != event:
        raise ValueError(f"x must have rows of shape {event}, got {tuple(x.shape)}")
    if not ((x == 0) | (x == 1)).all():
        wrong = x[(x != 0) & (x != 1)][0].item()
        raise ValueError(f"x must hold zeros and ones only, got {wrong:.6g}: binarise a picture first, x > 127")
    return x.bool()
