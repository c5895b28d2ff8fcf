"""Probabilistic PCA: its density against the plain Gaussian, its fit against gradients and scikit-learn, EM under its own law."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import decomposition

from course_lib.classical.gaussian import MultivariateGaussian
from course_lib.classical.pca import principal_angles
from course_lib.classical.probabilistic_pca import ProbabilisticPCA, em_step, fit_em, fit_ppca, initial_model, m_step


def some_model(D: int = 5, K: int = 2, seed: int = 0, noise: float = 0.3) -> ProbabilisticPCA:
    generator = torch.Generator().manual_seed(seed)
    return ProbabilisticPCA(
        torch.randn(D, dtype=torch.float64, generator=generator),
        2 * torch.randn(D, K, dtype=torch.float64, generator=generator),
        torch.tensor(noise),
    )


def drawn(model: ProbabilisticPCA, N: int, seed: int = 0) -> torch.Tensor:
    return model.sample(N, generator=torch.Generator().manual_seed(seed))


def with_holes(x: torch.Tensor, share: float, seed: int = 0) -> torch.Tensor:
    return x.masked_fill(torch.rand(x.shape, generator=torch.Generator().manual_seed(seed)) < share, torch.nan)


def covariance(x: torch.Tensor) -> torch.Tensor:
    return torch.cov(x.T, correction=0)


# ------------------------------------------------------------------------------------------------------------- the model


@pytest.mark.parametrize(("D", "K", "noise"), [(5, 2, 0.3), (3, 1, 1e-6), (4, 3, 50.0)])
def test_the_density_is_the_gaussians(D, K, noise):
    model = some_model(D, K, noise=noise)
    x = drawn(model, 20, seed=1) + 1
    W = model.weights
    plain = MultivariateGaussian(model.mean, W @ W.T + noise * torch.eye(D))
    torch.testing.assert_close(model.covariance, plain.covariance)
    torch.testing.assert_close(model.log_prob(x), plain.log_prob(x), rtol=1e-6, atol=1e-6)  # the plain one inverts a C of condition 1e6
    torch.testing.assert_close(model.loss(x), plain.loss(x), rtol=1e-6, atol=1e-6)


def test_the_density_has_all_the_digits_of_float64():
    model = some_model()
    x = drawn(model, 20, seed=1)
    plain = MultivariateGaussian(model.mean, model.covariance)
    torch.testing.assert_close(model.log_prob(x), plain.log_prob(x), rtol=1e-12, atol=1e-12)


def test_the_density_of_what_is_observed_is_the_marginal():
    model = some_model()
    x = with_holes(drawn(model, 40), 0.5)
    x[0] = torch.nan
    log_prob, (mean, spread) = model.log_prob(x), model.posterior(x)
    for row, value, z, cov in zip(x, log_prob, mean, spread, strict=True):
        seen = ~row.isnan()
        if not seen.any():
            assert value == 0
            torch.testing.assert_close((z, cov), (torch.zeros(2).double(), torch.eye(2).double()))  # the prior
            continue
        C, W = model.covariance[seen][:, seen], model.weights[seen]
        torch.testing.assert_close(value, MultivariateGaussian(model.mean[seen], C).log_prob(row[None, seen])[0])
        gain = W.T @ torch.linalg.inv(C)  # the joint Gaussian of z and x, conditioned
        torch.testing.assert_close(z, gain @ (row[seen] - model.mean[seen]))
        torch.testing.assert_close(cov, torch.eye(2).double() - gain @ W)


def test_encode_is_the_posterior_mean_and_decode_fills_what_is_missing():
    model = some_model()
    x = with_holes(drawn(model, 10), 0.4, seed=3)
    z = model.encode(x)
    torch.testing.assert_close(z, model.posterior(x)[0])
    for row, filled in zip(x, model.decode(z), strict=True):
        seen = ~row.isnan()
        C = model.covariance
        expected = model.mean[~seen] + C[~seen][:, seen] @ torch.linalg.solve(C[seen][:, seen], row[seen] - model.mean[seen])
        torch.testing.assert_close(filled[~seen], expected)


def test_the_posterior_is_what_joint_draws_show():
    model, n = some_model(3, 1), 100_000
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(n, 1, dtype=torch.float64, generator=generator)
    x = model.decode(z) + model.noise_variance.sqrt() * torch.randn(n, 3, dtype=torch.float64, generator=generator)
    mean, spread = model.posterior(x)
    error = z - mean
    assert spread.shape == (n, 1, 1)
    assert abs(error.square().mean() / spread[0, 0, 0] - 1) < 5 * math.sqrt(2 / n)
    assert ((error * x).mean(0).abs() < 5 * (error * x).std(0) / math.sqrt(n)).all()  # nothing about z is left in x


# ------------------------------------------------------------------------------------------------------- the closed form


def test_generated_covariance_is_the_datas_in_the_directions_kept():
    """λ₁ in place of λ₁ − σ², in the weights, fails here: the draws would vary by λ₁ + σ²."""
    x = drawn(some_model(6, 3, noise=1.5), 400)
    K = 2
    fitted = fit_ppca(x, K)
    values, vectors = torch.linalg.eigh(covariance(x))
    kept, rest = vectors[:, -K:], vectors[:, :-K]
    torch.testing.assert_close(kept.T @ fitted.covariance @ kept, kept.T @ covariance(x) @ kept)
    torch.testing.assert_close(rest.T @ fitted.covariance @ rest, values[:-K].mean() * torch.eye(4).double())

    n = 200_000
    y = drawn(fitted, n, seed=1) @ kept
    generated = y.var(0, correction=0)
    assert (generated / values[-K:] - 1).abs().max() < 5 * math.sqrt(2 / n)  # five standard errors of a Gaussian's variance
    uncorrected = kept * values[-K:].sqrt()
    wrong = drawn(ProbabilisticPCA(fitted.mean, uncorrected, fitted.noise_variance), n, seed=1) @ kept
    assert (wrong.var(0, correction=0) / values[-K:] - 1).abs().max() > 5 * math.sqrt(2 / n)  # so this test can tell them apart


@pytest.mark.parametrize("K", [1, 3, 5])
def test_no_gradient_is_left_at_the_closed_form(K):
    x = drawn(some_model(6, 3), 100)
    fitted = fit_ppca(x, K)
    parameters = [getattr(fitted, name).clone().requires_grad_() for name in ("mean", "weights", "noise_variance")]
    ProbabilisticPCA(*parameters).loss(x).backward()
    for parameter in parameters:
        assert parameter.grad.abs().max() < 1e-12


def test_it_is_likelier_than_its_neighbours():
    x = drawn(some_model(6, 3), 100)
    best = fit_ppca(x, 2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        near = ProbabilisticPCA(
            best.mean + 0.03 * torch.randn(6, dtype=torch.float64, generator=generator),
            best.weights + 0.03 * torch.randn(6, 2, dtype=torch.float64, generator=generator),
            best.noise_variance * (0.05 * torch.randn((), dtype=torch.float64, generator=generator)).exp(),
        )
        assert near.loss(x) > best.loss(x)


def test_equal_to_scikit_learn_but_for_the_denominator():
    x = drawn(some_model(6, 3), 100)
    peer = decomposition.PCA(2).fit(x.numpy())
    fitted = fit_ppca(x, 2)
    shrunk = 99 / 100  # scikit-learn divides by N − 1, the maximum of the likelihood by N
    torch.testing.assert_close(fitted.noise_variance.item(), peer.noise_variance_ * shrunk)
    torch.testing.assert_close(fitted.covariance, torch.from_numpy(peer.get_covariance()) * shrunk)
    assert fitted.loss(x) < -peer.score(x.numpy()) / 6


def test_fewer_rows_than_columns():
    x = drawn(some_model(12, 2), 8)
    fitted = fit_ppca(x, 2)
    values = torch.linalg.eigvalsh(covariance(x)).flip(0)
    torch.testing.assert_close(fitted.noise_variance, values[2:].sum() / 10)
    torch.testing.assert_close(torch.linalg.eigvalsh(fitted.covariance).flip(0)[:2], values[:2])


def test_the_truth_is_found_again():
    truth = some_model(8, 3)
    fitted = fit_ppca(drawn(truth, 100_000), 3)
    assert principal_angles(fitted.weights, truth.weights).max() < 0.02
    assert (fitted.covariance - truth.covariance).abs().max() < 0.03 * truth.covariance.max()


# --------------------------------------------------------------------------------------------------------------------- EM


def test_one_step_is_the_textbooks():
    """PRML's equations 12.54 to 12.57, row by row."""
    x, model = drawn(some_model(), 30), some_model(seed=7)
    mean = x.mean(0)
    W, noise = model.weights, model.noise_variance
    inverse = torch.linalg.inv(W.T @ W + noise * torch.eye(2))
    z = [inverse @ W.T @ (row - mean) for row in x]
    zz = [noise * inverse + torch.outer(v, v) for v in z]
    new = sum(torch.outer(row - mean, v) for row, v in zip(x, z, strict=True)) @ torch.linalg.inv(sum(zz))
    terms = [
        (row - mean).square().sum() - 2 * v @ new.T @ (row - mean) + (vv @ new.T @ new).trace() for row, v, vv in zip(x, z, zz, strict=True)
    ]
    better, log_likelihood = em_step(ProbabilisticPCA(mean, W, noise), x)
    torch.testing.assert_close(better.mean, mean)
    torch.testing.assert_close(better.weights, new)
    torch.testing.assert_close(better.noise_variance, sum(terms) / (30 * 5))
    torch.testing.assert_close(log_likelihood, ProbabilisticPCA(mean, W, noise).log_prob(x).mean())


