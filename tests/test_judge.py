"""One test cell: what it gives, what the student may be told, and that no student gets more than the values are worth."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from forked_student import student

from course_lib import check
from course_lib.grading.authoring import wrong_answers
from course_lib.grading.judging.judge import Verdict, credit, judge_cell, unanswered
from course_lib.grading.notebooks.cells import grade_id, imports_cell, is_solution, is_test
from course_lib.grading.notebooks.namespaces import names_bound, names_read
from course_lib.grading.records import Outcome
from course_lib.grading.sandbox.student_errors import Forged, Gone

CELL = """values = [1.0, 2.0, 4.0]
for x in values:
    check.close(square(x), x * x, name="the square", say=[(2 * x, "this is the double")], otherwise=f"multiply {x} by itself")
assert isinstance(square(2.0), float), "a float is asked for"
### BEGIN HIDDEN TESTS
secret = 7.0
check.close(square(secret), 49.0, name="the square of another number", otherwise=f"right above, wrong for {secret}")
### END HIDDEN TESTS
assert square(0.0) == 0.0"""


def judged(code, cell=CELL, points=3.0, names=("square",), **more):
    with student("import torch\nimport numpy as np\n" + code) as link:
        return judge_cell(cell, names={"check": check, "torch": torch, "np": np, **more, **link.names(*names)}, points=points, link=link)


@pytest.mark.parametrize(
    ("body", "score", "words", "hidden", "message"),
    [
        ("return x * x", 3.0, "", False, ""),
        ("return 2 * x", 0.0, "the square: this is the double", False, "Mistake: The square is 2"),
        ("return x", 0.0, "the square: multiply … by itself", False, "Mistake: The square is 2, but 4"),
        ("return x * x if x != 7 else 3.25", 0.0, "the square of another number: right above, wrong for", True, "3.25, but 49"),
        ("return x * x + (x == 0)", 0.0, "", False, "AssertionError"),
        ("return None", 0.0, "the square: the function ended without giving anything back: is the `return` there?", False, "is None"),
        ("return np.float64(x * x)", 3.0, "", False, ""),
        ("return torch.tensor(x * x, dtype=torch.float64)", 0.0, "a float is asked for", False, "a float is asked for"),
        ("raise ValueError(f'I saw {x}: 49.0')", 0.0, "", False, "ValueError: I saw 1.0: 49.0"),
        ("return 1 / 0", 0.0, "", False, "ZeroDivisionError: division by zero"),
        ("return float('nan')", 0.0, "the square: multiply … by itself", False, "nan"),
        ("raise SystemExit", 0.0, "", False, "SystemExit"),
    ],
)
def test_verdicts(body, score, words, hidden, message):
    verdict = judged(f"def square(x):\n    {body}")
    assert (verdict.score, verdict.words, verdict.hidden) == (score, words, hidden)
    assert message in verdict.message
    assert verdict.outcome is (Outcome.RIGHT if score else Outcome.WRONG)
    assert verdict.seconds > 0
    for value in ("49", "7.0", "3.25"):
        assert value not in verdict.words


@pytest.mark.parametrize(
    ("value", "score", "remarked"),
    [
        (None, 4.0, False),
        ("done", 4.0, False),
        (torch.zeros(3), 4.0, False),
        (2, 2.0, False),
        (2.5, 2.5, False),
        (99.0, 4.0, False),
        (-1.0, 0.0, False),
        (0, 0.0, False),
        (np.float32(1.5), 1.5, False),
        (torch.tensor(3.0), 3.0, False),
        (True, 0.0, True),
        (np.bool_(True), 0.0, True),
        (float("nan"), 0.0, True),
        (float("inf"), 0.0, True),
        (torch.tensor(float("nan")), 0.0, True),
        (4 + 0j, 0.0, True),
    ],
)
def test_partial_credit(value, score, remarked):
    verdict = credit(value, 4.0)
    assert verdict.score == score
    assert bool(verdict.remarks) == remarked
    assert verdict.outcome is {4.0: Outcome.RIGHT, 0.0: Outcome.WRONG}.get(score, Outcome.PART)


def test_the_last_line_counts_where_it_is_shown():
    code = "def square(x): return x * x"
    assert judged(code, "sum(square(x) == x * x for x in (1, 2))").score == 2
    assert judged(code, "sum(square(x) == x * x for x in (1, 2));").score == 3
    assert judged(code, "total = 0\nif square(2) == 4:\n    total += 1").score == 3
    assert judged("def square(x): return float('nan')", "3 - abs(square(2.0) - 4)").score == 0
    assert judged(code, "%matplotlib inline\nassert square(3) == 9").score == 3
    assert judged(code, "").score == 3


def test_a_test_may_expect_an_error():
    code = "class Bad(ValueError): pass\ndef square(x):\n    if x < 0: raise Bad('negative')\n    return x * x"
    cell = """
try:
    square(-1)
except ValueError as error:
    assert "negative" in str(error)
else:
    raise AssertionError("a negative number must be refused")
