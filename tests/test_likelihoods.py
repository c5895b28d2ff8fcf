"""What a decoder's numbers mean: each likelihood against torch.distributions, its draws against its density."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal

from course_lib.generative.likelihoods import BernoulliLikelihood, GaussianLikelihood, PixelGaussianLikelihood


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


numbers = 2 * torch.randn(5, 2, 3, 3, dtype=torch.float64, generator=seeded(0))
pictures = torch.randn(5, 2, 3, 3, dtype=torch.float64, generator=seeded(1))


def test_bernoulli_is_a_coin_a_pixel():
    ink = (pictures > 0).double()
    coins = Bernoulli(logits=numbers)
    torch.testing.assert_close(BernoulliLikelihood().log_prob(numbers, ink), coins.log_prob(ink).flatten(1).sum(1))
    torch.testing.assert_close(BernoulliLikelihood().mean(numbers), coins.probs)


def test_bernoulli_bears_certainty():
    sure = torch.tensor([[200.0, -200.0]])
    assert BernoulliLikelihood().log_prob(sure, torch.tensor([[1.0, 0.0]])) == 0
    torch.testing.assert_close(BernoulliLikelihood().log_prob(sure, torch.tensor([[0.0, 0.0]])), torch.tensor([-200.0]))


@pytest.mark.parametrize("grey", [0.5, 2.0, -1.0])
def test_bernoulli_refuses_grey(grey):
    with pytest.raises(ValueError, match="x must be 0 or 1 everywhere"):
        BernoulliLikelihood().log_prob(torch.zeros(1, 2), torch.tensor([[1.0, grey]]))


@pytest.mark.parametrize("learned", [False, True])
def test_gaussian_has_one_variance_for_all(learned):
    likelihood = GaussianLikelihood(0.3, learned=learned).double()
    reference = Normal(numbers, math.sqrt(0.3)).log_prob(pictures).flatten(1).sum(1)
    torch.testing.assert_close(likelihood.log_prob(numbers, pictures), reference, rtol=1e-6, atol=1e-6)  # 0.3 was kept in float32
    assert likelihood.mean(numbers) is numbers
    assert [name for name, _ in likelihood.named_parameters()] == ["log_var"] * learned
    assert list(likelihood.state_dict()) == ["log_var"]  # saved either way


def test_the_best_variance_is_the_mean_squared_error():
    likelihood = GaussianLikelihood(learned=True).double()
    optimizer = torch.optim.LBFGS(likelihood.parameters(), max_iter=50)

    def closure():
        optimizer.zero_grad()
        loss = -likelihood.log_prob(numbers, pictures).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    best = (numbers - pictures).square().mean()
    torch.testing.assert_close(likelihood.variance.detach(), best, rtol=1e-4, atol=0)  # where LBFGS stops


@pytest.mark.parametrize("variance", [0.0, -1.0, math.inf, math.nan])
def test_a_variance_is_positive(variance):
    with pytest.raises(ValueError, match="variance must be finite and greater than 0"):
        GaussianLikelihood(variance)


def test_pixel_gaussian_reads_means_then_log_variances():
    mean, log_var = numbers[:, :1], numbers[:, 1:]
    x = pictures[:, :1]
    reference = Normal(mean, (log_var / 2).exp()).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(PixelGaussianLikelihood().log_prob(numbers, x), reference)
    torch.testing.assert_close(PixelGaussianLikelihood().mean(numbers), mean)


@pytest.mark.parametrize(
    ("likelihood", "mean", "variance"),
    [
        (BernoulliLikelihood(), numbers.sigmoid(), numbers.sigmoid() * (1 - numbers.sigmoid())),
        (GaussianLikelihood(0.3).double(), numbers, torch.full_like(numbers, 0.3)),
        (PixelGaussianLikelihood(), numbers[:, :1], numbers[:, 1:].exp()),
    ],
    ids=["Bernoulli", "Gaussian", "pixel Gaussian"],
)
def test_draws_agree_with_mean_and_variance(likelihood: nn.Module, mean, variance):
    n, generator = 4000, seeded(2)
    draws = torch.stack([likelihood.sample(numbers, generator=generator) for _ in range(n)]).detach()
    assert draws.shape == (n, *mean.shape)
    assert ((draws.mean(0) - mean).abs() < 5 * (variance / n).sqrt()).all()
    spread = draws.var(0) / variance
    error = ((draws - mean).square() / variance).std(0) / math.sqrt(n)
    assert ((spread - 1).abs() < 5 * error + 1e-3).all()
    assert torch.equal(likelihood.sample(numbers, generator=seeded(3)), likelihood.sample(numbers, generator=seeded(3)))
