"""The VAE: its bounds against log p(x) by quadrature, its linear form against probabilistic PCA, its gradient against differences."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from course_lib import training
from course_lib.classical.pca import principal_angles
from course_lib.classical.probabilistic_pca import ProbabilisticPCA, fit_ppca
from course_lib.contract import CanSample, HasElbo, HasLoss
from course_lib.generative.diagonal_gaussian import DiagonalGaussian, standard_normal_log_prob
from course_lib.generative.likelihoods import BernoulliLikelihood, GaussianLikelihood, PixelGaussianLikelihood
from course_lib.generative.vae import VAE

GRID = torch.linspace(-9, 9, 1801, dtype=torch.float64)[:, None]  # of a single latent number, prior and all


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 5), nn.Tanh(), nn.Linear(5, outputs))


def small_vae(likelihood: nn.Module | None = None, *, D: int = 3, K: int = 1, C: int = 0, seed: int = 0) -> VAE:
    """A VAE with random, not small weights, in float64."""
    likelihood = likelihood or GaussianLikelihood(0.5, learned=True)
    numbers = 2 * D if isinstance(likelihood, PixelGaussianLikelihood) else D
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = VAE(network(D + C, 2 * K), network(K + C, numbers), likelihood, latent_size=K).double()
        for weight in model.decoder.parameters():
            nn.init.normal_(weight)
    return model


def exact_log_prob(model: VAE, x: torch.Tensor, cond: torch.Tensor | None = None) -> torch.Tensor:
    """log p(x) of a VAE with one latent number, by the sum over a fine grid of it."""
    given = GRID if cond is None else torch.cat([GRID, cond.expand(len(GRID), -1)], 1)
    numbers = model.decoder(given)
    rows = [model.likelihood.log_prob(numbers, row.expand(len(GRID), -1)) for row in x]
    return (torch.stack(rows) + standard_normal_log_prob(GRID)).logsumexp(1) + math.log(18 / 1800)


def rows(model: VAE, n: int = 6) -> torch.Tensor:
    return model.sample(n, generator=seeded(11))


LIKELIHOODS = {
    "Bernoulli": BernoulliLikelihood,
    "Gaussian": lambda: GaussianLikelihood(0.5, learned=True),
    "pixel": PixelGaussianLikelihood,
}


@pytest.fixture(params=LIKELIHOODS)
def model(request) -> VAE:
    return small_vae(LIKELIHOODS[request.param]())


# ------------------------------------------------------------------------------------------------------------ the bounds


def test_speaks_the_verbs(model):
    for verb in (CanSample, HasElbo, HasLoss):
        assert isinstance(model, verb)


@torch.no_grad()
def test_the_bound_lies_below_by_the_divergence_from_the_posterior(model):
    """log p(x) = ELBO + KL(q ‖ p(z | x)), each of the three by itself."""
    x = rows(model)
    q, log_p = model.posterior(x), exact_log_prob(model, x)
    n = 20_000
    elbo = model.elbo(x, eps=torch.randn(n, 1, 1, dtype=torch.float64, generator=seeded(1)))
    on_grid = GRID.expand(len(GRID), len(x))[..., None]  # (G, B, 1)
    log_q = q.log_prob(on_grid)
    joint = model._log_likelihood(x, on_grid, None) + standard_normal_log_prob(on_grid)
    gap = (log_q.exp() * (log_q - (joint - log_p))).sum(0) * 18 / 1800
    assert (gap > 0).all()
    spread = model.log_weights(x, eps=torch.randn(n, 1, 1, dtype=torch.float64, generator=seeded(1))).std(0)
    assert ((elbo + gap - log_p).abs() < 6 * spread / math.sqrt(n) + 1e-6).all()


@torch.no_grad()
def test_many_samples_close_the_gap(model):
    x = rows(model)
    log_p = exact_log_prob(model, x)
    weights = model.log_weights(x, 8_000, generator=seeded(2))
    shares = (weights - log_p).exp()  # E = 1: the estimate of p(x) has no bias
    assert ((shares.mean(0) - 1).abs() < 6 * shares.std(0) / math.sqrt(8_000)).all()
    torch.testing.assert_close(model.importance_bound(x, 8_000, generator=seeded(2)), weights.logsumexp(0) - math.log(8_000))


@torch.no_grad()
def test_more_samples_never_loosen_the_bound_on_the_same_samples(model):
    """log-mean-exp over twice as many of the same weights is at least the mean of the two halves: Jensen, draw by draw."""
    weights = model.log_weights(rows(model), 64, generator=seeded(3))  # (64, B)
    bounds = [(weights.view(64 // s, s, -1).logsumexp(1) - math.log(s)).mean(0) for s in (1, 2, 4, 8, 16, 32, 64)]
    for looser, tighter in pairwise(bounds):
        assert (tighter >= looser).all()
    eps = torch.randn(64, 6, 1, dtype=torch.float64, generator=seeded(3))
    torch.testing.assert_close(model.log_weights(rows(model), eps=eps), weights)


@torch.no_grad()
def test_the_probabilities_of_all_pictures_sum_to_one():
    model = small_vae(BernoulliLikelihood(), D=4)
    pictures = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 4)
    log_p = exact_log_prob(model, pictures)
    torch.testing.assert_close(log_p.exp().sum(), torch.tensor(1.0).double())
    bound = model.importance_bound(pictures, 500, generator=seeded(4))
    torch.testing.assert_close(bound, log_p, rtol=0, atol=0.3)  # of 500 weights a picture
    n = 20_000
    drawn = model.sample(n, generator=seeded(5))
    counts = (drawn @ torch.tensor([8.0, 4, 2, 1]).double()).long().bincount(minlength=16)
    assert ((counts / n - log_p.exp()).abs() < 5 * (log_p.exp() / n).sqrt() + 1e-9).all()


def test_both_terms_are_in_nats_of_the_whole_row(model):
    """Neither is averaged over pixels or coordinates: with one row they are the sums, and the loss divides by D once."""
    x = rows(model)
    eps = torch.randn(1, 6, 1, dtype=torch.float64, generator=seeded(6))
    q = model.posterior(x)
    terms = model.elbo_terms(x, eps=eps)
    by_row = [model.likelihood.log_prob(model.decoder(q.at(eps)[0, i : i + 1]), x[i : i + 1])[0] for i in range(6)]
    torch.testing.assert_close(terms.reconstruction, torch.stack(by_row))
    torch.testing.assert_close(terms.kl, q.kl())
    torch.testing.assert_close(model.elbo(x, eps=eps), terms.reconstruction - terms.kl)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        loss = model.loss(x)
        torch.manual_seed(7)
        torch.testing.assert_close(loss, -model.elbo(x).mean() / 3)


# ---------------------------------------------------------------------------------------------------------- the gradient


def test_the_gradient_is_that_of_differences(model):
    """Through both terms and through z: with no gradient through the draw, the encoder's would be that of the KL alone."""
    x, eps = rows(model), torch.randn(2, 6, 1, dtype=torch.float64, generator=seeded(8))
    names, weights = zip(*model.named_parameters(), strict=True)

    def elbo(*values):
        return torch.func.functional_call(_Elbo(model), {f"model.{n}": v for n, v in zip(names, values, strict=True)}, (x, eps))

    torch.autograd.gradcheck(elbo, tuple(weight.detach().clone().requires_grad_() for weight in weights))