def test_one_step_with_holes_equals_the_plain_loops():
    x, model = with_holes(drawn(some_model(), 40), 0.3), some_model(seed=7)
    means, covariances = model.posterior(x)
    better = m_step(x, means, covariances)
    total, count = 0.0, 0
    for d in range(5):
        rows = [n for n in range(40) if not x[n, d].isnan()]
        left, right = torch.zeros(3, 3).double(), torch.zeros(3).double()
        for n in rows:
            v = torch.cat([means[n], torch.ones(1)])
            left += torch.outer(v, v)
            left[:2, :2] += covariances[n]
            right += x[n, d] * v
        solution = torch.linalg.solve(left, right)
        torch.testing.assert_close(torch.cat([better.weights[d], better.mean[d : d + 1]]), solution)
        w = solution[:2]
        total += sum((x[n, d] - w @ means[n] - solution[2]) ** 2 + w @ covariances[n] @ w for n in rows)
        count += len(rows)
    torch.testing.assert_close(better.noise_variance, total / count)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), D=st.integers(2, 6), K=st.integers(1, 3), share=st.sampled_from([0.0, 0.2, 0.5]))
def test_em_never_loses_likelihood(seed, D, K, share):
    K = min(K, D - 1)
    x = with_holes(drawn(some_model(D, K, seed=seed), 120, seed=seed), share, seed=seed)
    model = initial_model(x, K, generator=torch.Generator().manual_seed(seed + 1))
    best = -math.inf
    for _ in range(15):
        model, log_likelihood = em_step(model, x)
        assert log_likelihood >= best - 1e-10  # rounding of a mean of 120 terms
        best = log_likelihood


