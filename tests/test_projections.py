"""What the pictures of lecture 5 say is so: feet are perpendicular, the sum is constant, knobs move what they name."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

from course_lib.classical.probabilistic_pca import fit_ppca
from course_lib.plotting import projections
from course_lib.widgets import projections as knobs


def points(n: int = 40, D: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, D, dtype=torch.float64, generator=generator) * torch.tensor([3.0, 2.0, 1.0])[:D] + 1


def test_feet_lie_on_the_line_and_below_their_points():
    x, direction = points(D=2).numpy(), np.array([0.6, 0.8])
    ax = projections.feet_on_line(x, x.mean(0), direction)
    feet = next(np.stack(line.get_data(), 1) for line in ax.lines if line.get_label() == "their feet")
    np.testing.assert_allclose((x - feet) @ direction, 0, atol=1e-12)
    np.testing.assert_allclose((feet - x.mean(0)) @ [0.8, -0.6], 0, atol=1e-12)


def test_the_sum_of_kept_and_lost_is_drawn():
    ax = projections.kept_and_lost([0, 90], [3.0, 1.0], [1.0, 3.0], angle=45.0)
    np.testing.assert_allclose(ax.lines[2].get_ydata(), [4, 4])
    assert ax.lines[3].get_xdata()[0] == 45


def test_the_models_variances_are_the_datas_up_to_k_and_the_noise_after():
    ax = projections.scree([8.0, 4.0, 2.0, 1.0], kept=2, noise_variance=1.5)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [8, 4, 1.5, 1.5])
    assert len(projections.scree([2.0, 1.0]).lines) == 1


def test_space_is_seen_from_the_side_that_was_asked_for():
    ax = plt.figure().add_subplot(projection="3d")
    projections.cloud(points(), ax=ax, view=(35.0, 10.0), title="here")
    assert (ax.elev, ax.azim) == (35.0, 10.0)
    mean, directions = np.ones(3), np.eye(3)[:2]
    projections.flat_sheet(mean, directions[:1], [2.0], ax=ax)
    np.testing.assert_allclose(np.array(ax.lines[0].get_data_3d())[:, [0, -1]].T, [[-1, 1, 1], [3, 1, 1]])
    empty = plt.figure().add_subplot(projection="3d")
    projections.flat_sheet(mean, directions, [2.0, 3.0], ax=empty)
    np.testing.assert_allclose(empty.xy_dataLim.get_points(), [[-1, -2], [3, 4]])


def test_points_outside_space_are_refused():
    with pytest.raises(ValueError, match=r"\(N, 3\), got shape \(5, 2\)"):
        projections.cloud(np.zeros((5, 2)), ax=plt.figure().add_subplot(projection="3d"))


def test_a_class_has_its_name_in_the_middle_of_its_rows():
    z = np.array([[0.0, 0.0], [2.0, 4.0], [10.0, 10.0]])
    ax = projections.coloured_by_class(z, [0, 0, 1], classes=["a", "b", "nobody"])
    assert {(text.get_text(), text.get_position()) for text in ax.texts} == {("a", (1, 2)), ("b", (10, 10))}


def test_turning_the_line_draws_again():
    widget = knobs.turning_line(points(D=2), twin=[0.0, 40.0])
    slider, picture = widget.children
    first = picture.value
    slider.value = 40
    assert picture.value != first


def test_a_latent_point_has_a_path_along_each_direction_through_its_own_place(monkeypatch):
    kept, x, plot = [], points(), knobs.projections.cloud
    monkeypatch.setattr(knobs.projections, "cloud", lambda x, *, ax, **rest: kept.append(ax) or plot(x, ax=ax, **rest))
    models = [fit_ppca(x, K) for K in (1, 2)]
    widget = knobs.space({"roll": x}, {"roll": models}, colours={"roll": x[:, 0]}, draws={"roll": [x, x]})
    widget.children[2].value = 1.0
    here, *paths = (np.stack(line.get_data_3d(), 1) for line in kept[-1].lines)
    np.testing.assert_allclose(here, models[1].decode(torch.tensor([[1.0, 0.0]])))
    ends = torch.tensor([[-2.5, 0.0], [2.5, 0.0], [1.0, -2.5], [1.0, 2.5]], dtype=torch.float64)
    np.testing.assert_allclose(np.concatenate([path[[0, -1]] for path in paths]), models[1].decode(ends))


@pytest.mark.parametrize("knob", range(6))
def test_every_knob_of_space_moves_the_picture(knob):
    x = points()
    models = [fit_ppca(x, K) for K in (1, 2)]
    draws = [model.sample(40, generator=torch.Generator().manual_seed(1)) for model in models]
    other = {"sheet": x + 5, "roll": x}
    widget = knobs.space(other, dict.fromkeys(other, models), colours={name: x[:, 0] for name in other}, draws=dict.fromkeys(other, draws))
    *all_knobs, picture = widget.children
    assert all_knobs[0].value == "roll"
    first, moved = picture.value, all_knobs[knob]
    moved.value = "sheet" if knob == 0 else 1 if knob == 1 else moved.value + 2
    assert picture.value != first


def test_a_latent_point_is_decoded():
    seen = []

    def decode(z):
        seen.append(z)
        return z[:, :1] * torch.ones(1, 16) / 4

    widget = knobs.latent_picture(decode, K=3, side=4, twin=[[0.0, 1.0]])
    first, second, picture = widget.children
    before = picture.value
    first.value = 2.0
    assert seen[-1].tolist() == [[2.0, 0.0, 0.0]]
    assert picture.value != before
    second.value = -1.0
    assert seen[-1].tolist() == [[2.0, -1.0, 0.0]]


def test_each_has_a_static_twin(monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    x = points()
    models = [fit_ppca(x, K) for K in (1, 2)]
    draws = [model.sample(40, generator=torch.Generator().manual_seed(1)) for model in models]
    for twin in (
        knobs.turning_line(x[:, :2], twin=[0.0, 40.0]),
        knobs.space({"roll": x}, {"roll": models}, colours={"roll": x[:, 0]}, draws={"roll": draws}),
        knobs.latent_picture(lambda z: z @ torch.ones(2, 4).double(), K=2, side=2, twin=[[0.0], [1.0]]),
    ):
        assert twin.data.startswith(b"\x89PNG")
