"""PixelCNN: pictures drawn pixel by pixel, each from all pixels above it and to its left.

Taught in: 11_wavenet
"""

import math

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Generator, Tensor, nn
from torch.nn import functional

from course_lib.generative.masked_autoregressive import as_binary
from course_lib.networks.masked import MaskedConv2d, raster_mask


class PixelCNN(nn.Module):
    r"""A probability of binary pictures: each pixel by the same convolutions of those before it, read line by line.

    .. math:: p(x) = \prod_{i,j} p(x_{ij} \mid \text{rows above } i,\; x_{i1}, \dots, x_{i,j-1})

    Masked convolutions in one stack have a blind spot (死角): pixels above and far to the right never reach the one in question. So there are two stacks.
    The vertical one, v, knows whole rows above; the horizontal one, h, reads along the row and is told what v knows:

    .. math:: a = W_v * v, \qquad v \leftarrow v + \mathrm{gate}(a), \qquad h \leftarrow h + W_r\, \mathrm{gate}(W_h * h + W_a a), \qquad
              \mathrm{gate}(c, g) = \tanh(c) \odot σ(g)

    Args:
        event: shape of one picture, ``(1, H, W)``.
        channels: of each stack, at least 1.
        blocks: gated residual blocks, at least 1.

    Raises:
        ValueError: if a number is not at least 1, or the pictures have several colours.

    Example:
        >>> from course_lib import training
        >>> from course_lib.datasets import strokes
        >>> chance = torch.Generator().manual_seed(0)
        >>> x = strokes.draw(128, side=16, generator=chance).images > 127
        >>> model = PixelCNN((1, 16, 16), channels=8, blocks=2)
        >>> descent = torch.optim.Adam(model.parameters(), lr=1e-2)
        >>> record = training.fit(model, x, optimizer=descent, epochs=1, batch_size=16)
        >>> model.sample(2, generator=chance).shape, bool(model.log_prob(x).mean() > 256 * -math.log(2))
        (torch.Size([2, 1, 16, 16]), True)

    References:
        A. van den Oord and others, Conditional image generation with PixelCNN decoders, 2016, arXiv:1606.05328, eq. 2 (the gate) and its
        two stacks.
    Deviation: one colour of two levels; kernels of two rows by three pixels above and of two pixels along the row; v is residual too. Ink
        enters as 1, paper as −1, what lies around the picture as 0, and beside each pixel its place: i and j, from −1 to 1.
    Taught in: 11_wavenet
    """

    def __init__(self, event: tuple[int, int, int], *, channels: int, blocks: int) -> None:
        super().__init__()
        if event[0] != 1 or min(*event, channels, blocks) < 1:
            raise ValueError(f"event must be (1, H, W), and all numbers at least 1, got {event}, {channels} channels and {blocks} blocks")
        self.event = tuple(event)
        i, j = torch.meshgrid(*(torch.linspace(-1, 1, size) for size in event[1:]), indexing="ij")
        self.register_buffer("places", torch.stack([i, j]), persistent=False)  # (2, H, W)
        self.above = MaskedConv2d(3, channels, whole_rows(5, 5, own_row=False))
        self.left = MaskedConv2d(3, channels, raster_mask(1, 5, sees_itself=False))
        self.blocks = nn.ModuleList(_Block(channels) for _ in range(blocks))
        self.head = nn.Sequential(nn.SiLU(), nn.Conv2d(channels, channels, 1), nn.SiLU(), nn.Conv2d(channels, 1, 1))

    def logits(self, x: Shaped[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """Returns log p(x_ij = 1 | before) − log p(x_ij = 0 | before) for every pixel, ``(B, 1, H, W)``."""
        seen = self._entrance(as_binary(x, self.event))
        return self._along_rows(seen, self._from_above(seen))

    def log_prob(self, x: Shaped[Tensor, "B 1 H W"]) -> Float[Tensor, " B"]:
        """Returns log p(x) of each picture of zeros and ones, in nats, ``(B,)``."""
        logits = self.logits(x)
        return -functional.binary_cross_entropy_with_logits(logits, x.to(logits), reduction="none").flatten(1).sum(1)

    def loss(self, x: Shaped[Tensor, "B 1 H W"]) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per pixel."""
        return -self.log_prob(x).mean() / math.prod(self.event)

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, "n 1 H W"]:
        """Returns ``n`` pictures of zeros and ones, ``(n, 1, H, W)``; what is above a row is worked out once for the whole row."""
        _, H, W = self.event
        u = torch.rand(n, H, W, dtype=self.places.dtype, device=self.places.device, generator=generator)
        seen = self._entrance(torch.zeros(n, *self.event))
        for i in range(H):
            row = seen[:, :, i : i + 1]
            known = [told[:, :, i : i + 1] for told in self._from_above(seen[:, :, : i + 1])]
            for j in range(W):
                ink = u[:, i, j] < self._along_rows(row, known)[:, 0, 0, j].sigmoid()
                seen[:, 0, i, j] = 2 * ink.to(seen) - 1
        return (seen[:, :1] + 1) / 2

    def _entrance(self, x: Tensor) -> Tensor:
        """Ink as 1, paper as −1, and where each pixel is, ``(B, 3, H, W)``."""
        return torch.cat([2 * x.to(self.places) - 1, self.places.expand(len(x), -1, -1, -1)], dim=1)

    def _from_above(self, seen: Tensor) -> list[Tensor]:
        """What the vertical stack tells each block of the horizontal one, ``(B, 2 C, H, W)``."""
        v, told = self.above(seen), []
        for block in self.blocks:
            a = block.vertical(v)
            told.append(block.across(a))
            v = v + gate(a)
        return told

    def _along_rows(self, seen: Tensor, told: list[Tensor]) -> Tensor:
        """The logits, ``(B, 1, H, W)``: no row matters to another but through what ``told`` says."""
        h = self.left(seen)
        for block, a in zip(self.blocks, told, strict=True):
            h = h + block.out(gate(block.horizontal(h) + a))
        return self.head(h)


class _Block(nn.Module):
    """The four convolutions of one gated residual block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.vertical = MaskedConv2d(channels, 2 * channels, whole_rows(3, 3, own_row=True))  # v knows nothing of its own row
        self.across = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.horizontal = MaskedConv2d(channels, 2 * channels, raster_mask(1, 3, sees_itself=True))
        self.out = nn.Conv2d(channels, channels, 1)


def gate(a: Float[Tensor, "B twice H W"]) -> Float[Tensor, "B C H W"]:
    """Returns tanh of the first half of the channels times σ of the second: what is said, and how much of it passes."""
    content, passing = a.chunk(2, dim=1)
    return content.tanh() * passing.sigmoid()


def whole_rows(height: int, width: int, *, own_row: bool) -> Bool[Tensor, "height width"]:
    """Returns the mask of a kernel that sees the rows above its centre, with or without the centre's.

    Example:
        >>> whole_rows(3, 3, own_row=False).long()
        tensor([[1, 1, 1],
                [0, 0, 0],
                [0, 0, 0]])
    """
    return (torch.arange(height) < height // 2 + own_row)[:, None].expand(height, width)
