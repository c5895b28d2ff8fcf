"""Finding, checking and downloading one published file.

The sum of a file is that of its content as published, so a copy packed with gzip is the same file; an archive counts by what is in it. Nothing that is found is ever changed or
deleted. A download gets its name only after it was checked, and by a single renaming, so any number of processes may download at once.

Taught in: 00_start_here
"""

import gzip
import hashlib
import os
import secrets
import zlib
from pathlib import Path
from urllib.parse import urlsplit

from course_lib.datasets.published import DataArchive, DataFile


class DataUnavailable(RuntimeError):
    """A file is in no folder and could not be downloaded; the message lists what was tried."""


class DataRefused(RuntimeError):
    """A file is there, but it is not what was published; the message gives both sums and what to do."""


def cache_folder() -> Path:
    """Returns the folder for downloads: ``COURSE_CACHE``, or the system's place for caches."""
    import pooch

    told = os.environ.get("COURSE_CACHE")
    return Path(told).expanduser() if told else Path(pooch.os_cache("generative-course"))


def find(file: DataFile | DataArchive) -> tuple[str, Path] | None:
    """Returns the nearest copy of a file, unchecked, and whose folder it is in; None where there is none.

    Raises:
        ValueError: if ``COURSE_DATA`` names something that is not a folder.
    """
    for where, folder in _folders():
        for name in (file.path, f"{file.path}.gz"):
            if (folder / name).is_file():
                return where, folder / name
    return None


def checked(place: Path, file: DataFile | DataArchive) -> bytes:
    """Returns a copy's content, unpacked where it is packed.

    Args:
        place: where the copy lies.
        file: what it should be.

    Returns:
        Exactly the published bytes.

    Raises:
        DataRefused: if size or sum differ from the published ones; the copy is left as it is.
    """
    content, fault = _read(place, file)
    if fault:
        raise DataRefused(
            f"{place} is not the published {file.path} and is refused.\n"
            f"  expected: {file.expected}\n"
            f"  found:    {fault}\n"
            "Move it away and run this again: the file is then taken from the next place, or downloaded anew. Nothing was changed."
        )
    return content


def download(file: DataFile | DataArchive) -> bytes:
    """Downloads a file into the cache, with a progress bar, from the first of its addresses that gives what was published.

    Args:
        file: what to download.

    Returns:
        Its content, checked.

    Raises:
        DataUnavailable: if the network is forbidden, or no address answered with data.
        DataRefused: if an address answered with other bytes than the published ones, and none with the right ones.
        Either way nothing is left behind.
    """
    tried = [f"{where} ({folder}): not there" for where, folder in _folders()]
    if os.environ.get("COURSE_OFFLINE") == "1":
        raise DataUnavailable(_failure(file, [*tried, "network: forbidden by COURSE_OFFLINE=1"]))
    target = cache_folder() / file.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise DataUnavailable(_failure(file, [*tried, f"cannot write there: {reason}; set COURSE_CACHE to a folder of yours"])) from reason
    print(f"downloading {file.path} ({file.transfer / 1e6:.1f} MB)")
    error = DataUnavailable
    for address in file.addresses:
        unchecked = target.with_name(f"{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")  # this process's alone
        try:
            trouble = _fetch(address, unchecked)
            if not (unchecked.is_file() and unchecked.stat().st_size):
                tried.append(f"{address}: {trouble or 'an empty answer'}")
                continue
            content, fault = _read(unchecked, file)
            if not fault:
                unchecked.replace(target)
                return content
        finally:
            unchecked.unlink(missing_ok=True)
        error = DataRefused
        tried.append(f"{address}: refused, found {fault}" + (f" ({trouble})" if trouble else ""))
        print(f"  what {urlsplit(address).netloc} sent is not the published file: {fault}")
    raise error(_failure(file, tried))


def _fetch(address: str, place: Path) -> str:
    """Downloads whatever an address gives; returns what went wrong on the way, in words, or nothing."""
    import pooch

    fetch = pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 16, headers={"Accept-Encoding": "identity"}, timeout=30)
    try:
        fetch(address, str(place), None)
    except OSError as reason:  # every error of requests is one
        return f"{type(reason).__name__}: {reason}"
    return ""


def _read(place: Path, file: DataFile | DataArchive) -> tuple[bytes, str]:
    """A copy's content, unpacked, and what is wrong with it in words; never holds more than what was published can have."""
    packed = place.name == f"{Path(file.path).name}.gz"
    content, length, digest, trouble = bytearray(), 0, hashlib.sha256(), ""
    try:
        with gzip.open(place) if packed else place.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                length += len(chunk)
                digest.update(chunk)
                if length <= file.most:
                    content += chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as reason:
        trouble = f", and its packing is broken: {reason}"
    if isinstance(file, DataArchive) and not trouble:
        fault = file.fault(bytes(content))
        return (b"", fault) if fault else (bytes(content), "")
    if digest.hexdigest() == file.sha256 and not trouble:
        return bytes(content), ""
    return b"", f"{length} bytes{' (cut short)' if length < file.size else ''}, sha256 {digest.hexdigest()}{trouble}"


def _folders() -> list[tuple[str, Path]]:
    folders = [("cache", cache_folder())]
    if told := os.environ.get("COURSE_DATA"):
        folder = Path(told).expanduser()
        if not folder.is_dir():
            raise ValueError(f"COURSE_DATA must name a folder with the data, got {told!r}")
        folders.insert(0, ("COURSE_DATA", folder))
    return folders


def _failure(file: DataFile | DataArchive, tried: list[str]) -> str:
    return (
        f"{file.path} could not be had ({file.expected}). Tried:\n"
        + "".join(f"  - {line}\n" for line in tried)
        + f"Connect to the network and run this again, or put the file at {file.path} in a folder and set COURSE_DATA to that folder."
    )
