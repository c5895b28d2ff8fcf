"""How students stand in nbgrader's gradebook, a person's marks included, read with few queries for a whole class."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from nbgrader import api
from nbgrader.api import Assignment, BaseCell, Grade, Gradebook, Notebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy.orm import Query

from course_lib.grading.nbgrader_course import Course
from course_lib.grading.recording.marks import Comment, Standing
from course_lib.grading.recording.transaction import opened
from course_lib.grading.student_ids import nbgrader_id

_WHERE = (SubmittedAssignment.student_id, Notebook.name, BaseCell.name)


def standings(course: Course, assignment: str, students: Iterable[str] | None = None) -> dict[str, Standing]:
    """Returns what the gradebook says now of each student that it knows a submission of.

    Args:
        course: the course.
        assignment: the assignment's name.
        students: ids as they were given, which the result then has too; without them it has nbgrader's, and almost all are the same.
    """
    with opened(course) as book:
        scores, penalties, waiting = points(book, assignment), _penalties(book, assignment), _waiting(book, assignment)
    names = _given(scores, students)
    return {
        names[name]: Standing(given, penalties.get(name, 0.0), frozenset(waiting[name])) for name, given in scores.items() if name in names
    }


def comments(course: Course, assignment: str, students: Iterable[str] | None = None) -> dict[tuple[str, str], dict[str, Comment]]:
    """Returns what a person has said in formgrader, points and words, as feedback shows it; the arguments are those of ``standings``.

    Returns:
        By student and notebook, then by grade id. Words on a cell that has no points of its own stand under the empty name.
    """
    found: dict[tuple[str, str], dict[str, Comment]] = defaultdict(dict)
    with opened(course) as book:
        for at, rows in of_cells(book, Grade, assignment).items():
            for cell, grade in rows.items():
                given = grade.manual_score is not None or grade.extra_credit is not None
                found[at][cell] = Comment(score=grade.score if given else None)
        for at, rows in of_cells(book, api.Comment, assignment).items():
            for cell, words in sorted(rows.items()):
                if words.manual_comment and cell in found[at]:
                    found[at][cell] = Comment(words.manual_comment, found[at][cell].score)
                elif words.manual_comment:
                    found[at][""] = Comment(
                        "\n\n".join([*filter(None, [found[at].get("", Comment()).text]), f"{cell}: {words.manual_comment}"])
                    )
    names = _given({student for student, _ in found}, students)
    said = {at: {cell: comment for cell, comment in cells.items() if comment != Comment()} for at, cells in found.items()}
    return {(names[student], notebook): cells for (student, notebook), cells in said.items() if cells and student in names}


def _given(known: Iterable[str], students: Iterable[str] | None) -> dict[str, str]:
    """The id as it was given, by nbgrader's."""
    return {name: name for name in known} if students is None else {nbgrader_id(student): student for student in students}


def of_cells(book: Gradebook, kind: type, assignment: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Returns every grade, or every comment, of an assignment: by student and notebook, then by grade id."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row, student, notebook, cell in _joined(book.db.query(kind, *_WHERE), kind, assignment):
        found[student, notebook][cell] = row
    return found


def points(book: Gradebook, assignment: str) -> dict[str, dict[tuple[str, str], float | None]]:
    """Returns the points of every student by notebook and grade id, by nbgrader's own rule; None where nobody has given any."""
    found: dict[str, dict[tuple[str, str], float | None]] = defaultdict(dict)
    given = (Grade.auto_score, Grade.manual_score, Grade.extra_credit)
    for score, *parts, student, notebook, cell in _joined(book.db.query(Grade.score, *given, *_WHERE), Grade, assignment):
        found[student][notebook, cell] = None if all(part is None for part in parts) else score
    return found


def _waiting(book: Gradebook, assignment: str) -> dict[str, set[tuple[str, str]]]:
    """What formgrader asks a person for: by student, the notebook and grade id."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for student, notebook, cell in _joined(book.db.query(*_WHERE).select_from(Grade), Grade, assignment).filter(Grade.needs_manual_grade):
        found[student].add((notebook, cell))
    return found


def _joined(query: Query, kind: type, assignment: str) -> Query:
    return (
        query.join(BaseCell, BaseCell.id == kind.cell_id)
        .join(SubmittedNotebook, SubmittedNotebook.id == kind.notebook_id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .filter(Assignment.name == assignment)
    )


def _penalties(book: Gradebook, assignment: str) -> dict[str, float]:
    rows = book.db.query(SubmittedAssignment.student_id, SubmittedAssignment.late_submission_penalty).join(Assignment)
    return {student: cost for student, cost in rows.filter(Assignment.name == assignment)}
