"""Masked layers (マスク付き層): networks whose outputs see only the inputs before them.

Taught in: 11_wavenet
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional


class MaskedLinear(nn.Module):
    r"""A linear map with some of its connections cut.

    .. math:: y = (M \odot W)\, x + b

    Args:
        mask: M, which input reaches which output, ``(outputs, inputs)``.

    Raises:
        ValueError: if the mask has no rows or no columns.

    Example:
        >>> layer = MaskedLinear(torch.tensor([[True, False], [True, True]]))
        >>> x = torch.randn(1, 2, requires_grad=True)
        >>> layer(x)[0, 0].backward()
        >>> x.grad[0, 1].item()
        0.0

    References:
        M. Germain, K. Gregor, I. Murray, H. Larochelle, MADE: masked autoencoder for distribution estimation, 2015, arXiv:1502.03509,
        section 4.
    Deviation: each row of W starts uniform within 1/√(inputs that it sees), as ``nn.Linear`` would with that many.
    Taught in: 11_wavenet
    """

    mask: Bool[Tensor, "outputs inputs"]

    def __init__(self, mask: Bool[Tensor, "outputs inputs"]) -> None:
        super().__init__()
        if not mask.numel():
            raise ValueError(f"mask must have rows and columns, got {tuple(mask.shape)}")
        bound = mask.sum(1).clamp(min=1).rsqrt()  # (outputs,)
        self.weight = nn.Parameter((2 * torch.rand(mask.shape) - 1) * bound[:, None])
        self.bias = nn.Parameter((2 * torch.rand(len(mask)) - 1) * bound)
        self.register_buffer("mask", mask)

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Returns y for each row of ``x``: ``(…, inputs)`` → ``(…, outputs)``."""
        return functional.linear(x, self.weight * self.mask, self.bias)


def made_degrees(inputs: int, hidden: Sequence[int]) -> list[Int64[Tensor, " units"]]:
    r"""Returns how far each unit of each hidden layer may see: m(k), from 1 to D − 1, spread evenly and in order.

    A unit of degree m depends on the first m inputs at most. With degree D it would be of no use: there is no output that may see all inputs.

    Args:
        inputs: D, at least 1.
        hidden: units in each hidden layer.

    Returns:
        One ``(units,)`` for each layer.

    Raises:
        ValueError: if a size is not at least 1.

    Example:
        >>> [m.tolist() for m in made_degrees(4, [6, 2])]
        [[1, 1, 2, 2, 3, 3], [1, 3]]

    References:
        M. Germain and others, MADE: masked autoencoder for distribution estimation, 2015, arXiv:1502.03509, section 4.
    Deviation: there degrees are drawn at random.
    Taught in: 11_wavenet
    """
    if min([inputs, *hidden]) < 1:
        raise ValueError(f"inputs and hidden must all be at least 1, got {inputs} and {list(hidden)}")
    # A picture of one pixel has nothing to see: its units keep their bias.
    return [torch.linspace(min(1, inputs - 1), inputs - 1, units).round().long() for units in hidden]


def made_masks(inputs: int, hidden: Sequence[int], outputs: int) -> list[Bool[Tensor, "to from"]]:
    r"""Returns the mask of each layer of a network whose d-th output sees inputs 1 … d − 1.

    .. math:: M^{l}_{k'k} = 1[m^l(k') \ge m^{l-1}(k)], \qquad M^{\mathrm{out}}_{dk} = 1[d > m^L(k)], \qquad m^0(d) = d

    On the way from input j to output d degrees never fall, and rise at the last step: j ≤ m¹ ≤ … ≤ m^L < d.

    Args:
        inputs: D, at least 1.
        hidden: units in each hidden layer.
        outputs: numbers for each input; they lie side by side, those of the first input first.

    Returns:
        One mask for each layer, ``(units, inputs)`` … ``(D · outputs, units)``.

    Raises:
        ValueError: if a size is not at least 1.

    Example:
        >>> for mask in made_masks(3, [4], 1):
        ...     print(mask.long())
        tensor([[1, 0, 0],
                [1, 0, 0],
                [1, 1, 0],
                [1, 1, 0]])
        tensor([[0, 0, 0, 0],
                [1, 1, 0, 0],
                [1, 1, 1, 1]])

    References:
        M. Germain and others, MADE: masked autoencoder for distribution estimation, 2015, arXiv:1502.03509, eqs. 12 and 13 (section 4).
    Deviation: as in ``made_degrees``
    Taught in: 11_wavenet
    """
    if outputs < 1:
        raise ValueError(f"outputs must be at least 1, got {outputs}")
    positions = torch.arange(1, inputs + 1)
    degrees = [positions, *made_degrees(inputs, hidden)]
    masks = [after[:, None] >= before for before, after in pairwise(degrees)]
    return [*masks, positions.repeat_interleave(outputs)[:, None] > degrees[-1]]


