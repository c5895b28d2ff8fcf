"""Which answers look alike: fingerprints of code that survive new names, new comments and another order, with the skeleton taken away.

Code is read as the tree that Python reads, so that layout, comments, docstrings and annotations are gone before anything is compared, and
every name that is not Python's own becomes the same word; prose is read word by word. Likeness is a reason to read two answers side by
side, and never a mark: who wrote first, who helped whom and what both found in a book is for a person to judge.
"""

import ast
import builtins
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from nbformat import NotebookNode
from scipy import sparse

from course_lib.grading.notebooks.cells import grade_id, is_solution
from course_lib.grading.notebooks.namespaces import python_of

NOISE = 8  # k: matches of fewer tokens are chance
OWN = "cells of their own"
GUARANTEE = 11  # t: matches of so many tokens are always found
SHARE = 0.6  # of the shorter one's fingerprints: above it a person should look
EVIDENCE = 16  # shared fingerprints, below which even equal answers say nothing: short tasks have few ways to be solved
FEW = 4  # students: what no more of them wrote counts in full
_LONGEST = 100_000  # characters of one answer that are read
_BUILT_IN = frozenset(dir(builtins))
_SILENT = (ast.Import, ast.ImportFrom, ast.expr_context, ast.Pass)
_TRANSPARENT = (ast.Module, ast.Expr, ast.arguments)


@dataclass(frozen=True)
class Pair:
    """Two students whose answers look alike.

    Attributes:
        first: a student's id.
        second: the other's, later in order.
        score: how much of the shorter of the two is found in the other, 0 to 1.
        alike: the same for each answer that shares anything, by grade id.
        length: how many fingerprints they share; the more, the less is chance.
    """

    first: str
    second: str
    score: float
    alike: Mapping[str, float]
    length: int


def pairs(answers: Mapping[str, Mapping[str, str]], skeleton: Mapping[str, str]) -> list[Pair]:
    """Returns the pairs of students whose answers look alike, the most alike first.

    Left out is what the skeleton gave, and what more than ``FEW`` students and more than a fifth of the class wrote: the usual way to solve
    a task is no sign of copying. A pair is named if it shares ``SHARE`` of the shorter one's fingerprints that are left, and ``EVIDENCE``
    of them, where one that c of N students wrote, c > ``FEW``, counts as log(N / c) / log(N / ``FEW``).

    Args:
        answers: source of each answer, by student and grade id.
        skeleton: what students were given in each of these cells, by grade id; one cell's skeleton is taken from every answer.

    Example:
        >>> ratio = "def f(x):\\n    return [a / b for a, b in zip(x, x[1:]) if b > 0 and sum(x) < a + b]"
        >>> power = "def g(x, y):\\n    return max(abs(a - b) ** 3 for a in x for b in y if a * b > len(x) - len(y))"
        >>> first = ratio + "\\n" + power
        >>> second = "# my own work\\n" + power.replace("y", "other") + "\\n" + ratio.replace("x", "data")
        >>> [round(pair.score, 1) for pair in pairs({"01": {"f": first}, "02": {"f": second}}, {"f": "def f(x):\\n    ..."})]
        [0.9]

    References:
        Schleimer, Wilkerson, Aiken: Winnowing: Local Algorithms for Document Fingerprinting, SIGMOD 2003.
    """
    students = sorted(answers)
    given = {mark for source in skeleton.values() for mark in fingerprints(tokens(source))}
    found = {name: {task: fingerprints(tokens(source)) - given for task, source in answers[name].items()} for name in students}
    whole = {name: frozenset().union(*found[name].values()) for name in students}
    seen = Counter(mark for marks in whole.values() for mark in marks)
    usual = {mark for mark, times in seen.items() if times > max(FEW, len(students) / 5)}
    rarity = {mark: 1.0 if seen[mark] <= FEW else math.log(len(students) / seen[mark]) / math.log(len(students) / FEW) for mark in seen}
    whole = {name: marks - usual for name, marks in whole.items()}
    named = []
    for i, j, shared, evidence in _shared([whole[name] for name in students], rarity):
        first, second = students[i], students[j]
        score = shared / min(len(whole[first]), len(whole[second]))
        if evidence >= EVIDENCE and score >= SHARE:
            named.append(Pair(first, second, score, _by_task(found[first], found[second], usual), shared))
    return sorted(named, key=lambda pair: (-pair.score, -pair.length, pair.first, pair.second))


def answers_of(notebook: NotebookNode, released: NotebookNode) -> dict[str, str]:
    """Returns what a student wrote: each answer by its grade id, and under ``OWN`` the code of cells that were not given out, helpers say."""
    answers = {grade_id(cell): cell.source for cell in notebook.cells if is_solution(cell)}
    given = {cell.source for cell in released.cells}
    own = [cell.source for cell in notebook.cells if cell.cell_type == "code" and not grade_id(cell) and cell.source not in given]
    return answers | ({OWN: "\n".join(map(python_of, own))} if own else {})


