"""Autoregressive flows: what each number depends on, what it costs to undo them, and the Gaussian they are when they are linear."""

import math

import pytest
import torch
import zuko
from torch import nn

from course_lib.classical import gaussian
from course_lib.generative.autoregressive_flow import AffineAutoregressive, maf
from course_lib.generative.base_density import StandardNormal
from course_lib.generative.coupling import AffineCoupling
from course_lib.generative.flow import Chain, Flow
from course_lib.networks.masked import MaskedLinear, MaskedMLP
from course_lib.networks.mlp import MLP


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def masked(D: int, *, seed: int = 0) -> MaskedMLP:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MaskedMLP(D, [12], 2).double()


class Counted(nn.Module):
    """A network that knows how often it was asked."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.passes = network, 0

    def forward(self, x):
        self.passes += 1
        return self.network(x)


def test_a_layer_in_numbers():
    """t₂ = x₁ and s₂ = log x₁; the first number has t = 1 and s = 0."""

    def network(x):
        one, zero = torch.ones(len(x)), torch.zeros(len(x))
        return torch.stack([torch.stack([one, zero], 1), torch.stack([x[:, 0], x[:, 0].abs().clamp(min=1e-9).log()], 1)], 1)

    layer = AffineAutoregressive(network, bound=1e9)
    z, log_det = layer.encode(torch.tensor([[3.0, 5.0]]))
    torch.testing.assert_close(z, torch.tensor([[4.0, 18.0]]))
    torch.testing.assert_close(log_det, torch.tensor([3.0]).log())
    x, back = layer.decode(z)
    torch.testing.assert_close(x, torch.tensor([[3.0, 5.0]]))
    torch.testing.assert_close(back, -torch.tensor([3.0]).log())


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_each_number_depends_on_those_before_it_in_the_order(order):
    layer = AffineAutoregressive(masked(4), order=torch.tensor(order))
    jacobian = torch.autograd.functional.jacobian(lambda x: layer.encode(x[None])[0][0], numbers(4))
    sorted_rows = jacobian[order][:, order]
    assert (sorted_rows.triu(1) == 0).all()
    assert (sorted_rows.diag() > 0).all()
    assert (sorted_rows.tril(-1)[torch.ones(4, 4).tril(-1).bool()] != 0).all()


def test_it_is_zukos_autoregressive_transform():
    """The same network: z and log-determinants, in both directions."""
    network, x = masked(3), numbers(5, 3)

    def meta(x):
        shift, raw = network(x).unbind(2)
        soft = math.log(1e-3)  # zuko's log-scale is s / (1 + |s / soft|): give it what becomes ours
        return zuko.transforms.DependentTransform(
            zuko.transforms.MonotonicAffineTransform(shift, raw / (1 - (raw / soft).abs()), slope=1e-3), 1
        )

    ours = AffineAutoregressive(network, bound=1e9)
    with torch.no_grad():
        theirs = zuko.transforms.AutoregressiveTransform(meta, passes=3)
        for mine, peer in zip(ours.encode(x), theirs.call_and_ladj(x), strict=True):
            torch.testing.assert_close(mine, peer)
        torch.testing.assert_close(ours.decode(x)[0], theirs.inv(x))


def test_with_two_groups_it_is_a_coupling():
    kept = torch.tensor([True, True, False, False])
    network, x = MLP(2, [8], 4).double(), numbers(5, 4)

    def two_groups(x):
        moved = torch.stack(network(x[:, :2]).chunk(2, 1), 2)  # (B, 2, (t, s))
        return torch.cat([torch.zeros_like(moved), moved], 1)

    layer, coupling = AffineAutoregressive(two_groups), AffineCoupling(kept, network)
    for ours, theirs in zip((*layer.encode(x), *layer.decode(x)), (*coupling.encode(x), *coupling.decode(x)), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_encoding_takes_one_pass_and_decoding_one_a_dimension():
    network = Counted(masked(7))
    layer, x = AffineAutoregressive(network), numbers(3, 7)
    layer.encode(x)
    assert network.passes == 1
    layer.decode(x)
    assert network.passes == 1 + 7


def test_a_linear_one_can_be_every_gaussian_and_no_row_fits_better():
    """z = L⁻¹ (x − m) with Σ = L Lᵀ: the log-density of the Gaussian; trained from nothing it arrives there."""
    x = numbers(500, 4) @ numbers(4, 4, seed=1) + 2
    fitted = gaussian.fit_multivariate_gaussian(x)
    whitening = torch.linalg.inv(torch.linalg.cholesky(fitted.covariance))
    layer = AffineAutoregressive(MaskedMLP(4, [], 2).double(), bound=1e9)
    linear: MaskedLinear = layer.network.layers[0]
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[::2] = whitening.tril(-1)
        linear.bias[::2] = -whitening @ fitted.mean
        linear.bias[1::2] = whitening.diag().log()
    flow = Flow([layer], StandardNormal(4)).double()
    torch.testing.assert_close(flow.log_prob(x), fitted.log_prob(x))
    torch.testing.assert_close(flow.encode(x)[0], (x - fitted.mean) @ whitening.T)

    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.zero_()
    linear.mask[1::2] = False  # scales that depend on nothing
    standard = (x - x.mean(0)) / x.std(0)
    optimizer = torch.optim.LBFGS(flow.parameters(), max_iter=500, tolerance_change=1e-14, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = flow.loss(standard)
        loss.backward()
        return loss

    optimizer.step(closure)
    expected = torch.linalg.inv(torch.linalg.cholesky(torch.cov(standard.T, correction=0)))
    torch.testing.assert_close((linear.weight * linear.mask)[::2], expected.tril(-1), atol=1e-4, rtol=0)  # as far as the search goes
    torch.testing.assert_close(linear.bias[1::2].exp(), expected.diag(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("conditions", [0, 2])
def test_a_stack_starts_as_the_identity_in_reversing_orders(conditions):
    chain, x = Chain(maf(5, layers=3, hidden=[16], conditions=conditions)).double(), numbers(2, 5)
    z, log_det = chain.encode(x, torch.eye(2).double() if conditions else None)
    assert torch.equal(z, x)
    assert not log_det.any()
    orders = [layer.order.tolist() for layer in chain.transforms]
    assert orders == [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [0, 1, 2, 3, 4]]


def test_a_condition_moves_every_number_the_first_one_too():
    chain, cond, x = Chain(maf(4, layers=1, hidden=[8], conditions=2)).double(), torch.eye(2).double(), numbers(1, 4)
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter += 0.3 * numbers(*parameter.shape, seed=parameter.numel())
    z, _ = chain.encode(x.expand(2, 4), cond)
    assert (z[0] != z[1]).all()
    torch.testing.assert_close(chain.decode(z, cond)[0], x.expand(2, 4))
    assert not torch.allclose(chain.encode(x, cond[:1])[1], chain.encode(x, cond[1:])[1])


def test_decoding_has_the_gradient_of_the_inverse():
    layer, z = AffineAutoregressive(masked(3), order=torch.tensor([2, 0, 1])), numbers(2, 3).requires_grad_()
    assert torch.autograd.gradcheck(layer.decode, z)


def test_what_is_not_known_yet_does_no_harm():
    """Numbers still to come count 0 on the way, not whatever a network makes of a wrong past."""

    def network(x):
        before = x.cumsum(1) - x
        return torch.stack([1e3 * before, before], 2)

    layer, x = AffineAutoregressive(network), torch.full((1, 60), 1e-30, dtype=torch.float64)
    x[0, 0] = 1.0
    torch.testing.assert_close(layer.decode(layer.encode(x)[0])[0], x)


def test_the_scale_is_bounded_and_nonsense_refused():
    layer = AffineAutoregressive(lambda x: torch.full((*x.shape, 2), 1e4), bound=1.5)
    assert layer.encode(torch.ones(1, 3))[1].item() == pytest.approx(4.5)
    with pytest.raises(ValueError, match="bound must be above 0, got 0"):
        AffineAutoregressive(nn.Identity(), bound=0.0)
    with pytest.raises(ValueError, match=r"order must be a permutation of 0 … D − 1, got \[0, 2\]"):
        AffineAutoregressive(nn.Identity(), order=torch.tensor([0, 2]))
