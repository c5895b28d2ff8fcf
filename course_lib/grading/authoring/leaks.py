"""A folder searched for what no student may see: solutions, model answers, hidden tests, markers, the instructor's own files.

leaks = find_leaks(folder, secrets(course))
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course_lib.grading.notebooks.cells import grade_id, is_solution
from course_lib.grading.notebooks.markers import HIDDEN, SOLUTION, regions, secret_lines
from course_lib.lecture_runner import read

_INSTRUCTORS = {"solutions", "tests", "grading", "wrong_answers", "gradebook.db", "submitted", "autograded", "feedback"}
_MARKERS = [re.escape(marker.lstrip("# ")) for marker in (*SOLUTION, *HIDDEN)] + [r"(?:BEGIN|END) MARK SCHEME"]
_MARKER = re.compile("|".join(_MARKERS), re.IGNORECASE)


@dataclass(frozen=True)
class Secret:
    """Lines that belong together and that no student may see."""

    place: str
    lines: tuple[str, ...]
    test: bool = False


def secrets(root: Path) -> list[Secret]:
    """Returns, from every solution notebook, what must not be given away: each solution, model answer and hidden test."""
    return [
        secret for path in sorted(root.glob("solutions/*/*.ipynb")) for cell in read(path).cells for secret in _secrets(cell, path.stem)
    ]


def _secrets(cell: NotebookNode, name: str) -> Iterator[Secret]:
    tests = [*regions(cell.source, HIDDEN)] if cell.cell_type == "code" else []
    answers = [*regions(cell.source, SOLUTION)] if cell.cell_type == "code" else [cell.source] * is_solution(cell)
    worth_hiding = secret_lines(NotebookNode(cells=[cell]))
    for text, test in [(text, True) for text in tests] + [(text, False) for text in answers]:
        if lines := tuple(line for line in _lines(text) if line in worth_hiding):
            yield Secret(f"{name}, {grade_id(cell) or 'an unmarked cell'}", lines, test)


def find_leaks(folder: Path, hidden: list[Secret], *, theirs: Collection[Path] = ()) -> list[str]:
    """Returns a line for each place where a folder gives something away; none, where it is sound.

    Args:
        folder: what students are to get.
        hidden: what they must not.
        theirs: paths in it that are the students' although they lie where the instructor's tools do.

    A line of a hidden test, a marker, a link and a file of the instructor's are leaks anywhere. A line of a solution is one in ``assignments``;
    lectures and library may hold the line that a problem set asks for, but not a whole solution of several lines.
    """
    leaks = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            leaks.append(f"{name} is a link or a special file")
        elif name not in theirs and set(name.parts) & _INSTRUCTORS:
            leaks.append(f"{name} is the instructor's")
        elif path.is_file():
            leaks += [f"{name}: {what}" for what in _given_away(_text(path), hidden, strictly=name.parts[0] == "assignments")]
    return leaks


def _given_away(text: str, hidden: list[Secret], *, strictly: bool) -> list[str]:
    told = [f"the marker {match[0]!r}" for match in _MARKER.finditer(text)]
    lines = [*_lines(text)]
    for secret in hidden:
        seen = [line for line in lines if line in secret.lines]
        strict, whole = strictly or secret.test, len(secret.lines) > 1 and _holds(seen, secret.lines)
        if seen and (strict or whole):
            told.append(f"{seen[0]!r} ({secret.place})")
    return told


def _holds(lines: list[str], wanted: tuple[str, ...]) -> bool:
    """Whether the wanted lines stand in the list one after the other."""
    return any(tuple(lines[i : i + len(wanted)]) == wanted for i in range(len(lines)))


def _text(path: Path) -> str:
    """What a file says: of a notebook every text in it, source, output and metadata, without JSON's escapes."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return "\n".join(_strings(json.loads(text))) if path.suffix in (".ipynb", ".json") else text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            yield "".join(value)
        else:
            for item in value:
                yield from _strings(item)


def _lines(text: str) -> Iterator[str]:
    return (stripped for line in text.splitlines() if (stripped := line.strip()))
