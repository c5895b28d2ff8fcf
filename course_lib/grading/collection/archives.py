"""Files that strangers handed in, in folders and zip archives, listed and read without ever following, unpacking or trusting them.

with ExitStack() as stack:
    for entry in listed(Path("submissions"), stack):
        entry.name, entry.read()

Nothing is written to disk, so nothing can escape; what is read is counted, so nothing can fill the memory. Links, pipes and devices are listed
with what is wrong with them, and never opened.
"""

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from course_lib.grading.notebooks.reading import MOST_BYTES

_MOST_ZIP = 256 * 2**20  # bytes of an archive inside a submission
_MOST_FILES = 200_000  # that a class hands in
_DEEPEST = 20  # folders in folders
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENTRY = b"PK\x01\x02"  # begins each entry in an archive's table of contents
_LEFT_BY_SYSTEMS = {
    "__MACOSX",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    ".ipynb_checkpoints",
    "__pycache__",
    ".git",
    ".venv",
    ".virtual_documents",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, OverflowError)


class Unusable(Exception):
    """A file cannot be read, or must not be; the message says why, in words that follow the file's name."""


@dataclass
class Budget:
    """What one student's archives may unpack to.

    Attributes:
        bytes: what is left to be read.
        files: what is left to be listed.
    """

    bytes: int = 512 * 2**20
    files: int = 5_000

    def take(self, *, size: int = 0, files: int = 0) -> None:
        """Takes from what is left.

        Raises:
            Unusable: if it is not enough.
        """
        self.bytes -= size
        self.files -= files
        if self.bytes < 0 or self.files < 0:
            raise Unusable("unpacks to more than any submission needs, like a zip bomb, and was not unpacked further")


@dataclass(frozen=True)
class Entry:
    """One file.

    Attributes:
        name: its path from the folder or archive, with ``/``; never absolute, never with ``..``. A folder's, listed where it may be empty, ends in ``/``.
        read: returns its bytes; raises ``Unusable``.
        modified: when it was last changed, None if nothing tells.
        fault: why it cannot be read, in words that follow its name; empty if it can.
    """

    name: str
    read: Callable[[], bytes] = field(repr=False)
    modified: datetime | None = None
    fault: str = ""

    @property
    def parts(self) -> list[str]:
        """The path's folders and the file."""
        return self.name.split("/")

    @property
    def suffix(self) -> str:
        """The file's ending, in small letters, with its dot."""
        _, dot, ending = self.parts[-1].rpartition(".")
        return f".{ending.lower()}" if dot else ""

    @property
    def kind(self) -> str:
        """What it is, in words that do not repeat its name, which may be somebody's."""
        return f"a {self.suffix} file" if re.fullmatch(r"\.[a-z0-9]{1,6}", self.suffix) else "a file"


def listed(where: Path, stack: ExitStack) -> list[Entry]:
    """Returns every file of a folder or a zip archive, in order.

    Args:
        where: the folder or the archive.
        stack: closes the archive when nothing will be read any more.

    Raises:
        Unusable: if it is neither.
    """
    if where.is_dir():
        found: list[Entry] = []
        _walk(where, "", found)
        return sorted(found, key=lambda entry: entry.name)
    if not where.is_file():
        raise Unusable("is neither a folder nor a file")
    if not zipfile.is_zipfile(where):
        raise Unusable("is no zip archive")
    try:
        archive = stack.enter_context(zipfile.ZipFile(where))
    except _BROKEN as error:
        raise Unusable("is a damaged zip archive") from error
    return _contents(archive, Budget(bytes=2**62, files=_MOST_FILES))


def unzipped(entry: Entry, budget: Budget) -> list[Entry]:
    """Returns what lies in an archive that is itself handed in, under the archive's own name without ``.zip``.

    Raises:
        Unusable: if it is damaged, or more than the budget allows.
    """
    data = entry.read()
    if len(data) > _MOST_ZIP:
        raise Unusable(f"is larger than {_MOST_ZIP // 2**20} MiB")
    budget.take(size=len(data), files=data.count(_ENTRY))
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN as error:
        raise Unusable("is a damaged zip archive") from error
    inside = entry.name[: -len(".zip")] if entry.suffix == ".zip" else entry.name
    return [
        Entry(f"{inside}/{found.name}", found.read, found.modified or entry.modified, found.fault) for found in _contents(archive, budget)
    ]


