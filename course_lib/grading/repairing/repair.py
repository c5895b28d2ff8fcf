"""A submission made whole: the release's own marked cells in the release's order, with the student's answers in them.

repaired = repair(data, released=released, source=instructor)

Locked cells are the release's, word for word. An answer is the student's, word for word: of several cells that claim to be one answer the last that
differs from the release counts. Cells of the student's own stay where they stood, without marks. Outputs, metadata and whatever tells who wrote it
are not carried over. Repairs change nothing that a person would have to weigh; what does is a remark.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from course_lib.grading.notebooks.cells import grade_id, is_solution, meta
from course_lib.grading.notebooks.given_out import as_given_out
from course_lib.grading.notebooks.reading import Cell, Read, Unreadable, count, read_notebook
from course_lib.grading.records import Status
from course_lib.grading.repairing.additions import added_code, added_text
from course_lib.grading.repairing.alignment import Aligner, names_bound, plain
from course_lib.grading.repairing.repair_account import account

_OWN = "own-"  # begins the id of a cell of the student's own
_NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


@dataclass(frozen=True)
class Repaired:
    """What came of a file that a student handed in.

    Attributes:
        notebook: the repaired notebook, None if the file is no notebook.
        repairs: what was mended, a sentence each; no mark depends on a person looking at it.
        remarks: what a person should look at, a sentence each.
        attempted: the grade ids of the cells that hold an answer of the student's.
        status: ``unreadable``, ``not_attempted``, or ``needs_review`` for a notebook in which nothing of the release was found; None where there is
            something to grade.
    """

    notebook: NotebookNode | None
    repairs: tuple[str, ...]
    remarks: tuple[str, ...]
    attempted: frozenset[str]
    status: Status | None = None


def repair(data: bytes, *, released: NotebookNode, source: NotebookNode) -> Repaired:
    """Returns a submission made whole; whatever the bytes are, nothing is raised.

    Args:
        data: the bytes of the file that was handed in.
        released: what students got, format 4.
        source: the instructor's notebook; what its answers define tells a student's answer that has lost its marks. Nothing of it is copied.

    Returns:
        The repaired notebook and what was done to it.
    """
    try:
        read = read_notebook(data)
    except Unreadable as why:
        return Repaired(None, (), _sentences([f"what was handed in {why}"]), frozenset(), Status.UNREADABLE)
    return _Repair(read, released, source).made()


def wanted_names(released: NotebookNode, source: NotebookNode) -> dict[str, frozenset[str]]:
    """Returns by grade id what each answer in code has to define: what the stub defines, or else the instructor's answer."""
    sources = {grade_id(cell): cell.source for cell in source.cells}
    stubs = {grade_id(cell): cell.source for cell in released.cells if is_solution(cell) and cell.cell_type == "code"}
    return {name: frozenset(names_bound(stub) or names_bound(sources.get(name, ""))) - {"*"} for name, stub in stubs.items()}


