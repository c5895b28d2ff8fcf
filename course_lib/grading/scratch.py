"""Where a grading process keeps what it needs for a moment: one folder that it removes, or the next one if it was killed."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from multiprocessing.util import Finalize
from pathlib import Path

_PREFIX = "course-grade-"
_LOCK = "lock"  # held as long as the process lives, however it ends


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Lets temporary files of this process and of those that it starts lie in a folder of its own, which goes when the process ends.

    Folders that killed processes left behind are removed first: their lock is free.
    """
    where = Path(tempfile.gettempdir())
    sweep(where)
    before, kept = tempfile.tempdir, os.environ.get("TMPDIR")
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=where))
    lock = os.open(folder / f".{_LOCK}", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.rename(folder / f".{_LOCK}", folder / _LOCK)  # under its name it is never free while its owner lives
    Finalize(
        None, shutil.rmtree, args=[folder], kwargs={"ignore_errors": True}, exitpriority=-200
    )  # after what multiprocessing keeps there
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        os.environ.pop("TMPDIR")
        if kept is not None:
            os.environ["TMPDIR"] = kept


def sweep(where: Path) -> list[Path]:
    """Removes this user's folders whose process is no more, and returns them.

    Args:
        where: the folder of temporary files.
    """
    gone = []
    for folder in where.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, or being removed just now
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                gone.append(folder)
    return gone
