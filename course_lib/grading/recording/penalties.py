"""What lateness costs each student, set in nbgrader's own field: after automatic marks have landed, and again after a person has marked."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from nbgrader.api import Assignment, Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.preprocessors import AssignLatePenalties

from course_lib.grading.collection.lateness import NO_PENALTY, Policy, penalty
from course_lib.grading.nbgrader_course import Course, inside
from course_lib.grading.recording.marks import Standing
from course_lib.grading.recording.standings import nbgrader_id, points, standings
from course_lib.grading.recording.transaction import exclusive, is_there, opened, transaction
from course_lib.grading.records import Record

_HARDLY = timedelta(seconds=1)  # late, and nobody knows by how much


def extend(book: Gradebook, assignment: str, extensions: Mapping[str, timedelta]) -> None:
    """Gives extensions to those who have handed in; no time takes an extension back. Others keep what the gradebook knows.

    Args:
        book: the gradebook.
        assignment: the assignment's name.
        extensions: how much later than the others, by student.
    """
    later = {nbgrader_id(student): time for student, time in extensions.items()}
    for submission in book.assignment_submissions(assignment):
        if submission.student_id in later:
            submission.extension = later[submission.student_id] or None


def penalise(book: Gradebook, course: Course, assignment: str, records: Sequence[Record], policy: Policy) -> None:
    """Sets what lateness costs, shared among the notebooks of an assignment as their points are, so that none goes below zero.

    Whom the learning system marks as late, at a time that nobody knows, is late by less than a day; an extension excuses that.

    Args:
        book: the gradebook, in a transaction.
        course: the course.
        assignment: the assignment's name.
        records: what grading found.
        policy: what lateness costs; where nothing, the rule counts that the course's own configuration names.
    """
    book.db.flush()
    students = {nbgrader_id(record.student) for record in records}
    marked = {nbgrader_id(record.student) for record in records if record.late and not record.submitted}
    rule = _own_rule(course) if policy == NO_PENALTY else None
    given, whole = points(book, assignment), book.find_assignment(assignment)
    for submission in book.assignment_submissions(assignment):
        if submission.student_id not in students:
            continue
        scores = given[submission.student_id]
        of_notebook = {
            each.name: sum(score or 0.0 for (name, _), score in scores.items() if name == each.name) for each in submission.notebooks
        }
        earned, late = sum(of_notebook.values()), _lateness(submission, submission.student_id in marked, policy)
        cost = penalty(policy, late=late, score=earned, max_score=whole.max_score)
        for each in submission.notebooks:
            score = of_notebook[each.name]
            each.late_submission_penalty = rule(submission.student_id, score, late) if rule else cost * score / earned if cost else None


def penalise_again(course: Course, assignment: str, records: Sequence[Record], policy: Policy) -> dict[str, Standing]:
    """Sets what lateness costs once more, since a person has given points meanwhile; returns how each student stands then.

    Args:
        course: the course.
        assignment: the assignment's name.
        records: what grading found.
        policy: what lateness costs.

    Raises:
        ValueError: if the marks of these records have never landed in the gradebook, or somebody else writes at this moment.
    """
    with exclusive(course), transaction(course) as book:
        try:
            penalise(book, course, assignment, records, policy)
        except MissingEntry as missing:
            raise ValueError(f"the marks of {assignment} are not in the gradebook yet: say  course grade  again, it goes on") from missing
    return standings(course, assignment, {record.student for record in records})


def due_date(course: Course, assignment: str) -> datetime | None:
    """Returns the due date that the gradebook knows, in UTC; None without one. Reading makes no gradebook."""
    if not is_there(course):
        return None
    with opened(course) as book:
        found = book.db.query(Assignment.duedate).filter(Assignment.name == assignment).scalar()
    return found.replace(tzinfo=UTC) if found else None


def _lateness(submission: SubmittedAssignment, marked: bool, policy: Policy) -> timedelta:
    if marked and submission.timestamp is None and not submission.extension:
        return policy.grace + _HARDLY
    return timedelta(seconds=submission.total_seconds_late if submission.assignment.duedate else 0)


def _own_rule(course: Course) -> Callable[[str, float, timedelta], float | None]:
    """The late penalty that the course's own configuration asks nbgrader for, if any."""
    with inside(course.root):
        step = AssignLatePenalties(parent=course.settings)
        step.init_plugin()

    def rule(student: str, score: float, late: timedelta) -> float | None:
        cost = step.plugin_inst.late_submission_penalty(student, score, late.total_seconds()) if late else None
        return None if cost is None else min(max(0.0, cost), score)

    return rule
