"""Whether the gradebook still fits an assignment's notebooks, asked ahead of a night's work: nbgrader adds and removes no cell under marks."""

from collections.abc import Iterable, Mapping

from nbgrader.api import MissingEntry
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from course_lib.grading.nbgrader_course import Course, Source
from course_lib.grading.recording.transaction import is_there, opened


def must_fit(course: Course, sources: Iterable[Source]) -> None:
    """Makes sure that marks of these notebooks can land in the gradebook; changes nothing, and makes none.

    Raises:
        ValueError: if a notebook that somebody has marks of has other cells than the gradebook knows.
    """
    if not is_there(course):
        return
    with opened(course) as book:
        for source in sources:
            try:
                there = book.find_notebook(source.notebook, source.assignment)
            except MissingEntry:
                continue
            known = {kind: {cell.name for cell in getattr(there, f"{kind}_cells")} for kind in ("grade", "solution", "task", "source")}
            if there.submissions and known != (now := _cells(source)):
                names = {name for kind in known for name in known[kind] ^ now[kind]}
                raise ValueError(other_cells(source.assignment, source.notebook, names))


def other_cells(assignment: str, notebook: str, names: Iterable[str] = ()) -> str:
    """Returns what to say where a notebook has other cells than the gradebook has marks of."""
    which = f" ({', '.join(sorted(names))})" if names else ""
    return (
        f"{assignment}/{notebook} has other cells than the one that the gradebook has marks of{which}: keep the names, kinds and number of its "
        f"cells; or drop the old marks with 'nbgrader db assignment remove {assignment} --force', and the points and comments that were given by "
        "hand go with them"
    )


def _cells(source: Source) -> Mapping[str, set[str]]:
    """The names of a notebook's cells by what nbgrader's ``SaveCells`` takes them for."""
    cells = {
        cell.metadata.nbgrader["grade_id"]: cell for cell in source.instructor.cells if cell.metadata.get("nbgrader", {}).get("grade_id")
    }
    kinds = {"grade": is_grade, "solution": is_solution, "task": is_task}
    named = {kind: {name for name, cell in cells.items() if told(cell)} for kind, told in kinds.items()}
    return named | {"source": set().union(*named.values(), (name for name, cell in cells.items() if is_locked(cell)))}
