"""Nothing that is handed in is followed, escapes, or fills the machine; what can be read is read."""

import io
import os
import stat
import struct
import zipfile
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.grading.collection import archives
from course_lib.grading.collection.archives import Budget, Entry, Unusable, listed, unzipped


def zipped(*members, **options) -> bytes:
    """A zip archive of (name or ZipInfo, bytes)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def entry(data: bytes, name: str = "a.zip") -> Entry:
    return Entry(name, lambda: data)


def read(entries) -> dict[str, bytes | str]:
    """What each entry holds, or what is wrong with it."""
    found = {}
    for one in entries:
        try:
            found[one.name] = one.read()
        except Unusable as why:
            found[one.name] = str(why)
    return found


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "submissions"
    made.mkdir()
    return made


def contents(where) -> dict[str, bytes | str]:
    with ExitStack() as stack:
        return read(listed(where, stack))


def test_a_folder_is_listed_in_order_with_times(folder):
    (folder / "b").mkdir()
    (folder / "b" / "two.txt").write_bytes(b"2")
    (folder / "a.txt").write_bytes(b"1")
    os.utime(folder / "a.txt", (0, 1_800_000_000))
    with ExitStack() as stack:
        first, second = listed(folder, stack)
        assert (first.name, first.read(), first.modified) == ("a.txt", b"1", datetime.fromtimestamp(1_800_000_000, UTC))
        assert (second.name, second.parts, second.suffix) == ("b/two.txt", ["b", "two.txt"], ".txt")


def test_links_pipes_and_devices_are_told_and_never_opened(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "marks.txt").write_bytes(b"secret")
    (folder / "file.txt").symlink_to(secret / "marks.txt")
    (folder / "folder").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.ipynb")
    found = contents(folder)
    assert all(isinstance(told, str) and "not" in told for told in found.values())
    assert "secret" not in repr(found.values())
    assert list(found) == ["file.txt", "folder", "loop", "pipe.ipynb"]
    assert "pipe or a device" in found["pipe.ipynb"]
    assert {found[name] for name in ("file.txt", "folder", "loop")} == {"is a link, which is not followed"}


def test_a_file_that_becomes_a_link_after_it_was_listed_is_not_followed(folder):
    (folder / "a.txt").write_bytes(b"1")
    with ExitStack() as stack:
        (one,) = listed(folder, stack)
        (folder / "a.txt").unlink()
        (folder / "a.txt").symlink_to("/etc/passwd")
        with pytest.raises(Unusable, match="could not be read"):
            one.read()


def test_an_empty_folder_is_listed_and_what_systems_leave_is_not(folder):
    for name in ("s1", "__MACOSX", ".ipynb_checkpoints"):
        (folder / name).mkdir()
    (folder / "__MACOSX" / "x").write_bytes(b"")
    (folder / "._a.ipynb").write_bytes(b"")
    assert contents(folder) == {"s1/": "is empty"}


def test_names_in_japanese_of_any_system(folder):
    os.mkdir(os.fsencode(folder) + b"/" + "山田".encode("cp932"))
    (folder / "鈴木").mkdir()
    assert set(contents(folder)) == {"山田/", "鈴木/"}
    old = zipped(("xxxx.txt", b"1")).replace(b"xxxx", "提出".encode("cp932"))
    assert read(unzipped(entry(old, "s.zip"), Budget())) == {"s/提出.txt": b"1"}
    assert read(unzipped(entry(zipped(("提出.txt", b"1"))), Budget())) == {"a/提出.txt": b"1"}


def test_folders_in_folders_without_end_are_left(folder):
    deep = folder
    for _ in range(30):
        deep = deep / "d"
        deep.mkdir()
    (told,) = contents(folder).values()
    assert told == "is nested too deep"


def test_a_large_file_is_read_no_further_than_it_is_needed(folder, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 10)
    with (folder / "sparse.ipynb").open("wb") as file:
        file.truncate(2**40)
    assert contents(folder) == {"sparse.ipynb": bytes(11)}


def test_a_place_that_holds_no_submissions_is_refused(tmp_path):
    path = tmp_path / "class.zip"
    with ExitStack() as stack, pytest.raises(Unusable, match="neither"):
        listed(path, stack)
    path.write_bytes(b"words")
    with ExitStack() as stack, pytest.raises(Unusable, match="no zip"):
        listed(path, stack)


# ------------------------------------------------------------------------------------------------------------------------------ zip


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../b", "C:\\Users\\x", "c:x", "\\\\host\\share\\x", "..\\evil", "a/.. /b", "d/" * 30 + "x"]
)
def test_paths_that_lead_out_of_an_archive_are_left_out(name):
    found = read(unzipped(entry(zipped((name, b"evil"), ("good", b"1"))), Budget()))
    assert found.pop("a/good") == b"1"
    assert list(found) == ["a/?"]
    assert "leads out" in found["a/?"]


@pytest.mark.parametrize(
    ("name", "path"), [("a\\b.txt", "a/b.txt"), ("./a//b", "a/b"), ("con", "con"), ("a\nb", "a\ufffdb"), ("x\u2028", "x\ufffd")]
)
def test_paths_of_windows_and_odd_names_stay_inside(name, path):
    assert read(unzipped(entry(zipped((name, b"1"))), Budget())) == {f"a/{path}": b"1"}


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_in_an_archive_are_left_out(mode):
    info = zipfile.ZipInfo("a.ipynb")
    info.external_attr = (mode | 0o777) << 16
    assert "link or a special file" in read(unzipped(entry(zipped((info, b"/etc/passwd"))), Budget()))["a/a.ipynb"]


def test_twins_in_an_archive_are_both_read():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(("a.txt", b"1"), ("a.txt", b"2"))
    assert [one.read() for one in unzipped(entry(data), Budget())] == [b"1", b"2"]


def test_an_encrypted_member_says_so():
    data = bytearray(zipped(("a.ipynb", b"1")))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + at] |= 1
    assert read(unzipped(entry(bytes(data)), Budget())) == {"a/a.ipynb": "is encrypted, and nobody gave the password"}


def test_an_unusual_compression_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"1")
    assert "unusual" in read(unzipped(entry(file.getvalue()), Budget()))["a/a"]


def test_a_bomb_of_one_large_member_is_not_unpacked():
    bomb = zipped(("a.ipynb", bytes(archives.MOST_BYTES + 1)))
    assert len(bomb) < 100_000
    assert "more than the 64 MiB" in read(unzipped(entry(bomb), Budget()))["a/a.ipynb"]


def test_a_bomb_of_many_members_ends_at_the_budget():
    bomb = zipped(*((f"{i}.txt", bytes(1000)) for i in range(100)))
    found = read(unzipped(entry(bomb), Budget(bytes=len(bomb) + 10_500)))
    assert sum(isinstance(data, bytes) for data in found.values()) == 10
    assert "zip bomb" in found["a/99.txt"]


def test_a_bomb_of_members_on_the_same_bytes_ends_at_the_budget():
    """As David Fifield's bomb does, many entries of the table of contents share one compressed kernel."""
    data = zipped(("a", bytes(1_000_000)))
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    table = data[start:end] * 200
    closing = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 200, 200, len(table), start, 0)
    budget = Budget(bytes=5_500_000 + len(data[:start] + table + closing))
    found = [one for one in unzipped(entry(data[:start] + table + closing), budget)]
    assert len(found) == 200
    sizes = [len(data) for one in found for data in read([one]).values() if isinstance(data, bytes)]
    assert sum(sizes) <= 5_000_000  # nothing at all where zipfile itself refuses what overlaps


