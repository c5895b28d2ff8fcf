"""What is known of when work came, and what a person is told before lateness costs anybody points."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from course_lib.grading.collection.arrivals import check, digest, may_still_come, outdated, timed, told
from course_lib.grading.collection.collecting import Submission
from course_lib.grading.collection.terms import Terms
from course_lib.grading.records import Record, Status

DUE = datetime(2027, 1, 31, 14, 59, tzinfo=UTC)
POLICY = Terms("per_day=10%, grace=15m", DUE.isoformat())


def came(student, after=None, **about):
    """Work that came so many minutes after it was due, or nobody knows when."""
    at = None if after is None else DUE + timedelta(minutes=after)
    return Submission(student, "hw1", "ps", b"{}", "", at, {}, (), **about)


def nothing(student):
    return Submission(student, "hw1", "ps", None, "", None, {}, ())


def test_a_persons_list_of_times_counts_before_all_else_and_for_nobody_who_handed_in_nothing():
    terms = Terms(times={"a": "2027-02-01T00:00:00+09:00", "none": "2027-02-01T00:00:00+09:00"})
    found = timed([came("a", -5, dated=True), came("b", 7, dated=True), nothing("none")], terms)
    assert [(each.submitted, each.dated) for each in found] == [
        (DUE + timedelta(minutes=1), False),
        (DUE + timedelta(minutes=7), True),
        (None, False),
    ]


def test_whose_times_they_are_and_how_many_are_late_is_said():
    (line,) = told([came("a", -5, dated=True), came("b", 16, dated=True), came("c", 15), nothing("d")], POLICY, DUE)
    assert line == "times: the files' own dates, the newest 2027-01-31 15:15 UTC; 1 of 3 are late (due 2027-01-31 14:59 UTC)"
    assert told([came("a", -5)], Terms(), None) == []
    assert told([came("a", -5, dated=True)], Terms(), None) == ["times: the files' own dates, the newest 2027-01-31 14:54 UTC"]


def test_when_most_are_late_a_line_warns_and_extensions_are_not_late():
    late = [came("a", 60, dated=True), came("b", 60, dated=True), came("c", 0, dated=True)]
    assert "! most are late. copying and downloading" in "\n".join(told(late, POLICY, DUE))
    excused = Terms(POLICY.late_policy, POLICY.due, {"a": "1d"})
    assert "most are late" not in "\n".join(told(late, excused, DUE))
    assert "copying" not in "\n".join(told([came("a", 60), came("b", 60)], POLICY, DUE))


def test_of_whom_nothing_tells_is_said_where_it_may_cost_points():
    here = [came("a", 5), came("b"), came("c", late=True), nothing("d")]
    lines = told(here, POLICY, DUE)
    assert lines[1:] == [
        "1 student marked as late by the learning system, by how much is not known: as if within a day",
        "nothing tells when 1 student handed in, who counts as in time: b",
    ]
    assert len(told(here, Terms(due=POLICY.due), DUE)) == 1


@pytest.mark.parametrize(
    ("here", "terms", "due", "said"),
    [
        ([came("a", 5)], POLICY, None, "needs a due date"),
        ([came("a"), nothing("b")], POLICY, DUE, "nothing tells it"),
        ([came("a", 5)], Terms(extensions={"A": "2d"}), None, "extensions are given to A, who is not in the class"),
        ([came("a", 5)], Terms(times={"A": "2027-01-30T00:00:00Z"}), None, "times are given of A, of whom nobody is in the class"),
    ],
)
def test_what_would_cost_or_spare_the_wrong_points_is_refused(here, terms, due, said):
    with pytest.raises(ValueError, match=said):
        check(here, terms, due, {each.student for each in here})


@pytest.mark.parametrize(
    ("here", "terms", "due"),
    [
        ([came("a"), came("b", 5)], POLICY, DUE),
        ([came("a", late=True)], POLICY, DUE),
        ([nothing("a")], POLICY, DUE),
        ([came("a")], Terms("none"), None),
        ([came("a")], Terms("grace=15m"), None),  # costs nobody anything
        ([came("a")], Terms(times={"a": "2027-01-30T00:00:00Z", "elsewhere": "2027-01-30T00:00:00Z"}), None),
    ],
)
def test_what_can_be_told_goes_on(here, terms, due):
    check(here, terms, due, {each.student for each in here})


def test_who_has_time_left_is_no_zero_yet():
    found = [Record(name, "hw1", "ps", Status.MISSING) for name in ("a", "b")] + [Record("c", "hw1", "ps", Status.GRADED)]
    terms = Terms(extensions={"a": "2d"})
    assert may_still_come(found, terms, DUE, DUE - timedelta(minutes=1)) == {"a", "b"}
    assert may_still_come(found, terms, DUE, DUE) == {"a"}
    assert may_still_come(found, terms, DUE, DUE + timedelta(days=2)) == may_still_come(found, terms, None, DUE) == set()


def test_a_mistyped_name_among_the_times_is_said():
    terms = Terms(times={"a": "2027-01-30T00:00:00Z", "aa": "2027-01-30T00:00:00Z"})
    assert told([came("a", 5)], terms, None, {"a", "b"}) == ["times are given of aa, who is not in the class"]


def by_moodle(student, after, data=b"{}"):
    return dataclasses.replace(came(student, after), data=data, prefix=f"{student}_12_assignsubmission_file_/")


def test_a_worksheet_that_is_older_than_the_archive_is_refused_where_lateness_costs_points():
    def graded(student, after, data):
        time = (DUE + timedelta(minutes=after)).isoformat()
        return Record(student, "hw1", "ps", Status.GRADED, submitted=time, handed_in=digest(data))

    before = [graded("a", -5, b"{}"), graded("b", -5, b"old"), graded("c", -5, b"old"), Record("e", "hw1", "ps", Status.MISSING)]
    same, anew, known = by_moodle("a", -5), by_moodle("b", -5), by_moodle("c", 60)
    assert outdated([same, known, came("x"), nothing("e")], before, POLICY, DUE) == []
    for one in (anew, by_moodle("e", None)):
        with pytest.raises(ValueError, match=f"older than what {one.student} handed in: download it again .*--students FILE"):
            outdated([same, one], before, POLICY, DUE)
        assert len(outdated([one], before, Terms(due=POLICY.due), DUE)) == 1
        given = Terms(POLICY.late_policy, POLICY.due, times={one.student: "2027-02-01T00:00:00Z"})
        assert outdated([one], before, given, DUE) == []
