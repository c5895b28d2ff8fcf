"""What was said about time is kept in a run's folder, read from people's files, and refused with the words that cannot be read."""

from argparse import Namespace
from datetime import UTC, datetime, timedelta

import pytest

from course_lib.grading.collection.arrivals import check
from course_lib.grading.collection.terms import Terms, asked_of, keep, kept

DUE = "2027-01-31T23:59:00+09:00"
SAID = Terms(
    "per_day=10%, grace=15m", DUE, {"ada": "2d", "山田": "2027-02-05T00:00:00+09:00"}, {"ada": "2027-01-30T00:00:00Z"}, {"memory": 8 << 30}
)


def test_what_was_said_is_read_again(tmp_path):
    assert kept(tmp_path / "run") == Terms()
    keep(SAID, tmp_path / "run")
    assert kept(tmp_path / "run") == SAID
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["run.json"]


def test_what_is_not_said_again_stays(tmp_path):
    assert asked_of(Namespace(late_policy="", due="", extensions=None, times=None), SAID) == SAID
    assert asked_of(Namespace(), SAID) == SAID
    changed = asked_of(Namespace(late_policy="none"), SAID)
    assert not changed.policy.costs
    assert changed.due == DUE
    assert asked_of(Namespace(cell_seconds=7.0, memory=None), SAID).limits == {"memory": 8 << 30, "cell_seconds": 7.0}


def test_who_stands_on_a_new_list_no_more_has_no_extension(tmp_path):
    (tmp_path / "more.csv").write_text("﻿name,student,until\nBob,bob,1w\nAda,ada,\n", encoding="utf-8")
    terms = asked_of(Namespace(extensions=tmp_path / "more.csv"), SAID)
    due = datetime(2027, 1, 31, 14, 59, tzinfo=UTC)
    assert terms.extension("bob", due) == timedelta(weeks=1)
    assert terms.extension("ada", due) == terms.extension("山田", due) == timedelta()
    assert terms.extension("eve", due) is None
    assert SAID.extension("山田", due) == timedelta(days=4, minutes=1)


def test_the_times_of_late_comers_are_added_to_those_of_the_others(tmp_path):
    (tmp_path / "late.csv").write_text("student,time\nbob,2027-02-01T00:00:00Z\n", encoding="utf-8")
    terms = asked_of(Namespace(times=tmp_path / "late.csv"), SAID)
    assert terms.times == {"ada": "2027-01-30T00:00:00Z", "bob": "2027-02-01T00:00:00Z"}
    (tmp_path / "late.csv").write_text("student,time\nada,2027-02-02T00:00:00Z\n", encoding="utf-8")
    assert asked_of(Namespace(times=tmp_path / "late.csv"), terms).times["ada"] == "2027-02-02T00:00:00Z"


def test_who_has_left_and_is_on_no_list_any_more_is_nobody_with_an_extension(tmp_path):
    (tmp_path / "more.csv").write_text("student,until\nbob,1w\n", encoding="utf-8")
    terms = asked_of(Namespace(extensions=tmp_path / "more.csv"), SAID)
    assert terms.extended == {"bob"}
    check([], terms, terms.due_date, {"ada", "bob"})
    with pytest.raises(ValueError, match="extensions are given to bob"):
        check([], terms, terms.due_date, {"ada"})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"late_policy": "harsh"}, "harsh"),
        ({"due": "soon"}, "soon"),
        ({"extensions": {"ada": "2 moons"}}, "ada: an extension must be a time like 15m, 2h, 7d or 1w; got '2 moons'"),
        ({"times": {"ada": "2027-01-30 12:00"}}, "ada: .*time zone"),
    ],
)
def test_what_cannot_be_read_is_named(fields, said):
    with pytest.raises(ValueError, match=said):
        Terms(**fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,time\nada,2027-01-30T00:00:00Z\n", "student,time"),
        ("", "student,time"),
        ("student,time\nada,2027-01-30T00:00:00Z\nada,2027-01-31T00:00:00Z\n", "'ada' twice"),
        ("student,time\nada,yesterday\n", "ada: .*yesterday"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path, text, said):
    (tmp_path / "times.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        asked_of(Namespace(times=tmp_path / "times.csv"), Terms())
    with pytest.raises(ValueError, match=r"gone\.csv is not there"):
        asked_of(Namespace(times=tmp_path / "gone.csv"), Terms())


def test_a_spoilt_file_is_named_with_what_to_do(tmp_path):
    (tmp_path / "run.json").write_text('{"late_policy": "harsh"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"run\.json cannot be read .*harsh.*delete it"):
        kept(tmp_path)
