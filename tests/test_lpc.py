"""Linear prediction against SciPy, against known processes, and on every frame of real speech."""

import io
import zipfile

import numpy as np
import pytest
import soundfile
import torch
from scipy import signal
from scipy.linalg import solve_toeplitz

from course_lib.classical import formants, lpc
from course_lib.classical.reflection import from_reflection
from course_lib.signal.framing import frames


def wandering(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).cumsum(-1)


@pytest.mark.parametrize("order", [1, 2, 16, 32])
def test_fit_solves_the_yule_walker_equations(order):
    x = wandering(2, 3, 400)
    predictor = lpc.fit(x, order)
    assert predictor.a.shape == predictor.reflection.shape == (2, 3, order)
    assert predictor.error_power.shape == (2, 3)
    for index in np.ndindex(2, 3):
        row = x[index].numpy()
        r = np.array([row[k:] @ row[: 400 - k] for k in range(order + 1)]) / 400
        assert abs(solve_toeplitz(r[:-1], -r[1:]) - predictor.a[index].numpy()).max() < 1e-10


def test_the_error_power_is_the_power_of_the_zero_extended_residual():
    x = wandering(300)
    predictor = lpc.fit(x, 8)
    e = predictor.residual(torch.cat([x, torch.zeros(8, dtype=torch.float64)]))
    torch.testing.assert_close(e.square().sum() / 300, predictor.error_power)


