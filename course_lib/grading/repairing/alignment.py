"""Which cell of a submission is which cell of the release, by what can be relied on most: text, nbgrader's ids, names, likeness, place.

alignment = Aligner(released_cells, wanted_names).align(student_cells)

The ways are tried in this order; a cell that one way has placed is left alone by those after it.

1. *Text*: the very text of a locked cell is that cell, whatever its metadata say.
2. *Id*: nbgrader's ``grade_id``; a locked cell must still have something of its text, or it has become a cell of the student's own.
3. *Names*: code that defines what an answer has to define is that answer, if no cell with its id is.
4. *Cell id*: the notebook format's, which Colab keeps, between the same neighbours.
5. *Likeness*: at least half of the lines are the same.
6. *Place*: the only cell where exactly one answer is missing; a person should look.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from nbformat import NotebookNode

from course_lib.grading.notebooks import namespaces
from course_lib.grading.notebooks.cells import grade_id, is_solution
from course_lib.grading.notebooks.given_out import as_given_out
from course_lib.grading.notebooks.reading import Cell

_ALIKE, _RELATED = 0.5, 0.1  # share of lines
_LONG = 20_000  # characters; longer code is not parsed, which takes a second a megabyte and more
_BINDING = re.compile(r"^(?:async )?(?:def |class |import )?([^\W\d]\w*)(?= *(?:=(?!=)|\(|:|$))", re.MULTILINE)


@dataclass
class Alignment:
    """Which cell is which.

    Attributes:
        places: for each cell of the submission the index of the release's cell, None for a cell of the student's own.
        by_place: cells of the submission that nothing but their place tells.
        forged: cells of the submission that bear the grade id of another cell of the release.
    """

    places: list[int | None]
    by_place: set[int] = field(default_factory=set)
    forged: set[int] = field(default_factory=set)

    def claims(self, place: int) -> list[int]:
        """Returns the cells of the submission that are one cell of the release, in their order."""
        return [i for i, found in enumerate(self.places) if found == place]


def plain(text: str) -> str:
    """Returns a cell's text without what an editor changes unasked: trailing blanks, empty lines around it."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def likeness(one: str, other: str) -> float:
    """Returns the share of lines that two texts have in common, from 0 to 1, without empty lines and indentation.

    Example:
        >>> likeness("a\\nb\\nc", "a\\nb\\nd")
        0.6666666666666666
    """
    return _share(_lines(one), _lines(other))


@lru_cache(maxsize=4096)
def names_bound(source: str) -> frozenset[str]:
    """Returns the names that code defines at its top level, found once for each text; those of very long code by the look of its lines."""
    if len(source) > _LONG:
        return frozenset(_BINDING.findall(source))
    return frozenset(namespaces.names_bound(source))


def moved(places: Iterable[int]) -> int:
    """Returns how many cells stand out of order: the least number that must be taken out so that the others are in order.

    Example:
        >>> moved([0, 3, 1, 2, 4])
        1
    """
    ends: list[int] = []  # of the best increasing runs of each length
    places = list(places)
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(places) - len(ends)


