"""A hidden check that nobody can fail is named, and one on a visible line is let alone."""

import pytest
import torch
from forked_student import student
from test_author_lint import TEST, notebook
from test_execution import F, G, book

from course_lib import check
from course_lib.grading.authoring.author_lint import lint
from course_lib.grading.authoring.vacuous import vacuous_faults
from course_lib.grading.judging.jobs import Job, Plan
from course_lib.grading.judging.judge import judge_cell
from course_lib.grading.judging.precedents import EDIT, Precedents
from course_lib.grading.judging.rehearsal import doubts

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
BEFORE = "x = torch.ones(2)\nbefore = x.clone()\n"


def hidden(code, visible="f(torch.ones(2))"):
    return f"{visible}\n{BEGIN}\n{code}\n{END}"


def test_what_this_is_about():
    """A function that changes its input passes where only hidden lines look, and fails where visible ones do."""
    asks = BEFORE + "f(x)\ncheck.unchanged(x, before, name='x')"
    for test, points in ((hidden(asks), 2.0), (asks, 0.0)):
        with student("def f(x): x.zero_()") as link:
            link.precedents = Precedents(())
            names = {"torch": torch, "check": check, **link.names("f")}
            assert judge_cell(test, names=names, points=2.0, link=link).score == points
        assert bool(vacuous_faults(test, {"f"})) == bool(points)


@pytest.mark.parametrize(
    "code",
    [
        BEFORE + "f(x)\ncheck.unchanged(x, before, name='x')",
        BEFORE + "f(x)\nassert torch.equal(x, before), 'leave x alone'",
        BEFORE + "f(x)\nassert torch.equal(before, x) and True",
        BEFORE + "f(x)\nassert (x == before).all()",
        BEFORE + "f(x)\nassert torch.all(x == before)",
        BEFORE + "f(x)\nassert x.equal(before)",
        BEFORE + "f(1, x=x)\ntorch.testing.assert_close(x, before)",
        "x = [1, 2]\nbefore = x[:]\nf(x)\nassert x == before",
        "x = [1, 2]\nbefore = copy.deepcopy(x)\nf(before)\nassert x == before",
        "x, y = [1, 2], [3]\nold, older = list(x), list(y)\ngot = f(x, y)\nassert y == older",
        "x = torch.tensor([1., 2.])\nf(x)\nassert torch.equal(x, torch.tensor([1., 2.]))",
        "for x in (torch.ones(2), torch.ones(3)):\n    before = x.detach().clone()\n    f(x)\n    check.unchanged(x, before, name='x')",
    ],
)
def test_a_hidden_check_of_an_input_is_named(code):
    (fault,) = vacuous_faults(hidden(code), {"f"})
    assert "is compared with what it was, on a hidden line" in fault
    assert vacuous_faults(code, {"f"}) == [], "on visible lines it is sound"


@pytest.mark.parametrize(
    "code",
    [
        BEFORE + "f(x)\nassert not torch.equal(x, before)",
        BEFORE + "f(x)\nassert torch.equal(x, 2 * before)",
        BEFORE + "f(x)\nassert torch.equal(x, before * 2)",
        BEFORE + "assert torch.equal(f(x), before)",
        BEFORE + "check.close(f(x), before)",
        BEFORE + "assert torch.equal(x, before)\nf(x)",
        "x = [2, 1]\nf(x)\nassert x == [1, 2]",
        "x = [2, 1]\nassert f(x) == [2, 1]",
        "x = [2, 1]\ny = f(x)\nassert y == x",
        "x = y = [2, 1]\nassert f(x) == f(y)",
    ],
)
def test_what_asks_something_is_let_alone(code):
    assert vacuous_faults(hidden(code), {"f"}) == []


def test_where_visible_lines_pass_it_too_a_hidden_comparison_asks_something():
    assert vacuous_faults(hidden("check.unchanged(x, before, name='x')", visible=BEFORE + "f(x)"), {"f"}) == []


def test_the_authors_lint_says_it():
    test = f"{TEST}\n{BEGIN}\n" + BEFORE.replace("\n", ";") + "double(x); assert torch.equal(x, before)\n" + END
    assert any("on a hidden line" in fault for fault in lint(notebook(test=test))), lint(notebook(test=test))


def test_the_rehearsal_says_it_of_a_course_that_no_lint_has_seen():
    test = hidden(BEFORE + "f(x)\nassert torch.equal(x, before)")
    job = Job("", "set", "book", book(F, G, test_f=test), book("", ""), None)
    (doubt,) = doubts(job, Plan())
    assert doubt.startswith("test_f: line 6: x is compared with what it was")
    assert doubts(job, Plan(precedents={"test_f": frozenset({EDIT})})) == [], "where the solution changes inputs, students' changes count"
    assert doubts(job, Plan(inside=frozenset({"test_f"}))) == [
        "test_f can only be run in the student's own process, where marks can be forged"
    ]
