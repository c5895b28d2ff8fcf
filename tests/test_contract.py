"""What every model promises. A new model joins with one line in ``MODELS``.

A case holds the model and its outcomes: for a discrete model all of them, for a density a grid that covers it, with the volume of a cell.
"""

import copy
import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from course_lib.classical.autoregressive import GaussianAR
from course_lib.classical.discrete import Bernoulli, Categorical
from course_lib.classical.gaussian import Gaussian, MultivariateGaussian
from course_lib.classical.gmm import GaussianMixture
from course_lib.classical.ica import ICA
from course_lib.classical.probabilistic_pca import ProbabilisticPCA
from course_lib.classical.source_densities import Adaptive, Logistic
from course_lib.contract import CanSample, HasElbo, HasLogProb, HasLoss
from course_lib.generative import sample_distributions
from course_lib.generative.autoregressive_flow import maf
from course_lib.generative.base_density import StandardNormal
from course_lib.generative.coupling import real_nvp
from course_lib.generative.flow import Flow
from course_lib.generative.glow import ActNorm, glow
from course_lib.generative.likelihoods import BernoulliLikelihood, GaussianLikelihood
from course_lib.generative.linear_flow import Linear
from course_lib.generative.masked_autoregressive import MADE
from course_lib.generative.pixelcnn import PixelCNN
from course_lib.generative.planar import Planar
from course_lib.generative.vae import VAE
from course_lib.generative.wavenet import WaveNet


class Case(NamedTuple):
    """A model, its outcomes ``(n, *event)``, and the volume that each stands for."""

    model: object
    outcomes: Tensor
    volume: float = 1.0


def line(model: object, low: float, high: float, n: int = 4001) -> Case:
    """A density of a number, on a grid."""
    x = torch.linspace(low, high, n, dtype=torch.float64)
    return Case(model, x, (high - low) / (n - 1))


def plane(model: object, low: float, high: float, n: int = 401) -> Case:
    """A density of two numbers, on a grid."""
    case = line(model, low, high, n)
    return Case(model, torch.cartesian_prod(case.outcomes, case.outcomes), case.volume**2)


def binary(model: nn.Module, *event: int) -> Case:
    """A network's probability of pictures of zeros and ones: all of them."""
    outcomes = torch.cartesian_prod(*[tensor(0, 1)] * math.prod(event))
    return Case(model.double(), outcomes.view(-1, *event))


def column(case: Case) -> Case:
    """The same outcomes as rows of one number."""
    return case._replace(outcomes=case.outcomes[:, None])


def pictures(model: object, low: float, high: float, n: int) -> Case:
    """A density of pictures of 2 × 2 pixels, on a grid."""
    x = torch.linspace(low, high, n, dtype=torch.float64)
    return Case(model, torch.cartesian_prod(x, x, x, x).reshape(-1, 1, 2, 2), ((high - low) / (n - 1)) ** 4)


def shaken(model: nn.Module, scale: float = 0.3) -> nn.Module:
    """A network in float64, away from its start: a flow's is the identity, where many a gradient is 0."""
    model = model.double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn(parameter.shape, dtype=torch.float64)
    return model


def tensor(*values) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


tilted = tensor([1.0, 0.6], [0.6, 0.8])
MODELS: dict[str, Callable[[], Case]] = {
    "Bernoulli": lambda: Case(Bernoulli(0.3), torch.tensor([0, 1])),
    "Categorical": lambda: Case(Categorical(tensor(0.2, 0.5, 0.3)), torch.arange(3)),
    "Gaussian": lambda: line(Gaussian(0.7, 2.5), -20, 20),
    "MultivariateGaussian": lambda: plane(MultivariateGaussian(tensor(0.5, -1.0), tilted), -8, 8),
    "GaussianMixture on a line": lambda: column(
        line(GaussianMixture(tensor(0.3, 0.7), tensor([-2.0], [1.5]), tensor([[0.4]], [[1.0]])), -12, 12)
    ),
    "GaussianMixture": lambda: plane(
        GaussianMixture(tensor(0.3, 0.7), tensor([-2, 0.5], [2, -1]), torch.stack([tilted, torch.eye(2)])), -9, 9
    ),
    "GaussianMixture, diagonal": lambda: plane(
        GaussianMixture(tensor(0.6, 0.4), tensor([-2, 0.5], [2, -1]), tensor([0.5, 1], [1, 0.3])), -9, 9
    ),
    "ProbabilisticPCA": lambda: plane(ProbabilisticPCA(tensor(0.5, -1.0), tensor([1.2], [-0.7]), torch.tensor(0.4)), -9, 9),
    "GaussianAR": lambda: plane(GaussianAR(tensor(-0.6), torch.tensor(0.5)), -8, 8),
    "ICA": lambda: plane(ICA(tensor(0.5, -1.0), tensor([1.0, -0.4], [0.3, 1.2]), Logistic()), -16, 16, 641),
    "ICA, adaptive": lambda: plane(ICA(tensor(0.5, -1.0), tensor([1.0, -0.4], [0.3, 1.2]), Adaptive(tensor(1, -1))), -12, 12),
    "MADE": lambda: binary(MADE((1, 2, 2), [5, 5]), 1, 2, 2),
    "PixelCNN": lambda: binary(PixelCNN((1, 2, 3), channels=3, blocks=2), 1, 2, 3),
    "WaveNet": lambda: Case(
        WaveNet((1,), channels=4, output=sample_distributions.Categorical(3)).double(), torch.cartesian_prod(*[torch.arange(3)] * 3)
    ),
    "WaveNet of one's own past": lambda: plane(
        WaveNet((1,), channels=2, kernel=1, output=sample_distributions.Gaussian(), linear=True).double(), -12, 12
    ),
}


