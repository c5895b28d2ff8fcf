"""Lateness in nbgrader's own field: extensions, a learning system's own mark, and points that a person gave since."""

import dataclasses
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from foreign_course import make_foreign_course

from course_lib.grading.collection.lateness import parse
from course_lib.grading.judging.jobs import unanswered
from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.gradebook import import_records, standings
from course_lib.grading.recording.penalties import due_date, penalise_again
from course_lib.grading.recording.transaction import opened
from course_lib.grading.records import Outcome, Record, Status

DUE = datetime(2027, 1, 31, 14, 59, tzinfo=UTC)
POLICY = parse("per_day=10%, cutoff=7d")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = make_foreign_course(tmp_path_factory.mktemp("penalties") / "signals101")
    opened(load(folder)).close()
    return folder


@pytest.fixture
def course(made, tmp_path):
    return load(shutil.copytree(made, tmp_path / "signals101"))


def records(course, submitted="", late=False):
    """Ada's two notebooks, every check right, what a person marks not marked: 6.5 of 18.5 points."""
    found, notebooks = [], {}
    for source in course.assignment("hw1"):
        questions = [
            dataclasses.replace(each, score=each.max_score, outcome=Outcome.RIGHT)
            if each.grade_id.endswith("_test")
            else dataclasses.replace(each, score=None, outcome=Outcome.BY_HAND)
            for each in unanswered(source.instructor)
        ]
        found.append(Record("ada", "hw1", source.notebook, Status.GRADED, tuple(questions), submitted=submitted, late=late))
        notebooks["ada", source.notebook] = source.released
    return found, notebooks


def penalty(course, *args, **settings):
    return import_records(course, *args, policy=POLICY, **settings)["ada"].penalty


def test_an_extension_counts_at_the_first_grading_and_is_the_gradebooks_own(course):
    late = records(course, (DUE + timedelta(days=1, hours=1)).isoformat())
    assert penalty(course, *late, due=DUE, extensions={"ada": timedelta(days=2), "eve": timedelta(days=2)}) == 0
    with opened(course) as book:
        assert book.find_submission("hw1", "ada").extension == timedelta(days=2)
    assert penalty(course, *late) == 0  # what the gradebook knows stays
    assert penalty(course, *late, extensions={"ada": timedelta()}) == pytest.approx(3.7)


def test_a_mark_without_a_time_costs_a_day_begun_unless_there_is_an_extension(course):
    marked = records(course, late=True)
    assert penalty(course, *marked, due=DUE) == pytest.approx(1.85)
    assert penalty(course, *marked, extensions={"ada": timedelta(days=1)}) == 0
    in_time = records(course, (DUE - timedelta(hours=1)).isoformat(), late=True)
    assert penalty(course, *in_time, extensions={"ada": timedelta()}) == 0  # a time that is known says more
    assert penalty(course, *marked) == pytest.approx(1.85)  # and is forgotten with the submission that had it


def test_points_that_a_person_gave_since_are_taken_off_again(course):
    far = records(course, (DUE + timedelta(days=8)).isoformat())
    assert penalty(course, *far, due=DUE) == 6.5
    with opened(course) as book:
        grade = book.find_grade("explain", "essay", "hw1", "ada")
        grade.manual_score, grade.needs_manual_grade = 4.0, False
        book.db.commit()
    assert standings(course, "hw1")["ada"].penalty == 6.5
    assert penalise_again(course, "hw1", far[0], POLICY)["ada"].penalty == pytest.approx(10.5)
    assert penalise_again(course, "hw1", far[0], parse("none"))["ada"].penalty == 0


def test_marks_that_never_landed_are_said(course):
    with pytest.raises(ValueError, match="are not in the gradebook yet"):
        penalise_again(course, "hw1", records(course)[0], POLICY)


def test_the_gradebooks_due_date_is_read_and_none_is_made(course, tmp_path):
    assert due_date(course, "hw1") is None
    import_records(course, *records(course), due=DUE)
    assert due_date(course, "hw1") == DUE
    (course.root / "marks.db").unlink()
    assert due_date(course, "hw1") is None
    assert not (course.root / "marks.db").exists()
