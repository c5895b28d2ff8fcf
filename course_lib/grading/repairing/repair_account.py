"""What a repair does to a submission, in sentences: repairs that need nobody, and remarks that a person should read.

Only names of the release stand in them, nothing that a student wrote.
"""

from collections.abc import Iterable, Mapping, Sequence

from nbformat import NotebookNode

from course_lib.grading.notebooks.cells import grade_id, is_solution, meta
from course_lib.grading.notebooks.given_out import as_given_out
from course_lib.grading.notebooks.reading import Cell, count
from course_lib.grading.repairing.alignment import Alignment, moved, plain

_COMPARED = ("points", "grade", "solution", "task", "locked", "cell_type")
_SCHEMA_VERSIONS = (1, 2, 3)  # that nbgrader has had


def account(
    cells: Sequence[Cell], alignment: Alignment, released: Sequence[NotebookNode], winners: Mapping[int, int]
) -> tuple[list[str], list[str]]:
    """Returns what is mended in a submission, and what a person should look at.

    Args:
        cells: the submission's.
        alignment: which of them is which.
        released: the release's cells.
        winners: for each answer of the release that was found the cell of the submission that counts.
    """
    repairs, remarks = [], []
    claims = {i: alignment.claims(i) for i, cell in enumerate(released) if grade_id(cell)}
    if any(claims.values()):
        repairs += _lost(claims, released)
    for said, found in (_locked(cells, claims, released), _several(cells, claims, released, winners), _marks(cells, alignment, released)):
        repairs += said
        remarks += found
    order = [place for i, place in enumerate(alignment.places) if place in claims and winners.get(place, i) == i]
    if n := moved(dict.fromkeys(order)):
        repairs.append(f"{count(n, 'cell')} stood out of order, and {_now(n, 'stands')} where the release has {'it' if n == 1 else 'them'}")
    if retyped := [grade_id(released[place]) for place, i in winners.items() if cells[i].kind != released[place].cell_type]:
        repairs.append(f"the type of a cell had been changed ({listed(retyped)}), and is the release's again")
    by_place = [released[alignment.places[i]] for i in sorted(alignment.by_place)]
    for said, found in (
        (repairs, [cell for cell in by_place if meta(cell).get("grade")]),
        (remarks, [cell for cell in by_place if not meta(cell).get("grade")]),
    ):
        if found:  # what a person reads anyhow needs no remark
            said.append(f"nothing but its place tells that a cell is the answer to {listed(map(grade_id, found))}")
    return repairs, remarks


def _lost(claims: Mapping[int, list[int]], released: Sequence[NotebookNode]) -> list[str]:
    missing = [released[place] for place, found in claims.items() if not found]
    locked = [grade_id(cell) for cell in missing if not is_solution(cell)]
    answers = [grade_id(cell) for cell in missing if is_solution(cell)]
    told = []
    if n := len(locked):
        told.append(f"{count(n, 'locked cell')} had been deleted ({listed(locked)}), and {_now(n, 'stands')} there again")
    if n := len(answers):
        told.append(f"{count(n, 'answer')} had been deleted ({listed(answers)}), and {_now(n, 'counts')} as blank")
    return told


def _locked(cells: Sequence[Cell], claims: Mapping[int, list[int]], released: Sequence[NotebookNode]) -> tuple[list[str], list[str]]:
    other = {
        grade_id(released[place]): all(as_given_out(cells[i]) for i in found)
        for place, found in claims.items()
        if found and not is_solution(released[place]) and all(plain(cells[i].source) != plain(released[place].source) for i in found)
    }
    mended, changed = [name for name, given_out in other.items() if given_out], [name for name, given_out in other.items() if not given_out]
    said = []
    if n := len(mended):
        said.append(
            f"the course has mended {count(n, 'locked cell')} since {'it was' if n == 1 else 'they were'} given out ({listed(mended)})"
        )
    if n := len(changed):
        said.append(f"{count(n, 'locked cell')} had been changed ({listed(changed)}), and {_now(n, 'reads')} as released again")
    return said, []


