"""Every name of a test cell is found where it comes from, in real problem sets and in awkward code."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from course_lib.grading.notebooks.cells import grade_id, imports_cell, is_solution, is_test
from course_lib.grading.notebooks.namespaces import Names, names_bound, names_read, python_of

SETS = sorted(Path(__file__).parents[1].glob("solutions/*/*.ipynb"))


def code(source: str, *, grade: bool = False, solution: bool = False, name: str = "") -> nbformat.NotebookNode:
    cell = new_code_cell(source)
    if name:
        cell.metadata.nbgrader = nbformat.NotebookNode(grade=grade, solution=solution, locked=not solution, grade_id=name, points=1)
    return cell


@pytest.mark.parametrize(
    ("source", "read", "bound"),
    [
        ("y = f(x)", {"f", "x"}, {"y"}),
        ("x = f(x)", {"f", "x"}, {"x"}),
        ("x += 1", {"x"}, {"x"}),
        ("for i in z:\n    print(i)", {"z"}, {"i"}),
        ("import a.b as c, d.e\nc(d)", set(), {"c", "d"}),
        ("def g(a, b=default):\n    return a + late + g", {"default", "late"}, {"g"}),
        ("def g():\n    return late\nlate = 1", set(), {"g", "late"}),
        ("def g():\n    global made\n    made = 1", set(), {"g", "made"}),
        ("class A(B):\n    k = m\n    def h(self):\n        return A.k + n", {"B", "m", "n"}, {"A"}),
        ("t = [q for q in w if q]\nq", {"w", "q"}, {"t"}),
        ("with a as b:\n    b", {"a"}, {"b"}),
        ("try:\n    f()\nexcept ValueError as e:\n    e\nelse:\n    g", {"f", "g"}, {"e"}),
        ("from m import *", set(), {"*"}),
        ("%matplotlib inline\n!ls\nx?\ny = 1", set(), {"y"}),
        ("%%bash\nls", set(), set()),
        ("a, (b, *c) = d", {"d"}, {"a", "b", "c"}),
        ("f'{u}{v!r:>{w}}'", {"u", "v", "w"}, set()),
    ],
)
def test_what_code_reads_and_binds(source, read, bound):
    assert names_read(source) == read
    assert names_bound(source) == bound


def test_broken_code_binds_nothing_and_may_read_every_word_of_it():
    assert names_read("def f(x)\n    return y") >= {"x", "y"}
    assert names_bound("def f(x)\n    return y") == set()


@pytest.mark.parametrize(
    "source",
    [
        "def step(x, rate, rate): return y",
        "def f():\n    print(c, y)\n    global c",
        "def f():\n    from math import *\n    y",
        "nonlocal x\ny",
        "y = " + "+".join(["1"] * 5_000),
        "y = 0x" + "f" * 5_000,
        "y\0",
    ],
    ids=["twice", "global", "star", "nonlocal", "deep", "long", "zero"],
)
def test_what_parses_and_does_not_compile_may_read_every_word_of_it(source):
    assert names_read(source) >= ({"y"} if "y = " not in source else set())
    assert isinstance(names_bound(source), set)


def test_lines_of_the_shell_keep_their_numbers():
    assert python_of("a = 1\n%time b\n  !ls\nc = 2").split("\n") == ["a = 1", "pass", "  pass", "c = 2"]


@pytest.mark.parametrize("file", SETS, ids=lambda file: file.stem)
def test_a_test_cell_of_the_course_stands_on_imports_and_on_students_names_alone(file):
    notebook = nbformat.read(file, as_version=4)
    names = Names(notebook.cells)
    imports = {i for i, cell in enumerate(notebook.cells) if imports_cell(cell)}
    checked = [i for i, cell in enumerate(notebook.cells) if is_test(cell)]
    assert checked
    for i in checked:
        needs = names.needed(i)
        assert not needs.unknown
        assert set(needs.cells) <= imports
        assert needs.student


@pytest.mark.parametrize("file", SETS, ids=lambda file: file.stem)
def test_grading_leaves_out_the_pictures_of_a_problem_set_and_keeps_its_imports(file):
    notebook = nbformat.read(file, as_version=4)
    first = next(i for i, cell in enumerate(notebook.cells) if is_solution(cell))
    idle = {grade_id(notebook.cells[i]) for i in Names(notebook.cells).idle(first)}
    assert idle
    assert "imports" not in idle
    assert not any(is_test(cell) or is_solution(cell) for cell in notebook.cells if grade_id(cell) in idle)


def test_needs_are_followed_back_through_the_instructors_cells():
    cells = [
        code("import numpy as np"),
        code("def f(x): return x", solution=True, name="f"),
        code("data = np.arange(3)", name="data"),
        code("half = f(data)", name="half"),
        code("assert half.sum() == nowhere", grade=True, name="test"),
    ]
    needs = Names(cells).needed(4)
    assert needs.cells == (0, 2, 3)
    assert needs.student == {"f"}
    assert needs.unknown == {"nowhere"}


def test_a_name_that_another_test_binds_is_unknown():
    cells = [code("a = 1", grade=True, name="first"), code("assert a == 1", grade=True, name="second")]
    assert Names(cells).needed(1).unknown == {"a"}


def test_the_last_cell_before_that_binds_a_name_gives_it():
    cells = [
        code("f = 1", name="locked"),
        code("f = 2", solution=True, name="f"),
        code("assert f", grade=True, name="test"),
        code("f = 3", name="later"),
    ]
    needs = Names(cells).needed(2)
    assert needs.student == {"f"}
    assert not needs.cells


def test_a_star_import_may_give_any_name():
    cells = [code("from math import *"), code("assert sqrt(4) == 2", grade=True, name="test")]
    needs = Names(cells).needed(1)
    assert needs.cells == (0,)
    assert not needs.unknown


def test_a_locked_cell_is_idle_unless_something_that_runs_reads_what_it_binds():
    cells = [
        code("x = 1", solution=True, name="x"),
        code("drawn = x", name="drawn"),
        code("shown = drawn", name="shown"),
        code("kept = x", name="kept"),
        code("y = kept", solution=True, name="y"),
        code("mine = 1"),
    ]
    assert Names(cells).idle(0) == {1, 2}
