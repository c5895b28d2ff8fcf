"""A test cell that reads again what it has passed is found, and so is one that constants satisfy."""

import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.authoring.forgeries import load_forged, read_again, unpunished

IMPORTS = "import numpy as np\nimport torch\nfrom course_lib import check"
SOLUTION = """def total(x):
    return sum(map(total, x)) if isinstance(x, list) else sum(map(total, x.values())) if isinstance(x, dict) else x.sum()


def halve(x):
    x /= 2


def steep(w, x):
    return (w * x**2).sum()"""


def _notebook(hidden, *, visible=""):
    marks = {
        name: {"nbgrader": {"grade_id": name, "grade": name == "test", "solution": name == "solution"}}
        for name in ("imports", "solution", "test")
    }
    cells = [new_code_cell(IMPORTS, metadata=marks["imports"]), new_code_cell(SOLUTION, metadata=marks["solution"])]
    test = f"def check_all():\n    x = torch.tensor([1.0, 2.0, 4.0])\n{visible}    ### BEGIN HIDDEN TESTS\n{hidden}    ### END HIDDEN TESTS\n\n\ncheck_all()"
    return new_notebook(cells=[*cells, new_code_cell(test, metadata={**marks["test"]})])


@pytest.mark.parametrize(
    "hidden",
    [
        "    got = total(x)\n    check.close(got, x.sum())\n",
        "    check.close(total(x), x.sum())\n",  # the arguments of a call are worked out from the left
        "    check.close(total(x=x), x.sum())\n",
        "    check.close(total(x[:2]), x[:2].sum())\n",
        "    check.close(total([x, x]), 2 * x.sum())\n",
        "    check.close(total({'x': x}), x.sum())\n",
        "    many = [x.clone(), x.clone()]\n    check.close(total(many), len(many) * x.sum())\n",
        "    y = np.arange(4.0)\n    check.that(total(y) == y.sum(), 'no')\n",
        "    y = torch.tensor([True, False, False])\n    check.close(total(y), y.sum())\n",
        "    w = torch.ones(3, requires_grad=True)\n    steep(w, x).backward()\n    check.close(w.grad, x**2)\n",
        "    y = torch.tensor([1.0, torch.nan])\n    total(y)\n    check.that(float(y[0]) == 1, 'no')\n",
        "    for _ in range(2):\n        check.close(total(x), 7.0)\n",
    ],
)
def test_what_is_read_again_is_found(hidden):
    (found,) = read_again(_notebook(hidden))
    assert found.startswith("test: ")


@pytest.mark.parametrize(
    "hidden",
    [
        "    right = x.sum()\n    check.close(total(x), right)\n",
        "    check.close(total(x.clone()), x.sum())\n",
        "    check.close(total([x.clone(), x.clone()]), 2 * x.sum())\n",
        "    check.close(total(x[:1].expand(5)), 5 * x[0])\n    y = np.broadcast_to(1.0, 3)\n    check.that(total(y) == y.sum(), 'no')\n",
        "    halve(x)\n    check.close(x, torch.tensor([0.5, 1.0, 2.0]))\n",  # a task that changes its input is asked to
        "    w = torch.ones(3, requires_grad=True)\n    right = x**2\n    steep(w, x).backward()\n    check.close(w.grad, right)\n",
    ],
)
def test_what_is_worked_out_before_or_copied_is_not(hidden):
    assert read_again(_notebook(hidden)) == []


def test_what_visible_lines_passed_is_not_read_by_hidden_ones():
    visible = "    right = x.sum()\n    check.close(total(x), right)\n"
    (found,) = read_again(_notebook("    check.close(total(torch.tensor([7.0])), x.sum())\n", visible=visible))
    assert found.startswith("test: ")
    assert read_again(_notebook("    check.close(total(torch.tensor([7.0])), right)\n", visible=visible)) == []


def test_a_test_that_the_solution_fails_tells_nothing_here():
    assert read_again(_notebook("    check.close(total(torch.ones(3)), 4.0)\n")) == []


def test_visible_inputs_are_nobodys_secret():
    visible = "    check.close(total(x), x.sum())\n    check.unchanged(x, torch.tensor([1.0, 2.0, 4.0]), name='x')\n"
    assert read_again(_notebook("    check.close(total(torch.ones(3)), 3.0)\n", visible=visible)) == []


def test_forgeries_that_a_test_accepts():
    notebook = _notebook("    check.close(steep(1.0, x), total(x**2))\n")
    constant = {"steep": lambda w, x: torch.tensor(0.0), "total": lambda x: torch.tensor(0.0)}
    assert unpunished(notebook, {"test": {"nothing, twice": constant, "nothing, once": {"total": constant["total"]}}}) == [
        "test · nothing, twice"
    ]


@pytest.mark.parametrize("forged", [{"tset": {"typing error": {}}}, {"test": {"typing error": {"totla": len}}}])
def test_a_forgery_of_nothing_is_refused(forged):
    with pytest.raises(ValueError, match="must name a test cell and functions of the notebook, got t"):
        unpunished(_notebook("    pass\n"), forged)


def test_a_problem_set_may_have_no_forgeries(tmp_path):
    (tmp_path / "ps99.py").write_text("WRONG = {'f': {}}")
    assert load_forged(tmp_path / "ps99.py") == {}
