"""The knobs of lecture 1 show what they say: the die's faces come as often as told, the Gaussian's surface holds mass 1."""

import numpy as np
import pytest
import torch
from IPython.display import Image
from matplotlib.figure import Figure

from course_lib.widgets import knobs
from course_lib.widgets import maximum_likelihood as lecture


@pytest.fixture
def drawn(monkeypatch):
    """Keeps the drawing function that a widget hands to ``explore``, and draws with it on a figure that can be read back."""
    kept = {}

    def keep(draw, knobs, *, twin, figsize):
        kept["draw"] = draw
        return Image(b"\x89PNG", format="png")

    monkeypatch.setattr(knobs, "explore", keep)

    def figure(**values):
        page = Figure()
        kept["draw"](page, **values)
        return page.axes

    return figure


def test_the_coins_likelihood_peaks_at_the_share_of_heads(drawn):
    lecture.coin(generator=torch.Generator().manual_seed(0))
    running, likelihood = drawn(number=1024, heads=0.7)
    last = running.lines[0].get_ydata()[-1]
    curve = likelihood.lines[0]
    assert len(running.lines[0].get_ydata()) == 1024
    assert abs(last - 0.7) < 5 * np.sqrt(0.7 * 0.3 / 1024)
    assert abs(curve.get_xdata()[curve.get_ydata().argmax()] - last) < 0.005  # the grid's step
    assert curve.get_ydata().max() == pytest.approx(1, abs=0.01)


def test_the_coin_may_fall_on_one_side_only(drawn):
    lecture.coin(generator=torch.Generator().manual_seed(0))
    _, likelihood = drawn(number=1, heads=0.95)
    assert np.isfinite(likelihood.lines[0].get_ydata()).all()


def test_the_die_is_loaded_as_the_knob_says(drawn):
    lecture.die(generator=torch.Generator().manual_seed(0))
    running, bars = drawn(number=4096, lead=0.3)
    shares = np.array([bar.get_height() for bar in bars.patches])
    truth = np.array(bars.lines[0].get_ydata())
    assert shares.sum() == pytest.approx(1)
    assert truth[-1] == pytest.approx(1 / 6 + 0.3)
    assert truth.sum() == pytest.approx(1)
    assert (np.abs(shares - truth) < 5 * np.sqrt(truth * (1 - truth) / 4096)).all()
    assert len(running.lines) == 12  # six estimates, six truths


def test_the_surface_is_a_gaussian_of_the_told_shape(drawn, monkeypatch):
    seen = {}
    axes = Figure().subplots(1, 2)
    monkeypatch.setattr(lecture.densities, "surface", lambda x1, x2, density, figure: seen.update(x1=x1, x2=x2, density=density) or axes)
    lecture.gaussian_surface()
    drawn(sigma_1=0.8, sigma_2=0.5, rho=0.6)
    cell = (seen["x1"][0, 1] - seen["x1"][0, 0]) * (seen["x2"][1, 0] - seen["x2"][0, 0])
    mass = seen["density"] * cell
    assert mass.sum() == pytest.approx(1, abs=2e-3)  # the grid ends 3.5 standard deviations out
    assert (mass * seen["x1"] ** 2).sum() == pytest.approx(0.8**2, abs=5e-3)
    assert (mass * seen["x1"] * seen["x2"]).sum() == pytest.approx(0.6 * 0.8 * 0.5, abs=5e-3)


@pytest.mark.parametrize("make", [lecture.gaussian_surface, lambda: lecture.die(generator=torch.Generator())])
def test_the_twins_name_every_knob(make, monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    assert make().data.startswith(b"\x89PNG")
