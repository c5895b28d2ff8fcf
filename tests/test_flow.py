"""Every transform against autograd's Jacobian, in both directions; the order of layers; and what a flow promises beyond the contract."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from course_lib.generative.autoregressive_flow import AffineAutoregressive, maf
from course_lib.generative.base_density import Laplace, StandardNormal
from course_lib.generative.coupling import AdditiveCoupling, AffineCoupling, real_nvp
from course_lib.generative.flow import Chain, Flow, Inverse, Transform
from course_lib.generative.glow import ActNorm, InvertibleConv1x1, MultiScale, Squeeze, glow
from course_lib.generative.linear_flow import Linear
from course_lib.generative.planar import Planar
from course_lib.networks.masked import MaskedMLP
from course_lib.networks.mlp import MLP


def shaken(module: nn.Module, seed: int = 0, scale: float = 0.3) -> nn.Module:
    """The module in float64, its parameters moved, so that nothing is still the identity."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return module


def normal(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


middle = torch.tensor([True, False, False, True, True])
TRANSFORMS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "Linear": (lambda: Linear(3), (3,)),
    "AdditiveCoupling": (lambda: AdditiveCoupling(middle, MLP(3, [6], 2)), (5,)),
    "AffineCoupling": (lambda: AffineCoupling(middle, MLP(3, [6], 4)), (5,)),
    "AffineCoupling of channels": (lambda: AffineCoupling(torch.tensor([False, True]), nn.Conv2d(1, 2, 3, padding=1)), (2, 2, 3)),
    "AffineAutoregressive": (lambda: AffineAutoregressive(MaskedMLP(4, [9], 2), order=torch.tensor([2, 0, 3, 1])), (4,)),
    "Planar": (lambda: Planar(3), (3,)),
    "ActNorm of features": (lambda: ActNorm(3), (3,)),
    "ActNorm of channels": (lambda: ActNorm(2), (2, 2, 3)),
    "InvertibleConv1x1 of features": (lambda: InvertibleConv1x1(4), (4,)),
    "InvertibleConv1x1": (lambda: InvertibleConv1x1(3), (3, 2, 2)),
    "Squeeze": (lambda: Squeeze(), (2, 4, 2)),
    "MultiScale": (lambda: MultiScale([Chain([Squeeze(), ActNorm(4)]), Chain([Squeeze(), ActNorm(8)])], shape=(1, 4, 4)), (1, 4, 4)),
    "glow": (lambda: glow((1, 4, 4), steps=[2, 1], hidden=4), (1, 4, 4)),
    "real_nvp": (lambda: Chain(real_nvp(4, layers=3, hidden=[8])), (4,)),
    "maf": (lambda: Chain(maf(4, layers=2, hidden=[8])), (4,)),
    "Inverse": (lambda: Inverse(Chain(real_nvp(4, layers=3, hidden=[8]))), (4,)),
}


@pytest.fixture(params=TRANSFORMS)
def case(request) -> tuple[nn.Module, torch.Tensor]:
    make, event = TRANSFORMS[request.param]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return shaken(make()), normal(3, *event)


