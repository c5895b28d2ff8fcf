"""Marks as tables: one row a student, safe in a spreadsheet, for Moodle and Canvas."""

import csv
import time
from dataclasses import replace

import pytest
from moodle_worksheet import worksheet

from course_lib.grading.collection.class_list import ClassList
from course_lib.grading.collection.worksheet import read as read_worksheet
from course_lib.grading.nbgrader_course import Student
from course_lib.grading.recording.marks import Standing, table, write
from course_lib.grading.records import Outcome, Question, Record, Status

ODD = [
    "=1+1",
    "00123",
    "山田 太郎",
    "Doe, John",
    'the "quoted"',
    "two\nlines",
    "+81-3",
    "@home",
    "-7",
    "＝cmd",
    "\tx",
    "",
    "a/b",
    "%41",
    "😀",
]


def record(student, scores, *, notebook="ps", status=Status.GRADED, of=2.0):
    outcomes = {None: Outcome.BY_HAND, 0.0: Outcome.WRONG, of: Outcome.RIGHT}
    questions = tuple(Question(name, of, score, outcomes.get(score, Outcome.PART)) for name, score in scores.items())
    return Record(student, "hw1", notebook, status, questions)


def read(file):
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))


def test_one_row_a_student_with_a_column_a_question(tmp_path):
    files = write([record("b", {"q1": 2.0, "q2": 0.5}), record("a", {"q1": 0.0, "q2": None})], tmp_path)
    assert [file.name for file in files] == ["marks.csv", "moodle.csv", "canvas.csv"]
    assert read(files[0]) == [
        ["student", "assignment", "status", "score", "max_score", "q1", "q2", "late penalty", "waiting"],
        ["a", "hw1", "graded", "0", "4", "0", "", "0", "1"],
        ["b", "hw1", "graded", "2.5", "4", "2", "0.5", "0", "0"],
    ]


def test_what_the_gradebook_says_counts_and_lateness_is_taken_off(tmp_path):
    standing = Standing({("ps", "q1"): 1.25, ("ps", "q2"): 2.0}, penalty=0.4)
    (row,) = table([record("a", {"q1": 0.0, "q2": None})], {"a": standing})
    assert (row.score, row.questions, row.penalty) == (2.85, {"q1": 1.25, "q2": 2.0}, 0.4)
    write([record("a", {"q1": 0.0, "q2": None})], tmp_path, {"a": standing})
    assert read(tmp_path / "marks.csv")[1][3:] == ["2.85", "4", "1.25", "2", "0.4", "0"]


def test_an_infrastructure_error_has_no_score_not_zero(tmp_path):
    fine, failed = record("a", {"q1": 2.0}, notebook="one"), record("a", {"q2": None}, notebook="two", status=Status.INFRASTRUCTURE_ERROR)
    write([fine, failed], tmp_path, {"a": Standing({("one", "q1"): 2.0, ("two", "q2"): 1.0})})
    header, row = read(tmp_path / "marks.csv")
    assert dict(zip(header, row, strict=True)) == {
        "student": "a",
        "assignment": "hw1",
        "status": "infrastructure_error",
        "score": "",
        "max_score": "4",
        "one/q1": "2",
        "two/q2": "",
        "late penalty": "0",
        "waiting": "0",
    }
    assert read(tmp_path / "moodle.csv")[1] == ["a", "", ""]
    assert read(tmp_path / "canvas.csv")[2][-1] == ""


@pytest.mark.parametrize("status", [Status.MISSING, Status.UNREADABLE])
def test_nothing_to_mark_is_zero_points(status, tmp_path):
    write([record("a", {"q1": 0.0}, status=status)], tmp_path)
    assert read(tmp_path / "marks.csv")[1][2:5] == [str(status), "0", "2"]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["graded", "graded"], "graded"),
        (["graded", "not_attempted"], "graded"),
        (["not_attempted", "not_attempted"], "not_attempted"),
        (["missing", "missing"], "missing"),
        (["graded", "missing"], "partial"),
        (["needs_review", "partial"], "needs_review"),
        (["unreadable", "needs_review"], "unreadable"),
        (["infrastructure_error", "missing"], "infrastructure_error"),
    ],
)
def test_several_notebooks_have_the_status_that_most_needs_an_eye(parts, whole):
    (row,) = table([record("a", {"q": 0.0}, notebook=f"n{i}", status=Status(part)) for i, part in enumerate(parts)])
    assert row.status == whole


