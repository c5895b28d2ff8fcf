"""What a run was asked for on the command line, and what is said where nothing has been graded."""

from argparse import Namespace
from datetime import UTC, datetime, timedelta

import pytest
from foreign_course import make_foreign_course

from course_lib.command import WrongInput
from course_lib.grading.grading_run import feedback_command, graded_before, report_command, run_of
from course_lib.grading.limits import Limits


@pytest.fixture(scope="module")
def abroad(tmp_path_factory):
    return make_foreign_course(tmp_path_factory.mktemp("run") / "signals101")


def asked(course, **settings) -> Namespace:
    return Namespace(**{"course": course, "assignment": "hw1", **settings})


def test_a_run_takes_what_was_asked_and_leaves_the_rest(abroad):
    run = run_of(
        asked(abroad, late_policy="per_day=10%", due="2027-01-31T23:59:00+09:00", cell_seconds=7.0, memory=8 << 30, disk=None, workers=None)
    )
    assert run.assignment == "hw1"
    assert run.folder == abroad / "grading" / "hw1"
    assert run.limits == Limits(cell_seconds=7.0, memory=8 << 30)
    assert (run.terms.policy.per_day, run.terms.policy.grace) == (0.1, timedelta())
    assert run.terms.due_date == datetime(2027, 1, 31, 14, 59, tzinfo=UTC)
    assert run.workers >= 1
    assert run.sandboxed


@pytest.mark.parametrize(
    ("settings", "said"), [({"assignment": "hw"}, "hw1, hw2"), ({"late_policy": "harsh"}, "harsh"), ({"due": "soon"}, "soon")]
)
def test_what_cannot_be_worked_with_is_named(abroad, settings, said):
    with pytest.raises(ValueError, match=said):
        run_of(asked(abroad, **settings))


@pytest.mark.parametrize("command", [feedback_command, report_command])
def test_where_nothing_was_graded_it_says_how_to_begin(abroad, command):
    with pytest.raises(WrongInput, match="course grade SUBMISSIONS --assignment hw1"):
        command(asked(abroad))
    with pytest.raises(ValueError, match="nothing has been graded"):
        graded_before(run_of(asked(abroad)))
