"""Every problem set: its solution is right, other right answers are too, and every listed wrong answer is told its mistake.

The table of kills is printed: ``pytest tests/test_exercises.py -s``. Proven again inside nbgrader by test_release.py.
"""

import ast

import nbformat
import pytest
from conftest import ROOT

from course_lib.grading.authoring.forgeries import load_forged, read_again, unpunished
from course_lib.grading.authoring.proofs import WRONG_ANSWERS
from course_lib.grading.authoring.wrong_answers import judge, judge_all, load_answers, table
from course_lib.grading.notebooks.cells import grade_id, is_solution, is_test
from course_lib.grading.notebooks.namespaces import names_bound

PROBLEM_SETS = sorted(folder.name for folder in (ROOT / "solutions").glob("ps*"))


@pytest.fixture(params=PROBLEM_SETS, scope="module")
def problem_set(request):
    """A problem set's name, notebook, wrong answers and right answers."""
    name = request.param
    notebook = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    return name, notebook, *load_answers(ROOT / "tests" / "wrong_answers" / f"{name}.py")


@pytest.fixture(scope="module")
def verdicts(problem_set):
    """The verdict of each wrong answer, judged once for all tests."""
    _, notebook, wrong, _ = problem_set
    return judge_all(notebook, wrong)


@pytest.mark.slow
def test_every_wrong_answer_loses_marks_and_is_told_why(verdicts):
    print(f"\n{table(verdicts)}")
    survivors = [verdict for verdict in verdicts if not verdict.killed]
    assert not survivors, table(survivors)


@pytest.mark.slow
def test_most_mistakes_are_told_by_a_check_that_the_student_sees(verdicts):
    """A hidden test may catch what no small example shows, but the common slips are named at once."""
    for function in {verdict.function for verdict in verdicts}:
        told = [verdict for verdict in verdicts if verdict.function == function]
        assert sum(verdict.seen_by_student for verdict in told) >= 0.75 * len(told), table(told)


@pytest.mark.slow
def test_no_right_answer_loses_marks(problem_set):
    _, notebook, _, right = problem_set
    verdicts = judge_all(notebook, right)
    assert right
    assert not [verdict for verdict in verdicts if verdict.lost], table(verdicts)


@pytest.mark.slow
def test_every_function_has_enough_wrong_answers_and_a_lucky_guess_is_found_out(problem_set):
    _, notebook, wrong, _ = problem_set
    functions = [names_bound(cell.source) for cell in notebook.cells if is_solution(cell) and cell.cell_type == "code"]
    assert [names for names in functions if max(len(wrong.get(name, ())) for name in names) < WRONG_ANSWERS] == []
    for function in wrong:  # what forgets, and what gives back its first argument, gets nothing
        for guess in (lambda *_: None, lambda *arguments: arguments[0]):
            verdict = judge(notebook, function, "a guess", guess)
            assert verdict.lost > 0
            assert judge(notebook, function, "the solution").lost == 0


def test_the_shape_of_a_problem_set(problem_set):
    """Three to six coded tasks, minutes and stars and marks in their headings, hints that unfold, checks that are folded, one answer in words, a picture."""
    name, notebook, _, _ = problem_set
    headings = [line for cell in notebook.cells for line in cell.source.splitlines() if line.startswith("### Task")]
    coded = headings[:-1]
    assert 3 <= len(coded) <= 6
    for heading in headings:
        assert all(part in heading for part in (" min · ", "★", " marks")), heading
    points = [cell.metadata.nbgrader.points for cell in notebook.cells if "points" in cell.metadata.get("nbgrader", {})]
    assert sum(int(heading.split(" · ")[-1].split()[0]) for heading in headings) == sum(points)
    assert sum(cell.cell_type == "markdown" and is_solution(cell) for cell in notebook.cells) == 1
    assert all("### BEGIN HIDDEN TESTS" in cell.source for cell in notebook.cells if is_test(cell))
    assert [grade_id(cell) for cell in notebook.cells if is_test(cell) and not _folded(cell)] == []
    everything = "\n".join(cell.source for cell in notebook.cells)
    assert everything.count("<details>") >= len(coded) - 1
    assert "plt.show()" in everything or "players." in everything
    assert f"{name}.ipynb" in notebook.cells[-1].source  # how to hand in


def _folded(cell) -> bool:
    """In JupyterLab and on Colab: a reader meets the task, not fifty lines that judge it."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden")) and cell.metadata.get("cellView") == "form"


def _arguments(cell) -> set[str]:
    return {node.arg for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.arg)}


def test_no_name_of_the_authors_stands_in_for_an_argument_that_a_student_forgot(problem_set):
    """Who renames an argument and forgets one use gets a NameError, and not the data of the last check."""
    _, notebook, _, _ = problem_set
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and "%pip" not in cell.source]
    arguments = set().union(*(_arguments(cell) for cell in code if is_solution(cell)))
    left = set().union(*(names_bound(cell.source) for cell in code if not is_solution(cell)))
    assert "x" in arguments
    assert not arguments & left


@pytest.mark.slow
def test_no_mark_is_earned_by_a_forgery(problem_set):
    """Neither by writing into a test's inputs, from which it then makes the right value, nor by constants that agree with each other."""
    name, notebook, _, _ = problem_set
    assert read_again(notebook) == []
    assert unpunished(notebook, load_forged(ROOT / "tests" / "wrong_answers" / f"{name}.py")) == []