def log_abs_det(function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Of the Jacobian of a map at one row, by autograd."""
    jacobian = torch.autograd.functional.jacobian(lambda row: function(row.reshape(1, *x.shape))[0].flatten(), x.flatten())
    return torch.linalg.slogdet(jacobian).logabsdet


def test_it_is_a_transform(case):
    assert isinstance(case[0], Transform)


def test_encoding_changes_volumes_as_autograd_says(case):
    transform, x = case
    z, log_det = transform.encode(x)
    assert log_det.shape == (3,)
    expected = torch.stack([log_abs_det(lambda row: transform.encode(row)[0], row) for row in x])
    torch.testing.assert_close(log_det, expected)
    assert z.numel() == x.numel()


def test_decoding_undoes_it_and_changes_volumes_as_autograd_says(case):
    transform, x = case
    z, _ = transform.encode(x)
    back, log_det = transform.decode(z.detach())
    torch.testing.assert_close(back, x)
    assert log_det.shape == (3,)
    expected = torch.stack([log_abs_det(lambda row: transform.encode(row)[0], row) for row in x])
    torch.testing.assert_close(log_det, -expected)


def test_float32_goes_there_and_back(case):
    transform, x = case
    transform, x = transform.float(), x.float()
    z, log_det = transform.encode(x)
    back, log_det_back = transform.decode(z.detach())
    torch.testing.assert_close(back, x, rtol=1e-3, atol=1e-4)  # a few layers of rounding, some of them stretched
    torch.testing.assert_close(log_det_back, -log_det, rtol=1e-3, atol=1e-4)


def test_the_state_makes_it_again(case):
    transform, x = case
    state = {name: value.clone() for name, value in transform.state_dict().items()}
    expected = transform.encode(x)[0]
    with torch.no_grad():
        for value in transform.parameters():
            value.fill_(0.1)
    transform.load_state_dict(state)
    assert torch.equal(transform.encode(x)[0], expected)


class Times(nn.Module):
    """x → factor · x, one number a row."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor, dtype=torch.float64))

    def encode(self, x, cond=None):
        return self.factor * x, self.factor.abs().log().expand(len(x))

    def decode(self, z, cond=None):
        return z / self.factor, -self.factor.abs().log().expand(len(z))


class Plus(nn.Module):
    """x → x + 1."""

    def encode(self, x, cond=None):
        return x + 1, x.new_zeros(len(x))

    def decode(self, z, cond=None):
        return z - 1, z.new_zeros(len(z))


def test_the_first_map_meets_the_data_first():
    chain = Chain([Times(3.0), Plus()])
    one = torch.ones(1, 1, dtype=torch.float64)
    assert chain.encode(one)[0].item() == 4  # 3 · 1 + 1, not 3 · (1 + 1)
    assert chain.decode(4 * one)[0].item() == 1  # (4 − 1) / 3, not 4 / 3 − 1
    assert chain.encode(one)[1].item() == pytest.approx(math.log(3))
    assert chain.decode(one)[1].item() == pytest.approx(-math.log(3))


def test_an_inverse_is_the_other_way_round():
    turned = Inverse(Times(4.0))
    one = torch.ones(2, 1, dtype=torch.float64)
    assert turned.encode(one)[0].tolist() == [[0.25], [0.25]]
    assert turned.decode(one)[0].tolist() == [[4], [4]]
    assert turned.encode(one)[1].tolist() == pytest.approx([-math.log(4)] * 2)


def test_what_cannot_be_undone_is_refused():
    with pytest.raises(ValueError, match="number 1 does not: Linear"):
        Chain([Plus(), nn.Linear(2, 2)])


def test_the_density_of_a_stretched_gaussian():
    """z = 3 x + 1 with z standard normal: x is normal with mean −1/3 and standard deviation 1/3."""
    flow = Flow([Times(3.0), Plus()], StandardNormal(1))
    x = torch.linspace(-2, 1, 7, dtype=torch.float64)[:, None]
    expected = torch.distributions.Normal(torch.tensor(-1 / 3).double(), torch.tensor(1 / 3).double()).log_prob(x[:, 0])
    torch.testing.assert_close(flow.log_prob(x), expected)
    drawn = flow.double().sample(20_000, generator=torch.Generator().manual_seed(0))
    assert abs(drawn.mean() + 1 / 3) < 5 / 3 / math.sqrt(20_000)
    assert abs(drawn.std() * 3 - 1) < 5 / math.sqrt(2 * 20_000)


def test_a_condition_reaches_every_layer_and_both_directions():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = shaken(Flow(real_nvp(4, layers=2, hidden=[8], conditions=2), StandardNormal(4)))
    x, cond = normal(2, 4), torch.eye(2, dtype=torch.float64)
    z, _ = flow.encode(x, cond)
    torch.testing.assert_close(flow.decode(z, cond)[0], x)
    assert not torch.allclose(flow.log_prob(x, cond), flow.log_prob(x, cond.flip(0)))
    one, other = (flow.sample(2, generator=torch.Generator().manual_seed(0), cond=c) for c in (cond, cond.flip(0)))
    assert not torch.allclose(one, other)


def test_starting_from_data_goes_through_the_layers_in_order():
    flow = Flow([ActNorm(3), Linear(3), ActNorm(3)], Laplace(3)).double()
    x = normal(200, 3) @ normal(3, 3, seed=2) + 5
    flow.start_from(x)
    z = flow.encode(x)[0]
    torch.testing.assert_close(torch.cov(z.T, correction=0), torch.eye(3).double())
    for part in flow.chain.transforms[::2]:
        out = part.encode(x)[0] if part is flow.chain.transforms[0] else z
        torch.testing.assert_close(out.mean(0), torch.zeros(3).double(), atol=1e-9, rtol=0)


def test_half_precision_touches_the_networks_alone():
    """Under autocast the matrices, whose determinants are counted, stay exact; log_prob moves by the networks' rounding alone."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pictures = shaken(Flow([glow((1, 4, 4), steps=[2, 1], hidden=8)], StandardNormal(16)), scale=0.1).float()
        vectors = shaken(Flow([Linear(4), *real_nvp(4, layers=2, hidden=[8])], StandardNormal(4)), scale=0.1).float()
        matrices = Flow([Linear(4), InvertibleConv1x1(4)], StandardNormal(4))
    for model, x in ((pictures, normal(5, 1, 4, 4).float()), (vectors, normal(5, 4).float()), (matrices, normal(5, 4).float())):
        exact = model.log_prob(x)
        with torch.autocast("cpu", torch.bfloat16):
            z, log_det = model.encode(x)
            rough = model.log_prob(x)
        assert z.dtype == log_det.dtype == torch.float32
        if model is matrices:
            assert torch.equal(rough, exact)
        torch.testing.assert_close(rough, exact, rtol=2e-2, atol=0.2)  # bfloat16 keeps three digits
