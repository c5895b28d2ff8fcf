"""What a student has written into a cell that is not theirs, so that it is not lost when the release's own stands there again."""

import ast
from collections import Counter
from collections.abc import Set

from course_lib.grading.notebooks.namespaces import names_bound, python_of


def added_code(source: str, known: Set[str]) -> str:
    """Returns the statements of an edited cell that define something new, an import or a function say, word for word.

    Args:
        source: the cell as the student left it.
        known: the names that the release's own cells define; what redefines only these is left out.

    Returns:
        The statements, empty if there are none or the cell is no Python.

    Example:
        >>> added_code("import math\\nimport numpy as np\\nx = 2", {"math", "x"})
        'import numpy as np'
    """
    try:
        statements = ast.parse(python_of(source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    lines, kept = source.split("\n"), dict[str, None]()
    for statement in statements:
        first = min([statement.lineno, *(decorator.lineno for decorator in getattr(statement, "decorator_list", ()))])
        if names_bound(ast.unparse(statement)) - known:
            kept["\n".join(lines[first - 1 : statement.end_lineno])] = None
    return "\n".join(kept)


def added_text(source: str, released: str) -> str:
    """Returns the lines that a student added to a locked cell of words; empty if anything of the release's is gone from it.

    Example:
        >>> added_text("Why?\\nBecause.", "Why?")
        'Because.'
    """
    theirs = Counter(line.rstrip() for line in released.split("\n"))
    added = []
    for line in source.split("\n"):
        if theirs[line.rstrip()]:
            theirs[line.rstrip()] -= 1
        else:
            added.append(line)
    return "" if any(line.strip() for line in theirs.elements()) else "\n".join(added).strip("\n")
