"""nbgrader as it is, in a course folder of its own: generates an assignment, autogrades a submission, and reads the marks.

Student-like code runs here without a sandbox, so this is for proving a problem set; a class is graded with ``course grade``.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

_CAGE = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"]  # everything as it is, but no network


class StockNbgraderFailed(RuntimeError):
    """An nbgrader command ended with an error; the message holds what it said."""


@dataclass(frozen=True)
class Marks:
    """What autograding one submission gave.

    Attributes:
        scores: points by grade id; None where a person has to read the answer.
        full: the points that each is worth.
        notebook: the autograded notebook with its outputs.
        seconds: how long the command took, start of nbgrader included.
        cpu_seconds: the CPU time of it and of the kernel.
    """

    scores: dict[str, float | None]
    full: dict[str, float]
    notebook: NotebookNode
    seconds: float
    cpu_seconds: float

    @property
    def total(self) -> float:
        """Points that were given without a person."""
        return sum((score for score in self.scores.values() if score is not None), start=0.0)

    @property
    def possible(self) -> float:
        """Points of all that was graded without a person."""
        return sum((self.full[name] for name, score in self.scores.items() if score is not None), start=0.0)


def network_cage() -> list[str]:
    """Returns the command that runs another without a network, empty where this machine has none."""
    if shutil.which("bwrap") and subprocess.run([*_CAGE, "true"], capture_output=True, check=False).returncode == 0:
        return _CAGE
    return []


def environment() -> dict[str, str]:
    """Returns the environment of nbgrader's commands: its tools on PATH (it calls alembic by name), the course offline and quick."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "COURSE_OFFLINE": "1", "COURSE_SIZE": "quick"}


def nbgrader(course: Path, *arguments: str, network: bool = True) -> str:
    """Runs one nbgrader command in a course folder.

    Args:
        course: the folder with ``nbgrader_config.py``.
        arguments: the command and its options.
        network: whether it may reach the network where this machine can forbid it.

    Returns:
        What it wrote to its log.

    Raises:
        StockNbgraderFailed: if it ends with an error.
    """
    cage = [] if network else network_cage()
    command = [*cage, sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=course, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise StockNbgraderFailed(
            f"nbgrader {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stderr


def make_course(folder: Path, *, root: Path, name: str) -> Path:
    """Makes a course folder with one problem set of a repository, and generates its release.

    Returns:
        The released notebook's file.
    """
    shutil.copytree(root / "solutions" / name, folder / "solutions" / name, ignore=shutil.ignore_patterns(".*"))
    shutil.copy(root / "nbgrader_config.py", folder)
    nbgrader(folder, "generate_assignment", name, "--create")
    return folder / "assignments" / name / f"{name}.ipynb"


def hand_in(course: Path, name: str, student: str, notebook: NotebookNode) -> None:
    """Puts a student's notebook where nbgrader collects it."""
    folder = course / "submitted" / student / name
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")


def autograde(course: Path, name: str, student: str) -> Marks:
    """Autogrades one submission with the network off, and reads its marks from the gradebook."""
    from nbgrader.api import Gradebook

    started, spent = time.monotonic(), _cpu_seconds()
    nbgrader(course, "autograde", name, "--student", student, network=False)
    seconds, cpu_seconds = time.monotonic() - started, _cpu_seconds() - spent
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        grades = gradebook.find_submission_notebook(name, name, student).grades
        scores = {grade.name: None if grade.needs_manual_grade else grade.score for grade in grades}
        full = {grade.name: grade.max_score for grade in grades}
    notebook = nbformat.read(course / "autograded" / student / name / f"{name}.ipynb", as_version=4)
    return Marks(scores, full, notebook, seconds, cpu_seconds)


def _cpu_seconds() -> float:
    """Of all commands that have ended."""
    times = os.times()
    return times.children_user + times.children_system
