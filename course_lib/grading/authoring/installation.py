"""A released folder put in place so that a failure, or a kill, leaves yesterday's notebook whole."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from course_lib.grading.authoring.proofs import Proof


def prove_atomic(made: Path, *, untouched: bool) -> Proof:
    """Installs over yesterday's release in a scratch folder, failing at each step in turn: yesterday's notebook must be whole each time."""
    with tempfile.TemporaryDirectory(prefix="atomic-") as folder:
        target = Path(folder) / made.name
        steps = sum(1 for file in made.rglob("*") if file.is_file())
        for failing in range(steps):
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            (target / f"{made.name}.ipynb").write_text("yesterday's")
            try:
                install(made, target, replace=_fail_at(failing))
            except InterruptedError:
                whole = (target / f"{made.name}.ipynb").read_text() == "yesterday's"
                untouched = untouched and whole and not list(target.rglob(".*"))
    found = (
        f"yesterday's release stood through {steps} failure(s) made on purpose" if untouched else "a failure changes yesterday's release"
    )
    return Proof("6 atomic", untouched, found)


def install(made: Path, target: Path, *, replace: Callable[[Path, Path], None] = os.replace) -> None:
    """Puts a release in place, each file whole or not at all and the notebook last; then removes what it no longer holds.

    Args:
        made: the folder that was made and proven.
        target: the folder that students get.
        replace: what moves a finished file into place at one stroke; tests give one that fails.
    """
    files = sorted((file for file in made.rglob("*") if file.is_file()), key=lambda file: (file.suffix == ".ipynb", str(file)))
    for file in files:
        place = target / file.relative_to(made)
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_name(f".{place.name}.part")
        try:
            shutil.copyfile(file, unfinished)
            replace(unfinished, place)
        finally:
            unfinished.unlink(missing_ok=True)
    for old in [file for file in target.rglob("*") if file.is_file() and not (made / file.relative_to(target)).exists()]:
        old.unlink()


def _fail_at(step: int) -> Callable[[Path, Path], None]:
    calls = iter(range(step + 1))

    def replace(unfinished: Path, place: Path) -> None:
        if next(calls) == step:
            raise InterruptedError("made on purpose")
        os.replace(unfinished, place)

    return replace
