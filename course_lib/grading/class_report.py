"""What an instructor reads after grading: how the class did, which checks were hard and why, and what a person should look at."""

from collections.abc import Sequence

from course_lib.grading.likeness import Pair
from course_lib.grading.records import Record


def page(records: Sequence[Record], *, likeness: Sequence[Pair] = (), course: str = "", title: str = "") -> str:
    """Returns the report on an assignment, a page that needs nothing else and in which nothing runs.

    Args:
        records: one a student and notebook.
        likeness: pairs of students whose answers look alike.
        course: the course's name.
        title: the assignment's title; its name without one.
    """
    raise NotImplementedError
