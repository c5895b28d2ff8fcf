"""The instructor's own solution shows how each test can be judged, and which cannot be at all."""

import sys

import pytest
from conftest import needs_program
from test_execution import F, G, book

from course_lib.grading.judging.jobs import Job
from course_lib.grading.judging.rehearsal import rehearse
from course_lib.grading.sandbox.limits import Limits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def rehearsed(test_f: str, answers: tuple[str, ...] = ()):
    needs_program("bwrap")
    released = book("raise NotImplementedError", "raise NotImplementedError", words="", test_f=test_f)
    job = Job("", "set", "book", book(F, G, words="", test_f=test_f), released, None, limits=Limits(cell_seconds=10.0))
    return rehearse(job, answers=answers)


def test_a_sound_assignment_is_judged_apart():
    plan, faults = rehearsed("assert f(2) == 4")
    assert plan.inside == frozenset()
    assert faults == []


def test_a_test_that_looks_into_a_function_runs_inside():
    plan, faults = rehearsed("assert f.__code__.co_argcount == 1")
    assert plan.inside == {"test_f"}
    assert faults == []


def test_a_test_that_its_own_solution_fails_is_a_fault():
    _, faults = rehearsed("assert f(2) == 5, 'five'")
    assert len(faults) == 1
    assert "test_f" in faults[0]
    assert "five" in faults[0]


def test_what_the_solution_does_not_load_of_the_answers_is_hidden():
    plan, _ = rehearsed("assert f(2) == 4", answers=("course_lib.classical",))
    assert "course_lib.classical.gmm" in plan.hidden_modules
    assert all(name in sys.modules or name.startswith("course_lib.classical.") for name in plan.hidden_modules)
