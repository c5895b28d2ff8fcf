"""Histograms, quantiles and mountains show the numbers they are given: each test reads them back from the Axes."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from course_lib.plotting import densities


def test_a_histogram_is_a_density_and_its_logarithmic_axis_holds_a_single_point():
    values = np.random.default_rng(0).normal(size=1000)
    ax = densities.histogram_and_density(values, [-1, 1], [0.2, 0.3], bins=20, logarithmic=True)
    bars = ax.patches
    assert sum(bar.get_height() * bar.get_width() for bar in bars) == pytest.approx(1)
    one_point = min(bar.get_height() for bar in bars if bar.get_height() > 0)
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] < one_point


def test_quantiles_are_sorted_against_the_expected_ones():
    points, diagonal = densities.quantiles([3.0, 1.0, 2.0], [0.9, 2.0, 3.1], unit="σ").lines
    np.testing.assert_array_equal(points.get_xydata(), [[0.9, 1], [2, 2], [3.1, 3]])
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())


def test_a_mountain_and_its_map_show_the_same_density():
    x1, x2 = np.meshgrid(np.arange(5.0), np.arange(5.0))
    mountain, chart = densities.surface(x1, x2, 0.7 * np.exp(-x1), figure=Figure())
    assert mountain.get_zlim()[1] == pytest.approx(0.7)
    (lines,) = chart.collections
    assert max(lines.levels) == pytest.approx(0.95 * 0.7)
    line = lines.get_paths()[list(lines.levels).index(0.4 * 0.7)].vertices
    assert line[:, 0].max() < 1.6  # the density falls along x1 alone
    assert np.ptp(line[:, 1]) == 4
