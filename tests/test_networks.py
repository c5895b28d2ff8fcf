"""What the pictures of lecture 7 say is so: the graph's numbers, the walk's ends, the table's errors; knobs move what they name."""

import numpy as np
import pytest
import torch
from IPython.display import Image
from matplotlib import pyplot as plt
from matplotlib.text import Annotation

from course_lib.plotting import networks as plots
from course_lib.widgets import networks as knobs

# d = w·x, loss = d·d: the last node uses d twice
GRAPH = (["w", "x", "×", "×"], [3.0, -2.0, -6.0, 36.0], [24.0, -36.0, -12.0, 1.0], [(0, 2, -2.0), (1, 2, 3.0), (2, 3, -6.0), (2, 3, -6.0)])


def words(ax: plt.Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text().strip() and not isinstance(text, Annotation)]


def test_the_graph_says_name_value_gradient_and_slopes():
    said = words(plots.computational_graph(*GRAPH))
    assert sorted(said) == sorted(["w", "x", "×", "×", "3", "−2", "−6", "36", "24", "−36", "−12", "1", "×−2", "×3", "×−6", "×−6"])


def test_the_graph_runs_from_left_to_right_and_no_box_hides_another():
    places = plots._places(4, [edge[:2] for edge in GRAPH[3]])
    assert all(places[begin, 0] < places[end, 0] for begin, end, _ in GRAPH[3])
    assert len(np.unique(places.round(6), axis=0)) == 4
    arrows = [text for text in plots.computational_graph(*GRAPH).texts if isinstance(text, Annotation)]
    bends = [arrow.arrow_patch.get_connectionstyle().rad for arrow in arrows]
    assert bends[:2] == [0, 0]
    assert bends[2] == -bends[3] != 0  # a number used twice has two arrows to be seen


def test_an_arrow_over_a_column_bows_around_what_stands_there():
    # 0 → 1 → 2 → 3 and 0 → 3, whose slope must not lie on a box
    edges = [(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (0, 3, 9.0)]
    ax = plots.computational_graph(list("abcd"), [1.0] * 4, [1.0] * 4, edges)
    arrows = [text for text in ax.texts if isinstance(text, Annotation)]
    bends = [arrow.arrow_patch.get_connectionstyle().rad for arrow in arrows]
    assert bends[:3] == [0, 0, 0]
    assert bends[3] != 0
    (slope,) = (text.get_position() for text in ax.texts if text.get_text() == "×9")
    assert np.abs(slope[1] - plots._places(4, [edge[:2] for edge in edges])[:, 1]).min() > 0.4  # half of a box


def test_a_node_stands_before_all_that_is_made_from_it():
    # 0 → 1 → 2 → 3 and 0 → 3: the longest way decides
    places = plots._places(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    assert (np.diff(places[:, 0]) > 0).all()


def test_a_walk_begins_with_a_ring_and_ends_with_a_disc():
    axis = np.linspace(-2, 2, 9)
    path = np.array([[1.0, 1.0], [0.5, 0.2], [0.0, -0.1]])
    ax = plots.landscape(1 + axis[:, None] ** 2 + axis**2, axis, axis, {"one": path, "two": -path}, names=("$w$", "$v$"))
    walked, ring, disc = ax.lines[:3]
    np.testing.assert_array_equal(walked.get_xydata(), path)
    np.testing.assert_array_equal(ring.get_xydata(), path[:1])
    assert ring.get_markerfacecolor() == "white"
    np.testing.assert_array_equal(disc.get_xydata(), path[-1:])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    assert ax.get_xlim() == (-2, 2)


def test_curves_and_depths_are_drawn_on_a_logarithmic_scale():
    ax = plots.loss_curve([3.0, 2.0, 1.0], floor=0.5)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3, 2, 1])
    assert ax.lines[1].get_ydata()[0] == 0.5
    assert ax.get_yscale() == "log"
    ax = plots.through_depth({"a": [1.0, 0.1, 0.01]}, ylabel="size")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, 0.1, 0.01])
    assert ax.get_yscale() == "log"


