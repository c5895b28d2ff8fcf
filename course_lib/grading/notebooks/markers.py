"""What stands between an author's markers, solutions and hidden tests, and which lines of it a student may not see."""

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from course_lib.grading.notebooks.cells import grade_id, is_solution

HIDDEN = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION")


def regions(source: str, markers: tuple[str, str]) -> Iterator[str]:
    """Yields the text between each pair of markers, without the lines of the markers."""
    begin, end = (re.escape(marker.lstrip("# ")) for marker in markers)
    for match in re.finditer(rf"^[^\n]*{begin}[^\n]*\n(.*?)^[^\n]*{end}[^\n]*$", source, re.DOTALL | re.MULTILINE):
        yield match[1]


def visible_part(cell: NotebookNode) -> str:
    """Returns a test cell as a student sees it, without its hidden tests."""
    begin, end = (re.escape(marker.lstrip("# ")) for marker in HIDDEN)
    return re.sub(rf"^[^\n]*{begin}[^\n]*\n.*?^[^\n]*{end}[^\n]*\n?", "", cell.source, flags=re.DOTALL | re.MULTILINE)


def secret_lines(notebook: NotebookNode) -> dict[str, str]:
    """Returns each line of a solution, a model answer or a hidden test that is worth hiding, with the cell that it stands in.

    Lines that give nothing away are left out: short ones, comments, and imports.
    """
    secrets: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            texts = [*regions(cell.source, SOLUTION), *regions(cell.source, HIDDEN)]
        else:
            texts = [cell.source] if is_solution(cell) else []
        for line in "\n".join(texts).splitlines():
            line = line.strip()
            if len(line) >= 12 and not re.match(r"#|import |from \S+ import ", line):
                secrets.setdefault(line, grade_id(cell))
    return secrets
