"""The fused density: its reference against plain formulas, the compiled form against the reference."""

import pytest
import torch

from course_lib.kernels import log_cosh_density, native

needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="needs a C compiler: install gcc from your system's packages")
SHAPE = log_cosh_density.Shape(0.7, 1.3, torch.tensor([1.0, -0.4, 2.0]).double(), torch.tensor([0.1, -2.0, 0.0]).double())


def numbers(N: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(N, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_the_reference_is_the_formula_and_its_derivatives():
    a, b, k, m = SHAPE
    s = numbers(50).requires_grad_()
    log_prob, score, curvature = log_cosh_density.reference(s, SHAPE)
    torch.testing.assert_close(log_prob, m - a * s**2 / 2 - k * torch.cosh(b * s).log())
    (slope,) = torch.autograd.grad(log_prob.sum(), s, create_graph=True)
    torch.testing.assert_close(score, slope)
    (bend,) = torch.autograd.grad(slope.sum(), s)
    torch.testing.assert_close(curvature, -bend)


@needs_compiler
@pytest.mark.parametrize("N", [0, 1, 7, 1000])
@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e-9, 1e-3, 1.0, 30.0, 1e3, 1e100])
def test_the_compiled_form_equals_the_reference(N, scale):
    s = numbers(N, scale)
    library = native.library("log_cosh_density")
    for laid in (s, s.T.contiguous().T, s.repeat(1, 2)[:, ::2].roll(0, 0)):
        expected = log_cosh_density.reference(laid, SHAPE)
        for got, right in zip(log_cosh_density.compiled(laid, SHAPE, library), expected, strict=True):
            torch.testing.assert_close(got, right, rtol=1e-13, atol=1e-14)


@needs_compiler
def test_the_compiled_form_is_exact_at_every_size_of_number():
    """Against the definition in twice the digits' worth of care: log1p and expm1."""
    s = torch.cat([torch.logspace(-12, 3, 4000, dtype=torch.float64), -torch.linspace(0, 40, 4000, dtype=torch.float64)])[:, None]
    one = log_cosh_density.Shape(0.0, 1.0, torch.ones(1).double(), torch.zeros(1).double())
    got = log_cosh_density.compiled(s, one, native.library("log_cosh_density"))
    u = s.abs()
    torch.testing.assert_close(-got.log_prob, u + torch.log1p(torch.exp(-2 * u)) - torch.tensor(2.0).double().log(), rtol=0, atol=1e-12)
    torch.testing.assert_close(-got.log_prob[u < 40], torch.cosh(u[u < 40]).log(), rtol=1e-14, atol=5e-16)
    torch.testing.assert_close(-got.score, torch.tanh(s), rtol=0, atol=3e-16)


@needs_compiler
def test_what_is_no_number_stays_none():
    s = torch.tensor([[torch.nan, 1.0, torch.inf]], dtype=torch.float64)
    got = log_cosh_density.compiled(s, SHAPE, native.library("log_cosh_density"))
    assert got.log_prob[0].isnan().tolist() == [True, False, False]
    assert got.log_prob[0, 2] == -torch.inf


def test_a_gradient_is_given_where_one_is_asked_for(monkeypatch):
    s = numbers(5).requires_grad_()
    assert log_cosh_density.log_cosh_density(s, SHAPE).log_prob.requires_grad
    assert not log_cosh_density.log_cosh_density(s.detach(), SHAPE).log_prob.requires_grad
    assert log_cosh_density.log_cosh_density(s.detach().float(), SHAPE).log_prob.isfinite().all()
    with_compiler = log_cosh_density.log_cosh_density(s.detach(), SHAPE)
    monkeypatch.setenv("COURSE_KERNELS", "reference")
    for got, right in zip(log_cosh_density.log_cosh_density(s.detach(), SHAPE), with_compiler, strict=True):
        torch.testing.assert_close(got, right)
