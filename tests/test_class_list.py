"""A student is one student, whatever a learning system calls them; who is on no list is named."""

from datetime import datetime

import pytest

from course_lib.command import WrongInput
from course_lib.grading.collection.class_list import ClassList, introduced
from course_lib.grading.collection.worksheet import Participant, Worksheet
from course_lib.grading.nbgrader_course import Student

ADA = Student("ada", "Ada", "Lovelace", "Ada.Lovelace@example.org", "4711")
BEN = Student("0042", "Ben", "Yamada", "ben@example.org")
NIGHT = datetime(2026, 11, 20, 23, 59).astimezone()


def sheet(*people: Participant) -> Worksheet:
    return Worksheet(("Identifier", "Grade", "Last modified (grade)"), people)


def person(number: str, *fields: str, id_number: str = "", submitted=None) -> Participant:
    return Participant(number, f"Participant {number}", fields, id_number, submitted)


def test_canvas_and_folders_know_a_student_by_the_lms_id():
    known = ClassList.of([ADA, BEN])
    assert [known.name(system, "4711") for system in ("canvas", "", "moodle")] == ["ada", "ada", "4711"]
    assert (known.name("", "0042"), known.name("", "new")) == ("0042", "new")


def test_the_courses_own_id_comes_before_somebody_elses_lms_id():
    """A folder named 0042 is the student 0042; Canvas's user 0042 is the one who has that LMS id."""
    known = ClassList.of([BEN, Student("eve", lms_id="0042")])
    assert (known.name("", "0042"), known.name("canvas", "0042")) == ("0042", "eve")


def test_a_user_of_canvas_is_not_the_student_whose_own_id_is_the_same_number():
    known = ClassList.of([Student("4711", lms_id="90"), Student("4712"), Student("4713", lms_id="4713")])
    assert [known.name("canvas", given) for given in ("90", "4711", "4712", "4713")] == ["4711", "canvas-4711", "4712", "4713"]
    assert known.strangers(["canvas-4711"]) == ["canvas-4711"]


def test_a_classmates_id_in_a_field_of_ones_own_says_nothing():
    everybody = [Student(f"s{number}") for number in range(5)]
    rows = [person(str(number), f"N{number}", f"s{number}", "s3" if number == 1 else "Physics") for number in range(5)]
    known = ClassList.of(everybody, sheet(*rows))
    assert [known.name("moodle", str(number)) for number in range(5)] == [student.id for student in everybody]


@pytest.mark.parametrize(
    "fields",
    [
        ("Somebody", "ada"),
        ("Somebody", "4711"),
        ("Somebody", "ADA.lovelace@example.org"),
        ("Lovelace  Ada",),
        ("Ａｄａ Lovelace", ""),
    ],
)
def test_moodles_numbers_mean_something_with_the_worksheet_alone(fields):
    known = ClassList.of([ADA, BEN], sheet(person("31", *fields)))
    assert known.name("moodle", "31") == "ada"
    assert known.name("moodle", "4711") == "4711"  # another student's LMS id is no number of Moodle's


def test_two_people_of_one_name_are_not_one_student():
    """One of them alone is on the list: who it is, the name does not tell, and the address does."""
    known = ClassList.of([ADA], sheet(person("1", "Ada Lovelace", "x@y.z"), person("2", "Ada Lovelace", ADA.email)))
    assert [known.name("moodle", number) for number in "12"] == ["x@y.z", "ada"]
    known = ClassList.of([ADA], sheet(person("1", "Ada Lovelace"), person("2", "Ada Lovelace")))
    assert [known.name("moodle", number) for number in "12"] == ["1", "2"]
    known = ClassList.of([ADA], sheet(person("1", "Ada Lovelace"), person("2", "Somebody", "ada")))
    assert [known.name("moodle", number) for number in "12"] == ["1", "ada"]


