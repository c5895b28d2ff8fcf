"""Grading a class beside nbgrader: a hundred notebooks of an ordinary course, from what was handed in to marks in the gradebook.

The peer is ``nbgrader autograde`` as it is: one process, each notebook in a kernel with all that the instructor may do. Here it is
``course grade`` with two workers: repair, a sandbox for every student, judging apart from their code, and with the gradebook also tables of
marks, feedback and the class report, none of which is taken off. Both begin with the same course, released and not yet graded, and end with
a gradebook; each turn begins anew. The notebooks compute next to nothing, so what is timed is the grading itself.
"""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.side_by_side import Contest, Task
from course_lib.grading.authoring.stock_nbgrader import environment, nbgrader
from course_lib.grading.nbgrader_course import load
from tests.foreign_course import HALF, RIGHT, enrol, hand_in, make_foreign_course

STUDENTS, NOTEBOOKS, WORKERS = 50, 2, 2
ASSIGNMENT = "hw1"
GOAL = 1.6  # on two cores, the sandbox, repair, feedback and report included


def made_class(folder: Path) -> Path:
    """A course and what its students handed in: every other one has all right, the others part of it."""
    students = [f"student-{number:03}" for number in range(STUDENTS)]
    enrol(make_foreign_course(folder), students)
    nbgrader(folder, "generate_assignment", ASSIGNMENT, "--create")
    course = load(folder)
    for student, answers in zip(students, itertools.cycle((RIGHT, HALF)), strict=False):
        hand_in(course, student, ASSIGNMENT, answers)
    return folder


def by_nbgrader(course: Path) -> Path:
    """Grades with nbgrader alone."""
    nbgrader(course, "autograde", ASSIGNMENT)
    return course


def by_course_grade(course: Path) -> Path:
    """Grades with ``course grade``."""
    command = [sys.executable, "-m", "course_lib.cli", "grade", "inbox", "--assignment", ASSIGNMENT, "--workers", str(WORKERS)]
    done = subprocess.run(command, cwd=course, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"course grade ended with {done.returncode}:\n{done.stderr.strip()[-2000:]}")
    return course


def points(course: Path) -> dict[tuple[str, str, str], float]:
    """The automatic points in a graded course's gradebook, by student, notebook and question."""
    from nbgrader.api import Gradebook

    with Gradebook(load(course).db_url) as book:
        return {
            (notebook.student.id, notebook.name, grade.name): grade.auto_score or 0.0
            for submission in book.assignment_submissions(ASSIGNMENT)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def difference(theirs: Path, ours: Path) -> float:
    """How many points the two gradebooks are apart at most; without end where they do not hold everybody's answers."""
    first, second = points(theirs), points(ours)
    whole = len({(student, notebook) for student, notebook, _ in first}) == STUDENTS * NOTEBOOKS
    if not whole or first.keys() != second.keys():
        return float("inf")
    return max(abs(first[name] - second[name]) for name in first)


def beside_nbgrader() -> Contest:
    """The same points for each question of each student."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process, a thread
    home = tempfile.TemporaryDirectory(prefix="grading-")
    whole = made_class(Path(home.name) / "whole")

    def anew(name: str) -> Path:
        folder = Path(home.name) / name
        shutil.rmtree(folder, ignore_errors=True)
        return shutil.copytree(whole, folder)

    return Contest(
        peer=lambda: by_nbgrader(anew("theirs")), ours=lambda: by_course_grade(anew("ours")), difference=difference, tolerance=0.0
    )


TASKS = (Task(f"Grading {STUDENTS * NOTEBOOKS} notebooks, {WORKERS} cores", "nbgrader", "nbgrader", "points", GOAL, beside_nbgrader),)
