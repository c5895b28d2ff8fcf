"""What the cells of a problem set are for, read from nbgrader's metadata."""

from nbformat import NotebookNode


def meta(cell: NotebookNode) -> dict:
    """Returns the nbgrader metadata of a cell, empty where it has none."""
    return cell.metadata.get("nbgrader", {})


def grade_id(cell: NotebookNode) -> str:
    """Returns the name of a cell that survives every edit, empty where it has none."""
    return meta(cell).get("grade_id", "")


def is_solution(cell: NotebookNode) -> bool:
    """Whether a student writes in this cell, code or words."""
    return bool(meta(cell).get("solution"))


def is_test(cell: NotebookNode) -> bool:
    """Whether this cell checks a student's code for points."""
    return cell.cell_type == "code" and bool(meta(cell).get("grade")) and not is_solution(cell)


def imports_cell(cell: NotebookNode) -> bool:
    """Whether this is the locked cell of imports that every test cell may rely on."""
    return cell.cell_type == "code" and grade_id(cell) == "imports"
