"""Drawn characters: each factor is what the pixels say, a bend leaves it alone, and every character is itself."""

import math

import pytest
import torch
from scipy import ndimage, stats

from course_lib.datasets import strokes

ALL = strokes.DIGITS + strokes.KANA
HOLES = {"0": 1, "4": 1, "6": 1, "8": 2, "9": 1, "の": 1, "と": 0}
PIECES = dict.fromkeys("いうこり", 2)  # how often the pen is put down


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def moments(images):
    """Centre (N, 2) and covariance (N, 2, 2) of the ink, x then y, in pixels from the picture's middle."""
    ink = images.double().flatten(0, -3)
    side = ink.shape[-1]
    place = torch.arange(side).double() + 0.5 - side / 2
    mass = ink.sum((1, 2))
    grid = torch.stack(torch.meshgrid(place, place, indexing="xy"), -1)  # (side, side, 2)
    centre = torch.einsum("nhw,hwc->nc", ink, grid) / mass[:, None]
    second = torch.einsum("nhw,hwc,hwd->ncd", ink, grid, grid) / mass[:, None, None]
    return centre, second - centre[:, :, None] * centre[:, None, :]


def slope(measured, true):
    return torch.cov(torch.stack([measured, true]))[0, 1] / true.var()


@pytest.mark.parametrize("character", ALL)
def test_a_place_moves_the_ink_and_nothing_else(character):
    still, moved = (strokes.render(character, side=50, size=0.5, x=x, y=y) for x, y in ((0, 0), (0.14, -0.1)))
    off = still.roll((7, -5), (2, 1)).int() - moved.int()  # 0.14 and −0.1 of 50 pixels
    assert off.abs().max() <= 1  # a level, by rounding


@pytest.mark.parametrize("character", ALL)
def test_size_and_thickness_are_shares_of_the_side(character):
    large = strokes.render(character, side=60, thickness=0.12, size=0.7)
    small = strokes.render(character, side=120, thickness=0.06, size=0.35)
    assert (large.int() - small[:, 30:90, 30:90].int()).abs().max() <= 1  # a level, by rounding
    assert small.sum() == small[:, 30:90, 30:90].sum()


@pytest.mark.parametrize("character", ALL)
def test_a_slant_leans_the_top_to_the_right(character):
    upright, leaning = (strokes.render(character, side=200, thickness=0.02, size=0.6, slant=slant)[0] > 127 for slant in (0.0, 0.8))
    back = torch.stack([row.roll(round(0.8 * (i + 0.5 - 100))) for i, row in enumerate(leaning)])
    assert upright.sum() > 300
    for one, other in ((back, upright), (upright, back)):
        near = torch.from_numpy(ndimage.binary_dilation(other, iterations=3))  # the pen is a disc that does not lean with the line
        assert (one & ~near).sum() == 0
    assert (leaning & upright).sum() < 0.7 * upright.sum()


