"""Pictures with labels: MNIST, Fashion-MNIST, KMNIST, Omniglot at full size, and what every installation has: 8×8 digits, drawn strokes.

    run = lab.start(lecture=2)
    digits = images.load("mnist", size=run.size)
    x = images.dequantise(digits.images, digits.levels, generator=run.generator()).flatten(1)

Taught in: 02_gaussian_mixtures
"""

import gzip
import io
import zipfile
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt8
from torch import Generator, Tensor

from course_lib.datasets import registry, strokes

NAMES = ("mnist", "fashion-mnist", "kmnist", "omniglot", "digits")
SPLITS = ("train", "test")
STAND_INS = ("digits", "strokes")
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    "kmnist": ("o お", "ki き", "su す", "tsu つ", "na な", "ha は", "ma ま", "ya や", "re れ", "wo を"),
    "digits": tuple("0123456789"),
}
_INK_THRESHOLD = 0.4  # share of a 3.75×3.75 cell that must be ink: strokes stay whole and one or two pixels wide


@dataclass(frozen=True)
class LabelledImages:
    """Pictures, what is on them, and where they came from.

    ``images`` holds the whole numbers 0 … ``levels`` − 1, background 0; ``labels`` index ``classes``, and −1 means that nobody says;
    ``name`` is the set that was asked for, ``source`` says in words what is really in hand.
    """

    images: UInt8[Tensor, "N 1 H W"]
    labels: Int64[Tensor, " N"]
    name: str
    source: str
    levels: int
    classes: tuple[str, ...]


def load(name: str, split: str = "train", *, size: str, quick: str = "digits") -> LabelledImages:
    """Returns a set of pictures: the named one at full size, at quick size one that needs no file.

    Whatever stands in for the named set is said aloud, and ``source`` keeps it. The digits' test set is the last 360, written by other
    people than most of the first 1 437. The strokes are 4 000 digits drawn by code to train on and 1 000 to test on, always the same ones:
    16×16 at quick size, 28×28 where they stand in at full size. Omniglot is ``small1`` for training and ``small2`` for testing, other characters in each, so its
    labels index that split's own ``classes`` ("Greek/character01"). KMNIST without its labels (a copy of the test pictures that has none)
    comes with every label −1.

    Args:
        name: one of ``NAMES``.
        split: ``train`` or ``test``.
        size: the run's size, ``quick`` or ``full``.
        quick: what stands in at quick size, and at full size where the named set cannot be had: one of ``STAND_INS``.

    Returns:
        The pictures, in the order of the file.

    Raises:
        ValueError: if there is no such name, split, size or stand-in.
        DataRefused: if a file is there but is not what was published.

    Example:
        >>> load("digits", "test", size="quick").images.shape
        torch.Size([360, 1, 8, 8])

    References:
        LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998, doi:10.1109/5.726791.
        Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017, arXiv:1708.07747.
        Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto, Ha, "Deep Learning for Classical Japanese Literature", 2018, arXiv:1812.01718.
        Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program induction", 2015,
        doi:10.1126/science.aab3050.

    Taught in: 02_gaussian_mixtures
    """
    words = {"name": (name, NAMES), "split": (split, SPLITS), "size": (size, ("quick", "full")), "quick": (quick, STAND_INS)}
    for what, (value, allowed) in words.items():
        if value not in allowed:
            raise ValueError(f"{what} must be one of {allowed}, got {value!r}")
    if name == "digits":
        return _digits(name, split)
    if size == "quick":
        return _stand_in(quick, name, split, 16, "quick size: ")
    try:
        return _omniglot(split) if name == "omniglot" else _idx_set(name, split)
    except registry.DataUnavailable as reason:
        print(reason)
        if name == "kmnist" and split == "test" and (unlabelled := _kmnist_without_labels()):
            return unlabelled
        return _stand_in(quick, name, split, 28)


def dequantise(images: UInt8[Tensor, "*shape"], levels: int, *, generator: Generator) -> Float64[Tensor, "*shape"]:
    """Makes whole grey levels continuous, so that a density can be fitted to them.

    x = (k + u) / levels,  u ~ Uniform[0, 1)

    A density on such x bounds the probability of the levels from below: E_u[log p(x)] ≤ log P(k) + D log levels. It also gives every pixel
    a variance of at least 1 / (12 levels²): without it the pixels that never change (67 of MNIST's 784 in the training set, 3 of the
    digits' 64) make every covariance singular and a likelihood infinite.

    Args:
        images: whole levels 0 … ``levels`` − 1.
        levels: how many levels the pictures' scale has.
        generator: where the noise comes from.

    Returns:
        Values in [0, 1), and ``floor(x · levels)`` is exactly ``images``.

    Raises:
        ValueError: if the pictures are not whole levels, or one is outside the scale.

    Example:
        >>> dequantise(torch.tensor([0, 255], dtype=torch.uint8), 256, generator=torch.Generator().manual_seed(0)) * 256 // 1
        tensor([  0., 255.], dtype=torch.float64)

    References:
        Theis, van den Oord, Bethge, "A note on the evaluation of generative models", 2016, arXiv:1511.01844.

    Taught in: 02_gaussian_mixtures
    """
    if images.dtype != torch.uint8:
        raise ValueError(f"images must be whole levels (uint8), got {images.dtype}")
    brightest = int(images.max()) if images.numel() else 0
    if not brightest < levels <= 256:
        raise ValueError(f"levels must be above the brightest pixel, {brightest}, and at most 256, got {levels}")
    # 24 random bits: with the 53 of a float64, 255 + u could round up to 256 and leave [0, 1)
    noise = torch.rand(images.shape, generator=generator, dtype=torch.float32, device=generator.device).to(images.device)
    return (images.double() + noise) / levels