MODELS |= {
    "Linear flow": lambda: plane(shaken(Flow([Linear(2)], StandardNormal(2))), -12, 12),
    "Planar": lambda: plane(shaken(Flow([Planar(2), Planar(2)], StandardNormal(2))), -14, 14, 801),
    "NICE": lambda: plane(shaken(Flow([*real_nvp(2, layers=2, hidden=[6], additive=True), ActNorm(2)], StandardNormal(2))), -12, 12),
    "RealNVP": lambda: plane(shaken(Flow(real_nvp(2, layers=3, hidden=[6], bound=0.5), StandardNormal(2))), -14, 14, 801),
    "MAF": lambda: plane(shaken(Flow(maf(2, layers=3, hidden=[6], bound=0.5), StandardNormal(2))), -14, 14, 801),
    "Glow": lambda: pictures(shaken(Flow([glow((1, 2, 2), steps=[2], hidden=4)], StandardNormal(4)), 0.1), -7, 7, 22),
}


@pytest.fixture(params=MODELS)
def case(request) -> Case:
    with torch.random.fork_rng():
        torch.manual_seed(0)  # a network draws its first weights
        return MODELS[request.param]()


def trainable(model: object) -> tuple[object, dict[str, Tensor]]:
    """The same model over leaves that collect gradients (an object among its fields, say ICA's density, stays), and these leaves."""
    if isinstance(model, nn.Module):
        again = copy.deepcopy(model)
        return again, dict(again.named_parameters())
    fields = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    parameters = {name: value.clone().requires_grad_() for name, value in fields.items() if isinstance(value, Tensor)}
    return type(model)(**fields | parameters), parameters


def made_again(model: object) -> object:
    """Another model that is given the first one's parameters."""
    if not isinstance(model, nn.Module):
        return type(model)(**{field.name: getattr(model, field.name) for field in dataclasses.fields(model)})
    again = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in again.parameters():
            parameter.fill_(0.1)
    again.load_state_dict(model.state_dict())
    return again


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_speaks_the_verbs(case):
    for verb in (CanSample, HasLogProb, HasLoss):
        assert isinstance(case.model, verb)


def test_probability_sums_to_one(case):
    total = case.model.log_prob(case.outcomes).exp().sum() * case.volume
    torch.testing.assert_close(total, torch.tensor(1.0).double(), rtol=0, atol=1e-6)  # of the grid, and what lies outside it


def test_samples_agree_with_the_density(case):
    """Their characteristic functions agree at random frequencies: E cos(ωx + φ), a law known by all of them."""
    n = 20_000
    samples = case.model.sample(n, generator=seeded(1)).double().reshape(n, -1)
    outcomes = case.outcomes.double().reshape(len(case.outcomes), -1)
    probability = case.model.log_prob(case.outcomes).exp() * case.volume
    omega = 1.5 * torch.randn(30, samples.shape[1], dtype=torch.float64, generator=seeded(2))
    phase = torch.rand(30, dtype=torch.float64, generator=seeded(3)) * 2 * math.pi
    expected = probability @ torch.cos(outcomes @ omega.T + phase)
    waves = torch.cos(samples @ omega.T + phase)
    error = waves.std(0) / math.sqrt(n)
    assert ((waves.mean(0) - expected).abs() < 5 * error + 1e-6).all()


