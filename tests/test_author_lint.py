"""The author's lint lets a sound problem set pass, and names each slip of an author."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.grading.authoring.author_lint import lint

SOLUTION = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
TEST = "check.equal(double(torch.tensor([1])), [2])\n### BEGIN HIDDEN TESTS\ncheck.equal(double(torch.tensor([5])), [10])\n### END HIDDEN TESTS"


def marks(name, *, grade=False, solution=False, points=None):
    said = {"grade": grade, "grade_id": name, "locked": not solution, "schema_version": 3, "solution": solution, "task": False}
    return {"nbgrader": said | ({} if points is None else {"points": points})}


def notebook(test=TEST, solution=SOLUTION):
    cells = [
        new_markdown_cell("# Problem set"),
        new_code_cell("%pip install something"),
        new_code_cell("import math\n\nimport torch\n\nfrom course_lib import check", metadata=marks("imports")),
        new_code_cell(solution, metadata=marks("double", solution=True)),
        new_code_cell(test, metadata=marks("test_double", grade=True, points=2)),
        new_markdown_cell("An answer.", metadata=marks("words", grade=True, solution=True, points=1)),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})


def test_a_sound_problem_set_passes():
    assert lint(notebook()) == []


def test_the_courses_own_problem_sets_pass(root):
    for file in root.glob("solutions/*/*.ipynb"):
        assert lint(nbformat.read(file, as_version=4)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("### BEGIN HIDDEN TESTS", "### BEGIN HIDDEN TEST", "'### BEGIN HIDDEN TEST' is no marker: did you mean '### BEGIN HIDDEN TESTS'?"),
        ("### BEGIN HIDDEN TESTS", "# BEGIN HIDDEN TESTS", "is no marker"),
        ("### BEGIN HIDDEN TESTS", "### Begin hidden tests", "is no marker"),
        ("### BEGIN HIDDEN TESTS", "### BEGIN HIDEN TESTS", "is no marker"),
        ("### BEGIN HIDDEN TESTS", "### HIDDEN TESTS BEGIN", "has no beginning"),
        ("### END HIDDEN TESTS", "", "'### BEGIN HIDDEN TESTS' has no end"),
        ("### END HIDDEN TESTS", "### END HIDDEN TESTS\n### END HIDDEN TESTS", "has no beginning"),
        ("### END HIDDEN TESTS", "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS", "begins before"),
        ("### END HIDDEN TESTS", "### END SOLUTION", "has no beginning"),
    ],
)
def test_markers_of_tests(old, new, fault):
    assert any(fault in line for line in lint(notebook(test=TEST.replace(old, new))))


@pytest.mark.parametrize(
    ("solution", "fault"),
    [
        (SOLUTION.replace("### BEGIN", "### BEGINN"), "is no marker"),
        (SOLUTION.replace("    ### END SOLUTION", ""), "has no end"),
        ("def double(x):\n    return 2 * x", "a solution cell needs '### BEGIN SOLUTION'"),
        (SOLUTION + "\n" + TEST.partition("\n")[2], "hidden tests stand in a cell that is no test"),
    ],
)
def test_markers_of_solutions(solution, fault):
    assert any(fault in line for line in lint(notebook(solution=solution)))


def changed(change):
    made = notebook()
    change(made)
    return lint(made)


def _solution_in_an_unmarked_cell(made):
    made.cells[1].source = SOLUTION


def _twice_the_same_id(made):
    made.cells.append(copy.deepcopy(made.cells[4]))
    made.cells[-1].id = "other"


def _outputs_left(made):
    made.cells[1].outputs = [new_output("stream", text="a result\n")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_solution_in_an_unmarked_cell, "it would be given away"),
        (_twice_the_same_id, "the grade id 'test_double' stands 2 times"),
        (_outputs_left, "outputs are left in"),
        (lambda made: made.cells[1].update(execution_count=3), "outputs are left in"),
        (lambda made: made.cells[4].metadata.nbgrader.update(locked=False), "must be locked"),
        (lambda made: made.cells[3].metadata.nbgrader.update(locked=True), "must not be locked"),
        (lambda made: made.cells[4].metadata.nbgrader.update(points=0), "points must be a number above 0, got 0"),
        (lambda made: made.cells[4].metadata.nbgrader.update(points=float("nan")), "points must be a number above 0"),
        (lambda made: made.cells[4].metadata.nbgrader.pop("points"), "points must be a number above 0, got None"),
        (lambda made: made.cells[3].metadata.nbgrader.update(points=2), "points stand in a cell that is not graded"),
        (lambda made: made.cells[4].metadata.nbgrader.update(grade_id="test double"), "grade_id must be a name"),
        (lambda made: made.cells[4].metadata.nbgrader.pop("schema_version"), "lack schema_version"),
        (lambda made: made.cells[4].metadata.nbgrader.update(schema_version=2), "schema_version must be 3"),
        (lambda made: made.cells[5].metadata.nbgrader.update(grade=False, points=None), "nbgrader refuses the metadata"),
        (lambda made: made.cells.pop(2), "it uses check, which is defined neither here"),
    ],
)
def test_metadata(change, fault):
    assert any(fault in line for line in changed(change)), changed(change)


def test_a_test_shows_something_and_calls_something():
    hidden = TEST.partition("\n")[2]
    assert any("all of its tests are hidden" in line for line in lint(notebook(test="# only hidden tests here\n" + hidden)))
    assert any("calls nothing that a student writes" in line for line in lint(notebook(test="assert torch.ones(1) == 1")))