import pytest
with pytest.raises(Bad): square(-2)
with pytest.raises(ValueError, match="neg"): square(-3)
"""
    assert judged(code, cell, names=("square", "Bad")).score == 3
    missed = judged("Bad = KeyError\ndef square(x): return x * x", cell, names=("square", "Bad"))
    assert (missed.score, missed.words) == (0, "a negative number must be refused")
    unraised = judged("Bad = KeyError\ndef square(x): return 0", "import pytest\nwith pytest.raises(ValueError): square(-2)")
    assert (unraised.score, "DID NOT RAISE" in unraised.message) == (0, True), "pytest's failures are no Exceptions"


@pytest.mark.parametrize(
    "cell",
    [
        "try:\n    square(1)\nexcept Exception:\n    pass",
        "try:\n    square(1)\nexcept:\n    pass",
        "try:\n    square(1)\nfinally:\n    done = 1",
        "import contextlib\nwith contextlib.suppress(BaseException): square(1)",
    ],
)
def test_no_mark_for_a_process_that_ends_inside_a_careless_test(cell):
    verdict = judged("import os\ndef square(x): os._exit(1)", cell)
    assert (verdict.score, verdict.outcome) == (0, Outcome.CRASHED)


def test_unanswered_calls_and_forgeries():
    with student("def square(x):\n    while True: pass", seconds=0.5) as link:
        names = {"check": check, "square": None}
        link.seconds = link.left = 60.0
        names |= link.names("square")
        link.seconds = link.left = 0.5
        verdict = judge_cell(CELL, names=names, points=2.0, link=link)
    assert (verdict.score, verdict.outcome, verdict.hidden) == (0, Outcome.TIMED_OUT, False)
    assert "0 s" in verdict.message
    forged = unanswered(Forged("the student's process sent rubbish"))
    assert (forged.score, forged.outcome) == (0, Outcome.WRONG)
    assert forged.remarks == ("the student's process sent rubbish",)
    assert unanswered(Gone("ended")) == Verdict(0.0, Outcome.CRASHED, "ended")


def test_patched_asserts_and_checks_do_nothing_here():
    code = """
import sys, builtins
import course_lib.check
for name in ("close", "equal", "that", "parts", "shape", "unchanged"):
    setattr(course_lib.check, name, lambda *args, **more: None)
builtins.AssertionError = ValueError
torch.equal = torch.allclose = lambda *args, **more: True
sys.modules["numpy.testing"] = None
def square(x): return 13.0
"""
    assert judged(code).score == 0
    assert judged(code, "assert square(2) == 4").score == 0


def test_a_mark_is_the_same_whenever_it_is_given():
    cell = "import random\nstart = torch.rand(()).item() + np.random.rand() + random.random()\nsquare(start) - start**2 + start / 4"
    torch.manual_seed(1)
    first = judged("def square(x): return x * x", cell)
    torch.manual_seed(2)
    assert 0 < judged("def square(x): return x * x", cell).score == first.score < 3


def test_the_judges_stack_and_calls_cannot_be_looked_into():
    code = """
import inspect, gc, sys
def square(x):
    frames = [frame.filename for frame in inspect.stack()]
    seen = [name for frame in inspect.stack() for name in frame.frame.f_locals]
    return repr(frames + seen) + repr([type(o).__name__ for o in gc.get_objects() if type(o).__name__ == "Link"])
"""
    with student(code) as link:
        told = link.names("square")["square"](2)
    assert "the test cell" not in told
    assert "secret" not in told


def test_a_foreign_test_in_plain_numpy():
    cell = """
rng = np.random.default_rng(3)
X = rng.normal(size=(20, 3))
got = standardise(X)
np.testing.assert_allclose(got, (X - X.mean(0)) / X.std(0), err_msg="subtract the mean, divide by the deviation")
assert np.allclose(got.mean(axis=0), 0), "the mean is not 0"
assert word_count("a b a") == {"a": 2, "b": 1}
"""
    code = "def standardise(X): return (X - X.mean(axis=0)) / X.std(axis=0)\ndef word_count(t):\n    import collections; return collections.Counter(t.split())"
    names = ("standardise", "word_count")
    assert judged(code, cell, names=names).score == 3
    wrong = judged(code.replace("/ X.std(axis=0)", ""), cell, names=names)
    assert (wrong.score, wrong.words) == (0, "subtract the mean, divide by the deviation")


# ------------------------------------------------------------------------------------------------- the course's wrong answers


def through(notebook, function, replacement):
    """Points that an answer loses through the judge."""
    base = {"__name__": "__main__"}
    for cell in filter(imports_cell, notebook.cells):
        exec(compile(cell.source, "imports", "exec"), base)
    solutions = [cell for cell in notebook.cells if is_solution(cell) and cell.cell_type == "code"]
    reach = {function}
    for _ in solutions:
        reach |= {name for cell in solutions if names_read(cell.source) & reach for name in names_bound(cell.source)}
    defined, lost = {name for cell in solutions for name in names_bound(cell.source)}, 0.0
    code = "\n".join(cell.source for cell in solutions)
    with student(code, {**base, function: replacement}) as link:
        for cell in notebook.cells:
            if is_test(cell) and names_read(cell.source) & reach:
                names = {**base, **link.names(*sorted(names_read(cell.source) & defined))}
                points = float(cell.metadata.nbgrader.points)
                verdict = judge_cell(cell.source, names=names, points=points, link=link)
                assert not verdict.remarks, (grade_id(cell), verdict)
                lost += points - verdict.score
    return lost


@pytest.mark.slow
@pytest.mark.parametrize("number", ["01", "02", "03", "04", "05", "07", "08", "09"])
def test_every_tenth_answer_gets_the_marks_that_it_gets_in_one_process(root: Path, number):
    notebook = nbformat.read(next(root.glob(f"solutions/ps{number}_*/*.ipynb")), as_version=4)
    wrong, right = wrong_answers.load_answers(next(root.glob(f"tests/wrong_answers/ps{number}_*.py")))
    listed = [(f, name, answer) for part in (wrong, right) for f, answers in part.items() for name, answer in answers.items()]
    for function, name, answer in listed[int(number) % 10 :: 10]:
        assert through(notebook, function, answer) == wrong_answers.judge(notebook, function, name, answer).lost, (function, name)