def test_odd_ids_are_neither_formulas_nor_lost(tmp_path):
    files = write([record(student, {"q": 1.0}) for student in ODD], tmp_path)
    for file, column, skip in zip(files, (0, 0, 3), (1, 1, 2), strict=True):
        shown = [line[column] for line in read(file)[skip:]]
        assert len(shown) == len(ODD)
        assert not any(field.lstrip()[:1] in tuple("=+-@＝＋－＠") or field[:1] == "\t" for field in shown if field)
        assert sorted(field.removeprefix("'") for field in shown) == sorted(ODD)
    assert '"00123"' in files[0].read_text(encoding="utf-8")


def test_a_name_that_is_no_unicode_does_not_lose_the_table(tmp_path):
    write([record("caf\udce9", {"q": 1.0}), record("b", {"q": 1.0})], tmp_path)
    assert [line[0] for line in read(tmp_path / "marks.csv")[1:]] == ["b", r"caf\udce9"]


def test_an_lms_finds_its_people(tmp_path):
    ada = Student("00123", "Ada", "Lovelace", "ada@example.org", "4711")
    write([record("00123", {"q": 1.0}), record("x", {"q": 2.0})], tmp_path, roster=[ada])
    assert read(tmp_path / "moodle.csv") == [["ID number", "Email address", "hw1"], ["00123", "ada@example.org", "1"], ["x", "", "2"]]
    assert read(tmp_path / "canvas.csv") == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw1"],
        ["Points Possible", "", "", "", "", "2"],
        ["Lovelace, Ada", "4711", "", "00123", "", "1"],
        ["x", "", "", "x", "", "2"],
    ]


def from_export(student, prefix, score=1.0):
    return replace(record(student, {"q": score}), prefix=prefix)


def imported_by_moodle(file, people, headings=("Identifier", "Grade", "Last modified (grade)"), participant="Participant "):
    """The grades that ``assignfeedback_offline_grade_importer`` (importgradeslib.php) reads: three columns by their headings, a number by its place.

    It fails without one of the headings, cuts as many bytes off an identifier as the word for a participant has, and skips whom it does not know
    and who has no grade.
    """
    head, *rows = read(file)
    identifier, grade, _ = (head.index(heading) for heading in headings)
    numbers = [row[identifier].encode()[len(participant.encode()) :].decode() for row in rows]
    return {people[number]: row[grade] for number, row in zip(numbers, rows, strict=True) if number in people and row[grade]}


