"""What is told of a lost point: all of it before a hidden test has asked anything, literals and a kind of error afterwards."""

from pathlib import Path

import pytest
from feedback_samples import notebook

from course_lib.grading.notebooks.cells import is_test
from course_lib.grading.notebooks.markers import HIDDEN
from course_lib.grading.records import Outcome, Question
from course_lib.grading.reporting import lost_points
from course_lib.grading.reporting.lost_points import RUN_IT, UNSEEN, mixes, told

CHECK = "check.close(fit(x), 2.0, name='the mean')"


def lost(message: str = "", words: str = "", outcome: Outcome = Outcome.WRONG, *, hidden: bool = False) -> Question:
    return Question("q", 2.0, 0.0, outcome, message, words, hidden)


@pytest.mark.parametrize(
    ("message", "words", "says"),
    [
        ("Mistake: The mean is 4.7113, but 2 is right: divide by N.", "the mean: divide by N", ["The mean: divide by N.", RUN_IT]),
        ("ValueError: [4.7113, 4.7113]", "", ["It ended with ValueError.", RUN_IT]),
        ("SystemExit", "", ["It ended with SystemExit.", RUN_IT]),
        ("E47113: 4.7113", "", ["It did not pass.", RUN_IT]),
        ("AssertionError: 4.7113", "", ["It did not pass.", RUN_IT]),
        ("print: 4.7113", "", ["It did not pass.", RUN_IT]),
        ("NameError: name 'x47113' is not defined", "", ["It ended with NameError.", RUN_IT]),
        (
            "Mistake: The result is None: the function ended without giving anything back: is the `return` there?",
            "",
            ["The function ended without giving anything back: is the `return` there?", RUN_IT],
        ),
        ("", "", []),
    ],
)
def test_after_a_hidden_test_nothing_that_a_student_raised_or_returned_is_told(message, words, says):
    found = told(lost(message, words), asked=True, check=CHECK)
    assert found == says
    assert "4711" not in " ".join(found)
    before = told(lost(message, words), asked=False, check=CHECK)
    assert before == ([message.removeprefix("Mistake: ").removeprefix("AssertionError: ")] if message else [])


@pytest.mark.parametrize("asked", [False, True])
def test_a_name_of_the_checks_that_is_missing_is_told_with_where_to_look(asked):
    missing = lost("NameError: name 'fit' is not defined")
    assert told(missing, asked=asked, check=CHECK) == ["The name fit is not defined: does the cell that defines it run to its end?"]


@pytest.mark.parametrize("asked", [False, True])
def test_of_a_hidden_line_the_authors_words_and_of_what_stopped_gradings_own(asked):
    assert told(lost("4711", "divide by N", hidden=True), asked=asked, check=CHECK) == [UNSEEN, "It says: divide by N"]
    assert told(lost("4711", hidden=True), asked=asked, check=CHECK) == [UNSEEN]
    for outcome in (Outcome.TIMED_OUT, Outcome.CRASHED):
        assert told(lost("no answer within 60 s", outcome=outcome), asked=asked, check=CHECK) == ["no answer within 60 s"]
    ended = lost("its process ended itself (exit code 137)", outcome=Outcome.CRASHED)  # eight bits of whatever the student's code has seen
    assert told(ended, asked=asked, check=CHECK) == ["its process ended itself"]
    for outcome in (Outcome.RIGHT, Outcome.NOT_ATTEMPTED, Outcome.BY_HAND, Outcome.NOT_JUDGED):
        assert told(lost("4711", outcome=outcome), asked=asked, check=CHECK) == []


@pytest.mark.parametrize(
    ("source", "mixed"),
    [
        ("assert f(1)\n{b}\nassert f(2)\n{e}\n\n# the end", False),
        ("assert f(1)", False),
        ("def verify():\n    assert f(1)\n    {b}\n    assert f(2)\n    {e}\n\n\nverify()", False),
        ("with torch.no_grad():\n    assert f(1)\n    {b}\n    assert f(2)\n    {e}", False),
        ("def verify():\n    assert f(1)\n    {b}\n    assert f(2)\n    {e}\n\n\nverify()\nverify()", True),
        ("def verify(x=1):\n    assert f(x)\n    {b}\n    assert f(2)\n    {e}\n\n\nverify(2)", True),
        ("def verify():\n    {b}\n    assert f(2)\n    {e}\n    assert f(1)\n\n\nverify()", True),
        ("{b}\nassert f(2)\n{e}\nassert f(1)", True),
        ("for x in (1, 2):\n    assert f(x)\n    {b}\n    assert f(-x)\n    {e}", True),
        ("{b}\nassert f(2)\n{e}\n{b}\nassert f(3)\n{e}", False),
        ("{b}\nassert f(2)\n{e}\nif True:\n    assert f(1)\n    {b}\n    assert f(3)\n    {e}", True),
        ("assert f(1)\n{b}\nassert f(2", True),
    ],
)
def test_visible_lines_after_hidden_ones_are_noticed(source, mixed):
    hidden = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
    assert mixes(source.format(b=hidden[0], e=hidden[1]), hidden) == mixed


def test_in_the_checks_of_problem_set_1_the_hidden_tests_come_last():
    sources = [cell.source for cell in notebook("solutions").cells if is_test(cell) and HIDDEN[0] in cell.source]
    assert len(sources) > 8
    assert not any(mixes(source, HIDDEN) for source in sources)


@pytest.mark.parametrize(("name", "says"), [("fit", "the cell that defines fit"), ("n47113", "a cell that this check needs")])
def test_of_a_cell_that_was_stopped_only_the_checks_own_names_are_told(name, says):
    stopped = lost(f"the cell that defines {name} ran out of time (60 s)", outcome=Outcome.TIMED_OUT)
    assert told(stopped, asked=True, check=CHECK) == [f"{says} ran out of time (60 s)"]


def test_what_grading_says_to_an_instructor_is_said_to_a_student_in_other_words():
    code = "".join(
        file.read_text(encoding="utf-8") for file in Path(lost_points.__file__).parents[1].rglob("*.py") if file.stem != "lost_points"
    )
    for said in lost_points._TO_A_STUDENT:
        assert said in code
        assert "your code" in told(lost(said, outcome=Outcome.CRASHED), asked=True, check=CHECK)[0]


def test_a_long_message_is_cut():
    (line,) = told(lost("ValueError: " + "x" * 10_000), asked=False, check=CHECK)
    assert len(line) < 700
