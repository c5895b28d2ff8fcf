"""ICA: its gradients against autograd, the law of equivariance, recovery of known sources, and two peers."""

import math

import numpy as np
import picard
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import FastICA

from course_lib.classical.ica import ICA, fit_ica, gradient_step, initial_ica, natural_gradient_step
from course_lib.classical.source_densities import Adaptive, Laplace, Logistic
from course_lib.classical.whitening import whiten
from course_lib.metrics.separation import amari_distance

DENSITIES = [Laplace(), Logistic(), Adaptive(torch.tensor([1.0, -1.0, 1.0]))]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def matrix(seed: int, D: int = 3) -> torch.Tensor:
    return torch.randn(D, D, dtype=torch.float64, generator=seeded(seed)) + torch.eye(D)


def some_sources(kind: str, N: int = 3000, D: int = 3, seed: int = 0) -> torch.Tensor:
    peaked = Laplace().sample(N, D, generator=seeded(seed))
    flat = (torch.rand(N, D, dtype=torch.float64, generator=seeded(seed + 1)) - 0.5) * math.sqrt(12)
    return {"peaked": peaked, "flat": flat, "both": torch.cat([peaked[:, : D // 2], flat[:, D // 2 :]], 1)}[kind]


@pytest.mark.parametrize("density", DENSITIES)
def test_log_prob_changes_variables(density):
    model, x = ICA(torch.tensor([1.0, 2.0, -1.0]), matrix(1), density), torch.randn(7, 3, dtype=torch.float64, generator=seeded(2))
    z, log_det = model.encode(x)
    jacobian = torch.autograd.functional.jacobian(lambda row: model.encode(row[None])[0][0], x[0])
    torch.testing.assert_close(log_det, jacobian.det().abs().log().expand(7))
    torch.testing.assert_close(z[0], jacobian @ (x[0] - model.mean))
    torch.testing.assert_close(model.log_prob(x), density.log_prob(z).sum(1) + jacobian.det().abs().log())
    back, log_det_back = model.decode(z)
    torch.testing.assert_close(back, x)
    torch.testing.assert_close(log_det_back, -log_det)
    torch.testing.assert_close(model.mixing @ model.unmixing, torch.eye(3).double())


@pytest.mark.parametrize("density", DENSITIES)
def test_the_gradient_is_autograds(density):
    x, W = 0.7 * torch.randn(50, 3, dtype=torch.float64, generator=seeded(3)), matrix(4).requires_grad_()
    mean = torch.tensor([0.1, 0.0, -0.2], dtype=torch.float64)
    log_likelihood = ICA(mean, W, density).log_prob(x).mean()
    (slope,) = torch.autograd.grad(log_likelihood, W)
    start = ICA(mean, W.detach(), density)
    plain, before = gradient_step(start, x, 0.01)
    torch.testing.assert_close(before, log_likelihood.detach())
    torch.testing.assert_close(plain.unmixing, W.detach() + 0.01 * slope)
    natural, before = natural_gradient_step(start, x, 0.01)
    torch.testing.assert_close(before, log_likelihood.detach())
    torch.testing.assert_close(natural.unmixing, W.detach() + 0.01 * slope @ W.detach().T @ W.detach())
    assert natural.density is density
    assert torch.equal(natural.mean, mean)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), density=st.sampled_from(DENSITIES))
def test_the_natural_gradient_is_equivariant_and_the_plain_one_is_not(seed, density):
    """Mixing and start changed together: x' = x Cᵀ, W' = W C⁻¹. Every step then gives the same sources."""
    x, C, W = some_sources("peaked", N=100, seed=seed), matrix(seed + 1), matrix(seed + 2)
    zero = torch.zeros(3)
    one, other = ICA(zero, W, density), ICA(zero, W @ torch.linalg.inv(C), density)
    plain, plain_other = one, other
    for _ in range(5):
        one, other = natural_gradient_step(one, x, 0.02)[0], natural_gradient_step(other, x @ C.T, 0.02)[0]
    amplified = torch.linalg.cond(C).item()  # rounding is
    torch.testing.assert_close(other.unmixing @ C, one.unmixing, rtol=1e-9 * amplified, atol=1e-9 * amplified)
    plain, plain_other = gradient_step(plain, x, 0.02)[0], gradient_step(plain_other, x @ C.T, 0.02)[0]
    assert not torch.allclose(plain_other.unmixing @ C, plain.unmixing, rtol=1e-4, atol=1e-4)


def test_the_natural_gradient_never_inverts(monkeypatch):
    model = ICA(torch.zeros(3), matrix(1), Logistic())
    for name in ("inv", "solve"):
        monkeypatch.setattr(torch.linalg, name, lambda *_: pytest.fail("an inverse was taken"))
    natural_gradient_step(model, some_sources("peaked", N=50), 0.1)


def test_both_gradients_rest_at_the_fit():
    x = some_sources("peaked") @ matrix(5).T
    fit = fit_ica(x, density=Logistic(), generator=seeded(0), tolerance=1e-12)
    for step in (gradient_step, natural_gradient_step):
        moved = step(fit.ica, x, 0.1)[0].unmixing - fit.ica.unmixing
        assert moved.abs().max() < 1e-4 * fit.ica.unmixing.abs().max()


@pytest.mark.parametrize("kind", ["peaked", "flat", "both"])
@pytest.mark.parametrize("D", [2, 3, 6])
def test_known_sources_are_recovered(kind, D):
    for seed in range(3):
        A = matrix(seed + 10, D)
        x = some_sources(kind, N=5000, D=D, seed=seed) @ A.T + 3
        fit = fit_ica(x, generator=seeded(seed))
        assert fit.converged
        assert amari_distance(fit.ica.unmixing, A) < 0.05  # 5000 rows leave about 0.02
        torch.testing.assert_close(fit.ica.mean, x.mean(0))


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), density=st.sampled_from([Laplace(), Logistic()]))
def test_a_fit_never_loses_likelihood_and_reports_what_it_returns(seed, density):
    x = some_sources("peaked", N=400, seed=seed) @ matrix(seed + 1).T
    fit = fit_ica(x, density=density, generator=seeded(seed))
    assert (fit.log_likelihoods.diff() >= 0).all()
    torch.testing.assert_close(fit.log_likelihoods[-1], fit.ica.log_prob(x).mean())
    torch.testing.assert_close(fit.log_likelihoods[0], initial_ica(x, density=density, generator=seeded(seed)).log_prob(x).mean())