class _Elbo(nn.Module):
    """A VAE whose call is its mean bound."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
        return self.model.elbo(x, eps=eps).mean()


def test_every_parameter_gets_a_finite_gradient(model):
    model.loss(rows(model, 20)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


# ------------------------------------------------------------------------------------------------------------ the oracle


class LinearEncoder(nn.Module):
    """An affine mean, and one log-variance an axis for all rows."""

    def __init__(self, D: int, K: int) -> None:
        super().__init__()
        self.mean, self.log_var = nn.Linear(D, K), nn.Parameter(torch.zeros(K))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.mean(x), self.log_var.expand(len(x), -1)], 1)


def linear_vae(D: int, K: int, seed: int = 0) -> VAE:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return VAE(LinearEncoder(D, K), nn.Linear(K, D), GaussianLikelihood(learned=True), latent_size=K).double()


def cubature(K: int) -> torch.Tensor:
    """2 K noise vectors ± √K e_k, (2 K, 1, K): mean 0, covariance I, so that the mean of any quadratic over them is its expectation."""
    axes = math.sqrt(K) * torch.eye(K, dtype=torch.float64)
    return torch.cat([axes, -axes])[:, None]


def made_from(oracle: ProbabilisticPCA) -> VAE:
    """The linear VAE that is a PPCA model whose weights stand at right angles: its posterior is then a diagonal Gaussian, exactly."""
    D, K = oracle.weights.shape
    model = linear_vae(D, K)
    M = oracle.weights.T @ oracle.weights + oracle.noise_variance * torch.eye(K).double()
    with torch.no_grad():
        model.decoder.weight.copy_(oracle.weights)
        model.decoder.bias.copy_(oracle.mean)
        model.likelihood.log_var.copy_(oracle.noise_variance.log())
        model.encoder.mean.weight.copy_(torch.linalg.solve(M, oracle.weights.T))
        model.encoder.mean.bias.copy_(-torch.linalg.solve(M, oracle.weights.T @ oracle.mean))
        model.encoder.log_var.copy_((oracle.noise_variance / M.diagonal()).log())
    return model


def some_rows(N: int = 300, D: int = 6, seed: int = 0) -> torch.Tensor:
    scales = torch.tensor([4.0, 2.5, 1.5, 0.6, 0.5, 0.4], dtype=torch.float64)[:D]
    turn = torch.linalg.qr(torch.randn(D, D, dtype=torch.float64, generator=seeded(seed))).Q
    return (torch.randn(N, D, dtype=torch.float64, generator=seeded(seed + 100)) * scales) @ turn + 1


@torch.no_grad()
def test_a_linear_vae_with_ppcas_weights_is_ppca_row_by_row():
    """The bound touches: no gap is left where the true posterior is a diagonal Gaussian."""
    x = some_rows()
    oracle = fit_ppca(x, 3)
    model = made_from(oracle)
    torch.testing.assert_close(model.elbo(x, eps=cubature(3)), oracle.log_prob(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(model.encode(x), oracle.encode(x))
    torch.testing.assert_close(model.decode(model.encode(x)), oracle.decode(oracle.encode(x)))
    torch.testing.assert_close(model.log_weights(x, 5, generator=seeded(0)), oracle.log_prob(x).expand(5, -1))  # any z gives p(x)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_trained_linear_vae_with_one_shared_variance_finds_ppca(seed):
    """Subspace, noise variance and log-likelihood of lecture 5's closed form, from random weights, by the bound alone.

    The bound is quadratic in z, so its mean over the cubature's noise is exact and LBFGS may descend it. Its line search compares values near 9,
    known to 1e-15 of that, so it can settle the objective to about 1e-9, measured: under 1e-9. What is stationary there is settled to
    the root of this, 3e-5; tolerances are some times as wide.
    """
    x, K = some_rows(seed=seed), 3
    model, oracle = linear_vae(6, K, seed=seed), fit_ppca(x, K)
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=400, tolerance_grad=1e-8, tolerance_change=1e-12, history_size=50, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        loss = -model.elbo(x, eps=cubature(K)).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    elbo = model.elbo(x, eps=cubature(K)).mean().detach()
    torch.testing.assert_close(elbo, oracle.log_prob(x).mean(), rtol=0, atol=1e-7)
    torch.testing.assert_close(model.likelihood.variance.detach(), oracle.noise_variance, rtol=1e-4, atol=0)
    W = model.decoder.weight.detach()
    assert principal_angles(W, oracle.weights).max() < 1e-4
    torch.testing.assert_close(W @ W.T, oracle.weights @ oracle.weights.T, rtol=1e-3, atol=1e-3)
    columns = W / W.norm(dim=0)
    assert (columns.T @ columns - torch.eye(K).double()).abs().max() < 1e-3  # the diagonal posterior picks the principal axes themselves


# --------------------------------------------------------------------------------------------------------- the condition


@torch.no_grad()
def test_a_condition_goes_to_both_networks_beside_x_and_z():
    model = small_vae(C=2)
    x, cond = rows_given(model), torch.eye(2, dtype=torch.float64)[[0, 1, 1, 0]]
    q = model.posterior(x, cond)
    torch.testing.assert_close(torch.cat([q.mean, q.log_var], 1), model.encoder(torch.cat([x, cond], 1)))
    torch.testing.assert_close(model.decode(q.mean, cond), model.decoder(torch.cat([q.mean, cond], 1)))
    for i in range(4):
        bound = model.importance_bound(x[i : i + 1], 8_000, cond[i : i + 1], generator=seeded(1))
        torch.testing.assert_close(bound, exact_log_prob(model, x[i : i + 1], cond[i : i + 1]), rtol=0, atol=0.1)  # of 8 000 weights
    eps = torch.randn(3, 4, 1, dtype=torch.float64, generator=seeded(2))
    apart = [model.log_weights(x[[i]], cond=cond[[i]], eps=eps[:, [i]]) for i in range(4)]
    torch.testing.assert_close(model.log_weights(x, cond=cond, eps=eps), torch.cat(apart, 1))  # each row keeps its own, however many draws
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        model.elbo(x)


def rows_given(model: VAE) -> torch.Tensor:
    return model.sample(4, generator=seeded(11), cond=torch.eye(2, dtype=torch.float64)[[0, 1, 1, 0]])


@torch.no_grad()
def test_samples_given_a_condition_have_its_distribution():
    model, n = small_vae(C=2), 20_000
    for name in torch.eye(2, dtype=torch.float64):
        draws = model.sample(n, generator=seeded(2), cond=name.expand(n, -1))
        numbers = model.decoder(torch.cat([GRID, name.expand(len(GRID), -1)], 1))
        share = (standard_normal_log_prob(GRID).exp() * 18 / 1800)[:, None]
        mean = (share * numbers).sum(0)
        assert ((draws.mean(0) - mean).abs() < 5 * draws.std(0) / math.sqrt(n)).all()


@torch.no_grad()
def test_pictures_get_the_condition_as_channels():
    encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 4, 4))
    decoder = nn.Sequential(nn.Linear(4, 16), nn.Unflatten(1, (1, 4, 4)))
    model = VAE(encoder, decoder, BernoulliLikelihood(), latent_size=2).double()
    cond = torch.eye(2, dtype=torch.float64)[[1, 0, 1]]
    x = model.sample(3, generator=seeded(0), cond=cond)
    assert x.shape == (3, 1, 4, 4)
    planes = torch.stack([torch.stack([torch.full((4, 4), float(c)) for c in row]) for row in cond]).double()
    torch.testing.assert_close(model.encode(x, cond), model.encoder(torch.cat([x, planes], 1))[:, :2])
    assert model.importance_bound(x, 7, cond, generator=seeded(1)).shape == (3,)
    torch.testing.assert_close(model.elbo(x, cond, eps=torch.zeros(1, 1, 2).double()).shape, torch.Size([3]))


# ------------------------------------------------------------------------------------------------------- house-keeping


def test_a_generator_decides_all_chance_and_nothing_else_changes(model):
    x, before = rows(model), torch.get_rng_state()
    for chance in (
        lambda g: model.sample(5, generator=g),
        lambda g: model.elbo(x, generator=g),
        lambda g: model.importance_bound(x, 3, generator=g),
    ):
        one, again, other = (chance(seeded(seed)) for seed in (5, 5, 6))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_rows_are_independent(model):
    x, eps = rows(model), torch.randn(3, 6, 1, dtype=torch.float64, generator=seeded(9))
    together = model.elbo(x, eps=eps)
    apart = torch.cat([model.elbo(x[i : i + 1], eps=eps[:, i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, apart)


def test_draws_carry_no_graph_and_are_of_the_weights_kind(model):
    assert not model.sample(3, generator=seeded(0)).requires_grad
    assert model.sample(3, generator=seeded(0)).dtype == torch.float64
    assert model.float().sample(0, generator=seeded(0)).shape == (0, 3)
    assert model.sample(2, generator=seeded(0)).dtype == torch.float32


def test_half_precision_reaches_the_networks_alone(model):
    x, eps = rows(model).float(), torch.randn(4, 6, 1, generator=seeded(10))
    model.float()
    with torch.autocast("cpu", torch.bfloat16):
        rough = model.elbo(x, eps=eps)
        assert model.posterior(x).mean.dtype == torch.float32
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, model.elbo(x, eps=eps), rtol=0.05, atol=0.5)  # bfloat16 has three digits


def test_state_makes_the_model_again(model):
    other = small_vae(type(model.likelihood)(), seed=1) if not isinstance(model.likelihood, GaussianLikelihood) else small_vae(seed=1)
    x, eps = rows(model), torch.zeros(1, 1, 1).double()
    assert not torch.equal(other.elbo(x, eps=eps), model.elbo(x, eps=eps))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.elbo(x, eps=eps), model.elbo(x, eps=eps))


def test_fit_trains_it_with_and_without_a_condition():
    x = some_rows(200, 3)
    cond = (x[:, :1] > 1).double()
    for data, model in ((x, small_vae()), ((x, cond), small_vae(C=1))):
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        record = training.fit(model, data, optimizer=optimizer, epochs=10, batch_size=20, progress=False)
        assert record.epoch_losses[-1] < record.epoch_losses[0]


def test_mistakes_are_named(own_messages):
    with pytest.raises(ValueError, match="latent_size must be at least 1, got 0"):
        VAE(nn.Linear(2, 2), nn.Linear(1, 2), GaussianLikelihood(), latent_size=0)
    with pytest.raises(ValueError, match=r"the encoder must return \(B, 2 K\) = \(5, 4\), got \(5, 3\)"):
        VAE(nn.Linear(3, 3), nn.Linear(2, 3), GaussianLikelihood(), latent_size=2).elbo(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        small_vae().importance_bound(torch.zeros(2, 3).double(), 0)


def test_the_posterior_is_what_the_encoder_says(model):
    q = model.posterior(rows(model))
    assert isinstance(q, DiagonalGaussian)
    torch.testing.assert_close(torch.cat([q.mean, q.log_var], 1), model.encoder(rows(model)))
    torch.testing.assert_close(model.encode(rows(model)), q.mean)