@pytest.mark.parametrize("side", [16, 28])
def test_the_pen_is_as_wide_as_it_says_and_a_digit_as_high(side):
    for thickness in (0.08, 0.11, 0.15):
        one = strokes.render("1", thickness=thickness, size=0.65, side=side)[0].double() / 255
        across = one[side // 2 + 1]  # its stem
        assert abs(across.sum() - thickness * side) < 2.5 / 255  # three pixels rounded to whole levels
        height = (one.amax(1) > 0.5).sum()
        assert abs(height - (0.65 + thickness) * side) <= 1


@pytest.mark.parametrize("character", strokes.DIGITS)
def test_bends_leave_the_factors_as_measured_in_the_pixels(character):
    drawn = strokes.draw(400, side=28, characters=character, generator=generator())
    centre, second = moments(drawn.images)
    true = dict(zip(drawn.factor_names, drawn.factors.T, strict=True))
    still = moments(strokes.render(character, side=200, size=0.65))
    offset = still[0][0] / 200 / 0.65  # of its ink from its box's centre, as a share of its size: it moves with size and slant
    measured = {
        "slant": -(second[:, 0, 1] / second[:, 1, 1]),
        "size": second[:, 1, 1].sqrt(),
        "x": centre[:, 0] / 28 - true["size"] * (offset[0] - true["slant"] * offset[1]),
        "y": centre[:, 1] / 28 - true["size"] * offset[1],
        "thickness": drawn.images.double().sum((1, 2, 3)) / true["size"],
    }
    # not 1: where a bend makes a line longer, there is more ink to weigh
    least = {"slant": 0.96, "size": 0.8, "x": 0.8, "y": 0.75, "thickness": 0.9}
    for name, values in measured.items():
        assert torch.corrcoef(torch.stack([values, true[name]]))[0, 1] > least[name], name
    for name in ("slant", "x", "y"):
        assert 0.8 < slope(measured[name], true[name]) < 1.15, name
    # without bias: five standard errors of what the bends add
    for name in ("x", "y"):
        off = measured[name] - true[name]
        assert off.mean().abs() < 5 * off.std() / 20 + 0.002, name  # 0.06 pixels: bends are longer lines


def test_factors_are_uniform_in_their_ranges_and_independent():
    drawn = strokes.draw(3000, generator=generator())
    for values, (low, high) in zip(drawn.factors.T, strokes.FACTOR_RANGES, strict=True):
        assert stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-4
    everything = torch.cat([drawn.factors.T, drawn.labels[None].double()])
    assert (torch.corrcoef(everything) - torch.eye(6)).abs().max() < 4.5 / math.sqrt(3000)
    assert stats.chisquare(drawn.labels.bincount(minlength=10)).pvalue > 1e-4


def test_given_factors_are_kept_and_bends_still_differ():
    factors = torch.tensor([[0.2, 0.1, 0.6, 0.0, 0.0]], dtype=torch.float64).expand(6, 5)
    drawn = strokes.draw(6, characters="ん", factors=factors, generator=generator())
    assert torch.equal(drawn.factors, factors)
    assert len(drawn.images.flatten(1).unique(dim=0)) == 6
    difference = drawn.images.double().mean(0) - strokes.render("ん", slant=0.2, thickness=0.1, size=0.6).double()
    assert 0 < difference.abs().mean() < 40  # about the straight one


@pytest.mark.parametrize("character", ALL)
def test_lines_stay_joined_and_loops_stay_closed(character):
    factors = torch.tensor([[0.0, 0.03, 0.75, 0.0, 0.0]], dtype=torch.float64).repeat(20, 1)
    drawn = strokes.draw(20, side=96, characters=character, factors=factors, generator=generator(1))
    still = strokes.render(character, side=96, thickness=0.03, size=0.75)
    parts = [ndimage.label(picture[0] > 127, torch.ones(3, 3))[1] for picture in drawn.images]
    assert ndimage.label(still[0] > 127, torch.ones(3, 3))[1] == PIECES.get(character, 1)
    assert max(parts) <= PIECES.get(character, 1)  # a bend may make two strokes touch, never break one
    paper = torch.from_numpy(ndimage.label(still[0] <= 127)[0]).flatten().bincount()[1:]
    assert (paper > 20).sum() - 1 == HOLES.get(character, 0)  # pixels: the gore of a sharp corner is no loop


def test_pictures_are_of_their_character_and_not_too_easy():
    drawn = strokes.draw(2400, characters=ALL, generator=generator())
    x = drawn.images.flatten(1).double() / 255
    train, test = slice(0, 2000), slice(2000, None)
    nearest = drawn.labels[train][torch.cdist(x[test], x[train]).argmin(1)]
    assert (nearest == drawn.labels[test]).double().mean() > 0.8
    ones = torch.nn.functional.one_hot(drawn.labels[train]).double()
    plane = torch.linalg.solve(x[train].T @ x[train] + 10 * torch.eye(256), x[train].T @ ones)
    linear = ((x[test] @ plane).argmax(1) == drawn.labels[test]).double().mean()
    assert 0.5 < linear < 0.97  # a straight boundary is not enough


def test_ink_stays_on_the_paper():
    for side in (16, 28):
        images = strokes.draw(1000, side=side, characters=ALL, generator=generator()).images.double() / 255
        border = torch.cat([images[:, 0, [0, -1]].flatten(1), images[:, 0, :, [0, -1]].flatten(1)], 1)
        assert border.mean() < 0.02


def test_drawing_uses_its_generator_alone():
    before = torch.get_rng_state()
    one, again, other = (strokes.draw(30, generator=generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one.images, again.images)
    assert torch.equal(one.labels, again.labels)
    assert not torch.equal(one.images, other.images)
    assert (one.images.dtype, one.labels.dtype, one.levels, one.images.max()) == (torch.uint8, torch.int64, 256, 255)


def test_classes_follow_the_characters_asked_for():
    drawn = strokes.draw(40, side=28, characters="し7", generator=generator())
    assert drawn.classes == ("し", "7")
    seven = torch.stack([strokes.render(c, side=28).double().flatten() for c in drawn.classes])
    assert ((torch.cdist(drawn.images.double().flatten(1), seven).argmin(1) == drawn.labels).double().mean()) > 0.95


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 0}, "n must be at least 1, got 0"),
        ({"side": 7}, "side must be at least 8 pixels, got 7"),
        ({"characters": "0漢"}, "characters must be some of 0123456789.*got '0漢'"),
        ({"characters": "11"}, "each once, got '11'"),
        ({"characters": ""}, "each once, got ''"),
        ({"factors": [0.0, 0.0, 0.6, 0.0, 0.0]}, r"thickness must be above 0, got 0\.0"),
        ({"factors": [0.0, 0.1, -0.6, 0.0, 0.0]}, r"size must be above 0, got -0\.6"),
        ({"factors": [math.nan, 0.1, 0.6, 0.0, 0.0]}, "factors must be finite"),
    ],
)
def test_a_wrong_wish_is_named(wrong, message):
    arguments = {"n": 1} | wrong
    if "factors" in wrong:
        arguments["factors"] = torch.tensor([wrong["factors"]], dtype=torch.float64)
    with pytest.raises(ValueError, match=message):
        strokes.draw(arguments.pop("n"), generator=generator(), **arguments)
