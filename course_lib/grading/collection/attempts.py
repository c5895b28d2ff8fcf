"""Which of the files that a student handed in is the notebook, told by what is in it: lines of the release and nbgrader's grade ids.

Of several the newest attempt counts; one that is still as it was given out never counts before one that somebody has worked in. Where nothing
tells which is the newest, as in an export of Moodle's, the one with the most answers counts, and its mark waits for a person.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from course_lib.grading.collection.archives import Entry, Unusable
from course_lib.grading.collection.shapes import stem_of
from course_lib.grading.notebooks.kinship import kinship
from course_lib.grading.notebooks.reading import Cell, Unreadable, read_notebook
from course_lib.grading.repairing.repair import repair

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
        unsure: whether nothing tells that it is newer than another.
    """

    entry: Entry
    upload: int
    data: bytes
    notebook: str
    kinship: float
    unsure: bool = False

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

    Where nothing tells which is the newest, it is the one with the most answers, and ``unsure``.

    Args:
        attempts: all that a student handed in for one notebook.
        released: what students got.
        remarks: is given a sentence if there was a choice.
    """
    if len(attempts) < 2:
        return attempts[0] if attempts else None
    answers = {id(one): repair(one.data, released=released, source=released).attempted if one.kinship else () for one in attempts}
    known = [one for one in attempts if one.kinship]
    pool = [one for one in known if answers[id(one)]] or known or attempts
    chosen = max(pool, key=lambda one: one.newness)
    rivals = [one for one in pool if _nothing_tells(one, chosen)]
    if rivals:
        chosen = max([chosen, *rivals], key=lambda one: (len(answers[id(one)]), one.newness))
        remarks.append(f"Nothing tells which of {len(attempts)} attempts is the newest; the one with the most answers counts.")
        return dataclasses.replace(chosen, unsure=True)
    if len({one.data for one in attempts}) > 1:
        remarks.append(f"{len(attempts)} attempts were handed in; the newest that was worked in counts.")
    return chosen


def _nothing_tells(one: Attempt, other: Attempt) -> bool:
    """Whether neither upload nor time nor the number of a copy says which of two files is newer."""
    names = {one.entry.parts[-1], other.entry.parts[-1]}
    copies = len(names) > 1 and len({stem_of(name) for name in names}) == 1
    return one.data != other.data and one.newness[:2] == other.newness[:2] and not copies


def _answered(cells: Sequence[Cell], data: bytes, released: Mapping[str, NotebookNode]) -> str:
    """The notebook whose answers somebody has written into a notebook of their own."""
    if any(cell.grade_id for cell in cells):
        return ""
    return next((name for name, one in released.items() if repair(data, released=one, source=one).attempted), "")


def _named(entry: Entry, notebooks: Sequence[str]) -> str:
    stem = stem_of(entry.parts[-1]).lower()
    return next((name for name in sorted(notebooks, key=len, reverse=True) if name.lower() in stem), "")
