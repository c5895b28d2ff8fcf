"""What is given back of a grading run: gradebook, marks, feedback, class report, and in a few lines what a person must know of them.

``course feedback`` and ``course report`` say the same again at any time, with the marks and comments that a person has added since.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from course_lib.command import DONE, WrongInput
from course_lib.grading.collection.arrivals import may_still_come
from course_lib.grading.collection.class_list import ClassList
from course_lib.grading.collection.roll_call import named
from course_lib.grading.grading_run import Run, graded_before, notebook_of, run_of, sources_of
from course_lib.grading.nbgrader_course import Source
from course_lib.grading.notebooks.cells import grade_id
from course_lib.grading.notebooks.reading import count
from course_lib.grading.recording import gradebook, mark_changes, marks
from course_lib.grading.recording.marks import Standing
from course_lib.grading.recording.penalties import due_date, penalise_again
from course_lib.grading.recording.transaction import alone
from course_lib.grading.records import Record, Status
from course_lib.grading.reporting import class_report, copies, feedback, likeness, lost_points, returning

_MANY = 10  # files that are no longer named one by one


def give_back(run: Run, sources: Mapping[str, Source], found: list[Record]) -> None:
    """Writes gradebook, marks, feedback and report, and says how the class did."""
    notebooks = {(record.student, record.notebook): notebook for record in found if (notebook := notebook_of(run, record))}
    students = {record.student for record in found}
    before = mark_changes.remembered(run.folder, gradebook.standings(run.course, run.assignment, students))
    due = run.terms.due_date or due_date(run.course, run.assignment)
    extensions = {student: run.terms.extension(student, due) for student in run.terms.extensions}
    standings = gradebook.import_records(run.course, found, notebooks, policy=run.terms.policy, due=due, extensions=extensions)
    tables = write_tables(run, found, standings)
    *_, last = write_feedback(run, sources, found, standings)
    report = write_report(run, sources, found, standings)
    changed = mark_changes.changes(before, standings)
    lines = mark_changes.told(changed, mark_changes.kept(run.folder, changed))
    counts = Counter(record.status for record in found)
    lines += [", ".join(f"{counts[status]} {status}" for status in Status if counts[status])]
    lines += closing_lines(run, _rows(run, found, standings))
    lines += [f"marks {tables[0]}", f"report {report}", f"feedback {run.course.folder('feedback', run.assignment, '*')}"]
    lines += [f"feedback for the learning system {last}"] if last.suffix == ".zip" else []
    print("\n".join(lines))


def closing_lines(run: Run, rows: Sequence[marks.Row]) -> list[str]:
    """Returns what a person must know of an assignment's marks: what lateness cost, and whose marks are not final, and why."""
    lines = []
    if run.terms.policy.costs or any(row.penalty for row in rows):
        late = [row.penalty for row in rows if row.penalty]
        rule = f"{run.terms.late_policy or 'as the course says'}{f', due {run.terms.due}' if run.terms.due else ''}"
        lines.append(f"late ({rule}): {count(len(late), 'student')}, {-sum(late):+.6g} points")
    if failed := [row.student for row in rows if row.status is Status.INFRASTRUCTURE_ERROR]:
        lines.append(f"this machine failed for {named(failed)}, who have no new mark: say  course grade  again, it does these alone")
    if unread := [row.student for row in rows if row.status is Status.UNREADABLE]:
        lines.append(f"no notebook could be made of what {named(unread)} handed in: ask for another file, or give points in formgrader")
    if waiting := sum(row.waiting for row in rows):
        students = count(sum(row.waiting > 0 for row in rows), "student")
        lines.append(
            f"not final: {count(waiting, 'answer')} of {students} {'waits' if waiting == 1 else 'wait'} for a person in formgrader; tables and feedback for an LMS leave these "
            "students out"
        )
    if coming := [row.student for row in rows if row.may_come]:
        lines.append(f"{count(len(coming), 'student')} may still hand in, whom the tables for an LMS leave out: {named(coming)}")
    return lines


def feedback_command(asked: argparse.Namespace) -> int:
    """Does ``course feedback``."""
    return _again(asked, lambda run, found, standings: write_feedback(run, sources_of(run), found, standings))


def report_command(asked: argparse.Namespace) -> int:
    """Does ``course report``."""
    return _again(
        asked,
        lambda run, found, standings: [
            *write_tables(run, found, standings),
            write_report(run, sources_of(run), found, standings),
        ],
    )


