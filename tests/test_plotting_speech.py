"""Figures of speech: they show the numbers they were given, where they belong."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from course_lib.plotting import speech

mpl.use("agg")


def test_the_path_lies_on_the_map_as_a_period():
    alike = np.random.default_rng(0).uniform(-1, 1, (5, 11))
    ax = speech.pitch_map(alike, np.linspace(0.005, 0.010, 11), [0, 200, 125, 0, 100], hop_s=0.01)
    (path,) = ax.get_lines()
    np.testing.assert_allclose(path.get_ydata(), [np.nan, 5, 8, np.nan, 10])
    np.testing.assert_allclose(path.get_xdata(), [0, 0.01, 0.02, 0.03, 0.04])
    np.testing.assert_array_equal(ax.images[0].get_array(), alike.T)
    assert ax.get_xlabel() == "time (s)"
    assert ax.get_ylabel() == "lag (ms)"


def test_a_map_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"alike must be \(frames, lags\) = \(3, 2\)"):
        speech.pitch_map(np.zeros((2, 3)), [0.001, 0.002], [0, 0, 0], hop_s=0.01)


def test_source_and_tract_add_up_in_db():
    figure = Figure()
    speech.source_and_tract([0.5, 1.0], [0.0, -3.0], [0.0, 1.0, 2.0], [10.0, 20.0, 0.0], levels_db=(-40, 30), figure=figure)
    _, _, right = figure.axes
    assert [ax.get_ylim() for ax in figure.axes] == [(-40, 30)] * 3
    tops = [segment[1] for segment in right.collections[0].get_segments()]
    np.testing.assert_allclose(tops, [[0.5, 15.0], [1.0, 17.0]])


def test_each_way_of_sending_is_a_point_with_its_name():
    ax = speech.rate_and_distance(["all", "some"], [256_000, 2400], [0.0, 6.5])
    assert [line.get_xydata().tolist() for line in ax.get_lines()] == [[[256_000, 0.0]], [[2400, 6.5]]]
    assert [text.get_text() for text in ax.texts] == ["all", "some"]
    assert ax.get_xscale() == "log"
