"""The pictures of lecture 3 show the numbers they were given, and the order's knob fits again."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from course_lib.classical import line_spectrum, lpc
from course_lib.plotting import linear_prediction as plots
from course_lib.plotting import style
from course_lib.widgets import linear_prediction as knobs

RATE_HZ = 8000


def test_each_order_stands_the_same_distance_above_the_last():
    flat, hill = np.ones(5), np.array([1.0, 10, 100, 10, 1])
    ax = plots.spectra_by_order(hill, {2: flat, 4: hill}, RATE_HZ, apart_db=30)
    heard_low, model_low, heard_high, model_high = (line.get_ydata() for line in ax.lines)
    np.testing.assert_allclose(heard_low, [0, 10, 20, 10, 0])
    np.testing.assert_allclose(model_low, 0)
    np.testing.assert_allclose(heard_high, heard_low + 30)
    np.testing.assert_allclose(model_high, heard_low + 30)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0, 1, 2, 3, 4])
    assert [text.get_text() for text in ax.texts] == ["order 2", "order 4"]


def test_the_chart_has_the_open_mouth_below_and_the_front_to_the_left():
    ax = plots.formant_chart({"a": (700.0, 1200.0)}, {"a": (750, 1400), "i": (300, 2200)}, within=0.2)
    assert ax.get_xlim()[0] > ax.get_xlim()[1]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert [(text.get_text(), text.xy) for text in ax.texts] == [("a", (1200.0, 700.0))]
    box = ax.patches[0]
    np.testing.assert_allclose((*box.get_xy(), box.get_width(), box.get_height()), (0.8 * 1400, 0.8 * 750, 0.4 * 1400, 0.4 * 750))
    assert len(ax.patches) == 2


def test_a_pole_outside_is_marked():
    ax = plots.z_plane(np.array([0.5, -0.5j, 1.2j]), line_spectrum=[0.1, 0.2, 0.3])
    points = {line.get_label(): line.get_xydata() for line in ax.lines}
    np.testing.assert_allclose(points["poles"], [[0.5, 0], [0, -0.5]])
    np.testing.assert_allclose(points["poles outside"], [[0, 1.2]])
    np.testing.assert_allclose(points["zeros of P"], [[np.cos(0.1), np.sin(0.1)], [np.cos(0.3), np.sin(0.3)]])
    np.testing.assert_allclose(points["zeros of Q"], [[np.cos(0.2), np.sin(0.2)]])


def test_lines_stand_at_their_frequencies_in_turn():
    ax = plots.line_spectrum(np.array([1.0, 100.0, 0.0]), [np.pi / 4, np.pi / 2], RATE_HZ, periodogram=np.ones(3))
    heard, first, second, model = ax.lines
    assert first.get_xdata()[0] == pytest.approx(1.0)  # kHz
    assert second.get_xdata()[0] == pytest.approx(2.0)
    assert (to_hex(first.get_color()), to_hex(second.get_color())) == (plots.ODD, plots.EVEN)
    np.testing.assert_allclose(heard.get_ydata(), 0)
    np.testing.assert_allclose(model.get_ydata(), [0, 20, np.nan])  # where there is no power nothing is drawn
    assert len({plots.ODD, plots.EVEN, style.MODEL, style.TRUTH}) == 4  # lines, and poles outside and inside
    assert heard.get_color() == style.DATA


def test_the_knob_fits_again():
    x = torch.randn(300, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).cumsum(0)
    periodogram = torch.fft.rfft(x, 1024).abs() ** 2 / 300
    asked = []

    def fit(order):
        asked.append(order)
        return lpc.fit(x, order)

    widget = knobs.order(periodogram, RATE_HZ, fit, line_spectrum.to_line_spectrum, most=20, twin=[6, 2])
    slider, picture = widget.children
    assert (slider.value, slider.min, slider.max) == (6, 1, 20)
    before = picture.value
    slider.value = 12
    assert picture.value != before
    assert [order for order in asked if order] == [6, 12]
