"""Where the names of a test cell come from: the instructor's own cells, which may run where the judge is, or a student's, which may not.

needs = Names(instructors_notebook).needed(index_of_a_test_cell)
needs.cells, needs.student, needs.unknown
"""

import ast
import builtins
import re
import symtable
from dataclasses import dataclass

from nbformat import NotebookNode

from course_lib.grading.notebooks.cells import is_solution, is_test, meta

_BUILT_IN = set(vars(builtins)) | {"__name__"}
_SHELL = re.compile(r"^(\s*)([%!?].*|\S.*\?)$")
_IN_ORDER = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Assert)  # what is read here is read before anything is bound


def python_of(source: str) -> str:
    """Returns a cell's code without the lines that only IPython understands; the other lines keep their numbers.

    A cell that begins with a cell magic has no Python at all.
    """
    if source.lstrip().startswith("%%"):
        return ""
    return "\n".join(_SHELL.sub(r"\1pass", line) for line in source.split("\n"))


def names_read(source: str) -> set[str]:
    """Returns the names that code takes from around it: no built-ins, nothing that it binds first; of broken code every word.

    Example:
        >>> sorted(names_read("y = f(x)\\ndef g(a):\\n    return a + b + y"))
        ['b', 'f', 'x']
    """
    try:
        return _read_in_order(ast.parse(python_of(source)).body) - _BUILT_IN
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # some code parses and does not compile: def f(x, x)
        return set(re.findall(r"[^\W\d]\w*", source)) - _BUILT_IN


def _read_in_order(statements: list[ast.stmt]) -> set[str]:
    found: set[str] = set()
    bound: set[str] = set()
    late: set[str] = set()  # read by functions, when they are called
    for statement in statements:
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
        here, given = _read_at_once(table), _bound_by(table)
        found |= here - bound if isinstance(statement, _IN_ORDER) else here - bound - given
        late |= {name for child in table.get_children() for name in _global_reads(child)}
        if isinstance(statement, ast.AugAssign):
            found |= given - bound
        bound |= given
    return found | (late - bound)


def names_bound(source: str) -> set[str]:
    """Returns the names to which code gives something at its top level; ``*`` stands for a star import. Empty for broken code."""
    try:
        tree = ast.parse(python_of(source))
        table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    stars = {"*" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"}
    return _bound_by(table) | stars


@dataclass(frozen=True)
class Needs:
    """What a cell stands on.

    Attributes:
        cells: indices of the instructor's own cells that must have run, in order.
        student: names that students' cells define, for this cell or for one of those.
        unknown: names that come from nowhere, or from another test cell.
    """

    cells: tuple[int, ...]
    student: frozenset[str]
    unknown: frozenset[str]


class Names:
    """Who defines what in a notebook.

    Args:
        cells: the notebook's cells.
    """

    def __init__(self, cells: list[NotebookNode]):
        self.cells = cells
        self._bound = [names_bound(cell.source) if cell.cell_type == "code" else set() for cell in cells]
        self._read = [names_read(cell.source) if cell.cell_type == "code" else set() for cell in cells]

    def needed(self, index: int) -> Needs:
        """Returns what the cell at an index stands on, followed back through the instructor's cells."""
        cells = {i for i in range(index) if "*" in self._bound[i] and _is_instructors(self.cells[i])}
        student: set[str] = set()
        unknown: set[str] = set()
        todo = [(name, place) for place in (index, *cells) for name in self._read[place]]
        starred = bool(cells)
        while todo:
            name, before = todo.pop()
            place = next((i for i in range(before - 1, -1, -1) if name in self._bound[i]), None)
            if place is None:
                unknown |= set() if starred else {name}
            elif is_solution(self.cells[place]):
                student.add(name)
            elif not _is_instructors(self.cells[place]):
                unknown.add(name)
            elif place not in cells:
                cells.add(place)
                todo += [(other, place) for other in self._read[place]]
        return Needs(tuple(sorted(cells)), frozenset(student), frozenset(unknown))

    def bound(self, index: int) -> set[str]:
        """Returns the names that a cell binds."""
        return self._bound[index]

    def idle(self, first: int) -> set[int]:
        """Returns the locked cells after a place that bind nothing which a student's cell, a test or another busy cell reads."""
        late = [i for i in range(first, len(self.cells)) if self.cells[i].cell_type == "code"]
        idle = {i for i in late if _is_instructors(self.cells[i]) and meta(self.cells[i]).get("locked")}
        while True:
            busy = {
                i for i in idle if any(i < j and j not in idle and self._read[j] & self._bound[i] for j in late) or "*" in self._bound[i]
            }
            if not busy:
                return idle
            idle -= busy


def _is_instructors(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and not is_solution(cell) and not is_test(cell)


def _bound_by(table: symtable.SymbolTable) -> set[str]:
    inside = {symbol.get_name() for part in _functions(table) for symbol in part.get_symbols() if symbol.is_declared_global()}
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()} | inside


def _read_at_once(table: symtable.SymbolTable) -> set[str]:
    """Read while the statement runs: at its top level, in comprehensions and class bodies, in defaults and decorators."""
    at_once = [child for child in table.get_children() if child.get_name() in _COMPREHENSIONS or child.get_type() == "class"]
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()} | {
        name for child in at_once for name in _global_reads(child)
    }


_COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}


def _functions(table: symtable.SymbolTable) -> list[symtable.SymbolTable]:
    return [inner for child in table.get_children() for inner in (child, *_functions(child))]


def _global_reads(table: symtable.SymbolTable) -> set[str]:
    here = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and symbol.is_global()}
    return here | {name for child in table.get_children() for name in _global_reads(child)}
