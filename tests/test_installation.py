"""A release is put in place whole or not at all: by failure and by kill."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.grading.authoring import installation
from course_lib.grading.authoring.installation import install, prove_atomic

YESTERDAY = "yesterday's release"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder as nbgrader makes it: a notebook and two more files."""
    folder = tmp_path / "made" / "ps99"
    (folder / "data").mkdir(parents=True)
    for name in ("ps99.ipynb", "notes.txt", "data/points.csv"):
        (folder / name).write_text(f"today's {name}")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "assignments" / "ps99"
    folder.mkdir(parents=True)
    (folder / "ps99.ipynb").write_text(YESTERDAY)
    (folder / "gone.txt").write_text("of yesterday")
    return folder


def _contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_install_makes_the_target_what_was_made(made, target):
    install(made, target)
    assert _contents(target) == _contents(made)


def test_install_into_nothing(made, tmp_path):
    install(made, tmp_path / "new" / "ps99")
    assert _contents(tmp_path / "new" / "ps99") == _contents(made)


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_failure_at_any_step_leaves_yesterdays_notebook(made, target, step):
    calls = []

    def replace(unfinished, place):
        if len(calls) == step:
            raise OSError("disk full")
        calls.append(place)
        os.replace(unfinished, place)

    with pytest.raises(OSError, match="disk full"):
        install(made, target, replace=replace)
    assert (target / "ps99.ipynb").read_text() == YESTERDAY
    assert not list(target.rglob("*.part"))


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_kill_at_any_step_leaves_yesterdays_notebook_and_the_next_release_mends_the_rest(made, target, step):
    code = f"""
import os, signal
from pathlib import Path
from course_lib.grading.authoring.installation import install
calls = []
def replace(unfinished, place):
    if len(calls) == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
    calls.append(place)
    os.replace(unfinished, place)
install(Path({str(made)!r}), Path({str(target)!r}), replace=replace)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert (target / "ps99.ipynb").read_text() == YESTERDAY
    install(made, target)
    assert _contents(target) == _contents(made)


def test_the_proof_of_atomicity_sees_an_install_that_writes_in_place(made, monkeypatch):
    assert prove_atomic(made, untouched=True).holds
    assert not prove_atomic(made, untouched=False).holds

    def writes_in_place(made, target, *, replace):
        shutil.copytree(made, target, dirs_exist_ok=True)
        for _ in range(3):
            replace(target / "notes.txt", target / "notes.txt")

    monkeypatch.setattr(installation, "install", writes_in_place)
    assert not prove_atomic(made, untouched=True).holds
