"""From the instructor's notebook to what students get, once six proofs hold; until then yesterday's release stays as it was.

report = release("ps01", root=Path("."), report=print)
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.grading import stock_nbgrader
from course_lib.grading.author_lint import lint
from course_lib.grading.cells import grade_id, is_solution, is_test, names_defined, secret_lines
from course_lib.grading.submissions import saved_by_colab, solved
from course_lib.grading.wrong_answers import judge_all, load_answers, table

SECONDS = 60.0
WRONG_ANSWERS = 5  # at least, for each function


@dataclass(frozen=True)
class Proof:
    """One proof: what it is about, whether it holds, and what was measured."""

    about: str
    holds: bool
    found: str

    def __str__(self) -> str:
        return f"{'✓' if self.holds else '✗'} {self.about}: {self.found}"


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


@dataclass(frozen=True)
class Rehearsal:
    """A problem set in a course folder that is thrown away afterwards."""

    name: str
    root: Path
    course: Path
    source: NotebookNode
    released: NotebookNode


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
    source = nbformat.read(root / "solutions" / name / f"{name}.ipynb", as_version=4)
    proofs: list[Proof] = []

    def note(proof: Proof) -> None:
        proofs.append(proof)
        report(str(proof))

    report(f"{name}: {sum(map(is_test, source.cells))} checks; this takes about a minute")
    faults = lint(source)
    note(Proof("author's lint", not faults, "nothing to mend" if not faults else "\n  ".join(["", *faults])))
    if faults:
        return ReleaseReport(name, tuple(proofs), None)
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        course = Path(folder)
        made = stock_nbgrader.make_course(course, root=root, name=name)
        rehearsal = Rehearsal(name, root, course, source, nbformat.read(made, as_version=4))
        before = _fingerprint(to / name)
        for proof in _proofs(rehearsal):
            note(proof)
        note(prove_atomic(made.parent, untouched=_fingerprint(to / name) == before))
        if all(proof.holds for proof in proofs):
            install(made.parent, to / name)
    held = all(proof.holds for proof in proofs)
    report(f"released: {to / name}" if held else f"not released; {to / name} is as it was")
    return ReleaseReport(name, tuple(proofs), to / name / f"{name}.ipynb" if held else None)


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


def _proofs(rehearsal: Rehearsal) -> Iterator[Proof]:
    name, course = rehearsal.name, rehearsal.course
    answer = solved(rehearsal.released, rehearsal.source)
    for student, notebook in {"solved": answer, "blank": rehearsal.released, "colab": saved_by_colab(answer)}.items():
        stock_nbgrader.hand_in(course, name, student, notebook)
    full = stock_nbgrader.autograde(course, name, "solved")
    yield prove_solution(full)
    yield prove_blank(stock_nbgrader.autograde(course, name, "blank"))
    yield prove_wrong_answers(rehearsal)
    yield prove_nothing_leaks(rehearsal.source, rehearsal.course / "assignments" / name)
    colab = stock_nbgrader.autograde(course, name, "colab")
    differ = [key for key in full.scores if full.scores[key] != colab.scores.get(key)]
    found = f"{colab.total:g} of {colab.possible:g} points" + (
        f", but other marks for {', '.join(differ)}" if differ else ", the same as without Colab"
    )
    yield Proof("5 saved by Colab", not differ, found)


def prove_solution(marks: stock_nbgrader.Marks) -> Proof:
    """The instructor's answers get full marks, write nothing to stderr, and take at most a minute without a network."""
    noisy = [
        grade_id(cell) or "an unmarked cell"
        for cell in marks.notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    network = (
        "network off (bubblewrap)"
        if stock_nbgrader.network_cage()
        else "network not cut off: bubblewrap does not run here; COURSE_OFFLINE=1"
    )
    found = [f"{marks.total:g} of {marks.possible:g} points", f"{marks.seconds:.1f} s", network]
    found.append(f"errors or stderr in {', '.join(sorted(set(noisy)))}" if noisy else "nothing on stderr")
    return Proof("1 solution", marks.total == marks.possible > 0 and not noisy and marks.seconds <= SECONDS, ", ".join(found))


def prove_blank(marks: stock_nbgrader.Marks) -> Proof:
    """What students get scores zero as it is, and each check ends in words that say what to do."""
    faults = [f"{name} gives {score:g} points" for name, score in marks.scores.items() if score != 0]
    for cell in filter(is_test, marks.notebook.cells):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if not errors or errors[0].ename not in ("NotImplementedError", "Mistake") or not errors[0].evalue.strip():
            faults.append(f"{grade_id(cell)} ends with {errors[0].ename if errors else 'no error'}: it does not say what to do")
    return Proof(
        "2 blank",
        not faults,
        "; ".join(faults) or f"0 points, and {len([*filter(is_test, marks.notebook.cells)])} checks say what to do next",
    )


def prove_wrong_answers(rehearsal: Rehearsal) -> Proof:
    """Every listed wrong answer loses marks and is told its mistake; every other right answer keeps all of them."""
    wrong, right = load_answers(rehearsal.root / "tests" / "wrong_answers" / f"{rehearsal.name}.py")
    functions = [names_defined(cell) for cell in rehearsal.source.cells if is_solution(cell) and cell.cell_type == "code"]
    few = [min(names) for names in functions if max((len(wrong.get(name, ())) for name in names), default=0) < WRONG_ANSWERS]
    verdicts = judge_all(rehearsal.source, wrong)
    punished = [verdict for verdict in judge_all(rehearsal.source, right) if verdict.lost]
    alive = [verdict for verdict in verdicts if not verdict.killed]
    found = table(verdicts).splitlines()[-1] + f" ({(len(verdicts) - len(alive)) / len(verdicts):.0%})"
    found += f"; {sum(map(len, right.values())) - len(punished)} other right answers keep all marks"
    found += "".join(f"\n  survives: {one.function} · {one.answer} (−{one.lost:g} points) {one.message}" for one in alive)
    found += "".join(f"\n  right, and loses {one.lost:g} points: {one.function} · {one.answer}: {one.message}" for one in punished)
    found += "".join(f"\n  fewer than {WRONG_ANSWERS} wrong answers: {name}" for name in few)
    return Proof("3 wrong answers", not (alive or punished or few), found)


def prove_nothing_leaks(source: NotebookNode, released: Path) -> Proof:
    """No line of a solution, a model answer or a hidden test stands in any file that students get."""
    secrets = secret_lines(source)
    given: set[str] = set()
    for file in filter(Path.is_file, released.rglob("*")):
        texts = (
            _strings(nbformat.read(file, as_version=4)) if file.suffix == ".ipynb" else [file.read_text(encoding="utf-8", errors="replace")]
        )
        given |= {line.strip() for text in texts for line in text.splitlines()}
    leaks = [f"{place}: {line}" for line, place in secrets.items() if line in given]
    return Proof(
        "4 nothing given away",
        not leaks,
        "\n  ".join(["these lines are in the release", *leaks]) if leaks else f"none of {len(secrets)} secret lines",
    )


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


def _strings(value: object) -> Iterator[str]:
    """Every text anywhere in a notebook: sources, outputs, metadata."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
