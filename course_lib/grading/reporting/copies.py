"""Who handed in the same: whole sets of answers that are equal token for token, and prose that is equal word for word.

A solution that went round is the one likeness that the whole class shares, so it is looked for before what is usual is taken away: ten of
forty who hand in one and the same notebook are one group here, and one voice among many for ``likeness.pairs``.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from course_lib.grading.reporting.likeness import OWN, fingerprints, is_code, tokens, words

CODE = 40  # fingerprints: what stands in fewer lines, two write alike by chance
PROSE = 40  # words, or characters of Japanese


@dataclass(frozen=True)
class Copies:
    """Students who handed in the same.

    Attributes:
        students: their ids, in order.
        answers: the grade ids of what is the same.
        prose: whether it is words that are the same, and not code.
        length: how much of it there is: fingerprints of code, or words.
    """

    students: tuple[str, ...]
    answers: tuple[str, ...]
    prose: bool
    length: int


def groups(answers: Mapping[str, Mapping[str, str]], skeleton: Mapping[str, str]) -> list[Copies]:
    """Returns the groups of students who handed in the same, the largest first: code first, then prose.

    Code is the same if Python reads the same trees in all answers together, whatever the names, comments and layout, and if it is as long
    as ``CODE``; helpers in cells of their own count where the answers alone are shorter. Prose is the same that has the same words in the
    same order, at least ``PROSE`` of them. What the skeleton gave counts for nothing.

    Args:
        answers: source of each answer, by student and grade id.
        skeleton: what students were given, by grade id.

    Example:
        >>> essay = "The likelihood has no upper bound, since one component may sit on a single point of the data " * 3
        >>> [found.students for found in groups({"01": {"words": essay}, "02": {"words": essay.upper()}, "03": {"words": "No."}}, {})]
        [('01', '02')]
    """
    given = {mark for source in skeleton.values() for mark in fingerprints(tokens(source))}
    code: dict[tuple, list[str]] = defaultdict(list)
    prose: dict[tuple, list[str]] = defaultdict(list)
    for student in sorted(answers):
        weighed = []
        for task, source in answers[student].items():
            if not is_code(source):
                if len(said := words(source)) >= PROSE and said != words(skeleton.get(task, "")):
                    prose[(task,), len(said), tuple(said)].append(student)
            elif weight := len(fingerprints(said := tokens(source)) - given):
                weighed.append((task, weight, tuple(said)))
        alone = [one for one in weighed if one[0] != OWN]
        counted = alone if sum(weight for _, weight, _ in alone) >= CODE else weighed
        if (length := sum(weight for _, weight, _ in counted)) >= CODE:
            code[tuple(task for task, _, _ in counted), length, tuple(said for _, _, said in counted)].append(student)
    found = [
        Copies(tuple(students), tasks, kind is prose, length)
        for kind in (code, prose)
        for (tasks, length, _), students in kind.items()
        if len(students) > 1
    ]
    return sorted(found, key=lambda one: (one.prose, -len(one.students), one.students))


def voices(students: Iterable[str], found: Iterable[Copies]) -> list[str]:
    """Returns the students of whom each speaks for a group that handed in the same code, and all others."""
    echoes = {student for one in found if not one.prose for student in one.students[1:]}
    return [student for student in students if student not in echoes]
