"""Figures of a class: marks as the gradebook has them, checks by how hard they were, columns that hold everybody once."""

import dataclasses

from test_class_report import CLASS, record

from course_lib.grading.recording.marks import Standing
from course_lib.grading.records import Outcome, Status
from course_lib.grading.reporting.class_figures import as_it_stands, checks_of, columns, students_of


def test_every_student_stands_in_exactly_one_column_or_has_no_marks():
    found = columns(students_of(CLASS))
    assert [column["count"] for column in found] == [1, 1, 0, 2, 0, 0, 1, 0, 0, 0]
    assert (found[0]["low"], found[-1]["high"]) == ("0", "6")
    assert columns(students_of([record("1", 2.0, 2.0)]))[-1]["count"] == 1
    assert {column["count"] for column in columns([])} == {0}


def test_a_record_takes_the_gradebooks_points_and_keeps_what_was_found():
    mine = record("01", 2.0, 0.0, None, message="Mistake: no")
    stand = as_it_stands(mine, Standing({("ps01", "q0"): 2.0, ("ps01", "q1"): 1.0, ("ps01", "q2"): 2.0, ("other", "q2"): 0.0}))
    assert [(q.score, q.outcome) for q in stand.questions] == [(2.0, Outcome.RIGHT), (1.0, Outcome.PART), (2.0, Outcome.RIGHT)]
    assert stand.questions[1].message == "Mistake: no"
    assert as_it_stands(mine, Standing()) == as_it_stands(mine, None) == mine
    taken = as_it_stands(mine, Standing({("ps01", "q0"): None, ("ps01", "q2"): 0.0}))
    assert [(q.score, q.outcome) for q in taken.questions] == [(None, Outcome.BY_HAND), (0.0, Outcome.WRONG), (0.0, Outcome.WRONG)]
    broken = dataclasses.replace(CLASS[6])
    assert as_it_stands(broken, Standing({("ps01", "q0"): 2.0})) == broken


def test_a_penalty_takes_no_more_than_there_is_and_nothing_of_what_has_no_mark():
    standings = {"01": Standing(penalty=1.0), "02": Standing(penalty=9.0), "07": Standing(penalty=1.0)}
    found = {student.name: student.score for student in students_of(CLASS, standings)}
    assert (found["01"], found["02"], found["07"]) == (3.0, 0.0, None)


def test_what_a_person_marked_is_known_by_the_records_before():
    done = [record("01", 2.0, 0.0, 1.0)]
    assert [check.name for check in checks_of(done)] == ["q1", "q2", "q0"]
    assert [check.name for check in checks_of(done, {("ps01", "q1")})] == ["q2", "q0", "q1"]
    assert [check.by_hand for check in checks_of(done, {("ps01", "q1")})] == [False, False, True]


def test_a_class_that_handed_in_nothing_has_no_hardest_check():
    (check,) = checks_of([record("05", 0.0, status=Status.MISSING)])
    assert (check.share, check.times) == (None, 0)