def test_no_other_coefficients_leave_less():
    x, order = wandering(200), 5
    predictor = lpc.fit(x, order)
    padded = torch.cat([x, torch.zeros(order, dtype=torch.float64)])
    for seed in range(10):
        other = predictor.a + 0.01 * torch.randn(order, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        assert lpc.LinearPredictor(other, other, x[0]).residual(padded).square().sum() / 200 > predictor.error_power


@pytest.mark.parametrize("method", [lpc.fit, lpc.covariance_method])
def test_a_known_process_is_recovered(method):
    a = from_reflection(torch.tensor([-0.8, 0.6, 0.3, -0.2]))
    noise = torch.randn(100_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = torch.from_numpy(signal.lfilter([1.0], [1.0, *a.numpy()], noise.numpy()))
    predictor = method(x, 4)
    torch.testing.assert_close(predictor.a, a, rtol=0, atol=5 / 100_000**0.5)  # standard errors are at most 1 / √T
    torch.testing.assert_close(predictor.error_power.item(), 1.0, rtol=0, atol=5 * (2 / 100_000) ** 0.5)


def test_the_covariance_method_is_exact_where_the_past_tells_all():
    t = torch.arange(40, dtype=torch.float64)
    growing = 1.1**t * torch.cos(0.7 * t)  # no stable predictor would do
    predictor = lpc.covariance_method(torch.stack([growing, 0 * t]), 2)
    torch.testing.assert_close(predictor.a[0], torch.tensor([-2.2 * np.cos(0.7), 1.21]).double())
    assert predictor.reflection[0].abs().max() > 1
    assert predictor.error_power[0] < 1e-20 * growing.square().mean()
    assert torch.equal(predictor.a[1], torch.zeros(2).double())
    assert predictor.error_power[1] == 0


def test_the_covariance_method_is_least_squares():
    x, order = wandering(2, 60), 6
    predictor = lpc.covariance_method(x, order)
    for row, a, power in zip(x.numpy(), predictor.a.numpy(), predictor.error_power, strict=True):
        past = np.stack([row[order - m : 60 - m] for m in range(1, order + 1)], axis=1)
        expected, *_ = np.linalg.lstsq(past, -row[order:], rcond=None)
        np.testing.assert_allclose(a, expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(power, np.mean((row[order:] + past @ a) ** 2))


def test_the_frequency_response_is_scipys():
    predictor = lpc.fit(wandering(2, 500), 10)
    w = torch.tensor([0.0, 0.3, 2.0])
    for a, response, halves in zip(predictor.a, predictor.frequency_response(w), predictor.frequency_response(64), strict=True):
        torch.testing.assert_close(response, torch.from_numpy(signal.freqz([1.0], [1.0, *a.numpy()], w.numpy())[1]))
        torch.testing.assert_close(halves, torch.from_numpy(signal.freqz([1.0], [1.0, *a.numpy()], 33, include_nyquist=True)[1]))


def test_the_model_has_the_signals_autocorrelation_up_to_its_order():
    """The matching property: what the spectrum's model keeps is exactly r_0 … r_M."""
    x, order = wandering(400), 12
    predictor = lpc.fit(x, order)
    circle = 2 * torch.pi * torch.arange(2**17, dtype=torch.float64) / 2**17
    r = torch.fft.ifft(predictor.power_spectrum(circle)).real[: order + 1]
    torch.testing.assert_close(r, lpc.autocorrelation(x, order), rtol=1e-8, atol=0)  # the circle has gaps


@pytest.mark.parametrize("order", [0, 1, 16])
def test_silence_predicts_nothing_and_errs_nothing(order):
    predictor = lpc.fit(torch.zeros(3, 400), order)
    for part in (predictor.a, predictor.reflection, predictor.error_power):
        assert torch.equal(part, torch.zeros_like(part))
    assert torch.equal(predictor.residual(torch.zeros(3, 400)), torch.zeros(3, 400).double())
    assert torch.equal(predictor.synthesize(torch.zeros(3, 400)), torch.zeros(3, 400).double())


def test_fit_has_gradients():
    x = wandering(2, 12).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: lpc.fit(x, 3).a, x)


def test_formants_are_those_of_the_coefficients():
    predictor = lpc.fit(wandering(2, 400), 10)
    torch.testing.assert_close(predictor.formants(8000).frequency_hz, formants.formants(predictor.a, 8000).frequency_hz, equal_nan=True)


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: lpc.autocorrelation(torch.ones(3), -1), "order must be at least 0, got -1"),
        (lambda: lpc.autocorrelation(torch.ones(2, 0), 1), r"x must have samples, got shape \(2, 0\)"),
        (lambda: lpc.fit(torch.tensor([[1.0, 2.0], [torch.nan, 1.0]]), 1), "x must be finite, and its squares too: row 1 is not"),
        (lambda: lpc.fit(torch.tensor([1e200, 1.0], dtype=torch.float64), 1), "x must be finite, and its squares too: row 0 is not"),
        (lambda: lpc.levinson_durbin(torch.ones(3, 0)), r"r must hold at least r_0, got shape \(3, 0\)"),
        (lambda: lpc.levinson_durbin(torch.tensor([[1.0, 0.5], [1.0, -2.0]])), r"\|r_k\| ≤ r_0.*row 1 is not: 1, -2"),
        (lambda: lpc.covariance_method(torch.ones(8), 8), "order must be from 1 to one less than the 8 samples, all finite; got order 8"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()


# ------------------------------------------------------------------------------------------------------------- real speech


def real_speech(folder):
    """Every recorded voice, as 16-bit numbers say it."""
    for path in sorted(
        [*folder.glob("speech-samples/*.wav"), *folder.glob("common-voice-ja-mini/*.wav"), *folder.glob("librosa-audio/*.ogg")]
    ):
        yield path.name, soundfile.read(path, always_2d=True)[0][:, 0]
    for archive in sorted(folder.glob("*/*.zip")):
        if archive.parent.name in ("fsdd", "an4", "speech-commands-mini", "vctk-parallel-mini"):
            with zipfile.ZipFile(archive) as members:
                for name in sorted(members.namelist()):
                    if name.endswith((".wav", ".flac")):
                        yield name, soundfile.read(io.BytesIO(members.read(name)), always_2d=True)[0][:, 0]


@pytest.mark.slow
def test_every_real_frame_is_stable_and_solves_its_equations(real_data):
    """Order 16 and 32, with and without a window, silence included; each predictor against the direct solution."""
    window = torch.hann_window(400, dtype=torch.float64)
    seen = 0
    for name, samples in real_speech(real_data):
        pieces = frames(torch.from_numpy(samples), 400, 400)
        for x in (pieces, pieces * window):
            for order in (16, 32):
                r = lpc.autocorrelation(x, order)
                predictor = lpc.levinson_durbin(r)
                assert (predictor.reflection.abs() < 1).all(), name
                assert (predictor.error_power >= 0).all(), name
                heard = r[:, 0] > 0
                lags = (torch.arange(order)[:, None] - torch.arange(order)).abs()
                R = r[heard][:, lags]
                direct = torch.linalg.solve(R, -r[heard][:, 1:, None])[..., 0]
                difference = (predictor.a[heard] - direct).abs().amax(1) / direct.abs().amax(1).clamp_min(1)
                # Where a lossy codec has emptied the high frequencies no solver in float64 knows ten digits: condition × rounding is all.
                allowed = (100 * torch.finfo(torch.float64).eps * torch.linalg.cond(R)).clamp_min(1e-10)
                assert (difference < allowed).all(), (name, (difference / allowed).max().item())
                assert (predictor.a[~heard] == 0).all(), name
            seen += len(x)
    assert seen > 100_000


@pytest.mark.slow
def test_real_signals_come_back_from_their_residuals(real_data):
    for name, samples in [*real_speech(real_data)][:12]:
        x = torch.from_numpy(samples)[:48_000]
        predictor = lpc.fit(frames(x, 400, 400) * torch.hann_window(400, dtype=torch.float64), 16)
        back = predictor.synthesize(predictor.residual(x, hop=400), hop=400)
        assert (back - x).abs().max() < 1e-9, name
