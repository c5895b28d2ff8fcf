"""The figures of a class report: each student's marks as they stand in the gradebook, each check over the whole class, a histogram."""

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from course_lib.grading.recording.marks import Standing
from course_lib.grading.records import Outcome, Question, Record, Status
from course_lib.grading.reporting.pages import number

_BINS = 10
_LOST = (Outcome.PART, Outcome.WRONG, Outcome.CRASHED, Outcome.TIMED_OUT)


@dataclass(frozen=True)
class Student:
    """One student over all notebooks of the assignment.

    Attributes:
        name: the student's id.
        score: points after what lateness costs; None as long as a notebook could not be graded.
        max_score: the points of all questions.
        statuses: how each notebook ended.
        seconds: how long grading took.
        penalty: points that lateness cost.
    """

    name: str
    score: float | None
    max_score: float
    statuses: tuple[Status, ...]
    seconds: float
    penalty: float = 0.0

    @property
    def handed_in(self) -> bool:
        """Whether there was something to give marks for."""
        return self.score is not None and not set(self.statuses) <= {Status.MISSING, Status.UNREADABLE}


@dataclass(frozen=True)
class Check:
    """One question over the whole class.

    Attributes:
        name: its grade id, after the notebook's name where there are several notebooks.
        by_hand: whether a person marks it.
        share: of its points that those who handed in got; None as long as answers wait for a person.
        counts: how many answers ended in which way.
        says: the commonest message of those who lost points.
        times: how many of them got it.
        seconds: the longest that it took.
    """

    name: str
    by_hand: bool
    share: float | None
    counts: Counter[Outcome]
    says: str
    times: int
    seconds: float


def as_it_stands(record: Record, standing: Standing | None) -> Record:
    """Returns a record with the points that the gradebook has, a person's among them.

    Args:
        record: what grading found; one that could not be graded has no marks, whatever an older run gave.
        standing: what the gradebook says of the student.
    """
    if standing is None or record.status is Status.INFRASTRUCTURE_ERROR:
        return record
    given = {question.grade_id: standing.scores.get((record.notebook, question.grade_id), question.score) for question in record.questions}
    return dataclasses.replace(record, questions=tuple(_given(question, given[question.grade_id]) for question in record.questions))


def _given(question: Question, score: float | None) -> Question:
    if score == question.score:
        return question
    if score is None:
        return dataclasses.replace(question, score=None, outcome=Outcome.BY_HAND)
    outcome = Outcome.RIGHT if score >= question.max_score else Outcome.PART if score > 0 else Outcome.WRONG
    return dataclasses.replace(question, score=score, outcome=outcome)


def students_of(records: Iterable[Record], standings: Mapping[str, Standing] | None = None) -> list[Student]:
    """Returns each student with the marks of all notebooks together; no mark if one of them could not be graded.

    Args:
        records: one a student and notebook, as they stand.
        standings: what the gradebook says, by student: here what lateness cost.
    """
    grouped: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        grouped[record.student].append(record)
    return [_student(name, theirs, (standings or {}).get(name, Standing()).penalty) for name, theirs in sorted(grouped.items())]


def _student(name: str, theirs: Sequence[Record], penalty: float) -> Student:
    earned = None if any(each.score is None for each in theirs) else sum((each.score for each in theirs), start=0.0)
    return Student(
        name=name,
        score=None if earned is None else max(earned - penalty, 0.0),
        max_score=sum((each.max_score for each in theirs), start=0.0),
        statuses=tuple(each.status for each in theirs),
        seconds=sum((each.seconds for each in theirs), start=0.0),
        penalty=penalty,
    )


def checks_of(records: Sequence[Record], by_hand: Iterable[tuple[str, str]] = ()) -> list[Check]:
    """Returns every question of the assignment, the hardest first and after them those that a person marks.

    Only those count who handed something in that could be judged.

    Args:
        records: one a student and notebook, as they stand.
        by_hand: notebook and grade id of what a person marks, where the records do not say so any more.
    """
    several = len({record.notebook for record in records}) > 1
    waits, grouped = set(by_hand), {}
    for record in records:
        for question in record.questions:
            answers = grouped.setdefault((record.notebook, question.grade_id), [])
            if record.status not in (Status.MISSING, Status.UNREADABLE) and question.outcome is not Outcome.NOT_JUDGED:
                answers.append(question)
    checks = [
        _check(" · ".join(at) if several else at[1], answers, at in waits or any(each.outcome is Outcome.BY_HAND for each in answers))
        for at, answers in grouped.items()
    ]
    return sorted(checks, key=lambda check: (check.by_hand, check.share is None, check.share))


def columns(students: Iterable[Student]) -> list[dict[str, object]]:
    """Returns the histogram of marks in tenths of the full marks; full marks stand in the last."""
    counts = [0] * _BINS
    full = 0.0
    for student in students:
        if student.handed_in and student.max_score > 0:
            counts[min(max(int(_BINS * student.score / student.max_score), 0), _BINS - 1)] += 1
            full = max(full, student.max_score)
    most = max(counts) or 1
    edges = [number(full * i / _BINS) for i in range(_BINS + 1)]
    return [{"low": edges[i], "high": edges[i + 1], "count": n, "height": 100 * n / most} for i, n in enumerate(counts)]


def _check(name: str, answers: Sequence[Question], by_hand: bool) -> Check:
    marked = [answer for answer in answers if answer.score is not None]
    points = sum((answer.max_score for answer in marked), start=0.0)
    messages = Counter(answer.words.strip() or shape(answer.message) for answer in answers if answer.outcome in _LOST)
    messages.pop("", None)
    waiting = any(answer.score is None for answer in answers)
    says, times = messages.most_common(1)[0] if messages else ("", 0)
    return Check(
        name=name,
        by_hand=by_hand,
        share=sum((answer.score for answer in marked), start=0.0) / points if points and not waiting else None,
        counts=Counter(answer.outcome for answer in answers),
        says=says,
        times=times,
        seconds=max((answer.seconds for answer in answers), default=0.0),
    )


def shape(message: str) -> str:
    """Returns a message without what differs between students: numbers become dots, and only its beginning counts.

    Example:
        >>> shape("The file was UTF-16 text: 3 of its 40 cells, at -1e-05")
        'The file was UTF-16 text: … of its … cells, at …'
    """
    words = re.sub(r"(?<![\w.+−-])[-−+]?\d+(\.\d+)?([eE][-+]?\d+)?(?![\w.]*\w)", "…", " ".join(message.split()))
    words = re.sub(r"^(course_lib\.check\.)?(Mistake|AssertionError): ", "", words)
    return words if len(words) <= 300 else f"{words[:300]} …"
