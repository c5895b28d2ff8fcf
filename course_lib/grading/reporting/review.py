"""Which notebooks a person should look at, and why; what merely came late, or more than once, is told apart from these."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from course_lib.grading.recording.marks import Standing
from course_lib.grading.records import Outcome, Question, Record, Status

TIME_USED_UP = "time was used up"  # of a notebook, in what execution says of a question
NO_ANSWER = "does not answer the judge"
_SEVERAL = re.compile(r"^(\d+) attempts were handed in")
_REWRITTEN = re.compile(r"^nothing of the locked cell was left under the marks of (.*?);", re.IGNORECASE)
_JUDGED = (Outcome.RIGHT, Outcome.PART, Outcome.WRONG, Outcome.CRASHED, Outcome.TIMED_OUT)


@dataclass(frozen=True)
class Look:
    """A notebook to be looked at.

    Attributes:
        record: what grading found.
        kind: the reason in a few words, the same for all of its kind.
        why: what there is to know besides.
    """

    record: Record
    kind: str
    why: str


def look(record: Record, standing: Standing | None = None) -> Look | None:
    """Returns why a person should look at a notebook; None if nobody need.

    Args:
        record: what grading found.
        standing: what the gradebook says of the student: where formgrader waits for nobody any more, what was odd has been seen.
    """
    reasons = list(_reasons(record, standing))
    if not reasons:
        return None
    (kind, first), *others = reasons
    return Look(record, kind, " · ".join(filter(None, [first, *(f"{also}: {text}" for also, text in others)])))


def order(one: Look) -> tuple[int, str, str, str]:
    """Sorts notebooks by reason, the gravest first."""
    return _KINDS.index(one.kind), one.kind, one.record.student, one.record.notebook


def attempts(record: Record) -> int:
    """Returns how many attempts were handed in."""
    return next((int(found[1]) for remark in record.remarks if (found := _SEVERAL.match(remark))), 1)


_KINDS = (
    "not graded",
    "cannot be read",
    "something odd",
    "no points for work",
    "time used up",
    "no answer to the judge",
    "checks rewritten",
)


def _reasons(record: Record, standing: Standing | None) -> Iterator[tuple[str, str]]:
    """Kinds and texts, the gravest first."""
    remarks = " · ".join(remark for remark in record.remarks if not _SEVERAL.match(remark))
    seen = standing is not None and not any(notebook == record.notebook for notebook, _ in standing.waiting)
    if record.status is Status.INFRASTRUCTURE_ERROR:
        yield "not graded", remarks
    elif record.status is Status.UNREADABLE:
        if not seen:
            yield "cannot be read", remarks
    elif record.status is Status.NEEDS_REVIEW:
        if not seen:
            yield "something odd", remarks
    elif remarks:
        yield "something odd", remarks
    if record.status not in (Status.GRADED, Status.PARTIAL, Status.NEEDS_REVIEW):
        return
    judged = [question for question in record.questions if question.outcome in _JUDGED]
    if judged and not any(question.score for question in judged):
        yield "no points for work", f"0 of {len(judged)} checks"
    for kind, words in (("time used up", TIME_USED_UP), ("no answer to the judge", NO_ANSWER)):
        if found := _saying(judged, words):
            yield kind, f"{', '.join(found[:3])}{f' and {len(found) - 3} more' * (len(found) > 3)}"
    if rewritten := [found[1] for repair in record.repairs if (found := _REWRITTEN.match(repair))]:
        yield "checks rewritten", ", ".join(rewritten)


def _saying(questions: list[Question], words: str) -> list[str]:
    return [
        question.grade_id
        for question in questions
        if question.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT) and words in question.message
    ]
