"""Questions of somebody who answered none, and of a machine that could judge none."""

from test_engines import job

from course_lib.grading.jobs import not_judged, parsed, unanswered
from course_lib.grading.records import Outcome


def test_who_answers_nothing_gets_nothing_and_a_failed_machine_gives_no_mark():
    notebook = parsed(job().instructor)
    assert [(q.grade_id, q.max_score, q.score, q.outcome) for q in unanswered(notebook)] == [("test_f", 2.0, 0.0, Outcome.NOT_ATTEMPTED)]
    assert [(q.grade_id, q.max_score, q.score, q.outcome) for q in not_judged(notebook)] == [("test_f", 2.0, None, Outcome.NOT_JUDGED)]
