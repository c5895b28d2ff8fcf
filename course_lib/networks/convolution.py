"""Convolution (畳み込み): one small filter, asked everywhere; and networks of it from a picture to numbers and back.

Taught in: 08_convolutional_networks
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn


def convolution_matrix(
    kernel: Float[Tensor, "C_out C_in h w"], height: int, width: int, *, stride: int = 1, padding: int = 0
) -> Float[Tensor, "outputs inputs"]:
    r"""Returns the matrix that a convolution is: the same few numbers in every row, moved along, and zeros elsewhere.

    .. math:: y_{o,i,j} = \sum_{c,u,v} w_{o,c,u,v}\; x_{c,\; s i + u - p,\; s j + v - p}, \qquad x = 0 \text{ outside the picture}

    Its transpose is the transposed convolution with the same kernel, stride and padding.

    Args:
        kernel: w.
        height: of the picture, pixels.
        width: of the picture, pixels.
        stride: s, pixels from one place of the filter to the next.
        padding: p, rows and columns of zeros around the picture.

    Returns:
        The matrix: a row for each output (channel, row, column), a column for each input in the same order.

    Raises:
        ValueError: if ``stride`` is below 1, ``padding`` below 0, or the kernel larger than the padded picture.

    Example:
        >>> convolution_matrix(torch.tensor([[[[1.0, 2.0]]]]), 1, 4)
        tensor([[1., 2., 0., 0.],
                [0., 1., 2., 0.],
                [0., 0., 1., 2.]])

    References:
        V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016, arXiv:1603.07285, section 4.1.
    Deviation: none; like every library, it correlates: the kernel is not turned round.
    Taught in: 08_convolutional_networks
    """
    C_out, C_in, h, w = kernel.shape
    if stride < 1 or padding < 0:
        raise ValueError(f"stride must be at least 1 and padding at least 0, got {stride} and {padding}")
    if h > height + 2 * padding or w > width + 2 * padding:
        raise ValueError(f"the kernel must fit into the padded picture, got {h}×{w} in {height + 2 * padding}×{width + 2 * padding}")
    row = torch.arange((height + 2 * padding - h) // stride + 1)[:, None]
    column = torch.arange((width + 2 * padding - w) // stride + 1)
    matrix = kernel.new_zeros(C_out, len(row), len(column), C_in, height + 2 * padding, width + 2 * padding)
    for u in range(h):
        for v in range(w):
            matrix[:, row, column, :, stride * row + u, stride * column + v] = kernel[:, :, u, v]
    inside = matrix[..., padding : padding + height, padding : padding + width]  # what is outside is zero: its columns go
    return inside.reshape(C_out * len(row) * len(column), C_in * height * width)


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    r"""Returns how many inputs in a row one output of a stack of convolutions sees.

    .. math:: r = 1 + \sum_l (k_l - 1) \prod_{m<l} s_m

    Args:
        layers: the kernel size k and the stride s of each layer, the first one first; pooling counts as a layer.

    Returns:
        The receptive field, in inputs along one axis.

    Raises:
        ValueError: if a size or a stride is below 1.

    Example:
        >>> receptive_field([(3, 1), (3, 1)]), receptive_field([(3, 2), (3, 1)])
        (5, 7)

    References:
        A. Araujo, W. Norris, J. Sim, "Computing receptive fields of convolutional neural networks", 2019, doi:10.23915/distill.00021.
    Taught in: 08_convolutional_networks
    """
    seen, step = 1, 1
    for kernel, stride in layers:
        if min(kernel, stride) < 1:
            raise ValueError(f"layers must be (kernel, stride) of at least 1 each, got {(kernel, stride)}")
        seen += (kernel - 1) * step
        step *= stride
    return seen


class ConvEncoder(nn.Module):
    r"""From a picture to numbers: each layer halves the side and changes the channels; the last picture is read by a linear map.

    .. math:: h_0 = x, \qquad h_l = \varphi(w_l * h_{l-1} + b_l) \text{ at every second pixel}, \qquad y = W h_L + b

    Args:
        side: height and width of the picture, divisible by 2 once for each layer: 28 twice, 16 four times.
        channels: channels after each layer, from the picture to the numbers.
        outputs: how many numbers.
        picture_channels: channels of the picture, 1 for grey; a condition laid beside it counts.
        activation: makes the module φ that follows each layer.

    Raises:
        ValueError: if a size is below 1, or the side cannot be halved so often.

    Example:
        >>> ConvEncoder(16, (16, 32), 4)(torch.zeros(5, 1, 16, 16)).shape
        torch.Size([5, 4])

    References:
        A. Radford, L. Metz, S. Chintala, "Unsupervised representation learning with deep convolutional generative adversarial networks", 2016,
        arXiv:1511.06434 (strides instead of pooling).
    Deviation: no batch norm; a linear map at the end.
    Taught in: 08_convolutional_networks
    """

    def __init__(
        self,
        side: int,
        channels: Sequence[int],
        outputs: int,
        *,
        picture_channels: int = 1,
        activation: Callable[[], nn.Module] = nn.SiLU,
    ) -> None:
        super().__init__()
        small = _halved(side, channels, outputs, picture_channels)
        layers: list[nn.Module] = []
        for before, after in pairwise([picture_channels, *channels]):
            layers += [
                nn.Conv2d(before, after, 4, stride=2, padding=1),
                activation(),
            ]  # 4 is a multiple of 2: every pixel is read equally often
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * small**2, outputs))

    def forward(self, x: Float[Tensor, "B C side side"]) -> Float[Tensor, "B outputs"]:
        """Returns the numbers of each picture: ``(B, C, side, side)`` → ``(B, outputs)``."""
        return self.layers(x)


class ConvDecoder(nn.Module):
    r"""From numbers to a picture: a linear map paints a small one, and each layer doubles its side by a transposed convolution (転置畳み込み).

    The mirror image of ``ConvEncoder``. The last layer has no activation, so that pixels may be logits or means.

    Args:
        inputs: how many numbers.
        channels: channels before each layer, from the numbers to the picture.
        side: height and width of the picture, divisible by 2 once for each layer.
        picture_channels: channels of the picture: 1 for a logit or a mean a pixel, 2 for a mean and a log-variance.
        activation: makes the module that precedes each layer.

    Raises:
        ValueError: if a size is below 1, or the side cannot be halved so often.

    Example:
        >>> ConvDecoder(4, (32, 16), 16)(torch.zeros(5, 4)).shape
        torch.Size([5, 1, 16, 16])

    References:
        A. Radford, L. Metz, S. Chintala, "Unsupervised representation learning with deep convolutional generative adversarial networks", 2016,
        arXiv:1511.06434;
        A. Odena, V. Dumoulin, C. Olah, "Deconvolution and checkerboard artifacts", 2016, doi:10.23915/distill.00003 (why 4 and not 3 or 5).
    Deviation: no batch norm; kernels of 4.
    Taught in: 08_convolutional_networks
    """

    def __init__(
        self,
        inputs: int,
        channels: Sequence[int],
        side: int,
        *,
        picture_channels: int = 1,
        activation: Callable[[], nn.Module] = nn.SiLU,
    ) -> None:
        super().__init__()
        small = _halved(side, channels, inputs, picture_channels)
        layers: list[nn.Module] = [nn.Linear(inputs, channels[0] * small**2), nn.Unflatten(1, (channels[0], small, small))]
        for before, after in pairwise([*channels, picture_channels]):
            layers += [activation(), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Float[Tensor, "B inputs"]) -> Float[Tensor, "B C side side"]:
        """Returns the picture of each row: ``(B, inputs)`` → ``(B, C, side, side)``."""
        return self.layers(z)


def _halved(side: int, channels: Sequence[int], *sizes: int) -> int:
    """The side after as many halvings as there are channels."""
    if not channels or min([side, *channels, *sizes]) < 1:
        raise ValueError(
            f"side, channels and the number of inputs or outputs must be at least 1, got {side}, {list(channels)} and {list(sizes)}"
        )
    if side % 2 ** len(channels):
        raise ValueError(f"side must be divisible by 2 once for each of {len(channels)} layers, got {side}")
    return side // 2 ** len(channels)
