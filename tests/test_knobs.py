"""The figure behind the knobs changes when one is turned, and the twin says the same."""

import ipywidgets
import pytest

from course_lib.widgets import knobs


def _bar(figure, height):
    figure.subplots().bar(["a"], [height])


def test_turning_a_knob_draws_the_figure_again():
    widget = knobs.explore(_bar, {"height": knobs.slider("height", 1, 0, 5, 1)}, twin=[])
    slider, picture = widget.children
    before = bytes(picture.value)
    assert before.startswith(b"\x89PNG")
    slider.value = 4
    assert picture.value != before
    slider.value = 1
    assert picture.value == before  # the same setting, the same picture


def test_the_static_twin_shows_each_setting_under_the_knobs_name():
    figure = knobs.static_twin(
        _bar, {"height": knobs.whole_slider("height in m", 1, 0, 5)}, [{"height": 1}, {"height": 4}], figsize=(3.0, 2.0)
    )
    columns = figure.subfigs
    assert [column.get_suptitle() for column in columns] == ["height in m = 1", "height in m = 4"]
    assert [column.axes[0].patches[0].get_height() for column in columns] == [1, 4]


def test_where_no_widget_can_run_the_twin_is_a_picture(monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    picture = knobs.explore(_bar, {"height": knobs.whole_slider("height", 1, 0, 5)}, twin=[{"height": 1}])
    assert picture.data.startswith(b"\x89PNG")


def test_a_twin_that_names_other_knobs_is_refused():
    with pytest.raises(ValueError, match=r"\['height'\], got \['width'\]"):
        knobs.explore(_bar, {"height": ipywidgets.IntSlider()}, twin=[{"width": 1}])
