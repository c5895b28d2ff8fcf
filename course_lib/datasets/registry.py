"""Every real data file of the course, named once: where it comes from, how it is recognised, under which licence; and the door to read it.

A file is looked for in this order, and what is found is checked before a byte of it is used:

1. the folder that ``COURSE_DATA`` names, as it is or packed as ``<name>.gz``;
2. the cache (``COURSE_CACHE``, or the system's own place for caches);
3. its addresses, one after the other, unless ``COURSE_OFFLINE=1`` forbids the network;
4. else ``DataUnavailable`` says what was tried, and the data set's module says aloud what stands in.

Taught in: 00_start_here
"""

import os
from dataclasses import dataclass
from pathlib import Path

from course_lib.datasets.download import DataRefused, DataUnavailable, checked, download, find
from course_lib.datasets.published import DataArchive, DataFile, DataSet, github
from course_lib.datasets.recordings import RECORDINGS

__all__ = ["DATASETS", "DataRefused", "DataSet", "DataUnavailable", "Status", "members", "read", "report"]


@dataclass(frozen=True)
class Status:
    """Where a data set would come from now: ``COURSE_DATA``, ``cache``, ``download``, ``stand-in``, or ``refused``."""

    name: str
    where: str
    detail: str
    licence: str


def _idx_files(folder: str, addresses: tuple[str, ...], sums: str) -> tuple[DataFile, ...]:
    """The four files of an MNIST-like set; ``sums`` has size and sha256 of images and labels, training before test."""
    names = [f"{split}-{kind}-ubyte.gz" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    numbers = [line.split() for line in sums.strip().splitlines()]
    return tuple(
        DataFile(f"{folder}/{name}", int(size), sha256, tuple(address + name for address in addresses))
        for name, (size, sha256) in zip(names, numbers, strict=True)
    )


_DIGITS = "scikit-learn's 1 797 handwritten digits, 8×8"
_FASHION = "zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/"
_OMNIGLOT = ("brendenlake/omniglot", "057f034baf2ecb8530bc5710e5a23584d2a519cc")
_KMNIST = ("namanlab/CVCNN_Paper", "0f30b9c852904dc63a7902c1d2a2f5c61d0547e4", "data/KMNIST/raw/")
_AEON = ("aeon-toolkit/aeon", "a101ddc8b35a65441609b45c9bcce5aeafa0c131")

DATASETS: dict[str, DataSet] = {
    "mnist": DataSet(
        "70 000 handwritten digits, 28×28 (LeCun, Cortes, Burges)",
        "CC BY-SA 3.0",
        _DIGITS,
        _idx_files(
            "mnist",
            ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
            """9912422 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609
            28881 3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c
            1648877 8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6
            4542 f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6""",
        ),
    ),
    "fashion-mnist": DataSet(
        "70 000 pictures of clothes, 28×28 (Xiao, Rasul, Vollgraf)",
        "MIT",
        _DIGITS,
        _idx_files(
            "fashion-mnist",
            ("https://raw.githubusercontent.com/" + _FASHION, "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
            """26421880 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84
            29515 a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845
            4422102 346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073
            5148 67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5""",
        ),
    ),
    "kmnist": DataSet(
        "70 000 cursive hiragana (くずし字), 28×28: KMNIST Dataset, created by CODH",
        "CC BY-SA 4.0",
        _DIGITS,
        _idx_files(
            "kmnist",
            ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/", *github(*_KMNIST)),
            """18165135 51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4
            29497 e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17
            3041136 edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5
            5120 20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c""",
        ),
    ),
    "kmnist-test-unlabelled": DataSet(
        "KMNIST's 10 000 test pictures, shuffled and without labels",
        "CC BY-SA 4.0",
        _DIGITS,
        (
            DataFile(
                "kmnist-test-unlabelled/kmnist-test-imgs.npz",
                3069285,
                "9e19e2c2cc48cc89322e26acda94ae1b6534a91cdfc0b35e85eb90d2c86830e8",
                github("catdance124/kuzushiji-mnist", "d77f29612f4154660f5045f5f3e7a32caf6bc2fc", "data/kmnist-test-imgs.npz"),
            ),
        ),
    ),
    "omniglot": DataSet(
        "5 840 drawings of characters from ten alphabets, 105×105, black and white (Lake, Salakhutdinov, Tenenbaum)",
        "MIT",
        _DIGITS,
        (
            DataFile(
                "omniglot/images_background_small1.zip",
                1319022,
                "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
                github(*_OMNIGLOT, "python/images_background_small1.zip"),
            ),
            DataFile(
                "omniglot/images_background_small2.zip",
                1580917,
                "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
                github(*_OMNIGLOT, "python/images_background_small2.zip"),
            ),
        ),
    ),
    "finance-sp500": DataSet(
        "S&P 500, one price a month since 1871 (R. Shiller)",
        "ODC PDDL",
        "brightness steps between neighbouring pixels of scikit-learn's photograph china.jpg",
        (
            DataFile(
                "finance-sp500/data.csv",
                123698,
                "28d16941c581bda9bdcae4e0f9e3cc4b61204f8484e8c2249abdde2efe2cc3c4",
                github("datasets/s-and-p-500", "f23898667d8764ea9e8a641b0b41487437e33b39", "data/data.csv"),
            ),
        ),
    ),
    "japanese-vowels": DataSet(
        "640 utterances of /ae/ by nine men, as LPC cepstra (Kudo, Toyama, Shimbo 1999)",
        "none stated by the archive; cite the paper",
        "nine made-up speakers",
        tuple(
            DataFile(
                f"timeseries-ucr/JapaneseVowels_{split}.ts",
                size,
                sha256,
                github(*_AEON, f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{split}.ts"),
            )
            for split, size, sha256 in (
                ("TRAIN", 487971, "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd"),
                ("TEST", 649132, "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462"),
            )
        ),
    ),
}
DATASETS |= RECORDINGS


def read(path: str) -> bytes:
    """Returns the content of a registered file, checked, from the nearest place that has it.

    Args:
        path: the file's path below ``COURSE_DATA``, as in ``DATASETS``.

    Returns:
        Its bytes as published.

    Raises:
        ValueError: if no such file is registered, or ``COURSE_DATA`` names something that is not a folder.
        DataRefused: if the nearest copy is not what was published.
        DataUnavailable: if there is no copy, and no address gave one.

    Example:
        >>> read("mnist/train-images.gz")
        Traceback (most recent call last):
        ValueError: path must be a registered file, got 'mnist/train-images.gz'; those of mnist are: ...
    """
    file = _registered(path)
    found = find(file)
    return download(file) if found is None else checked(found[1], file)


def members(path: str) -> dict[str, bytes]:
    """Returns what counts in a registered archive, by name, checked; raises as ``read`` does.

    Args:
        path: the archive's path below ``COURSE_DATA``, as in ``DATASETS``.

    Raises:
        ValueError: if the registered file is no archive.
    """
    archive = _registered(path)
    if not isinstance(archive, DataArchive):
        raise ValueError(f"path must be a registered archive, got {path!r}, which is a single file")
    return archive.unpack(read(path))


def report(*, verify: bool = False) -> list[Status]:
    """Returns, for every data set, where it would come from now; nothing is downloaded.

    Args:
        verify: also read every file that is there and check its sum, which takes a second or two.

    Returns:
        One ``Status`` a data set; ``detail`` says in words where, how much, or what is wrong.
    """
    return [_status(name, data, verify) for name, data in DATASETS.items()]


def _registered(path: str) -> DataFile | DataArchive:
    files = {file.path: file for data in DATASETS.values() for file in data.files}
    if path not in files:
        near = [known for known in files if known.split("/")[0] == path.split("/")[0]] or sorted(files)
        raise ValueError(f"path must be a registered file, got {path!r}; those of {near[0].split('/')[0]} are: {', '.join(near)}")
    return files[path]


def _status(name: str, data: DataSet, verify: bool) -> Status:
    missing, found_in = [], []
    for file in data.files:
        found = find(file)
        if found is None:
            missing.append(file)
            continue
        where, place = found
        found_in.append((where, place))
        try:
            if verify or _looks_wrong(place, file):
                checked(place, file)
        except DataRefused as reason:
            return Status(name, "refused", str(reason), data.licence)
    if not missing:
        where = "cache" if any(where == "cache" for where, _ in found_in) else "COURSE_DATA"
        return Status(name, where, str(found_in[0][1].parent), data.licence)
    if os.environ.get("COURSE_OFFLINE") == "1":
        return Status(name, "stand-in", data.stand_in, data.licence)
    megabytes = sum(file.transfer for file in missing) / 1e6
    return Status(name, "download", f"{megabytes:.1f} MB when first used", data.licence)


def _looks_wrong(place: Path, file: DataFile | DataArchive) -> bool:
    """Whether a copy that was not packed by somebody can be seen to be wrong without its sum."""
    if place.name != file.path.split("/")[-1]:
        return False
    if isinstance(file, DataArchive):
        return bool(file.listed_fault(place.read_bytes()))
    return place.stat().st_size != file.size
