"""Wrong answers that a problem set must tell from right ones: each takes the place of the solution, and the checks must name it.

A mutation test of the problem set itself. The cells of the instructor's notebook run in this process, in a namespace of their own, so that
a hundred wrong answers take seconds; then every test cell runs with one function exchanged.
"""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from nbformat import NotebookNode

from course_lib.grading.notebooks.cells import grade_id, imports_cell, is_solution, is_test
from course_lib.grading.notebooks.markers import visible_part
from course_lib.grading.notebooks.namespaces import names_bound, names_read

Answers = Mapping[str, Mapping[str, Callable[..., Any]]]


@dataclass(frozen=True)
class Verdict:
    """What the checks said of one answer.

    Attributes:
        function: the student's function that it replaces.
        answer: the answer, by its mistake.
        lost: points that it costs.
        points: points of the whole problem set.
        named: whether a check names the mistake.
        seen_by_student: whether it is a check that the student sees that names it.
        message: what that check says (else what the first failing check says).
    """

    function: str
    answer: str
    lost: float
    points: float
    named: bool
    seen_by_student: bool
    message: str

    @property
    def killed(self) -> bool:
        """Whether it loses marks and is told why."""
        return self.lost > 0 and self.named


def answers_module(file: Path) -> ModuleType:
    """Returns a problem set's file of answers, run.

    Raises:
        ValueError: if it is missing.
    """
    if not file.is_file():
        raise ValueError(f"a problem set is released only with wrong answers that it is proven against: {file} is missing")
    spec = importlib.util.spec_from_file_location(f"wrong_answers_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_answers(file: Path) -> tuple[Answers, Answers]:
    """Returns the wrong answers and the other right ones of a problem set, each by function and by name.

    Raises:
        ValueError: if the file is missing or lists no wrong answers.
    """
    module = answers_module(file)
    if not getattr(module, "WRONG", None):
        raise ValueError(f"{file} must define WRONG = {{function: {{mistake: answer}}}}")
    return module.WRONG, getattr(module, "RIGHT", {})


def judge(notebook: NotebookNode, function: str, answer: str, replacement: Callable[..., Any] | None = None) -> Verdict:
    """Runs all test cells of an instructor's notebook, with one function exchanged.

    Args:
        notebook: the instructor's notebook.
        function: the name that a solution cell defines.
        answer: what the verdict calls the replacement.
        replacement: the function to put in its place; the solution's own without one.

    Returns:
        The verdict over every test cell.

    Raises:
        ValueError: if no solution cell defines ``function``.
    """
    names = solved_names(notebook)
    if function not in names:
        raise ValueError(f"function must be defined in a solution cell of the notebook, got {function!r}")
    if replacement is not None:
        names[function] = replacement
    tests = [cell for cell in notebook.cells if is_test(cell)]
    failures = []  # (cell, what the student sees fail, what fails at all)
    for cell in _concerned(notebook, function):
        seen = cell_failure(visible_part(cell), cell, names)
        failures.append((cell, seen, seen or cell_failure(cell.source, cell, names)))
    lost = sum((cell.metadata.nbgrader.points for cell, _, error in failures if error is not None), start=0.0)
    seen = [error for _, error, _ in failures if getattr(error, "named", False)]
    named = [error for _, _, error in failures if getattr(error, "named", False)]
    first = next(iter(seen + named + [error for _, _, error in failures if error is not None]), None)
    return Verdict(
        function=function,
        answer=answer,
        lost=lost,
        points=sum((cell.metadata.nbgrader.points for cell in tests), start=0.0),
        named=bool(named),
        seen_by_student=bool(seen),
        message="" if first is None else f"{type(first).__name__}: {first}",
    )


def judge_all(notebook: NotebookNode, answers: Answers) -> list[Verdict]:
    """Returns the verdict of each answer, in order."""
    return [judge(notebook, function, name, answer) for function, listed in answers.items() for name, answer in listed.items()]


def table(verdicts: list[Verdict]) -> str:
    """Returns the table of kills: function, mistake, points lost, and what the check says."""
    width = max(len(f"{v.function} · {v.answer}") for v in verdicts)
    rows = [f"{'✓' if v.killed else '✗'} {f'{v.function} · {v.answer}':<{width}}  −{v.lost:<4g}{v.message}" for v in verdicts]
    killed = sum(v.killed for v in verdicts)
    seen = sum(v.seen_by_student for v in verdicts)
    return "\n".join([*rows, f"killed {killed} of {len(verdicts)} wrong answers, {seen} by a check that the student sees"])


def solved_names(notebook: NotebookNode) -> dict[str, Any]:
    """Returns what the imports and the solutions of an instructor's notebook define."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in notebook.cells:
        if imports_cell(cell) or (is_solution(cell) and cell.cell_type == "code"):
            exec(compile(cell.source, grade_id(cell), "exec"), names)
    return names


def cell_failure(source: str, cell: NotebookNode, names: Mapping[str, Any]) -> Exception | None:
    """Returns the error that a test cell ends with; any error of a student's code is a verdict, not an accident."""
    try:
        exec(compile(source, grade_id(cell), "exec"), dict(names))
    except Exception as error:
        return error
    return None


def _concerned(notebook: NotebookNode, function: str) -> list[NotebookNode]:
    """The test cells that call a function, or call another solution that calls it."""
    solutions = [cell for cell in notebook.cells if is_solution(cell) and cell.cell_type == "code"]
    reach = {function}
    for _ in solutions:
        reach |= {name for cell in solutions if names_read(cell.source) & reach for name in names_bound(cell.source)}
    return [cell for cell in notebook.cells if is_test(cell) and names_read(cell.source) & reach]
