"""The judge of wrong answers itself: what loses marks, what is named, and by whom it is seen."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.authoring.wrong_answers import judge, judge_all, load_answers, table


def _marks(name, **more):
    return {"nbgrader": {"grade_id": name, "grade": False, "solution": False, **more}}


NOTEBOOK = new_notebook(
    cells=[
        new_code_cell("raise RuntimeError('unmarked cells are never run')"),
        new_code_cell("from course_lib import check", metadata=_marks("imports")),
        new_code_cell("def double(x):\n    return 2 * x", metadata=_marks("double", solution=True)),
        new_code_cell("def fourfold(x):\n    return double(double(x))", metadata=_marks("fourfold", solution=True)),
        new_code_cell("def half(x):\n    return x / 2", metadata=_marks("half", solution=True)),
        new_code_cell(
            "check.close(double(3.0), 6.0, say=[(9.0, 'this is the square')])\n### BEGIN HIDDEN TESTS\n"
            "check.close(double(5.0), 10.0, otherwise='right for 3 alone')\nassert double(7.0) == 14.0\n### END HIDDEN TESTS",
            metadata=_marks("test_double", grade=True, points=3),
        ),
        new_code_cell("check.close(fourfold(1.0), 4.0)", metadata=_marks("test_fourfold", grade=True, points=2)),
        new_code_cell("check.close(half(1.0), 0.5)", metadata=_marks("test_half", grade=True, points=1)),
    ]
)


@pytest.mark.parametrize(
    ("answer", "lost", "named", "seen", "words"),
    [
        (None, 0, False, False, ""),
        (lambda x: x + x, 0, False, False, ""),
        (lambda x: x * x, 5, True, True, "this is the square"),
        (lambda x: 2 * x if x != 5 else 0.0, 3, True, False, "right for 3 alone"),
        (lambda x: 2 * x if x != 7 else 0.0, 3, False, False, "AssertionError"),
        (lambda x: 7.0, 5, False, False, "but 6 is right: Work this case out by hand"),
        (lambda x: x.frobnicate(), 5, False, False, "AttributeError"),
        (lambda x: None, 5, True, True, "is the `return` there"),
    ],
)
def test_verdicts(answer, lost, named, seen, words):
    verdict = judge(NOTEBOOK, "double", "an answer", answer)
    assert (verdict.lost, verdict.named, verdict.seen_by_student, verdict.points) == (lost, named, seen, 6)
    assert verdict.killed == (lost > 0 and named)
    assert words in verdict.message


def test_only_the_cells_that_reach_the_function_are_concerned():
    assert judge(NOTEBOOK, "half", "zero", lambda x: 0.0).lost == 1  # the other cells, which it would not hurt, are not run
    assert judge(NOTEBOOK, "fourfold", "zero", lambda x: 0.0).lost == 2


def test_an_answer_leaves_nothing_behind():
    judge(NOTEBOOK, "double", "wrong", lambda x: 0.0)
    assert judge(NOTEBOOK, "double", "the solution").lost == 0


def test_the_table_says_who_survives():
    verdicts = judge_all(NOTEBOOK, {"double": {"square": lambda x: x * x, "seven": lambda x: 7.0}})
    lines = table(verdicts).splitlines()
    assert lines[0].startswith("✓ double · square")
    assert lines[1].startswith("✗ double · seven")
    assert lines[2] == "killed 1 of 2 wrong answers, 1 by a check that the student sees"


def test_unknown_functions_and_files_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="function must be defined in a solution cell of the notebook, got 'triple'"):
        judge(NOTEBOOK, "triple", "any", lambda x: x)
    with pytest.raises(ValueError, match=r"ps99\.py is missing"):
        load_answers(tmp_path / "ps99.py")
    (tmp_path / "ps98.py").write_text("RIGHT = {}")
    with pytest.raises(ValueError, match="must define WRONG"):
        load_answers(tmp_path / "ps98.py")
