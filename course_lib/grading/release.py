"""From the instructor's notebook to what students get, once six proofs hold; until then yesterday's release stays as it was.

report = release("ps01", root=Path("."), report=print)
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from tqdm import tqdm

from course_lib.command import DONE, FAILED, Refused, WrongInput, course_folder
from course_lib.grading.author_lint import lint
from course_lib.grading.cells import is_test
from course_lib.grading.proofs import Proof, Rehearsal, proofs
from course_lib.grading.stock_nbgrader import StockNbgraderFailed, make_course
from course_lib.grading.wrong_answers import load_answers

_LINES = 7  # of a report: the author's lint and six proofs


@dataclass(frozen=True)
class ReleaseReport:
    """What ``release`` did.

    Attributes:
        name: the problem set.
        proofs: the author's lint and the six proofs, as far as they went.
        released: the released notebook, None if a proof does not hold.
    """

    name: str
    proofs: tuple[Proof, ...]
    released: Path | None


def command(asked: argparse.Namespace) -> int:
    """Does ``course release``."""
    root = course_folder()
    try:
        names = [problem_set(name, root=root) for name in asked.problem_sets]
        reports = [_release_aloud(name, root=root, to=asked.to) for name in names]
    except ValueError as mistake:
        raise WrongInput(str(mistake)) from mistake
    except StockNbgraderFailed as failure:
        raise Refused(str(failure)) from failure
    return DONE if all(report.released for report in reports) else FAILED


def _release_aloud(name: str, *, root: Path, to: Path | None) -> ReleaseReport:
    with tqdm(total=_LINES, desc=name, unit="proof", leave=False) as bar:

        def say(line: str) -> None:
            bar.write(line)
            bar.update(line.startswith(("✓", "✗")))

        return release(name, root=root, report=say, to=to)


def release(name: str, *, root: Path, report: Callable[[str], None], to: Path | None = None) -> ReleaseReport:
    """Makes ``assignments/NAME`` from ``solutions/NAME`` if every proof holds.

    Args:
        name: the problem set, in full or as far as it is unique (``ps01``).
        root: the course's folder.
        report: is given each line of the report as soon as it is known.
        to: the folder to release to; ``assignments`` of the course without it.

    Returns:
        The report. Nothing under ``to`` is touched unless all proofs hold.

    Raises:
        ValueError: if there is no such problem set, or it has no wrong answers to be proven against.
        StockNbgraderFailed: if nbgrader itself ends with an error.
    """
    name = problem_set(name, root=root)
    to = to or root / "assignments"
    wrong, right = load_answers(root / "tests" / "wrong_answers" / f"{name}.py")
    source = nbformat.read(root / "solutions" / name / f"{name}.ipynb", as_version=4)
    done: list[Proof] = []

    def note(proof: Proof) -> None:
        done.append(proof)
        report(str(proof))

    report(f"{name}: {sum(map(is_test, source.cells))} checks, proven in about a minute")
    faults = lint(source)
    note(Proof("0 author's lint", not faults, "nothing to mend" if not faults else "\n  ".join(["", *faults])))
    if faults:
        return ReleaseReport(name, tuple(done), None)
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        course = Path(folder)
        made = make_course(course, root=root, name=name)
        rehearsal = Rehearsal(name, course, source, nbformat.read(made, as_version=4), wrong, right)
        before = _fingerprint(to / name)
        for proof in proofs(rehearsal):
            note(proof)
        note(prove_atomic(made.parent, untouched=_fingerprint(to / name) == before))
        if all(proof.holds for proof in done):
            install(made.parent, to / name)
    held = all(proof.holds for proof in done)
    report(f"released: {to / name}" if held else f"not released; {to / name} is as it was")
    return ReleaseReport(name, tuple(done), to / name / f"{name}.ipynb" if held else None)


def problem_set(name: str, *, root: Path) -> str:
    """Returns the full name of a problem set from its beginning.

    Raises:
        ValueError: if none or several begin so.
    """
    every = sorted(folder.name for folder in (root / "solutions").glob("ps*") if (folder / f"{folder.name}.ipynb").is_file())
    found = [one for one in every if one == name] or [one for one in every if name and one.startswith(name)]
    if len(found) != 1:
        raise ValueError(f"the problem set must be one of {', '.join(every) or 'none (solutions/ is empty)'}; got {name!r}")
    return found[0]


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


def _fingerprint(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()} if folder.is_dir() else {}
