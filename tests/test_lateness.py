"""What lateness costs: days begun, grace, cutoff, and words that are no policy."""

from datetime import UTC, datetime, timedelta

import pytest

from course_lib.grading.collection.lateness import NO_PENALTY, Policy, lateness, moment, parse, penalty

DUE = datetime(2027, 1, 31, 14, 59, tzinfo=UTC)


@pytest.mark.parametrize("words", ["none", "", "  none "])
def test_none_costs_nothing(words):
    assert parse(words) == NO_PENALTY
    assert penalty(parse(words), late=timedelta(days=400), score=7.0, max_score=10.0) == 0


def test_words_become_data():
    assert parse("per_day=10%") == Policy(per_day=0.1)
    assert parse("grace=15m, per_day = 2.5 %,cutoff=1w") == Policy(0.025, timedelta(minutes=15), timedelta(days=7))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("10%", "10%"),
        ("per_day=10", "percentage"),
        ("per_day=200%", "200%"),
        ("per_day=-1%", "-1%"),
        ("per_day=10%, per_day=20%", "once"),
        ("grace=15", "grace must be a time"),
        ("cutoff=soon", "soon"),
        ("per_week=1%", "per_week"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_words(words, named):
    with pytest.raises(ValueError, match=named):
        parse(words)


@pytest.mark.parametrize(
    ("late", "points"),
    [
        (timedelta(), 0),
        (timedelta(minutes=15), 0),  # the grace itself is in time
        (timedelta(minutes=16), 2),  # beyond it, the day begun counts whole, of the 20 points possible
        (timedelta(days=1), 2),
        (timedelta(days=1, seconds=1), 4),
        (timedelta(days=3), 6),
        (timedelta(days=5), 9),  # never more than was earned
        (timedelta(days=7, seconds=1), 9),
        (-timedelta(days=9), 0),
    ],
)
def test_each_day_begun_costs_its_part_of_the_points_possible(late, points):
    policy = Policy(per_day=0.1, grace=timedelta(minutes=15), cutoff=timedelta(days=7))
    assert penalty(policy, late=late, score=9.0, max_score=20.0) == points


def test_the_cutoff_takes_all_even_where_days_cost_nothing():
    policy = parse("cutoff=2d")
    assert penalty(policy, late=timedelta(days=2), score=9.0, max_score=10.0) == 0
    assert penalty(policy, late=timedelta(days=2, seconds=1), score=9.0, max_score=10.0) == 9


def test_lateness_is_read_across_time_zones():
    assert lateness("2027-01-31T23:59:00+09:00", DUE) == timedelta()
    assert lateness("2027-02-01T00:00:00+09:00", DUE) == timedelta(minutes=1)
    assert lateness("2027-01-31T14:58:00+00:00", DUE) == timedelta()
    assert lateness("", DUE) == lateness("2030-01-01T00:00:00+00:00", None) == timedelta()


@pytest.mark.parametrize(("words", "named"), [("2027-01-31 23:59", "time zone"), ("tomorrow", "tomorrow")])
def test_a_time_that_could_be_any_hour_is_refused(words, named):
    with pytest.raises(ValueError, match=named):
        moment(words)
