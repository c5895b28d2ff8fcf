"""Which answers look alike: fingerprints of code that survive new names, new comments and another order, with the skeleton taken away."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """Two students whose answers look alike; for a person to read side by side, and never a mark.

    Attributes:
        first: a student's id.
        second: the other's, later in order.
        score: how much of the shorter of the two is found in the other, 0 to 1, over the questions below.
        alike: the same for each answer that looks alike, by grade id.
        length: how many fingerprints the two share; the more, the less is chance.
    """

    first: str
    second: str
    score: float
    alike: Mapping[str, float]
    length: int


def pairs(answers: Mapping[str, Mapping[str, str]], skeleton: Mapping[str, str]) -> list[Pair]:
    """Returns the pairs of students whose answers look alike, the most alike first.

    Args:
        answers: source of each answer, by student and grade id.
        skeleton: what students were given in each of these cells, by grade id.
    """
    raise NotImplementedError
