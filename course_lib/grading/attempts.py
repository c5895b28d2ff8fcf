"""Which of the files that a student handed in is the notebook, told by what is in it: lines of the release and nbgrader's grade ids.

Of several the newest attempt counts; one that is still as it was given out never counts before one that somebody has worked in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from course_lib.grading.archives import Entry, Unusable
from course_lib.grading.cells import grade_id
from course_lib.grading.reading import Cell, Unreadable, read_notebook
from course_lib.grading.repair import repair
from course_lib.grading.shapes import stem_of

_ALIKE = 0.3  # share of the release's lines
_HARDLY = 0.12  # where the ids are the same too: two problem sets of one course share up to 0.07, its answers alone have 0.17 and more
_NOTEBOOKS = (".ipynb", ".json", ".txt", "")  # endings under which browsers and mail programs save one


@dataclass(frozen=True)
class Attempt:
    """A file that may be the notebook that is looked for.

    Attributes:
        entry: the file.
        upload: a number that is greater for a later upload, where the learning system gives one.
        data: its bytes.
        notebook: the notebook that it is, by its content or else by its name; empty for a notebook of something else.
        kinship: how much of the release is in it; 0 if only its name tells.
    """

    entry: Entry
    upload: int
    data: bytes
    notebook: str
    kinship: float

    @property
    def newness(self) -> tuple[int, float, int, str]:
        """Sorts attempts by upload, by the minute of their last change, by the number that a browser gives to copies."""
        minute = self.entry.modified.timestamp() // 60 if self.entry.modified else 0.0
        return self.upload, minute, len(self.entry.parts[-1]), self.entry.name


def attempt_of(entry: Entry, upload: int, released: Mapping[str, NotebookNode], remarks: list[str]) -> Attempt | None:
    """Returns a file as an attempt at one of an assignment's notebooks; None if it is no notebook and does not claim to be one.

    Args:
        entry: the file.
        upload: a number that is greater for a later upload.
        released: what students got, by the notebook's name.
        remarks: is given a sentence if the file cannot be read.
    """
    if entry.suffix not in _NOTEBOOKS:
        return None
    try:
        data = entry.read()
    except Unusable as why:
        remarks.append(f"{entry.kind.capitalize()} {why}.")
        return None
    named = _named(entry, list(released))
    try:
        cells = read_notebook(data).cells
    except Unreadable as why:
        if entry.suffix != ".ipynb":
            return None
        guess = named or (next(iter(released)) if len(released) == 1 else "")
        if not guess:
            remarks.append(f"{entry.kind.capitalize()} {why}.")
        return Attempt(entry, upload, data, guess, 0.0) if guess else None
    shares = {name: kinship(cells, one) for name, one in released.items()}
    likest = max(shares, key=lambda name: shares[name])
    if not shares[likest]:
        likest = named or _answered(cells, data, released)
    return Attempt(entry, upload, data, likest, shares.get(likest, 0.0))


def newest(attempts: Sequence[Attempt], released: NotebookNode, remarks: list[str]) -> Attempt | None:
    """Returns the attempt that counts: the newest, of those in which somebody has worked if there are any, of those that can be read.

    Args:
        attempts: all that a student handed in for one notebook.
        released: what students got.
        remarks: is given a sentence if there was a choice.
    """
    if len(attempts) < 2:
        return attempts[0] if attempts else None
    attempts = sorted(attempts, key=lambda attempt: attempt.newness)
    worked = [one for one in attempts if one.kinship and repair(one.data, released=released, source=released).attempted]
    chosen = (worked or [one for one in attempts if one.kinship] or attempts)[-1]
    if len({one.data for one in attempts}) > 1:
        remarks.append(f"{len(attempts)} attempts were handed in; the newest that was worked in counts.")
    return chosen


def kinship(cells: Sequence[Cell], released: NotebookNode) -> float:
    """Returns how much of a release is found in a notebook, from 0 to 2: the shares of its lines and of its grade ids; 0 if it is another notebook.

    Lines tell more: other assignments of a course may use the same grade ids.
    """
    mine, theirs = (_telling(cell.source for cell in some) for some in (cells, released.cells))
    ids, own = {cell.grade_id for cell in cells} - {""}, {grade_id(cell) for cell in released.cells} - {""}
    lines = len(mine & theirs) / max(1, min(len(mine), len(theirs)))
    share = len(ids & own) / max(1, min(len(ids), len(own)))
    return lines + share if lines >= _ALIKE or (share > 0.5 and lines >= _HARDLY) else 0.0


def _telling(sources: Iterable[str]) -> set[str]:
    """Lines long enough to belong to one assignment and no other."""
    return {line.strip() for source in sources for line in source.split("\n") if len(line.strip()) >= 12}


def _answered(cells: Sequence[Cell], data: bytes, released: Mapping[str, NotebookNode]) -> str:
    """The notebook whose answers somebody has written into a notebook of their own."""
    if any(cell.grade_id for cell in cells):
        return ""
    return next((name for name, one in released.items() if repair(data, released=one, source=one).attempted), "")


def _named(entry: Entry, notebooks: Sequence[str]) -> str:
    stem = stem_of(entry.parts[-1]).lower()
    return next((name for name in sorted(notebooks, key=len, reverse=True) if name.lower() in stem), "")