def _walk(folder: Path, inside: str, found: list[Entry]) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        found.append(_faulty(inside or ".", f"could not be listed ({error.strerror})"))
        return
    if inside and not entries:
        found.append(_faulty(inside, "is empty"))
    for entry in entries:
        name = inside + _CONTROL.sub("\ufffd", _decoded(os.fsencode(entry.name)))
        if _of_no_use(name):
            continue
        if len(found) >= _MOST_FILES:
            raise Unusable(f"holds more than {_MOST_FILES:,} files")
        if entry.is_dir(follow_symlinks=False):
            if name.count("/") >= _DEEPEST:
                found.append(_faulty(name, "is nested too deep"))
            else:
                _walk(Path(entry.path), f"{name}/", found)
        else:
            found.append(_file(Path(entry.path), name))


def _file(path: Path, name: str) -> Entry:
    try:
        status = path.lstat()
    except OSError as error:
        return _faulty(name, f"could not be read ({error.strerror})")
    if stat.S_ISLNK(status.st_mode):
        return _faulty(name, "is a link, which is not followed")
    if not stat.S_ISREG(status.st_mode):
        return _faulty(name, "is a pipe or a device, which is not opened")

    def read() -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise Unusable("is no plain file")
                return file.read(_MOST_ZIP + 1 if name.lower().endswith(".zip") else MOST_BYTES + 1)
        except OSError as error:
            raise Unusable(f"could not be read ({error.strerror})") from error

    return Entry(name, read, datetime.fromtimestamp(max(status.st_mtime, 0), UTC))


def _contents(archive: zipfile.ZipFile, budget: Budget) -> list[Entry]:
    budget.take(files=len(archive.infolist()))
    return [entry for info in archive.infolist() if (entry := _member(archive, info, budget)) is not None]


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Entry | None:
    written = _written(info)
    name = _path(written)
    if name and _of_no_use(name):
        return None
    if name and written.endswith(("/", "\\")):
        return _faulty(f"{name}/", "is a folder")
    if not name:
        return _faulty("?", "has a path that leads out of its archive, and was left out")
    mode = stat.S_IFMT(info.external_attr >> 16)
    limit = _MOST_ZIP if name.lower().endswith(".zip") else MOST_BYTES
    for wrong, fault in (
        (mode not in (0, stat.S_IFREG), "is a link or a special file in an archive, and was left out"),
        (info.flag_bits & 1, "is encrypted, and nobody gave the password"),
        (info.compress_type not in _METHODS, "is compressed in an unusual way: pack it again with plain zip"),
        (info.file_size > limit, f"unpacks to {info.file_size / 2**20:,.0f} MiB, more than the {limit // 2**20} MiB that are read"),
    ):
        if wrong:
            return _faulty(name, fault)

    def read() -> bytes:
        budget.take(size=info.file_size)
        try:
            with archive.open(info) as file:
                return file.read(limit + 1)
        except _BROKEN as error:
            raise Unusable("is damaged in its archive") from error

    return Entry(name, read, _time(info))


def _written(info: zipfile.ZipInfo) -> str:
    """The name of a member: UTF-8 where it is said to be or looks so, else as Japanese Windows writes it."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    return _decoded(info.orig_filename.encode("cp437", "replace"))


def _decoded(name: bytes) -> str:
    for encoding in ("utf-8", "cp932"):
        try:
            return name.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name.decode("utf-8", "replace")


def _path(written: str) -> str:
    """A path inside, with ``/`` and without control characters; empty if it is absolute or leads out."""
    path = written.replace("\\", "/")
    parts = [_CONTROL.sub("\ufffd", part) for part in path.split("/") if part not in ("", ".")]
    outside = path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in (part.strip() for part in parts)
    return "" if outside or len(parts) > _DEEPEST else "/".join(parts)


def _of_no_use(name: str) -> bool:
    parts = name.split("/")
    return bool(set(parts) & _LEFT_BY_SYSTEMS) or parts[-1].startswith(("._", "~$"))


def _time(info: zipfile.ZipInfo) -> datetime | None:
    """When a member was changed; zip archives tell it in somebody's local time, taken for this machine's."""
    if info.date_time <= (1980, 1, 1, 23, 59, 59):
        return None
    try:
        return datetime(*info.date_time).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _faulty(name: str, fault: str) -> Entry:
    def read() -> bytes:
        raise Unusable(fault)

    return Entry(name, read, None, fault)