def test_moodle_takes_its_worksheet_back_by_the_numbers_of_the_export(tmp_path):
    records = [
        from_export("1200345", "Hanako Yamada_1200345_assignsubmission_file_/"),
        from_export("77", "Taro_77_assignsubmission_file_", None),
        record("late", {"q": 1.0}),
    ]
    write(records, tmp_path)
    assert imported_by_moodle(tmp_path / "moodle.csv", {"1200345": "hanako", "77": "taro"}) == {"hanako": "1"}
    assert "Yamada" not in (tmp_path / "moodle.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(("english", "participant"), [(True, "Participant "), (False, "参加者")])
def test_moodle_takes_its_worksheet_back_in_any_language(tmp_path, english, participant):
    """With the worksheet, who handed in nothing has a number too, and ids are the course's."""
    file = tmp_path / "sheet.csv"
    people = [("31", "A B", "", "ada@example.org"), ("32", "C D", "", "ben@example.org"), ("33", "E F", "", "x@example.org")]
    file.write_text(worksheet(*people, english=english), encoding="utf-8")
    roster = [Student("ada", email="ada@example.org"), Student("ben", email="ben@example.org")]
    known = ClassList.of(roster, read_worksheet(file))
    write(
        [from_export("ada", "A B_31_assignsubmission_file_/", 1.5), record("ben", {"q": 0.0}, status=Status.MISSING)], tmp_path, known=known
    )
    assert imported_by_moodle(
        tmp_path / "moodle.csv", {"31": "ada", "32": "ben", "33": "x"}, headings=known.worksheet.headings, participant=participant
    ) == {"ada": "1.5", "ben": "0"}


def found_by_canvas(file, users):
    """The scores that ``GradebookImporter`` (gradebook_importer.rb) reads, by the user that it finds: by id, by login, by sortable name."""
    head, points, *rows = read(file)
    assert head[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert "Points Possible" in points[0]
    by_login, by_name = ({user[key]: number for number, user in users.items()} for key in ("login", "name"))
    return {
        users.get(row[1], {}).get("login") or users.get(by_login.get(row[3]) or by_name.get(row[0]), {}).get("login"): row[5]
        for row in rows
    }


def test_canvas_finds_everybody_and_nobody_elses_number_is_a_login(tmp_path):
    users = {
        "4711": {"login": "yamada", "name": "Yamada, Hanako"},
        "4712": {"login": "4711", "name": "Sato, Jiro"},  # whose login is somebody's id
        "4713": {"login": "ada", "name": "Lovelace, Ada"},
        "4714": {"login": "ben", "name": "B, Ben"},
        "4715": {"login": "4799", "name": "Ito, Aoi"},  # whose login is the id of somebody who has left
    }
    roster = [Student("ada", "Ada", "Lovelace", lms_id="4713"), Student("4711"), Student("ben")]
    found = [
        from_export("4711", "yamadahanako_LATE_4711_90210_", 2.0),
        from_export("ada", "lovelaceada_4713_5_", 1.0),
        record("ben", {"q": 0.5}),
    ]
    write([*found, from_export("4799", "left_4799_90300_", 1.5)], tmp_path, roster=roster)
    assert found_by_canvas(tmp_path / "canvas.csv", users) == {"yamada": "2", "ada": "1", "ben": "0.5", None: "1.5"}


def test_excel_sees_that_the_table_is_unicode(tmp_path):
    files = write([record("山田 花子", {"q": 1.0})], tmp_path)
    assert [file.read_bytes().startswith(b"\xef\xbb\xbf") for file in files] == [True, False, False]


def test_points_have_no_tails_of_binary_fractions(tmp_path):
    write([record("a", {"q1": 0.1, "q2": 0.2, "q3": 0.30000000000000004})], tmp_path)
    assert read(tmp_path / "marks.csv")[1][3:] == ["0.6", "6", "0.1", "0.2", "0.3", "0", "0"]


def test_as_long_as_an_answer_waits_for_a_person_no_lms_gets_a_mark(tmp_path):
    found = [record("done", {"q1": 2.0}), record("read", {"q1": None}), record("waits", {"q1": None}), record("odd", {"q1": 2.0})]
    standings = {
        "read": Standing({("ps", "q1"): 1.5}),
        "waits": Standing({("ps", "q1"): None}, waiting=frozenset({("ps", "q1")})),
        "odd": Standing({("ps", "q1"): 2.0}, waiting=frozenset({("ps", "q1")})),
    }
    write(found, tmp_path, standings)
    header, *rows = read(tmp_path / "marks.csv")
    assert {row[0]: (row[3], row[header.index("waiting")]) for row in rows} == {
        "done": ("2", "0"),
        "read": ("1.5", "0"),
        "waits": ("0", "1"),
        "odd": ("2", "1"),
    }
    assert [line[-1] for line in read(tmp_path / "canvas.csv")[2:]] == ["2", "", "1.5", ""]
    assert table([record("unmarked", {"q1": None})])[0].final is None  # nobody can have read what no gradebook knows


def test_a_class_of_five_hundred_is_written_in_less_than_five_seconds(tmp_path):
    names = [f"q{i}" for i in range(10)]
    found = [record(f"{i:05d}", dict.fromkeys(names, 1.0)) for i in range(500)]
    standings = {each.student: Standing({("ps", name): 1.5 for name in names}) for each in found}
    started = time.process_time()
    write(found, tmp_path, standings)
    assert time.process_time() - started < 5
    assert len(read(tmp_path / "marks.csv")) == 501
