"""A grading run on disk, and what is given back of it: gradebook, marks, feedback, class report.

``course feedback`` and ``course report`` say the same again at any time, with the marks and comments that a person has added since.
"""

import argparse
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.command import DONE, WrongInput
from course_lib.grading import class_report, feedback, gradebook, lateness, likeness, mark_changes, marks, records
from course_lib.grading.cells import grade_id, is_solution
from course_lib.grading.lateness import NO_PENALTY, Policy
from course_lib.grading.limits import Limits
from course_lib.grading.nbgrader_course import Course, Source, load
from course_lib.grading.records import Record, Status

_LIMITS = ("cell_seconds", "notebook_seconds", "memory", "disk", "processes")  # that can be asked for


@dataclass(frozen=True)
class Run:
    """A grading run's folder, and what it was asked for.

    Attributes:
        course: the nbgrader course.
        assignment: the assignment's name.
        folder: where records, notebooks, marks and the report lie.
        limits: what a student's process may use.
        sandboxed: whether it runs in a sandbox.
        workers: how many notebooks are graded at once on this machine.
        cluster: the address of a Dask scheduler, empty for this machine.
        policy: what lateness costs.
        due: when it was due; None leaves what the gradebook says.
    """

    course: Course
    assignment: str
    folder: Path
    limits: Limits = field(default_factory=Limits)
    sandboxed: bool = True
    workers: int = 1
    cluster: str = ""
    policy: Policy = NO_PENALTY
    due: datetime | None = None


def run_of(asked: argparse.Namespace) -> Run:
    """Returns the run that was asked for on the command line; what a command does not ask for stays as it is.

    Raises:
        ValueError: if the course, the assignment, the late policy or the due date cannot be worked with.
    """
    course = load(asked.course)
    names = [name for name in course.assignments if name == asked.assignment or name.startswith(f"{asked.assignment}_")]
    if len(names) != 1:
        raise ValueError(f"--assignment must be one of {', '.join(course.assignments) or '(none yet)'}; got {asked.assignment!r}")
    settings = vars(asked)
    return Run(
        course=course,
        assignment=names[0],
        folder=course.root / "grading" / names[0],
        limits=replace(Limits(), **{name: settings[name] for name in _LIMITS if settings.get(name)}),
        sandboxed=settings.get("sandboxed", True),
        workers=settings.get("workers") or len(os.sched_getaffinity(0)),
        cluster=settings.get("cluster", ""),
        policy=lateness.parse(settings.get("late_policy", "none")),
        due=lateness.moment(settings.get("due", "")),
    )


def feedback_command(asked: argparse.Namespace) -> int:
    """Does ``course feedback``."""
    try:
        run = run_of(asked)
        pages = write_feedback(run, sources_of(run), graded_before(run))
    except ValueError as mistake:
        raise WrongInput(str(mistake)) from mistake
    print(f"{len(pages)} pages, the first of them {pages[0]}")
    return DONE


def report_command(asked: argparse.Namespace) -> int:
    """Does ``course report``."""
    try:
        run = run_of(asked)
        found = graded_before(run)
        files = [
            *marks.write(found, run.folder, gradebook.standings(run.course, run.assignment, _students(found)), run.course.roster),
            write_report(run, sources_of(run), found),
        ]
    except ValueError as mistake:
        raise WrongInput(str(mistake)) from mistake
    print("\n".join(map(str, files)))
    return DONE


def sources_of(run: Run) -> dict[str, Source]:
    """Returns the notebooks of the run's assignment by name."""
    return {source.notebook: source for source in run.course.assignment(run.assignment)}


def graded_before(run: Run) -> list[Record]:
    """Returns the records of the run's folder.

    Raises:
        ValueError: if there are none.
    """
    if found := records.read_all(run.folder / "records"):
        return found
    raise ValueError(f"nothing has been graded in {run.folder} yet: begin with  course grade SUBMISSIONS --assignment {run.assignment}")


def give_back(run: Run, sources: Mapping[str, Source], found: list[Record]) -> None:
    """Writes gradebook, marks, feedback and report, and says how the class did."""
    notebooks = {(record.student, record.notebook): notebook for record in found if (notebook := notebook_of(run, record))}
    before = mark_changes.remembered(run.folder, gradebook.standings(run.course, run.assignment, _students(found)))
    standings = gradebook.import_records(run.course, found, notebooks, policy=run.policy, due=run.due)
    changed = mark_changes.changes(before, standings)
    print(*mark_changes.told(changed, mark_changes.kept(run.folder, changed)), sep="\n", end="\n" * bool(changed))
    tables = marks.write(found, run.folder, standings, run.course.roster)
    write_feedback(run, sources, found)
    report = write_report(run, sources, found)
    counts = Counter(record.status for record in found)
    print(", ".join(f"{counts[status]} {status}" for status in Status if counts[status]))
    print(f"marks {tables[0]}\nreport {report}\nfeedback {run.course.folder('feedback', run.assignment, '*')}")


def write_feedback(run: Run, sources: Mapping[str, Source], found: list[Record]) -> list[Path]:
    """Writes one page a student and notebook where nbgrader keeps feedback, so that ``nbgrader release_feedback`` gives it out."""
    standings = gradebook.standings(run.course, run.assignment, _students(found))
    said = gradebook.comments(run.course, run.assignment, _students(found))
    pages = []
    for record in found:
        source = sources[record.notebook]
        page = feedback.page(
            record,
            notebook_of(run, record),
            source.released,
            comments=said.get((record.student, record.notebook)),
            penalty=standings[record.student].penalty if record.student in standings else 0.0,
            hidden_tests={grade_id(cell) for cell in source.instructor.cells if run.course.markers.hidden[0] in cell.source},
        )
        file = run.course.folder("feedback", run.assignment, gradebook.nbgrader_id(record.student)) / f"{record.notebook}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
        pages.append(file)
    return pages


def write_report(run: Run, sources: Mapping[str, Source], found: list[Record]) -> Path:
    """Writes the class report."""
    pairs = []
    for name, source in sources.items():
        given = _answers(source.released)
        handed_in = {
            record.student: _answers(notebook) for record in found if record.notebook == name and (notebook := notebook_of(run, record))
        }
        pairs += likeness.pairs(handed_in, given)
    file = run.folder / "report.html"
    file.write_text(class_report.page(found, likeness=pairs, course=run.course.course_id, title=run.assignment), encoding="utf-8")
    return file


def notebook_of(run: Run, record: Record) -> NotebookNode | None:
    """Returns the repaired notebook of a record with the outputs of the student's cells, None where there is none."""
    file = records.file_of(run.folder / "notebooks", record.student, record.notebook)
    return nbformat.read(file, as_version=4) if file.is_file() else None


def _students(found: Sequence[Record]) -> set[str]:
    return {record.student for record in found}


def _answers(notebook: NotebookNode) -> dict[str, str]:
    return {grade_id(cell): cell.source for cell in notebook.cells if is_solution(cell)}
