"""Glow's parts: the start from data, the LU factors, and the shapes of a multi-scale flow."""

import pytest
import torch
from torch import nn

from course_lib.generative.base_density import StandardNormal
from course_lib.generative.coupling import AffineCoupling
from course_lib.generative.flow import Chain, Flow
from course_lib.generative.glow import ActNorm, InvertibleConv1x1, MultiScale, Squeeze, glow


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_actnorm_normalises_each_channel_of_its_first_data():
    x = 3 * normal(50, 2, 4, 4) + torch.tensor([5.0, -7.0]).double()[:, None, None]
    layer = ActNorm(2).double()
    layer.start_from(x)
    z = layer.encode(x)[0].transpose(0, 1).flatten(1)
    torch.testing.assert_close(z.mean(1), torch.zeros(2).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(z.std(1, correction=0), torch.ones(2).double())
    with pytest.raises(ValueError, match="x must vary in every channel"):
        layer.start_from(torch.ones(3, 2, 2, 2).double())


def test_the_one_by_one_convolution_is_one():
    layer = InvertibleConv1x1(3).double()
    x = normal(2, 3, 4, 5)
    torch.testing.assert_close(layer.encode(x)[0], nn.functional.conv2d(x, layer.weight()[..., None, None]))


def test_its_factors_give_the_matrix_and_its_determinant():
    layer = InvertibleConv1x1(4).double()
    W = layer.weight()
    torch.testing.assert_close(W @ W.T, torch.eye(4).double(), rtol=1e-5, atol=1e-5)  # a rotation drawn in float32
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.3 * normal(*parameter.shape, seed=1)
    W, x = layer.weight(), normal(2, 4, 2, 3)
    torch.testing.assert_close(layer.encode(x)[1], (6 * torch.linalg.slogdet(W).logabsdet).expand(2))
    torch.testing.assert_close(layer.decode(x)[0], nn.functional.conv2d(x, torch.linalg.inv(W)[..., None, None]))


def test_a_squeeze_puts_each_square_into_channels():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    z = Squeeze().encode(x)[0]
    assert z[0, :, 0, 0].tolist() == [0, 1, 4, 5]
    assert z[0, :, 1, 1].tolist() == [10, 11, 14, 15]
    with pytest.raises(ValueError, match=r"height and width must be even, got \(3, 4\)"):
        Squeeze().encode(torch.zeros(1, 1, 3, 4))


def test_what_leaves_early_goes_no_further():
    """The first half of z is what left at the first level: the second level's parameters do not move it."""
    model = glow((1, 4, 4), steps=[1, 1], hidden=4).double()
    x = normal(2, 1, 4, 4)
    before = model.encode(x)[0]
    with torch.no_grad():
        for parameter in model.levels[1].parameters():
            parameter += 0.5
    after = model.encode(x)[0]
    assert torch.equal(after[:, :8], before[:, :8])
    assert (after[:, 8:] != before[:, 8:]).all()


def test_each_pixel_is_moved_and_counts_once():
    """z has as many numbers as x, and each of them depends on some pixel that others do not lose."""
    model = glow((1, 8, 8), steps=[2, 2], hidden=4).double()
    x = normal(1, 1, 8, 8)
    jacobian = torch.autograd.functional.jacobian(lambda x: model.encode(x)[0].flatten(), x).reshape(64, 64)
    assert torch.linalg.matrix_rank(jacobian) == 64


def test_the_start_from_data_reaches_every_level():
    model = Flow([glow((1, 8, 8), steps=[2, 2], hidden=4)], StandardNormal(64)).double()
    x = 40 * normal(30, 1, 8, 8) - 17
    before = model.loss(x)
    model.start_from(x)
    z = model.encode(x)[0]
    assert 0.8 < z.std() < 1.2
    assert model.loss(x) < before


def test_both_halves_are_moved_within_two_steps():
    """The 1×1 convolutions turn the channels between couplings that always keep the same half."""
    model = glow((1, 4, 4), steps=[2], hidden=8).double()
    couplings = [part for part in model.levels[0].transforms if isinstance(part, AffineCoupling)]
    x = normal(1, 1, 4, 4)
    before = model.encode(x)[0].reshape(4, 4)  # channel, pixel
    with torch.no_grad():
        couplings[0].network[-1].bias += 0.5
    moved = (model.encode(x)[0].reshape(4, 4) - before).abs().amax(1)
    assert (moved > 1e-6).all()


def test_no_level_is_refused():
    with pytest.raises(ValueError, match="levels must hold at least one transform"):
        MultiScale([], shape=(1, 4, 4))
    assert MultiScale([Chain([Squeeze()])], shape=(1, 4, 4)).encode(torch.zeros(2, 1, 4, 4))[0].shape == (2, 16)
