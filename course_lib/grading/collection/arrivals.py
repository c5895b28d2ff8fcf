"""When work was handed in, as far as anything tells, and what a person is told about it before lateness costs points."""

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from course_lib.grading.collection import lateness
from course_lib.grading.collection.collecting import Submission
from course_lib.grading.collection.roll_call import named
from course_lib.grading.collection.terms import Terms
from course_lib.grading.collection.worksheet import number_in
from course_lib.grading.notebooks.reading import count
from course_lib.grading.records import Record, Status, key_of


def timed(submissions: Sequence[Submission], terms: Terms) -> list[Submission]:
    """Returns the submissions with the times that a person's list names; others keep theirs."""
    times = {student: lateness.moment(words) for student, words in terms.times.items()}
    return [
        dataclasses.replace(each, submitted=times[each.student], dated=False) if each.student in times and each.data is not None else each
        for each in submissions
    ]


def check(submissions: Sequence[Submission], terms: Terms, due: datetime | None, students: Collection[str]) -> None:
    """Makes sure that lateness can be told where it is to cost something, and that no name in a list is mistyped.

    Args:
        submissions: everybody's, with their times.
        terms: what was said about time.
        due: when it is due.
        students: the class.

    Raises:
        ValueError: if there is a late policy and no due date, or nothing tells of anybody when they handed in; if somebody who is not in the
            class has an extension, or nobody in the list of times is in it.
    """
    if strangers := terms.extended - set(students):
        raise ValueError(f"extensions are given to {named(strangers)}, who {_are(strangers)} not in the class: mend the list")
    if terms.times and not terms.times.keys() & set(students):
        raise ValueError(
            f"times are given of {named(terms.times)}, of whom nobody is in the class: the column student has to hold their ids"
        )
    if not terms.policy.costs:
        return
    if due is None:
        raise ValueError(f"the late policy {terms.late_policy!r} needs a due date, and the gradebook has none: say --due TIME")
    here = [each for each in submissions if each.data is not None]
    if here and not any(each.submitted or each.late for each in here):
        raise ValueError(
            f"the late policy {terms.late_policy!r} needs to know when work was handed in, and nothing tells it (an export of Moodle's or "
            "Canvas's does not): say --times FILE.csv, with the columns student,time"
        )


def outdated(submissions: Iterable[Submission], found: Iterable[Record], terms: Terms, due: datetime | None) -> list[str]:
    """Returns what to say where Moodle's worksheet is older than the archive: it does not know who came since, or who handed in anew.

    Args:
        submissions: everybody's, with their times by a worksheet that an earlier run kept.
        found: the records of earlier runs.
        terms: what was said about time.
        due: when it is due.

    Raises:
        ValueError: if lateness is to cost points.
    """
    before = {(record.student, record.notebook): record for record in found}
    exported = [each for each in submissions if each.data is not None and number_in(each.prefix) and each.student not in terms.times]
    newer = {each.student for each in exported if each.submitted is None or _anew(each, before.get((each.student, each.notebook)))}
    if not newer:
        return []
    words = (
        f"the worksheet is older than what {named(newer)} handed in: download it again together with the archive, and say --students FILE"
    )
    if terms.policy.costs:
        raise ValueError(words)
    return [f"! {words}"] if due else []


def digest(data: bytes | None) -> str:
    """Returns what a record keeps of the file that was handed in, empty for none."""
    return "" if data is None else key_of([data])


def _anew(one: Submission, before: Record | None) -> bool:
    """Whether another file has come since, and the time is still that of the first."""
    known = before is not None and before.handed_in and before.submitted
    return bool(known) and before.handed_in != digest(one.data) and lateness.moment(before.submitted) == one.submitted


def may_still_come(found: Iterable[Record], terms: Terms, due: datetime | None, now: datetime) -> set[str]:
    """Returns who has handed in nothing yet, or not all, and has time left: a zero of theirs would not be true yet.

    Args:
        found: the records.
        terms: what was said about time.
        due: when it is due for everybody without an extension; None for never.
        now: the time that it is.
    """
    absent = {record.student for record in found if record.status is Status.MISSING}
    return {student for student in absent if due and now < due + (terms.extension(student, due) or timedelta())}


def told(submissions: Sequence[Submission], terms: Terms, due: datetime | None, students: Collection[str] | None = None) -> list[str]:
    """Returns what a person should know of the times: whose they are, how many are late, and of whom nothing is known.

    Args:
        submissions: everybody's, with their times.
        terms: what was said about time.
        due: when it is due.
        students: the class, those who stand as they were graded before among them; without it nobody in a list of times is a stranger.
    """
    here = [each for each in submissions if each.data is not None]
    dated = {each.student for each in here if each.dated}
    timed = {each.student for each in here if each.submitted}
    late = {each.student for each in here if _late(each, terms, due)}
    lines = []
    if dated:
        newest = max(each.submitted for each in here if each.dated)
        lines.append(f"times: the files' own dates, the newest {_said(newest, terms)}{_of(late, timed, due, terms)}")
    elif timed and due:
        newest = max(each.submitted for each in here if each.submitted)
        lines.append(f"times: the newest {_said(newest, terms)}{_of(late, timed, due, terms)}")
    if 2 * len(late) > len(timed) > 1:
        why = "copying and downloading change a file's date: " if dated else ""
        lines.append(f"! most are late. {why}if that is not when they handed in, say --times FILE.csv (student,time)")
    if students is not None and (strangers := terms.times.keys() - set(students)):
        lines.append(f"times are given of {named(strangers)}, who {_are(strangers)} not in the class")
    if terms.policy.costs:
        lines += _unknown(here)
    return lines


def _unknown(here: Sequence[Submission]) -> list[str]:
    marked = {each.student for each in here if each.late and not each.submitted}
    unknown = {each.student for each in here if not each.late and not each.submitted}
    lines = []
    if marked:
        lines.append(f"{count(len(marked), 'student')} marked as late by the learning system, by how much is not known: as if within a day")
    if unknown:
        lines.append(
            f"nothing tells when {count(len(unknown), 'student')} handed in, who count{'s' * (len(unknown) == 1)} as in time: {named(unknown)}"
        )
    return lines


def _late(submission: Submission, terms: Terms, due: datetime | None) -> bool:
    if due is None or submission.submitted is None:
        return False
    allowed = (terms.extension(submission.student, due) or timedelta()) + terms.policy.grace
    return lateness.lateness(submission.submitted.isoformat(), due) > allowed


def _of(late: set[str], timed: set[str], due: datetime | None, terms: Terms) -> str:
    return f"; {len(late)} of {len(timed)} are late (due {_said(due, terms)})" if due else ""


def _said(moment: datetime, terms: Terms) -> str:
    """A time on the clock by which the due date was said."""
    return f"{moment.astimezone(terms.zone or UTC):%Y-%m-%d %H:%M %Z}"


def _are(students: set[str]) -> str:
    return "is" if len(students) == 1 else "are"
