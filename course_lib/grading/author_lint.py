"""What an author of a problem set gets wrong, found before a student does: markers, metadata, and tests that no grader could judge.

A test cell must stand alone: in a grader that never runs a student's code in its own process, the student's names are stand-ins that take
and give plain values. So a test cell calls them and compares what comes back, and looks at nothing else.

What a test cell may use
------------------------
* **Functions** of numbers, texts, lists, tuples, sets, dictionaries, NumPy arrays, tensors, dtypes, dataclasses and named tuples, nested as
  they like. A dataclass comes back with its fields and equals one of the same name; it has no methods.
* **Changes in place**: what a function does to a tensor, array, list, dictionary or set that it is given is seen after the call. Compute
  the right value from a copy, or before: a student's function may change what it is given.
* **Chance**: the global seeds of torch, NumPy and Python, a `torch.Generator`, a `numpy.random.Generator`.
* **Functions as arguments and as results**, and Python's generators; what a test passes is called in the judge.
* **Gradients**, first order, of everything that a function is given, of parameters that a function passed to it uses, and `gradcheck`.
* **Modules**: a student's `nn.Module` class is called to make one; parameters and buffers are then in the judge, so that `backward`,
  optimisers, `state_dict`, `train` and `eval` work, and its `forward`, other methods and parts run in the student's process. A module of
  the judge's own may be passed to a student's function, which may train it.
* **Objects of a student's class**: attributes that are values, and methods.
* **Errors**: `try … except ValueError`, `pytest.raises`, a student's own class of error.
* **Part of the points**: a last line that is a number. (Assert first that values are finite: `min(2.0, nan)` is 2.0 in Python.)

Not: operators (`==`, `len`, indexing) and `isinstance` of a student's objects, second derivatives, an optimiser as an argument, tables of
other libraries, the identity of values, the source or the calls of a student's function. The rehearsal of a solution shows what was missed.
"""

import ast
import builtins
import difflib
import re
from collections import Counter

import torch
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator

from course_lib.grading.cells import grade_id, imports_cell, is_solution, is_test, meta
from course_lib.grading.markers import HIDDEN, SOLUTION, visible_part
from course_lib.grading.namespaces import names_bound

MARKERS = (*HIDDEN, *SOLUTION)
_MODULES = {
    "IPython",
    "ast",
    "builtins",
    "ctypes",
    "dis",
    "gc",
    "importlib",
    "inspect",
    "mock",
    "os",
    "subprocess",
    "sys",
    "types",
    "unittest",
}
_CALLS = {"__import__", "compile", "eval", "exec", "get_ipython", "globals", "id", "input", "locals", "open", "vars"}
_ATTRIBUTES = {"__closure__", "__code__", "__globals__", "_version", "data_ptr", "patch", "storage", "untyped_storage"}


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
            faults += [f"{_place(cell, i)}: {fault}" for fault in _test_faults(cell.source, known, answers, classes)]
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


def _test_faults(source: str, known: set[str], answers: set[str], classes: set[str]) -> list[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [f"line {error.lineno} is not plain Python ({error.msg}): no magics, no shell"]
    own = _bound(tree)
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own | known | answers | set(dir(builtins)):
            faults.append(f"it uses {node.id}, which is defined neither here, nor by a solution, nor in the cell of imports")
        faults += [f"line {node.lineno}: {fault}" for fault in _judging_faults(node, answers)]
    if not answers & {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
        faults.append("it calls nothing that a student writes")
    return faults + _method_faults(tree, answers - classes) + _optimiser_faults(tree, answers) + _ending_faults(tree)


def _bound(tree: ast.AST) -> set[str]:
    """Every name that a piece of code binds itself, at any depth."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
    return names


def _judging_faults(node: ast.AST, answers: set[str]) -> list[str]:
    """What a judge cannot do with a stand-in for the student's code."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        return [f"the module {module} looks behind the student's values" for module in modules if module.split(".")[0] in _MODULES]
    if isinstance(node, ast.Name) and node.id in _CALLS:
        return [f"{node.id}() cannot be judged from outside the student's process"]
    if isinstance(node, ast.Attribute) and node.attr in _ATTRIBUTES:
        return [f".{node.attr} cannot be judged from outside the student's process"]
    if isinstance(node, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
        sides = [node.left, *node.comparators]
        return [] if any(isinstance(side, ast.Constant) for side in sides) else ["identity (is) says nothing of values: compare them"]
    if isinstance(node, ast.keyword) and node.arg == "create_graph":
        return ["gradients of gradients do not reach through a student's function"]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass"):
        classes = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} & answers
        return [f"isinstance of the student's {name}: compare values" for name in sorted(classes)]
    return []


def _optimiser_faults(tree: ast.AST, answers: set[str]) -> list[str]:
    """Optimisers that are made here and passed to a student's function: they cannot follow their parameters there."""

    def made(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and "optim" in ast.unparse(node.func).split(".")

    names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and made(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in answers]
    passed = {
        call.lineno for call in calls for x in [*call.args, *(k.value for k in call.keywords)] if made(x) or getattr(x, "id", "") in names
    }
    return [
        f"line {line}: an optimiser (torch.optim) cannot be passed to a student's function: let the function make it"
        for line in sorted(passed)
    ]


def _ending_faults(tree: ast.Module) -> list[str]:
    """Ways in which a test that says no would still give points, or one that says yes none."""
    faults = [
        f"line {node.lineno}: except without `Exception` catches even that the student's process has ended"
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or "BaseException" in ast.unparse(node.type))
    ]
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Compare | ast.BoolOp):
        faults.append(f"line {last.lineno}: the last line is true or false, and no number of points: write assert before it")
    return faults


def _method_faults(tree: ast.AST, answers: set[str]) -> list[str]:
    """Methods of what a student's function returned, where they are no tensor's: a returned record comes back without methods."""

    def answered(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in answers

    results = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and answered(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        f"line {node.lineno}: .{node.func.attr}() is called on what a student's function returned, and is no method of a tensor"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (answered(node.func.value) or (isinstance(node.func.value, ast.Name) and node.func.value.id in results))
        and not hasattr(torch.Tensor, node.func.attr)
    ]
