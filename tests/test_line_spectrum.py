"""Line spectra: there and back to 1e-8 at order 32, against the roots of the polynomials, and interlacing if and only if stable."""

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.classical import lpc
from course_lib.classical.line_spectrum import from_line_spectrum, phase, to_line_spectrum
from course_lib.classical.reflection import from_reflection, to_reflection
from course_lib.signal.framing import frames


def wandering(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).cumsum(-1)


def roots_on_the_circle(coefficients: np.ndarray) -> np.ndarray:
    """Angles in (0, π) of all roots, rising; those at 0 and π left out."""
    angles = np.angle(np.roots(coefficients))
    return np.sort(angles[(angles > 1e-6) & (angles < np.pi - 1e-6)])


@pytest.mark.parametrize("order", [1, 2, 3, 10, 11])
def test_they_are_the_roots_of_the_two_mirrored_polynomials(order):
    a = lpc.fit(wandering(300), order).a
    w = to_line_spectrum(a).numpy()
    longer = np.array([1.0, *a.numpy(), 0.0])
    np.testing.assert_allclose(w[::2], roots_on_the_circle(longer + longer[::-1]), atol=1e-9)
    np.testing.assert_allclose(w[1::2], roots_on_the_circle(longer - longer[::-1]), atol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 16, 31, 32, 48])
@pytest.mark.parametrize("seed", [0, 1])
def test_there_and_back_at_high_orders(order, seed):
    a = lpc.fit(wandering(2, 50, 400, seed=seed), order).a
    w = to_line_spectrum(a)
    assert (w.diff(dim=-1) > 0).all()
    assert (w > 0).all()
    assert (w < torch.pi).all()
    assert (from_line_spectrum(w) - a).abs().max() < 1e-8


@given(k=st.lists(st.floats(-0.999, 0.999), min_size=1, max_size=32))
def test_there_and_back_for_any_stable_predictor(k):
    a = from_reflection(torch.tensor(k, dtype=torch.float64))
    if (to_reflection(a).abs() < 1).all():  # rounding may have moved a root onto the circle
        w = to_line_spectrum(a)
        assert (from_line_spectrum(w) - a).abs().max() < 1e-8 * a.abs().max().clamp_min(1)


@given(gaps=st.lists(st.floats(0.05, 1), min_size=2, max_size=20), place=st.integers(0, 100))
def test_rising_frequencies_are_stable_and_exchanged_ones_are_not(gaps, place):
    w = torch.tensor(gaps, dtype=torch.float64).cumsum(0)
    w = w * torch.pi / (w[-1] + 0.1)
    a = from_line_spectrum(w)
    assert (to_reflection(a).abs() < 1).all()
    torch.testing.assert_close(to_line_spectrum(a), w, rtol=0, atol=1e-6)
    i = place % (len(w) - 1)
    w[i], w[i + 1] = w[i + 1].item(), w[i].item()
    assert (to_reflection(from_line_spectrum(w)).abs() > 1).any()


def test_the_phase_climbs_from_nothing_to_m_plus_one_half_turns():
    k = torch.tensor([[-0.99, 0.9, -0.5, 0.3], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    w = torch.linspace(0, torch.pi, 4001, dtype=torch.float64).expand(2, -1)
    climbed, slope = phase(k, w)
    torch.testing.assert_close(climbed[:, -1], torch.full((2,), 5 * torch.pi, dtype=torch.float64))
    assert (slope > 0).all()
    torch.testing.assert_close(climbed[1], 5 * w[1])
    z = torch.exp(-1j * w)
    delays = torch.arange(1, 5, dtype=torch.float64)
    A = 1 + (from_reflection(k)[:, None] * torch.exp(-1j * w[..., None] * delays)).sum(-1)
    turned = (A / (z**5 * A.conj())) / torch.exp(1j * climbed)
    torch.testing.assert_close(turned, torch.ones_like(turned))
    torch.testing.assert_close(torch.autograd.functional.jvp(lambda w: phase(k, w)[0], w, torch.ones_like(w))[1], slope)


def test_silence_has_its_frequencies_evenly_spread():
    torch.testing.assert_close(to_line_spectrum(torch.zeros(7)), torch.pi * torch.arange(1, 8, dtype=torch.float64) / 8)


def test_an_unstable_predictor_has_none():
    with pytest.raises(ValueError, match=r"a must be stable \(every \|k\| < 1\) to have a line spectrum, the largest \|k\| is 1.2"):
        to_line_spectrum(torch.tensor([0.1, 1.2]))


@pytest.mark.slow
def test_there_and_back_on_real_frames(real_data):
    for path in sorted(real_data.glob("speech-samples/*.wav"))[:3] + sorted(real_data.glob("librosa-audio/*.ogg"))[:6:2]:
        x = frames(torch.from_numpy(soundfile.read(path, always_2d=True)[0][:80_000, 0].copy()), 400, 400)
        for pieces in (x, x * torch.hann_window(400, dtype=torch.float64)):
            a = lpc.fit(pieces, 32).a
            assert (from_line_spectrum(to_line_spectrum(a)) - a).abs().max() < 1e-8, path.name
