"""The statistics by matrix products against plain sums, and where the expanded square would lose digits."""

import numpy as np
import pytest
import torch

from course_lib.classical import sufficient_statistics
from course_lib.classical.sufficient_statistics import StandardisedRows, gather, joint_log_density, moments


def some_components(K: int, D: int, *, diagonal: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(K * 100 + D)
    root = torch.randn(K, D, D + 2, dtype=torch.float64, generator=generator)
    covariances = root @ root.mT / D
    means = torch.randn(K, D, dtype=torch.float64, generator=generator)
    log_weights = torch.randn(K, dtype=torch.float64, generator=generator)
    return log_weights, means, covariances.diagonal(dim1=1, dim2=2) if diagonal else covariances


def plain(x, log_weights, means, covariances):
    """The definitions in NumPy, component by component, in extended precision where the processor has it."""
    x, log_weights, means, covariances = (np.asarray(a.numpy(), dtype=np.longdouble) for a in (x, log_weights, means, covariances))
    K, D = means.shape
    if covariances.ndim == 2:
        covariances = np.stack([np.diag(v) for v in covariances])
    scores = np.empty((len(x), K), dtype=np.longdouble)
    for k in range(K):
        difference = x - means[k]
        precision = np.linalg.inv(covariances[k].astype(float)).astype(np.longdouble)
        precision = precision @ (2 * np.eye(D) - covariances[k] @ precision)  # one Newton step: beyond float64
        square = np.einsum("ni,ij,nj->n", difference, precision, difference)
        scores[:, k] = log_weights[k] - (D * np.log(2 * np.pi) + np.linalg.slogdet(covariances[k].astype(float))[1] + square) / 2
    top = scores.max(1, keepdims=True)
    log_evidence = top[:, 0] + np.log(np.exp(scores - top).sum(1))
    r = np.exp(scores - log_evidence[:, None])
    counts = r.sum(0)
    new = r.T @ x / counts[:, None]
    scatters = np.stack([(r[:, k, None] * (x - new[k])).T @ (x - new[k]) for k in range(K)])
    return [torch.from_numpy(np.asarray(a, dtype=float)) for a in (counts, new, scatters, log_evidence.mean())]


def assert_equal(got, expected, *, diagonal, **tolerance):
    counts, means, scatters, log_evidence = expected
    torch.testing.assert_close(got.counts, counts, **tolerance)
    torch.testing.assert_close(got.means, means, **tolerance)
    torch.testing.assert_close(got.scatters, scatters.diagonal(dim1=1, dim2=2) if diagonal else scatters, **tolerance)
    torch.testing.assert_close(got.log_evidence, log_evidence, **tolerance)


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize(("K", "D"), [(1, 1), (3, 2), (2, 3), (4, 6), (2, 7), (2, 70)])
def test_equal_to_the_definitions(K, D, diagonal, monkeypatch):
    monkeypatch.setattr(sufficient_statistics, "BLOCK_BYTES", 1)  # blocks of 64 rows: three whole ones and a rest
    x = 5 + 2 * torch.randn(200, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    components = some_components(K, D, diagonal=diagonal)
    rows = StandardisedRows.of(x, diagonal=diagonal)
    assert rows.resolve(components[2])
    # 70 dimensions: a component may answer for few rows, and its mean is their quotient
    assert_equal(gather(rows, *components), plain(x, *components), diagonal=diagonal, rtol=1e-8, atol=1e-9)
    if D <= 7:
        through = sufficient_statistics._through_features(rows, *components)
        assert_equal(through, plain(x, *components), diagonal=diagonal, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("diagonal", [False, True])
def test_narrow_components_far_apart_keep_their_digits(diagonal):
    """Two clusters a million widths apart: the expanded square would be off by a thousandth of a nat and more."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[-1.0, 2.0], [1.0, -1.0]], dtype=torch.float64)
    x = (centres[:, None] + 1e-6 * torch.randn(2, 500, 2, dtype=torch.float64, generator=generator)).flatten(0, 1)
    variances = torch.full((2, 2), 1e-12, dtype=torch.float64)
    components = torch.zeros(2).double(), centres, variances if diagonal else variances.diag_embed()
    rows, expected = StandardisedRows.of(x, diagonal=diagonal), plain(x, *components)
    assert not rows.resolve(components[2])
    got = gather(rows, *components)
    assert_equal(got, expected, diagonal=diagonal, rtol=1e-7, atol=1e-17)  # differences of numbers near 1 hold ten digits
    careless = sufficient_statistics._through_features(rows, *components)
    assert (careless.log_evidence - expected[3]).abs() > 1e-6  # the guard is needed


def test_a_component_that_only_becomes_narrow_is_noticed():
    """The component is wide before the step; the rows it answers for are all but one point."""
    x = torch.cat([torch.full((50, 1), 1.0), torch.full((50, 1), -1.0)]).double()
    x += 1e-8 * torch.randn(100, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    components = torch.zeros(2).double(), torch.tensor([[1.0], [-1.0]]).double(), torch.full((2, 1, 1), 0.01).double()
    rows, expected = StandardisedRows.of(x), plain(x, *components)
    assert rows.resolve(components[2])
    assert_equal(gather(rows, *components), expected, diagonal=False, rtol=1e-6, atol=0.0)  # 1e-8 apart near 1: eight digits
    assert gather(rows, *components, prior_scatter=torch.ones(2, 1, 1).double()).scatters.max() < 1e-9


def test_an_empty_component_has_no_scatter():
    x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    far = torch.tensor([[0.0, 0.0], [1e4, 1e4]]).double()
    got = gather(StandardisedRows.of(x), torch.zeros(2).double(), far, torch.eye(2).double().expand(2, 2, 2))
    assert got.counts[1] == 0
    assert got.scatters[1].abs().max() == 0
    assert got.means.isfinite().all()


def test_a_constant_column_does_not_divide_by_zero():
    x = torch.stack([torch.linspace(-1, 1, 50), torch.full((50,), 7.0)], 1).double()
    components = some_components(2, 2, diagonal=False)
    assert_equal(gather(StandardisedRows.of(x), *components), plain(x, *components), diagonal=False, rtol=1e-8, atol=1e-9)


def test_moments_of_certain_members_are_their_groups_own():
    x = torch.randn(60, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    member = torch.arange(60) % 2
    counts, means, scatters = moments(x, torch.nn.functional.one_hot(member).double(), diagonal=False)
    for k in range(2):
        group = x[member == k]
        assert counts[k] == len(group)
        torch.testing.assert_close(means[k], group.mean(0))
        torch.testing.assert_close(scatters[k] / counts[k], group.T.cov(correction=0))


@pytest.mark.parametrize("diagonal", [False, True])
def test_gradients_flow_through_the_joint_density(diagonal):
    log_weights, means, covariances = some_components(2, 2, diagonal=diagonal)
    x = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    spread = covariances if diagonal else torch.linalg.cholesky(covariances)  # stays positive definite when perturbed

    def density(x, log_weights, means, spread):
        return joint_log_density(x, log_weights, means, spread if diagonal else spread @ spread.mT)

    torch.autograd.gradcheck(density, [a.requires_grad_() for a in (x, log_weights, means, spread)])
