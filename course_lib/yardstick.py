"""The yardstick (物差し) for drawn digits: one classifier, trained once and read back by every lecture that asks it.

    judge = yardstick.digit_classifier(train, test, folder=lab.build_folder() / "yardstick", device=run.device)
    samples.recognised_share(judge.probabilities(drawn))

Taught in: 07_neural_networks
"""

import hashlib
from pathlib import Path

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Generator, Tensor
from torch.nn import functional as F

from course_lib import training
from course_lib.datasets.images import LabelledImages
from course_lib.networks.digit_classifier import DigitClassifier
from course_lib.randomness import global_state_kept

_PICTURES_SEEN, _LOOKS = 60_000, 5  # a training sees at least so many pictures, and each at least so often
_BATCH = 100


def digit_classifier(
    train: LabelledImages, test: LabelledImages, *, folder: str | Path, device: torch.device | str = "cpu", seed: int = 0
) -> DigitClassifier:
    """Returns the classifier of a set of pictures: trained now, a few seconds, or read from where an earlier call left it.

    It says how well it reads pictures that it was not trained on. What it learns from is what drawn pictures are like: digits a little
    blurred and noisy (``worn``), and pictures that are made of the same ink but show no whole digit (``spoiled``).

    Args:
        train: what it learns from, square pictures.
        test: what it is examined on.
        folder: where the trained one is kept, below a name of its own for each set, side, seed and recipe: another version of this course
            trains its own.
        device: where it shall be.
        seed: decides its first weights and all chance in its training.

    Returns:
        The classifier, in evaluation mode, its weights fixed.

    Raises:
        ValueError: if the two sets differ in size or classes, or what is kept in the folder was trained on other pictures.
    """
    side = train.images.shape[-1]
    if train.images.shape[1:] != test.images.shape[1:] or train.classes != test.classes or train.levels != test.levels:
        raise ValueError(f"train and test must agree in size, classes and levels, got {_of(train)} and {_of(test)}")
    with global_state_kept(torch.device("cpu")):
        torch.manual_seed(seed)
        model = DigitClassifier(side, len(train.classes)).to(device)
    epochs = max(_LOOKS, -(-_PICTURES_SEEN // len(train.images)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    steps = epochs * (len(train.images) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        x = _ink(images, train.levels)
        half = len(x) // 2
        nothing = spoiled(x[:half], labels[:half])
        answers = torch.cat([labels, labels.new_full((len(nothing),), len(train.classes))])
        return F.cross_entropy(model(worn(torch.cat([x, nothing]))), answers)

    kept = Path(folder) / f"{train.name}-{side}-seed-{seed}-recipe-{_recipe()}"
    training.fit(
        model,
        (train.images, train.labels),
        optimizer=optimizer,
        schedule=schedule,
        epochs=epochs,
        batch_size=_BATCH,
        loss=loss,
        seed=seed,
        checkpoint=kept,
    )
    model.eval().requires_grad_(False)
    right = (
        torch.cat([model.probabilities(_ink(part.to(device), test.levels)) for part in test.images.split(1000)]).argmax(1).cpu()
        == test.labels
    )
    print(f"The digit classifier reads {100 * right.double().mean():.1f} % of {len(right)} test pictures right ({train.source}).")
    return model


def worn(images: Float[Tensor, "B 1 H W"], *, generator: Generator | None = None) -> Float[Tensor, "B 1 H W"]:
    """Blurs half of the pictures and adds noise to half of them, to a degree drawn for each: still the same digits.

    Args:
        images: paper 0 to ink 1.
        generator: where the chance comes from.

    Returns:
        As many pictures, paper 0 to ink 1.

    Example:
        >>> worn(torch.zeros(3, 1, 16, 16)).shape
        torch.Size([3, 1, 16, 16])
    """
    blur, blurred, level, noisy = torch.rand(4, len(images), 1, 1, 1, generator=generator).to(images).unbind(0)
    soft = images + blur * (blurred < 0.5) * (F.avg_pool2d(images, 3, 1, 1) - images)
    noise = torch.randn(images.shape, generator=generator).to(images)
    return (soft + 0.25 * level * (noisy < 0.5) * noise).clamp(0, 1)


def spoiled(
    images: Float[Tensor, "B 1 H W"], labels: Int64[Tensor, " B"], *, generator: Generator | None = None
) -> Float[Tensor, "B 1 H W"]:
    """Makes of each picture one with the same kind of ink that shows no digit.

    In one of five ways, drawn for each: its pixels shuffled; another picture drawn over it, displaced (a mirrored 3 on a 3 would be an 8);
    its upper part over the lower part of another, both displaced; its mean with two others; frayed, each pixel taken from some picture of
    the same class (alone in its class, it is shuffled). The last has every pixel right by itself and no stroke: what a model of single
    pixels draws.

    Args:
        images: paper 0 to ink 1.
        labels: the class of each.
        generator: where the chance comes from.

    Returns:
        As many pictures, paper 0 to ink 1.

    Example:
        >>> spoiled(torch.zeros(3, 1, 16, 16), torch.tensor([7, 7, 1])).shape
        torch.Size([3, 1, 16, 16])

    References:
        D. Hendrycks, M. Mazeika, T. Dietterich, "Deep anomaly detection with outlier exposure", 2019, arXiv:1812.04606: training on
        examples of what is none of the classes.
    Deviation: the examples are made of the pictures themselves; there they are another data set.
    """
    B, _, H, W = images.shape
    way = torch.randint(5, (B, 1, 1, 1), generator=generator).to(images.device)
    other, third = (images[torch.randperm(B, generator=generator).to(images.device)] for _ in range(2))
    places = torch.randperm(H * W, generator=generator).to(images.device)
    shuffled = images.flatten(1)[:, places].view_as(images)
    cut = torch.randint(H // 4, 3 * H // 4 + 1, (B, 1, 1, 1), generator=generator).to(images.device)
    upper = torch.arange(H, device=images.device)[:, None] < cut  # (B, 1, H, 1)
    halves = torch.where(upper, images.roll(W // 3, 3), other.roll(-(H // 4), 2))
    chance = torch.rand(B, H * W, generator=generator, dtype=torch.float64).to(images.device)
    giver = (labels[:, None] + chance).argsort(0)  # (B, H W): for each pixel by itself, each class in an order of its own
    frayed = torch.empty_like(shuffled)
    frayed[labels.argsort()] = images.flatten(1).gather(0, giver).view_as(images)
    alone = (labels[:, None] == labels).sum(1) == 1
    frayed[alone] = shuffled[alone]
    ways = (shuffled, torch.maximum(images, other.roll((H // 3, W // 3), (2, 3))), halves, (images + other + third) / 3, frayed)
    return torch.stack(ways).gather(0, way.expand_as(images)[None])[0]


def _recipe() -> str:
    """A mark that changes with what is learnt and how: this file is the recipe."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]


def _ink(images: UInt8[Tensor, "B 1 H W"], levels: int) -> Float[Tensor, "B 1 H W"]:
    """Whole levels as paper 0 to ink 1."""
    return images.float() / (levels - 1)


def _of(pictures: LabelledImages) -> str:
    return f"{tuple(pictures.images.shape[1:])} with {len(pictures.classes)} classes and {pictures.levels} levels"
