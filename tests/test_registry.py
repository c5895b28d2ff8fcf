"""The list of real files: complete, pinned, and true of the real data."""

import hashlib
import re
import subprocess
import sys
from urllib.parse import unquote, urlsplit

import pytest

from course_lib.datasets import registry

FILES = [pytest.param(file, id=file.path) for data in registry.DATASETS.values() for file in data.files]
# MD5 sums that the publishers (or torchvision for them) give: a second witness beside the registry's own SHA-256.
OFFICIAL_MD5 = {
    "mnist/train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "mnist/train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "mnist/t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "mnist/t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    "fashion-mnist/train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "fashion-mnist/train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "fashion-mnist/t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "fashion-mnist/t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("file", FILES)
def test_every_file_has_a_sum_a_size_and_two_places_that_cannot_change(file):
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert file.size > 0
    assert len({urlsplit(address).hostname for address in file.addresses}) >= 2
    if isinstance(file, registry.DataArchive):  # packed anew by the server, under a name of its own
        assert file.transfer >= 0.5 * file.size
        assert file.members
    else:
        assert all(unquote(address).endswith(file.path.rsplit("/", 1)[1]) for address in file.addresses)
    for address in file.addresses:
        assert urlsplit(address).scheme in ("http", "https")
        if "github" in address or "jsdelivr" in address:
            assert re.search(r"[/@][0-9a-f]{40}(/|$|\.zip$)", address), "a branch moves; name the commit"
        if "jsdelivr" in address:
            assert file.size < 20e6, "jsDelivr serves files up to 20 MB"


def test_every_file_is_named_once_and_every_set_says_what_it_is():
    paths = [file.path for data in registry.DATASETS.values() for file in data.files]
    assert len(paths) == len(set(paths))
    sums = [file.sha256 for data in registry.DATASETS.values() for file in data.files]
    assert len(sums) == len(set(sums))
    assert all(data.what and data.licence and data.stand_in for data in registry.DATASETS.values())


@pytest.mark.parametrize("file", FILES)
def test_the_real_files_are_what_the_registry_says(file, real_data, nothing_here, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(real_data))
    try:
        content = registry.read(file.path)
    except registry.DataUnavailable:
        pytest.skip(f"{file.path} is not in COURSE_DATA")
    if isinstance(file, registry.DataArchive):
        found = registry.members(file.path)
        assert set(found) == set(file.members)
        assert sum(map(len, found.values())) == file.size
    else:
        assert len(content) == file.size
    if file.path in OFFICIAL_MD5:
        assert hashlib.md5(content).hexdigest() == OFFICIAL_MD5[file.path]


def test_an_unknown_file_is_an_error_that_names_its_neighbours():
    with pytest.raises(ValueError, match=r"path must be a registered file, got 'mnist/labels.gz'.*mnist/train-labels-idx1-ubyte\.gz"):
        registry.read("mnist/labels.gz")


def test_without_network_and_data_the_message_says_what_was_tried_and_what_to_do(nothing_here):
    with pytest.raises(registry.DataUnavailable) as failure:
        registry.read("finance-sp500/data.csv")
    for part in ("finance-sp500/data.csv", str(nothing_here / "cache"), "COURSE_OFFLINE=1", "set COURSE_DATA"):
        assert part in str(failure.value)


def test_a_file_has_no_members(nothing_here):
    with pytest.raises(ValueError, match=r"path must be a registered archive, got 'finance-sp500/data.csv', which is a single file"):
        registry.members("finance-sp500/data.csv")


def where(name, **kwargs):
    return {status.name: status for status in registry.report(**kwargs)}[name]


def test_the_report_tells_the_five_cases_apart(nothing_here, monkeypatch):
    assert [status.name for status in registry.report()] == list(registry.DATASETS)
    assert where("finance-sp500").where == "stand-in"
    monkeypatch.setenv("COURSE_OFFLINE", "0")
    assert where("mnist").where == "download"
    assert "11.6 MB" in where("mnist").detail
    assert not (nothing_here / "cache").exists()

    file = registry.DATASETS["finance-sp500"].files[0]
    in_cache = nothing_here / "cache" / file.path
    in_cache.parent.mkdir(parents=True)
    in_cache.write_bytes(b"0" * file.size)
    assert where("finance-sp500").where == "cache"  # cheap: only the size is looked at
    assert where("finance-sp500", verify=True).where == "refused"
    in_cache.write_bytes(b"0")
    assert where("finance-sp500").where == "refused"
    assert file.sha256 in where("finance-sp500").detail

    in_data = nothing_here / "data" / f"{file.path}.gz"
    in_data.parent.mkdir(parents=True)
    in_data.write_bytes(b"")
    monkeypatch.setenv("COURSE_DATA", str(nothing_here / "data"))
    assert where("finance-sp500").where == "COURSE_DATA"
    assert where("finance-sp500", verify=True).where == "refused"


def test_a_published_gz_that_was_cut_short_shows_in_the_cheap_report(nothing_here):
    place = nothing_here / "cache" / "mnist" / "train-labels-idx1-ubyte.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"0" * 100)
    assert where("mnist").where == "refused"


def test_an_archive_cut_short_shows_in_the_cheap_report_and_a_changed_one_in_the_thorough(real_data, nothing_here):
    place = nothing_here / "cache" / "fsdd" / "fsdd-recordings.zip"
    place.parent.mkdir(parents=True)
    content = bytearray((real_data / "fsdd" / "fsdd-recordings.zip").read_bytes())
    content[100] ^= 1  # inside the first recording
    place.write_bytes(content)
    assert where("fsdd").where == "cache"
    assert where("fsdd", verify=True).where == "refused"
    place.write_bytes(content[:1_000_000])
    assert where("fsdd").where == "refused"
    with pytest.raises(registry.DataRefused, match="3000 files of together 21128848 bytes"):
        registry.members("fsdd/fsdd-recordings.zip")


def test_the_report_of_the_real_data(real_data, nothing_here, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(real_data))
    assert where("mnist", verify=True).where == "COURSE_DATA"
    assert where("japanese-vowels", verify=True).detail == str(real_data / "timeseries-ucr")


def test_import_brings_in_neither_torch_nor_the_downloader():
    code = "import sys, course_lib.datasets.registry; sys.exit(', '.join({'torch', 'numpy', 'pooch', 'requests'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == "\n"
