"""One notebook in a real kernel: what dies is replayed, what hangs costs its own question, and every question has an end."""

import dataclasses
import time

import nbformat
import pytest
from conftest import needs_program
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.judging.execution import grade
from course_lib.grading.judging.jobs import Graded, Job, Plan
from course_lib.grading.records import Outcome, Status
from course_lib.grading.sandbox.limits import Limits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TEST_F = "assert f(2) == 4, 'f doubles'\n### BEGIN HIDDEN TESTS\nassert f(21) == 42, 'f doubles any number'\n### END HIDDEN TESTS"
TEST_G = "assert g(2) == 6, 'g trebles'"
F, G = "def f(x):\n    return 2 * x", "def g(x):\n    return 3 * x"


def marked(source: str, name: str, *, points: float | None = None, solution: bool = False, kind: str = "code") -> nbformat.NotebookNode:
    about = {
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
        "grade_id": name,
        "schema_version": 3,
    }
    if points is not None:
        about |= {"points": points}
    make = new_code_cell if kind == "code" else new_markdown_cell
    return make(source, id=name.replace("_", "-"), metadata={"nbgrader": about})


def book(f: str, g: str, *, words: str = "mine", test_f: str = TEST_F) -> str:
    return nbformat.writes(
        new_notebook(
            cells=[
                marked("import math", "imports"),
                marked(f, "f", solution=True),
                marked(test_f, "test_f", points=2),
                marked("picture = f(1)", "picture"),
                marked(g, "g", solution=True),
                marked(TEST_G, "test_g", points=3),
                marked(words, "words", points=4, solution=True, kind="markdown"),
            ]
        )
    )


def handed_in(f: str = F, g: str = G, *, test_f: str = TEST_F, **settings) -> Graded:
    needs_program("bwrap")
    released = book("raise NotImplementedError", "raise NotImplementedError", words="", test_f=test_f.split("\n")[0])
    usual = {"limits": Limits(cell_seconds=20.0, notebook_seconds=240.0), "data": book(f, g, test_f=test_f.split("\n")[0]).encode()}
    return grade(Job("ann", "set", "book", book(F, G, words="", test_f=test_f), released, **{**usual, **settings}))


def outcomes(graded: Graded) -> dict[str, tuple[float | None, Outcome]]:
    return {question.grade_id: (question.score, question.outcome) for question in graded.record.questions}


RIGHT_F, RIGHT_G, BY_HAND = (2.0, Outcome.RIGHT), (3.0, Outcome.RIGHT), (None, Outcome.BY_HAND)


def test_right_answers_get_their_points_and_words_wait_for_a_person():
    graded = handed_in()
    assert graded.record.status is Status.GRADED
    assert outcomes(graded) == {"test_f": RIGHT_F, "test_g": RIGHT_G, "words": BY_HAND}
    assert graded.record.remarks == ()


def test_a_picture_that_nobody_reads_is_not_run():
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in nbformat.reads(handed_in().notebook, as_version=4).cells}
    assert cells["f"].execution_count is None or cells["f"].outputs == []
    assert cells["picture"].outputs == []
    broken = handed_in(f="print('seen')\n" + F)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in nbformat.reads(broken.notebook, as_version=4).cells}
    assert cells["f"].outputs[0].text == "seen\n"


def test_a_wrong_answer_is_told_by_the_authors_words_and_hidden_lines_are_marked():
    visible = next(q for q in handed_in(f="def f(x):\n    return x").record.questions if q.grade_id == "test_f")
    assert (visible.score, visible.outcome, visible.words, visible.hidden) == (0.0, Outcome.WRONG, "f doubles", False)
    hidden = next(q for q in handed_in(f="def f(x):\n    return 4").record.questions if q.grade_id == "test_f")
    assert (hidden.words, hidden.hidden) == ("f doubles any number", True)


def test_what_was_left_empty_is_not_attempted_rather_than_wrong():
    graded = handed_in(g="raise NotImplementedError")
    assert outcomes(graded)["test_g"] == (0.0, Outcome.NOT_ATTEMPTED)
    assert graded.record.status is Status.GRADED


def test_a_process_that_ends_is_started_again_with_what_went_well():
    graded = handed_in(g="import os\nos._exit(1)")
    assert outcomes(graded) == {"test_f": RIGHT_F, "test_g": (0.0, Outcome.WRONG), "words": BY_HAND}
    assert graded.record.status is Status.PARTIAL
    earlier = handed_in(f="import os\nos._exit(1)")
    assert outcomes(earlier)["test_g"] == RIGHT_G


