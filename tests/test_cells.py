"""The parts of a problem set are told apart, and what a student may not see is found."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.cells import (
    HIDDEN,
    grade_id,
    imports_cell,
    is_solution,
    is_test,
    names_defined,
    names_used,
    regions,
    secret_lines,
    visible_part,
)


def marked(source: str, *, grade: bool = False, solution: bool = False, name: str = "here", markdown: bool = False):
    make = new_markdown_cell if markdown else new_code_cell
    return make(source, metadata={"nbgrader": {"grade": grade, "solution": solution, "grade_id": name}})


TEST = "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(20_000) == 40_000\n### END HIDDEN TESTS\nassert f(2) == 4\n### BEGIN HIDDEN TESTS\nassert f(3) == 6 * 1\n### END HIDDEN TESTS"


def test_what_a_cell_is_for():
    assert is_test(marked("f(1)", grade=True))
    assert not is_test(marked("f(1)", grade=True, solution=True))
    assert not is_test(marked("words", grade=True, solution=True, markdown=True))
    assert is_solution(marked("", solution=True))
    assert not is_solution(new_code_cell("x"))
    assert grade_id(new_code_cell("x")) == ""
    assert imports_cell(marked("import torch", name="imports"))
    assert not imports_cell(new_code_cell("import torch"))


def test_a_student_sees_all_but_the_hidden_tests():
    assert visible_part(marked(TEST, grade=True)) == "assert f(1) == 2\nassert f(2) == 4\n"
    assert list(regions(TEST, HIDDEN)) == ["assert f(20_000) == 40_000\n", "assert f(3) == 6 * 1\n"]


def test_secret_lines_are_those_of_solutions_hidden_tests_and_model_answers():
    cells = [
        marked(
            "def f(x):\n    ### BEGIN SOLUTION\n    import math\n    # a comment\n    doubled = 2 * x\n    return x\n    ### END SOLUTION",
            solution=True,
        ),
        marked(TEST, grade=True, name="test_f"),
        marked("Because it is twice as large.", grade=True, solution=True, markdown=True, name="words"),
        new_markdown_cell("Everyone may read this line."),
    ]
    assert secret_lines(new_notebook(cells=cells)) == {
        "doubled = 2 * x": "here",
        "assert f(20_000) == 40_000": "test_f",
        "assert f(3) == 6 * 1": "test_f",
        "Because it is twice as large.": "words",
    }


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import torch.linalg as la, math\nfrom a.b import c as d", {"la", "math", "d"}),
        ("def f(x):\n    y = x\n    return y", {"f"}),
        ("class G:\n    pass\na, (b, *c) = 1, (2, 3)\nfor i in a:\n    j = i", {"G", "a", "b", "c", "i", "j"}),
    ],
)
def test_names_defined_at_the_top(source, names):
    assert names_defined(new_code_cell(source)) == names


def test_names_used():
    assert names_used(new_code_cell("y = f(x) + g.h(z=1)")) == {"f", "x", "g"}
