"""Whom a person should look at: each odd ending by its reason, and nobody for being late."""

import dataclasses
from pathlib import Path

import pytest
from test_class_report import record

from course_lib.grading.recording.marks import Standing
from course_lib.grading.records import Outcome, Question, Status
from course_lib.grading.reporting import review

CODE = "".join(file.read_text(encoding="utf-8") for file in Path(review.__file__).parents[1].rglob("*.py") if file.name != "review.py")
SEVERAL = "3 attempts were handed in; the newest that was worked in counts."
REWRITTEN = "Nothing of the locked cell was left under the marks of test_a, test_b; what stands there is the student's own."


def ended(outcome: Outcome, message: str, *others: Question, status: Status = Status.PARTIAL):
    return dataclasses.replace(record("01"), status=status, questions=(Question("test_a", 2.0, 0.0, outcome, message), *others))


RIGHT = Question("test_b", 2.0, 2.0, Outcome.RIGHT)
WORDS = Question("words", 2.0, None, Outcome.BY_HAND)


@pytest.mark.parametrize(
    ("found", "kind", "why"),
    [
        (record("01", 2.0, None), None, None),
        (record("01", 2.0, None, remarks=(SEVERAL,), late=True), None, None),
        (record("01", 0.0, 0.0, status=Status.MISSING), None, None),
        (record("01", 0.0, 0.0, status=Status.MISSING, remarks=("A .ipynb file is a link.",)), "something odd", "A .ipynb file is a link."),
        (record("01", 0.0, 0.0, status=Status.NOT_ATTEMPTED), None, None),
        (record("01", 2.0, remarks=("More files lie beside it.",)), "something odd", "More files lie beside it."),
        (record("01", 2.0, status=Status.NEEDS_REVIEW, remarks=(SEVERAL, "test_a: forged")), "something odd", "test_a: forged"),
        (record("01", 0.0, status=Status.UNREADABLE, remarks=("It is a PDF.",)), "cannot be read", "It is a PDF."),
        (record("01", 0.0, 0.0), "no points for work", "0 of 2 checks"),
        (ended(Outcome.WRONG, "no", WORDS), "no points for work", "0 of 1 checks"),
        (ended(Outcome.NOT_ATTEMPTED, "", WORDS), None, None),
        (ended(Outcome.TIMED_OUT, "the notebook's time was used up", RIGHT), "time used up", "test_a"),
        (ended(Outcome.CRASHED, "it does not answer the judge", RIGHT), "no answer to the judge", "test_a"),
        (ended(Outcome.WRONG, "ValueError: it does not answer the judge", RIGHT), None, None),
        (record("01", 2.0, repairs=(REWRITTEN,)), "checks rewritten", "test_a, test_b"),
    ],
)
def test_each_reason(found, kind, why):
    seen = review.look(found)
    assert (seen and (seen.kind, seen.why)) == (kind and (kind, why))


def test_several_reasons_stand_together_under_the_gravest():
    found = dataclasses.replace(ended(Outcome.TIMED_OUT, "the notebook's time was used up"), repairs=(REWRITTEN,))
    seen = review.look(found)
    assert seen.kind == "no points for work"
    assert seen.why == "0 of 1 checks · time used up: test_a · checks rewritten: test_a, test_b"


def test_who_has_been_looked_at_is_not_announced_again():
    odd = record("01", 2.0, status=Status.NEEDS_REVIEW, remarks=("test_a: forged",))
    assert review.look(odd, Standing(waiting=frozenset({("ps01", "q0")})))
    assert review.look(odd, Standing(waiting=frozenset({("other", "q0")}))) is None
    assert review.look(dataclasses.replace(odd, status=Status.UNREADABLE), Standing()) is None
    assert review.look(dataclasses.replace(odd, status=Status.INFRASTRUCTURE_ERROR), Standing())


def test_the_gravest_come_first():
    found = [review.look(each) for each in (record("03", 0.0), record("02", 2.0, status=Status.UNREADABLE), record("01", 0.0))]
    assert [each.record.student for each in sorted(found, key=review.order)] == ["02", "01", "03"]


def test_attempts_are_counted():
    assert review.attempts(record("01", 2.0, remarks=("x", SEVERAL))) == 3
    assert review.attempts(record("01", 2.0)) == 1


def test_the_words_that_are_looked_for_are_those_that_are_said():
    said = (review.TIME_USED_UP, review.NO_ANSWER, "attempts were handed in", "nothing of the locked cell was left under the marks of")
    assert [words for words in said if words not in CODE] == []