@pytest.mark.parametrize("seed", range(3))
def test_em_reaches_the_closed_form(seed):
    x = drawn(some_model(6, 3, seed=seed), 200)
    closed = fit_ppca(x, 2)
    fit = fit_em(x, 2, generator=torch.Generator().manual_seed(seed), steps=5000, tolerance=1e-13)
    assert fit.converged
    assert fit.log_likelihoods[-1] <= closed.log_prob(x).mean() + 1e-12
    torch.testing.assert_close(fit.model.covariance, closed.covariance, rtol=1e-4, atol=1e-4)  # where a step gains 1e-13
    assert principal_angles(fit.model.weights, closed.weights).max() < 1e-4


def test_the_fit_reports_the_likelihood_of_what_it_returns():
    x = with_holes(drawn(some_model(), 60), 0.2)
    for steps in (0, 1, 7):
        fit = fit_em(x, 2, generator=torch.Generator().manual_seed(0), steps=steps, tolerance=0.0)
        assert fit.log_likelihoods.shape == (steps + 1,)
        torch.testing.assert_close(fit.log_likelihoods[-1], fit.model.log_prob(x).mean())
        assert not fit.converged
    fit = fit_em(x, 2, start=fit.model, tolerance=1e-3)
    assert fit.converged
    assert fit.log_likelihoods.diff()[-1] < 1e-3


