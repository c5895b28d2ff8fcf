"""What students get: the lectures, the released problem sets and the library: ``course kit``.

Of the instructor's tools it holds one, ``course repair``, which shows what the grader will read of a notebook.

The folder is built beside its place, every file of it is searched for solutions and hidden tests, and only then does it appear.
"""

import argparse
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from course_lib import __version__
from course_lib.command import DONE, Lacking, Refused, WrongInput, course_folder
from course_lib.grading.authoring.leaks import find_leaks, secrets

MANIFEST = "kit.json"
_FILES = ("LICENSE", "constraints.txt", "pyproject.toml")
_GIT = ".git"
_LIBRARY = Path(__file__).parents[2]
_OWN = Path(__file__).parent / "student_kit"  # the students' own README and Makefile
_REPAIR = {  # what course repair is made of
    "": ("__init__", "records"),
    "notebooks": ("__init__", "cells", "given_out", "kinship", "namespaces", "reading"),
    "repairing": ("__init__", "additions", "alignment", "repair", "repair_account", "repaired_copy"),
}
_GRADING = Path("course_lib", "grading")
_REPAIR_FILES = {_GRADING / folder / f"{name}.py" for folder, names in _REPAIR.items() for name in names}
_STUDENTS = {*_REPAIR_FILES, _GRADING, *(_GRADING / folder for folder in _REPAIR)}
_LEFT_OUT = shutil.ignore_patterns("grading", "__pycache__", ".*", "*.part", "*.db")


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
        to: the folder to make; an earlier kit there that nobody has worked in is replaced, and a repository of git in it stays.
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
        if leaks := find_leaks(made, secrets(root), theirs=_STUDENTS):
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
    for file in _REPAIR_FILES:
        (made / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_LIBRARY / file.relative_to("course_lib"), made / file)


def _released(name: str, root: Path) -> str:
    """The full name of a released problem set."""
    every = sorted(_names(root / "assignments"))
    found = [one for one in every if one == name] or [one for one in every if name and one.startswith(name)]
    if len(found) != 1:
        raise WrongInput(f"--only takes one or more of {', '.join(every) or 'none (nothing is released)'}; got {name!r}")
    return found[0]


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
        if (aside / _GIT).exists():  # the kit is pushed from here
            (aside / _GIT).rename(to / _GIT)
    except OSError:
        if aside.exists():
            if to.exists():
                to.rename(made)
            aside.rename(to)
        raise


def _contents(folder: Path) -> list[Path]:
    """Every file of a kit but its manifest, what Python and Jupyter leave behind, and the repository that it is pushed from."""
    paths = (path for path in sorted(folder.rglob("*")) if not path.is_dir() and path != folder / MANIFEST)
    inside = ((path, path.relative_to(folder).parts) for path in paths)
    return [path for path, parts in inside if parts[0] != _GIT and not {"__pycache__", ".ipynb_checkpoints"} & set(parts)]


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _names(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob("ps*/*.ipynb")}


def pack(made: Path) -> Path:
    """Packs a kit as a zip file beside it, with the folder inside, and returns the file."""
    target = made.with_name(made.name + ".zip")
    with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
        shutil.copytree(made, Path(scratch) / made.name, symlinks=True, ignore=lambda folder, _: [_GIT] if Path(folder) == made else [])
        packed = shutil.make_archive(str(Path(scratch) / "kit"), "zip", root_dir=scratch, base_dir=made.name)
        os.replace(packed, target)
    return target
