"""What an instructor reads after grading: how the class did, which checks were hard and why, and what a person should look at."""

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from course_lib.grading import pages
from course_lib.grading.likeness import Pair
from course_lib.grading.records import Outcome, Question, Record, Status

STATUS = {
    Status.GRADED: "graded",
    Status.PARTIAL: "graded in part: some cells ran out of time or ended Python",
    Status.NEEDS_REVIEW: "marks stand, a person should look",
    Status.NOT_ATTEMPTED: "handed in as it was given out",
    Status.MISSING: "nothing handed in",
    Status.UNREADABLE: "no notebook that can be read",
    Status.INFRASTRUCTURE_ERROR: "not graded, by no fault of the student's",
}
_BINS = 10
_LOST = (Outcome.PART, Outcome.WRONG, Outcome.CRASHED, Outcome.TIMED_OUT)


@dataclass(frozen=True)
class Student:
    """One student over all notebooks of the assignment."""

    name: str
    score: float | None
    max_score: float
    statuses: tuple[Status, ...]
    seconds: float

    @property
    def handed_in(self) -> bool:
        """Whether there was something to give marks for."""
        return self.score is not None and not set(self.statuses) <= {Status.MISSING, Status.UNREADABLE}


@dataclass(frozen=True)
class Check:
    """One question over the whole class.

    Attributes:
        name: its grade id, after the notebook's name where there are several notebooks.
        share: of its points that those who handed in got; None where nobody has marks for it yet.
        counts: how many answers ended in which way.
        says: the commonest message of those who lost points.
        times: how many of them got it.
        seconds: the longest that it took.
    """

    name: str
    share: float | None
    counts: Counter[Outcome]
    says: str
    times: int
    seconds: float


def page(records: Sequence[Record], *, likeness: Sequence[Pair] = (), course: str = "", title: str = "") -> str:
    """Returns the report on an assignment, a page that needs nothing else and in which nothing runs.

    Args:
        records: one a student and notebook.
        likeness: pairs of students whose answers look alike.
        course: the course's name.
        title: the assignment's title; its name without one.
    """
    students = students_of(records)
    scores = [student.score for student in students if student.handed_in]
    took = [record for record in records if record.seconds > 0]
    return pages.render(
        "class_report.html",
        course=course,
        title=title or " · ".join(sorted({record.assignment for record in records})) or "Nothing graded",
        students=students,
        scores=scores,
        max_score=max((student.max_score for student in students), default=0.0),
        mean=statistics.fmean(scores) if scores else None,
        median=statistics.median(scores) if scores else None,
        columns=columns(students),
        statuses=[(text, n) for status, text in STATUS.items() if (n := sum(record.status is status for record in records))],
        checks=checks_of(records),
        seconds=sorted(record.seconds for record in took),
        slowest=sorted(took, key=lambda record: -record.seconds)[:5],
        repairs=Counter(_shape(repair) for record in records for repair in set(record.repairs)).most_common(),
        mended=sum(bool(record.repairs) for record in records),
        look=[record for record in records if record.remarks or record.status in (Status.NEEDS_REVIEW, Status.INFRASTRUCTURE_ERROR)],
        waiting=sum(question.outcome is Outcome.BY_HAND for record in records for question in record.questions),
        likeness=likeness,
    )


def students_of(records: Iterable[Record]) -> list[Student]:
    """Returns each student with the marks of all notebooks together; no mark if one of them could not be graded."""
    grouped: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        grouped[record.student].append(record)
    return [
        Student(
            name=name,
            score=None if any(each.score is None for each in theirs) else sum((each.score for each in theirs), start=0.0),
            max_score=sum((each.max_score for each in theirs), start=0.0),
            statuses=tuple(each.status for each in theirs),
            seconds=sum((each.seconds for each in theirs), start=0.0),
        )
        for name, theirs in sorted(grouped.items())
    ]


def checks_of(records: Sequence[Record]) -> list[Check]:
    """Returns every question of the assignment, the hardest first; only those count who handed something in that could be judged."""
    several = len({record.notebook for record in records}) > 1
    grouped: dict[str, list[Question]] = {}
    for record in records:
        for question in record.questions:
            answers = grouped.setdefault(f"{record.notebook} · {question.grade_id}" if several else question.grade_id, [])
            if record.status not in (Status.MISSING, Status.UNREADABLE) and question.outcome is not Outcome.NOT_JUDGED:
                answers.append(question)
    checks = [_check(name, answers) for name, answers in grouped.items()]
    return sorted(checks, key=lambda check: (check.share is None, check.share))


def columns(students: Iterable[Student]) -> list[dict[str, object]]:
    """Returns the histogram of marks in tenths of the full marks; full marks stand in the last."""
    counts = [0] * _BINS
    full = 0.0
    for student in students:
        if student.handed_in and student.max_score > 0:
            counts[min(max(int(_BINS * student.score / student.max_score), 0), _BINS - 1)] += 1
            full = max(full, student.max_score)
    most = max(counts) or 1
    edges = [pages.number(full * i / _BINS) for i in range(_BINS + 1)]
    return [{"low": edges[i], "high": edges[i + 1], "count": n, "height": 100 * n / most} for i, n in enumerate(counts)]


def _check(name: str, answers: Sequence[Question]) -> Check:
    marked = [answer for answer in answers if answer.score is not None]
    points = sum((answer.max_score for answer in marked), start=0.0)
    messages = Counter(_shape(answer.words or answer.message) for answer in answers if answer.outcome in _LOST)
    messages.pop("", None)
    says, times = messages.most_common(1)[0] if messages else ("", 0)
    return Check(
        name=name,
        share=sum((answer.score for answer in marked), start=0.0) / points if points else None,
        counts=Counter(answer.outcome for answer in answers),
        says=says,
        times=times,
        seconds=max((answer.seconds for answer in answers), default=0.0),
    )


def _shape(message: str) -> str:
    """A message without what differs between students: numbers become dots, and only its beginning counts."""
    words = re.sub(r"(?<![\w.])[-−+]?\d+(\.\d+)?([eE][-+]?\d+)?(?![\w.]*\w)", "…", " ".join(message.split()))
    words = re.sub(r"^(course_lib\.check\.)?(Mistake|AssertionError): ", "", words)
    return words if len(words) <= 300 else f"{words[:300]} …"