def test_missing_entries_are_found_again():
    """Of rank 2 with little noise: what is erased is determined by what is left, to the noise's size."""
    truth = some_model(8, 2, noise=0.01)
    x = drawn(truth, 500)
    holes = with_holes(x, 0.25)
    fitted = fit_em(holes, 2, generator=torch.Generator().manual_seed(0), tolerance=1e-8).model
    erased = holes.isnan()
    error = (fitted.decode(fitted.encode(holes)) - x)[erased].square().mean()
    by_mean = (holes.nanmean(0) - x)[erased].square().mean()
    best = (truth.decode(truth.encode(holes)) - x)[erased].square().mean()
    assert error < 1.2 * best < 0.05 * by_mean
    assert principal_angles(fitted.weights, truth.weights).max() < 0.05


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: fit_ppca(x, 0), "K must be from 1 to the number of columns less one, 4, got 0"),
        (lambda x: fit_ppca(x, 5), "K must be from 1 to the number of columns less one, 4, got 5"),
        (
            lambda x: fit_ppca(with_holes(x, 0.5), 1),
            r"x must be finite: the closed form needs every entry; with missing ones \(nan\) use fit_em",
        ),
        (lambda x: fit_ppca(x / 0, 1), "x must be finite, row 0"),
        (lambda x: fit_ppca(x[:, :1] * torch.ones(5), 1), "K must leave some variance as noise, and these rows lie in 1 dimensions"),
        (lambda x: fit_ppca(x[:3], 4), "K must leave some variance as noise, and these rows lie in 4 dimensions or fewer"),
        (lambda x: fit_em(x[:, 0], 1), r"x must be rows by columns \(N, D\)"),
        (
            lambda x: fit_em(x.masked_fill(torch.arange(5) == 2, torch.nan), 1),
            "every column must be observed in some row, column 2 never is",
        ),
        (lambda x: fit_em(torch.ones(4, 3), 1), "x must vary: every column is constant"),
        (lambda x: fit_em(x, 1, steps=-1), "steps and tolerance must be at least 0"),
        (lambda x: fit_em(x, 1, tolerance=math.nan), "steps and tolerance must be at least 0"),
        (lambda x: fit_em(x, 1, start=some_model()), r"start must have weights \(5, 1\), its are \(5, 2\)"),
        (lambda x: some_model().log_prob(x / 0), "x must be finite"),
        (lambda x: m_step(x[:2], torch.ones(2, 1), torch.zeros(2, 1, 1)), "column 0 must be observed in more rows to fit 1 weights"),
        (lambda x: ProbabilisticPCA(torch.zeros(2), torch.ones(3, 1), torch.tensor(1.0)), r"weights must be \(2, K\)"),
        (
            lambda x: ProbabilisticPCA(torch.zeros(2), torch.ones(2, 1), torch.tensor(0.0)),
            "noise_variance must be finite and greater than 0",
        ),
        (lambda x: ProbabilisticPCA(torch.zeros(2), torch.full((2, 1), torch.nan), torch.tensor(1.0)), "mean and weights must be finite"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(drawn(some_model(), 20))
