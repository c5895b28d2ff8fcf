"""Causality by perturbation, and the same numbers from a sum written out and from torch's convolution of the reversed kernel."""

import pytest
import torch

from course_lib.networks.causal_convolution import CausalConv1d


@pytest.fixture(params=[(1, 1), (2, 1), (2, 4), (3, 5), (5, 2)], ids=str)
def layer(request) -> CausalConv1d:
    kernel, dilation = request.param
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = CausalConv1d(3, 4, kernel, dilation).double()
        torch.nn.init.normal_(made.bias)
    return made


def sound(T: int = 40) -> torch.Tensor:
    return torch.randn(2, 3, T, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_the_sum_written_out(layer):
    x, (_, _, K) = sound(), layer.weight.shape
    expected = torch.zeros(2, 4, 40, dtype=torch.float64)
    for t in range(40):
        expected[..., t] = layer.bias
        for k in range(K):
            if (s := t - (K - 1 - k) * layer.dilation) >= 0:
                expected[..., t] += x[..., s] @ layer.weight[..., k].T
    torch.testing.assert_close(layer(x), expected)


def test_each_output_hears_the_taps_and_nothing_else(layer):
    """The Jacobian: of t only t, t − d, … t − (K − 1) d."""
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x).sum((0, 1)), sound(24))  # (T, B, C, T)
    heard = jacobian.abs().sum((1, 2)) > 0
    back = torch.arange(24)[:, None] - torch.arange(24)
    taps = torch.arange(layer.weight.shape[2]) * layer.dilation
    assert torch.equal(heard, torch.isin(back, taps))
    assert layer.reach == taps[-1]


def test_without_bias_silence_stays_silent():
    layer = CausalConv1d(2, 3, 2, 2, bias=False)
    assert layer.bias is None
    assert not layer(torch.zeros(1, 2, 9)).any()


def test_a_new_layer_draws_from_the_global_state_and_keeps_loudness():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        one = CausalConv1d(64, 64, 2)
        torch.manual_seed(3)
        again = CausalConv1d(64, 64, 2)
    assert torch.equal(one.weight, again.weight)
    assert 0.2 < one(torch.randn(1, 64, 500, generator=torch.Generator().manual_seed(0))).std() < 2


@pytest.mark.parametrize(("name", "value"), [("C_in", 0), ("C_out", -1), ("kernel", 0), ("dilation", 0)])
def test_refuses_what_is_no_filter(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got {value}"):
        CausalConv1d(**{"C_in": 1, "C_out": 1, "kernel": 2, "dilation": 1} | {name: value})


def test_prints_its_sizes():
    assert "3, 4, kernel=2, dilation=8, bias=True" in repr(CausalConv1d(3, 4, 2, 8))
