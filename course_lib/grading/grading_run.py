"""A grading run on disk: where it lies, what it was asked for, and what it has found so far."""

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.grading import records
from course_lib.grading.collection.terms import Terms, asked_of, kept
from course_lib.grading.collection.worksheet import Worksheet, asked_or_kept
from course_lib.grading.nbgrader_course import Course, Source, load
from course_lib.grading.records import Record
from course_lib.grading.sandbox.limits import Limits


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
        terms: what was said of it: when it is due, what lateness costs, who handed in when, which limits hold.
        only: whether those who are not among the submissions stand as they were graded before.
        worksheet: Moodle's grading worksheet of the assignment, where somebody gave it.
    """

    course: Course
    assignment: str
    folder: Path
    limits: Limits = field(default_factory=Limits)
    sandboxed: bool = True
    workers: int = 1
    cluster: str = ""
    terms: Terms = field(default_factory=Terms)
    only: bool = False
    worksheet: Worksheet | None = None


def run_of(asked: argparse.Namespace) -> Run:
    """Returns the run that was asked for on the command line; what a command does not ask for stays as it is.

    Raises:
        ValueError: if the course, the assignment, the late policy or the due date cannot be worked with.
    """
    course = load(asked.course)
    names = [name for name in course.assignments if name == asked.assignment or name.startswith(f"{asked.assignment}_")]
    if len(names) != 1:
        raise ValueError(f"--assignment must be one of {', '.join(course.assignments) or '(none yet)'}; got {asked.assignment!r}")
    settings, folder = vars(asked), course.root / "grading" / names[0]
    terms = asked_of(asked, kept(folder))
    return Run(
        course=course,
        assignment=names[0],
        folder=folder,
        limits=Limits(**terms.limits),
        sandboxed=settings.get("sandboxed", True),
        workers=settings.get("workers") or len(os.sched_getaffinity(0)),
        cluster=settings.get("cluster", ""),
        terms=terms,
        only=settings.get("only", False),
        worksheet=asked_or_kept(settings.get("students"), folder, terms.zone),
    )


def sources_of(run: Run) -> dict[str, Source]:
    """Returns the notebooks of the run's assignment by name."""
    return {source.notebook: source for source in run.course.assignment(run.assignment)}


def graded_before(run: Run) -> list[Record]:
    """Returns the records of the run's folder, of the notebooks that the assignment has now.

    Raises:
        ValueError: if there are none.
    """
    sources = sources_of(run)
    if found := [record for record in records.read_all(run.folder / "records") if record.notebook in sources]:
        return found
    raise ValueError(f"nothing has been graded in {run.folder} yet: begin with  course grade SUBMISSIONS --assignment {run.assignment}")


def notebook_of(run: Run, record: Record) -> NotebookNode | None:
    """Returns the repaired notebook of a record with the outputs of the student's cells, None where there is none."""
    file = records.file_of(run.folder / "notebooks", record.student, record.notebook)
    return nbformat.read(file, as_version=4) if file.is_file() else None
