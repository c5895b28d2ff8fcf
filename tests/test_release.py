"""A release happens when every proof holds, and otherwise not at all."""

import argparse
import json
import shutil
from pathlib import Path

import nbformat
import pytest

from course_lib.command import DONE, FAILED, WrongInput
from course_lib.grading.authoring.release import command, problem_set, release

PS01 = "ps01_maximum_likelihood"
YESTERDAY = "yesterday's release"


# ----------------------------------------------------------------------------------------------------------------- its name


def test_a_problem_set_is_found_by_its_beginning(root):
    assert problem_set("ps01", root=root) == PS01
    assert problem_set(PS01, root=root) == PS01
    for name in ("ps00", "", "maximum", "PS01", "ps01_maximum_likelihood_2", "../ps01"):
        with pytest.raises(ValueError, match="the problem set must be one of ps01_maximum_likelihood"):
            problem_set(name, root=root)


def test_the_command_refuses_an_unknown_problem_set(root, monkeypatch):
    monkeypatch.chdir(root)
    with pytest.raises(WrongInput, match="must be one of"):
        command(argparse.Namespace(problem_sets=["ps77"], to=None))


# ----------------------------------------------------------------------------------------------------------- all of it, truly


@pytest.fixture
def course(root, tmp_path, monkeypatch) -> Path:
    """A copy of what a release reads, with yesterday's release in it, and the working directory inside."""
    folder = tmp_path / "course"
    for part in (f"solutions/{PS01}", f"tests/wrong_answers/{PS01}.py", "nbgrader_config.py"):
        place = folder / part
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (root / part).is_dir() else shutil.copy)(root / part, place)
    for part in ("notebooks", "course_lib"):  # what makes it a course's folder
        (folder / part).mkdir()
    yesterday = folder / "assignments" / PS01
    yesterday.mkdir(parents=True)
    (yesterday / f"{PS01}.ipynb").write_text(YESTERDAY)
    monkeypatch.chdir(folder)
    return folder


def _edit(course: Path, old: str, new: str) -> None:
    """Changes the instructor's notebook."""
    file = course / "solutions" / PS01 / f"{PS01}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    cell = next(cell for cell in notebook.cells if old in cell.source)
    cell.source = cell.source.replace(old, new, 1)
    nbformat.write(notebook, file)


def _contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.slow
def test_the_release_in_the_repository_is_the_one_that_the_proofs_let_through(root, course, capsys):
    assert command(argparse.Namespace(problem_sets=["ps01"], to=None)) == DONE
    report = capsys.readouterr().out
    print(report)
    assert [line[:3] for line in report.splitlines()[1:8]] == [f"✓ {proof}" for proof in range(7)]
    assert "27 of 27 points" in report
    assert "(100%)" in report
    made = course / "assignments" / PS01 / f"{PS01}.ipynb"
    assert made.read_bytes() == (root / "assignments" / PS01 / f"{PS01}.ipynb").read_bytes(), "solutions/ changed: say  course release ps01"


def test_a_slip_of_the_author_stops_a_release_before_anything_is_made(course):
    _edit(course, "### BEGIN HIDDEN TESTS", "### BEGIN HIDDEN TEST")
    said: list[str] = []
    assert release("ps01", root=course, report=said.append).released is None
    assert said[-1].startswith("✗ 0 author's lint")
    assert "is no marker" in said[-1]
    assert _contents(course / "assignments" / PS01) == {f"{PS01}.ipynb": YESTERDAY}


@pytest.mark.slow
def test_a_proof_that_does_not_hold_leaves_yesterdays_release(course, capsys):
    _edit(course, "return heads / x.numel()", "return heads / (x.numel() - 1)")
    assert command(argparse.Namespace(problem_sets=["ps01"], to=None)) == FAILED
    report = capsys.readouterr().out
    assert "✗ 1 solution: 25 of 27 points" in report
    assert "✓ 2 blank" in report
    assert "✗ 3 wrong answers" not in report  # they are judged by the checks, which are sound
    assert report.splitlines()[-1].startswith("not released")
    assert _contents(course / "assignments" / PS01) == {f"{PS01}.ipynb": YESTERDAY}


def test_what_students_get_is_marked_as_nbgrader_wants_and_holds_no_secret(root):
    released = json.loads((root / "assignments" / PS01 / f"{PS01}.ipynb").read_text())
    text = json.dumps(released)
    assert "BEGIN" not in text
    assert "not done yet: write your answer" in text
    marked = [cell["metadata"]["nbgrader"] for cell in released["cells"] if "nbgrader" in cell["metadata"]]
    assert all(marks["schema_version"] == 3 and "checksum" in marks for marks in marked)
