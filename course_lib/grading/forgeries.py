"""Marks without an answer: what a student can get from a test by writing into its inputs, or by answers that agree only with each other.

A student's function holds the very tensors that a test passes. What it writes into them in place, the test sees; and a right value that
the test makes from them afterwards is then the student's. A hidden test that compares one answer of a student with another may be
content with constants.

    read_again(notebook)                                       # ["test_mean: Mistake: The mean is 3, but 7 is right"]
    unpunished(notebook, {"test_decode": {"zeros": {"encode": torch.zeros_like, "decode": torch.zeros_like}}})
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from nbformat import NotebookNode
from torch import Tensor

from course_lib.grading.cells import grade_id, is_solution, is_test
from course_lib.grading.markers import HIDDEN
from course_lib.grading.namespaces import names_bound
from course_lib.grading.wrong_answers import answers_module, cell_failure, solved_names

Forged = Mapping[str, Mapping[str, Mapping[str, Callable[..., Any]]]]


def load_forged(file: Path) -> Forged:
    """Returns the forgeries that a problem set must refuse, ``FORGED`` of its file of wrong answers; none if there are none."""
    return getattr(answers_module(file), "FORGED", {})


def unpunished(notebook: NotebookNode, forged: Forged) -> list[str]:
    """Returns the forgeries that a test accepts.

    Args:
        notebook: the instructor's notebook.
        forged: for each test cell, by its grade id, forgeries: all the functions that a dishonest student hands in together.

    Raises:
        ValueError: if there is no such test cell, or no such function.
    """
    names, tests = solved_names(notebook), {grade_id(cell): cell for cell in notebook.cells if is_test(cell)}
    accepted = []
    for test, how, functions in ((test, how, functions) for test, listed in forged.items() for how, functions in listed.items()):
        strange = {test} - set(tests) or set(functions) - set(names)
        if strange:
            raise ValueError(f"a forgery must name a test cell and functions of the notebook, got {', '.join(sorted(strange))}")
        if cell_failure(tests[test].source, tests[test], {**names, **functions}) is None:
            accepted.append(f"{test} · {how}")
    return accepted


def read_again(notebook: NotebookNode) -> list[str]:
    """Returns the tests whose hidden lines read what they have passed to a student's function, each with what then fails.

    Every function gives the right answer, and then scrambles the tensors, arrays, lists and dictionaries that a hidden line passed to it. A
    test that made its right value before, or passed copies, sees no difference. What the solution itself changes is left as the solution leaves it.
    """
    names = solved_names(notebook)
    students = {name for cell in notebook.cells if is_solution(cell) and cell.cell_type == "code" for name in names_bound(cell.source)}
    found = []
    for cell in filter(is_test, notebook.cells):
        hidden = _hidden_lines(cell.source)
        scrambling = {name: _scrambling(names[name], grade_id(cell), hidden) for name in students if callable(names.get(name))}
        failure = cell_failure(cell.source, cell, {**names, **scrambling})
        if failure is not None:
            found.append(f"{grade_id(cell)}: {type(failure).__name__}: {failure}")
    return found


def _hidden_lines(source: str) -> set[int]:
    begin, end = (marker.lstrip("# ") for marker in HIDDEN)
    hidden, inside = set(), False
    for number, line in enumerate(source.splitlines(), 1):
        inside = (inside or begin in line) and end not in line
        hidden |= {number} if inside else set()
    return hidden


def _scrambling(solution: Callable[..., Any], cell: str, hidden: set[int]) -> Callable[..., Any]:
    """A right answer, after which nothing that a hidden line passed is what it was."""

    def answer(*arguments: Any, **named: Any) -> Any:
        if not any(line in hidden for line in _lines(sys._getframe(1), cell)):
            return solution(*arguments, **named)
        held = [*arguments, *named.values()]
        copies = [_copy(one) for one in held]
        result = solution(*copies[: len(arguments)], **dict(zip(named, copies[len(arguments) :], strict=True)))
        for place, values in list(_written(held, copies)):  # first all of them: the same tensor may have been passed twice
            _write(place, values)
        return result

    return answer


def _lines(frame: FrameType | None, cell: str) -> Iterator[int]:
    while frame is not None:
        if frame.f_code.co_filename == cell:
            yield frame.f_lineno
        frame = frame.f_back


def _copy(value: Any) -> Any:
    """The same values in other memory; gradients still flow to where they came from."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    return type(value)(map(_copy, value)) if type(value) in (list, tuple) else value


def _written(value: Any, copy: Any) -> Iterator[tuple[Any, Any]]:
    """Yields all that can be written into, innermost first, each with other values; with the solution's own where it has changed its copy."""
    if isinstance(value, Tensor):
        yield value.data, _others(value.data) if torch.equal(value, copy) else copy.detach()
    elif isinstance(value, np.ndarray):
        yield value, _others(value) if np.array_equal(value, copy) else copy
    elif isinstance(value, dict):
        for key in value.keys() & copy.keys():
            yield from _written(value[key], copy[key])
        yield value, {} if len(value) == len(copy) else copy
    elif isinstance(value, list | tuple):
        for one, other in zip(value, copy, strict=False):
            yield from _written(one, other)
        if isinstance(value, list):
            yield value, [] if len(value) == len(copy) else copy


def _others(values: Any) -> Any:
    return ~values if values.dtype in (bool, torch.bool) else 7 - 3 * values


def _write(place: Any, values: Any) -> None:
    if isinstance(place, dict):
        place.clear()
        place.update(values)
    else:
        place[... if isinstance(place, Tensor | np.ndarray) else slice(None)] = values
