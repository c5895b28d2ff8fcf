"""Ellipses say what the covariances say; the step's knob moves the mixture."""

import numpy as np
import pytest
import torch

from course_lib.classical.gmm import GaussianMixture
from course_lib.plotting import mixtures
from course_lib.widgets import mixtures as knobs


def test_an_ellipse_reaches_two_standard_deviations():
    angle = np.pi / 6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag([9.0, 1.0]) @ turn.T
    ax = mixtures.ellipses(np.zeros((1, 2)), [1.0], [[1.0, 2.0]], covariance[None])
    (ellipse,) = ax.patches
    outline = ellipse.get_patch_transform().transform(ellipse.get_path().vertices) - [1.0, 2.0]
    distances = np.sqrt(np.einsum("ni,ij,nj->n", outline, np.linalg.inv(covariance), outline))  # Mahalanobis
    on_curve = distances[np.abs(outline).sum(1) > 0]
    assert distances[0] == pytest.approx(2.0)
    assert on_curve.max() < 2.3  # control points of the Bézier arcs lie a little outside the curve, none inside
    assert on_curve.min() > 1.99


def test_points_off_the_plane_are_refused():
    with pytest.raises(ValueError, match=r"\(N, 2\), got shape \(5, 3\)"):
        mixtures.ellipses(np.zeros((5, 3)), [1.0], [[0.0, 0.0]], np.eye(2)[None])


def test_confusions_are_counted_where_they_belong():
    ax = mixtures.table_of_answers(np.array([[3, 1], [0, 2]]), labels=["a", "b"], unit="words")
    assert {(t.get_text(), t.get_position()) for t in ax.texts} == {("3", (0, 0)), ("1", (1, 0)), ("2", (1, 1))}


def test_the_step_moves_the_mixture_and_an_ended_fit_stays():
    x = torch.zeros(3, 2, dtype=torch.float64)
    history = [GaussianMixture(torch.ones(1), torch.full((1, 2), float(step)), torch.eye(2)[None]) for step in range(3)]
    widget = knobs.fits(x, {"long": history, "short": history[:1]}, twin=[0])
    slider, picture = widget.children
    assert slider.max == 2
    first = picture.value
    slider.value = 2
    assert picture.value != first
