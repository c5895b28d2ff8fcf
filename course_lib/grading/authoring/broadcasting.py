"""Comparisons that say yes to values of another shape, found in a test cell: NumPy and torch broadcast, and of no elements all are equal,
whether they are compared at once or one by one.

``np.allclose(f(x), want)`` and ``(f(x) == want).all()`` give full marks to an empty array where one number is wanted. A cell that looks at
the result's shape, or leaves the comparison to ``course_lib.check`` or ``torch.testing.assert_close``, is sound.
"""

import ast
from collections.abc import Iterator

_SAME_SHAPE = {"abs", "cpu", "detach", "double", "float", "numpy", "to"}
_SHAPES = {"ndim", "numel", "shape", "size"}
_OF_ONE = {
    "assert_allclose",
    "assert_almost_equal",
    "assert_array_almost_equal",
    "assert_array_equal",
}  # these let one number be of any shape


def broadcast_faults(tree: ast.AST, answers: set[str]) -> list[str]:
    """Returns a line for each comparison in which a student's result may have any shape.

    Args:
        tree: a test cell.
        answers: the names that students define.

    Example:
        >>> broadcast_faults(ast.parse("assert np.allclose(f(2), 4.0)"), {"f"})
        ['line 1: allclose says yes to empty arrays and to other shapes that broadcast: compare the shape of f(2) first']
    """
    results, known = _results(tree, answers), _shapes_known(tree)
    return [
        f"line {node.lineno}: {_called(node)} says yes to empty arrays and to other shapes that broadcast:"
        f" compare the shape of {ast.unparse(piece)[:60]} first"
        for node in ast.walk(tree)
        for operand in _compared(node)
        for piece in _bare(operand, answers, results)
        if ast.unparse(piece) not in known
    ] + [
        f"line {node.lineno}: of an empty result nothing is compared here: ask for the length of {ast.unparse(piece)[:60]} first"
        f"{', or write zip(…, strict=True)' if zipped else ''}"
        for node in ast.walk(tree)
        for operand, zipped in _gone_through(node)
        for piece in _bare(operand, answers, results)
        if ast.unparse(piece) not in known | _lengths_known(tree)
    ]


def _called(node: ast.AST) -> str:
    """The last part of the name of what is called."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return f"not … {_called(node.operand)}"
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _compared(node: ast.AST) -> list[ast.expr]:
    """What is compared elementwise, if a node says yes or no to a comparison of all elements."""
    if isinstance(node, ast.UnaryOp) and _called(node) == "not … any":
        return _elementwise(node.operand)
    if _called(node) == "allclose":
        own = [node.func.value] if isinstance(node.func, ast.Attribute) and not _of_a_module(node.func) else []
        return [*own, *node.args][:2]
    if _called(node) in _OF_ONE and not any(keyword.arg == "strict" for keyword in node.keywords):
        return node.args[:2] if any(map(_is_even, node.args[:2])) else []
    return _elementwise(node) if _called(node) == "all" else []


def _elementwise(node: ast.Call) -> list[ast.expr]:
    """What is compared in all(…) or any(…)."""
    if isinstance(node.func, ast.Name):  # the built-in ones go through what they are given
        return []
    inner = node.args[0] if _of_a_module(node.func) and node.args else node.func.value
    if isinstance(inner, ast.Compare):
        return [inner.left, *inner.comparators]
    return inner.args[:2] if _called(inner) in ("isclose", "eq") else []


def _is_even(node: ast.expr) -> bool:
    """Whether this is one number, or the same one everywhere."""
    if isinstance(node, ast.UnaryOp):
        return _is_even(node.operand)
    return isinstance(node, ast.Constant) or _called(node) in ("full", "ones", "ones_like", "zeros", "zeros_like")


def _gone_through(node: ast.AST) -> list[tuple[ast.expr, bool]]:
    """What is gone through where nothing but assertions depend on it, each with whether it is zipped with something else."""
    if isinstance(node, ast.For) and all(isinstance(one, ast.Assert) or _is_check(one) for one in node.body):
        iterables = [node.iter]
    elif _called(node) in ("all", "not … any"):
        call = node.operand if isinstance(node, ast.UnaryOp) else node
        through = isinstance(call.func, ast.Name) and call.args and isinstance(call.args[0], ast.GeneratorExp | ast.ListComp)
        iterables = [call.args[0].generators[0].iter] if through else []
    else:
        return []
    found = []
    for iterable in iterables:
        if _called(iterable) == "zip" and not any(keyword.arg == "strict" for keyword in iterable.keywords):
            found += [(operand, True) for operand in iterable.args]
        elif _called(iterable) == "enumerate":
            found += [(operand, False) for operand in iterable.args[:1]]
        elif _called(iterable) != "zip":
            found.append((iterable, False))
    return found


def _is_check(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).startswith(("check.", "torch.testing."))
    )


def _of_a_module(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id in ("np", "numpy", "torch")


def _results(tree: ast.AST, answers: set[str]) -> set[str]:
    """Names that are given what a student's function returned."""
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and _called(node.value) in answers]
    return {name.id for node in assigned for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}


def _bare(node: ast.expr, answers: set[str], results: set[str]) -> Iterator[ast.expr]:
    """The student's results in an expression that has their shape."""
    of_a_student = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in answers
    if of_a_student or (isinstance(node, ast.Name) and node.id in results):
        yield node
    elif isinstance(node, ast.BinOp):
        yield from (*_bare(node.left, answers, results), *_bare(node.right, answers, results))
    elif isinstance(node, ast.UnaryOp):
        yield from _bare(node.operand, answers, results)
    elif isinstance(node, ast.Attribute | ast.Subscript) and any(_bare(node.value, answers, results)):
        yield node
    elif _called(node) in _SAME_SHAPE and isinstance(node.func, ast.Attribute) and not _of_a_module(node.func):
        yield from _bare(node.func.value, answers, results)
    elif _called(node) in _SAME_SHAPE and node.args:
        yield from _bare(node.args[0], answers, results)


def _shapes_known(tree: ast.AST) -> set[str]:
    """Expressions whose shape the cell looks at somewhere, or gives to a check that does."""
    known = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _SHAPES:
            known.add(ast.unparse(node.value))
        elif isinstance(node, ast.Call) and (_called(node) in {"len", "assert_close"} or ast.unparse(node.func).startswith("check.")):
            known |= {ast.unparse(argument) for argument in node.args}
    return known


def _lengths_known(tree: ast.AST) -> set[str]:
    """Expressions that the cell compares as they are, or turns into a list whose length it asks for."""
    known = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            whole = node.test.values if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And) else [node.test]
            for one in whole:
                known |= (
                    {ast.unparse(side) for side in (one.left, *one.comparators)} if isinstance(one, ast.Compare) else {ast.unparse(one)}
                )
        elif _called(node) == "len" and node.args and _called(node.args[0]) in ("list", "tuple"):
            known |= {ast.unparse(argument) for argument in node.args[0].args}
    return known
