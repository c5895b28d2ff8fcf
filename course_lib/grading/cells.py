"""What the cells of a problem set are for, read from nbgrader's metadata, and which of their lines a student may not see."""

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode

HIDDEN = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION")


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


def regions(source: str, markers: tuple[str, str]) -> Iterator[str]:
    """Yields the text between each pair of markers, without the lines of the markers."""
    begin, end = (re.escape(marker.lstrip("# ")) for marker in markers)
    for match in re.finditer(rf"^[^\n]*{begin}[^\n]*\n(.*?)^[^\n]*{end}[^\n]*$", source, re.DOTALL | re.MULTILINE):
        yield match[1]


def visible_part(cell: NotebookNode) -> str:
    """Returns a test cell as a student sees it, without its hidden tests."""
    begin, end = (re.escape(marker.lstrip("# ")) for marker in HIDDEN)
    return re.sub(rf"^[^\n]*{begin}[^\n]*\n.*?^[^\n]*{end}[^\n]*\n?", "", cell.source, flags=re.DOTALL | re.MULTILINE)


def names_used(cell: NotebookNode) -> set[str]:
    """Returns every name that a cell's code reads."""
    return {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def names_defined(cell: NotebookNode) -> set[str]:
    """Returns the names that a cell's code gives to functions, classes, imports and values at its top level."""
    defined: set[str] = set()
    for statement in ast.parse(cell.source).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            defined.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            defined |= {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        else:
            defined |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return defined


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
