"""The matrix of a convolution against torch's and SciPy's, what a network sees against its gradient, and networks of either side."""

import pytest
import torch
from scipy import signal
from torch import nn
from torch.nn import functional

from course_lib.networks import convolution


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


CASES = [
    # C_out, C_in, h, w, height, width, stride, padding
    (1, 1, 1, 1, 1, 1, 1, 0),
    (2, 3, 3, 2, 5, 6, 1, 0),
    (2, 3, 3, 3, 5, 6, 1, 1),
    (3, 2, 3, 3, 8, 7, 2, 1),
    (2, 1, 4, 4, 8, 8, 2, 1),
    (1, 2, 2, 5, 6, 9, 3, 2),
    (1, 1, 5, 5, 3, 3, 1, 1),
]


@pytest.mark.parametrize(("C_out", "C_in", "h", "w", "height", "width", "stride", "padding"), CASES)
def test_the_matrix_is_the_convolution_and_its_transpose_the_transposed_one(C_out, C_in, h, w, height, width, stride, padding):
    kernel, x = noise(C_out, C_in, h, w), noise(2, C_in, height, width, seed=1)
    matrix = convolution.convolution_matrix(kernel, height, width, stride=stride, padding=padding)
    y = functional.conv2d(x, kernel, stride=stride, padding=padding)
    torch.testing.assert_close(x.flatten(1) @ matrix.T, y.flatten(1))
    left = [(size + 2 * padding - k) % stride for size, k in ((height, h), (width, w))]  # rows and columns that no filter reached
    back = functional.conv_transpose2d(y, kernel, stride=stride, padding=padding, output_padding=left)
    torch.testing.assert_close(y.flatten(1) @ matrix, back.flatten(1))


def test_the_matrix_is_scipys_correlation():
    kernel, x = noise(1, 1, 3, 4), noise(6, 7, seed=1)
    y = convolution.convolution_matrix(kernel, 6, 7) @ x.flatten()
    torch.testing.assert_close(y.reshape(4, 4), torch.from_numpy(signal.correlate2d(x.numpy(), kernel[0, 0].numpy(), mode="valid")))


def test_the_matrix_passes_gradients_to_the_kernel():
    kernel = noise(2, 1, 3, 3).requires_grad_()
    convolution.convolution_matrix(kernel, 6, 6, padding=1).sum().backward()
    y = functional.conv2d(torch.ones(1, 1, 6, 6).double(), again := kernel.detach().clone().requires_grad_(), padding=1)
    y.sum().backward()
    torch.testing.assert_close(kernel.grad, again.grad)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stride": 0}, "stride must be at least 1 and padding at least 0, got 0 and 0"),
        ({"padding": -1}, "got 1 and -1"),
        ({"height": 2}, "the kernel must fit into the padded picture, got 3×3 in 2×5"),
    ],
)
def test_an_impossible_matrix_is_refused(settings, message):
    shape = {"height": 5, "width": 5} | settings
    with pytest.raises(ValueError, match=message):
        convolution.convolution_matrix(noise(1, 1, 3, 3), **shape)


@pytest.mark.parametrize("layers", [[], [(3, 1)], [(3, 1), (3, 1), (3, 1)], [(4, 2), (4, 2), (3, 1)], [(5, 3), (2, 2), (3, 1), (1, 1)]])
def test_the_receptive_field_is_where_the_gradient_is_not_zero(layers):
    modules = [nn.Conv1d(1, 1, kernel, stride=stride) for kernel, stride in layers]
    for module in modules:
        nn.init.constant_(module.weight, 1.0)
    x = torch.zeros(1, 1, 150, requires_grad=True)
    y = nn.Sequential(*modules)(x)
    y[0, 0, y.shape[2] // 2].backward()
    assert convolution.receptive_field(layers) == int((x.grad != 0).sum())


def test_a_layer_has_a_size_and_a_stride():
    with pytest.raises(ValueError, match=r"layers must be \(kernel, stride\) of at least 1 each, got \(3, 0\)"):
        convolution.receptive_field([(3, 0)])


@pytest.mark.parametrize(("side", "channels"), [(16, (4, 8)), (28, (4, 8)), (16, (2, 2, 2, 2)), (28, (3,))])
@pytest.mark.parametrize("picture_channels", [1, 3])
def test_the_encoder_and_the_decoder_fit_together(side, channels, picture_channels):
    encoder = convolution.ConvEncoder(side, channels, 5, picture_channels=picture_channels).double()
    decoder = convolution.ConvDecoder(5, channels[::-1], side, picture_channels=picture_channels).double()
    x = noise(3, picture_channels, side, side)
    z = encoder(x)
    y = decoder(z)
    assert z.shape == (3, 5)
    assert y.shape == x.shape
    y.square().sum().backward()
    for weight in [*encoder.parameters(), *decoder.parameters()]:
        assert weight.grad.isfinite().all()
        assert weight.grad.abs().max() > 0
    torch.testing.assert_close(encoder(x[1:2]), z[1:2])  # rows do not see each other
    torch.testing.assert_close(decoder(z[1:2]), y[1:2])


def test_they_are_their_formulas():
    encoder, decoder = convolution.ConvEncoder(8, (3, 4), 2), convolution.ConvDecoder(2, (4, 3), 8)
    x, z = noise(2, 1, 8, 8).float(), noise(2, 2).float()
    w1, b1, w2, b2, W, b = encoder.parameters()
    h = functional.silu(functional.conv2d(x, w1, b1, stride=2, padding=1))
    h = functional.silu(functional.conv2d(h, w2, b2, stride=2, padding=1))
    torch.testing.assert_close(encoder(x), h.flatten(1) @ W.T + b)
    W, b, w1, b1, w2, b2 = decoder.parameters()
    h = functional.silu((z @ W.T + b).reshape(2, 4, 2, 2))
    h = functional.silu(functional.conv_transpose2d(h, w1, b1, stride=2, padding=1))
    torch.testing.assert_close(decoder(z), functional.conv_transpose2d(h, w2, b2, stride=2, padding=1))


def test_the_decoder_paints_no_checkerboard():
    decoder = convolution.ConvDecoder(1, (1, 1), 16, activation=nn.Identity)
    for name, weight in decoder.named_parameters():
        nn.init.constant_(weight, 0.0 if name.endswith("bias") else 1.0)
    inner = decoder(torch.ones(1, 1))[0, 0, 4:-4, 4:-4]
    assert (inner == inner[0, 0]).all()  # kernels of 4 at stride 2 overlap evenly; 3 or 5 would not


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((28, (4, 4, 4), 5), "side must be divisible by 2 once for each of 3 layers, got 28"),
        ((16, (), 5), r"at least 1, got 16, \[\] and"),
        ((16, (4, 0), 5), "at least 1"),
        ((16, (4,), 0), "at least 1"),
    ],
)
def test_an_impossible_network_is_refused(arguments, message):
    side, channels, size = arguments
    with pytest.raises(ValueError, match=message):
        convolution.ConvEncoder(side, channels, size)
    with pytest.raises(ValueError, match=message):
        convolution.ConvDecoder(size, channels, side)