def test_who_is_on_the_worksheet_alone_goes_by_what_lasts_longest():
    people = [person("1", "A B", "77", "a@b.c", id_number="77"), person("2", "C D", "", "c@d.e"), person("3", "E F")]
    known = ClassList.of([], sheet(*people))
    assert [known.name("moodle", number) for number in "123"] == ["77", "c@d.e", "3"]
    assert known.absent(["77"]) == ["3", "c@d.e"]
    assert known.strangers(["77", "x"]) == []  # without a list nobody is a stranger


def test_a_full_name_that_two_bear_names_nobody():
    twin = Student("ada2", "Ada", "Lovelace")
    known = ClassList.of([ADA, twin], sheet(person("1", "Ada Lovelace"), person("2", "Ada Lovelace", "ada2")))
    assert (known.name("moodle", "1"), known.name("moodle", "2")) == ("1", "ada2")


def test_a_row_of_two_students_and_one_lms_id_for_two_are_refused():
    with pytest.raises(ValueError, match=r"Participant 1 .* 0042, ada"):
        ClassList.of([ADA, BEN], sheet(person("1", "X", "ada", "ben@example.org")))
    with pytest.raises(ValueError, match=r"more than one row .* ada"):
        ClassList.of([ADA], sheet(person("1", "X", "ada"), person("2", "Y", ADA.email)))
    with pytest.raises(ValueError, match="lms_user_id 4711"):
        ClassList.of([ADA, Student("eve", lms_id="4711")])


def test_the_worksheet_knows_when_work_was_handed_in():
    known = ClassList.of([ADA, BEN], sheet(person("1", "X", "ada", submitted=NIGHT), person("2", "X", "0042")))
    assert known.submitted == {"ada": NIGHT}


def test_strangers_are_named_and_who_is_absent_too():
    known = ClassList.of([ADA, BEN])
    assert known.strangers(["ada", "4711", "old", "0042", "Ada"]) == ["4711", "Ada", "old"]
    assert known.absent(["ada", "old"]) == ["0042"]
    assert ClassList.of([]).strangers(["ada"]) == []


def test_a_few_strangers_are_said_and_many_are_refused():
    known = ClassList.of([ADA, BEN])
    assert introduced(known, {"ada": "", "0042": "", "new": ""}, "x.zip") == ["1 of 3 who handed in is not on the class list: new"]
    assert introduced(known, {"ada": ""}, "x.zip") == []
    with pytest.raises(WrongInput, match=r"2 of 3 .* lms_user_id"):
        introduced(known, {"ada": "", "1": "", "2": ""}, "x.zip")


def test_moodles_numbers_without_a_worksheet_are_refused_before_a_night_of_grading():
    handed_in = {"31": "A B_31_assignsubmission_file_/"}
    with pytest.raises(WrongInput, match=r"x\.zip: ids are Moodle's numbers.*--students FILE"):
        introduced(ClassList(), handed_in, "x.zip")
    (line,) = introduced(ClassList(), handed_in, "x.zip", only=True)
    assert "--students FILE" in line
    assert introduced(ClassList.of([], sheet(person("31", "A B"))), handed_in, "x.zip") == []
    assert introduced(ClassList.of([Student("31")]), handed_in, "x.zip") == []  # graded so before
    assert introduced(ClassList(), {"17": "ab_17_5_"}, "x.zip") == []


def test_numbers_of_a_run_without_the_worksheet_are_no_class_list():
    """The gradebook has the numbers, since they were graded; the worksheet now says whose they are."""
    known = ClassList.of([Student("31"), Student("32")], sheet(person("31", "A B", id_number="s1"), person("32", "C D", id_number="32")))
    assert known.listed == {"32"}
    assert introduced(known, {"s1": "A B_31_assignsubmission_file_/"} | {"32": "C D_32_assignsubmission_file_/"}, "x.zip")[0].startswith(
        "1 of 2"
    )
    assert known.absent([]) == ["32", "s1"]


def test_an_id_that_nbgrader_had_to_quote_is_the_same_student():
    known = ClassList.of([Student("a%2Fb")])
    assert (known.strangers(["a/b"]), known.absent(["a/b"])) == ([], [])
