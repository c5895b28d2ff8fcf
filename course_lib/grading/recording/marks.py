"""The marks of an assignment as tables: one row a student always, safe to open in a spreadsheet, and one file an LMS.

table(records, standings)           rows
write(records, folder, standings)   marks.csv, moodle.csv, canvas.csv
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_lib.grading.collection.class_list import ClassList
from course_lib.grading.collection.worksheet import HEADINGS, PARTICIPANT, number_in
from course_lib.grading.nbgrader_course import Student
from course_lib.grading.records import Record, Status
from course_lib.grading.tables import write_table


@dataclass(frozen=True)
class Comment:
    """What a person said of an answer.

    Attributes:
        text: Markdown.
        score: the points that the person gave; None leaves what was judged.
    """

    text: str = ""
    score: float | None = None


@dataclass(frozen=True)
class Standing:
    """What the gradebook says of one student's assignment, a person's marks included.

    Attributes:
        scores: points by notebook and grade id; None where a person has to give them still.
        penalty: the points that lateness costs.
        waiting: notebook and grade id of what a person has to look at still, as formgrader lists it.
    """

    scores: Mapping[tuple[str, str], float | None] = field(default_factory=dict)
    penalty: float = 0.0
    waiting: frozenset[tuple[str, str]] = frozenset()


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
        waiting: how many answers wait for a person: until then the score is provisional.
        may_come: whether something is missing that may still be handed in, in time.
    """

    student: str
    assignment: str
    status: Status
    score: float | None
    max_score: float
    questions: Mapping[str, float | None]
    penalty: float = 0.0
    waiting: int = 0
    may_come: bool = False

    @property
    def final(self) -> float | None:
        """The score, None as long as the student, a person or this machine has not done with it."""
        return None if self.waiting or self.may_come else self.score


def table(records: Sequence[Record], standings: Mapping[str, Standing] | None = None, may_come: Collection[str] = frozenset()) -> list[Row]:
    """Returns one row a student, in the order of their ids.

    Args:
        records: what grading found, of one assignment: one a student and notebook.
        standings: what the gradebook says, by student; where it says nothing, the record's points count.
        may_come: who has not handed in everything and has time left.

    Returns:
        The rows. ``missing`` and ``unreadable`` are zero points, as ``nbgrader export`` has them: an LMS leaves an empty mark out of the
        average, and whoever hands nothing in would gain by it. ``infrastructure_error`` has no score at all.
    """
    several = len({record.notebook for record in records}) > 1
    of_student: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: (record.student, record.notebook)):
        of_student.setdefault(record.student, []).append(record)
    rows = [_row(mine, (standings or {}).get(student, Standing()), several) for student, mine in of_student.items()]
    return [replace(row, may_come=row.student in may_come) for row in rows]


def write(
    records: Sequence[Record],
    folder: Path,
    standings: Mapping[str, Standing] | None = None,
    roster: Iterable[Student] = (),
    known: ClassList | None = None,
    may_come: Collection[str] = frozenset(),
) -> list[Path]:
    """Writes ``marks.csv``, ``moodle.csv`` and ``canvas.csv``, each whole or not at all.

    Every field is quoted, in UTF-8; a field that a spreadsheet would take for a formula begins with an apostrophe. Whoever has an answer that
    waits for a person has a provisional score in ``marks.csv``, and an empty cell in the two tables for an LMS; so has whoever may still hand in.

    Args:
        records: what grading found, of one assignment.
        folder: where to.
        standings: what the gradebook says, by student.
        roster: names, addresses and LMS ids of students, where the course knows them.
        known: the class, with Moodle's worksheet if there is one.
        may_come: who has not handed in everything and has time left.

    Returns:
        The files.
    """
    rows, prefixes = table(records, standings, may_come), {record.student: record.prefix for record in records if record.prefix}
    people = {person.id: person for person in roster}
    folder.mkdir(parents=True, exist_ok=True)
    return [
        write_table(
            folder / "marks.csv", _marks(rows), encoding="utf-8-sig"
        ),  # Excel takes what has no mark for the machine's own encoding
        write_table(folder / "moodle.csv", _moodle(rows, people, prefixes, known or ClassList())),
        write_table(folder / "canvas.csv", _canvas(rows, people, prefixes)),
    ]


# ------------------------------------------------------------------------------------------------------------------------ a student


