"""What is said and shown of a latent space: active axes, factors told, the bound and its gap, the atlas, the knobs."""

import math

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from sklearn.linear_model import LinearRegression

from course_lib.metrics.latents import active_units, variance_explained
from course_lib.plotting import latents
from course_lib.widgets import latents as knobs


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


Z = torch.linspace(-8, 8, 3201, dtype=torch.float64)


def log_joint(scale: float = 0.3) -> torch.Tensor:
    """An unnormalised posterior with mean 1 and standard deviation ½, and log p(x) = log scale."""
    return math.log(scale) - 0.5 * math.log(2 * math.pi * 0.25) - 2 * (Z - 1).square()


# ------------------------------------------------------------------------------------------------------------- measures


def test_an_axis_is_active_where_its_means_differ():
    z = torch.randn(1000, 3, generator=seeded(0)) * torch.tensor([1.0, 0.05, 0.2]) + torch.tensor([0.0, 7.0, -3.0])
    assert active_units(z).tolist() == [True, False, True]  # variances 1, 0.0025, 0.04, and the mean does not count
    assert active_units(z, threshold=0.1).tolist() == [True, False, False]
    with pytest.raises(ValueError, match="means must have at least 2 rows, or nothing can differ, got 1"):
        active_units(z[:1])


def test_what_a_linear_map_tells_is_scikit_learns_score():
    z, noise = torch.randn(300, 4, generator=seeded(1)), torch.randn(300, 3, generator=seeded(2))
    factors = z @ torch.randn(4, 3, generator=seeded(3)) + noise * torch.tensor([0.1, 1.0, 10.0]) + 5
    ours = variance_explained(z, factors)
    for column, value in zip(factors.T.numpy(), ours, strict=True):
        torch.testing.assert_close(value.item(), LinearRegression().fit(z.numpy(), column).score(z.numpy(), column), rtol=1e-5, atol=1e-5)
    assert ours[0] > 0.99 > ours[1] > ours[2] > 0
    useless = torch.cat([z, torch.zeros(300, 1)], 1)  # a dead axis changes nothing
    torch.testing.assert_close(variance_explained(useless, factors), ours)


def test_what_cannot_be_told_is_refused():
    with pytest.raises(ValueError, match=r"more rows than its columns and one, 5, .* got 5"):
        variance_explained(torch.randn(5, 4), torch.randn(5, 1))
    with pytest.raises(ValueError, match="every factor must vary, factor 1 is constant"):
        variance_explained(torch.randn(9, 2), torch.stack([torch.arange(9.0), torch.ones(9)], 1))


# ------------------------------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(("mean", "std"), [(1.0, 0.5), (0.0, 1.0), (1.0, 0.25)])
def test_bound_and_gap_make_up_log_p(mean, std):
    """Against the divergence of two Gaussians in closed form."""
    gap = math.log(0.5 / std) + (std**2 + (mean - 1) ** 2) / (2 * 0.25) - 0.5
    ax = latents.bound_and_gap(Z, log_joint(), mean=mean, std=std)
    total, bound, between = (line.get_ydata() for line in ax.lines)
    np.testing.assert_allclose(total, math.log(0.3), atol=1e-6)
    np.testing.assert_allclose(bound, math.log(0.3) - gap, atol=1e-6)
    np.testing.assert_allclose(between, [math.log(0.3) - gap, math.log(0.3)], atol=1e-6)


def test_the_posterior_is_drawn_with_area_one():
    ax = latents.posterior_and_guess(Z, log_joint(), mean=1.0, std=0.5)
    prior, guess = (line.get_ydata() for line in ax.lines)
    step = (Z[1] - Z[0]).item()
    for density in (prior, guess):
        np.testing.assert_allclose(density.sum() * step, 1, atol=1e-6)
    top = ax.collections[0].get_paths()[0].vertices[:, 1].max()
    np.testing.assert_allclose([top, guess.max()], 1 / math.sqrt(2 * math.pi * 0.25), atol=1e-6)  # the right guess is the posterior


def test_an_atlas_has_its_pictures_in_place():
    pictures = np.zeros((2, 3, 4, 5))
    pictures[0, 2, 0, 0] = 1  # upper right picture, its upper left pixel
    ax = latents.atlas(pictures, centre=(1.0, -1.0), span=2.0)
    sheet = ax.images[0].get_array()
    assert sheet.shape == (8, 15)
    assert sheet[0, 10] == 1
    assert ax.images[0].get_extent() == [-1, 3, -3, 1]
    with pytest.raises(ValueError, match=r"\(R, C, H, W\), got shape \(2, 3, 4\)"):
        latents.atlas(pictures[..., 0])


# ------------------------------------------------------------------------------------------------------------- knobs


def test_a_better_guess_is_drawn_anew():
    widget = knobs.bound(Z, log_joint(), twin=[(0.0, 1.0), (1.0, 0.5)])
    mean, std, picture = widget.children
    for slider, value in ((mean, 1.0), (std, 0.5)):
        before = picture.value
        slider.value = value
        assert picture.value != before


def test_the_atlas_decodes_the_square_that_is_marked():
    seen = []

    def decode(z):
        seen.append(z)
        return z.sum(1)[:, None, None].expand(-1, 2, 2).clamp(0, 1)

    widget = knobs.atlas(decode, torch.randn(20, 2), torch.arange(20) % 2, classes=["a", "b"], twin=[(0.0, 0.0, 2.0)])
    z1, _, span, picture = widget.children
    before = picture.value
    z1.value, span.value = 1.0, 0.5
    assert picture.value != before
    points = seen[-1].view(9, 9, 2)
    torch.testing.assert_close(points.mean((0, 1)), torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(points[0, -1], torch.tensor([1.0 + 4 / 9, 4 / 9]))  # upper right: both largest
    torch.testing.assert_close(points[0, 0], torch.tensor([1.0 - 4 / 9, 4 / 9]))


def test_a_digit_is_drawn_to_order():
    seen = []

    def decode(z, label):
        seen.append((z.tolist(), label))
        return torch.full((1, 4, 4), 0.1 * label)

    widget = knobs.drawn_to_order(decode, K=3, classes="012", names=["lean", "ink"], twin=[("1", (0.0, 0.5))])
    choice, lean, ink, picture = widget.children
    assert seen[-1] == ([[0.0, 0.5, 0.0]], 1)
    before = picture.value
    choice.value = "2"
    assert picture.value != before
    lean.value, ink.value = -1.0, 1.0
    assert seen[-1] == ([[-1.0, 1.0, 0.0]], 2)


def test_each_has_a_static_twin(monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    codes = torch.randn(20, 2, generator=seeded(0))
    for twin in (
        knobs.bound(Z, log_joint(), twin=[(0.0, 1.0), (1.0, 0.5)]),
        knobs.atlas(lambda z: torch.zeros(len(z), 2, 2), codes, torch.arange(20) % 2, classes="ab", twin=[(0.0, 0.0, 2.0)]),
        knobs.drawn_to_order(lambda z, label: torch.zeros(1, 2, 2), K=1, classes="01", names=["lean"], twin=[("0", (0.0,)), ("1", (1.0,))]),
    ):
        assert twin.data.startswith(b"\x89PNG")
    assert not plt.get_fignums()
