"""Coupling layers: what they leave alone, what they move, and that a stack of them moves everything."""

import math
from itertools import pairwise

import pytest
import torch
import zuko
from torch import nn

from course_lib.generative.coupling import AdditiveCoupling, AffineCoupling, alternating, real_nvp, start_at_zero
from course_lib.generative.flow import Chain
from course_lib.networks.mlp import MLP

kept = torch.tensor([True, False, True])


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_an_affine_coupling_in_numbers():
    """t = 2 x₀ + x₂ and s = log 3, whatever x."""
    layer = AffineCoupling(kept, lambda x: torch.stack([2 * x[:, 0] + x[:, 1], torch.full((len(x),), 3.0).log()], 1), bound=1e9)
    z, log_det = layer.encode(torch.tensor([[1.0, 5.0, 4.0]]))
    torch.testing.assert_close(z, torch.tensor([[1.0, 21.0, 4.0]]))  # 5 · 3 + 6
    torch.testing.assert_close(log_det, torch.tensor([3.0]).log())
    torch.testing.assert_close(layer.decode(z)[0], torch.tensor([[1.0, 5.0, 4.0]]))


def test_an_additive_coupling_in_numbers():
    layer = AdditiveCoupling(kept, lambda x: x.sum(1, keepdim=True))
    assert layer.encode(torch.tensor([[1.0, 5.0, 4.0]]))[0].tolist() == [[1.0, 10.0, 4.0]]
    assert layer.decode(torch.tensor([[1.0, 10.0, 4.0]]))[0].tolist() == [[1.0, 5.0, 4.0]]


def test_it_is_zukos_coupling():
    """The same network, the same mask: z and log-determinants, in both directions."""
    network = MLP(2, [8], 2).double()

    def meta(x, c=None):
        t, s = network(x).chunk(2, 1)
        soft = math.log(1e-3)  # zuko's log-scale is s / (1 + |s / soft|): give it what becomes ours
        return zuko.transforms.MonotonicAffineTransform(t, s / (1 - (s / soft).abs()), slope=1e-3)

    ours, x = AffineCoupling(kept, network, bound=1e9), numbers(4, 3)
    with torch.no_grad():
        theirs = zuko.transforms.CouplingTransform(meta, kept)
        z, log_det = theirs.call_and_ladj(x)
        for mine, peer in zip(ours.encode(x), (z, log_det.sum(1)), strict=True):
            torch.testing.assert_close(mine, peer)
        torch.testing.assert_close(ours.decode(z)[0], theirs.inv(z))


def test_what_is_kept_is_kept_and_the_rest_depends_on_it_and_itself_alone():
    layer = AffineCoupling(torch.tensor([True, False, False, True]), MLP(2, [8], 4)).double()
    jacobian = torch.autograd.functional.jacobian(lambda x: layer.encode(x[None])[0][0], numbers(4))
    assert torch.equal(jacobian[[0, 3]], torch.eye(4).double()[[0, 3]])
    assert jacobian[1, 2] == jacobian[2, 1] == 0  # triangular: sort kept first
    assert (jacobian[1:3][:, [0, 3]] != 0).all()


def test_the_scale_is_bounded():
    layer = AffineCoupling(kept, lambda x: torch.full((len(x), 2), 1e4), bound=1.5)
    assert layer.encode(torch.ones(1, 3))[1].item() == pytest.approx(1.5)
    with pytest.raises(ValueError, match="bound must be above 0, got 0"):
        AffineCoupling(kept, nn.Identity(), bound=0.0)


@pytest.mark.parametrize("mask", [torch.ones(3, dtype=torch.bool), torch.zeros(3, dtype=torch.bool)])
def test_a_mask_that_keeps_all_or_nothing_is_refused(mask):
    with pytest.raises(ValueError, match="kept must leave something and move something"):
        AdditiveCoupling(mask, nn.Identity())


def test_masks_alternate():
    for D in (2, 5):
        masks = alternating(D, 4)
        assert all(torch.equal(after, ~before) for before, after in pairwise(masks))


@pytest.mark.parametrize("additive", [False, True])
def test_a_stack_starts_as_the_identity_then_moves_every_entry_by_every_other(additive):
    chain = Chain(real_nvp(5, layers=4, hidden=[16], additive=additive)).double()
    x = numbers(2, 5)
    z, log_det = chain.encode(x)
    assert torch.equal(z, x)
    assert not log_det.any()
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel()))
    jacobian = torch.autograd.functional.jacobian(lambda row: chain.encode(row[None])[0][0], x[0])
    assert (chain.encode(x)[0] != x).all()
    assert (jacobian != 0).all()
    assert bool(chain.encode(x)[1].any()) != additive


def test_starting_at_zero_touches_the_last_layer_alone():
    network = start_at_zero(MLP(2, [4], 3))
    assert not network(torch.ones(1, 2)).any()
    assert all(parameter.any() for parameter in list(network.parameters())[:2])
