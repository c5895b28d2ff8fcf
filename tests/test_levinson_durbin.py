"""The recursion: against SciPy's Toeplitz solver, and the compiled form against the reference."""

import ctypes
import subprocess

import pytest
import torch
from scipy.linalg import solve_toeplitz

from course_lib.kernels import autocorrelation, levinson_durbin, native

ROWS = [(1, 0), (1, 1), (3, 2), (9, 16), (8, 17), (17, 32), (2, 40), (0, 3)]
needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="needs a C compiler: install gcc from your system's packages")


@pytest.fixture(autouse=True)
def own_choice(monkeypatch):
    """Whatever the machine's setting, these tests compare both forms."""
    monkeypatch.delenv("COURSE_KERNELS", raising=False)


def autocorrelations(N: int, order: int, seed: int = 0) -> torch.Tensor:
    """Of wandering noise: nearly singular, as speech is."""
    x = torch.randn(N, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).cumsum(1)
    return autocorrelation.reference(x, order)


@pytest.mark.parametrize(("N", "order"), [(3, 1), (5, 16), (5, 32)])
def test_the_reference_solves_the_toeplitz_equations(N, order):
    r = autocorrelations(N, order)
    solution = levinson_durbin.reference(r)
    for row, a, power in zip(r.numpy(), solution.a.numpy(), solution.error_power, strict=True):
        assert abs(solve_toeplitz(row[:-1], -row[1:]) - a).max() < 1e-10
        torch.testing.assert_close(power.item(), row[0] + a @ row[1:])
    torch.testing.assert_close(solution.reflection[:, -1], solution.a[:, -1])
    assert solution.refused is None


@needs_compiler
@pytest.mark.parametrize(("N", "order"), ROWS)
@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200])
def test_the_compiled_form_equals_the_reference(N, order, scale):
    r = scale * autocorrelations(N, order)
    r[2:3] = 0  # silence among others
    expected = levinson_durbin.reference(r)
    for rows in (r, r.repeat(2, 2)[:N, : order + 1]):
        got = levinson_durbin.compiled(rows, native.library("levinson_durbin"))
        torch.testing.assert_close(got.a, expected.a, rtol=0, atol=1e-11)
        torch.testing.assert_close(got.reflection, expected.reflection, rtol=0, atol=1e-11)
        torch.testing.assert_close(got.error_power / scale, expected.error_power / scale, rtol=1e-11, atol=1e-11)
        assert got.refused is None


@pytest.mark.parametrize("solve", [levinson_durbin.reference, levinson_durbin.levinson_durbin])
@pytest.mark.parametrize("order", [1, 8])
@pytest.mark.parametrize("bad", [[1.0, 2.0], [-1.0, 0.0], [0.0, 1.0], [torch.nan, 0.0], [1.0, torch.nan], [torch.inf, 0.0]])
def test_what_is_no_autocorrelation_is_refused_where_it_stands(solve, order, bad):
    r = autocorrelations(21, order)
    r[19, :2] = torch.tensor(bad, dtype=torch.float64)
    r[19, 2:] = 0
    r[20] = r[19]
    assert solve(r).refused == 19


@pytest.mark.parametrize("solve", [levinson_durbin.reference, levinson_durbin.levinson_durbin])
def test_an_indefinite_row_is_refused_though_no_lag_exceeds_the_power(solve):
    assert solve(torch.tensor([[1.0, 0.9, -0.9]], dtype=torch.float64)).refused == 0


@pytest.mark.parametrize("solve", [levinson_durbin.reference, levinson_durbin.levinson_durbin])
@pytest.mark.parametrize("length", [64, 400, 4000])
@pytest.mark.parametrize("order", [8, 32])
def test_smooth_signals_that_leave_nothing_to_predict_end_quietly(solve, length, order):
    """Bells, tones under soft windows, a constant: their equations are singular to the last digit."""
    t = torch.linspace(-1, 1, length, dtype=torch.float64)
    w = torch.arange(length, dtype=torch.float64)
    soft = torch.blackman_window(length, dtype=torch.float64)
    signals = [
        torch.exp(-20 * t**2),
        torch.exp(-200 * t**2),
        torch.ones_like(t),
        soft,
        soft**2,
        *(soft * torch.cos(f * w) for f in (0.01, 0.1, 1, 3)),
    ]
    solution = solve(autocorrelation.reference(torch.stack(signals), order))
    assert solution.refused is None
    assert (solution.reflection.abs() < 1).all()
    assert (solution.error_power >= 0).all()
    assert all(part.isfinite().all() for part in solution[:3])


def test_the_reference_has_gradients():
    r = autocorrelations(2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda r: levinson_durbin.reference(r)[:3], r)


@needs_compiler
def test_the_narrowest_registers_give_the_same(root, tmp_path):
    """Compiled for the family of this processor and not for itself, as where a compiler does not know it."""
    source = root / "course_lib/kernels/levinson_durbin.c"
    subprocess.run([native.compiler(), *native._FLAGS, "-o", str(tmp_path / "narrow.so"), str(source), "-lm"], check=True)
    library = ctypes.CDLL(str(tmp_path / "narrow.so"))
    r = autocorrelations(7, 11)
    torch.testing.assert_close(levinson_durbin.compiled(r, library).a, levinson_durbin.reference(r).a, rtol=0, atol=1e-11)


def test_dispatch_follows_the_setting_and_keeps_gradients(monkeypatch):
    r = autocorrelations(2, 4)
    expected = levinson_durbin.reference(r)
    used = []
    monkeypatch.setattr(levinson_durbin, "compiled", lambda *_: used.append(1) or expected)
    if native.compiler() is not None:
        levinson_durbin.levinson_durbin(r)
        assert used == [1]
    levinson_durbin.levinson_durbin(r.clone().requires_grad_()).a.sum().backward()
    monkeypatch.setenv("COURSE_KERNELS", "reference")
    torch.testing.assert_close(levinson_durbin.levinson_durbin(r).a, expected.a)
    assert len(used) <= 1


@pytest.mark.parametrize("solve", [levinson_durbin.reference, levinson_durbin.levinson_durbin])
def test_once_ended_it_stays_ended(solve):
    """Two past samples predict an endless cosine fully: a step that is not taken, nor any after it."""
    solution = solve(torch.tensor([[1.0, 0.5, -0.5, -1.0, -0.5, 0.5]], dtype=torch.float64))  # cos(π k / 3)
    torch.testing.assert_close(solution.reflection, torch.tensor([[-0.5, 0, 0, 0, 0]], dtype=torch.float64))
    torch.testing.assert_close(solution.error_power, torch.tensor([0.75], dtype=torch.float64))