def test_a_loop_costs_its_own_question():
    started = time.monotonic()
    graded = handed_in(f="def f(x):\n    while True:\n        pass")
    assert outcomes(graded) == {"test_f": (0.0, Outcome.TIMED_OUT), "test_g": RIGHT_G, "words": BY_HAND}
    assert graded.record.status is Status.PARTIAL
    assert time.monotonic() - started < 120


def test_a_process_that_ends_while_it_is_judged_costs_its_own_question():
    graded = handed_in(f="import os\ndef f(x):\n    os._exit(0)")
    assert outcomes(graded) == {"test_f": (0.0, Outcome.CRASHED), "test_g": RIGHT_G, "words": BY_HAND}


def test_a_judge_that_a_students_number_keeps_busy_is_ended():
    loop = "n = f(2)\nwhile n > 4:\n    n -= 0\nassert n == 4"
    graded = handed_in(f="def f(x):\n    return 10**9", test_f=loop)
    assert outcomes(graded)["test_f"] == (0.0, Outcome.TIMED_OUT)
    assert outcomes(graded)["test_g"] == RIGHT_G


def test_a_test_cell_that_ended_the_judge_is_not_tried_again():
    graded = handed_in(avoid=frozenset({"test_f"}))
    assert outcomes(graded)["test_f"] == (0.0, Outcome.CRASHED)
    assert outcomes(graded)["test_g"] == RIGHT_G


def test_where_a_test_can_only_run_inside_it_does_and_partial_credit_counts():
    graded = handed_in(plan=Plan(inside=frozenset({"test_f"})), test_f="f.__code__\n1.5")
    assert outcomes(graded)["test_f"] == (1.5, Outcome.PART)
    forged = handed_in(plan=Plan(inside=frozenset({"test_f"})), test_f="float('nan')")
    assert outcomes(forged)["test_f"] == (0.0, Outcome.WRONG)
    assert forged.record.status is Status.NEEDS_REVIEW


def test_time_for_the_whole_notebook_ends_all_that_follows():
    graded = handed_in(f="import time\ntime.sleep(30)", limits=Limits(cell_seconds=20.0, notebook_seconds=6.0))
    assert outcomes(graded)["test_g"] == (0.0, Outcome.TIMED_OUT)
    assert graded.record.status is Status.PARTIAL


def test_nothing_handed_in_nothing_readable_and_nothing_done_have_their_rows():
    job = Job("ann", "set", "book", book(F, G), book("", "", words=""), None)
    assert grade(job).record.status is Status.MISSING
    unreadable = grade(dataclasses.replace(job, data=b"\x00\x01"))
    assert unreadable.record.status is Status.UNREADABLE
    assert unreadable.record.remarks
    blank = grade(dataclasses.replace(job, data=book("", "", words="").encode()))
    assert blank.record.status is Status.NOT_ATTEMPTED
    for graded in (unreadable, blank):
        assert outcomes(graded) == {name: (0.0, Outcome.NOT_ATTEMPTED) for name in ("test_f", "test_g", "words")}


def test_whoever_watches_is_told_each_test_before_it_is_judged_and_when_it_was():
    seen: list[str] = []
    job = Job("ann", "set", "book", book(F, G), book("", "", words=""), book(F, G).encode(), limits=Limits(cell_seconds=10.0))
    grade(job, at=seen.append)
    assert seen == ["test_f", "", "test_g", ""]


def test_half_a_character_and_a_forged_reply_cost_nobody_anything():
    graded = handed_in(f="def f(x):\n    raise ValueError('\\ud800')", g="get_ipython().payload_manager.read_payload = lambda: 5\n" + G)
    assert outcomes(graded)["test_f"] == (0.0, Outcome.WRONG)
    assert outcomes(graded)["test_g"] == RIGHT_G


def test_a_cell_that_parses_and_does_not_compile_costs_its_own_question():
    graded = handed_in(f="def f(x, x):\n    return x")
    assert outcomes(graded) == {"test_f": (0.0, Outcome.WRONG), "test_g": RIGHT_G, "words": BY_HAND}


def test_what_a_notebook_writes_in_all_is_kept_within_bounds():
    written = nbformat.reads(book(F, G), as_version=4)
    written.cells[2:2] = [new_code_cell("print('x' * 90_000)", id=f"own-{i}") for i in range(40)]
    limits = Limits(cell_seconds=20.0, notebook_seconds=240.0, output=100_000)
    graded = handed_in(data=nbformat.writes(written).encode(), limits=limits)
    assert len(graded.notebook) < 20 * limits.output
    assert outcomes(graded)["test_g"] == RIGHT_G