class Aligner:
    """Aligns submissions with one release.

    Args:
        released: the release's cells.
        wanted: by grade id the names that an answer has to define, without those that have none.
    """

    def __init__(self, released: Sequence[NotebookNode], wanted: Mapping[str, frozenset[str]]):
        self.released = released
        self.wanted = {i: wanted[grade_id(cell)] for i, cell in enumerate(released) if is_solution(cell) and wanted.get(grade_id(cell))}
        self.by_id = {grade_id(cell): i for i, cell in enumerate(released) if grade_id(cell)}
        self.texts: dict[tuple[str, str], list[int]] = {}
        for i, cell in enumerate(released):
            if not is_solution(cell) and plain(cell.source):
                self.texts.setdefault((cell.cell_type, plain(cell.source)), []).append(i)

    def align(self, cells: Sequence[Cell]) -> Alignment:
        """Returns which cell is which; the docstring of the module says how."""
        alignment = Alignment([None] * len(cells))
        exact = self._by_text(cells, alignment)
        self._by_id(cells, alignment)
        bound = {i: names_bound(cell.source) for i, cell in enumerate(cells) if cell.kind == "code" and i not in exact}
        self._by_names(cells, alignment, bound)
        self._by_cell_id(cells, alignment)
        self._by_likeness(cells, alignment)
        self._by_place(cells, alignment)
        for i, place in enumerate(alignment.places):
            if place is not None and cells[i].grade_id in self.by_id and self.by_id[cells[i].grade_id] != place:
                alignment.forged.add(i)
        return alignment

    def _by_text(self, cells: Sequence[Cell], alignment: Alignment) -> set[int]:
        exact: set[int] = set()
        for i, cell in enumerate(cells):
            if places := self.texts.get((cell.kind, plain(cell.source))):
                own = self.by_id.get(cell.grade_id)
                free = [place for place in places if not alignment.claims(place)]
                alignment.places[i] = own if own in places else (free or places)[0]
                exact.add(i)
        return exact

    def _by_id(self, cells: Sequence[Cell], alignment: Alignment) -> None:
        for i, cell in enumerate(cells):
            place = self.by_id.get(cell.grade_id)
            if alignment.places[i] is None and place is not None and self._still(cell, self.released[place]):
                alignment.places[i] = place

    def _still(self, cell: Cell, released: NotebookNode) -> bool:
        """Whether a cell may be what its id says: an answer may say anything, a locked cell only what is like it or what was given out."""
        if is_solution(released):
            return True
        return cell.kind == released.cell_type and (likeness(cell.source, released.source) >= _RELATED or as_given_out(cell))

    def _by_names(self, cells: Sequence[Cell], alignment: Alignment, bound: Mapping[int, frozenset[str]]) -> None:
        def fits(i: int, place: int) -> bool:
            return bool(self.wanted[place] & bound.get(i, frozenset()))

        for place in self.wanted:
            if any(fits(i, place) for i in alignment.claims(place)):
                continue
            strays = [i for i in bound if fits(i, place) and not self._at_home(i, alignment, fits)]
            whole = [i for i in strays if self.wanted[place] <= bound[i]]
            for i in (whole or strays)[-1:]:
                alignment.places[i] = place

    def _at_home(self, i: int, alignment: Alignment, fits) -> bool:
        """Whether a cell is an answer that defines what its place asks for."""
        place = alignment.places[i]
        return place in self.wanted and fits(i, place)

    def _by_cell_id(self, cells: Sequence[Cell], alignment: Alignment) -> None:
        ids = {cell.get("id"): i for i, cell in enumerate(self.released) if cell.get("id")}
        gaps = self._gaps(alignment)
        for i in self._own(alignment):
            place = ids.get(cells[i].cell_id)
            if place is None or cells[i].kind != self.released[place].cell_type or alignment.claims(place):
                continue
            if not self._still(cells[i], self.released[place]):
                continue
            before, after = gaps[i]
            if before < place < after:
                alignment.places[i] = place

    def _by_likeness(self, cells: Sequence[Cell], alignment: Alignment) -> None:
        own = {i: _lines(cells[i].source) for i in self._own(alignment)}
        missing = {place: _lines(self.released[place].source) for place in self._missing(alignment)}
        pairs = [
            (share, -place, -i)
            for place, theirs in missing.items()
            for i, mine in own.items()
            if self.released[place].cell_type == cells[i].kind and (share := _share(theirs, mine)) >= _ALIKE
        ]
        for _, place, i in sorted(pairs, reverse=True):
            if alignment.places[-i] is None and not alignment.claims(-place):
                alignment.places[-i] = -place

    def _by_place(self, cells: Sequence[Cell], alignment: Alignment) -> None:
        answers = [place for place in self._missing(alignment) if is_solution(self.released[place])]
        gaps = self._gaps(alignment)
        for place in answers:
            kind = self.released[place].cell_type
            around = [
                i for i in self._own(alignment) if gaps[i][0] < place < gaps[i][1] and cells[i].kind == kind and plain(cells[i].source)
            ]
            if len(around) == 1 and not any(other != place and gaps[around[0]][0] < other < gaps[around[0]][1] for other in answers):
                alignment.places[around[0]] = place
                alignment.by_place.add(around[0])

    def _gaps(self, alignment: Alignment) -> list[tuple[int, int]]:
        """For each cell the release's cells between which it stands."""
        before, after = [], []
        for found, places in ((before, alignment.places), (after, alignment.places[::-1])):
            last = None
            for place in places:
                last = last if place is None else place
                found.append(last)
        none = len(self.released)
        return [(-1 if b is None else b, none if a is None else a) for b, a in zip(before, after[::-1], strict=True)]

    def _own(self, alignment: Alignment) -> list[int]:
        return [i for i, place in enumerate(alignment.places) if place is None]

    def _missing(self, alignment: Alignment) -> list[int]:
        found = set(alignment.places)
        return [i for i in range(len(self.released)) if i not in found]


def _share(one: Counter[str], other: Counter[str]) -> float:
    total = one.total() + other.total()
    return 2 * sum(min(n, other[line]) for line, n in one.items()) / total if total else 0.0


def _lines(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.split("\n") if line.strip())
