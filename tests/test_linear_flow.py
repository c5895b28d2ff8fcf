"""The linear flow against ICA and against a full Gaussian: the oracles of lecture 6 and lecture 1."""

import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from course_lib.classical import gaussian, ica
from course_lib.classical.source_densities import Laplace as LaplaceSources
from course_lib.generative.base_density import Laplace, StandardNormal
from course_lib.generative.flow import Flow
from course_lib.generative.linear_flow import Linear
from course_lib.metrics.separation import amari_distance


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mixtures(seed: int, N: int = 3000) -> tuple[torch.Tensor, torch.Tensor]:
    A = torch.randn(3, 3, dtype=torch.float64, generator=seeded(seed)) + torch.eye(3)
    return LaplaceSources().sample(N, 3, generator=seeded(seed + 1)) @ A.T + 2, A


def test_its_density_is_icas():
    x, A = mixtures(0, N=10)
    model = ica.ICA(torch.tensor([0.5, 1.0, 2.0]), torch.linalg.inv(A), LaplaceSources())
    flow = Flow([Linear(3)], Laplace(3)).double()
    flow.chain.transforms[0].load_state_dict({"mean": model.mean, "weight": model.unmixing})
    torch.testing.assert_close(flow.log_prob(x), model.log_prob(x))
    for ours, theirs in zip(flow.encode(x), model.encode(x), strict=True):
        torch.testing.assert_close(ours, theirs)
    for ours, theirs in zip(flow.decode(x), model.decode(x), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_from_whitening_on_a_gaussian_base_it_is_the_fitted_gaussian():
    x, _ = mixtures(1)
    flow = Flow([Linear(3)], StandardNormal(3)).double()
    flow.start_from(x)
    torch.testing.assert_close(flow.log_prob(x), gaussian.fit_multivariate_gaussian(x).log_prob(x))


def test_with_classes_it_starts_as_linear_discriminant_analysis():
    """Means of its own for each class, one covariance for all: scikit-learn's classifier by Bayes' rule, and LDA's Gaussians."""
    labels = torch.randint(3, (300,), generator=seeded(0))
    x = (
        2 * torch.randn(3, 4, dtype=torch.float64, generator=seeded(1))[labels]
        + torch.randn(300, 4, dtype=torch.float64, generator=seeded(2)) @ torch.ones(4, 4).double().triu()
    )
    classes = torch.eye(3)
    flow = Flow([Linear(4, conditions=3)], StandardNormal(4)).double()
    flow.start_from(x, classes[labels])
    within = x - torch.stack([x[labels == c].mean(0) for c in range(3)])[labels]
    expected = gaussian.fit_multivariate_gaussian(within).log_prob(within)
    torch.testing.assert_close(flow.log_prob(x, classes[labels]), expected)
    peer = LinearDiscriminantAnalysis(priors=[1 / 3] * 3).fit(x.numpy(), labels.numpy())
    ours = torch.stack([flow.log_prob(x, classes[c].expand(300, 3)) for c in range(3)], 1).argmax(1)
    assert (ours == torch.from_numpy(peer.predict(x.numpy()))).all()
    torch.testing.assert_close(flow.decode(flow.encode(x, classes[labels])[0], classes[labels])[0], x)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_trained_on_a_laplace_base_it_finds_icas_unmixing(seed):
    x, A = mixtures(seed)
    flow = Flow([Linear(3)], Laplace(3)).double()
    flow.start_from(x)
    optimizer = torch.optim.Adam(flow.parameters(), 0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 600)
    for _ in range(600):
        optimizer.zero_grad()
        flow.loss(x).backward()
        optimizer.step()
        schedule.step()
    oracle = ica.fit_ica(x, density=LaplaceSources(), generator=seeded(seed)).ica
    W = flow.chain.transforms[0].weight.detach()
    assert amari_distance(W, A) < 0.06  # 3000 rows leave about 0.02
    assert amari_distance(W, torch.linalg.inv(oracle.unmixing)) < 0.01
    assert abs(flow.loss(x) - oracle.loss(x)) < 1e-3


def test_data_that_lie_in_a_plane_are_refused(own_messages):
    x = torch.randn(50, 2, generator=seeded(0)) @ torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    with pytest.raises(ValueError, match="x must fill its 3 dimensions"):
        Linear(3).start_from(x.double())
    with pytest.raises(ValueError, match="D must be at least 1 and conditions at least 0, got 0"):
        Linear(0)