def test_a_bomb_of_names_is_not_listed(monkeypatch):
    bomb = zipped(*((f"{i}", b"") for i in range(200)))
    opened = []
    monkeypatch.setattr(zipfile, "ZipFile", lambda *a, **k: opened.append(a))
    with pytest.raises(Unusable, match="zip bomb"):
        unzipped(entry(bomb), Budget(files=100))
    assert not opened


def test_a_member_that_lies_about_its_size_gives_no_more_than_it_says():
    data = zipped(("a.txt", bytes(100_000)))
    lie = data.replace(struct.pack("<L", 100_000), struct.pack("<L", 10))
    assert read(unzipped(entry(lie), Budget()))["a/a.txt"] in (bytes(10), "is damaged in its archive")


def test_damage_is_told_by_member():
    data = bytearray(zipped(("a.txt", b"some words " * 100), ("b.txt", b"1")))
    data[45] ^= 0xFF
    found = read(unzipped(entry(bytes(data)), Budget()))
    assert found == {"a/a.txt": "is damaged in its archive", "a/b.txt": b"1"}


def test_times_of_members():
    info = zipfile.ZipInfo("a", (2026, 11, 21, 9, 30, 0))
    (one,) = unzipped(entry(zipped((info, b""))), Budget())
    assert one.modified == datetime(2026, 11, 21, 9, 30).astimezone()
    (none,) = unzipped(entry(zipped((zipfile.ZipInfo("a"), b""))), Budget())  # 1980, as archivers write who do not know
    assert none.modified is None


@pytest.mark.parametrize(
    ("name", "kind"), [("山田.PDF", "a .pdf file"), ("x.hanako yamada", "a file"), ("x", "a file"), (".ipynb", "a .ipynb file")]
)
def test_a_file_is_told_without_its_name(name, kind):
    assert entry(b"", name).kind == kind


@settings(max_examples=200)
@given(st.data())
def test_damaged_archives_raise_nothing_else(data):
    whole = bytearray(zipped(("a.txt", b"some words " * 20), ("b/c.txt", b"1" * 500)))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = unzipped(entry(bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole)), Budget())
    except Unusable:
        return
    for name in read(found):
        assert not name.startswith("/")
        assert ".." not in name.split("/")
