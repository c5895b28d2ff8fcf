"""The proofs that stand between an instructor's notebook and its release.

Solved, it gives every point; blank, none; wrong answers are told apart and told why; nothing is given away; Colab may save it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from nbformat import NotebookNode

from course_lib.grading.authoring import stock_nbgrader
from course_lib.grading.authoring.forgeries import Forged, read_again, unpunished
from course_lib.grading.authoring.submissions import saved_by_colab, solved
from course_lib.grading.authoring.wrong_answers import Answers, judge_all, table
from course_lib.grading.notebooks.cells import grade_id, is_solution, is_test
from course_lib.grading.notebooks.markers import secret_lines
from course_lib.grading.notebooks.namespaces import names_bound

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
class Rehearsal:
    """A problem set in a course folder that is thrown away afterwards."""

    name: str
    course: Path
    source: NotebookNode
    released: NotebookNode
    wrong: Answers
    right: Answers
    forged: Forged


def proofs(rehearsal: Rehearsal) -> Iterator[Proof]:
    """Yields each proof as soon as it is done."""
    name, course = rehearsal.name, rehearsal.course
    answer = solved(rehearsal.released, rehearsal.source)
    for student, notebook in {"solved": answer, "blank": rehearsal.released, "colab": saved_by_colab(answer)}.items():
        stock_nbgrader.hand_in(course, name, student, notebook)
    full = stock_nbgrader.autograde(course, name, "solved")
    yield prove_solution(full)
    yield prove_blank(stock_nbgrader.autograde(course, name, "blank"))
    yield prove_wrong_answers(rehearsal.source, rehearsal.wrong, rehearsal.right, rehearsal.forged)
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
    busy = psutil.getloadavg()[0] > (os.cpu_count() or 1)  # a busy machine is not the notebook's fault: count its CPU time then
    seconds, clock = (marks.cpu_seconds, "s of CPU time (this machine is busy)") if busy else (marks.seconds, "s")
    found = [f"{marks.total:g} of {marks.possible:g} points", f"{seconds:.1f} {clock}", network]
    found.append(f"errors or stderr in {', '.join(sorted(set(noisy)))}" if noisy else "nothing on stderr")
    return Proof("1 solution", marks.total == marks.possible > 0 and not noisy and seconds <= SECONDS, ", ".join(found))


def prove_blank(marks: stock_nbgrader.Marks) -> Proof:
    """What students get scores zero as it is, and each check ends in words that say what to do."""
    faults = [
        f"{name} gives {'work to a person' if score is None else f'{score:g} points'}" for name, score in marks.scores.items() if score != 0
    ]
    for cell in filter(is_test, marks.notebook.cells):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if not errors or errors[0].ename not in ("NotImplementedError", "Mistake") or not errors[0].evalue.strip():
            faults.append(f"{grade_id(cell)} ends with {errors[0].ename if errors else 'no error'}: it does not say what to do")
    return Proof(
        "2 blank",
        not faults,
        "; ".join(faults) or f"0 points, and {len([*filter(is_test, marks.notebook.cells)])} checks say what to do next",
    )


def prove_wrong_answers(source: NotebookNode, wrong: Answers, right: Answers, forged: Forged | None = None) -> Proof:
    """Every listed wrong answer loses marks and is told its mistake; every other right answer keeps all of them; no mark can be forged."""
    functions = [names_bound(cell.source) for cell in source.cells if is_solution(cell) and cell.cell_type == "code"]
    few = [min(names) for names in functions if max((len(wrong.get(name, ())) for name in names), default=0) < WRONG_ANSWERS]
    verdicts = judge_all(source, wrong)
    punished = [verdict for verdict in judge_all(source, right) if verdict.lost]
    alive = [verdict for verdict in verdicts if not verdict.killed]
    accepted, again = unpunished(source, forged or {}), read_again(source)
    found = table(verdicts).splitlines()[-1] + f" ({(len(verdicts) - len(alive)) / len(verdicts):.0%})"
    found += f"; {sum(map(len, right.values())) - len(punished)} other right answers keep all marks"
    found += f"; {sum(map(len, (forged or {}).values())) - len(accepted)} forgeries refused"
    found += "".join(f"\n  survives: {one.function} · {one.answer} (−{one.lost:g} points) {one.message}" for one in alive)
    found += "".join(f"\n  right, and loses {one.lost:g} points: {one.function} · {one.answer}: {one.message}" for one in punished)
    found += "".join(f"\n  fewer than {WRONG_ANSWERS} wrong answers: {name}" for name in few)
    found += "".join(f"\n  earns full marks: {one}" for one in accepted)
    found += "".join(f"\n  a hidden line reads what it has passed to a student's function, who may have changed it: {one}" for one in again)
    return Proof("3 wrong answers", not (alive or punished or few or accepted or again), found)


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