def tokens(source: str) -> list[str]:
    """Returns what an answer says, whatever its names and its layout: nodes of Python's tree in their order; words where it is no Python.

    Example:
        >>> tokens("def f(x):\\n    return x.sum() / 2  # half") == tokens("def g(data): return (data.sum()/2)")
        True
    """
    tree = _tree(source)
    return re.findall(r"[぀-ヿ一-鿿]|[^\W_]+|[^\w\s]", source[:_LONGEST].lower()) if tree is None else list(_nodes(tree))


def words(text: str) -> list[str]:
    """Returns the words of a text, small letters and no punctuation; each Japanese character is a word."""
    return re.findall(r"[぀-ヿ一-鿿]|[^\W_]+", text[:_LONGEST].lower())


def is_code(source: str) -> bool:
    """Whether Python can read it; a single word is code too."""
    return _tree(source) is not None


def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(source[:_LONGEST])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def fingerprints(words: Sequence[str], *, noise: int = NOISE, guarantee: int = GUARANTEE) -> frozenset[int]:
    """Returns the fingerprints of a text by winnowing.

    Each run of ``noise`` tokens has a number, h; of every ``guarantee - noise + 1`` numbers in a row the smallest is kept. Two texts
    that share ``guarantee`` tokens in a row share a fingerprint, and none that share fewer than ``noise`` do (but for equal numbers of
    different runs, one in 2³² each).

    Args:
        words: the tokens of a text.
        noise: k, the length of the runs.
        guarantee: t, the shortest match that is always found.

    Raises:
        ValueError: if not ``0 < noise <= guarantee``.

    References:
        Schleimer, Wilkerson, Aiken: Winnowing: Local Algorithms for Document Fingerprinting, SIGMOD 2003: w = t − k + 1.
    """
    if not 0 < noise <= guarantee:
        raise ValueError(f"the guarantee must be at least the noise, and that above 0; got noise {noise}, guarantee {guarantee}")
    runs = ["\x00".join(words[i : i + noise]) for i in range(len(words) - noise + 1)]
    numbers = [zlib.crc32(run.encode("utf-8", "surrogatepass")) for run in runs]
    window = guarantee - noise + 1
    return frozenset(min(numbers[i : i + window]) for i in range(max(len(numbers) - window + 1, min(len(numbers), 1))))


def _nodes(tree: ast.AST) -> Iterator[str]:
    """The nodes of a tree from the top down, each as one token; written with a stack, as students' code may nest deeply."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _SILENT) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # the latter is a docstring
            continue
        if not isinstance(node, _TRANSPARENT):
            yield _word(node)
        fields = [value for field, value in ast.iter_fields(node) if field not in ("annotation", "returns")]
        children = [child for value in fields for child in (value if isinstance(value, list) else [value])]
        waiting += [child for child in reversed(children) if isinstance(child, ast.AST)]


def _word(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f".{node.attr}"
    if isinstance(node, ast.Name):
        return node.id if node.id in _BUILT_IN else "name"
    if isinstance(node, ast.Constant):
        return "text" if isinstance(node.value, str | bytes) else repr(node.value)
    return "Assign" if isinstance(node, ast.AnnAssign) else type(node).__name__


def _shared(marks: Sequence[frozenset[int]], rarity: Mapping[int, float]) -> Iterator[tuple[int, int, int, float]]:
    """Every two texts that share fingerprints, how many, and how much these count together."""
    columns = {mark: i for i, mark in enumerate(sorted(frozenset().union(*marks)))}
    rows = np.repeat(np.arange(len(marks)), [len(each) for each in marks])
    places = np.array([columns[mark] for each in marks for mark in each], dtype=np.int64)
    table = sparse.csr_array((np.ones(len(places), dtype=np.int32), (rows, places)), shape=(len(marks), max(len(columns), 1)))
    both = sparse.triu(table @ table.T, k=1).tocoo()
    weight = np.array([rarity[mark] for mark in columns] or [0.0])
    evidence = ((table * weight) @ table.T).toarray()[both.row, both.col]
    yield from zip(both.row.tolist(), both.col.tolist(), both.data.tolist(), evidence.tolist(), strict=True)


def _by_task(first: Mapping[str, frozenset[int]], second: Mapping[str, frozenset[int]], usual: set[int]) -> dict[str, float]:
    alike = {}
    for task in first:
        mine, theirs = first[task] - usual, second.get(task, frozenset()) - usual
        if mine & theirs:
            alike[task] = len(mine & theirs) / min(len(mine), len(theirs))
    return alike
