"""The residual block against its formula; the identity path is an identity, forwards and backwards."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from course_lib.networks.residual import ResidualBlock


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("training", [True, False])
def test_it_is_its_formula(training):
    block = ResidualBlock(3).train(training)
    h = 2 * noise(4, 3, 5, 6) + 1
    norms = [module for module in block.branch if isinstance(module, nn.BatchNorm2d)]
    convolutions = [module for module in block.branch if isinstance(module, nn.Conv2d)]
    assert [len(norms), len(convolutions)] == [2, 2]
    a = h
    for norm, conv in zip(norms, convolutions, strict=True):
        for weight in norm.parameters():
            nn.init.uniform_(weight, 0.5, 2.0)
        mean, variance = (a.mean((0, 2, 3)), a.var((0, 2, 3), correction=0)) if training else (norm.running_mean, norm.running_var)
        scaled = [value[:, None, None] for value in (mean, (variance + 1e-5).sqrt(), norm.weight, norm.bias)]
        a = functional.silu((a - scaled[0]) / scaled[1] * scaled[2] + scaled[3])
        a = functional.conv2d(a, conv.weight, conv.bias, padding=1)
    torch.testing.assert_close(block(h), h + a)


def test_a_silent_branch_lets_everything_through_and_every_gradient_back():
    block = ResidualBlock(3)
    nn.init.zeros_(block.branch[-1].weight)
    nn.init.zeros_(block.branch[-1].bias)
    h = noise(2, 3, 4, 4).requires_grad_()
    above = noise(2, 3, 4, 4, seed=1)
    out = block(h)
    out.backward(above)
    assert torch.equal(out, h)
    assert torch.equal(h.grad, above)


def test_every_weight_gets_a_gradient_and_weights_go_round():
    block, other = ResidualBlock(3).double(), ResidualBlock(3).double()
    h = noise(2, 3, 4, 4).double()
    block(h).square().sum().backward()
    for weight in block.parameters():
        assert weight.grad.isfinite().all()
        assert weight.grad.abs().max() > 0
    other.load_state_dict(block.state_dict())
    assert torch.equal(block.eval()(h), other.eval()(h))


def test_without_normalisation_rows_do_not_see_each_other():
    block = ResidualBlock(2, normalise=nn.Identity, activation=nn.Tanh)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in block.modules())
    assert sum(isinstance(module, nn.Tanh) for module in block.modules()) == 2
    h = noise(3, 2, 5, 5)
    torch.testing.assert_close(block(h)[1:2], block(h[1:2]))


def test_channels_must_be_at_least_one():
    with pytest.raises(ValueError, match="channels must be at least 1, got 0"):
        ResidualBlock(0)
