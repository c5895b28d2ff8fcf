"""Marks in nbgrader's own gradebook, so that formgrader, ``nbgrader generate_feedback`` and ``nbgrader export`` show them.

    standings = import_records(course, records, notebooks, policy=parse("per_day=10%"))

All marks of an assignment land in one transaction, through nbgrader's own API, beside the notebooks in its ``autograded`` folder. What a
person gave in formgrader, points and comments, stays; where the answer or the automatic score under it has changed, formgrader asks for
another look. The same import a second time changes nothing.

Where a person should look at a notebook (``needs_review``, ``unreadable``), its first check waits in formgrader, with its automatic points,
until somebody types points there. So formgrader's own list is the list of all that waits, and nothing else has to be kept.

An infrastructure error writes nothing: it is no mark, and an older mark stays. A notebook that is missing gets zero points, as nbgrader's
own autograder and export give it; so does one that is unreadable, and its page in formgrader says why.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Comment, Grade, Gradebook
from nbgrader.preprocessors import SaveCells

from course_lib.grading.collection.lateness import NO_PENALTY, Policy, moment
from course_lib.grading.nbgrader_course import Course
from course_lib.grading.notebooks.cells import grade_id, is_test, meta
from course_lib.grading.recording.autograded import answers, autograded, unanswered
from course_lib.grading.recording.gradebook_cells import other_cells
from course_lib.grading.recording.marks import Standing
from course_lib.grading.recording.penalties import extend, penalise
from course_lib.grading.recording.standings import comments, nbgrader_id, of_cells, standings
from course_lib.grading.recording.transaction import exclusive, opened, transaction
from course_lib.grading.records import Question, Record, Status

__all__ = ["comments", "import_records", "nbgrader_id", "standings"]

_LOOK = (Status.NEEDS_REVIEW, Status.UNREADABLE)  # a person should look, at any question
_ZERO = (Status.MISSING, Status.UNREADABLE, Status.NOT_ATTEMPTED)  # nothing to judge, and nothing for a person to read
_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".svg"}


@dataclass(frozen=True)
class _Import:
    """What one import works on."""

    course: Course
    assignment: str
    prepared: Mapping[str, NotebookNode]
    pictures: Mapping[str, bytes]
    executed: Mapping[tuple[str, str], NotebookNode]


def import_records(
    course: Course,
    records: Sequence[Record],
    executed: Mapping[tuple[str, str], NotebookNode],
    *,
    policy: Policy = NO_PENALTY,
    due: datetime | None = None,
    extensions: Mapping[str, timedelta] | None = None,
) -> dict[str, Standing]:
    """Lands the marks of one assignment in the gradebook and the ``autograded`` folder.

    Args:
        course: the course.
        records: what grading found, one a student and notebook.
        executed: each student's notebook with its own cells' outputs, by student and notebook; none where nothing could be read.
        policy: what lateness costs; where nothing, the rule counts that the course's own configuration names, and an extension always.
        due: the due date with its time zone, which is then the gradebook's too; without it, the gradebook's.
        extensions: how much later than the others a student may hand in, which is then the gradebook's too; no time takes it back.

    Returns:
        How each student stands now, a person's marks included, by the student's id as the records have it.

    Raises:
        ValueError: if the records are of several assignments or of another version of a notebook, or somebody else writes at this moment.
    """
    if not records:
        return {}
    assignment = _assignment(records)
    with exclusive(course):
        work = _Import(course, assignment, *_prepared(course, assignment), executed)
        _check(records, work)
        with transaction(course) as book:
            if due is not None:
                book.update_or_create_assignment(assignment, duedate=due.astimezone(UTC).replace(tzinfo=None))
            landed = _land(book, work, records)
            extend(book, assignment, extensions or {})
            penalise(book, course, assignment, records, policy)
        for part, file in landed:
            os.replace(part, file) if part else file.unlink(missing_ok=True)
        return standings(course, assignment, {record.student for record in records})


# ---------------------------------------------------------------------------------------------------------------- before the marks


def _assignment(records: Sequence[Record]) -> str:
    if len(names := {record.assignment for record in records}) != 1:
        raise ValueError(f"the records must be of one assignment; got {', '.join(sorted(names))}")
    if len({(record.student, record.notebook) for record in records}) != len(records):
        raise ValueError("there must be one record a student and notebook")
    return names.pop()


def _prepared(course: Course, assignment: str) -> tuple[dict[str, NotebookNode], dict[str, bytes]]:
    """The instructor's notebooks without solutions, and the pictures beside them; the gradebook is told of their cells.

    It is what ``nbgrader generate_assignment`` does, so a mended test is known to formgrader at once.
    """
    with opened(course) as book:
        book.update_or_create_assignment(assignment)
    found, pictures = {}, {}
    for source in course.assignment(assignment):
        pictures |= {file: data for file, data in source.files.items() if Path(file).suffix.lower() in _PICTURES}
        name = source.notebook
        found[name] = course.prepared(source.instructor, assignment=assignment, notebook=name, hidden=True)
        resources = {"nbgrader": {"notebook": name, "assignment": assignment, "db_url": course.db_url}}
        try:
            SaveCells(parent=course.settings)(nbformat.from_dict(found[name]), resources)
        except RuntimeError as refusal:
            raise ValueError(other_cells(assignment, name)) from refusal
    return found, pictures


def _check(records: Sequence[Record], work: _Import) -> None:
    for record in records:
        _check_one(record, work)


def _check_one(record: Record, work: _Import) -> None:
    whose = f"the record of {record.student!r}, {record.assignment}/{record.notebook}"
    if record.notebook not in work.prepared:
        raise ValueError(f"{whose}: there is no such notebook, only {', '.join(work.prepared)}")
    cells = (cell.metadata.get("nbgrader", {}) for cell in work.prepared[record.notebook].cells)
    asked = {about["grade_id"] for about in cells if about.get("grade") or about.get("task")}
    answered = {question.grade_id for question in record.questions}
    if answered != asked and (answered or record.status not in (*_ZERO, Status.INFRASTRUCTURE_ERROR)):
        raise ValueError(f"{whose} has not the questions of the notebook ({', '.join(sorted(answered ^ asked))}): grade it anew")


# ---------------------------------------------------------------------------------------------------------------- the marks


def _land(book: Gradebook, work: _Import, records: Sequence[Record]) -> list[tuple[Path | None, Path]]:
    """Sets every automatic mark; returns the notebooks that are to take their places once the marks are safe."""
    _hand_in(book, work, records)
    grades, words = (of_cells(book, kind, work.assignment) for kind in (Grade, Comment))
    landed: list[tuple[Path | None, Path]] = []
    for record in records:
        at = (nbgrader_id(record.student), record.notebook)
        if record.status is Status.INFRASTRUCTURE_ERROR or at not in grades:
            continue
        file = work.course.folder("autograded", work.assignment, at[0]) / f"{record.notebook}.ipynb"
        if record.status is Status.MISSING:
            _settle(grades[at], record, changed=set())
            landed.append((None, file))
            continue
        prepared, executed = work.prepared[record.notebook], work.executed.get((record.student, record.notebook))
        made = autograded(prepared, record, executed)
        changed = _changed(file, made) if any(map(_by_hand, grades[at].values())) else set()
        _settle(grades[at], record, changed=changed, look=_first_check(prepared) if record.status in _LOOK else "")
        left = unanswered(prepared, executed or prepared)
        for name, comment in words.get(at, {}).items():
            comment.auto_comment = "No response." if name in left else None
        landed.append((_part(file, made, record, work), file))
    return landed


def _hand_in(book: Gradebook, work: _Import, records: Sequence[Record]) -> None:
    """Makes what is not there yet: students, and submissions of those who handed anything in."""
    listed = {student.id: student for student in work.course.listed}
    known = {student.id for student in book.students}
    times: dict[str, list[datetime]] = defaultdict(list)
    for record in records:
        name = nbgrader_id(record.student)
        if name not in known:
            who = listed.get(name)
            about = {"first_name": who.first_name, "last_name": who.last_name, "email": who.email, "lms_user_id": who.lms_id} if who else {}
            book.add_student(name, **{field: value for field, value in about.items() if value})
            known.add(name)
        if record.status not in (Status.MISSING, Status.INFRASTRUCTURE_ERROR):
            times[name] += [came] if (came := moment(record.submitted)) else []
    with book.db.no_autoflush:  # nbgrader's methods flush by themselves, once a submission is whole
        for name, came in times.items():
            book.update_or_create_submission(work.assignment, name, timestamp=max(came).replace(tzinfo=None) if came else None)


def _settle(grades: Mapping[str, Grade], record: Record, *, changed: set[str], look: str = "") -> None:
    """nbgrader's own rule for automatic marks; but a person is asked again only where something under their mark has changed.

    Under ``look`` a person is asked, whatever the automatic mark.
    """
    questions: dict[str, Question] = {question.grade_id: question for question in record.questions}
    for name, grade in grades.items():
        score = 0.0 if record.status in _ZERO else questions[name].score
        if not _by_hand(grade):
            grade.needs_manual_grade = score is None or name == look
        elif name in changed or grade.auto_score != score:
            grade.needs_manual_grade = True
        grade.auto_score = score


def _by_hand(grade: Grade) -> bool:
    """Whether a person has given points."""
    return grade.manual_score is not None or grade.extra_credit is not None


def _first_check(prepared: NotebookNode) -> str:
    """The grade id of a notebook's first check, of its first question where it has none."""
    graded = [cell for cell in prepared.cells if grade_id(cell) and (is_test(cell) or meta(cell).get("grade") or meta(cell).get("task"))]
    return next((grade_id(cell) for cell in [*filter(is_test, graded), *graded]), "")


def _changed(file: Path, made: NotebookNode) -> set[str]:
    """The grade ids whose answer is not the one that a person saw; where the answer is not one cell, any other cell may be it."""
    if not file.is_file():
        return set()
    before, after = answers(nbformat.read(file, as_version=4)), answers(made)
    graded = {cell.metadata.nbgrader.grade_id for cell in made.cells if cell.metadata.get("nbgrader")}
    return {name for name in graded if (before.get(name) != after[name] if name in after else before != after)}


def _part(file: Path, made: NotebookNode, record: Record, work: _Import) -> Path:
    """Writes a notebook beside its place, with the pictures that its words show, and when it was handed in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for name, data in work.pictures.items():
        picture = file.parent / name
        if not (picture.is_file() and picture.read_bytes() == data):
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.write_bytes(data)
    if came := moment(record.submitted):
        (file.parent / "timestamp.txt").write_text(f"{came:%Y-%m-%d %H:%M:%S.%f} UTC", encoding="utf-8")
    else:
        (file.parent / "timestamp.txt").unlink(missing_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_text(nbformat.writes(made), encoding="utf-8")
    return part