def _stand_in(which: str, name: str, split: str, side: int, when: str = "") -> LabelledImages:
    if which == "digits":
        print(f"{when}scikit-learn's 8×8 digits stand in for {name}")
        return _digits(name, split)
    print(f"{when}{side}×{side} digits drawn by code stand in for {name}")
    n, seed = (4000, 0) if split == "train" else (1000, 1)  # a data set, not a draw of this run: everyone has the same one
    drawn = strokes.draw(n, side=side, generator=Generator().manual_seed(seed))
    source = f"digits drawn by code with a pen, {side}×{side}"
    return LabelledImages(drawn.images, drawn.labels, name, source, drawn.levels, drawn.classes)


def _digits(name: str, split: str) -> LabelledImages:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    part = slice(None, -360) if split == "train" else slice(-360, None)
    pictures = torch.from_numpy(bunch.images[part].astype(np.uint8))[:, None]
    source = "scikit-learn's handwritten digits, 8×8, 17 grey levels"
    return LabelledImages(pictures, torch.from_numpy(bunch.target[part].astype(np.int64)), name, source, 17, CLASSES["digits"])


def _idx_set(name: str, split: str) -> LabelledImages:
    prefix = f"{name}/{'train' if split == 'train' else 't10k'}"
    pictures = _idx(registry.read(f"{prefix}-images-idx3-ubyte.gz"))
    labels = _idx(registry.read(f"{prefix}-labels-idx1-ubyte.gz"))
    source = registry.DATASETS[name].what
    return LabelledImages(torch.from_numpy(pictures)[:, None], torch.from_numpy(labels.astype(np.int64)), name, source, 256, CLASSES[name])


def _idx(packed: bytes) -> np.ndarray:
    """An array of the idx format: two zero bytes, type 8 (unsigned byte), number of axes, each length in 4 bytes, then the values."""
    content = gzip.decompress(packed)
    if content[:3] != b"\x00\x00\x08":
        raise ValueError(f"an idx file of bytes begins with 00 00 08, this one with {content[:3].hex(' ')}")
    shape = np.frombuffer(content, ">u4", count=content[3], offset=4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape))
    if len(values) != np.prod(shape, dtype=np.int64):
        raise ValueError(f"an idx file of shape {tuple(shape.tolist())} holds their product of values, this one {len(values)}")
    return values.reshape(shape).copy()


def _kmnist_without_labels() -> LabelledImages | None:
    try:
        content = registry.read("kmnist-test-unlabelled/kmnist-test-imgs.npz")
    except registry.DataUnavailable:
        return None  # the reason is on the screen already: the labelled files are out of reach in the same way
    print("KMNIST's test pictures are here, without their labels and in another order: every label is -1")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        pictures = torch.from_numpy(archive["arr_0"])[:, None]
    source = registry.DATASETS["kmnist-test-unlabelled"].what
    return LabelledImages(pictures, torch.full((len(pictures),), -1), "kmnist", source, 256, CLASSES["kmnist"])


def _omniglot(split: str) -> LabelledImages:
    from PIL import Image

    content = registry.read(f"omniglot/images_background_small{1 if split == 'train' else 2}.zip")
    pictures, characters = [], []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".png")):
            drawing = Image.open(io.BytesIO(archive.read(name)), formats=["PNG"]).convert("L")
            ink = 1 - np.asarray(drawing.resize((28, 28), Image.Resampling.BOX), np.float64) / 255  # black ink on white paper
            pictures.append(ink > _INK_THRESHOLD)
            characters.append("/".join(name.split("/")[1:3]))
    classes = tuple(sorted(set(characters)))
    number = {character: index for index, character in enumerate(classes)}
    labels = torch.tensor([number[character] for character in characters])
    stacked = torch.from_numpy(np.stack(pictures).astype(np.uint8))[:, None]
    source = f"{len(stacked)} drawings of Omniglot's small set {1 if split == 'train' else 2}, made 28×28"
    return LabelledImages(stacked, labels, "omniglot", source, 2, classes)
