"""The climb: its statistics against plain loops and autograd, its direction against the systems solved one by one."""

import pytest
import torch

from course_lib.classical import relative_newton
from course_lib.classical.source_densities import Adaptive, Laplace, Logistic


def some(N: int = 300, D: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix and centred data, (D, D) and (D, N)."""
    generator = torch.Generator().manual_seed(seed)
    centred = Laplace().sample(N, D, generator=generator).T.contiguous()
    return torch.randn(D, D, dtype=torch.float64, generator=generator) + torch.eye(D), centred - centred.mean(1, keepdim=True)


@pytest.mark.parametrize("density", [Logistic(), Adaptive(torch.tensor([1.0, -1.0, 1.0]))])
def test_statistics_are_derivatives_of_the_likelihood(density):
    """With respect to ε in (I + ε) W, at 0; the curvatures are those of −log p alone, row by row of ε."""
    W, centred = some()

    def log_likelihood(turn):
        further = W + turn @ W
        return density.log_prob((further @ centred).T).sum(1).mean() + torch.linalg.slogdet(further)[1]

    zero = torch.zeros(3, 3, dtype=torch.float64)
    here = relative_newton.gather(W, density, centred)
    torch.testing.assert_close(here.log_likelihood, log_likelihood(zero))
    torch.testing.assert_close(here.gradient, torch.autograd.functional.jacobian(log_likelihood, zero))
    hessian = torch.autograd.functional.hessian(log_likelihood, zero)  # (3, 3, 3, 3)
    of_log_det = torch.einsum("il,jk->ijkl", torch.eye(3), torch.eye(3)).double()
    pure = -(hessian + of_log_det)
    torch.testing.assert_close(here.curvatures, torch.einsum("ijij->ij", pure))


def test_the_direction_solves_a_system_for_each_pair():
    generator = torch.Generator().manual_seed(1)
    G, h = torch.randn(4, 4, dtype=torch.float64, generator=generator), 2 + torch.rand(4, 4, dtype=torch.float64, generator=generator)
    turn, promised = relative_newton.direction(relative_newton.Statistics(torch.tensor(0.0).double(), G, h))
    for i in range(4):
        torch.testing.assert_close(turn[i, i], G[i, i] / (h[i, i] + 1))
        for j in range(i):
            system = torch.stack([torch.stack([h[i, j], h[i, j] * 0 + 1]), torch.stack([h[j, i] * 0 + 1, h[j, i]])])
            torch.testing.assert_close(torch.stack([turn[i, j], turn[j, i]]), torch.linalg.solve(system, torch.stack([G[i, j], G[j, i]])))
    torch.testing.assert_close(promised, (turn * G).sum() / 2)


def test_a_direction_always_climbs():
    """However flat or bent the wrong way the estimate of the curvature is."""
    generator = torch.Generator().manual_seed(2)
    for _ in range(50):
        G, h = torch.randn(3, 3, dtype=torch.float64, generator=generator), torch.rand(3, 3, dtype=torch.float64, generator=generator) * 2
        assert relative_newton.direction(relative_newton.Statistics(torch.tensor(0.0).double(), G, h))[1] > 0


@pytest.mark.parametrize("density", [Laplace(), Logistic(), Adaptive(torch.ones(3))])
def test_a_climb_ends_at_the_top(density):
    W, centred = some(N=2000)
    top = relative_newton.climb(W, density, centred, steps=200, tolerance=1e-7)
    assert top.converged
    assert (top.log_likelihoods.diff() >= 0).all()
    generator = torch.Generator().manual_seed(3)
    for _ in range(20):  # no small turn from there gains more than was promised
        turn = 0.01 * torch.randn(3, 3, dtype=torch.float64, generator=generator)
        beside = relative_newton.gather(top.unmixing + turn @ top.unmixing, top.density, centred)
        assert beside.log_likelihood < top.log_likelihoods[-1] + 1e-6
