"""The author's own words at the line of a test that failed: literals alone, so that no value of a hidden test stands in them.

>>> words_of("assert f(3) == 9, f'the square of {x}, a whole number, is wrong'", [1], "the square of 3, a whole number, is wrong")
'the square of … , a whole number, is wrong'
"""

import ast
import functools
import inspect
from collections.abc import Iterator

_KEYWORDS = {"name", "otherwise", "say", "msg", "message", "err_msg", "reason"}
_ORDER = ("name", "otherwise", "say")


def words_of(source: str, lines: list[int], text: str) -> str:
    """Returns the author's words for an error.

    Args:
        source: the test cell.
        lines: the lines that led to the error, the last one first.
        text: what the error says; of the author's words those count that stand in it.

    Returns:
        The words, empty if there are none; what the author's formatted values were is left out as ….
    """
    tree = ast.parse(source)
    for line in lines:
        statement = _statement(tree, line)
        said = (
            [] if statement is None else [words for node in _spoken(statement) for words in _literals(node, tree) if _stand_in(words, text)]
        )
        if said:
            said += [[found]] if len(said) == 1 and (found := words_of_the_check(text)) else []
            return ": ".join(dict.fromkeys(" … ".join(words).strip() for words in map(_stripped, said)))
    return ""


def _statement(tree: ast.AST, line: int) -> ast.stmt | None:
    """The simple statement in which a line lies."""
    simple = (ast.Assert, ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Raise)
    return next((node for node in ast.walk(tree) if isinstance(node, simple) and node.lineno <= line <= node.end_lineno), None)


def _spoken(statement: ast.stmt) -> Iterator[ast.expr]:
    """The parts of a statement that hold words for people: an assert's message, a raised error's text, named arguments of a check."""
    if isinstance(statement, ast.Assert):
        yield from [statement.msg] if statement.msg is not None else []
        return
    if isinstance(statement, ast.Raise):
        yield from statement.exc.args if isinstance(statement.exc, ast.Call) else []
        return
    for call in ast.walk(statement):
        if isinstance(call, ast.Call):
            named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in _KEYWORDS}
            if isinstance(call.func, ast.Attribute) and call.func.attr == "that" and len(call.args) == 2:
                named["otherwise"] = call.args[1]
            yield from (named[name] for name in sorted(named, key=lambda name: (name != "name", name)))


def _literals(node: ast.expr, tree: ast.AST, deep: int = 0) -> Iterator[list[str]]:
    """Texts that an expression can give, each as its literal parts; names are followed to where the cell gives them a value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield [node.value]
    elif isinstance(node, ast.JoinedStr):
        yield [part.value for part in node.values if isinstance(part, ast.Constant)]
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _literals(value, tree, deep)
    elif isinstance(node, ast.List | ast.Tuple):
        pairs = [item.elts[-1] if isinstance(item, ast.Tuple) and item.elts else item for item in node.elts]
        for item in pairs:
            yield from _literals(item, tree, deep)
    elif isinstance(node, ast.IfExp):
        yield from [*_literals(node.body, tree, deep), *_literals(node.orelse, tree, deep)]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from ([*one, *other] for one in _literals(node.left, tree, deep) for other in _literals(node.right, tree, deep))
    elif isinstance(node, ast.Name) and deep < 3:
        for value in _values(node.id, tree):
            yield from _literals(value, tree, deep + 1)


def _values(name: str, tree: ast.AST) -> Iterator[ast.expr]:
    """What a name is given in the cell: by assignments, in loops, as a function's argument by name or place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.List | ast.Tuple):
            pairs = [(node.target, item) for item in node.iter.elts]
        else:
            continue
        for target, value in pairs:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
                yield from (part for one, part in zip(target.elts, value.elts, strict=True) if isinstance(one, ast.Name) and one.id == name)
            elif isinstance(target, ast.Name) and target.id == name:
                yield value


def _stripped(words: list[str]) -> list[str]:
    return [stripped for part in words if (stripped := part.strip())]


def _stand_in(words: list[str], text: str) -> bool:
    """Whether words stand in an error's text, a sentence's first letter aside."""
    parts = _stripped(words)
    return bool(parts) and all(part in text or part[:1].upper() + part[1:] in text for part in parts)


def words_of_the_check(text: str) -> str:
    """Returns what ``course_lib.check`` itself says of a common mistake, of all that it can say the longest that stands in a text."""
    return max((words for words in _check_words() if words in text), key=len, default="")


@functools.cache
def _check_words() -> tuple[str, ...]:
    from course_lib import check

    strings = [node.value for node in ast.walk(ast.parse(inspect.getsource(check))) if isinstance(node, ast.Constant)]
    return tuple(words for words in strings if isinstance(words, str) and words.count(" ") >= 3 and "\n" not in words)
