"""Distances against SciPy's tree; a judge that is fooled by the same distribution and by nothing else."""

import math

import pytest
import torch
from scipy.spatial import KDTree

from course_lib.metrics.samples import effective_classes, nearest_distance, nearest_neighbour_accuracy, recognised_share


def normal(n: int, D: int, seed: int) -> torch.Tensor:
    return torch.randn(n, D, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_distances_equal_a_trees():
    x, reference = normal(1500, 3, 0), normal(400, 3, 1)  # more rows than are done at once
    expected, _ = KDTree(reference.numpy()).query(x.numpy())
    torch.testing.assert_close(nearest_distance(x, reference), torch.from_numpy(expected))
    assert nearest_distance(reference, reference).max() < 1e-7
    assert nearest_distance(x[:0], reference).shape == (0,)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_distribution_fools_the_judge(seed):
    n = 700
    accuracy = nearest_neighbour_accuracy(normal(n, 3, 2 * seed), normal(n, 3, 2 * seed + 1))
    assert abs(accuracy - 0.5) < 5 * 1.5 / (2 * math.sqrt(2 * n))  # five of its standard deviations


def test_the_judge_is_a_plain_loop():
    real, drawn = normal(30, 2, 0), normal(30, 2, 1) * 0.5
    rows, right = torch.cat([real, drawn]), 0
    for i in range(60):
        distances = [math.inf if i == j else (rows[i] - rows[j]).norm().item() for j in range(60)]
        right += (distances.index(min(distances)) < 30) == (i < 30)
    torch.testing.assert_close(nearest_neighbour_accuracy(real, drawn).item(), right / 60)


def test_what_differs_is_told_apart():
    real = normal(800, 3, 0)  # more rows than are done at once
    flat = normal(800, 3, 1) * torch.tensor([1.0, 1.0, 0.05])  # the same but for one direction
    assert nearest_neighbour_accuracy(real, flat) > 0.7
    assert nearest_neighbour_accuracy(real, real + 1e-6) < 0.01  # copies


def test_a_reader_counts_what_he_is_sure_of():
    p = torch.tensor([[0.92, 0.08, 0.0], [0.4, 0.3, 0.3], [0.0, 0.05, 0.02], [0.05, 0.0, 0.94]])
    assert recognised_share(p).item() == 0.5
    assert recognised_share(p, confidence=0.93).item() == 0.25
    assert recognised_share(p, confidence=0.35).item() == 0.75


def test_variety_is_the_perplexity_of_the_class():
    even = torch.eye(5, dtype=torch.float64).repeat(4, 1)
    torch.testing.assert_close(effective_classes(even).item(), 5.0)
    torch.testing.assert_close(effective_classes(0.3 * even).item(), 5.0)  # "none of these" is left out
    torch.testing.assert_close(effective_classes(even[:1]).item(), 1.0)
    unsure = torch.full((7, 4), 0.25)  # no picture is clear, yet the classes come up evenly: the other measure sees that
    torch.testing.assert_close(effective_classes(unsure).item(), 4.0)
    q = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)
    torch.testing.assert_close(effective_classes(q).item(), math.exp(-(0.7 * math.log(0.7) + 0.2 * math.log(0.2) + 0.1 * math.log(0.1))))


@pytest.mark.usefixtures("own_messages")
def test_a_mistake_is_named():
    with pytest.raises(ValueError, match="probabilities must hold at least one row"):
        recognised_share(torch.zeros(0, 3))
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1, got"):
        recognised_share(torch.ones(1, 1), confidence=1.5)
    with pytest.raises(ValueError, match="must show a class somewhere, got 2 rows"):
        effective_classes(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="real and drawn must be equally many rows, at least one, got 3 and 2"):
        nearest_neighbour_accuracy(torch.zeros(3, 1), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="reference must hold at least one row"):
        nearest_distance(torch.zeros(3, 1), torch.zeros(0, 1))