def test_long_data_are_fitted_as_exactly_as_short():
    """More rows than are taken for the first, quick climb: the last steps see them all."""
    x = some_sources("both", N=20_000) @ matrix(6).T
    fit = fit_ica(x, generator=seeded(1), tolerance=1e-13)
    gradient = natural_gradient_step(fit.ica, x, 1.0)[0].unmixing - fit.ica.unmixing
    assert gradient.abs().max() < 1e-5
    torch.testing.assert_close(fit.log_likelihoods[-1], fit.ica.log_prob(x).mean())


def test_steps_and_start_are_kept():
    x = some_sources("peaked") @ matrix(7).T
    start = initial_ica(x, density=Logistic(), generator=seeded(2))
    for steps in (0, 1, 3):
        fit = fit_ica(x, start=start, steps=steps, tolerance=0.0)
        assert fit.log_likelihoods.shape == (steps + 1,)
        assert not fit.converged
    assert torch.equal(fit_ica(x, start=start, steps=0).ica.unmixing, start.unmixing)
    torch.testing.assert_close(fit.log_likelihoods[-1], fit.ica.log_prob(x).mean())


@pytest.mark.parametrize("kind", ["peaked", "both"])
def test_no_worse_than_the_peers(kind):
    """scikit-learn's FastICA and picard (extended), on the same data: the Amari distance, mean of three mixtures."""
    ours, fastica, picards = [], [], []
    for seed in range(3):
        A = matrix(seed + 20, 4)
        x = some_sources(kind, N=5000, D=4, seed=seed) @ A.T
        ours.append(amari_distance(fit_ica(x, generator=seeded(seed)).ica.unmixing, A))
        peer = FastICA(4, whiten="unit-variance", random_state=seed).fit(x.numpy())
        fastica.append(amari_distance(torch.from_numpy(peer.components_), A))
        K, W, _ = picard.picard(x.numpy().T, ortho=False, extended=True, random_state=seed)
        picards.append(amari_distance(torch.from_numpy(W @ K), A))
    assert np.mean(ours) < 1.1 * np.mean(fastica)  # one estimator is a little better on one kind, the other on another
    assert np.mean(ours) < 1.1 * np.mean(picards)


