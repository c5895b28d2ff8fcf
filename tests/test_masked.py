"""Masked layers: who sees whom, by the Jacobian and by counting paths."""

import pytest
import torch
from torch import nn

from course_lib.networks import masked


def sees(function, x: torch.Tensor) -> torch.Tensor:
    """Which outputs depend on which inputs, ``(outputs, inputs)``: where the Jacobian is not 0."""
    jacobian = torch.autograd.functional.jacobian(function, x)
    return jacobian.reshape(-1, x.numel()) != 0


@pytest.fixture(autouse=True)
def chance():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_a_masked_layer_is_the_linear_layer_without_some_weights():
    mask = torch.rand(5, 7) < 0.5
    layer, plain = masked.MaskedLinear(mask), nn.Linear(7, 5)
    plain.weight.data = torch.where(mask, layer.weight.data, 0.0)
    plain.bias.data = layer.bias.data
    x = torch.randn(2, 3, 7)
    torch.testing.assert_close(layer(x), plain(x))
    layer(x).square().sum().backward()
    assert not layer.weight.grad[~mask].any()
    assert layer.weight.grad[mask].all()


def test_weights_start_as_wide_as_the_inputs_seen_allow():
    mask = torch.zeros(2, 400).bool()
    mask[0, :4] = mask[1] = True
    spread = masked.MaskedLinear(mask).weight.abs()
    assert 0.3 < spread[0].max() <= 1 / 2
    assert 0.04 < spread[1].max() <= 1 / 20


@pytest.mark.parametrize(("inputs", "hidden"), [(4, [9]), (7, [6, 20]), (7, [3, 5, 4]), (2, [1]), (5, []), (1, [3])])
@pytest.mark.parametrize("outputs", [1, 3])
def test_each_output_sees_all_inputs_before_it_and_no_other(inputs, hidden, outputs):
    """Paths are counted: the product of the masks. With fewer units than degrees some inputs are joined late, never early."""
    paths = torch.eye(inputs)
    for mask in masked.made_masks(inputs, hidden, outputs):
        paths = mask.float() @ paths
    before = torch.ones(inputs, inputs).tril(-1).repeat_interleave(outputs, 0) > 0
    assert not (paths > 0)[~before].any()
    if all(units >= inputs - 1 for units in hidden):
        assert torch.equal(paths > 0, before)
    network = masked.MaskedMLP(inputs, hidden, outputs, activation=nn.Tanh).double()
    x = torch.randn(inputs, dtype=torch.float64)
    assert torch.equal(sees(network, x), paths > 0)


def test_degrees_are_spread_over_all_that_are_of_use():
    (m,) = masked.made_degrees(10, [18])
    assert m.bincount().tolist() == [0, *[2] * 9]
    assert masked.made_degrees(10, [3])[0].tolist() == [1, 5, 9]


@pytest.mark.parametrize("sees_itself", [False, True])
def test_raster_masks_see_what_is_read_before(sees_itself):
    mask = masked.raster_mask(5, 3, sees_itself=sees_itself)
    for i in range(5):
        for j in range(3):
            assert mask[i, j] == ((i, j) < (2, 1) or (sees_itself and (i, j) == (2, 1)))


MASKS = {
    "A": masked.raster_mask(3, 5, sees_itself=False),
    "B": masked.raster_mask(5, 3, sees_itself=True),
    "rows above": torch.tensor([[True] * 3, [True] * 3] + [[False] * 3] * 3),
    "far corner": torch.tensor([[True, False, False]] + [[False] * 3] * 2),
    "all": torch.ones(3, 3).bool(),
    "the future": ~masked.raster_mask(3, 3, sees_itself=True),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize(("H", "W"), [(6, 7), (1, 4), (3, 1)])
def test_a_masked_convolution_is_the_whole_kernel_with_zeros(name, H, W):
    mask = MASKS[name]
    layer = masked.MaskedConv2d(2, 3, mask)
    kh, kw = mask.shape
    whole = torch.zeros(3, 2, kh, kw)
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    whole[:, :, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = layer.weight.data
    x = torch.randn(2, 2, H, W)
    expected = nn.functional.conv2d(x, whole * mask, layer.bias, padding=(kh // 2, kw // 2))
    torch.testing.assert_close(layer(x), expected)
    assert layer.weight.shape[2:] == layer.mask.shape


@pytest.mark.parametrize("name", MASKS)
def test_the_centre_sees_what_the_mask_shows(name):
    mask = MASKS[name]
    layer = masked.MaskedConv2d(1, 1, mask).double()
    seen = sees(lambda x: layer(x[None, None])[0, 0, mask.shape[0] // 2, mask.shape[1] // 2], torch.randn(*mask.shape, dtype=torch.float64))
    assert torch.equal(seen.view(mask.shape), mask)


def test_one_stack_of_masked_convolutions_has_a_blind_spot():
    """The reason for two stacks: what is above and far to the right is never seen, however deep the stack."""
    layers = [masked.MaskedConv2d(1, 1, masked.raster_mask(3, 3, sees_itself=depth > 0)) for depth in range(8)]
    stack = nn.Sequential(*layers).double()
    seen = sees(lambda x: stack(x[None, None])[0, 0, 4, 4], torch.randn(9, 9, dtype=torch.float64)).view(9, 9)
    before = torch.arange(81).view(9, 9) < 4 * 9 + 4
    rows, columns = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    blind = before & (columns - 4 > 4 - rows)
    assert torch.equal(seen, before & ~blind)
    assert blind.any()


def test_it_says_what_is_wrong(own_messages):
    with pytest.raises(ValueError, match=r"mask must have rows and columns, got \(0, 3\)"):
        masked.MaskedLinear(torch.ones(0, 3).bool())
    with pytest.raises(ValueError, match=r"inputs and hidden must all be at least 1, got 3 and \[4, 0\]"):
        masked.MaskedMLP(3, [4, 0], 1)
    with pytest.raises(ValueError, match="outputs must be at least 1, got 0"):
        masked.MaskedMLP(3, [4], 0)
    with pytest.raises(ValueError, match="must be odd, so that it has a centre, got 4 × 3"):
        masked.raster_mask(4, 3, sees_itself=True)
    with pytest.raises(ValueError, match="must be odd, so that it has a centre, got 3 × 2"):
        masked.MaskedConv2d(1, 1, torch.ones(3, 2).bool())
    with pytest.raises(ValueError, match="mask must let something through"):
        masked.MaskedConv2d(1, 1, torch.zeros(3, 3).bool())