def test_rows_are_independent(case):
    x = case.model.sample(7, generator=seeded(0))
    log_prob = case.model.log_prob(x)
    assert log_prob.shape == (7,)
    torch.testing.assert_close(case.model.log_prob(x.flip(0)), log_prob.flip(0))
    torch.testing.assert_close(torch.cat([case.model.log_prob(row) for row in x.split(1)]), log_prob)


def test_loss_is_the_mean_per_dimension(case):
    x = case.model.sample(9, generator=seeded(0))
    loss = case.model.loss(x)
    assert loss.shape == ()
    torch.testing.assert_close(loss, -case.model.log_prob(x).mean() / x[0].numel())


def test_a_generator_decides_all_chance_and_nothing_else_changes(case):
    before = torch.get_rng_state()
    one, again, other = (case.model.sample(50, generator=seeded(seed)) for seed in (5, 5, 6))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    generator = seeded(5)
    assert not torch.equal(case.model.sample(50, generator=generator), case.model.sample(50, generator=generator))


def test_without_a_generator_the_global_state_serves(case):
    with torch.random.fork_rng():
        torch.manual_seed(5)
        one = case.model.sample(50)
        torch.manual_seed(5)
        assert torch.equal(one, case.model.sample(50))


def test_samples_have_the_events_shape(case):
    for n in (0, 1, 3):
        assert case.model.sample(n, generator=seeded(0)).shape == (n, *case.outcomes.shape[1:])


def test_float64_throughout(case):
    x = case.model.sample(4, generator=seeded(0))
    assert x.dtype == torch.float64 or not x.is_floating_point()
    assert case.model.log_prob(x).dtype == torch.float64
    if x.is_floating_point():  # float32 data meet float64 parameters
        torch.testing.assert_close(case.model.log_prob(x.float()), case.model.log_prob(x), rtol=1e-5, atol=1e-5)


def test_every_parameter_gets_a_finite_gradient(case):
    model, parameters = trainable(case.model)
    model.loss(case.model.sample(20, generator=seeded(0))).backward()
    for name, parameter in parameters.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_parameters_make_the_model_again(case):
    assert torch.equal(made_again(case.model).log_prob(case.outcomes), case.model.log_prob(case.outcomes))
    if not isinstance(case.model, nn.Module):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(case.model, dataclasses.fields(case.model)[0].name, None)


def test_drawing_needs_no_gradients(case):
    """Parameters that are being fitted can be sampled from; the draws carry no graph."""
    model, _ = trainable(case.model)
    assert not model.sample(3, generator=seeded(0)).requires_grad


# ------------------------------------------------------------------------------------------- models that know only a bound

BOUNDED: dict[str, Callable[[], nn.Module]] = {
    "VAE": lambda: VAE(nn.Linear(3, 4), nn.Linear(2, 3), GaussianLikelihood(0.5, learned=True), latent_size=2),
    "VAE of ink and paper": lambda: VAE(nn.Linear(3, 2), nn.Linear(1, 3), BernoulliLikelihood(), latent_size=1),
}


@pytest.fixture(params=BOUNDED)
def bounded(request) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return shaken(BOUNDED[request.param]())


def test_a_bounded_model_speaks_the_verbs(bounded):
    for verb in (CanSample, HasElbo, HasLoss):
        assert isinstance(bounded, verb)
    assert not isinstance(bounded, HasLogProb)  # what is exact nowhere must not be called so


def test_the_loss_of_a_bounded_model_is_its_mean_bound_per_dimension(bounded):
    x = bounded.sample(9, generator=seeded(0))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        loss = bounded.loss(x)
        torch.manual_seed(1)
        elbo = bounded.elbo(x)
    assert (loss.shape, elbo.shape, elbo.dtype) == ((), (9,), torch.float64)
    torch.testing.assert_close(loss, -elbo.mean() / x[0].numel())


def test_chance_in_a_bounded_model_is_the_generators(bounded):
    before = torch.get_rng_state()
    x, again, other = (bounded.sample(20, generator=seeded(seed)) for seed in (5, 5, 6))
    assert torch.equal(x, again)
    assert not torch.equal(x, other)
    one, again, other = (bounded.elbo(x, generator=seeded(seed)) for seed in (5, 5, 6))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert not x.requires_grad


def test_parameters_of_a_bounded_model_get_gradients_and_make_it_again(bounded):
    x = bounded.sample(20, generator=seeded(0))
    model, parameters = trainable(bounded)
    model.loss(x).backward()
    for name, parameter in parameters.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
    assert torch.equal(made_again(bounded).elbo(x, generator=seeded(1)), bounded.elbo(x, generator=seeded(1)))
