"""Records are written whole or not at all, read back by value, and no name leads out of their folder."""

import dataclasses
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.grading import records
from course_lib.grading.records import Outcome, Question, Record, Status

QUESTIONS = (
    Question("test_a", 2.0, 1.5, Outcome.PART, "got 3", "the mean", True, 0.25),
    Question("words", 3.0, None, Outcome.BY_HAND),
)
RECORD = Record("0042", "ps01", "ps01_x", Status.PARTIAL, QUESTIONS, ("mended",), ("look",), "2027-01-01T00:00:00+09:00", 1.5, "key")


def test_a_record_comes_back_as_it_was(tmp_path):
    file = records.write(RECORD, tmp_path)
    assert records.read(file) == RECORD
    assert records.read_all(tmp_path) == [RECORD]


def test_points_are_summed_and_open_ones_wait():
    assert RECORD.score == 1.5
    assert RECORD.max_score == 5.0
    assert Record("a", "b", "c", Status.MISSING).score == 0


def test_a_failed_machine_gives_no_mark():
    assert dataclasses.replace(RECORD, status=Status.INFRASTRUCTURE_ERROR).score is None


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), min_size=2, max_size=2, unique=True))
def test_any_two_ids_have_files_of_their_own_inside_the_folder(tmp_path_factory, ids):
    folder = tmp_path_factory.mktemp("records")
    files = [records.file_of(folder, student, "book") for student in ids]
    assert files[0] != files[1]
    for file in files:
        assert file.resolve().is_relative_to(folder.resolve())
        assert file.parent.parent == folder
        assert len(os.fsencode(file.parent.name)) < 200


@pytest.mark.parametrize("student", ["..", ".", "", "/etc", "a/../../b", "=1+1", "山田 花子", "x" * 5000, "a\0b", "con", "a\nb"])
def test_odd_ids_are_written_and_read(tmp_path, student):
    record = dataclasses.replace(RECORD, student=student)
    file = records.write(record, tmp_path)
    assert file.resolve().is_relative_to(tmp_path.resolve())
    assert records.read_all(tmp_path) == [record]


def test_ids_that_differ_by_case_alone_are_told_apart_where_the_file_system_tells_them():
    assert records.file_of(records.Path(), "Ann", "b") != records.file_of(records.Path(), "ann", "b")


def test_a_write_that_fails_leaves_the_old_record(tmp_path, monkeypatch):
    file = records.write(RECORD, tmp_path)

    def refuse(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(records.os, "replace", refuse)
    with pytest.raises(OSError, match="full"):
        records.write(dataclasses.replace(RECORD, seconds=9.0), tmp_path)
    assert records.read(file) == RECORD
    assert records.read_all(tmp_path) == [RECORD]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"status": "graded"}', '{"questions": 3}'])
def test_what_is_no_record_is_refused_by_name(tmp_path, text):
    file = tmp_path / "a" / "b.json"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="is no record of a grading run"):
        records.read(file)


def test_half_a_character_in_a_students_error_stops_nobody(tmp_path):
    record = dataclasses.replace(RECORD, questions=(dataclasses.replace(QUESTIONS[0], message="\ud800!"),))
    records.write(record, tmp_path)
    assert records.read_all(tmp_path)[0].questions[0].message == "?!"


def test_a_key_knows_where_one_part_ends_and_the_next_begins():
    assert records.key_of([b"ab", b"c"]) != records.key_of([b"a", b"bc"])
    assert records.key_of([b"ab", b"c"]) == records.key_of(iter([b"ab", b"c"]))
