"""A submission made whole: the release's own marked cells in the release's order, with the student's answers in them.

repaired = repair(data, released=released, source=instructor)
"""

from dataclasses import dataclass

from nbformat import NotebookNode

from course_lib.grading.records import Status


@dataclass(frozen=True)
class Repaired:
    """What came of a file that a student handed in.

    Attributes:
        notebook: the repaired notebook, None if the file is no notebook.
        repairs: what was mended, a sentence each; no mark depends on a person looking at it.
        remarks: what a person should look at, a sentence each.
        attempted: the grade ids of the cells that hold an answer of the student's.
        status: ``unreadable`` or ``not_attempted``; None where there is something to grade.
    """

    notebook: NotebookNode | None
    repairs: tuple[str, ...]
    remarks: tuple[str, ...]
    attempted: frozenset[str]
    status: Status | None = None


def repair(data: bytes, *, released: NotebookNode, source: NotebookNode) -> Repaired:
    """Returns a submission made whole; whatever the bytes are, nothing is raised."""
    raise NotImplementedError