class MaskedMLP(nn.Module):
    r"""A multi-layer perceptron that says of each input what the inputs before it tell: all at once.

    .. math:: y_d = f_d(x_1, \dots, x_{d-1})

    Args:
        inputs: D.
        hidden: size of each hidden layer.
        outputs: size of each y_d: one for a logit, two for a mean and a log-scale.
        activation: makes the module that follows each hidden layer.

    Raises:
        ValueError: if a size is not at least 1.

    Example:
        >>> MaskedMLP(5, [32, 32], 2)(torch.zeros(7, 5)).shape
        torch.Size([7, 5, 2])

    References:
        M. Germain and others, MADE: masked autoencoder for distribution estimation, 2015, arXiv:1502.03509, sections 3 and 4.
    Deviation: no direct connections from inputs to outputs; one order, the given one.
    Taught in: 11_wavenet
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int, *, activation: Callable[[], nn.Module] = nn.SiLU) -> None:
        super().__init__()
        *inner, last = made_masks(inputs, hidden, outputs)
        layers = [module for mask in inner for module in (MaskedLinear(mask), activation())]
        self.layers = nn.Sequential(*layers, MaskedLinear(last))
        self.inputs = inputs

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch inputs outputs"]:
        """Returns y for each row of ``x``: ``(…, D)`` → ``(…, D, outputs)``."""
        return self.layers(x).unflatten(-1, (self.inputs, -1))


def raster_mask(height: int, width: int, *, sees_itself: bool) -> Bool[Tensor, "height width"]:
    """Returns which pixels around its centre a kernel may see, when pixels are read line by line.

    Args:
        height: rows of the kernel, odd.
        width: columns, odd.
        sees_itself: whether the centre is seen too: not in a network's first layer (type A), in later ones (type B).

    Returns:
        The mask, ``(height, width)``.

    Raises:
        ValueError: if a side is not odd.

    Example:
        >>> raster_mask(3, 3, sees_itself=False).long()
        tensor([[1, 1, 1],
                [1, 0, 0],
                [0, 0, 0]])

    References:
        A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, Pixel recurrent neural networks, 2016, arXiv:1601.06759, section 3.4 (masks A and B).
    Deviation: for pictures of one colour.
    Taught in: 11_wavenet
    """
    _refuse_even(height, width)
    return (torch.arange(height * width) < height * width // 2 + sees_itself).view(height, width)


class MaskedConv2d(nn.Module):
    r"""A convolution that keeps a picture's size and sees what its mask lets through.

    .. math:: y_{c'ij} = b_{c'} + \sum_{c,u,v} M_{uv}\, W_{c'cuv}\, x_{c,\,i+u,\,j+v}, \qquad u, v = 0 \text{ at the kernel's centre}

    Rows and columns at the mask's border that are closed all along cost nothing: they are not there.

    Args:
        inputs: channels of x.
        outputs: channels of y.
        mask: which pixels around the centre are seen, ``(height, width)``, both odd.

    Raises:
        ValueError: if a side of the mask is not odd, or it lets nothing through.

    Example:
        >>> layer = MaskedConv2d(1, 1, raster_mask(3, 3, sees_itself=False))
        >>> x = torch.zeros(1, 1, 3, 3, requires_grad=True)
        >>> layer(x)[0, 0, 1, 1].backward()
        >>> (x.grad[0, 0] != 0).long()
        tensor([[1, 1, 1],
                [1, 0, 0],
                [0, 0, 0]])

    References:
        A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, Pixel recurrent neural networks, 2016, arXiv:1601.06759, section 3.4.
    Deviation: weights start uniform within 1/√(inputs that are seen).
    Taught in: 11_wavenet
    """

    mask: Bool[Tensor, "height width"]

    def __init__(self, inputs: int, outputs: int, mask: Bool[Tensor, "height width"]) -> None:
        super().__init__()
        _refuse_even(*mask.shape)
        if not mask.any():
            raise ValueError("mask must let something through, got all False")
        (top, bottom), (left, right) = (_span(mask.any(dim)) for dim in (1, 0))
        height, width = mask.shape
        self.padding = (width // 2 - left, right - width // 2, height // 2 - top, bottom - height // 2)
        mask = mask[top : bottom + 1, left : right + 1]
        bound = 1 / math.sqrt(inputs * int(mask.sum()))
        self.weight = nn.Parameter((2 * torch.rand(outputs, inputs, *mask.shape) - 1) * bound)
        self.bias = nn.Parameter((2 * torch.rand(outputs) - 1) * bound)
        self.register_buffer("mask", mask.clone())

    def forward(self, x: Float[Tensor, "B inputs H W"]) -> Float[Tensor, "B outputs H W"]:
        """Returns y, ``(B, outputs, H, W)``."""
        # Padding may be negative: a kernel that lies wholly above its centre never reaches the last row.
        return functional.conv2d(functional.pad(x, self.padding), self.weight * self.mask, self.bias)


def _span(seen: Tensor) -> tuple[int, int]:
    """The first and the last place that is seen."""
    places = seen.nonzero()[:, 0]
    return int(places[0]), int(places[-1])


def _refuse_even(height: int, width: int) -> None:
    if not (height > 0 and width > 0 and height % 2 and width % 2):
        raise ValueError(f"a kernel's height and width must be odd, so that it has a centre, got {height} × {width}")
