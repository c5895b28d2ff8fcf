"""Hidden checks that an input was left alone, which hold whatever a student's function does.

What a function changes on a hidden line is not taken over unless the solution changes something there too (``precedents``), so there
``f(x)`` followed by ``check.unchanged(x, before, name="x")`` asks nothing. On visible lines it does.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise

from course_lib.grading.notebooks.markers import HIDDEN

_COPIES = {"array", "clone", "copy", "deepcopy", "detach", "dict", "list", "tensor", "tolist", "tuple"}
_SAME = {"all", "allclose", "array_equal", "assert_allclose", "assert_array_equal", "assert_close", "close", "eq", "equal", "isclose"}


def vacuous_faults(source: str, answers: set[str]) -> list[str]:
    """Returns a line for each hidden check that compares an argument with what it was before.

    Args:
        source: a test cell with its hidden lines.
        answers: the names that students define.

    Example:
        >>> vacuous_faults("x = [1]\\n### BEGIN HIDDEN TESTS\\nf(x)\\nassert x == [1]\\n### END HIDDEN TESTS", {"f"})[0][:62]
        'line 4: x is compared with what it was, on a hidden line: what'
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    hidden, passed, assigned = _hidden(source), _passed(tree, answers), _assigned(tree)
    return [
        f"line {node.lineno}: {name} is compared with what it was, on a hidden line: what a student's function does to it there is not taken"
        " over, so this holds for everybody; call the function and compare on visible lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert | ast.Expr) and node.lineno in hidden
        for name in sorted(_left_alone(node.test if isinstance(node, ast.Assert) else node.value, assigned))
        if hidden.issuperset(passed.get(name, ())) and any(line <= node.lineno for line in passed.get(name, ()))
    ]


def _hidden(source: str) -> set[int]:
    """The lines between the markers of hidden tests."""
    hidden, inside = set(), False
    begin, end = (marker.lstrip("# ") for marker in HIDDEN)
    for number, line in enumerate(source.split("\n"), 1):
        inside = (inside or begin in line) and end not in line
        hidden |= {number} if inside else set()
    return hidden


def _passed(tree: ast.AST, answers: set[str]) -> dict[str, list[int]]:
    """The names that are passed to a student's functions as they are, with the lines."""
    found: dict[str, list[int]] = {}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in answers:
            for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
                if isinstance(argument, ast.Name):
                    found.setdefault(argument.id, []).append(call.lineno)
    return found


def _assigned(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """What each name is given."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and len(target.elts) == len(node.value.elts)
                for one, value in zip(target.elts, node.value.elts, strict=True) if several else [(target, node.value)]:
                    if isinstance(one, ast.Name):
                        found.setdefault(one.id, []).append(value)
    return found


def _left_alone(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> set[str]:
    """The names in an expression that says of something that it still is what it was."""
    return {
        side.id
        for one, other in _pairs(node)
        if _was(one, other, assigned) or _was(other, one, assigned)
        for side in (one, other)
        if isinstance(side, ast.Name)
    }


def _pairs(node: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What an expression says to be equal."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from _pairs(value)
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
        yield node.left, node.comparators[0]
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _SAME | {"unchanged"}:
            of = [node.func.value] if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Attribute) else []
            operands = [*of, *node.args]
            yield from pairwise(operands)
            for operand in operands if name == "all" else ():
                yield from _pairs(operand)


def _was(there: ast.expr, here: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    """Whether an expression is a copy of a name, or what the name was given."""
    if not isinstance(here, ast.Name):
        return False
    given = [there, *(assigned.get(there.id, ()) if isinstance(there, ast.Name) else ())]
    own = {ast.dump(value) for value in assigned.get(here.id, ())}
    return any(_copied(value) == here.id or ast.dump(value) in own for value in given)


def _copied(node: ast.expr) -> str:
    """The name of which an expression is a copy; empty if it is none."""
    depth = 0
    while not isinstance(node, ast.Name):
        depth += 1
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and ast.unparse(node.slice) == ":":
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name not in _COPIES:
                return ""
            node = node.args[0] if node.args else node.func.value if isinstance(node.func, ast.Attribute) else ast.Constant(None)
        else:
            return ""
    return node.id if depth else ""
