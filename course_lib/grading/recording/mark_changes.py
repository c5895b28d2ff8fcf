"""Whose marks a run has changed, told from the gradebook before and after it, a person's marks and lateness included; kept in ``changes.csv``.

before = remembered(folder, standings)    # ahead of the marks, and still there if the run is killed
changed = changes(before, standings)
kept(folder, changed)
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from course_lib.grading.notebooks.reading import count
from course_lib.grading.recording.marks import Standing
from course_lib.grading.tables import read_table, write_table

_HEADER = ["when", "student", "notebook", "question", "before", "after"]
_FIRST, _LATE = "score", "late penalty"  # what is no question
_SHOWN = 20  # changes that are printed


@dataclass(frozen=True)
class Change:
    """A mark that is not what it was.

    Attributes:
        student: the student's id.
        notebook: the notebook's name; empty for what concerns the whole assignment.
        question: the grade id, ``late penalty``, or ``score`` for somebody who had no marks before.
        before: the points that stood there, None for none.
        after: the points that stand there now, None for none.
    """

    student: str
    notebook: str
    question: str
    before: float | None
    after: float | None

    def __str__(self) -> str:
        where = " ".join(part for part in (self.notebook, self.question) if part)
        return f"{self.student}: {where}: {_points(self.before) or 'no mark'} → {_points(self.after) or 'no mark'}"


def changes(before: Mapping[str, Standing], after: Mapping[str, Standing]) -> list[Change]:
    """Returns whose marks changed, student by student, question by question; none where nobody had any, that is by a first grading.

    Args:
        before: how students stood.
        after: how they stand.
    """
    found: list[Change] = []
    for student in sorted(after) if before else ():
        was, now = before.get(student), after[student]
        if was is None:
            found.append(Change(student, "", _FIRST, None, _total(now)))
            continue
        at = sorted({*was.scores, *now.scores})
        found += [Change(student, *where, was.scores.get(where), now.scores.get(where)) for where in at]
        found.append(Change(student, "", _LATE, was.penalty, now.penalty))
    return [change for change in found if _points(change.before) != _points(change.after)]


def remembered(folder: Path, standings: Mapping[str, Standing]) -> dict[str, Standing]:
    """Returns how students stood before the run: what an earlier run that was killed left behind, else what is given, which is kept.

    Args:
        folder: the run's folder.
        standings: how students stand now.
    """
    file = folder / ".before.json"
    if not file.is_file():
        plain = {name: [[[*at, points] for at, points in each.scores.items()], each.penalty] for name, each in standings.items()}
        part = file.with_suffix(".part")
        part.write_text(json.dumps({"when": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f} UTC", "standings": plain}), encoding="utf-8")
        os.replace(part, file)
    found = json.loads(file.read_text(encoding="utf-8"))["standings"]
    return {
        name: Standing({(notebook, cell): points for notebook, cell, points in scores}, penalty)
        for name, (scores, penalty) in found.items()
    }


def kept(folder: Path, changed: Sequence[Change]) -> Path:
    """Adds a run's changes to ``changes.csv``, and forgets how students stood before it. Said twice for one run, they stand there once."""
    file, before = folder / "changes.csv", folder / ".before.json"
    when = json.loads(before.read_text(encoding="utf-8"))["when"]
    earlier = [line for line in read_table(file)[1:] if line[0] != when]
    new = [[when, each.student, each.notebook, each.question, _points(each.before), _points(each.after)] for each in changed]
    if new:
        write_table(file, [_HEADER, *earlier, *new])
    before.unlink()
    return file


def told(changed: Sequence[Change], file: Path) -> list[str]:
    """Returns what is said of changes: the first of them a line each, and how many students' marks changed by how much in all."""
    others = [change for change in changed if change.question != _FIRST]
    lines = [str(change) for change in others[:_SHOWN]]
    if len(others) > _SHOWN:
        lines.append(f"… and {len(others) - _SHOWN} more")
    if others:
        points = sum((-1 if each.question == _LATE else 1) * ((each.after or 0.0) - (each.before or 0.0)) for each in others)
        students = len({change.student for change in others})
        lines.append(f"the marks of {count(students, 'student')} changed, {points:+.6g} points in all: {file}")
    if new := len(changed) - len(others):
        lines.append(f"{count(new, 'student')} {'has' if new == 1 else 'have'} marks for the first time: {file}")
    return lines


def _total(standing: Standing) -> float:
    return max(0.0, sum(points or 0.0 for points in standing.scores.values()) - standing.penalty)


def _points(points: float | None) -> str:
    return "" if points is None else f"{points:.6f}".rstrip("0").rstrip(".")
