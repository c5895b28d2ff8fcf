"""NMF: its objective never rises, step by step like scikit-learn's, and known parts come back."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import decomposition

from course_lib.classical.nmf import NMF, beta_divergence, fit_nmf, update


def sums(N: int = 40, D: int = 12, K: int = 3, seed: int = 0, zeros: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    a, p = torch.rand(N, K, dtype=torch.float64, generator=generator), torch.rand(K, D, dtype=torch.float64, generator=generator)
    v = a @ p + 0.1 * torch.rand(N, D, dtype=torch.float64, generator=generator)
    return v.masked_fill(torch.rand(N, D, generator=generator) < zeros, 0.0)


@given(seed=st.integers(0, 10_000), K=st.integers(1, 5), beta=st.sampled_from([1.0, 1.5, 2.0]), zeros=st.sampled_from([0.0, 0.3]))
def test_the_objective_never_rises_and_nothing_goes_below_0(seed, K, beta, zeros):
    v = sums(seed=seed, zeros=zeros)
    v[:, 3] = 0  # a pixel that never has ink
    v[5] = 0  # an empty picture
    fit = fit_nmf(v, K, beta=beta, steps=60, generator=torch.Generator().manual_seed(seed))
    assert fit.objectives.shape == (61,)
    assert (fit.objectives.diff() <= 1e-12 * fit.objectives[:-1]).all()  # rounding of sums
    assert (fit.activations >= 0).all()
    assert (fit.model.parts >= 0).all()
    assert fit.model.parts.isfinite().all()
    torch.testing.assert_close(fit.objectives[-1], beta_divergence(v, fit.model.decode(fit.activations), beta))


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("steps", [1, 30])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_equal_to_scikit_learn_after_equal_steps(beta, steps):
    v = sums()
    generator = torch.Generator().manual_seed(1)
    start = (
        torch.rand(40, 3, dtype=torch.float64, generator=generator) + 0.1,
        torch.rand(3, 12, dtype=torch.float64, generator=generator) + 0.1,
    )
    peer = decomposition.NMF(3, init="custom", solver="mu", beta_loss=beta, max_iter=steps, tol=0)
    activations = peer.fit_transform(v.numpy(), W=start[0].numpy().copy(), H=start[1].numpy().copy())
    fit = fit_nmf(v, 3, beta=beta, steps=steps, start=start)
    torch.testing.assert_close(fit.activations, torch.from_numpy(activations))
    torch.testing.assert_close(fit.model.parts, torch.from_numpy(peer.components_))
    torch.testing.assert_close((2 * fit.objectives[-1]).sqrt().item(), peer.reconstruction_err_)


def test_the_divergences_are_their_formulas():
    v, w = sums(seed=1), sums(seed=2)
    pairs = list(zip(v.flatten().tolist(), w.flatten().tolist(), strict=True))
    torch.testing.assert_close(beta_divergence(v, w, 2.0).item(), sum((a - b) ** 2 for a, b in pairs) / 2)
    torch.testing.assert_close(beta_divergence(v, w, 1.0).item(), sum(a * math.log(a / b) - a + b for a, b in pairs))
    for near, beta in ((1.0, 1 + 1e-6), (2.0, 2 - 1e-6)):  # the general formula leads to both
        torch.testing.assert_close(beta_divergence(v, w, beta), beta_divergence(v, w, near), rtol=1e-4, atol=1e-4)
    assert beta_divergence(v, v, 1.5).abs() < 1e-12


def test_an_update_is_a_gradient_step_of_its_own_size():
    """a − η ∂d/∂a with η = a / (v̂^(β−1) pᵀ), the gradient by autograd."""
    v, a, p = sums(10, 6), torch.rand(10, 2).double() + 0.1, torch.rand(2, 6).double() + 0.1
    for beta in (1.0, 1.5, 2.0):
        moving = a.clone().requires_grad_()
        beta_divergence(v, moving @ p, beta).backward()
        step = a / ((a @ p) ** (beta - 1) @ p.T)
        torch.testing.assert_close(update(v, a, p, beta), a - step * moving.grad)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_known_parts_come_back(beta, seed):
    """Three bars that do not overlap, in any mixture: each part is one bar, up to order and strength."""
    parts = np.kron(np.eye(3), np.ones(4))
    generator = torch.Generator().manual_seed(seed)
    v = torch.rand(60, 3, dtype=torch.float64, generator=generator) ** 3 @ torch.from_numpy(parts)
    found = fit_nmf(v, 3, beta=beta, steps=1500, generator=generator).model.parts
    found = found / found.amax(1, keepdim=True)
    order = found.argmax(1).argsort()
    torch.testing.assert_close(found[order], torch.from_numpy(parts), atol=0.02, rtol=0)  # multiplicative steps approach 0, slowly


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_new_rows_are_encoded_by_the_parts_that_made_them(beta):
    parts = torch.rand(3, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    activations = torch.rand(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    model = NMF(parts, beta)
    torch.testing.assert_close(model.encode(model.decode(activations), steps=5000), activations, atol=1e-4, rtol=0)
    empty = model.encode(torch.zeros(2, 10))
    assert torch.equal(empty, torch.zeros(2, 3).double())


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda v: fit_nmf(v - 5, 2), r"v must be at least 0 everywhere, entry \[0, 0\] is -"),
        (lambda v: fit_nmf(0 * v, 2), "v must be greater than 0 somewhere"),
        (lambda v: fit_nmf(v * torch.nan, 2), "x must be finite"),
        (lambda v: fit_nmf(v, 0), "K must be at least 1 and steps at least 0, got 0"),
        (lambda v: fit_nmf(v, 2, steps=-1), "K must be at least 1 and steps at least 0"),
        (lambda v: fit_nmf(v, 2, beta=0.0), "beta must be from 1 .* to 2 .*, got 0"),
        (
            lambda v: fit_nmf(v, 2, start=(torch.ones(40, 2), torch.zeros(2, 12))),
            r"start must be activations \(40, 2\) and parts \(2, 12\)",
        ),
        (lambda v: NMF(torch.eye(3)[:2] - torch.eye(3)[:2]), "each part must be greater than 0 somewhere, part 0 is not"),
        (lambda v: NMF(torch.eye(2)).encode(-v[:, :2]), "v must be at least 0 everywhere"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(sums())
