"""Toy sets: the points lie where the formula says, as densely as it says."""

import math

import pytest
import torch
from scipy import stats

from course_lib.datasets import toy

SETS = [toy.moons, toy.rings, toy.swiss_roll, toy.checkerboard, toy.gaussian_blobs]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def looks_uniform(values, low, high):
    """A Kolmogorov–Smirnov test that a right sampler fails for one seed in ten thousand."""
    return stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-4


@pytest.mark.parametrize("draw", SETS)
def test_points_come_from_the_generator_alone(draw):
    before = torch.get_rng_state()
    x, again, other = (draw(100, generator=generator(seed)) for seed in (5, 5, 6))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(x, again)
    assert not torch.equal(x, other)
    assert x.dtype == torch.float64
    assert x.shape == (100, 3 if draw is toy.swiss_roll else 2)
    assert draw(1, generator=generator()).shape[0] == 1


@pytest.mark.parametrize("draw", SETS)
def test_no_points_is_an_error(draw):
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        draw(0, generator=generator())


@pytest.mark.parametrize(
    ("draw", "wrong", "message"),
    [
        (toy.moons, {"noise": -0.1}, "noise must be at least 0, got -0.1"),
        (toy.rings, {"number": 0}, "number must be at least 1, got 0"),
        (toy.swiss_roll, {"noise": math.nan}, "noise must be at least 0, got nan"),
        (toy.checkerboard, {"squares": 3}, "squares must be an even number of at least 2, got 3"),
        (toy.gaussian_blobs, {"spread": -1.0}, r"spread must be at least 0, got -1\.0"),
    ],
)
def test_a_wrong_parameter_is_named(draw, wrong, message):
    with pytest.raises(ValueError, match=message):
        draw(10, generator=generator(), **wrong)


def test_moons_without_noise_are_two_half_circles():
    x = toy.moons(4000, generator=generator(), noise=0.0)
    upper = ((x.norm(dim=1) - 1).abs() < 1e-9) & (x[:, 1] >= 0)
    lower = (((x - torch.tensor([1.0, 0.5])).norm(dim=1) - 1).abs() < 1e-9) & (x[:, 1] <= 0.5)
    assert (upper ^ lower).all()
    assert abs(upper.double().mean() - 0.5) < 4 * 0.5 / math.sqrt(4000)  # four standard errors
    assert looks_uniform(torch.atan2(x[upper, 1], x[upper, 0]), 0, math.pi)
    angle = torch.atan2(0.5 - x[lower, 1], 1 - x[lower, 0])
    assert looks_uniform(angle, 0, math.pi)


def test_rings_have_their_radii_and_even_angles():
    x = toy.rings(6000, generator=generator(), number=3, noise=0.0)
    radius = x.norm(dim=1)
    assert torch.allclose(radius, radius.round())
    share = radius.round().long().bincount()[1:] / 6000
    assert len(share) == 3
    assert (share - 1 / 3).abs().max() < 4 * math.sqrt(2 / 9 / 6000)
    assert looks_uniform(torch.atan2(x[:, 1], x[:, 0]), -math.pi, math.pi)


def test_the_roll_unrolls_to_a_rectangle():
    x = toy.swiss_roll(4000, generator=generator())
    angle = (x[:, 0] ** 2 + x[:, 2] ** 2).sqrt()
    torch.testing.assert_close(x[:, 0], angle * angle.cos())
    torch.testing.assert_close(x[:, 2], angle * angle.sin())
    assert looks_uniform(angle, 1.5 * math.pi, 4.5 * math.pi)
    assert looks_uniform(x[:, 1], 0, 21)
    assert abs(torch.corrcoef(torch.stack([angle, x[:, 1]]))[0, 1]) < 4 / math.sqrt(4000)


@pytest.mark.parametrize("draw", [toy.moons, toy.rings, toy.swiss_roll])
def test_noise_is_normal_with_its_width_in_every_direction(draw):
    clean, noisy = (draw(4000, generator=generator(), noise=noise) for noise in (0.0, 0.3))
    noise = (noisy - clean) / 0.3  # the same generator: the points differ by the noise alone
    for axis in noise.T:
        assert stats.kstest(axis, "norm").pvalue > 1e-4
    correlation = torch.corrcoef(noise.T) - torch.eye(noise.shape[1])
    assert correlation.abs().max() < 4 / math.sqrt(4000)


@pytest.mark.parametrize("squares", [2, 4, 6])
def test_the_board_is_dark_where_points_fall_and_evenly_so(squares):
    x = toy.checkerboard(9000, generator=generator(), squares=squares)
    cell = (x + squares / 2).floor().long()
    assert cell.min() == 0
    assert cell.max() == squares - 1
    counts = (cell[:, 1] * squares + cell[:, 0]).bincount(minlength=squares**2).reshape(squares, squares)
    dark = (torch.arange(squares)[:, None] + torch.arange(squares)) % 2 == 0
    assert (counts[~dark] == 0).all()
    assert stats.chisquare(counts[dark]).pvalue > 1e-4
    assert looks_uniform((x[:, 0] + squares / 2) % 1, 0, 1)
    assert looks_uniform((x[:, 1] + squares / 2) % 1, 0, 1)


@pytest.mark.parametrize("squares", [2, 4])
def test_the_board_s_density_integrates_to_one_and_is_positive_on_every_point(squares):
    side = torch.arange(-4, 4, 0.05, dtype=torch.float64) + 0.025  # the middles of small squares, none on a border
    grid = torch.cartesian_prod(side, side)
    assert abs(toy.checkerboard_log_prob(grid, squares=squares).exp().sum() * 0.05**2 - 1) < 1e-9
    x = toy.checkerboard(500, generator=generator(), squares=squares)
    torch.testing.assert_close(toy.checkerboard_log_prob(x, squares=squares), torch.full((500,), -math.log(squares**2 / 2)).double())


def test_blobs_are_round_gaussians_about_the_true_centres():
    settings = {"number": 5, "radius": 4.0}
    x = toy.gaussian_blobs(20_000, generator=generator(), spread=0.3, **settings)
    centres = toy.blob_centres(**settings)
    torch.testing.assert_close(centres[0], torch.tensor([4.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(torch.cdist(centres, centres)[0, 1], torch.tensor(8 * math.sin(math.pi / 5), dtype=torch.float64))
    nearest = torch.cdist(x, centres).argmin(1)
    assert (nearest.bincount() / 20_000 - 0.2).abs().max() < 4 * math.sqrt(0.16 / 20_000)
    for axis in ((x - centres[nearest]) / 0.3).T:
        assert stats.kstest(axis, "norm").pvalue > 1e-4
