"""Moodle's grading worksheet is read in any language, and comes back with marks in it."""

import csv
import io
import time
from argparse import Namespace
from datetime import UTC, datetime

import pytest
from foreign_course import make_foreign_course
from moodle_worksheet import worksheet

from course_lib.grading.collection.terms import Terms
from course_lib.grading.collection.worksheet import Participant, asked_or_kept, keep, moment, read
from course_lib.grading.grading_run import run_of

HANAKO = ("1200345", "Hanako Yamada", "0042", "hanako@example.org")
TARO = ("1200346", "Taro Yamada", "", "taro@example.org")


@pytest.fixture
def sheet(tmp_path):
    def read_back(text: str):
        file = tmp_path / "sheet.csv"
        file.write_bytes(text.encode())
        return read(file)

    return read_back


def test_people_are_found_with_their_number_and_the_time_of_handing_in(sheet):
    found = sheet(worksheet(HANAKO, TARO))
    when = datetime(2026, 11, 20, 23, 59).astimezone()
    fields = ("Hanako Yamada", "0042", "hanako@example.org", "Submitted for grading")
    assert found.headings == ("Identifier", "Grade", "Last modified (grade)")
    assert found.people[0] == Participant("1200345", "Participant 1200345", fields, "0042", when, "-")
    assert (found.people[1].number, found.people[1].id_number) == ("1200346", "")


def test_another_language_is_read_by_its_places(sheet):
    found = sheet(worksheet(HANAKO, english=False, submitted="2026年 11月 20日(金曜日) 23:59"))
    assert found.headings == ("ID", "評点", "最終更新日時 (評定)")
    assert found.people[0].number == "1200345"
    assert found.people[0].identifier == "参加者1200345"
    assert (found.people[0].id_number, found.people[0].submitted) == ("0042", datetime(2026, 11, 20, 23, 59).astimezone())


def test_numbers_before_the_grade_are_not_taken_for_it(sheet):
    """A class whose ID numbers are followed by the same number in every row."""
    rows = list(csv.reader(io.StringIO(worksheet(HANAKO).removeprefix("\ufeff"))))
    for row in rows:
        row.insert(3, "Year" if row[0] == "Identifier" else "2026")
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    assert sheet(text.getvalue()).headings[1] == "Grade"


def test_marks_go_back_under_the_headings_that_the_importer_wants(sheet):
    assert list(sheet(worksheet(HANAKO, TARO, english=False)).filled({"1200346": "12.5", "9": "30"})) == [
        ["ID", "評点", "最終更新日時 (評定)"],
        ["参加者1200346", "12.5", ""],
    ]


def test_an_assignments_folder_remembers_its_worksheet(tmp_path):
    file, folder = tmp_path / "sheet.csv", tmp_path / "ps01"
    folder.mkdir()
    assert asked_or_kept(None, folder) is None
    file.write_text(worksheet(HANAKO), encoding="utf-8")
    keep(asked_or_kept(file, folder), folder)
    assert asked_or_kept(None, folder).people == read(file).people
    file.write_text(worksheet(TARO), encoding="utf-8")
    assert asked_or_kept(file, folder).people[0].number == TARO[0]  # what is named now comes before what is kept
    keep(asked_or_kept(None, folder), folder)
    assert asked_or_kept(None, folder).people[0].number == HANAKO[0]


@pytest.mark.parametrize("text", ["", "id,first_name\ns01,Ada\n", worksheet(), "Identifier,Grade\nx,1\n", "Participant,\xff"])
def test_another_table_is_refused_with_the_way_to_the_right_one(sheet, text):
    with pytest.raises(ValueError, match="Download grading worksheet"):
        sheet(text)


def test_a_time_that_is_not_understood_is_no_time():
    assert moment("Freitag, 20. November 2026, 23:59") is None
    assert moment("Friday, November 20, 2026, 12:05 AM") == datetime(2026, 11, 20, 0, 5).astimezone()


@pytest.mark.parametrize("here", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_the_hours_are_those_of_the_due_date_on_whatever_machine_it_is_graded(tmp_path, monkeypatch, here):
    monkeypatch.setenv("TZ", here)
    time.tzset()
    file = tmp_path / "sheet.csv"
    file.write_text(worksheet(HANAKO, submitted="Friday, 20 November 2026, 11:30 PM"), encoding="utf-8")
    terms = Terms(due="2026-11-20T23:59:00+09:00")
    (hanako,) = asked_or_kept(file, tmp_path, terms.zone).people
    assert hanako.submitted == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert (Terms(due="2026-11-20T14:59:00Z").zone, Terms().zone) == (None, None)  # then the machine's
    monkeypatch.undo()
    time.tzset()


def test_a_run_reads_the_worksheet_by_the_clock_of_its_due_date(tmp_path):
    file = tmp_path / "sheet.csv"
    file.write_text(worksheet(HANAKO), encoding="utf-8")
    asked = Namespace(course=make_foreign_course(tmp_path / "signals101"), assignment="hw1", students=file, due="2026-11-20T12:00:00-03:30")
    assert run_of(asked).worksheet.people[0].submitted == datetime(2026, 11, 21, 3, 29, tzinfo=UTC)
