"""Pictures of codes show the numbers that they are given."""

import numpy as np
import pytest
from IPython.display import Image

from course_lib.plotting import codes
from course_lib.widgets import codes as knobs


def test_the_histogram_shows_shares():
    ax = codes.histogram([0, 0, 1, -3, 50], reach=4)
    shares = {round(bar.get_x() + 0.5): bar.get_height() for bar in ax.patches}
    assert {value: share for value, share in shares.items() if share} == {0: 0.4, 1: 0.2, -3: 0.2}
    wide = codes.histogram(np.arange(-500, 501), reach=500)
    np.testing.assert_allclose([bar.get_height() for bar in wide.patches[:-1]], 1 / 1001)


def test_the_bars_end_where_the_bits_do():
    ax = codes.bits_by_part({"a": {"residual": 5, "side": 1}, "b": {"residual": 2, "side": 3}}, marks={"ideal": [5.5, 4]})
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 5), (0, 2), (5, 1), (2, 3)]
    (line,) = ax.get_lines()
    assert list(line.get_xdata()) == [5.5, 4]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]


def test_a_mistake_is_named():
    with pytest.raises(ValueError, match="reach must be at least 1, got 0 values"):
        codes.histogram([], reach=3)
    with pytest.raises(ValueError, match="every file must have the same parts"):
        codes.bits_by_part({"a": {"x": 1}, "b": {"y": 1}})
    with pytest.raises(ValueError, match="one number for each of the 1 files"):
        codes.bits_by_part({"a": {"x": 1}}, marks={"ideal": [1, 2]})


def test_the_knob_moves_the_staircase_and_the_twin_shows_three(monkeypatch):
    bits = np.array([9.0, 5.0, 4.0, 4.5, 5.5, 6.5])
    widget = knobs.rice_parameter([0, -3, 2, 9], bits, reach=10)
    slider, picture = widget.children
    assert (slider.value, slider.max) == (0, 5)
    first = picture.value
    slider.value = 2
    assert picture.value != first
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    assert isinstance(knobs.rice_parameter([0, -3, 2, 9], bits, reach=10), Image)
