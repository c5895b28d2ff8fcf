"""What a run was asked for on the command line, and what is said where nothing has been graded."""

import re
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import nbformat
import pytest
from foreign_course import HALF, RIGHT, make_foreign_course
from test_feedback import words
from test_gradebook import give, graded_class

from course_lib.command import WrongInput
from course_lib.grading import records
from course_lib.grading.collection.lateness import moment
from course_lib.grading.giving_back import feedback_command, report_command
from course_lib.grading.grading_run import graded_before, run_of
from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.gradebook import import_records
from course_lib.grading.reporting.pages import number
from course_lib.grading.sandbox.limits import Limits


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


# ------------------------------------------------------------------------------------------------------------ what is given back

ESSAY = (
    "The mean of the squares is the power of a signal, and its root has the unit of the signal again, so it can be drawn beside it. " * 3
)


def test_what_a_person_gave_and_what_lateness_cost_stand_in_report_and_feedback(tmp_path):
    """Two hand in the same words; one is late and is given points for words: the report is that of the gradebook, and names both."""
    course = load(make_foreign_course(tmp_path / "signals101"))
    run = run_of(asked(course.root))
    found, notebooks = graded_class(course, {"00123": {**RIGHT, "explain": ESSAY}, "half": {**HALF, "explain": ESSAY.upper()}})
    found = [replace(each, submitted="2027-05-02T09:00:00+09:00") if each.student == "00123" else each for each in found]
    for record in found:
        records.write(record, run.folder / "records")
        file = records.file_of(run.folder / "notebooks", record.student, record.notebook)
        file.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebooks[record.student, record.notebook], file)
    import_records(course, found, notebooks, due=moment("2027-05-01T10:00:00+09:00"))
    give(course, "00123", "explain", "essay", 2.0, "Well said.")
    late = asked(course.root, late_policy="per_day=10%", due="2027-05-01T10:00:00+09:00")
    assert report_command(late) == feedback_command(late) == 0
    full = sum(each.max_score for each in found if each.student == "00123")
    report = words((run.folder / "report.html").read_text(encoding="utf-8"))
    assert f"00123 Ada Lovelace {number(6.5 + 2 - full / 10)} of {number(full)} after {number(full / 10)} for lateness" in report
    assert "essay · explain by hand" in report
    assert "5 answers wait for a person" in report
    assert "words: explain" in report
    pages = [
        words((course.folder("feedback", "hw1", "00123") / f"{name}.html").read_text(encoding="utf-8")) for name in ("essay", "signals")
    ]
    assert "A person wrote: Well said." in pages[0]
    costs = [float(re.search(r"marks were earned; ([\d.]+) (?:was|were) taken off", page)[1]) for page in pages]
    assert sum(costs) == pytest.approx(full / 10, abs=0.01)


def test_a_record_of_a_notebook_that_the_assignment_no_longer_has_is_passed_over(abroad):
    run = run_of(asked(abroad))
    found, _ = graded_class(run.course)
    for record in [*found, replace(found[0], notebook="renamed_away")]:
        records.write(record, run.folder / "records")
    assert {record.notebook for record in graded_before(run)} == {record.notebook for record in found}
