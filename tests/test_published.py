"""An archive is known by what is in it, however it was packed, and by nothing else."""

import dataclasses
import hashlib
import io
import re
import shutil
import subprocess
import zipfile

import pytest

from course_lib.datasets.published import DataArchive, DataFile, DataSet, github, github_archive

FILES = {"takes/0_ann_0.wav": b"zero" * 100, "takes/1_ann_0.wav": b"one" * 50, "takes/10_ann_0.wav": b""}
LISTED = "".join(f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in sorted(FILES))
ARCHIVE = DataArchive("set/takes.zip", tuple(FILES), 550, hashlib.sha256(LISTED.encode()).hexdigest(), 1000, ("https://a/takes.zip",))


def packed(files: dict[str, bytes], *, around: str = "", how: int = zipfile.ZIP_DEFLATED) -> bytes:
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(around + name, content)
    return place.getvalue()


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("around", ["", "takes-3f2a/"])
def test_any_packing_with_anything_else_in_it_is_the_same_archive(how, around):
    others = {"README.md": b"about", "takes/2_ann_0.wav": b"not ours", "old/er/takes/0_ann_0.wav": b"deeper"}
    for files in (FILES, dict(reversed(FILES.items())), others | FILES):
        content = packed(files, around=around, how=how)
        assert ARCHIVE.fault(content) == ""
        assert ARCHIVE.listed_fault(content) == ""
        assert ARCHIVE.unpack(content) == FILES


def test_the_sum_is_that_of_sha256sums_own_list(tmp_path):
    if shutil.which("sha256sum") is None:
        pytest.skip("needs sha256sum")
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    said = subprocess.run(["sha256sum", *sorted(FILES)], cwd=tmp_path, capture_output=True, check=True).stdout
    assert hashlib.sha256(said).hexdigest() == ARCHIVE.sha256


WRONG = {
    "a byte changed": packed(FILES | {"takes/1_ann_0.wav": b"one" * 49 + b"onE"}),
    "two contents exchanged": packed({"takes/0_ann_0.wav": FILES["takes/1_ann_0.wav"], "takes/1_ann_0.wav": FILES["takes/0_ann_0.wav"], "takes/10_ann_0.wav": b""}),
    "one missing": packed({name: FILES[name] for name in list(FILES)[:2]}),
    "one longer": packed(FILES | {"takes/10_ann_0.wav": b"x"}),
    "a bomb": packed(FILES | {"takes/10_ann_0.wav": bytes(10**7)}),
    "too deep": packed(FILES, around="a/b/"),
    "cut short": packed(FILES)[:-30],
    "no archive": b"<html>not found</html>",
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_the_published_content_is_refused(wrong):
    assert ARCHIVE.fault(WRONG[wrong])
    with pytest.raises(
        ValueError, match=re.escape(f"set/takes.zip must hold 3 files of together 550 bytes, sha256 of their list {ARCHIVE.sha256}")
    ):
        ARCHIVE.unpack(WRONG[wrong])
    assert bool(ARCHIVE.listed_fault(WRONG[wrong])) == (wrong not in ("a byte changed", "two contents exchanged"))


def test_a_member_that_is_there_twice_is_refused():
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w") as archive:
        for around in ("", "x/"):
            for name, content in FILES.items():
                archive.writestr(around + name, content)
    assert "takes/0_ann_0.wav twice" in ARCHIVE.fault(place.getvalue())


def test_damaged_packing_is_refused():
    content = bytearray(packed(FILES))
    at = content.index(b"takes/0_ann_0.wav") + 20
    content[at : at + 4] = b"\xff\xff\xff\xff"
    assert ARCHIVE.fault(bytes(content))


def test_a_file_and_an_archive_say_what_is_expected_and_how_large_a_copy_may_be():
    file = DataFile("set/a.bin", 7, "0" * 64, ())
    assert file.expected == f"7 bytes, sha256 {'0' * 64}"
    assert (file.transfer, file.most) == (7, 7)
    assert ARCHIVE.most == 2000
    with pytest.raises(dataclasses.FrozenInstanceError):
        DataSet("w", "l", "s", (file,)).what = "x"


def test_addresses_name_the_commit():
    commit = "0123456789" * 4
    assert github("a/b", commit, "c/d.bin") == (
        f"https://raw.githubusercontent.com/a/b/{commit}/c/d.bin",
        f"https://cdn.jsdelivr.net/gh/a/b@{commit}/c/d.bin",
    )
    assert all(commit in address and "/a/b/" in address for address in github_archive("a/b", commit))
