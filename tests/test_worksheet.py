"""Moodle's grading worksheet is read in any language, and comes back with marks in it."""

import csv
import io
from datetime import datetime

import pytest
from moodle_worksheet import worksheet

from course_lib.grading.worksheet import Participant, asked_or_kept, keep, moment, read

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
