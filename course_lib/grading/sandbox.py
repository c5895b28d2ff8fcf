"""A place for a student's process: no network, none of the instructor's files, no process but its own, nothing that stays (bubblewrap)."""

import sys
from collections.abc import Sequence
from pathlib import Path

from course_lib.grading.limits import Limits

INSIDE = "/grading"  # where a student's process sees the folder that was made for it


def command(
    folder: Path, limits: Limits, *, python: str = sys.executable, read_only: Sequence[Path] = (), hidden: Sequence[Path] = ()
) -> list[str]:
    """Returns the bubblewrap command to which the program to be run is added.

    Args:
        folder: what the program is given; it sees it as ``/grading`` and may write into its subfolder ``sockets`` alone.
        limits: what it may use.
        python: the interpreter that it needs.
        read_only: further files and folders that it may read.
        hidden: files and folders among those that it finds empty.
    """
    raise NotImplementedError


def available() -> str | None:
    """Returns None where a sandbox can be made, else what is missing and how to mend it."""
    raise NotImplementedError
