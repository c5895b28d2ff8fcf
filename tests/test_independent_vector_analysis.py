"""Independent vector analysis: its cost falls, its step is a stationary point's, it keeps the frequencies of a source together."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.classical.independent_vector_analysis import fit_iva, iva_step


def spectra(seed: int, *, D: int = 2, F: int = 6, N: int = 500) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sources that are loud and quiet as a whole (D, F, N), a mixing matrix a frequency (F, D, D), and the mixture (D, F, N)."""
    generator = torch.Generator().manual_seed(seed)
    loudness = torch.rand(D, 1, N, dtype=torch.float64, generator=generator) ** 6 + 0.01
    S = loudness * torch.randn(D, F, N, dtype=torch.complex128, generator=generator)
    A = torch.randn(F, D, D, dtype=torch.complex128, generator=generator)
    return S, A, (A @ S.transpose(0, 1)).transpose(0, 1)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), D=st.integers(1, 3))
def test_the_cost_never_rises(seed, D):
    _, _, X = spectra(seed, D=D, N=60)
    costs = fit_iva(X, steps=12).costs
    assert costs.shape == (13,)
    assert (costs.diff() < 1e-9 * costs.abs().max()).all()


@pytest.mark.parametrize("D", [2, 3])
def test_one_order_at_all_frequencies(D):
    for seed in range(3):
        S, A, X = spectra(seed, D=D)
        fit = fit_iva(X)
        P = (fit.unmixing @ A).abs()  # (F, D, D)
        found = P.argmax(2)
        assert (found == found[0]).all()
        assert sorted(found[0].tolist()) == list(range(D))
        rest = P.sum(2) - P.amax(2)
        assert (rest < 0.15 * P.amax(2)).all()  # 500 frames
        images = (A[:, 0, :, None] * S.transpose(0, 1)).transpose(0, 1)  # as the first microphone hears each source
        separated = fit.separate(X)
        torch.testing.assert_close(separated.sum(0), X[0])
        error = (separated - images[found[0]]).abs().square().sum((1, 2)) / images[found[0]].abs().square().sum((1, 2))
        assert (error < 0.02).all()


def test_the_cost_is_what_the_docstring_says_and_the_step_is_its_stationary_point():
    """One source alone at one frequency: the best row is known, |w| = 1 / mean |x|, and one step from there stays."""
    x = torch.tensor([[[1.0, -2.0, 3j]]], dtype=torch.complex128)
    best = torch.full((1, 1, 1), 0.5, dtype=torch.complex128)
    after, cost = iva_step(best, x)
    torch.testing.assert_close(after, best)
    torch.testing.assert_close(cost, 1.0 - torch.tensor(0.5).double().log())


def test_one_step_equals_the_plain_loops():
    """From anywhere, source after source; the weights of each are those of the matrix as it is by then."""
    _, A, X = spectra(4, F=3, N=40)
    spectra_by_frequency = X.transpose(0, 1).contiguous()
    W, _ = iva_step(A, spectra_by_frequency)
    plain = A.clone()
    for d in range(2):
        r = [sum(abs((plain[f, d] @ X[:, f, n]).item()) ** 2 for f in range(3)) ** 0.5 for n in range(40)]
        for f in range(3):
            V = sum(torch.outer(X[:, f, n], X[:, f, n].conj()) / r[n] for n in range(40)) / 40
            w = torch.linalg.inv(plain[f] @ V)[:, d]
            plain[f, d] = (w / (w.conj() @ V @ w).real.sqrt()).conj()
    torch.testing.assert_close(W, plain)


def test_the_gradient_vanishes_where_it_rests():
    """By autograd of the cost as written, with respect to real and imaginary parts."""
    _, _, X = spectra(1, N=80)
    W = fit_iva(X, steps=400).unmixing.requires_grad_()
    loudness = (W @ X.transpose(0, 1)).abs().square().sum(0).sqrt()
    cost = loudness.mean(1).sum() - torch.linalg.slogdet(W)[1].sum()
    (slope,) = torch.autograd.grad(cost, W)
    assert (slope @ W.detach().mH).abs().max() < 1e-4


def test_scale_and_mixing_do_not_matter_to_what_comes_out():
    _, A, X = spectra(2)
    C = A + 2 * torch.eye(2)
    remixed = (C @ X.transpose(0, 1)).transpose(0, 1)
    one, other = fit_iva(X, steps=200), fit_iva(remixed, steps=200)
    P = (other.unmixing @ C @ torch.linalg.inv(one.unmixing)).abs()
    assert ((P.amin(2) / P.amax(2)) < 1e-3).all()


def test_silent_frames_are_borne():
    _, _, X = spectra(3)
    X[:, :, 100:200] = 0
    fit = fit_iva(X)
    assert fit.unmixing.isfinite().all()
    assert fit.costs.isfinite().all()


@pytest.mark.usefixtures("own_messages")
def test_a_mistake_is_named():
    _, _, X = spectra(0)
    with pytest.raises(ValueError, match="steps must be at least 0, got -1"):
        fit_iva(X, steps=-1)
    with pytest.raises(ValueError, match="at row 0 it does not: are two microphones the same"):
        fit_iva(X[[0, 0]])
    X[:, 4] = 0
    with pytest.raises(ValueError, match="at row 4 it does not"):
        fit_iva(X)
