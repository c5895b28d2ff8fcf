"""What students get: the lectures, the released problem sets and the library: ``course kit``.

Of the instructor's tools it holds one, ``course repair``, which shows what the grader will read of a notebook.

The folder is built beside its place, every file of it is searched for solutions and hidden tests, and only then does it appear.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course_lib import __version__
from course_lib.command import DONE, Lacking, Refused, WrongInput, course_folder
from course_lib.grading.cells import grade_id, is_solution
from course_lib.grading.markers import HIDDEN, SOLUTION, regions, secret_lines
from course_lib.lecture_runner import read

MANIFEST = "kit.json"
_FILES = ("LICENSE", "constraints.txt", "pyproject.toml")
_OWN = Path(__file__).parent / "student_kit"  # the students' own README and Makefile
_REPAIR = (  # the modules of course repair
    "__init__",
    "additions",
    "alignment",
    "cells",
    "kinship",
    "namespaces",
    "reading",
    "records",
    "repair",
    "repair_account",
    "repaired_copy",
)
_GRADING = Path("course_lib", "grading")
_REPAIR_FILES = {_GRADING, *(_GRADING / f"{name}.py" for name in _REPAIR)}
_INSTRUCTORS = {"solutions", "tests", "grading", "wrong_answers", "gradebook.db", "submitted", "autograded", "feedback"}
_LEFT_OUT = shutil.ignore_patterns("grading", "__pycache__", ".*", "*.part", "*.db")
_MARKERS = [re.escape(marker.lstrip("# ")) for marker in (*SOLUTION, *HIDDEN)] + [r"(?:BEGIN|END) MARK SCHEME"]
_MARKER = re.compile("|".join(_MARKERS), re.IGNORECASE)


@dataclass(frozen=True)
class Secret:
    """Lines that belong together and that no student may see."""

    place: str
    lines: tuple[str, ...]
    test: bool = False


def command(asked: argparse.Namespace) -> int:
    """Does ``course kit``."""
    root = course_folder()
    made = make_kit(root, asked.to, only=asked.only or ())
    print(f"{made}: {len(_contents(made))} files, no line of a solution or a hidden test in them")
    if not asked.only and (waiting := sorted(_names(root / "solutions") - _names(root / "assignments"))):
        print(f"not in it, because not released: {', '.join(waiting)}")
    if asked.zip:
        print(pack(made))
    return DONE


def make_kit(root: Path, to: Path, *, only: Collection[str] = ()) -> Path:
    """Makes the folder that students get.

    Args:
        root: the course's folder.
        to: the folder to make; an earlier kit there that nobody has worked in is replaced.
        only: the released problem sets to give out, in full or as far as they are unique; all of them unless told.

    Returns:
        The folder.

    Raises:
        WrongInput: if something else than an earlier kit stands there, or a problem set is not released.
        Lacking: if a part of the course that belongs into a kit is missing.
        Refused: if a solution or a hidden test would be given away. The folder is then as it was.
    """
    to = to.resolve()
    _refuse_to_overwrite(to)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}-", dir=to.parent) as scratch:
        made = Path(scratch) / "made"
        gather(root, made, only=only)
        if leaks := find_leaks(made, secrets(root)):
            shown = "\n  ".join(leaks[:10])
            raise Refused(f"no kit was made, because it would give away {len(leaks)} places:\n  {shown}")
        sums = {str(path.relative_to(made)): _sum(path) for path in _contents(made)}
        text = json.dumps({"course": "generative-course", "version": __version__, "files": sums}, indent=1)
        (made / MANIFEST).write_text(text + "\n", encoding="utf-8")
        made.chmod(0o755)
        _swap(made, to, aside=Path(scratch) / "earlier")
    return to


def gather(root: Path, made: Path, *, only: Collection[str] = ()) -> None:
    """Copies what belongs into a kit, and nothing else; see ``make_kit``."""
    for name in ("notebooks", "course_lib", *_FILES):
        if not (root / name).exists():
            raise Lacking(f"{root / name} is missing, and a kit needs it")
    made.mkdir()
    sets = [f"assignments/{_released(name, root)}" for name in only] or ["assignments"]
    for name in ("notebooks", *sets, "course_lib", "data"):
        if (root / name).is_dir():
            shutil.copytree(root / name, made / name, ignore=_LEFT_OUT, symlinks=True)
    for name in _FILES:
        shutil.copy(root / name, made / name)
    for path in sorted(_OWN.iterdir()):
        shutil.copy(path, made / path.name)
    (made / _GRADING).mkdir()
    for name in _REPAIR:
        shutil.copy(Path(__file__).with_name(f"{name}.py"), made / _GRADING)


def _released(name: str, root: Path) -> str:
    """The full name of a released problem set."""
    every = sorted(_names(root / "assignments"))
    found = [one for one in every if one == name] or [one for one in every if name and one.startswith(name)]
    if len(found) != 1:
        raise WrongInput(f"--only takes one or more of {', '.join(every) or 'none (nothing is released)'}; got {name!r}")
    return found[0]


def secrets(root: Path) -> list[Secret]:
    """Returns, from every solution notebook, what must not be given away: each solution, model answer and hidden test."""
    return [
        secret for path in sorted(root.glob("solutions/*/*.ipynb")) for cell in read(path).cells for secret in _secrets(cell, path.stem)
    ]


def _secrets(cell: NotebookNode, name: str) -> Iterator[Secret]:
    tests = [*regions(cell.source, HIDDEN)] if cell.cell_type == "code" else []
    answers = [*regions(cell.source, SOLUTION)] if cell.cell_type == "code" else [cell.source] * is_solution(cell)
    worth_hiding = secret_lines(NotebookNode(cells=[cell]))
    for text, test in [(text, True) for text in tests] + [(text, False) for text in answers]:
        if lines := tuple(line for line in _lines(text) if line in worth_hiding):
            yield Secret(f"{name}, {grade_id(cell) or 'an unmarked cell'}", lines, test)


def find_leaks(folder: Path, hidden: list[Secret]) -> list[str]:
    """Returns a line for each place where a kit gives something away; none, where it is sound.

    A line of a hidden test, a marker, a link and a file of the instructor's are leaks anywhere. A line of a solution is one in ``assignments``;
    lectures and library may hold the line that a problem set asks for, but not a whole solution of several lines.
    """
    leaks = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            leaks.append(f"{name} is a link or a special file")
        elif name not in _REPAIR_FILES and set(name.parts) & _INSTRUCTORS:
            leaks.append(f"{name} is the instructor's")
        elif path.is_file():
            leaks += [f"{name}: {what}" for what in _given_away(_text(path), hidden, strictly=name.parts[0] == "assignments")]
    return leaks


def _given_away(text: str, hidden: list[Secret], *, strictly: bool) -> list[str]:
    told = [f"the marker {match[0]!r}" for match in _MARKER.finditer(text)]
    lines = [*_lines(text)]
    for secret in hidden:
        seen = [line for line in lines if line in secret.lines]
        strict, whole = strictly or secret.test, len(secret.lines) > 1 and _holds(seen, secret.lines)
        if seen and (strict or whole):
            told.append(f"{seen[0]!r} ({secret.place})")
    return told


def _holds(lines: list[str], wanted: tuple[str, ...]) -> bool:
    """Whether the wanted lines stand in the list one after the other."""
    return any(tuple(lines[i : i + len(wanted)]) == wanted for i in range(len(lines)))


def _text(path: Path) -> str:
    """What a file says: of a notebook every text in it, source, output and metadata, without JSON's escapes."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return "\n".join(_strings(json.loads(text))) if path.suffix in (".ipynb", ".json") else text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            yield "".join(value)
        else:
            for item in value:
                yield from _strings(item)