def _several(
    cells: Sequence[Cell], claims: Mapping[int, list[int]], released: Sequence[NotebookNode], winners: Mapping[int, int]
) -> tuple[list[str], list[str]]:
    """On cells that stand there more than once; two different answers are a person's business."""
    repairs, remarks = [], []
    if copies := [grade_id(released[place]) for place, found in claims.items() if len(found) > 1 and place not in winners]:
        repairs.append(f"locked cells stood there more than once ({listed(copies)}), and stand there once")
    doubled: dict[int, set[str]] = {}
    for place, i in winners.items():
        name, found = grade_id(released[place]), [plain(cells[other].source) for other in claims[place]]
        if len(texts := set(found) - {"", plain(released[place].source)}) > 1:
            remarks.append(f"the answer to {name} stood there {len(texts)} times in different words; the one in cell {i + 1} counts")
        elif len(found) > 1:
            doubled[place] = set(found)
    if doubled:
        names = [grade_id(released[place]) for place in doubled]
        who = "every answer" if len(doubled) == len(winners) > 1 else f"{count(len(names), 'answer')} ({listed(names)})"
        times = "twice" if all(len(claims[place]) == 2 for place in doubled) else "more than once"
        same = all(len(texts) == 1 for texts in doubled.values())
        repairs.append(f"{who} stood there {times}, {'each time the same' if same else 'and the one that differs from the release counts'}")
    return repairs, remarks


def _marks(cells: Sequence[Cell], alignment: Alignment, released: Sequence[NotebookNode]) -> tuple[list[str], list[str]]:
    """On nbgrader's metadata that are missing, unknown, or say something else than the release's."""
    repairs, remarks = [], []
    placed = [(i, released[place]) for i, place in enumerate(alignment.places) if place is not None and grade_id(released[place])]
    bare = [grade_id(cell) for i, cell in placed if cells[i].grade_id != grade_id(cell) and i not in alignment.forged]
    if bare:
        everywhere = "every cell" if len(bare) == len(placed) else f"{count(len(bare), 'cell')} ({listed(bare)})"
        repairs.append(f"the marks of nbgrader were missing or unknown on {everywhere}: what stands in a cell told which it is")
    names = {grade_id(cell) for cell in released}
    own = [cells[i].grade_id for i, place in enumerate(alignment.places) if place is None and cells[i].grade_id]
    if foreign := sum(name not in names for name in own):
        repairs.append(
            f"{count(foreign, 'cell')} had marks that the release does not know, and {_now(foreign, 'stays')} as the student's own"
        )
    if rewritten := [name for name in own if name in names]:
        repairs.append(
            f"nothing of the locked cell was left under the marks of {listed(rewritten)}; what stands there is the student's own"
        )
    if alignment.forged:
        worn = [grade_id(released[alignment.places[i]]) for i in sorted(alignment.forged)]
        remarks.append(f"marks of other cells were found on {listed(worn)}: swapped by hand, or forged; what the cells say was believed")
    altered = {
        grade_id(cell): cells[i] for i, cell in placed if cells[i].grade_id == grade_id(cell) and _altered(cells[i].marks, meta(cell))
    }
    true = {grade_id(cell): meta(cell) for _, cell in placed}
    if worth := [name for name, cell in altered.items() if _other_points(cell, true[name])]:
        repairs.append(
            f"the course has changed the points of {listed(worth)} since {'it was' if len(worth) == 1 else 'they were'} given out"
        )
    if altered := [name for name in altered if name not in worth]:
        remarks.append(f"the marks of {listed(altered)} say something else than the release: an older one, or forged; the release counts")
    return repairs, remarks


def _altered(marks: Mapping[str, object], true: Mapping[str, object]) -> bool:
    differing = any(name in marks and name in true and marks[name] != true[name] for name in _COMPARED)
    return differing or marks.get("schema_version", 3) not in _SCHEMA_VERSIONS or ("points" in marks) > ("points" in true)


def _other_points(cell: Cell, true: Mapping[str, object]) -> bool:
    """Whether a cell is as it was given out but for points that the release has changed since; of an answer nothing tells, and nothing hangs on it."""
    marks = cell.marks
    same = "points" in marks and "points" in true and not _altered({**marks, "points": true["points"]}, true)
    return same and bool(marks.get("solution") or marks.get("task") or as_given_out(cell))


def _now(n: int, verb: str) -> str:
    """A verb that fits a number of things."""
    return verb if n == 1 else verb.removesuffix("s")


def listed(names: Iterable[str]) -> str:
    """Returns names in a row, the first five of many.

    Example:
        >>> listed("abcdefg")
        'a, b, c, d, e and 2 more'
    """
    names = list(dict.fromkeys(names))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
