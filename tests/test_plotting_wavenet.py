"""Pictures of WaveNet show the numbers that they are given."""

import numpy as np
import pytest

from course_lib.plotting import style
from course_lib.plotting import wavenet as plots


def heard_at(ax, height: int) -> list[int]:
    """The coloured dots of a row."""
    (line,) = [line for line in ax.get_lines() if line.get_color() == style.PALETTE[0] and set(line.get_ydata()) == {height}]
    return sorted(int(t) for t in line.get_xdata())


def test_the_coloured_samples_are_the_receptive_field():
    ax = plots.dilations([1, 2, 4])
    assert heard_at(ax, 0) == list(range(1, 9))  # 8 of 9
    assert heard_at(ax, 1) == [2, 4, 6, 8]
    assert heard_at(ax, 3) == [8]
    assert ax.get_title("left") == "3 layers of 2 taps: the last output hears 8 samples"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["samples", "dilation 1", "dilation 2", "dilation 4"]


def test_more_taps_and_less_room():
    assert heard_at(plots.dilations([1, 3], kernel=3), 0) == list(range(1, 10))
    assert heard_at(plots.dilations([1, 1], shown=10), 0) == [7, 8, 9]
    assert heard_at(plots.dilations([8], shown=4), 0) == [3]


def test_the_expectation_has_a_column_a_sample():
    p = np.full((16, 5), 1 / 16)
    ax = plots.expectation(p, [1, 2, 3, 4, 15], 1000, start_s=0.1)
    assert ax.images[0].get_array().shape == (16, 5)
    np.testing.assert_allclose(ax.images[0].get_extent(), [99.5, 104.5, -0.5, 15.5])
    np.testing.assert_allclose(ax.get_lines()[0].get_xdata(), [100, 101, 102, 103, 104])


def test_the_bars_of_a_model_add_up():
    ax = plots.bits({"LPC": {"samples": 4.0, "side information": 0.5}, "WaveNet": {"samples": 3.0}})
    bars = [(bar.get_x(), bar.get_width()) for bar in ax.patches if bar.get_width()]
    assert bars == [(0, 4), (4, 0.5), (0, 3)]
    assert [text.get_text() for text in ax.texts] == ["4.50", "3.00"]


def test_a_mistake_is_named():
    with pytest.raises(ValueError, match=r"must be at least 1, got 2 and \[1, 0\]"):
        plots.dilations([1, 0])
    with pytest.raises(ValueError, match=r"got \(16, 5\) and \(4,\)"):
        plots.expectation(np.zeros((16, 5)), np.zeros(4), 8000)
