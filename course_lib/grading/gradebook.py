"""Marks in nbgrader's own gradebook, so that formgrader, ``nbgrader generate_feedback`` and ``nbgrader export`` show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from nbformat import NotebookNode

from course_lib.grading.lateness import NO_PENALTY, Policy
from course_lib.grading.marks import Standing
from course_lib.grading.nbgrader_course import Course
from course_lib.grading.records import Record


def import_records(
    course: Course,
    records: Sequence[Record],
    executed: Mapping[tuple[str, str], NotebookNode],
    *,
    policy: Policy = NO_PENALTY,
    due: datetime | None = None,
) -> dict[str, Standing]:
    """Lands the marks of one assignment in the gradebook, and returns how each student stands, a person's marks included."""
    raise NotImplementedError


def standings(course: Course, assignment: str) -> dict[str, Standing]:
    """Returns what the gradebook says now, by student."""
    raise NotImplementedError
