"""What an author of a problem set gets wrong, found before a student does: markers, metadata, and tests that no grader could judge."""

import ast
import difflib
import re
from collections import Counter

from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator

from course_lib.grading.authoring.judgeable import judging_faults
from course_lib.grading.notebooks.cells import grade_id, imports_cell, is_solution, is_test, meta
from course_lib.grading.notebooks.markers import HIDDEN, SOLUTION, visible_part
from course_lib.grading.notebooks.namespaces import names_bound

MARKERS = (*HIDDEN, *SOLUTION)


def lint(notebook: NotebookNode) -> list[str]:
    """Returns what must be mended before a problem set can be released, a line for each fault; empty if there is none.

    Args:
        notebook: the instructor's notebook.

    Example:
        >>> from nbformat.v4 import new_code_cell, new_notebook
        >>> cell = new_code_cell("### BEGIN HIDDEN TEST\\nassert f(2) == 4\\n### END HIDDEN TESTS")
        >>> lint(new_notebook(cells=[cell]))[0]
        "cell 0: '### BEGIN HIDDEN TEST' is no marker: did you mean '### BEGIN HIDDEN TESTS'?"
    """
    faults = [f"{_place(cell, i)}: {fault}" for i, cell in enumerate(notebook.cells) for fault in _cell_faults(cell)]
    faults += [
        f"the grade id {name!r} stands {times} times"
        for name, times in Counter(filter(None, map(grade_id, notebook.cells))).items()
        if times > 1
    ]
    if not faults:  # nbgrader's own opinion is worth asking for once the plain faults are gone
        try:
            MetadataValidator().validate_nb(notebook)
        except Exception as error:
            faults.append(f"nbgrader refuses the metadata: {error}")
    known = {name for cell in notebook.cells if imports_cell(cell) for name in names_bound(cell.source)}
    answers = {name for cell in notebook.cells if is_solution(cell) and cell.cell_type == "code" for name in names_bound(cell.source)}
    classes = {name for cell in notebook.cells if is_solution(cell) and cell.cell_type == "code" for name in _plain_classes(cell)}
    for i, cell in enumerate(notebook.cells):
        if is_test(cell):
            faults += [f"{_place(cell, i)}: {fault}" for fault in judging_faults(cell.source, known, answers, classes)]
    return faults


def _place(cell: NotebookNode, index: int) -> str:
    return f"cell {index} ({grade_id(cell)})" if grade_id(cell) else f"cell {index}"


def _cell_faults(cell: NotebookNode) -> list[str]:
    faults = _marker_faults(cell) + (_metadata_faults(cell) if meta(cell) else [])
    if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
        faults.append("its outputs are left in: clear them")
    if is_test(cell) and not re.search(r"^\s*[^#\s]", visible_part(cell), re.MULTILINE):
        faults.append("all of its tests are hidden: a student must see at least one check")
    return faults


def _marker_faults(cell: NotebookNode) -> list[str]:
    faults, open_marker = [], None
    for line in cell.source.splitlines():
        text = line.strip()
        if text not in MARKERS:
            near = difflib.get_close_matches(text.upper(), MARKERS, n=1, cutoff=0.72)
            if near or re.match(r"#*\s*(BEGIN|END)\b", text):
                faults.append(f"{text!r} is no marker" + (f": did you mean {near[0]!r}?" if near else ""))
        elif "BEGIN" in text:
            if open_marker:
                faults.append(f"{text!r} begins before {open_marker!r} has ended")
            open_marker = text
        elif open_marker is None or open_marker.replace("BEGIN", "END") != text:
            faults.append(f"{text!r} has no beginning")
        else:
            open_marker = None
    if open_marker:
        faults.append(f"{open_marker!r} has no end")
    if any(marker in cell.source for marker in HIDDEN) and not is_test(cell):
        faults.append("hidden tests stand in a cell that is no test: only test cells are cleared of them")
    if any(marker in cell.source for marker in SOLUTION) and not is_solution(cell):
        faults.append("a solution stands in a cell that is no solution: it would be given away")
    if is_solution(cell) and cell.cell_type == "code" and SOLUTION[0] not in cell.source:
        faults.append(f"a solution cell needs {SOLUTION[0]!r} … {SOLUTION[1]!r}, or students lose the function's first line")
    return faults


def _metadata_faults(cell: NotebookNode) -> list[str]:
    said, faults = meta(cell), []
    if missing := {"grade", "grade_id", "locked", "schema_version", "solution", "task"} - set(said):
        return [f"its nbgrader metadata lack {', '.join(sorted(missing))}"]
    if said["schema_version"] != 3:
        faults.append(f"schema_version must be 3, got {said['schema_version']!r}")
    if not re.fullmatch(r"[A-Za-z]\w*", said["grade_id"], re.ASCII):
        faults.append(f"grade_id must be a name of letters, digits and _, got {said['grade_id']!r}")
    if said["locked"] == said["solution"]:
        faults.append("a solution cell must not be locked" if said["locked"] else "every marked cell that is no solution must be locked")
    points = said.get("points")
    if said["grade"] and not (isinstance(points, int | float) and 0 < points < float("inf")):
        faults.append(f"points must be a number above 0, got {points!r}")
    if not said["grade"] and points is not None:
        faults.append("points stand in a cell that is not graded")
    return faults


def _plain_classes(cell: NotebookNode) -> set[str]:
    """Classes whose objects stay with the student, methods and all; those of dataclasses come as what they hold."""
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return set()
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and "dataclass" not in " ".join(map(ast.unparse, node.decorator_list))
    }
