"""Pictures and heat maps show the numbers they are given: each test reads them back from the Axes."""

import numpy as np
import pytest
import torch

from course_lib.plotting import images


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


def test_a_missing_pixel_is_neither_paper_nor_ink():
    pictures = np.array([[[0.0, 1.0], [np.nan, 0.5]]])
    ax = images.image_grid(pictures, columns=1)
    shown = ax.images[0].to_rgba(ax.images[0].get_array())[..., :3]
    np.testing.assert_allclose(shown[0], [[1, 1, 1], [0, 0, 0]], atol=1e-6)  # the range is that of the pixels there are
    assert np.ptp(shown[1, 0]) > 0.3  # a colour, not a grey
    assert np.ptp(shown[1, 1]) < 1e-6
