"""Pictures and the knob of flows: what is drawn where."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from course_lib.plotting import flows
from course_lib.widgets import flows as knobs


def test_strips_of_one_colour_hold_one_mass():
    x = torch.linspace(-2, 2, 81)
    left, middle, below = flows.change_of_variables(x, 2 * x, torch.full((81,), 0.25), torch.full((81,), 0.125), strips=4)
    assert len(left.collections) == len(middle.lines) == len(below.collections) == 4
    areas = [[abs(_area(collection.get_paths()[0].vertices)) for collection in ax.collections] for ax in (left, below)]
    np.testing.assert_allclose(areas[0], areas[1])
    np.testing.assert_allclose(sum(areas[0]), 1)
    colours = [collection.get_facecolor()[0][:3].tolist() for collection in left.collections]
    assert colours == [collection.get_facecolor()[0][:3].tolist() for collection in below.collections]


def _area(corners: np.ndarray) -> float:
    x, y = corners.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def test_zeros_of_a_jacobian_are_white_and_signs_have_colours():
    axs = flows.jacobians({"one": torch.tensor([[1.0, 0.0], [-0.01, 4.0]])}, axs=[Figure().subplots()])
    shown = axs[0].images[0].get_array()
    assert shown[0, 1] == 0
    assert shown[1, 0] < 0 < shown[0, 0] < shown[1, 1]
    assert -shown[1, 0] > 0.04  # a small entry is still seen
    assert axs[0].get_title() == "one"


def test_a_warped_grid_shows_each_line_and_point():
    lines, points = torch.randn(3, 5, 2), torch.randn(7, 2)
    ax = flows.warped_grid(lines, points, colours=torch.arange(7), limits=2, ax=Figure().subplots())
    drawn, dots = ax.collections
    np.testing.assert_allclose(drawn.get_segments()[1], lines[1].numpy(), rtol=1e-6)
    np.testing.assert_allclose(dots.get_offsets(), points.numpy(), rtol=1e-6)
    assert ax.get_xlim() == ax.get_ylim() == (-2, 2)


def test_points_without_colours_have_one(recwarn):
    ax = flows.warped_grid(torch.randn(3, 5, 2), torch.randn(7, 2), ax=Figure().subplots())
    assert len(ax.collections[1].get_facecolor()) == 1
    assert not recwarn.list


def test_draws_are_counted_over_the_density():
    x = torch.linspace(-2, 2, 81)
    drawn = torch.linspace(-2, 2, 4001)[:-1]  # evenly, as the density says
    axes = flows.change_of_variables(x, 2 * x, torch.full((81,), 0.25), torch.full((81,), 0.125), strips=4, drawn=drawn)
    heights = axes[2].patches[0].get_xy()[1:-1, 1]
    np.testing.assert_allclose(heights, 0.25, rtol=0.01)


def test_a_density_map_has_its_first_axis_across():
    density = torch.zeros(4, 4)
    density[3, 0] = 1.0  # large x₁, small x₂: at the lower right
    ax = flows.density_map(density, (-1, 1), points=torch.zeros(1, 2), title="p", ax=Figure().subplots())
    image = ax.images[0]
    assert image.get_array()[0, 3] == 1
    assert image.origin == "lower"
    assert tuple(image.get_extent()) == (-1, 1, -1, 1)
    spiky = flows.density_map(torch.arange(100.0).reshape(10, 10), (0, 1), quantile=0.5, ax=Figure().subplots())
    assert spiky.images[0].get_clim()[1] == pytest.approx(49.5)


def test_the_knob_redraws(monkeypatch):
    monkeypatch.delenv("COURSE_WIDGETS", raising=False)
    lines = [torch.randn(3, 4, 2) for _ in range(3)]
    points = [torch.randn(5, 2) for _ in range(3)]
    shown = knobs.layers(lines, points, colours=torch.arange(5), target=torch.randn(9, 2), twin=[0, 2])
    slider, picture = shown.children
    assert (slider.min, slider.max, slider.value) == (0, 2, 2)
    before = picture.value
    slider.value = 1
    assert picture.value != before
    with pytest.raises(ValueError, match="equally many layers, got 2 and 3"):
        knobs.layers(lines[:2], points, colours=torch.arange(5), target=torch.randn(9, 2), twin=[0])


def test_the_static_twin_is_a_picture(monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    grids, clouds = [torch.zeros(1, 2, 2)] * 2, [torch.zeros(1, 2)] * 2
    assert knobs.layers(grids, clouds, colours=torch.zeros(1), target=torch.zeros(1, 2), twin=[0, 1]).data[:4] == b"\x89PNG"
