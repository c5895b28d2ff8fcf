"""What a student may not see is found."""

from nbformat.v4 import new_markdown_cell, new_notebook
from test_cells import marked

from course_lib.grading.notebooks.markers import HIDDEN, regions, secret_lines, visible_part

TEST = "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(20_000) == 40_000\n### END HIDDEN TESTS\nassert f(2) == 4\n### BEGIN HIDDEN TESTS\nassert f(3) == 6 * 1\n### END HIDDEN TESTS"


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
