"""Questions of somebody who answered none, and of a machine that could judge none."""

from test_engines import job

from course_lib.grading.judging.jobs import Plan, not_judged, parsed, unanswered
from course_lib.grading.records import Outcome


def test_who_answers_nothing_gets_nothing_and_a_failed_machine_gives_no_mark():
    notebook = parsed(job().instructor)
    assert [(q.grade_id, q.max_score, q.score, q.outcome) for q in unanswered(notebook)] == [("test_f", 2.0, 0.0, Outcome.NOT_ATTEMPTED)]
    assert [(q.grade_id, q.max_score, q.score, q.outcome) for q in not_judged(notebook)] == [("test_f", 2.0, None, Outcome.NOT_JUDGED)]


def test_a_plan_is_read_as_it_was_written_and_equal_plans_are_written_alike():
    plan = Plan(frozenset({"b", "a"}), ("m.n",), {"t": frozenset({"record", "edit"}), "s": frozenset()})
    assert Plan.read(plan.written()) == plan
    assert Plan(frozenset({"a", "b"}), ("m.n",), {"s": frozenset(), "t": frozenset({"edit", "record"})}).written() == plan.written()
