"""The block against its formula, step by step against all at once, and causality by perturbation."""

import pytest
import torch

from course_lib.networks.gated_residual import GatedResidualBlock

KINDS = {
    "plain": {},
    "three taps": {"kernel": 3},
    "last": {"last": True},
    "told": {"features": 5},
    "linear": {"linear": True},
    "linear, told": {"linear": True, "features": 5},
}


@pytest.fixture(params=KINDS)
def block(request) -> GatedResidualBlock:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = GatedResidualBlock(4, 6, dilation=3, **KINDS[request.param]).double()
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter)
    return made


def inputs(block: GatedResidualBlock, T: int = 30) -> tuple[torch.Tensor, torch.Tensor | None]:
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(2, 4, T, dtype=torch.float64, generator=generator)
    return h, None if block.condition is None else torch.randn(2, 5, T, dtype=torch.float64, generator=generator)


def test_the_formula(block):
    h, c = inputs(block)
    y = block.dilated(h)
    if c is not None:
        y = y + torch.einsum("of,bft->bot", block.condition.weight[..., 0], c)
    if block.linear:
        assert y.shape[1] == 4
        z = y
    else:
        filtered, gate = y[:, :4], y[:, 4:]
        z = (filtered.exp() - (-filtered).exp()) / (filtered.exp() + (-filtered).exp()) / (1 + (-gate).exp())
    skip = torch.einsum("oc,bct->bot", block.skip.weight[..., 0], z)
    after = h
    if block.residual is not None:
        after = h + torch.einsum("oc,bct->bot", block.residual.weight[..., 0], z)
        after = after if block.linear else after + block.residual.bias[:, None]
    torch.testing.assert_close(block(h, c), (after, skip))


def test_a_linear_block_is_linear(block):
    h, c = inputs(block)
    told = None if c is None else 3 * c
    (after, skip), (three_after, three_skip) = block(h, c), block(3 * h, told)
    assert torch.allclose(3 * after, three_after) == block.linear or block.residual is None
    assert torch.allclose(3 * skip, three_skip) == block.linear


def test_one_moment_at_a_time_is_the_same(block):
    h, c = inputs(block)
    past = block.silence(h[..., 0])
    assert len(past) == block.dilated.reach
    steps = [block.step(h[..., t], past, None if c is None else c[..., t]) for t in range(30)]
    assert len(past) == block.dilated.reach
    torch.testing.assert_close(tuple(torch.stack(part, 2) for part in zip(*steps, strict=True)), block(h, c))


def test_the_future_does_not_leak(block):
    h, c = inputs(block)
    other = h.clone()
    other[..., 17:] += 1
    for before, after in zip(block(h, c), block(other, c), strict=True):
        assert torch.equal(before[..., :17], after[..., :17])
        assert not torch.equal(before[..., 17], after[..., 17])


def test_a_condition_of_one_moment_serves_all():
    block = GatedResidualBlock(4, 6, dilation=1, features=5)
    h, c = torch.randn(2, 4, 7), torch.randn(2, 5, 1)
    torch.testing.assert_close(block(h, c), block(h, c.expand(-1, -1, 7)))
