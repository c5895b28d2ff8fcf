"""What a test cell must be so that a judge can run it, who never runs a student's code in his own process.

A test cell must stand alone: in a grader that never runs a student's code in its own process, the student's names are stand-ins that take
and give plain values. So a test cell calls them and compares what comes back, and looks at nothing else.

What a test cell may use
------------------------
* **Functions** of numbers, texts, lists, tuples, sets, dictionaries, NumPy arrays, tensors, dtypes, dataclasses and named tuples, nested as
  they like. A dataclass comes back with its fields and equals one of the same name; it has no methods.
* **Changes in place**: what a function does to a tensor, array, list, dictionary or set that it is given is seen after the call; on a hidden
  line only where the solution changes something on hidden lines of that cell too. Compute the right value from a copy, or before; and
  that an input was left alone is asked on visible lines, for on hidden ones it always is.
* **Chance**: the global seeds of torch, NumPy and Python, a `torch.Generator`, a `numpy.random.Generator`.
* **Functions as arguments and as results**, and Python's generators; what a test passes is called in the judge.
* **Gradients**, first order, of everything that a function is given, of parameters that a function passed to it uses, and `gradcheck`.
* **Modules**: a student's `nn.Module` class is called to make one; parameters and buffers are then in the judge, so that `backward`,
  optimisers, `state_dict`, `train` and `eval` work, and its `forward`, other methods and parts run in the student's process. A module of
  the judge's own may be passed to a student's function, which may train it.
* **Objects of a student's class**: attributes that are values, and methods. Where the solution gives values, a record, an object, a module
  or a function of a student's is refused: it could compare itself.
* **Errors**: `try … except ValueError`, `pytest.raises`, a student's own class of error.
* **Part of the points**: a last line that is a number. (Assert first that values are finite: `min(2.0, nan)` is 2.0 in Python.)

Not: operators (`==`, `len`, indexing) and `isinstance` of a student's objects, second derivatives, an optimiser as an argument, tables of
other libraries, the identity of values, the source or the calls of a student's function. The rehearsal of a solution shows what was missed.
"""

import ast
import builtins
from collections.abc import Callable

import torch

from course_lib.grading.authoring.broadcasting import broadcast_faults
from course_lib.grading.authoring.vacuous import vacuous_faults

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


def judging_faults(source: str, known: set[str], answers: set[str], classes: set[str]) -> list[str]:
    """Returns a line for each thing that a judge cannot do, or that would give marks for nothing.

    Args:
        source: the test cell.
        known: names of the cell of imports.
        answers: names that students define.
        classes: those of them that are classes whose objects stay with the student.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [f"line {error.lineno} is not plain Python ({error.msg}): no magics, no shell"]
    own = _bound(tree)
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own | known | answers | set(dir(builtins)):
            faults.append(f"it uses {node.id}, which is defined neither here, nor by a solution, nor in the cell of imports")
        faults += [f"line {node.lineno}: {fault}" for fault in _fault_of(node, answers)]
    if not answers & {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
        faults.append("it calls nothing that a student writes")
    faults += _method_faults(tree, answers - classes) + _optimiser_faults(tree, answers) + _ending_faults(tree)
    return faults + broadcast_faults(tree, answers) + vacuous_faults(source, answers)


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


def _fault_of(node: ast.AST, answers: set[str]) -> list[str]:
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


def _assigned(tree: ast.AST, wanted: Callable[[ast.AST], bool]) -> set[str]:
    """The names to which a value of a wanted kind is assigned."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and wanted(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _optimiser_faults(tree: ast.AST, answers: set[str]) -> list[str]:
    """Optimisers that are made here and passed to a student's function: they cannot follow their parameters there."""

    def made(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and "optim" in ast.unparse(node.func).split(".")

    names = _assigned(tree, made)
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

    results = _assigned(tree, answered)
    return [
        f"line {node.lineno}: .{node.func.attr}() is called on what a student's function returned, and is no method of a tensor"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (answered(node.func.value) or (isinstance(node.func.value, ast.Name) and node.func.value.id in results))
        and not hasattr(torch.Tensor, node.func.attr)
    ]
