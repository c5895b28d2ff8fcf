"""The yardstick: it learns, is read back, refuses what is no digit, and says so when something is wrong with its folder."""

import dataclasses

import pytest
import torch

from course_lib import yardstick
from course_lib.datasets import images, strokes
from course_lib.datasets.images import LabelledImages
from course_lib.metrics.samples import recognised_share

N = 1500


def drawn(n: int, seed: int, side: int = 16) -> LabelledImages:
    made = strokes.draw(n, side=side, generator=torch.Generator().manual_seed(seed))
    return LabelledImages(made.images, made.labels, "mnist", "strokes", made.levels, made.classes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("yardstick")


@pytest.fixture(scope="module")
def sets() -> tuple[LabelledImages, LabelledImages]:
    return drawn(N, 0), drawn(400, 1)


@pytest.fixture(scope="module")
def judge(folder, sets):
    return yardstick.digit_classifier(*sets, folder=folder)


def ink(pictures: LabelledImages) -> torch.Tensor:
    return pictures.images.float() / (pictures.levels - 1)


@pytest.mark.slow
def test_it_reads_digits_it_has_not_seen(judge, sets):
    p = judge.probabilities(ink(sets[1]))
    assert (p.argmax(1) == sets[1].labels).double().mean() > 0.9
    assert recognised_share(p) > 0.7
    assert not judge.training
    assert not any(weight.requires_grad for weight in judge.parameters())


@pytest.mark.slow
def test_it_refuses_what_shows_no_digit(judge, sets):
    x, generator = ink(sets[1]), torch.Generator().manual_seed(2)
    noise = torch.rand(x.shape, generator=generator)
    mean = x.mean(0, keepdim=True)
    shuffled = x.flatten(1)[:, torch.randperm(256, generator=generator)].view_as(x)
    pixels_alone = torch.stack(
        [x[sets[1].labels == k].mean(0) for k in sets[1].labels.tolist()]
    )  # its digit's chance of ink, pixel by pixel
    assert recognised_share(judge.probabilities(torch.bernoulli(pixels_alone, generator=generator))) < 0.25
    for nothing in (noise, (noise < 0.25).float(), pixels_alone, mean, shuffled, torch.zeros_like(mean), torch.ones_like(mean)):
        assert recognised_share(judge.probabilities(nothing)) < 0.05
    assert recognised_share(judge.probabilities(yardstick.worn(x, generator=generator))) > 0.6  # still digits


@pytest.mark.slow
def test_a_second_call_reads_the_same_weights_and_trains_nothing(judge, folder, sets, monkeypatch, capsys):
    monkeypatch.setattr(torch.optim.AdamW, "step", None)  # whoever takes a step falls over
    before = torch.get_rng_state()
    again = yardstick.digit_classifier(*sets, folder=folder)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), judge.parameters(), strict=True))
    said = capsys.readouterr().out
    right = 100 * (judge.probabilities(ink(sets[1])).argmax(1) == sets[1].labels).double().mean()
    assert f"reads {right:.1f} % of 400 test pictures right (strokes)" in said


@pytest.mark.slow
def test_other_pictures_in_the_same_folder_are_refused(judge, folder, sets):
    with pytest.raises(ValueError, match="belongs to another fit: data was"):
        yardstick.digit_classifier(drawn(N, 5), sets[1], folder=folder)


@pytest.mark.slow
def test_another_set_side_seed_or_recipe_has_a_place_of_its_own(folder, sets, monkeypatch):
    monkeypatch.setattr(yardstick, "_PICTURES_SEEN", 200)
    small = drawn(200, 3)
    yardstick.digit_classifier(small, small, folder=folder, seed=4)
    yardstick.digit_classifier(dataclasses.replace(small, name="other"), small, folder=folder)
    yardstick.digit_classifier(images.load("digits", "train", size="quick"), images.load("digits", "test", size="quick"), folder=folder)
    made = {path.name.partition("-recipe-")[0] for path in folder.iterdir()}
    assert {"mnist-16-seed-4", "other-16-seed-0", "digits-8-seed-0"} <= made
    before = set(folder.iterdir())
    monkeypatch.setattr(yardstick, "_recipe", lambda: "another")
    yardstick.digit_classifier(small, small, folder=folder, seed=4)
    assert [path.name for path in set(folder.iterdir()) - before] == ["mnist-16-seed-4-recipe-another"]


def test_worn_pictures_stay_in_range_and_half_of_them_stay_sharp():
    x, generator = ink(drawn(400, 7)), torch.Generator().manual_seed(0)
    worn = yardstick.worn(x, generator=generator)
    assert worn.min() >= 0
    assert worn.max() <= 1
    same = (worn == x).flatten(1).all(1).double().mean().item()
    assert abs(same - 0.25) < 5 * (0.25 * 0.75 / 400) ** 0.5  # neither blurred nor noisy
    assert (worn - x).square().mean() < 0.02


def test_spoiled_pictures_keep_their_kind_of_ink_and_lose_the_digit():
    pictures, generator = drawn(400, 8), torch.Generator().manual_seed(0)
    x, labels = ink(pictures), pictures.labels
    spoiled = yardstick.spoiled(x, labels, generator=generator)
    assert spoiled.shape == x.shape
    assert (spoiled.min(), spoiled.max()) == (0, 1)
    assert (spoiled != x).flatten(1).any(1).all()
    band = 5 * (0.2 * 0.8 / 400) ** 0.5  # each way is one in five
    shuffled = (spoiled.flatten(1).sort(1).values == x.flatten(1).sort(1).values).all(1).double().mean().item()
    assert abs(shuffled - 0.2) < band
    drawn_over = (spoiled >= x).flatten(1).all(1).double().mean().item()
    assert abs(drawn_over - 0.2) < band
    in_class = torch.stack([(x[labels == k] == row).any(0).all() for k, row in zip(labels.tolist(), spoiled, strict=True)])
    assert abs(in_class.double().mean().item() - 0.2) < band  # frayed: every pixel is that of some picture of the class


def test_a_frayed_picture_takes_each_pixel_by_itself():
    x = torch.arange(200.0).view(200, 1, 1, 1).expand(200, 1, 16, 16) / 200  # each pixel says whose it is
    labels = torch.arange(200) % 4
    spoiled = yardstick.spoiled(x, labels, generator=torch.Generator().manual_seed(1))
    giver = (spoiled * 200).round().long().flatten(1)
    frayed = torch.tensor([len(row.unique()) > 10 for row in giver])
    assert 20 < frayed.sum() < 60  # one way in five; no other mixes more than three pictures
    assert (giver[frayed] % 4 == labels[frayed, None]).all()


def test_a_picture_alone_in_its_class_is_never_given_back():
    pictures = drawn(10, 8)
    x, generator = ink(pictures), torch.Generator().manual_seed(0)
    for _ in range(20):
        assert (yardstick.spoiled(x, torch.arange(10), generator=generator) != x).flatten(1).any(1).all()


def test_chance_comes_from_the_generator():
    pictures = drawn(20, 9)
    x = ink(pictures)
    before = torch.get_rng_state()
    for change, given in ((yardstick.worn, (x,)), (yardstick.spoiled, (x, pictures.labels))):
        one, again, other = (change(*given, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_sets_that_do_not_fit_together_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"train and test must agree .*, got \(1, 16, 16\) with 10 .* and \(1, 28, 28\)"):
        yardstick.digit_classifier(drawn(5, 0), drawn(5, 0, side=28), folder=tmp_path)
