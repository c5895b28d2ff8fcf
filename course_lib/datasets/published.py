"""What a publisher gives, and how it is recognised: a file by its sum, an archive by the sums of what is in it, a set by its licence.

Taught in: 00_start_here
"""

import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """One file as published: ``path`` below ``COURSE_DATA``, ``size`` in bytes, ``sha256`` in hex, ``addresses`` in the order of trial."""

    path: str
    size: int
    sha256: str
    addresses: tuple[str, ...]

    @property
    def expected(self) -> str:
        """In words, what a copy must be."""
        return f"{self.size} bytes, sha256 {self.sha256}"

    @property
    def transfer(self) -> int:
        """How many bytes a download brings."""
        return self.size

    @property
    def most(self) -> int:
        """No copy is larger than this many bytes."""
        return self.size


@dataclass(frozen=True)
class DataArchive:
    """A zip file of which only some ``members`` count, for it is packed anew at every download and its own sum changes.

    ``size`` is that of these members together, unpacked; ``sha256`` is the sum of the list that ``sha256sum`` prints of them in the order of
    their names; ``transfer`` says about how many bytes a download brings. They may lie in the archive as named, or in one folder around them.
    """

    path: str
    members: tuple[str, ...]
    size: int
    sha256: str
    transfer: int
    addresses: tuple[str, ...]

    @property
    def expected(self) -> str:
        """In words, what a copy must hold."""
        return f"{len(self.members)} files of together {self.size} bytes, sha256 of their list {self.sha256}"

    @property
    def most(self) -> int:
        """No copy is larger than this many bytes, however it is packed."""
        return 2 * max(self.size, self.transfer)

    def fault(self, content: bytes) -> str:
        """What is wrong with an archive in words, or nothing."""
        return self._unpacked(content)[1]

    def unpack(self, content: bytes) -> dict[str, bytes]:
        """Returns the members by their names.

        Raises:
            ValueError: if they are not what was published.
        """
        found, fault = self._unpacked(content)
        if fault:
            raise ValueError(f"{self.path} must hold {self.expected}, and holds {fault}")
        return found

    def listed_fault(self, content: bytes) -> str:
        """As ``fault``, but only from the archive's table of contents: names and sizes."""
        try:
            self._entries(content)
        except (ValueError, zipfile.BadZipFile) as reason:
            return str(reason)
        return ""

    def _unpacked(self, content: bytes) -> tuple[dict[str, bytes], str]:
        try:
            entries = self._entries(content)
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                found = {name: archive.read(entries[name]) for name in sorted(entries)}
        except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as reason:
            return {}, f"{reason or type(reason).__name__}"
        listed = "".join(f"{hashlib.sha256(member).hexdigest()}  {name}\n" for name, member in found.items())
        digest = hashlib.sha256(listed.encode()).hexdigest()
        return (found, "") if digest == self.sha256 else ({}, f"{len(found)} files, sha256 of their list {digest}")

    def _entries(self, content: bytes) -> dict[str, zipfile.ZipInfo]:
        """Where the members stand in the archive; a ValueError says that some are missing, twice there, or not of the published size."""
        wanted, found = set(self.members), {}
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                name = entry.filename if entry.filename in wanted else entry.filename.partition("/")[2]
                if name in found:
                    raise ValueError(f"{name} twice")
                if name in wanted:
                    found[name] = entry
        size = sum(entry.file_size for entry in found.values())
        if len(found) != len(wanted) or size != self.size:
            raise ValueError(f"{len(found)} of the {len(wanted)} files, {size} bytes")
        return found


@dataclass(frozen=True)
class DataSet:
    """Files that belong together, their licence, and what stands in where they are out of reach."""

    what: str
    licence: str
    stand_in: str
    files: tuple[DataFile | DataArchive, ...]


def github(repository: str, commit: str, path: str) -> tuple[str, ...]:
    """A file of one commit: GitHub itself, and a content network that keeps what it has once served (files up to 20 MB)."""
    return (
        f"https://raw.githubusercontent.com/{repository}/{commit}/{path}",
        f"https://cdn.jsdelivr.net/gh/{repository}@{commit}/{path}",
    )


def github_archive(repository: str, commit: str) -> tuple[str, ...]:
    """All files of one commit in a zip file: GitHub's door for people, and the one behind it for programs."""
    return (f"https://github.com/{repository}/archive/{commit}.zip", f"https://codeload.github.com/{repository}/zip/{commit}")
