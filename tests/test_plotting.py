"""Figures show the numbers they are given: each test reads them back from the Axes."""

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from course_lib.plotting import densities, estimates, images, style


def test_every_picture_of_a_grid_is_shown_where_it_belongs_with_its_greys():
    pictures = np.linspace(0, 1, 3 * 8 * 8).reshape(3, 8, 8)
    ax = images.image_grid(pictures, columns=2, value_range=(0, 1))
    sheet = ax.images[0].get_array()
    assert sheet.shape == (17, 17)  # two pictures and a gap of one pixel, each way
    np.testing.assert_array_equal(sheet[:8, :8], pictures[0])
    np.testing.assert_array_equal(sheet[:8, 9:], pictures[1])
    np.testing.assert_array_equal(sheet[9:, :8], pictures[2])
    assert sheet[9:, 9:].max() == 0  # no fourth picture
    assert ax.images[0].get_clim() == (0, 1)


def test_a_grid_takes_one_channel_and_refuses_flat_rows():
    assert images.image_grid(torch.zeros(1, 1, 8, 8), columns=1).images[0].get_array().shape == (8, 8)
    with pytest.raises(ValueError, match=r"\(N, H, W\) or \(N, 1, H, W\), got shape \(3, 64\)"):
        images.image_grid(np.zeros((3, 64)))


def test_a_heat_map_names_its_number():
    ax = images.heat_map(np.eye(3), label="bits")
    np.testing.assert_array_equal(ax.images[0].get_array(), np.eye(3))
    assert ax.figure.axes[1].get_ylabel() == "bits"


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


def test_a_likelihood_is_marked_at_its_estimate():
    curve, point, _ = estimates.likelihood_curve([0.0, 0.5, 1.0], [-3.0, -1.0, -2.0], estimate=0.5, label="coin").lines
    np.testing.assert_array_equal(point.get_xydata(), [[0.5, -1.0]])
    assert curve.get_label() == "coin"


def test_running_estimates_stand_in_a_band_of_two_standard_errors():
    ax = estimates.running_estimates(np.full((100, 1), 0.3), truth=[0.5], labels=["heads"])
    band = ax.collections[0].get_paths()[0].vertices
    at_100 = band[band[:, 0] == 100][:, 1]
    assert sorted(set(np.round(at_100, 12))) == [0.4, 0.6]  # ½ ± 2 · √(½·½/100)


def test_the_style_is_one_that_the_colour_blind_can_tell_apart():
    style.use()
    assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"] == list(style.PALETTE)
    assert style.axes(None).figure is not style.axes(None).figure
    ax = Figure().subplots()
    assert style.axes(ax) is ax
