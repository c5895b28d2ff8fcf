"""Whose marks changed: told from how students stand, kept in a table that a stopped run does not lose and that says nothing twice."""

import csv

from course_lib.grading.recording.mark_changes import changes, kept, remembered, told
from course_lib.grading.recording.marks import Standing

BEFORE = {
    "a": Standing({("ps", "q1"): 0.0, ("ps", "q2"): 1.0}),
    "b": Standing({("ps", "q1"): 2.0, ("ps", "q2"): None}, penalty=0.5),
    "=c": Standing({("ps", "q1"): 1.0}),
}
AFTER = {
    "a": Standing({("ps", "q1"): 2.0, ("ps", "q2"): 1.0 + 1e-12}),
    "b": Standing({("ps", "q1"): 2.0, ("ps", "q2"): 1.5}, penalty=1.0),
    "=c": Standing({("ps", "q1"): 0.5}),
    "new": Standing({("ps", "q1"): 1.0, ("ps", "q2"): None}, penalty=0.25),
}
SAID = [
    "=c: ps q1: 1 → 0.5",
    "a: ps q1: 0 → 2",
    "b: ps q2: no mark → 1.5",
    "b: late penalty: 0.5 → 1",
    "new: score: no mark → 0.75",
]


def test_each_mark_that_is_another_one_is_told_and_nothing_by_a_first_grading():
    assert list(map(str, changes(BEFORE, AFTER))) == SAID
    assert changes(AFTER, AFTER) == []
    assert changes({}, AFTER) == []


def test_the_sum_is_what_the_students_gained(tmp_path):
    lines = told(changes(BEFORE, AFTER), tmp_path / "changes.csv")
    assert lines == [
        *SAID[:-1],
        f"the marks of 3 students changed, +2.5 points in all: {tmp_path / 'changes.csv'}",  # -0.5 + 2 + 1.5 - 0.5
        f"1 student has marks for the first time: {tmp_path / 'changes.csv'}",
    ]
    assert told([], tmp_path) == []


def test_a_whole_class_does_not_flood_the_screen(tmp_path):
    before = {f"s{i:03d}": Standing({("ps", "q"): 0.0}) for i in range(200)}
    after = {name: Standing({("ps", "q"): 1.0}) for name in before}
    lines = told(changes(before, after), tmp_path)
    assert len(lines) == 22
    assert lines[-2:] == ["… and 180 more", f"the marks of 200 students changed, +200 points in all: {tmp_path}"]


def test_what_stood_before_outlives_a_stopped_run_and_is_forgotten_by_a_finished_one(tmp_path):
    assert remembered(tmp_path, BEFORE) == BEFORE
    assert remembered(tmp_path, AFTER) == BEFORE  # the run before this one was stopped after the marks had landed
    file = kept(tmp_path, changes(BEFORE, AFTER))
    assert remembered(tmp_path, AFTER) == AFTER
    kept(tmp_path, [])
    with file.open(encoding="utf-8", newline="") as lines:
        assert [row["student"] for row in csv.DictReader(lines)] == ["'=c", "a", "b", "b", "new"]


def test_said_twice_for_one_run_changes_stand_there_once_and_earlier_ones_stay(tmp_path):
    for _ in range(2):
        remembered(tmp_path, BEFORE)
        file = kept(tmp_path, changes(BEFORE, {"a": AFTER["a"]}))
    remembered(tmp_path, BEFORE)
    before = (tmp_path / ".before.json").read_bytes()
    kept(tmp_path, changes(BEFORE, {"a": AFTER["a"]}))
    (tmp_path / ".before.json").write_bytes(before)  # stopped between writing and forgetting
    kept(tmp_path, changes(BEFORE, {"a": AFTER["a"]}))
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 3
    assert len({row["when"] for row in rows}) == 3
