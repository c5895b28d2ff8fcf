"""Pictures: what stands in is said aloud, what is read is what was published, and dequantising loses nothing."""

import gzip
import io
import pickle

import numpy as np
import pytest
import torch
from jaxtyping import config
from sklearn.datasets import load_digits

from course_lib.datasets import images, registry


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def test_the_digits_are_scikit_learns_split_by_writer():
    train, test = (images.load("digits", split, size="quick") for split in images.SPLITS)
    pixels, labels = torch.cat([train.images, test.images]), torch.cat([train.labels, test.labels])
    assert train.images.shape == (1437, 1, 8, 8)
    assert (train.images.dtype, train.labels.dtype) == (torch.uint8, torch.int64)
    np.testing.assert_array_equal(pixels[:, 0], load_digits().images)
    np.testing.assert_array_equal(labels, load_digits().target)
    assert (train.levels, int(pixels.max()), int(pixels.min())) == (17, 16, 0)
    assert test.labels.bincount().min() >= 30  # every digit is in the test set
    assert train.classes[int(train.labels[3])] == "3"


@pytest.mark.parametrize("name", [name for name in images.NAMES if name != "digits"])
@pytest.mark.parametrize("size", ["quick", "full"])
def test_what_stands_in_is_said_aloud_and_kept_in_source(name, size, nothing_here, capsys):
    data = images.load(name, "test", size=size)
    said = capsys.readouterr().out
    assert f"scikit-learn's 8×8 digits stand in for {name}" in said
    assert ("could not be had" in said) == (size == "full")
    assert "scikit-learn's handwritten digits" in data.source
    assert (data.name, data.images.shape, data.levels) == (name, (360, 1, 8, 8), 17)


@pytest.mark.parametrize(("size", "side"), [("quick", 16), ("full", 28)])
def test_drawn_strokes_stand_in_where_they_are_asked_for_and_are_always_the_same(size, side, nothing_here, capsys):
    train, again = (images.load("mnist", size=size, quick="strokes") for _ in range(2))
    test = images.load("mnist", "test", size=size, quick="strokes")
    assert f"{side}×{side} digits drawn by code stand in for mnist" in capsys.readouterr().out
    assert (train.images.shape, test.images.shape) == ((4000, 1, side, side), (1000, 1, side, side))
    assert torch.equal(train.images, again.images)
    assert torch.equal(train.labels, again.labels)
    assert not torch.equal(train.images[:1000], test.images)
    assert (train.name, train.levels, train.classes, int(train.images.max())) == ("mnist", 256, images.CLASSES["mnist"], 255)
    assert "drawn by code" in train.source


def test_the_digits_themselves_say_nothing(capsys):
    images.load("digits", size="full")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cifar", "train", "full"), r"name must be one of .*'mnist'.*got 'cifar'"),
        (("mnist", "valid", "full"), r"split must be one of \('train', 'test'\), got 'valid'"),
        (("mnist", "train", "large"), r"size must be one of \('quick', 'full'\), got 'large'"),
        (("mnist", "train", "full", "faces"), r"quick must be one of \('digits', 'strokes'\), got 'faces'"),
    ],
)
def test_a_wrong_word_is_an_error(arguments, message):
    name, split, size, *quick = arguments
    with pytest.raises(ValueError, match=message):
        images.load(name, split, size=size, **({"quick": quick[0]} if quick else {}))


def test_a_tampered_file_is_refused_and_nothing_stands_in_for_it(nothing_here, monkeypatch):
    place = nothing_here / "data" / "mnist" / "train-images-idx3-ubyte.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(idx(np.zeros((2, 28, 28))))
    monkeypatch.setenv("COURSE_DATA", str(nothing_here / "data"))
    with pytest.raises(registry.DataRefused, match="train-images-idx3"):
        images.load("mnist", size="full")


def test_kmnist_reads_its_official_files_with_labels(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 28, 28))
    files = {
        "kmnist/t10k-images-idx3-ubyte.gz": idx(pixels),
        "kmnist/t10k-labels-idx1-ubyte.gz": idx(np.array([9, 0, 1, 2, 3, 4, 5])),
    }
    monkeypatch.setattr(registry, "read", files.__getitem__)
    data = images.load("kmnist", "test", size="full")
    np.testing.assert_array_equal(data.images[:, 0], pixels)
    assert data.labels.tolist() == [9, 0, 1, 2, 3, 4, 5]
    assert data.classes[9] == "wo を"


def test_idx_is_read_by_its_header_and_refused_if_the_header_lies():
    array = np.random.default_rng(0).integers(0, 256, (3, 2, 5))
    np.testing.assert_array_equal(images._idx(idx(array)), array)
    good = gzip.decompress(idx(array))
    with pytest.raises(ValueError, match="begins with 00 00 08, this one with 00 00 0d"):
        images._idx(gzip.compress(b"\0\0\x0d" + good[3:]))
    with pytest.raises(ValueError, match="this one 29"):
        images._idx(gzip.compress(good[:-1]))


def test_nothing_is_unpickled(monkeypatch):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a foreign file was unpickled",))

    content = io.BytesIO()
    np.savez(content, arr_0=np.array([Trap()], dtype=object))

    def read(path):
        if "unlabelled" in path:
            return content.getvalue()
        raise registry.DataUnavailable("not here")

    monkeypatch.setattr(registry, "read", read)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        images.load("kmnist", "test", size="full")
    with pytest.raises(pytest.fail.Exception):  # the trap would have gone off
        pickle.loads(pickle.dumps(Trap()))


