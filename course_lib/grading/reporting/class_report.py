"""What an instructor reads after grading: how the class did, which checks were hard and why, and what a person should look at."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from course_lib.grading.recording.marks import Standing
from course_lib.grading.records import Outcome, Record, Status
from course_lib.grading.reporting import pages, review
from course_lib.grading.reporting.class_figures import as_it_stands, checks_of, columns, shape, students_of
from course_lib.grading.reporting.copies import Copies
from course_lib.grading.reporting.likeness import Pair

STATUS = {
    Status.GRADED: "graded",
    Status.PARTIAL: "graded in part: some cells ran out of time or ended Python",
    Status.NEEDS_REVIEW: "marks stand, a person should look",
    Status.NOT_ATTEMPTED: "handed in as it was given out",
    Status.MISSING: "nothing handed in",
    Status.UNREADABLE: "no notebook that can be read",
    Status.INFRASTRUCTURE_ERROR: "not graded, by no fault of the student's",
}


def page(
    records: Sequence[Record],
    *,
    standings: Mapping[str, Standing] | None = None,
    likeness: Sequence[Pair] = (),
    copies: Sequence[Copies] = (),
    names: Mapping[str, str] | None = None,
    course: str = "",
    title: str = "",
) -> str:
    """Returns the report on an assignment, a page that needs nothing else and in which nothing runs.

    Args:
        records: one a student and notebook.
        standings: what the gradebook says, by student: a person's marks, what lateness cost, which answers wait. Without it the records count.
        likeness: pairs of students whose answers look alike.
        copies: groups of students who handed in the same.
        names: what students are called, by id, where the class list says so.
        course: the course's name.
        title: the assignment's title; its name without one.
    """
    known = standings or {}
    stand = [as_it_stands(record, known.get(record.student)) for record in records]
    students = students_of(stand, known)
    scores = [student.score for student in students if student.handed_in]
    took = [record for record in records if record.seconds > 0]
    look = [found for record in stand if (found := review.look(record, known.get(record.student)))]
    costs = {student.name: student.penalty for student in students if student.penalty > 0}
    by_hand = {(record.notebook, q.grade_id) for record in records for q in record.questions if q.outcome is Outcome.BY_HAND}
    return pages.render(
        "class_report.html",
        course=course,
        title=title or " · ".join(sorted({record.assignment for record in records})) or "Nothing graded",
        names=names or {},
        several=len({record.notebook for record in records}) > 1,
        students=students,
        scores=scores,
        max_score=max((student.max_score for student in students), default=0.0),
        mean=statistics.fmean(scores) if scores else None,
        median=statistics.median(scores) if scores else None,
        columns=columns(students),
        fined=[student for student in students if student.penalty > 0],
        statuses=[(text, n) for status, text in STATUS.items() if (n := sum(record.status is status for record in records))],
        checks=checks_of(stand, by_hand),
        seconds=sorted(record.seconds for record in took),
        slowest=sorted(took, key=lambda record: -record.seconds)[:5],
        repairs=Counter(shape(repair) for record in records for repair in set(record.repairs)).most_common(),
        mended=sum(bool(record.repairs) for record in records),
        look=sorted(look, key=review.order),
        late=[each for each in records if each.late or review.attempts(each) > 1 or each.student in costs],
        costs=costs,
        attempts=review.attempts,
        waiting=_waiting(stand, known),
        likeness=likeness,
        copies=copies,
    )


def _waiting(records: Sequence[Record], standings: Mapping[str, Standing]) -> int:
    """How many answers wait for a person: those that formgrader lists, and of students whom the gradebook does not know what the record says."""
    listed = sum(len(standings[student].waiting) for student in {record.student for record in records} & set(standings))
    return listed + sum(
        question.outcome is Outcome.BY_HAND for record in records if record.student not in standings for question in record.questions
    )
