"""Whole levels and a density over real numbers: the bound against the exact sum over levels."""

import math

import pytest
import torch
from torch import nn

from course_lib.generative.base_density import StandardNormal
from course_lib.generative.coupling import real_nvp
from course_lib.generative.dequantisation import Dequantised, Logit
from course_lib.generative.flow import Flow
from course_lib.generative.linear_flow import Linear


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def gaussian() -> Dequantised:
    """One pixel of 4 levels under N(0.4, 0.5²): every P(k) is known."""
    flow = Flow([Linear(1)], StandardNormal(1)).double()
    flow.chain.transforms[0].load_state_dict({"mean": torch.tensor([0.4]), "weight": torch.tensor([[2.0]])})
    return Dequantised(flow, levels=4)


levels = torch.arange(4, dtype=torch.uint8)[:, None]


def exact(model: Dequantised) -> torch.Tensor:
    normal = torch.distributions.Normal(torch.tensor(0.4).double(), torch.tensor(0.5).double())
    k = levels[:, 0].double()
    return (normal.cdf((k + 1) / 4) - normal.cdf(k / 4)).log()


def test_the_bound_is_below_the_probability_and_more_draws_close_in(gaussian):
    truth = exact(gaussian)
    many = gaussian.elbo(levels.repeat(4000, 1), generator=seeded(0)).reshape(4000, 4)
    error = many.std(0) / math.sqrt(4000)
    u = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    normal = torch.distributions.Normal(torch.tensor(0.4).double(), torch.tensor(0.5).double())
    expected = normal.log_prob((levels.double() + u) / 4).mean(1) - math.log(4)  # the integral of the bound
    assert ((many.mean(0) - expected).abs() < 5 * error).all()
    assert (expected < truth).all()
    tight = gaussian.importance_bound(levels.repeat(100, 1), 50, generator=seeded(0)).reshape(100, 4).mean(0)
    torch.testing.assert_close(tight, truth, rtol=0, atol=0.01)  # 50 draws a row leave a gap of about 0.002
    torch.testing.assert_close(gaussian.importance_bound(levels, 1, generator=seeded(3)), gaussian.elbo(levels, generator=seeded(3)))


def test_probabilities_of_all_levels_sum_to_what_lies_in_the_cube(gaussian):
    inside = torch.distributions.Normal(0.4, 0.5).cdf(torch.tensor([0.0, 1.0])).diff().item()
    total = gaussian.importance_bound(levels, 300, generator=seeded(1)).exp().sum().item()
    assert total == pytest.approx(inside, abs=0.03)  # 300 draws leave about 0.006
    assert total <= 1


def test_the_unit_is_that_of_levels_not_of_a_density():
    """A uniform density on [0, 1)^D needs log₂ L bits a pixel, whatever D: here from a flow that is nearly uniform."""

    class Uniform(nn.Module):
        def log_prob(self, z):
            return z.new_zeros(len(z))

        def sample(self, n, *, generator=None):
            return torch.rand(n, 1, 2, 2, generator=generator)

    class Nothing(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(()))

        def encode(self, x, cond=None):
            return x, x.new_zeros(len(x)) + 0 * self.unused

        def decode(self, z, cond=None):
            return z, z.new_zeros(len(z))

    model = Dequantised(Flow([Nothing()], Uniform()), levels=17)
    k = torch.randint(17, (5, 1, 2, 2), generator=seeded(0)).to(torch.uint8)
    torch.testing.assert_close(model.elbo(k), torch.full((5,), -4 * math.log(17)))
    assert model.loss(k).item() / math.log(2) == pytest.approx(math.log2(17), rel=1e-6)
    drawn = model.sample(2000, generator=seeded(1))
    assert drawn.dtype == torch.uint8
    assert sorted(drawn.unique().tolist()) == list(range(17))


def test_noise_is_fresh_uniform_and_the_generators():
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(()))

        def encode(self, x, cond=None):
            seen.append(x)
            return x, x.new_zeros(len(x))

        decode = encode

    model = Dequantised(Flow([Spy()], StandardNormal(3)), levels=8)
    k = torch.tensor([[0, 3, 7]], dtype=torch.uint8).expand(5000, 3)
    before = torch.get_rng_state()
    model.elbo(k, generator=seeded(0))
    model.elbo(k, generator=seeded(0))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(seen[0], seen[1])
    noise = seen[0] * 8 - k
    assert 0 <= noise.min() < 0.01 < 0.99 < noise.max() <= 1
    assert ((noise.mean(0) - 0.5).abs() < 5 * math.sqrt(1 / 12 / 5000)).all()
    assert torch.corrcoef(noise.T).triu(1).abs().max() < 5 / math.sqrt(5000)
    with torch.random.fork_rng():
        model.loss(k)
        model.loss(k)
    assert not torch.equal(seen[2], seen[3])


def test_the_loss_is_the_mean_per_dimension_and_trains():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Dequantised(Flow(real_nvp(4, layers=2, hidden=[8]), StandardNormal(4)), levels=3)
        k = torch.randint(3, (6, 4), generator=seeded(0)).to(torch.uint8)
        torch.manual_seed(1)
        loss = model.loss(k)
        torch.manual_seed(1)
        torch.testing.assert_close(loss, -model.elbo(k).mean() / 4)
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_a_scale_of_levels_must_be_one():
    with pytest.raises(ValueError, match="levels must lie from 2 to 256, got 1"):
        Dequantised(Flow([Linear(1)], StandardNormal(1)), levels=1)


def test_the_logits_volumes_are_autograds():
    x = torch.rand(3, 2, 2, dtype=torch.float64, generator=seeded(0))
    layer = Logit(0.05)
    z, log_det = layer.encode(x)
    torch.testing.assert_close(z, (0.05 + 0.9 * x).log() - (0.95 - 0.9 * x).log())
    slopes = torch.autograd.functional.jacobian(lambda x: layer.encode(x)[0].sum(), x)
    torch.testing.assert_close(log_det, slopes.log().sum((1, 2)))
    back, log_det_back = layer.decode(z)
    torch.testing.assert_close(back, x)
    torch.testing.assert_close(log_det_back, -log_det)
    with pytest.raises(ValueError, match=r"alpha must lie between 0 and 0\.5, got 0\.5"):
        Logit(0.5)
