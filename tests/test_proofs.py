"""Each proof fails when what it proves is not so."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.grading.authoring.proofs import SECONDS, prove_blank, prove_nothing_leaks, prove_solution, prove_wrong_answers
from course_lib.grading.authoring.stock_nbgrader import Marks

SOLUTION = "def double(x):\n    ### BEGIN SOLUTION\n    return x + x + 0 * x\n    ### END SOLUTION"
TEST = "check.close(double(3.0), 6.0, say=[(9.0, 'this is the square'), (3.0, 'once')])\n### BEGIN HIDDEN TESTS\nassert double(5.0) == 10.0\n### END HIDDEN TESTS"


def _marks(name, **more):
    return {"nbgrader": {"grade_id": name, "grade": False, "solution": False, **more}}


def _cells(*, solution=SOLUTION, test=TEST, outputs=()):
    return [
        new_code_cell("from course_lib import check", metadata=_marks("imports")),
        new_code_cell(solution, metadata=_marks("double", solution=True)),
        new_code_cell(test, metadata=_marks("test_double", grade=True, points=2), outputs=list(outputs)),
        new_markdown_cell("Because twice is two times.", metadata=_marks("words", grade=True, solution=True, points=1)),
    ]


def _graded(*, score=2.0, words=None, outputs=(), seconds=5.0, cpu_seconds=5.0):
    return Marks(
        {"test_double": score, "words": words},
        {"test_double": 2.0, "words": 1.0},
        new_notebook(cells=_cells(outputs=outputs)),
        seconds,
        cpu_seconds,
    )


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch):
    monkeypatch.setattr("psutil.getloadavg", lambda: (0.0, 0.0, 0.0))


def test_solution():
    proof = prove_solution(_graded())
    assert proof.holds
    assert "2 of 2 points, 5.0 s" in str(proof)
    assert "nothing on stderr" in str(proof)


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        (_graded(score=1.5), "1.5 of 2 points"),
        (_graded(outputs=[new_output("stream", name="stderr", text="a warning")]), "errors or stderr in test_double"),
        (_graded(outputs=[new_output("error", ename="NameError", evalue="x", traceback=[])]), "errors or stderr in test_double"),
        (_graded(seconds=SECONDS + 1), "61.0 s"),
        (_graded(score=None), "0 of 0 points"),
    ],
)
def test_solution_fails(marks, words):
    proof = prove_solution(marks)
    assert not proof.holds
    assert str(proof).startswith("✗ 1 solution")
    assert words in str(proof)


def test_on_a_busy_machine_the_cpu_time_counts(monkeypatch):
    monkeypatch.setattr("psutil.getloadavg", lambda: (1e6, 0.0, 0.0))
    assert prove_solution(_graded(seconds=100.0, cpu_seconds=20.0)).holds
    assert not prove_solution(_graded(seconds=100.0, cpu_seconds=70.0)).holds


def _error(name, words):
    return new_output("error", ename=name, evalue=words, traceback=[])


def test_blank():
    assert prove_blank(_graded(score=0.0, words=0.0, outputs=[_error("NotImplementedError", "not done yet: …")])).holds
    assert prove_blank(_graded(score=0.0, words=0.0, outputs=[_error("Mistake", "The result is None: …")])).holds


@pytest.mark.parametrize(
    "marks",
    [
        _graded(score=0.5, words=0.0, outputs=[_error("NotImplementedError", "not done yet")]),
        _graded(score=0.0, words=1.0, outputs=[_error("NotImplementedError", "not done yet")]),
        _graded(score=0.0, words=None, outputs=[_error("NotImplementedError", "not done yet")]),
        _graded(score=0.0, words=0.0, outputs=[_error("NotImplementedError", "")]),
        _graded(score=0.0, words=0.0, outputs=[_error("NameError", "name 'torch' is not defined")]),
        _graded(score=0.0, words=0.0),
    ],
)
def test_blank_fails(marks):
    assert not prove_blank(marks).holds


ENOUGH = {"square": lambda x: x * x, "once": lambda x: x, "none": lambda x: None, "pair": lambda x: (x, x), "true": lambda x: x > 0}
SOURCE = new_notebook(cells=_cells())


def test_wrong_answers():
    proof = prove_wrong_answers(SOURCE, {"double": ENOUGH}, {"double": {"product": lambda x: 2 * x}})
    assert proof.holds, proof
    assert "killed 5 of 5 wrong answers" in str(proof)
    assert "(100%); 1 other right answers keep all marks" in str(proof)


@pytest.mark.parametrize(
    ("wrong", "right", "words"),
    [
        ({"double": {**ENOUGH, "right": lambda x: 2 * x}}, {}, "survives: double · right (−0 points)"),
        ({"double": {**ENOUGH, "unnamed": lambda x: 7.0}}, {}, "survives: double · unnamed (−2 points)"),
        ({"double": ENOUGH}, {"double": {"not right": lambda x: x}}, "right, and loses 2 points: double · not right"),
        ({"double": {"square": ENOUGH["square"]}}, {}, "fewer than 5 wrong answers: double"),
    ],
)
def test_wrong_answers_fails(wrong, right, words):
    proof = prove_wrong_answers(SOURCE, wrong, right)
    assert not proof.holds
    assert words in str(proof)


def test_forgeries():
    square, half = {"double": lambda x: x * x}, {"double": lambda x: x / 2 if x == 10 else 2 * x}
    proof = prove_wrong_answers(SOURCE, {"double": ENOUGH}, {}, {"test_double": {"a square": square}})
    assert proof.holds, proof
    assert "1 forgeries refused" in str(proof)
    proof = prove_wrong_answers(SOURCE, {"double": ENOUGH}, {}, {"test_double": {"a square": square, "half of ten": half}})
    assert not proof.holds
    assert "1 forgeries refused\n  earns full marks: test_double · half of ten" in str(proof)


def test_a_right_value_that_is_made_too_late():
    late = TEST.replace("assert double(5.0) == 10.0", "x = torch.tensor(5.0)\ncheck.close(double(x), 2 * x, otherwise='not twice')")
    source = new_notebook(cells=_cells(test=late))
    source.cells[0].source += "\nimport torch"
    proof = prove_wrong_answers(source, {"double": ENOUGH}, {})
    assert not proof.holds
    assert "a hidden line reads what it has passed to a student's function, who may have changed it: test_double: Mistake:" in str(proof)


def _release(folder, change=lambda notebook: None):
    released = copy.deepcopy(SOURCE)
    released.cells[1].source = "def double(x):\n    raise NotImplementedError"
    released.cells[2].source = TEST.partition("\n")[0]
    released.cells[3].source = "write here"
    change(released)
    nbformat.write(released, folder / "ps.ipynb")
    return folder


def test_nothing_leaks(tmp_path):
    proof = prove_nothing_leaks(SOURCE, _release(tmp_path))
    assert proof.holds
    assert "none of 3 secret lines" in str(proof)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda nb: nb.cells[0].update(source="      return x + x + 0 * x"), "double: return x + x + 0 * x"),
        (lambda nb: nb.cells[2].update(source=TEST), "test_double: assert double(5.0) == 10.0"),
        (lambda nb: nb.cells[3].update(source="Because twice is two times."), "words: Because twice is two times."),
        (lambda nb: nb.metadata.update(notes={"answers": ["Because twice is two times."]}), "words: "),
        (lambda nb: nb.cells[0].update(outputs=[new_output("stream", text="assert double(5.0) == 10.0\n")]), "test_double: "),
    ],
)
def test_a_leak_is_found_wherever_it_is(tmp_path, change, line):
    proof = prove_nothing_leaks(SOURCE, _release(tmp_path, change))
    assert not proof.holds
    assert line in str(proof)


def test_a_leak_in_another_file_is_found(tmp_path):
    (_release(tmp_path) / "notes.py").write_text("def answer(x):\n    return x + x + 0 * x\n")
    assert not prove_nothing_leaks(SOURCE, tmp_path).holds
