"""What a class handed in, one entry a student and notebook: from folders, or from the zip that Moodle or Canvas exports.

submissions = collect(Path("submissions"), assignment="ps01", notebooks=["ps01"], released={"ps01": notebook})
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbformat import NotebookNode


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one notebook.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        notebook: the notebook's name, without ``.ipynb``.
        data: the file's bytes, None if nothing was handed in; a file that is no notebook where there is nothing better.
        origin: where it was found, in words.
        submitted: when it was handed in, None if nothing tells.
        extras: what lay beside it, by its name relative to the notebook's folder.
        remarks: what was noticed on the way, a sentence each.
    """

    student: str
    assignment: str
    notebook: str
    data: bytes | None
    origin: str
    submitted: datetime | None
    extras: Mapping[str, bytes]
    remarks: tuple[str, ...]


def collect(where: Path, *, assignment: str, notebooks: Sequence[str], released: Mapping[str, NotebookNode]) -> list[Submission]:
    """Returns what was handed in, one entry a student and notebook, in the order of students."""
    raise NotImplementedError