def _again(asked: argparse.Namespace, written: Callable[[Run, list[Record], dict[str, Standing]], list[Path]]) -> int:
    """Writes something anew from the gradebook as it is now, with lateness taken off the points that it has now."""
    try:
        run = run_of(asked)
        found = graded_before(run)
        with alone(run.folder):
            standings = penalise_again(run.course, run.assignment, found, run.terms.policy)
            files = written(run, found, standings)
    except ValueError as mistake:
        raise WrongInput(str(mistake)) from mistake
    lines = list(map(str, files)) if len(files) < _MANY else [f"{len(files)} files, from {files[0]} to {files[-1]}"]
    print("\n".join([*lines, *closing_lines(run, _rows(run, found, standings))]))
    return DONE


def write_tables(run: Run, found: list[Record], standings: Mapping[str, Standing]) -> list[Path]:
    """Writes the marks as tables, for people and for an LMS."""
    roster = run.course.roster
    return marks.write(found, run.folder, standings, roster, ClassList.of(roster, run.worksheet), _coming(run, found))


def _rows(run: Run, found: list[Record], standings: Mapping[str, Standing]) -> list[marks.Row]:
    return marks.table(found, standings, _coming(run, found))


def _coming(run: Run, found: list[Record]) -> set[str]:
    return may_still_come(found, run.terms, run.terms.due_date or due_date(run.course, run.assignment), datetime.now(UTC))


def write_feedback(run: Run, sources: Mapping[str, Source], found: list[Record], standings: Mapping[str, Standing]) -> list[Path]:
    """Writes one page a student and notebook where nbgrader keeps feedback, and packs them for an LMS; ``nbgrader release_feedback`` works, too.

    Returns:
        The pages, and the archive where the class handed in to Moodle or Canvas.
    """
    said = gradebook.comments(run.course, run.assignment, {record.student for record in found})
    pages: dict[tuple[str, str], Path] = {}
    markers, cells = run.course.markers.hidden, {name: source.instructor.cells for name, source in sources.items()}
    asking = {name: {grade_id(cell) for cell in own if markers[0] in cell.source} for name, own in cells.items()}
    mixed = {name: {grade_id(cell) for cell in own if lost_points.mixes(cell.source, markers)} for name, own in cells.items()}
    for record in found:
        source, standing = sources[record.notebook], standings.get(record.student, Standing())
        page = feedback.page(
            record,
            notebook_of(run, record),
            source.released,
            comments=said.get((record.student, record.notebook)),
            penalty=_share(standing, record.notebook),
            reviewed=record.student in standings and all(notebook != record.notebook for notebook, _ in standing.waiting),
            hidden_tests=asking[record.notebook],
            mixed=mixed[record.notebook],
            folders=[str(run.course.root)],
        )
        file = run.course.folder("feedback", run.assignment, gradebook.nbgrader_id(record.student)) / f"{record.notebook}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
        pages[record.student, record.notebook] = file
    returning.stamped(run.course, run.assignment, found, pages)
    final = {row.student for row in marks.table(found, standings) if row.final is not None}
    archive = returning.packed([record for record in found if record.student in final], pages, run.folder / "feedback.zip")
    return [*pages.values(), *([archive] if archive else [])]


def write_report(run: Run, sources: Mapping[str, Source], found: list[Record], standings: Mapping[str, Standing]) -> Path:
    """Writes the class report."""
    pairs, same = [], []
    for name, source in sources.items():
        given = likeness.answers_of(source.released, source.released)
        answers = {
            record.student: likeness.answers_of(notebook, source.released)
            for record in found
            if record.notebook == name and (notebook := notebook_of(run, record))
        }
        groups = copies.groups(answers, given)
        same += groups
        pairs += likeness.pairs({student: answers[student] for student in copies.voices(answers, groups)}, given)
    called = {student.id: f"{student.first_name} {student.last_name}".strip() for student in run.course.roster}
    page = class_report.page(
        found,
        standings=standings,
        likeness=pairs,
        copies=same,
        names={record.student: called.get(gradebook.nbgrader_id(record.student), "") for record in found},
        course=run.course.course_id,
        title=feedback.title_of(next(iter(sources.values())).released) if len(sources) == 1 else run.assignment,
    )
    file = run.folder / "report.html"
    file.write_text(page, encoding="utf-8")
    return file


def _share(standing: Standing, notebook: str) -> float:
    """What lateness costs of one notebook's points, of several as much as these are of all."""
    earned = {at: score or 0.0 for at, score in standing.scores.items()}
    own = sum(score for (name, _), score in earned.items() if name == notebook)
    return standing.penalty * own / sum(earned.values()) if own else 0.0
