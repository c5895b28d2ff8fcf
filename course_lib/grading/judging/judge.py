"""Runs one test cell of the instructor's here, where no student's code runs, and says what it gives and what the student may be told.

    verdict = judge_cell(cell.source, names={"torch": torch, **link.names("encode")}, points=2.0, link=link)
    verdict.score, verdict.words

A cell that runs through gives all points, one that raises gives none, and one whose last line is a number gives that many.
"""

import ast
import functools
import hashlib
import math
import numbers
import random
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

import numpy as np
import torch

from course_lib.grading.judging.feedback_words import words_of
from course_lib.grading.judging.proxies import Link
from course_lib.grading.notebooks.markers import HIDDEN
from course_lib.grading.notebooks.namespaces import python_of
from course_lib.grading.records import Outcome
from course_lib.grading.sandbox.student_errors import Forged, Gone, StudentError, TimedOut, Unanswered

_FILE = "<the test cell>"
_LONGEST = 4000  # characters of a message


@dataclass(frozen=True)
class Verdict:
    """What a test cell said.

    Attributes:
        score: the points that it gives.
        outcome: how it ended.
        message: the error that it ended with, for the instructor; it may hold private inputs and a student's own words.
        words: the author's own words from the line that failed, literals alone: safe to show to the student.
        hidden: whether the line that failed is a hidden test.
        seconds: how long it took.
        remarks: what a person should know.
    """

    score: float
    outcome: Outcome
    message: str = ""
    words: str = ""
    hidden: bool = False
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()


def judge_cell(source: str, *, names: Mapping[str, Any], points: float, link: Link | None = None) -> Verdict:
    """Runs a test cell.

    The global random generators are seeded by the cell's text, so that a mark is the same whenever it is given.

    Args:
        source: the instructor's source, visible and hidden parts.
        names: what the cell may use: the names of the instructor's own cells, and stand-ins for the student's.
        points: what the cell is worth.
        link: the conversation with the student's process, if there is one.

    Returns:
        The verdict; never more than the points, never less than none.

    Raises:
        KeyboardInterrupt: if the instructor stops the run.
    """
    started = time.monotonic()
    if link is not None:
        link.hidden = functools.partial(_runs_hidden, _hidden_lines(source))
    seed(source)
    try:
        last = _run(python_of(source), dict(names))
        verdict = credit(last, points)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a test ends in any way that it likes: pytest's failures are no Exceptions
        verdict = _failed(source, error)
    if link is not None and link.failure is not None:  # a test may have caught it, or gone on after it
        verdict = unanswered(link.failure, hidden=_is_hidden(source, _lines(link.failure.__traceback__)))
    return replace(verdict, seconds=time.monotonic() - started)


def credit(value: Any, points: float) -> Verdict:
    """Returns the verdict of a cell that ran through, by the value of its last line: partial credit if that is a number."""
    if isinstance(value, torch.Tensor | np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, numbers.Number):
        return Verdict(points, Outcome.RIGHT)
    if isinstance(value, bool | complex) or not math.isfinite(value):
        return Verdict(0.0, Outcome.WRONG, remarks=(f"the cell's last line is {_called(value)}, which is no number of points",))
    score = min(max(float(value), 0.0), points)
    return Verdict(score, Outcome.RIGHT if score == points else Outcome.PART if score else Outcome.WRONG)


def _called(value: numbers.Number) -> str:
    """What a number is that is no number of points, without its digits: a student may have chosen them."""
    return type(value).__name__ if isinstance(value, bool | complex) else "nan" if math.isnan(value) else "infinite"


def unanswered(failure: Unanswered, *, hidden: bool = False) -> Verdict:
    """Returns the verdict of a cell whose calls were not answered; a process that forges is something that a person should know of."""
    outcome = {TimedOut: Outcome.TIMED_OUT, Gone: Outcome.CRASHED}.get(type(failure), Outcome.WRONG)
    remarks = (str(failure),) if isinstance(failure, Forged) else ()
    return Verdict(0.0, outcome, message=str(failure)[:_LONGEST], hidden=hidden, remarks=remarks)


def seed(text: str) -> None:
    """Seeds the global random generators by a text."""
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4], "little")
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002
    torch.manual_seed(number)


def _run(code: str, scope: dict[str, Any]) -> Any:
    """Runs code; returns the value of its last line if that is an expression, and is not silenced by a semicolon."""
    tree = ast.parse(code, _FILE)
    shown = bool(tree.body) and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";")
    last = tree.body.pop() if shown else None
    exec(compile(tree, _FILE, "exec"), scope)
    return eval(compile(ast.Expression(last.value), _FILE, "eval"), scope) if last else None


def _failed(source: str, error: BaseException) -> Verdict:
    """The verdict of a cell that raised."""
    if isinstance(error, Unanswered):
        return unanswered(error, hidden=_is_hidden(source, _lines(error.__traceback__)))
    lines = _lines(error.__traceback__)
    try:
        text = str(error)
    except Exception as second:  # a whole number may be too long to be written down
        text = f"(its text cannot be written: {type(second).__name__})"
    return Verdict(
        0.0,
        Outcome.WRONG,
        message=f"{type(error).__name__}: {text}"[:_LONGEST].rstrip(": "),
        words=words_of(python_of(source), lines, text) or (error.words if isinstance(error, StudentError) else ""),
        hidden=_is_hidden(source, lines),
    )


def _lines(trace: TracebackType | None) -> list[int]:
    """The lines of the test cell on the way to an error, the last one first."""
    return [line for frame, line in traceback.walk_tb(trace) if frame.f_code.co_filename == _FILE][::-1]


def _is_hidden(source: str, lines: list[int]) -> bool:
    """Whether any of these lines stands between the markers of hidden tests."""
    return not _hidden_lines(source).isdisjoint(lines)


def _hidden_lines(source: str) -> set[int]:
    """The lines between the markers of hidden tests."""
    hidden, inside = set(), False
    begin, end = (marker.lstrip("# ") for marker in HIDDEN)
    for number, line in enumerate(source.split("\n"), 1):
        inside = (inside or begin in line) and end not in line
        if inside:
            hidden.add(number)
    return hidden


def _runs_hidden(hidden: set[int]) -> bool:
    """Whether a hidden line of the test cell is being run now."""
    return any(line in hidden for frame, line in traceback.walk_stack(sys._getframe()) if frame.f_code.co_filename == _FILE)
