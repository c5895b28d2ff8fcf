"""What no judge could judge in a test cell is named, and what a test may do is let alone."""

import pytest
from test_author_lint import SOLUTION, TEST, notebook

from course_lib.grading.authoring.author_lint import lint
from course_lib.grading.authoring.judgeable import judging_faults


def test_a_cell_alone():
    assert judging_faults("assert double(2) == 4", set(), {"double"}, set()) == []
    assert SOLUTION.startswith("def double")
    (fault,) = judging_faults("assert np.allclose(double(2), 4)", {"np"}, {"double"}, set())
    assert "compare the shape" in fault


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("import inspect; inspect.getsource(double)", "the module inspect"),
        ("from unittest import mock", "the module unittest"),
        ("import os.path", "the module os.path"),
        ("globals()['double']", "globals()"),
        ("get_ipython()", "get_ipython()"),
        ("%timeit double(1)", "no magics"),
        ("!ls", "no magics"),
        ("assert double(torch.ones(1)) is not before", "it uses before"),
        ("a = b = torch.ones(1); assert double(a) is b", "identity (is)"),
        ("double(torch.ones(1)).data_ptr()", ".data_ptr"),
        ("isinstance(double(1), double)", "isinstance of the student's double"),
        ("double(torch.ones(1)).frobnicate()", ".frobnicate() is called on what a student's function returned"),
        ("result = double(torch.ones(1)); result.frobnicate()", ".frobnicate() is called"),
        ("torch.autograd.grad(double(x := torch.ones(1, requires_grad=True)), x, create_graph=True)", "gradients of gradients"),
        ("double(torch.optim.SGD([torch.ones(1)], 0.1))", "an optimiser (torch.optim) cannot be passed"),
        ("opt = torch.optim.SGD([torch.ones(1)], 0.1); double(x=opt)", "an optimiser (torch.optim) cannot be passed"),
        ("try:\n    double(1)\nexcept:\n    pass", "except without `Exception`"),
        ("try:\n    double(1)\nexcept (ValueError, BaseException):\n    pass", "except without `Exception`"),
        ("eval('double(1)')", "eval()"),
        ("open('marks.csv')", "open()"),
        ("assert double(torch.ones(1)) == made_elsewhere", "it uses made_elsewhere"),
    ],
)
def test_what_no_judge_could_judge(line, fault):
    assert any(fault in found for found in lint(notebook(test=f"{line}\n{TEST}"))), lint(notebook(test=f"{line}\n{TEST}"))


@pytest.mark.parametrize(
    "line",
    [
        "assert double(torch.ones(1)).sum() > 0",
        "result = double(torch.ones(1)); result.norm()",
        "assert double(torch.ones(1)) is not None",
        "def reference(x):\n    return [v for v in x]\nreference(double(torch.ones(1)))",
        "with torch.no_grad():\n    value = double(torch.ones(1))",
        "from scipy.stats import norm; norm.pdf(0)",
        "opt = torch.optim.SGD([x := torch.ones(1, requires_grad=True)], 0.1); double(x).sum().backward(); opt.step()",
        "try:\n    double(torch.ones(1))\nexcept ValueError as error:\n    print(error)",
    ],
)
def test_what_a_test_may_do(line):
    assert lint(notebook(test=f"{line}\n{TEST}")) == []


def test_a_test_ends_in_an_assertion_or_a_number():
    assert any("write assert before it" in line for line in lint(notebook(test=f"{TEST}\ndouble(2) == 4")))
    assert any("write assert before it" in line for line in lint(notebook(test=f"{TEST}\ndouble(2) == 4 and double(1) == 2")))
    assert lint(notebook(test=f"{TEST}\nsum(double(n) == 2 * n for n in (1, 2))")) == []


def test_methods_of_a_students_class_may_be_called_but_not_those_of_a_record():
    line = "model = Model(); model.fit(torch.ones(2))"
    model = "class Model:\n    def fit(self, x):\n        ### BEGIN SOLUTION\n        return x\n        ### END SOLUTION"
    assert lint(notebook(test=f"{line}\n{TEST.replace('double', 'Model')}", solution=model)) == []
    record = "from dataclasses import dataclass\n@dataclass(frozen=True)\n" + model
    assert any(".fit() is called" in fault for fault in lint(notebook(test=f"{line}\n{TEST.replace('double', 'Model')}", solution=record)))
