"""The autocorrelation: against NumPy, and the compiled form against the reference."""

import ctypes
import subprocess

import numpy as np
import pytest
import torch

from course_lib.kernels import autocorrelation, native

SIZES = [
    (1, 1, 0),
    (1, 1, 3),
    (3, 7, 2),
    (9, 400, 16),
    (2, 401, 17),
    (10, 8, 9),
    (5, 33, 31),
    (4, 40, 32),
    (2, 5, 40),
    (0, 5, 2),
    (1, 1000, 1),
]


@pytest.fixture(autouse=True)
def own_choice(monkeypatch):
    """Whatever the machine's setting, these tests compare both forms."""
    monkeypatch.delenv("COURSE_KERNELS", raising=False)


def frames(N: int, T: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(N, T, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("N", "T", "order"), [(3, 50, 8), (2, 4, 6)])
def test_the_reference_is_numpys_correlation_divided_by_the_length(N, T, order):
    x = frames(N, T)
    full = [np.correlate(row, row, "full")[T - 1 :] / T for row in x.numpy()]
    expected = torch.zeros(N, order + 1, dtype=torch.float64)
    expected[:, :T] = torch.from_numpy(np.stack(full))[:, : order + 1]
    torch.testing.assert_close(autocorrelation.reference(x, order), expected)


@pytest.mark.skipif(native.compiler() is None, reason="needs a C compiler: install gcc from your system's packages")
@pytest.mark.parametrize(("N", "T", "order"), SIZES)
@pytest.mark.parametrize("scale", [1.0, 1e150, 1e-150])
def test_the_compiled_form_equals_the_reference(N, T, order, scale):
    x, library = scale * frames(N, T), native.library("autocorrelation")
    expected = autocorrelation.reference(x, order)
    tolerance = 1e-13 * scale**2  # its sums are taken in another order
    torch.testing.assert_close(autocorrelation.compiled(x, order, library), expected, rtol=0, atol=tolerance)
    strided = x.repeat(2, 3)[::2, ::3]  # not contiguous
    torch.testing.assert_close(
        autocorrelation.compiled(strided, order, library), autocorrelation.reference(strided, order), rtol=0, atol=tolerance
    )


def test_a_frame_is_not_touched_by_its_neighbours():
    x = frames(3, 20)
    x[1] = 0
    assert (autocorrelation.autocorrelation(x, 5)[1] == 0).all()
    x[1] = torch.nan
    assert autocorrelation.autocorrelation(x, 5)[[0, 2]].isfinite().all()


@pytest.mark.skipif(native.compiler() is None, reason="needs a C compiler: install gcc from your system's packages")
def test_the_narrowest_registers_give_the_same(root, tmp_path):
    """Compiled for the family of this processor and not for itself, as where a compiler does not know it."""
    source = root / "course_lib/kernels/autocorrelation.c"
    subprocess.run([native.compiler(), *native._FLAGS, "-o", str(tmp_path / "narrow.so"), str(source), "-lm"], check=True)
    library = ctypes.CDLL(str(tmp_path / "narrow.so"))
    x = frames(7, 45)
    torch.testing.assert_close(autocorrelation.compiled(x, 11, library), autocorrelation.reference(x, 11))


def test_dispatch_follows_the_setting_and_keeps_gradients(monkeypatch):
    x = frames(2, 30)
    expected = autocorrelation.reference(x, 4)
    used = []
    monkeypatch.setattr(autocorrelation, "compiled", lambda *_: used.append(1) or expected)
    if native.compiler() is not None:
        autocorrelation.autocorrelation(x, 4)
        assert used == [1]
    autocorrelation.autocorrelation(x.clone().requires_grad_(), 4).sum().backward()
    monkeypatch.setenv("COURSE_KERNELS", "reference")
    torch.testing.assert_close(autocorrelation.autocorrelation(x, 4), expected)
    assert len(used) <= 1
