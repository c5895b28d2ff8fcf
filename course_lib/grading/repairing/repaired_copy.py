"""A repaired copy beside a notebook that another program has changed: ``course repair``."""

import argparse
import hashlib
import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.command import DONE, WrongInput, course_folder
from course_lib.grading.notebooks.cells import grade_id, is_solution
from course_lib.grading.notebooks.kinship import kinship
from course_lib.grading.notebooks.reading import MOST_BYTES, Unreadable, read_notebook
from course_lib.grading.repairing.repair import Repaired, repair
from course_lib.lecture_record import write_atomically


def command(asked: argparse.Namespace) -> int:
    """Does ``course repair``."""
    data = _bytes(asked.notebook)
    name, released = _given(asked.released) if asked.released else _found(asked.notebook, data)
    repaired = repair(data, released=released, source=released)
    if repaired.notebook is None:
        raise WrongInput(" ".join(repaired.remarks))
    print("\n".join(_told(name, repaired)))
    to = asked.notebook.with_name(f"{asked.notebook.stem}.repaired.ipynb")
    if to.exists() or to.is_symlink():
        raise WrongInput(f"{to} is there already, perhaps with somebody's work in it: move it away and say this again")
    write_atomically(to, nbformat.writes(repaired.notebook) + "\n")
    print(f"written: {to}")
    return DONE


def _told(name: str, repaired: Repaired) -> list[str]:
    answers = [grade_id(cell) for cell in repaired.notebook.cells if is_solution(cell)]
    blank = [answer for answer in answers if answer not in repaired.attempted]
    lines = [f"{name}: {len(answers) - len(blank)} of {len(answers)} answers written" + (f", not yet {', '.join(blank)}" if blank else "")]
    lines += [f"  mended: {sentence}" for sentence in repaired.repairs] or ["  nothing to mend"]
    return lines + [f"  look at: {sentence}" for sentence in repaired.remarks]


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise WrongInput(f"{path} is {'a folder' if path.is_dir() else 'no file'}: a notebook is wanted")
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _given(path: Path) -> tuple[str, NotebookNode]:
    """The released notebook that was named."""
    try:
        return path.stem, nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError) as error:
        raise WrongInput(f"--released must name the notebook that students got, and {path} is none") from error


def _untouched(course: Path) -> list[Path]:
    """What was given out, and is still as it was given out: in their own copy of the course students work in these very files."""
    files = sorted(course.glob("assignments/*/*.ipynb"))
    if not (course / "kit.json").is_file():
        return files
    sums = json.loads((course / "kit.json").read_text(encoding="utf-8"))["files"]
    return [file for file in files if sums.get(file.relative_to(course).as_posix()) == hashlib.sha256(file.read_bytes()).hexdigest()]


def _found(path: Path, data: bytes) -> tuple[str, NotebookNode]:
    """The released notebook of the course's folder that a file resembles most."""
    try:
        cells = read_notebook(data).cells
    except Unreadable as why:
        raise WrongInput(f"{path} {why}") from why
    releases = {file.stem: nbformat.read(file, as_version=4) for file in _untouched(course_folder())}
    shares = {name: kinship(cells, released) for name, released in releases.items()}
    likest = max(shares, key=lambda name: shares[name], default="")
    if not shares.get(likest):
        raise WrongInput(
            f"{path} resembles none of {', '.join(releases) or 'the notebooks in assignments/'} that are as they were given out: name the one "
            "that it was made from, as it was given out, with --released"
        )
    return likest, releases[likest]
