"""Runs one test cell of the instructor's here, where no student's code runs, and says what it gives and what the student may be told.

verdict = judge_cell(cell.source, names={"torch": torch, **link.names("encode")}, points=2.0)
verdict.score, verdict.words
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.grading.records import Outcome


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


def judge_cell(source: str, *, names: Mapping[str, Any], points: float) -> Verdict:
    """Runs a test cell.

    Args:
        source: the instructor's source, visible and hidden parts.
        names: what the cell may use: the names of the instructor's own cells, and stand-ins for the student's.
        points: what the cell is worth.

    Returns:
        All points if it runs through, none if it raises; where its last line is a number, that many.
    """
    raise NotImplementedError
