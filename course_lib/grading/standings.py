"""How students stand in nbgrader's gradebook, a person's marks included, read with few queries for a whole class."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from nbgrader import api
from nbgrader.api import Assignment, BaseCell, Grade, Gradebook, Notebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy.orm import Query

from course_lib.grading.feedback import Comment
from course_lib.grading.marks import Standing
from course_lib.grading.nbgrader_course import Course
from course_lib.grading.transaction import opened

_WHERE = (SubmittedAssignment.student_id, Notebook.name, BaseCell.name)


def standings(course: Course, assignment: str, students: Iterable[str] | None = None) -> dict[str, Standing]:
    """Returns what the gradebook says now of each student that it knows a submission of.

    Args:
        course: the course.
        assignment: the assignment's name.
        students: ids as they were given, which the result then has too; without them it has nbgrader's, and almost all are the same.
    """
    with opened(course) as book:
        scores, penalties = points(book, assignment), _penalties(book, assignment)
    names = _given(scores, students)
    return {names[name]: Standing(given, penalties.get(name, 0.0)) for name, given in scores.items() if name in names}


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


def nbgrader_id(student: str) -> str:
    """Returns the id that nbgrader can bear: it is a folder's name, and must match its patterns.

    Almost every id is borne as it is. Slashes, line breaks, control characters, angles, a leading dot, what is not Unicode, and a percent
    sign that would read as such a quotation become ``%XX``; no two ids become one.
    """

    def quoted(match: re.Match) -> str:
        return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))

    bearable = re.sub(r"[/\\<>\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]|^\.|^\s|\s$|%(?=[0-9A-F]{2})", quoted, student) or "%25"
    return bearable if len(bearable.encode()) <= 200 else bearable[:50] + "%" + hashlib.sha256(bearable.encode()).hexdigest()


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