STOPPED = {
    "import time\ntime.sleep(30)\n": (Outcome.TIMED_OUT, "the cell that defines f ran out of time (2 s)"),
    "import os\nos._exit(1)\n": (Outcome.CRASHED, "the cell that defines f ended its process"),
    "while True: print('x' * 10_000)\n": (Outcome.CRASHED, "the cell that defines f wrote too much"),
}


@pytest.mark.parametrize("top", STOPPED)
def test_where_a_cell_was_stopped_its_test_says_so(top):
    limits = Limits(cell_seconds=2.0 if "sleep" in top else 20.0, notebook_seconds=240.0, output=1 << 16)
    graded = handed_in(f=top + F, limits=limits)
    question = next(q for q in graded.record.questions if q.grade_id == "test_f")
    assert (question.outcome, question.message, question.score, question.hidden) == (*STOPPED[top], 0.0, False)
    assert outcomes(graded)["test_g"] == RIGHT_G


def test_where_a_helpers_cell_was_stopped_the_test_says_so_and_one_that_ran_later_counts():
    written = nbformat.reads(book("def f(x):\n    return twice(x)", G), as_version=4)
    stopped = "import os\nos._exit(1)\ndef twice(x):\n    return 2 * x"
    written.cells.insert(1, new_code_cell(stopped, id="stopped"))
    graded = handed_in(data=nbformat.writes(written).encode())
    question = next(q for q in graded.record.questions if q.grade_id == "test_f")
    assert (question.outcome, question.message) == (Outcome.CRASHED, "the cell that defines twice ended its process")
    written.cells.insert(2, new_code_cell("def twice(x):\n    return 2 * x", id="mended"))
    assert outcomes(handed_in(data=nbformat.writes(written).encode()))["test_f"] == RIGHT_F


def test_a_judge_that_ended_is_for_a_person_to_look_at():
    graded = handed_in(avoid=frozenset({"test_f"}))
    assert graded.record.status is Status.NEEDS_REVIEW
    assert graded.record.remarks == ("test_f: judging what it returns ended the judge's process",)


def test_an_attempt_that_nothing_tells_to_be_the_newest_is_graded_and_waits_for_a_person():
    graded = handed_in(unsure=True)
    assert outcomes(graded)["test_f"] == RIGHT_F
    assert graded.record.status is Status.NEEDS_REVIEW


def test_an_error_of_the_graders_own_costs_only_what_follows(monkeypatch):
    from course_lib.grading.judging import execution

    real = execution.judge_cell

    def broken(source, **more):
        if "trebles" in source:
            raise TypeError("'int' object is not iterable")
        return real(source, **more)

    monkeypatch.setattr(execution, "judge_cell", broken)
    graded = handed_in()
    assert outcomes(graded)["test_f"] == RIGHT_F
    assert outcomes(graded)["test_g"] == (0.0, Outcome.CRASHED)
    assert graded.record.status is Status.NEEDS_REVIEW


def test_the_rehearsals_precedents_bind_a_student():
    forged = "class P:\n    def __init__(self, x): self.x = x\n    def item(self): return 2 * self.x\ndef f(x): return P(x)"
    test = "assert f(torch.tensor(3.0)).item() == 6.0, 'f doubles'"
    data = book("import torch\ndef f(x):\n    return 2 * x", G, test_f="import torch\n" + test)
    usual = {"test_f": "import torch\n" + test, "listing": True}
    rehearsed = handed_in(**usual, data=data.encode())
    assert rehearsed.precedents == {"test_f": frozenset(), "test_g": frozenset()}
    free = handed_in(f=forged, **usual)
    assert free.precedents["test_f"] == {"object", "attribute"}
    held = handed_in(f=forged, **usual, plan=Plan(precedents=rehearsed.precedents))
    question = next(q for q in held.record.questions if q.grade_id == "test_f")
    assert (question.score, question.message[:43]) == (0.0, "StudentError: your function returned a P, a")
    looked_at = handed_in(f="class P: pass\nf = P()", **usual, plan=Plan(precedents=rehearsed.precedents))
    question = next(q for q in looked_at.record.questions if q.grade_id == "test_f")
    assert question.message == "your function returned a P, an object that is no plain value, where this check asks for values"
    assert question.words == question.message.replace("a P, ", "")
