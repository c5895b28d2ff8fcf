"""What grading one notebook found, as one JSON file a student and notebook: written whole or not at all, read back by value.

    write(record, folder)
    records = read_all(folder)

A run that was killed reads what is there and does the rest; the key says what a mark depends on, so a mended test is graded anew.
"""

import dataclasses
import hashlib
import json
import os
import tempfile
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Status(StrEnum):
    """How a submission ended; every student has exactly one a notebook."""

    GRADED = "graded"
    PARTIAL = "partial"  # some cells crashed or ran out of time, the rest was graded
    NEEDS_REVIEW = "needs_review"  # a person should look: marks stand, but something is odd
    NOT_ATTEMPTED = "not_attempted"  # handed in as it was given out
    MISSING = "missing"  # nothing was handed in
    UNREADABLE = "unreadable"  # what was handed in is no notebook that can be repaired
    INFRASTRUCTURE_ERROR = "infrastructure_error"  # never the student's fault, never a mark


class Outcome(StrEnum):
    """How one question ended."""

    RIGHT = "right"
    PART = "part"  # partial credit
    WRONG = "wrong"
    CRASHED = "crashed"  # the student's process died
    TIMED_OUT = "timed_out"
    NOT_ATTEMPTED = "not_attempted"
    BY_HAND = "by_hand"  # waits for a person
    NOT_JUDGED = "not_judged"  # an infrastructure error: no mark


@dataclass(frozen=True)
class Question:
    """One graded cell.

    Attributes:
        grade_id: nbgrader's name of the cell.
        max_score: the points that it is worth.
        score: the points that were given; None where a person has to give them, or nothing was judged.
        outcome: how it ended.
        message: what the check said, for the instructor; it may hold private inputs.
        words: the author's own words from the line that failed, literals alone: safe to show to the student.
        hidden: whether the line that failed is a hidden test.
        seconds: how long it took.
    """

    grade_id: str
    max_score: float
    score: float | None
    outcome: Outcome
    message: str = ""
    words: str = ""
    hidden: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Record:
    """What grading one notebook of one student found.

    Attributes:
        student: the student's id, as it was given.
        assignment: the assignment's name.
        notebook: the notebook's name, without ``.ipynb``.
        status: how it ended.
        questions: one entry a graded cell of the instructor's notebook, in its order.
        repairs: what was mended in the submission, a sentence each.
        remarks: what a person should know: attempts at forgery, what was cut off, why something could not be graded.
        submitted: when it was handed in, ISO 8601 with time zone, or empty.
        seconds: how long grading took.
        key: what the marks depend on; see ``key_of``.
        late: whether the learning system marks it as late.
        prefix: how its name begins in the export of Moodle or Canvas; it may hold somebody's name, and is for the learning system alone.
        handed_in: a digest of the file that was handed in, by which a later one is noticed; empty where nobody noted it.
        version: a digest of the instructor's notebook by which it was graded; empty where nobody noted it.
    """

    student: str
    assignment: str
    notebook: str
    status: Status
    questions: tuple[Question, ...] = ()
    repairs: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    submitted: str = ""
    seconds: float = 0.0
    key: str = ""
    late: bool = False
    prefix: str = ""
    handed_in: str = ""
    version: str = ""

    @property
    def score(self) -> float | None:
        """The points that were given so far; None where nothing could be judged."""
        if self.status is Status.INFRASTRUCTURE_ERROR:
            return None
        return sum((question.score for question in self.questions if question.score is not None), start=0.0)

    @property
    def max_score(self) -> float:
        """The points of all questions, by hand or not."""
        return sum((question.max_score for question in self.questions), start=0.0)


def key_of(parts: Iterable[bytes]) -> str:
    """Returns a digest of what marks depend on: the submission's bytes, the instructor's notebook, the limits, the grader's own code."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def file_of(folder: Path, student: str, notebook: str) -> Path:
    """Returns where a record lies; any id makes a name that stays inside the folder."""
    return folder / _plain(student) / f"{_plain(notebook)}.json"


def write(record: Record, folder: Path) -> Path:
    """Writes a record, whole or not at all.

    Args:
        record: what was found.
        folder: the run's folder of records.

    Returns:
        The file.
    """
    file = file_of(folder, record.student, record.notebook)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dataclasses.asdict(record), ensure_ascii=False, indent=1)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".part-", delete=False) as part:
        part.write(text.encode("utf-8", "replace"))  # a student's error may hold half a character
        part.flush()
        os.fsync(part.fileno())
    os.replace(part.name, file)
    return file


def read(file: Path) -> Record:
    """Returns a record as it was written.

    Raises:
        ValueError: if the file is no record.
    """
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        questions = tuple(Question(**{**question, "outcome": Outcome(question["outcome"])}) for question in fields.pop("questions"))
        lists = {name: tuple(fields.pop(name)) for name in ("repairs", "remarks")}
        return Record(**{**fields, **lists, "status": Status(fields["status"]), "questions": questions})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{file} is no record of a grading run ({error}): delete it, and the notebook is graded anew") from error


def read_all(folder: Path) -> list[Record]:
    """Returns every record of a run, in the order of students and notebooks."""
    records = [read(file) for file in folder.glob("*/*.json") if not file.name.startswith(".part-")]
    return sorted(records, key=lambda record: (record.student, record.notebook))


def _plain(name: str) -> str:
    """A name that is one folder's name on every system, and that no other name shares; long ones end in a digest."""
    quoted = urllib.parse.quote(name, safe=" ").replace(".", "%2E")
    if len(quoted) > 120:
        quoted = quoted[:100] + "-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return quoted or "%"
