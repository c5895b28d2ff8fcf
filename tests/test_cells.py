"""The parts of a problem set are told apart."""

from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.grading.notebooks.cells import grade_id, imports_cell, is_solution, is_test


def marked(source: str, *, grade: bool = False, solution: bool = False, name: str = "here", markdown: bool = False):
    make = new_markdown_cell if markdown else new_code_cell
    return make(source, metadata={"nbgrader": {"grade": grade, "solution": solution, "grade_id": name}})


def test_what_a_cell_is_for():
    assert is_test(marked("f(1)", grade=True))
    assert not is_test(marked("f(1)", grade=True, solution=True))
    assert not is_test(marked("words", grade=True, solution=True, markdown=True))
    assert is_solution(marked("", solution=True))
    assert not is_solution(new_code_cell("x"))
    assert grade_id(new_code_cell("x")) == ""
    assert imports_cell(marked("import torch", name="imports"))
    assert not imports_cell(new_code_cell("import torch"))
