"""PCA against scikit-learn, against its two definitions, and angles against SciPy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg
from sklearn import decomposition

from course_lib.classical.pca import PCA, fit_pca, principal_angles


def cloud(N: int, D: int, seed: int = 0) -> torch.Tensor:
    """Rows spread differently in each of D slanted directions, far from the origin."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(D, D, dtype=torch.float64, generator=generator)
    return torch.randn(N, D, dtype=torch.float64, generator=generator) * torch.logspace(0, -1, D).double() @ mixing + 5


@pytest.mark.parametrize(("N", "D", "K"), [(200, 5, 5), (200, 5, 2), (7, 12, 4)])
def test_equal_to_scikit_learn_but_for_the_denominator(N, D, K):
    x = cloud(N, D)
    peer = decomposition.PCA(K, svd_solver="full").fit(x.numpy())
    ours = fit_pca(x, K)
    torch.testing.assert_close(ours.mean, torch.from_numpy(peer.mean_))
    torch.testing.assert_close(ours.variances, torch.from_numpy(peer.explained_variance_) * (N - 1) / N)
    sign = (ours.components * torch.from_numpy(peer.components_)).sum(1).sign()[:, None]  # an axis has two signs
    torch.testing.assert_close(ours.components, sign * torch.from_numpy(peer.components_))
    torch.testing.assert_close(ours.encode(x), torch.from_numpy(peer.transform(x.numpy())) * sign.T)
    torch.testing.assert_close(ours.decode(ours.encode(x)), torch.from_numpy(peer.inverse_transform(peer.transform(x.numpy()))))


@pytest.mark.parametrize(("N", "D"), [(50, 4), (4, 9)])
def test_the_axes_are_eigenvectors_of_the_covariance(N, D):
    x = cloud(N, D, seed=1)
    covariance = torch.from_numpy(np.cov(x.numpy().T, bias=True))  # N in the denominator
    ours = fit_pca(x, min(N, D))
    torch.testing.assert_close(ours.components @ covariance, ours.variances[:, None] * ours.components, atol=1e-10, rtol=1e-7)
    torch.testing.assert_close(ours.variances.sum(), covariance.trace())
    torch.testing.assert_close(ours.encode(x).square().mean(0), ours.variances)
    assert (ours.variances.diff() <= 0).all()
    largest = ours.components.gather(1, ours.components.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()


@given(seed=st.integers(0, 10_000), K=st.integers(1, 4))
def test_no_other_subspace_keeps_more_or_loses_less(seed, K):
    x = cloud(30, 5, seed)
    best = fit_pca(x, K)
    other = torch.linalg.qr(torch.randn(5, K, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 1))).Q.T
    rival = PCA(best.mean, other, best.variances)
    kept, lost = (lambda model: model.encode(x).square().sum()), (lambda model: (x - model.decode(model.encode(x))).square().sum())
    total = (x - x.mean(0)).square().sum()
    for model in (best, rival):
        torch.testing.assert_close(kept(model) + lost(model), total)  # Pythagoras
    assert kept(best) >= kept(rival) - 1e-9
    assert lost(best) <= lost(rival) + 1e-9


def test_small_variances_keep_their_digits():
    x = cloud(100, 3)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))).Q
    z = torch.linalg.qr(x - x.mean(0)).Q  # centred, uncorrelated columns of length 1
    fitted = fit_pca(z * torch.tensor([1e5, 1.0, 1e-5], dtype=torch.float64) @ turn, 3)
    expected = torch.tensor([1e10, 1.0, 1e-10], dtype=torch.float64) / 100
    torch.testing.assert_close(fitted.variances, expected, rtol=1e-4, atol=0)  # 1e-10 of 1e10 is beyond float64 in a covariance


def test_rows_in_a_plane_have_variance_0_beside_it():
    x = cloud(20, 2) @ torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, -1.0]]).double()
    fitted = fit_pca(x, 3)
    assert fitted.variances[2] < 1e-20
    torch.testing.assert_close(fit_pca(x, 2).decode(fit_pca(x, 2).encode(x)), x)


@pytest.mark.parametrize(("D", "K"), [(5, 2), (6, 3), (4, 1)])
def test_angles_equal_scipys(D, K):
    generator = torch.Generator().manual_seed(K)
    a, b = torch.randn(2, D, K, dtype=torch.float64, generator=generator)
    expected = np.sort(linalg.subspace_angles(a.numpy(), b.numpy()))
    torch.testing.assert_close(principal_angles(a, b), torch.from_numpy(expected))


def test_angles_depend_on_the_subspace_alone_and_small_ones_are_exact():
    a = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mixed = a @ torch.tensor([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0], [1.0, 0.0, 1.0]]).double()
    assert principal_angles(a, mixed).max() < 1e-12
    tiny = 1e-9
    line, turned = torch.tensor([[1.0], [0.0]]).double(), torch.tensor([[math.cos(tiny)], [math.sin(tiny)]]).double()
    torch.testing.assert_close(principal_angles(line, turned), torch.tensor([tiny]).double(), rtol=1e-6, atol=0)
    torch.testing.assert_close(principal_angles(line, turned.flip(0)), torch.tensor([math.pi / 2 - tiny]).double())


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda x: fit_pca(x, 0), "K must be from 1 to the smaller of rows and columns, 3, got 0"),
        (lambda x: fit_pca(x, 4), "K must be from 1 to the smaller of rows and columns, 3, got 4"),
        (lambda x: fit_pca(x * torch.nan, 1), "x must be finite, row 0"),
        (lambda x: PCA(torch.zeros(2), torch.eye(3), torch.ones(3)), r"must belong together, got \(2,\), \(3, 3\)"),
        (lambda x: PCA(torch.zeros(2), 2 * torch.eye(2), torch.ones(2)), "components must be orthonormal.*miss that by 3"),
        (lambda x: PCA(torch.zeros(2), torch.eye(2), torch.tensor([1.0, 2.0])), "variances must be at least 0, the largest first"),
        (lambda x: principal_angles(torch.ones(3, 2), torch.eye(3)[:, :2]), "a must have 2 independent columns in 3 dimensions"),
        (lambda x: principal_angles(torch.eye(2), torch.ones(2, 3)), "b must have 3 independent columns in 2"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake(cloud(10, 3))
