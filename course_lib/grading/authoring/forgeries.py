"""Marks without an answer: what a student can get from a test by writing into its inputs, or by answers that agree only with each other.

A student's function holds the very tensors that a test passes. What it writes into them in place, the test sees; and a right value that
the test makes from them afterwards is then the student's. A hidden test that compares one answer of a student with another may be
content with constants.

    read_again(notebook)                                       # ["test_mean: Mistake: The mean is 3, but 7 is right"]
    unpunished(notebook, {"test_decode": {"zeros": {"encode": torch.zeros_like, "decode": torch.zeros_like}}})
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from nbformat import NotebookNode
from torch import Tensor

from course_lib.grading.authoring.wrong_answers import answers_module, cell_failure, solved_names
from course_lib.grading.notebooks.cells import grade_id, is_solution, is_test
from course_lib.grading.notebooks.markers import HIDDEN
from course_lib.grading.notebooks.namespaces import names_bound

Forged = Mapping[str, Mapping[str, Mapping[str, Callable[..., Any]]]]
_SCRAMBLE = "scramble_what_was_shown"


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
    """Returns the tests whose hidden lines read what has been passed to a student's function, each with what then fails.

    Every function gives the right answer. Then the tensors, arrays, lists and dictionaries that it was passed are scrambled: at once where a
    hidden line passed them, and those of the visible lines when the first hidden one is reached. A test that made its right value before, or
    passed copies, sees no difference. What the solution itself changes is left as the solution leaves it. A test that the solution fails
    without any of this tells nothing here.
    """
    names = solved_names(notebook)
    students = {name for cell in notebook.cells if is_solution(cell) and cell.cell_type == "code" for name in names_bound(cell.source)}
    found = []
    for cell in filter(is_test, notebook.cells):
        shown: list[tuple[Any, Any]] = []
        hidden = _hidden_lines(cell.source)
        scrambling = {name: _scrambling(names[name], grade_id(cell), hidden, shown) for name in students if callable(names.get(name))}
        source = re.sub(rf"^(\s*).*{HIDDEN[0].lstrip('# ')}.*$", rf"\1{_SCRAMBLE}()", cell.source, flags=re.MULTILINE)
        failure = cell_failure(source, cell, {**names, **scrambling, _SCRAMBLE: partial(_write, shown)})
        if failure is not None and cell_failure(cell.source, cell, names) is None:
            found.append(f"{grade_id(cell)}: {type(failure).__name__}: {failure}")
    return found


def _hidden_lines(source: str) -> set[int]:
    begin, end = (marker.lstrip("# ") for marker in HIDDEN)
    hidden, inside = set(), False
    for number, line in enumerate(source.splitlines(), 1):
        inside = (inside or begin in line) and end not in line
        hidden |= {number} if inside else set()
    return hidden


def _scrambling(solution: Callable[..., Any], cell: str, hidden: set[int], shown: list[tuple[Any, Any]]) -> Callable[..., Any]:
    """A right answer, after which nothing that a hidden line passed is what it was; what a visible one passed is entered into ``shown``."""

    def answer(*arguments: Any, **named: Any) -> Any:
        held = [*arguments, *named.values()]
        copies = [_copy(one) for one in held]
        result = solution(*copies[: len(arguments)], **dict(zip(named, copies[len(arguments) :], strict=True)))
        places = [
            found for one, copy in zip(held, copies, strict=True) for found in _places(one, copy)
        ]  # first all: one may have been passed twice
        at_once = any(line in hidden for line in _lines(sys._getframe(1), cell))
        _write((place, values) for left, place, values in places if at_once or not left)
        shown.extend((place, values) for left, place, values in places if left and not at_once)
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


def _places(value: Any, copy: Any) -> Iterator[tuple[bool, Any, Any]]:
    """Yields all that can be written into, innermost first: whether the solution left its copy alone, the place, and other values, or those of the solution."""
    if isinstance(value, Tensor):
        if all(step or size < 2 for step, size in zip(value.stride(), value.shape, strict=True)):  # nobody can write into what was expanded
            left = _same(value, copy)
            yield left, value.data, _others(value.data) if left else copy.detach()
    elif isinstance(value, np.ndarray):
        if value.flags.writeable:
            left = _same(value, copy)
            yield left, value, _others(value) if left else copy
    elif isinstance(value, dict):
        for key in value.keys() & copy.keys():
            yield from _places(value[key], copy[key])
        yield len(value) == len(copy), value, {} if len(value) == len(copy) else copy
    elif isinstance(value, list | tuple):
        for one, other in zip(value, copy, strict=False):
            yield from _places(one, other)
        if isinstance(value, list):
            yield len(value) == len(copy), value, [] if len(value) == len(copy) else copy


def _same(one: Any, other: Any) -> bool:
    """Equal everywhere, and nan where the other is."""
    return one.shape == other.shape and bool(((one == other) | (one != one) & (other != other)).all())


def _others(values: Any) -> Any:
    return ~values if values.dtype in (bool, torch.bool) else 7 - 3 * values + values**2


def _write(places: Iterable[tuple[Any, Any]]) -> None:
    for place, values in places:
        if isinstance(place, dict):
            place.clear()
            place.update(values)
        else:
            place[... if isinstance(place, Tensor | np.ndarray) else slice(None)] = values
