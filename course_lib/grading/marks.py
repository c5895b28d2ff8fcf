"""The marks of an assignment as tables: one row a student always, safe to open in a spreadsheet, and one file an LMS.

table(records, standings)           rows
write(records, folder, standings)   marks.csv, moodle.csv, canvas.csv
changes(before, after)              whose marks changed, after a test was mended
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.grading.records import Record, Status


@dataclass(frozen=True)
class Standing:
    """What the gradebook says of one student's assignment, a person's marks included.

    Attributes:
        scores: points by notebook and grade id; None where a person has to give them still.
        penalty: the points that lateness costs.
    """

    scores: Mapping[tuple[str, str], float | None] = field(default_factory=dict)
    penalty: float = 0.0


@dataclass(frozen=True)
class Row:
    """One student's marks.

    Attributes:
        student: the student's id, as it was given.
        assignment: the assignment's name.
        status: how it ended, over all notebooks.
        score: points after the penalty; None after an infrastructure error, which is never a mark.
        max_score: the points of all questions.
        questions: points by column; None where there is no mark yet.
        penalty: the points that lateness cost.
    """

    student: str
    assignment: str
    status: Status
    score: float | None
    max_score: float
    questions: Mapping[str, float | None]
    penalty: float = 0.0


@dataclass(frozen=True)
class Change:
    """A mark that is not what it was.

    Attributes:
        student: the student's id.
        notebook: the notebook's name.
        grade_id: the question; empty for the status.
        before: what it was, in words.
        after: what it is now, in words.
    """

    student: str
    notebook: str
    grade_id: str
    before: str
    after: str


def table(records: Sequence[Record], standings: Mapping[str, Standing] | None = None) -> list[Row]:
    """Returns one row a student, in the order of their ids."""
    raise NotImplementedError


def write(records: Sequence[Record], folder: Path, standings: Mapping[str, Standing] | None = None) -> list[Path]:
    """Writes ``marks.csv``, ``moodle.csv`` and ``canvas.csv``, each whole or not at all."""
    raise NotImplementedError


def changes(before: Iterable[Record], after: Iterable[Record]) -> list[Change]:
    """Returns whose marks changed between two gradings, student by student."""
    raise NotImplementedError
