"""Whether a notebook is a given assignment's, told by what is in it: lines of the release and nbgrader's grade ids."""

from collections.abc import Iterable, Sequence

from nbformat import NotebookNode

from course_lib.grading.notebooks.cells import grade_id
from course_lib.grading.notebooks.reading import Cell

_ALIKE = 0.3  # share of the release's lines
_HARDLY = 0.12  # where the ids are the same too: two problem sets of one course share up to 0.07, its answers alone have 0.17 and more


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