def test_only_errors_are_coloured():
    ax = plots.confusions([[5, 0], [2, 7]], ["a", "b"])
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0, 0], [2, 0]])
    assert {text.get_text(): text.get_position() for text in ax.texts} == {"5": (0, 0), "2": (0, 1), "7": (1, 1)}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("read as", "is")


def test_each_picture_has_its_words_and_empty_places_stay_empty():
    axes = plt.figure().subplots(1, 3)
    plots.captioned(torch.eye(4).reshape(1, 1, 4, 4).repeat(2, 1, 1, 1), ["first", "second"], axes)
    assert [ax.get_title() for ax in axes] == ["first", "second", ""]
    assert [len(ax.images) for ax in axes] == [1, 1, 0]


def test_more_folds_are_drawn_when_the_knob_asks():
    grid = torch.linspace(-1, 1, 5)
    fits = {H: (torch.ones(5, H), torch.full((5,), float(H))) for H in (1, 2)}
    slider, picture = knobs.folds(grid, grid, grid, fits, twin=[1, 2]).children
    first = picture.value
    slider.value = 2
    assert picture.value != first


def test_every_fold_is_drawn_beside_their_sum(monkeypatch):
    kept = []
    monkeypatch.setattr(knobs.knobs, "explore", lambda draw, *_, **__: kept.append(draw) or Image(b""))
    grid, hinges = torch.linspace(-1, 1, 5), torch.arange(10.0).reshape(5, 2)
    knobs.folds(grid, grid, grid, {2: (hinges, hinges.sum(1))}, twin=[2])
    kept[0](figure := plt.figure(), units=2)
    left, right = figure.axes
    np.testing.assert_array_equal([line.get_ydata() for line in left.lines], hinges.T)
    np.testing.assert_array_equal(right.lines[1].get_ydata(), hinges.sum(1))


def test_each_knob_of_the_walk_reaches_the_walk():
    asked = []

    def walk(*setting):
        asked.append(setting)
        return torch.tensor([[1.0, 1.0], [float("inf"), 0.0]]) if setting[1] == 3.0 else torch.tensor([[1.0, 1.0], [0.5, 0.5]])

    def loss(place):
        return 1 + place.square().sum(-1)

    twin = [("SGD", 0.1, 4, "here")]
    widget = knobs.descent(walk, loss, rules=["SGD", "Adam"], starts=["here", "there"], rows=8, reach=2.0, twin=twin)
    rule, rate, batch, start, _ = widget.children
    rule.value, batch.value, start.value = "Adam", 8, "there"
    rate.value = 3.0  # too large: the walk leaves every map, and is drawn as far as it can be
    assert asked == [twin[0], ("Adam", 0.1, 4, "here"), ("Adam", 0.1, 8, "here"), ("Adam", 0.1, 8, "there"), ("Adam", 3.0, 8, "there")]


def test_the_first_weights_are_measured_as_the_knobs_say():
    asked = []

    def sizes(activation, gain):
        asked.append((activation, gain))
        return torch.ones(4), torch.ones(4)

    widget = knobs.first_weights(sizes, activations=["relu", "tanh"], twin=[("relu", 2.0)])
    widget.children[0].value = "tanh"
    widget.children[1].value = 0.5
    assert asked == [("relu", 2.0), ("tanh", 2.0), ("tanh", 0.5)]


@pytest.mark.parametrize("name", ["folds", "descent", "first_weights"])
def test_every_widget_has_its_twin(name, monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    line = torch.linspace(-1, 1, 5)
    shown = {
        "folds": lambda: knobs.folds(line, line, line, {1: (line[:, None], line)}, twin=[1]),
        "descent": lambda: knobs.descent(
            lambda *_: torch.ones(3, 2),
            lambda place: 1 + place.square().sum(-1),
            rules=["SGD"],
            starts=["here"],
            rows=4,
            reach=1.0,
            twin=[("SGD", 0.1, 4, "here")],
        ),
        "first_weights": lambda: knobs.first_weights(lambda *_: (line.exp(), line.exp()), activations=["relu"], twin=[("relu", 1.0)]),
    }[name]()
    assert shown.data.startswith(b"\x89PNG")