def test_omniglot_ink_is_one_paper_is_zero_and_a_drawing_keeps_its_place(monkeypatch):
    import zipfile

    from PIL import Image

    drawing = np.ones((105, 105), bool)
    drawing[15:30, 60:75] = False  # black ink: cells 4 to 7 down, 16 to 19 across
    png, archive = io.BytesIO(), io.BytesIO()
    Image.fromarray(drawing).save(png, "PNG")
    with zipfile.ZipFile(archive, "w") as out:
        for character in ("Greek/character02", "Greek/character01", "Latin/character01"):
            out.writestr(f"images_background_small1/{character}/0001_01.png", png.getvalue())
    monkeypatch.setattr(registry, "read", lambda path: archive.getvalue())
    data = images.load("omniglot", size="full")
    want = torch.zeros(28, 28, dtype=torch.uint8)
    want[4:8, 16:20] = 1
    assert torch.equal(data.images, want.expand(3, 1, 28, 28))
    assert data.classes == ("Greek/character01", "Greek/character02", "Latin/character01")
    assert data.labels.tolist() == [0, 1, 2]
    assert data.levels == 2


def test_dequantising_stays_in_its_cell_and_fills_it_evenly():
    levels = torch.arange(256, dtype=torch.uint8).repeat(4000)
    x = images.dequantise(levels, 256, generator=torch.Generator().manual_seed(0))
    assert x.dtype == torch.float64
    assert x.min() >= 0
    assert x.max() < 1
    assert torch.equal((x * 256).floor().to(torch.uint8), levels)
    inside = (x * 256) % 1
    # a million uniform numbers: standard errors 0.0003 of the mean and 0.0001 of the variance
    assert abs(inside.mean() - 1 / 2) < 0.0015
    assert abs(inside.var() - 1 / 12) < 0.0005


def test_dequantising_the_brightest_pixel_with_the_largest_noise_stays_below_one(monkeypatch):
    def largest(shape, *, dtype, **_):
        return torch.full(tuple(shape), 1 - 2.0 ** (-24 if dtype == torch.float32 else -53), dtype=dtype)

    monkeypatch.setattr(torch, "rand", largest)
    assert images.dequantise(torch.tensor([255], dtype=torch.uint8), 256, generator=torch.Generator()) < 1


def test_dequantising_uses_its_generator_alone():
    x = images.load("digits", "test", size="quick").images
    before = torch.get_rng_state()
    draws = [images.dequantise(x, 17, generator=torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert draws[0].shape == x.shape


@pytest.mark.parametrize("levels", [16, 0, 257])
def test_dequantising_with_too_few_or_too_many_levels_is_an_error(levels):
    with pytest.raises(ValueError, match=f"levels must be above the brightest pixel, 16, and at most 256, got {levels}"):
        images.dequantise(torch.tensor([16], dtype=torch.uint8), levels, generator=torch.Generator())


def test_dequantising_takes_whole_levels_only():
    config.update("jaxtyping_disable", True)
    try:
        with pytest.raises(ValueError, match=r"images must be whole levels \(uint8\), got torch\.float32"):
            images.dequantise(torch.tensor([0.5]), 256, generator=torch.Generator())
    finally:
        config.update("jaxtyping_disable", False)


MOMENTS = {"mnist": (0.1307, 0.3081), "fashion-mnist": (0.2860, 0.3530)}  # of the training pictures, as everyone quotes them


@pytest.mark.slow
@pytest.mark.parametrize("name", MOMENTS)
def test_real_pictures_are_all_there(name, real_data, capsys):
    train, test = (images.load(name, split, size="full") for split in images.SPLITS)
    assert (train.images.shape, test.images.shape) == ((60_000, 1, 28, 28), (10_000, 1, 28, 28))
    x = train.images.double() / 255
    assert (round(float(x.mean()), 4), round(float(x.std()), 4)) == MOMENTS[name]
    counts = torch.stack([train.labels.bincount(), test.labels.bincount()])
    if name == "mnist":
        assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
        assert counts[:, 5].tolist() == [5421, 892]
    else:
        assert counts.tolist() == [[6000] * 10, [1000] * 10]
    assert (train.levels, len(train.classes), capsys.readouterr().out) == (256, 10, "")


def test_the_pixels_that_never_change_are_as_many_as_the_docstring_says(real_data):
    for name, count in (("mnist", 67), ("digits", 3)):
        x = images.load(name, size="full").images.flatten(1)
        assert (x == x[0]).all(0).sum() == count


def test_real_kmnist_without_labels_says_so(real_data, nothing_here, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", str(real_data))
    if (real_data / "kmnist").is_dir():
        pytest.skip("the labelled files are here")
    data = images.load("kmnist", "test", size="full")
    assert data.images.shape == (10_000, 1, 28, 28)
    assert (data.labels == -1).all()
    assert "without their labels" in capsys.readouterr().out
    assert images.load("kmnist", "train", size="full").images.shape == (1437, 1, 8, 8)


@pytest.mark.slow
@pytest.mark.parametrize(("split", "drawings", "characters"), [("train", 2720, 136), ("test", 3120, 156)])
def test_real_omniglot(split, drawings, characters, real_data):
    data = images.load("omniglot", split, size="full")
    assert data.images.shape == (drawings, 1, 28, 28)
    assert data.labels.bincount().tolist() == [20] * characters  # twenty people drew each
    assert len(data.classes) == characters
    assert data.images.unique().tolist() == [0, 1]
    ink = data.images.double().mean((1, 2, 3))
    assert ink.min() > 0.01  # no drawing lost its strokes
    assert ink.max() < 0.4