def _lines(text: str) -> Iterator[str]:
    return (stripped for line in text.splitlines() if (stripped := line.strip()))


def _refuse_to_overwrite(to: Path) -> None:
    """Lets through a place that is free, an empty folder, or a kit in which nobody has worked."""
    if not to.exists() or (to.is_dir() and not any(to.iterdir())):
        return
    if not (to / MANIFEST).is_file():
        raise WrongInput(f"{to} is not empty and holds no earlier kit: choose another folder")
    sums = json.loads((to / MANIFEST).read_text(encoding="utf-8"))["files"]
    foreign = [str(path.relative_to(to)) for path in _contents(to) if sums.get(str(path.relative_to(to))) != _sum(path)]
    if foreign:
        raise WrongInput(
            f"{to} holds an earlier kit in which somebody has worked ({', '.join(foreign[:3])}): choose another folder, or move it away"
        )


def _swap(made: Path, to: Path, *, aside: Path) -> None:
    """Puts the new folder in the place of the old one; a failure puts the old one back."""
    if to.exists():
        to.rename(aside)
    try:
        made.rename(to)
    except OSError:
        if aside.exists():
            aside.rename(to)
        raise


def _contents(folder: Path) -> list[Path]:
    """Every file of a kit but its manifest and what Python and Jupyter leave behind."""
    paths = (path for path in sorted(folder.rglob("*")) if not path.is_dir() and path != folder / MANIFEST)
    return [path for path in paths if not {"__pycache__", ".ipynb_checkpoints"} & set(path.relative_to(folder).parts)]


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _names(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob("ps*/*.ipynb")}


def pack(made: Path) -> Path:
    """Packs a kit as a zip file beside it, with the folder inside, and returns the file."""
    target = made.with_name(made.name + ".zip")
    with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
        packed = shutil.make_archive(str(Path(scratch) / "kit"), "zip", root_dir=made.parent, base_dir=made.name)
        os.replace(packed, target)
    return target
