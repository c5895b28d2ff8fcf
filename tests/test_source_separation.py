"""Pictures and knobs of source separation: what is drawn where."""

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from course_lib.plotting import source_separation
from course_lib.widgets import source_separation as knobs


def cloud(N: int = 500) -> torch.Tensor:
    return torch.randn(N, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_histograms_are_scaled_and_stand_under_the_gaussian():
    axs = source_separation.against_gaussian({"one": 7 + 3 * cloud(20_000)[:, 0], "two": cloud()[:, 1]}, axs=list(Figure().subplots(1, 2)))
    heights = np.array([bar.get_height() for bar in axs[0].patches])
    width = axs[0].patches[0].get_width()
    assert abs((heights * width).sum() - 1) < 1e-9  # a density
    curve = axs[0].lines[0].get_ydata()
    assert abs(curve.max() - 1 / math.sqrt(2 * math.pi)) < 1e-3
    assert abs(heights.max() - curve.max()) < 0.05
    assert [ax.get_title() for ax in axs] == ["one", "two"]


def test_a_scatter_has_one_scale_and_arrows_of_one_length():
    ax = source_separation.scatter(cloud(10_000), arrows=torch.tensor([[1.0, 0.0], [1.0, 5.0]]), ax=Figure().subplots())
    assert ax.get_xlim() == ax.get_ylim()
    assert len(ax.lines[0].get_xdata()) <= 4000
    lengths = [math.hypot(*text.xy) for text in ax.texts]
    assert len(lengths) == 2
    assert abs(lengths[0] - lengths[1]) < 1e-9
    with pytest.raises(ValueError, match=r"points must lie in the plane, \(N, 2\), got shape \(9,\)"):
        source_separation.scatter(torch.zeros(9))


def test_paths_begin_at_their_markers_and_do_not_depend_on_scale():
    x, A = cloud(), torch.tensor([[2.0, 1.0], [0.5, 1.0]], dtype=torch.float64)
    ax = source_separation.paths(x, {"start": [A, A @ torch.diag(torch.tensor([3.0, 0.1]).double())]}, truth=A, ax=Figure().subplots())
    path = next(line for line in ax.lines if line.get_marker() == "None" and line.get_linestyle() == "-")
    torch.testing.assert_close(torch.tensor(path.get_xydata()[0]), torch.tensor(path.get_xydata()[1]))
    marker = next(line for line in ax.lines if line.get_marker() == "s")
    np.testing.assert_allclose(marker.get_xydata()[0], path.get_xydata()[0])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["start", "at the end"]


def test_turning_is_a_rotation():
    z = cloud()
    torch.testing.assert_close(knobs.turned(z, torch.tensor(0.0).double()), z)
    quarter = knobs.turned(z, torch.tensor(90.0).double())
    torch.testing.assert_close(quarter, torch.stack([z[:, 1], -z[:, 0]], 1))
    there = knobs.turned(z, torch.tensor(30.0).double())
    torch.testing.assert_close(knobs.turned(there, torch.tensor(-30.0).double()), z)


def test_the_knobs_redraw(monkeypatch):
    monkeypatch.delenv("COURSE_WIDGETS", raising=False)
    box = knobs.unmixing_angle({"a": cloud(), "b": cloud(300)}, lambda s: -s.abs(), twin=[{"sources": "a", "angle": 0}])
    sources, angle, picture = box.children
    before = picture.value
    angle.value = 45
    turned = picture.value
    sources.value = "b"
    assert len({before, turned, picture.value}) == 3


def test_the_twin_is_a_picture(monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    image = knobs.unmixing_angle({"a": cloud()}, lambda s: -s.abs(), twin=[{"sources": "a", "angle": 0}, {"sources": "a", "angle": 30}])
    assert image.data.startswith(b"\x89PNG")