def _row(mine: list[Record], standing: Standing, several: bool) -> Row:
    questions: dict[str, float | None] = {}
    for record in mine:
        judged = record.status is not Status.INFRASTRUCTURE_ERROR
        for question in record.questions:
            column = f"{record.notebook}/{question.grade_id}" if several else question.grade_id
            at = (record.notebook, question.grade_id)
            questions[column] = standing.scores.get(at, question.score) if judged else None
    judged = all(record.status is not Status.INFRASTRUCTURE_ERROR for record in mine)
    unmarked = {(record.notebook, each.grade_id) for record in mine for each in record.questions if each.score is None}
    unmarked -= standing.scores.keys()
    earned = sum((score for score in questions.values() if score is not None), start=0.0)
    return Row(
        student=mine[0].student,
        assignment=mine[0].assignment,
        status=_overall([record.status for record in mine]),
        score=max(0.0, earned - standing.penalty) if judged else None,
        max_score=sum((record.max_score for record in mine), start=0.0),
        questions=questions,
        penalty=standing.penalty if judged else 0.0,
        waiting=len(standing.waiting | unmarked) if judged else 0,
    )


def _overall(statuses: Sequence[Status]) -> Status:
    """What most needs a person's eye; where a part is missing and the rest is not, the whole is partial."""
    for urgent in (Status.INFRASTRUCTURE_ERROR, Status.UNREADABLE, Status.NEEDS_REVIEW, Status.PARTIAL):
        if urgent in statuses:
            return urgent
    if Status.MISSING in statuses and set(statuses) != {Status.MISSING}:
        return Status.PARTIAL
    return next(status for status in (Status.GRADED, Status.NOT_ATTEMPTED, Status.MISSING) if status in statuses)


# ------------------------------------------------------------------------------------------------------------------------ the files


def _marks(rows: Sequence[Row]) -> Iterator[list[str]]:
    columns = list(dict.fromkeys(column for row in rows for column in row.questions))
    yield ["student", "assignment", "status", "score", "max_score", *columns, "late penalty", "waiting"]
    for row in rows:
        points = [_number(row.questions.get(column)) for column in columns]
        fixed = [row.student, row.assignment, str(row.status), _number(row.score), _number(row.max_score)]
        yield [*fixed, *points, _number(row.penalty), str(row.waiting)]


def _moodle(rows: Sequence[Row], people: Mapping[str, Student], prefixes: Mapping[str, str], known: ClassList) -> Iterator[list[str]]:
    """Moodle's offline grading worksheet, for "Upload grading worksheet"; of a class that did not hand in to Moodle, a table for "Import CSV".

    The worksheet names students by the numbers of their export. Without the worksheet that was downloaded, the headings are Moodle's English ones,
    and only who handed in has a number.
    """
    marks = {row.student: _number(row.final) for row in rows if row.final is not None}
    numbers = {student: number for student, prefix in prefixes.items() if (number := number_in(prefix))}
    if known.worksheet:
        yield from known.worksheet.filled({number: marks[student] for number, student in known.by_number.items() if student in marks})
    elif numbers:
        yield list(HEADINGS)
        yield from ([f"{PARTICIPANT}{numbers[student]}", mark, ""] for student, mark in marks.items() if student in numbers)
    else:
        yield ["ID number", "Email address", rows[0].assignment if rows else ""]
        yield from ([row.student, people[row.student].email if row.student in people else "", _number(row.final)] for row in rows)


def _canvas(rows: Sequence[Row], people: Mapping[str, Student], prefixes: Mapping[str, str]) -> Iterator[list[str]]:
    """For Canvas's gradebook import: its identifying columns, then the assignment's, with the points possible in the second row.

    Canvas finds a student by its own id, else by the login, else by the name (``lib/gradebook_importer.rb``). The number in the names of its export
    is its own id; a login that is somebody's number would be somebody else's mark.
    """
    exported = any(not number_in(prefix) for prefix in prefixes.values())
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", rows[0].assignment if rows else ""]
    yield ["Points Possible", "", "", "", "", _number(max((row.max_score for row in rows), default=0.0))]
    for row in rows:
        person = people.get(row.student, Student(row.student))
        name = ", ".join(part for part in (person.last_name, person.first_name) if part)
        numbered = exported and not person.lms_id and row.student.isascii() and row.student.isdigit()
        login = "" if numbered else row.student
        yield [name or row.student, person.lms_id or (row.student if numbered else ""), "", login, "", _number(row.final)]


def _number(score: float | None) -> str:
    """Points without a tail of binary fractions, empty for none."""
    return "" if score is None else f"{round(score, 6):.6f}".rstrip("0").rstrip(".")
