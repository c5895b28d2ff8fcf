"""The fused sums: the density against plain formulas, its sums against loops, the compiled form against the reference."""

import pytest
import torch

from course_lib.kernels import log_cosh_totals, native
from course_lib.kernels.log_cosh_totals import Shape

needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="needs a C compiler: install gcc from your system's packages")
SHAPE = Shape(0.7, 1.3, torch.tensor([1.0, -0.4, 2.0]).double(), torch.tensor([0.1, -2.0, 0.0]).double())


def numbers(N: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(N, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def matrix(D: int = 3) -> torch.Tensor:
    return torch.eye(D).double() + 0.3 * torch.randn(D, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def compiled(W: torch.Tensor, centred: torch.Tensor, shape: Shape) -> log_cosh_totals.Totals:
    return log_cosh_totals.compiled(W, centred, shape, native.library("log_cosh_totals"))


def test_the_density_is_the_formula_and_its_derivatives():
    a, b, k, m = SHAPE
    s = numbers(50).requires_grad_()
    log_prob, score, curvature = log_cosh_totals.evaluate(s, SHAPE)
    torch.testing.assert_close(log_prob, m - a * s**2 / 2 - k * torch.cosh(b * s).log())
    (slope,) = torch.autograd.grad(log_prob.sum(), s, create_graph=True)
    torch.testing.assert_close(score, slope)
    (bend,) = torch.autograd.grad(slope.sum(), s)
    torch.testing.assert_close(curvature, -bend)


def test_the_sums_are_those_of_a_loop_over_samples():
    W, centred = matrix(), numbers(40).T.contiguous()
    log_prob, products, bends = 0, torch.zeros(3, 3).double(), torch.zeros(3, 3).double()
    for n in range(40):
        s = W @ centred[:, n]
        here = log_cosh_totals.evaluate(s, SHAPE)
        log_prob = log_prob + here.log_prob.sum()
        for i in range(3):
            for j in range(3):
                products[i, j] += here.score[i] * s[j]
                bends[i, j] += here.curvature[i] * s[j] ** 2
    for got, right in zip(log_cosh_totals.reference(W, centred, SHAPE), (log_prob, products, bends), strict=True):
        torch.testing.assert_close(got, right)


def test_blocks_make_no_difference(monkeypatch):
    W, centred = matrix(), numbers(1000).T.contiguous()
    whole = log_cosh_totals.reference(W, centred, SHAPE)
    monkeypatch.setattr(log_cosh_totals, "_BLOCK_NUMBERS", 100)
    for part, all_of_it in zip(log_cosh_totals.reference(W, centred, SHAPE), whole, strict=True):
        torch.testing.assert_close(part, all_of_it)


@needs_compiler
@pytest.mark.parametrize("N", [0, 1, 7, 255, 256, 257, 1000])
@pytest.mark.parametrize("scale", [0.0, 1e-100, 1e-9, 1e-3, 1.0, 30.0, 1e3, 1e100])
def test_the_compiled_form_equals_the_reference(N, scale):
    W, centred = matrix(), numbers(N, scale).T.contiguous()
    for laid in (centred, centred.T.contiguous().T):
        for got, right in zip(compiled(W, laid, SHAPE), log_cosh_totals.reference(W, laid, SHAPE), strict=True):
            # Sums in another order; and a tanh that is right to 3e-16, however small it is, times s.
            torch.testing.assert_close(got, right, rtol=0, atol=1e-12 * right.abs().max().item() + 1e-15 * N * scale)


@needs_compiler
def test_the_compiled_density_is_exact_at_every_size_of_number():
    """One sample a call, against log1p and exp."""
    one = Shape(0.0, 1.0, torch.ones(1).double(), torch.zeros(1).double())
    for s in [*torch.logspace(-12, 3, 60).tolist(), *torch.linspace(0, 40, 60).tolist()]:
        s = torch.tensor([[-s]], dtype=torch.float64)
        got, u = compiled(torch.eye(1).double(), s, one), s.abs()
        torch.testing.assert_close(
            -got.log_prob, (u + torch.log1p(torch.exp(-2 * u)) - torch.tensor(2.0).double().log()).squeeze(), rtol=1e-15, atol=1e-12
        )
        torch.testing.assert_close(got.products, -torch.tanh(s) * s, rtol=1e-13, atol=3e-16)


@needs_compiler
def test_what_is_no_number_stays_none():
    centred = torch.ones(3, 300, dtype=torch.float64)
    centred[1, 280] = torch.nan
    got = compiled(torch.eye(3).double(), centred, SHAPE)
    assert got.log_prob.isnan()
    assert got.products.isnan().all()  # 0 times it is none either


def test_a_gradient_is_given_where_one_is_asked_for(monkeypatch):
    W, centred = matrix().requires_grad_(), numbers(5).T.contiguous()
    assert log_cosh_totals.log_cosh_totals(W, centred, SHAPE).products.requires_grad
    with_compiler = log_cosh_totals.log_cosh_totals(W.detach(), centred, SHAPE)
    assert not with_compiler.products.requires_grad
    monkeypatch.setenv("COURSE_KERNELS", "reference")
    for got, right in zip(log_cosh_totals.log_cosh_totals(W.detach(), centred, SHAPE), with_compiler, strict=True):
        torch.testing.assert_close(got, right)