def test_equal_to_picard_where_both_maximise_the_same_likelihood():
    """picard's extended densities are our adaptive ones."""
    x = some_sources("both", N=2000, D=4) @ matrix(30, 4).T
    K, W, _ = picard.picard(x.numpy().T, ortho=False, extended=True, random_state=0, tol=1e-9)
    ours = fit_ica(x, generator=seeded(0), tolerance=1e-14).ica.unmixing
    P = ours @ torch.linalg.inv(torch.from_numpy(W @ K))
    same = P.abs().argmax(1)
    assert sorted(same.tolist()) == [0, 1, 2, 3]
    signs = torch.zeros_like(P)
    signs[torch.arange(4), same] = P[torch.arange(4), same].sign()
    torch.testing.assert_close(P, signs, rtol=0, atol=1e-5)  # how far each stops from the top


def test_gaussian_sources_cannot_be_told_apart():
    """Any rotation of the whitened data is as good: what one start finds, another does not."""
    x = torch.randn(20_000, 2, dtype=torch.float64, generator=seeded(0)) @ matrix(8, 2).T
    _, V = whiten(x)
    likelihoods = []
    for angle in torch.linspace(0, math.pi / 2, 7, dtype=torch.float64):
        c, s = angle.cos(), angle.sin()
        likelihoods.append(ICA(x.mean(0), torch.stack([torch.stack([c, s]), torch.stack([-s, c])]) @ V, Logistic()).log_prob(x).mean())
    assert max(likelihoods) - min(likelihoods) < 0.002


def test_the_start_is_white_and_turned_by_chance():
    x = some_sources("peaked") @ matrix(9).T + 5
    start = initial_ica(x, generator=seeded(0))
    torch.testing.assert_close(torch.cov(start.encode(x)[0].T, correction=0), torch.eye(3).double())
    assert not torch.allclose(initial_ica(x, generator=seeded(1)).unmixing, start.unmixing)


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: ICA(torch.zeros(2), torch.eye(3), Laplace()), r"must belong together, got \(2,\) and \(3, 3\)"),
        (lambda x: ICA(torch.zeros(2), torch.ones(2, 2), Laplace()), "unmixing must be invertible, its determinant is 0"),
        (lambda x: ICA(torch.zeros(2), torch.eye(2) * torch.nan, Laplace()), "must be finite"),
        (lambda x: fit_ica(x, steps=-1), "steps and tolerance must be at least 0, got -1"),
        (lambda x: fit_ica(x, tolerance=math.nan), "steps and tolerance must be at least 0"),
        (lambda x: fit_ica(x, start=ICA(torch.zeros(2), torch.eye(2), Laplace())), "start must have D = 3 dimensions, it has 2"),
        (lambda x: fit_ica(x[:, [0, 1, 1]]), "x must fill its 3 dimensions, and its rows do not"),
        (lambda x: fit_ica(x * torch.tensor([1.0, 1.0, 0.0])), "x must fill its 3 dimensions"),
        (lambda x: fit_ica(x / 0), "x must be finite, row 0"),
        (lambda x: gradient_step(ICA(torch.zeros(3), torch.eye(3), Laplace()), x, 0.0), "step must be greater than 0, got 0"),
        (lambda x: natural_gradient_step(ICA(torch.zeros(3), torch.eye(3), Laplace()), x, -1.0), "step must be greater than 0, got -1"),
        (lambda x: natural_gradient_step(ICA(torch.zeros(3), torch.eye(3), Laplace()), x, math.inf), "must be finite"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(some_sources("peaked"))