class _Repair:
    """One submission on its way."""

    def __init__(self, read: Read, released: NotebookNode, source: NotebookNode):
        self.released = released
        self.cells = read.cells
        self.repairs, self.remarks = list(read.repairs), list(read.remarks)
        self.wanted = wanted_names(released, source)
        self.alignment = Aligner(released.cells, self.wanted).align(self.cells)
        self.marked = [i for i, cell in enumerate(released.cells) if grade_id(cell)]
        self.claims = {place: self.alignment.claims(place) for place in self.marked}
        self.attempted: set[str] = set()
        self.winners = {place: self.winner(place) for place in self.marked if is_solution(released.cells[place]) and self.claims[place]}
        self.before: dict[int, list[NotebookNode]] = {}  # own cells by the marked cell before which they stand
        self.behind: dict[int, list[NotebookNode]] = {}  # and behind which; -1 is the beginning
        self.own = 0

    def made(self) -> Repaired:
        repairs, remarks = account(self.cells, self.alignment, self.released.cells, self.winners)
        self.repairs += repairs
        self.remarks += remarks
        self.place_own_cells()
        self.keep_additions()
        cells = list(self.behind.get(-1, ()))
        for place in self.marked:
            cells += [*self.before.get(place, ()), self.whole(place), *self.behind.get(place, ())]
        self.look_behind_answers()
        notebook = copy.deepcopy(NotebookNode({**self.released, "cells": []}))
        notebook.cells, notebook.nbformat, notebook.nbformat_minor = _with_ids(cells), 4, 5
        found = any(self.claims.values())
        if not found:
            self.remarks.append("nothing of the release was found in it: perhaps it is the notebook of another assignment")
        status = None if self.attempted else Status.NOT_ATTEMPTED if found else Status.NEEDS_REVIEW
        return Repaired(notebook, _sentences(self.repairs), _sentences(self.remarks), frozenset(self.attempted), status)

    # ------------------------------------------------------------------------------------------------------------ one marked cell

    def name(self, place: int) -> str:
        return grade_id(self.released.cells[place])

    def differs(self, i: int, place: int) -> bool:
        """Whether a cell says something, and not what the release says there."""
        text = plain(self.cells[i].source)
        return bool(text) and text != plain(self.released.cells[place].source)

    def winner(self, place: int) -> int:
        """The cell that counts: the last that differs from the release, of those that define what is asked for if any does."""
        answers = [i for i in self.claims[place] if self.differs(i, place)]
        wanted = self.wanted.get(self.name(place), frozenset())
        sound = [i for i in answers if wanted & names_bound(self.cells[i].source)] if len(answers) > 1 else []
        return (sound or answers or self.claims[place])[-1]

    def whole(self, place: int) -> NotebookNode:
        """The release's cell, with the student's answer if it is one."""
        cell = _blank(self.released.cells[place])
        if place in self.winners:
            answer = self.cells[self.winners[place]]
            cell.source = answer.source
            if answer.attachments and cell.cell_type == "markdown":
                cell.attachments = answer.attachments
            if self.differs(self.winners[place], place):
                self.attempted.add(self.name(place))
        return cell

    # --------------------------------------------------------------------------------------------------------- the student's own

    def place_own_cells(self) -> None:
        """Keeps each cell of the student's own, and each other try at an answer, where it stood."""
        anchor, seen = -1, {(place, plain(self.cells[i].source)) for place, i in self.winners.items()}
        for i, (cell, place) in enumerate(zip(self.cells, self.alignment.places, strict=True)):
            if place in self.claims:
                text = plain(cell.source)
                if place in self.winners and self.differs(i, place) and (place, text) not in seen:
                    self.before.setdefault(place, []).append(self.own_cell(cell))
                    seen.add((place, text))
                anchor = place
            elif place is not None:
                kept = _blank(self.released.cells[place])
                kept.source = cell.source if kept.cell_type == cell.kind else kept.source
                self.behind.setdefault(anchor, []).append(kept)
            elif plain(cell.source) or cell.attachments:
                self.behind.setdefault(anchor, []).append(self.own_cell(cell))

    def own_cell(self, cell: Cell) -> NotebookNode:
        self.own += 1
        made = _NEW[cell.kind](cell.source, id=f"{_OWN}{self.own}")
        if cell.attachments:
            made.attachments = cell.attachments
        if cell.kind == "code":
            bound = names_bound(cell.source)
            self.attempted |= {name for name, wanted in self.wanted.items() if wanted & bound}
        return made

    def keep_additions(self) -> None:
        """Keeps what a student has written into locked cells: what defines something new, and text under a question left unanswered."""
        known = set().union(
            *(names_bound(cell.source) for cell in self.released.cells if meta(cell).get("locked") and cell.cell_type == "code")
        )
        for at, place in enumerate(self.marked):
            locked = self.released.cells[place]
            changed = [self.cells[i] for i in self.claims[place] if not is_solution(locked) and self.differs(i, place)]
            changed = [cell for cell in changed if not as_given_out(cell)]
            for cell in changed:
                if locked.cell_type == "code":
                    text = added_code(cell.source, known)
                else:
                    following = self.marked[at + 1 : at + 2]
                    text = added_text(cell.source, locked.source) if self.unanswered_words([place, *following]) else ""
                if text:
                    self.behind.setdefault(place, []).insert(0, self.own_cell(Cell(locked.cell_type, text)))
                    self.repairs.append(f"what was written into the locked cell {self.name(place)} stands in a cell of its own behind it")

    def unanswered_words(self, places: Sequence[int]) -> bool:
        """Whether one of some cells waits for words, and has none."""
        waiting = [place for place in places if meta(self.released.cells[place]).get("task") or self.by_hand(place)]
        return any(place not in self.winners or not self.differs(self.winners[place], place) for place in waiting)

    def by_hand(self, place: int) -> bool:
        marks = meta(self.released.cells[place])
        return bool(marks.get("solution") and marks.get("grade"))

    def look_behind_answers(self) -> None:
        """An answer that was left as it was, with cells of the student's own behind it, is answered there."""
        for at, place in enumerate(self.marked):
            name, marks = self.name(place), meta(self.released.cells[place])
            nameless = is_solution(self.released.cells[place]) and not self.wanted.get(name)
            if name in self.attempted or not (marks.get("task") or self.by_hand(place) or nameless):
                continue
            question = self.marked[at - 1 : at] if at and self.released.cells[self.marked[at - 1]].cell_type == "markdown" else []
            kinds = _NEW if marks.get("task") else (self.released.cells[place].cell_type,)
            beside = [cell for p in (*question, place) for cell in self.behind.get(p, ())]
            around = [cell for cell in beside if cell.id.startswith(_OWN) and cell.cell_type in kinds]
            if around:
                self.attempted.add(name)
                self.repairs.append(f"the answer to {name} stands in {count(len(around), 'cell')} of the student's own beside it")


def _blank(cell: NotebookNode) -> NotebookNode:
    """A cell of the release as it was given out, without outputs."""
    made = copy.deepcopy(cell)
    if made.cell_type == "code":
        made.outputs, made.execution_count = [], None
    return made


def _with_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells, each with an id of its own, as format 4.5 wants it."""
    taken: set[str] = set()
    for i, cell in enumerate(cells):
        wanted = name = cell.get("id") or f"cell-{i}"
        while name in taken:
            name = f"{wanted[:50]}-{i}"
            wanted += "x"
        cell["id"] = name
        taken.add(name)
    return cells


def _sentences(said: list[str]) -> tuple[str, ...]:
    return tuple(f"{words[0].upper()}{words[1:]}." for words in dict.fromkeys(said))
