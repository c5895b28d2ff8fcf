"""From the instructor's notebook to what students get, once six proofs hold; until then yesterday's release stays as it was.

report = release("ps01", root=Path("."), report=print)
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from tqdm import tqdm

from course_lib.command import DONE, FAILED, Refused, WrongInput, course_folder
from course_lib.grading.authoring.author_lint import lint
from course_lib.grading.authoring.forgeries import load_forged
from course_lib.grading.authoring.installation import install, prove_atomic
from course_lib.grading.authoring.proofs import Proof, Rehearsal, proofs
from course_lib.grading.authoring.stock_nbgrader import StockNbgraderFailed, make_course
from course_lib.grading.authoring.wrong_answers import load_answers
from course_lib.grading.notebooks.cells import is_test

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
    answers = root / "tests" / "wrong_answers" / f"{name}.py"
    wrong, right = load_answers(answers)
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
        rehearsal = Rehearsal(name, course, source, nbformat.read(made, as_version=4), wrong, right, load_forged(answers))
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


def _fingerprint(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()} if folder.is_dir() else {}
