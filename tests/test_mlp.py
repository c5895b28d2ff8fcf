"""The MLP against its formula written out, for any leading axes and either precision."""

import pytest
import torch
from torch import nn

from course_lib.networks.mlp import MLP


def network(*sizes: int, **options) -> MLP:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MLP(sizes[0], sizes[1:-1], sizes[-1], **options)


def by_formula(model: MLP, x: torch.Tensor, bend) -> torch.Tensor:
    weights = list(model.parameters())  # W₁, b₁, W₂, b₂, …
    for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = bend(torch.einsum("oi,...i->...o", W, x) + b)
    return torch.einsum("oi,...i->...o", weights[-2], x) + weights[-1]


@pytest.mark.parametrize(("sizes", "shape"), [((3, 2), (5, 3)), ((3, 7, 2), (3,)), ((3, 7, 4, 2), (2, 5, 3)), ((1, 1, 1), (0, 1))])
def test_it_is_its_formula(sizes, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    bent = network(*sizes)
    torch.testing.assert_close(bent(x), by_formula(bent, x, lambda h: h * torch.sigmoid(h)))
    rectified = network(*sizes, activation=nn.ReLU).double()
    torch.testing.assert_close(rectified(x.double()), by_formula(rectified, x.double(), lambda h: h.clamp(min=0)))


def test_it_has_the_weights_that_the_sizes_say():
    assert [tuple(weight.shape) for weight in network(3, 7, 4, 2).parameters()] == [(7, 3), (7,), (4, 7), (4,), (2, 4), (2,)]
    assert [tuple(weight.shape) for weight in network(3, 2).parameters()] == [(2, 3), (2,)]


def test_every_weight_gets_a_gradient():
    model = network(3, 7, 4, 2)
    model(torch.randn(9, 3, generator=torch.Generator().manual_seed(1))).square().sum().backward()
    assert all(weight.grad.isfinite().all() and weight.grad.abs().max() > 0 for weight in model.parameters())


def test_weights_go_round():
    model, other = network(3, 7, 2), MLP(3, [7], 2)
    other.load_state_dict(model.state_dict())
    x = torch.ones(4, 3)
    assert torch.equal(model(x), other(x))


def test_each_layer_has_an_activation_of_its_own():
    model = network(3, 7, 4, 2, activation=nn.PReLU)  # has a weight: shared, the two would be one
    assert sum(weight.numel() == 1 for weight in model.parameters()) == 2


@pytest.mark.parametrize("sizes", [(0, 3, 1), (2, 0, 1), (2, 3, 0)])
def test_a_size_must_be_at_least_one(sizes):
    with pytest.raises(ValueError, match="inputs, hidden and outputs must all be at least 1, got"):
        network(*sizes)
