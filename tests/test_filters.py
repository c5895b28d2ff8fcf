"""Pictures and knobs of filters: the sign is the colour, the frame is where the filter is, unvisited places are empty."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from scipy import ndimage

from course_lib.plotting import filters
from course_lib.widgets import filters as knobs


def noise(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_zero_is_white_and_signs_are_two_colours():
    ax = filters.signed([[-2.0, 0.0], [1.0, float("nan")]], numbers=True, grid=True, ax=Figure().subplots())
    (image,) = ax.images
    colours = image.cmap(image.norm(image.get_array()))
    assert colours[0, 1, :3].min() > 0.95
    assert colours[0, 0, 2] > 1.5 * colours[0, 0, 0]  # blue
    assert colours[1, 0, 0] > 1.2 * colours[1, 0, 2]  # red
    assert image.get_clim() == (-2.0, 2.0)
    assert [text.get_text() for text in ax.texts][:3] == ["-2", "0", "1"]


def test_all_zeros_can_be_drawn():
    assert filters.signed(np.zeros((2, 3)), ax=Figure().subplots()).images[0].get_clim() == (-1.0, 1.0)


def test_the_frame_is_around_its_pixels():
    ax = filters.picture(noise(9, 9), box=(2, 5, 3, 4), ax=Figure().subplots())
    (frame,) = ax.patches
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (4.5, 1.5, 4, 3)  # pixel centres are whole numbers


def test_depth_shows_medians_and_quartiles():
    values = np.exp(noise(9, 5).numpy())
    ax = filters.quartiles_by_layer({"plain": values, "other": 2 * values}, label="norm", ax=Figure().subplots())
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.median(values, 0))
    assert list(ax.lines[0].get_xdata()) == [1, 2, 3, 4, 5]
    assert ax.get_yscale() == "log"
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(np.quantile(values, 0.25, axis=0).min())


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (1, 7)])
def test_answers_are_scipys(shape):
    x, kernel = noise(8, 9), noise(*shape)
    np.testing.assert_allclose(knobs.answers(x, kernel), ndimage.correlate(x.numpy(), kernel.numpy(), mode="constant"))


@pytest.mark.parametrize("by_column", [False, True])
def test_the_filter_goes_from_the_first_place_to_the_last(by_column):
    x = noise(3, 4)
    first, place = knobs._visited(x, 0, by_column=by_column)
    assert first.sum() == 1
    assert place == (0, 0)
    last, place = knobs._visited(x, 100, by_column=by_column)
    assert last.all()
    assert place == (2, 3)
    some, (i, j) = knobs._visited(x, 4 / 11 * 100, by_column=by_column)
    assert some.sum() == 5
    assert (i, j) == ((1, 1) if by_column else (1, 0))
    assert some[i, j]


def test_the_knobs_redraw(monkeypatch):
    monkeypatch.delenv("COURSE_WIDGETS", raising=False)
    box = knobs.moving({"a": noise(8, 8), "b": noise(6, 30)}, {"k": noise(3, 3), "l": noise(3, 3) ** 2}, twin=[])
    on, which, place, picture = box.children
    seen = [picture.value]
    for knob, value in ((place, 90), (which, "l"), (on, "b")):
        knob.value = value
        seen.append(picture.value)
    assert len(set(seen)) == 4


def test_the_twin_is_a_picture(monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    image = knobs.moving({"a": noise(8, 8)}, {"k": noise(3, 3)}, twin=[{"on": "a", "filter": "k", "place": 50}])
    assert image.data.startswith(b"\x89PNG")
