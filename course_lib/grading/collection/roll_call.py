"""Who is to be graded: whoever handed in, an empty entry for whoever did not, and nobody who was graded before and is merely not here this time."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from course_lib.grading.authoring.publish import unaddressed
from course_lib.grading.collection.collecting import Submission
from course_lib.grading.nbgrader_course import Source
from course_lib.grading.notebooks.cells import meta
from course_lib.grading.notebooks.reading import count
from course_lib.grading.records import Record, Status, key_of
from course_lib.grading.student_ids import nbgrader_id

_NAMED = 10  # students named in a message
_ALIKE = "if its checks or points have changed since, give everything that was handed in, without --only, to grade all alike"


def roll_call(
    handed_in: Sequence[Submission],
    graded: Iterable[Record],
    everybody: Iterable[str],
    sources: Mapping[str, Source],
    *,
    where: Path,
    only: bool = False,
    numbers: Mapping[str, str] | None = None,
) -> tuple[list[Submission], list[Record]]:
    """Returns what is to be graded, in the order of students, and the records that stand as they are.

    Args:
        handed_in: what was collected.
        graded: the records of earlier runs.
        everybody: the class, by nbgrader's ids.
        sources: the assignment's notebooks by name.
        where: whence it was collected, for the errors.
        only: whether those who are not here stand as they were graded before.
        numbers: the students by Moodle's numbers, where a worksheet names them.

    Raises:
        ValueError: if somebody whose work was graded before is not here, or most of what is here is of another assignment, and ``only`` does
            not say that this is meant; or if a record that would stand is of another version of its notebook, or of a student under Moodle's number.
    """
    here = {(each.student, each.notebook): each for each in handed_in}
    there = {at for at, each in here.items() if each.data is not None}
    stands = [record for record in graded if record.status is not Status.MISSING and (record.student, record.notebook) not in there]
    stands = [record for record in stands if record.notebook in sources]
    _own_ids(stands, numbers or {})
    if not only:
        _right_assignment(handed_in, where)
        _all_here(stands, where)
    for record in stands:
        _same_questions(record, sources[record.notebook])
    left = {(record.student, record.notebook) for record in stands}
    known = {student for student, _ in here.keys() | left}
    students = known | (set(everybody) - {nbgrader_id(student) for student in known})
    wanted = [(student, notebook) for student in sorted(students) for notebook in sorted(sources) if (student, notebook) not in left]
    return [here.get(at) or nothing(at[0], sources[at[1]]) for at in wanted], stands


def nothing(student: str, source: Source) -> Submission:
    """Returns the entry of a student who handed in nothing."""
    return Submission(student, source.assignment, source.notebook, None, "", None, {}, ())


def version_of(source: Source) -> str:
    """Returns a digest of what an instructor's notebook asks, checks and gives points for, and of the files beside it.

    Outputs, text between the questions, and where the course is published are not in it.
    """
    cells = [
        [cell.source, meta(cell)]
        for cell in source.instructor.cells
        if cell.cell_type == "code" or meta(cell).get("grade") or meta(cell).get("task")
    ]
    files = [part for name in sorted(source.files) for part in (name.encode("utf-8", "surrogatepass"), source.files[name])]
    return key_of([unaddressed(json.dumps(cells, sort_keys=True)).encode(), *files])


def standing(stands: Iterable[Record], sources: Mapping[str, Source]) -> list[str]:
    """Returns what to say of the records that stand: how many students they are, and how many were graded by other checks than today's."""
    stands = list(stands)
    if not stands:
        return []
    now = {name: version_of(source) for name, source in sources.items()}
    unknown = {record.student for record in stands if not record.version}
    other = {record.student for record in stands if record.version not in ("", now[record.notebook])}
    lines = [f"{count(len({record.student for record in stands}), 'student')} who are not here stand as they were graded before"]
    if other:
        lines.append(f"! {count(len(other), 'student')} of these by another version of the notebook: {_ALIKE}")
    if unknown:
        lines.append(f"! of {count(len(unknown), 'student')} of these nothing tells by which version of the notebook: {_ALIKE}")
    return lines


def named(students: Collection[str]) -> str:
    """Returns the first of some students' names, and how many more there are."""
    names = sorted(students)
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _all_here(stands: Sequence[Record], where: Path) -> None:
    if missed := {record.student for record in stands}:
        who = f"{count(len(missed), 'student')} whose work was graded before {'is' if len(missed) == 1 else 'are'} not in {where}"
        raise ValueError(
            f"{who} ({named(missed)}), and would lose all marks. Give everything that was handed in; or say --only to grade alone whoever is "
            f"there, and leave everyone else as they stand. {_nobody(stands)}"
        )


def _own_ids(stands: Sequence[Record], numbers: Mapping[str, str]) -> None:
    if twice := {record.student for record in stands if numbers.get(record.student, record.student) != record.student}:
        first = min(twice)
        raise ValueError(
            f"{count(len(twice), 'student')} {'was' if len(twice) == 1 else 'were'} graded under Moodle's numbers, before there was a worksheet "
            f"({named(twice)}), and would be two students each: {first} is {numbers[first]}. {_nobody(stands)}"
        )


def _nobody(stands: Sequence[Record]) -> str:
    """The commands that undo an id."""
    return (
        f"An ID that is no student of the class is undone by  rm -r grading/{stands[0].assignment}/records/ID  and  "
        "nbgrader db student remove ID --force"
    )


def _right_assignment(handed_in: Sequence[Submission], where: Path) -> None:
    students = {each.student for each in handed_in}
    worked = {each.student for each in handed_in if each.data is not None}
    strangers = {each.student for each in handed_in if each.strangers} - worked
    if len(students) > 1 and 2 * len(strangers) > len(students):
        assignment = handed_in[0].assignment
        raise ValueError(
            f"{len(strangers)} of {len(students)} students in {where} handed in notebooks of another assignment than {assignment}: is it the "
            "right file? If it is, say --only"
        )


def _same_questions(record: Record, source: Source) -> None:
    cells = [meta(cell) for cell in source.instructor.cells if meta(cell).get("grade") or meta(cell).get("task")]
    asked = {marks["grade_id"]: float(marks["points"]) for marks in cells}
    before = {question.grade_id: float(question.max_score) for question in record.questions}
    if asked != before:
        what = "questions" if asked.keys() != before.keys() else "points"
        raise ValueError(
            f"{record.student} was graded by another version of {source.notebook}, with other {what}: give everything that was handed in, "
            "without --only"
        )
