"""Whose a file is, in every layout in which classes hand in."""

from datetime import UTC, datetime

import pytest

from course_lib.grading.collection.archives import Entry
from course_lib.grading.collection.class_list import ClassList
from course_lib.grading.collection.shapes import by_student, is_learning_systems, stem_of, student_of
from course_lib.grading.collection.worksheet import Participant, Worksheet
from course_lib.grading.nbgrader_course import Student

JAPANESE = "山田　花子"


def whose(*names: str, assignment: str = "ps01") -> dict[str, list[str]]:
    """By student the paths inside what they handed in."""
    entries = [Entry(name, lambda: b"") for name in names]
    return {one.student: [entry.name for _, entry in one.entries] for one in by_student(entries, assignment=assignment, notebooks=["pca"])}


def test_a_folder_per_student():
    assert whose("s2/x.ipynb", "s1/a/b.ipynb", "s1/c.py", "s3/", "s4/inner/") == {
        "s1": ["a/b.ipynb", "c.py"],
        "s2": ["x.ipynb"],
        "s3": [],
        "s4": [],
    }


def test_nbgraders_folders_leave_other_assignments_alone():
    names = ["s1/ps01/pca.ipynb", "s1/ps01/timestamp.txt", "s1/ps02/pca.ipynb", "s2/pca.ipynb", "s3/ps01/", "s1/notes.txt"]
    assert whose(*names) == {"s1": ["pca.ipynb", "timestamp.txt"], "s2": ["pca.ipynb"], "s3": []}


def test_files_side_by_side():
    names = [
        "0042.ipynb",
        "ps01_s1.ipynb",
        "s2-pca (1).ipynb",
        "Copy of s3.ipynb",
        "s4.zip",
        "s5.pdf",
        "README.md",
        "marks.csv",
        "s2.ipynb",
    ]
    assert whose(*names) == {
        "0042": ["0042.ipynb"],
        "s1": ["ps01_s1.ipynb"],
        "s2": ["s2-pca (1).ipynb", "s2.ipynb"],
        "s3": ["Copy of s3.ipynb"],
        "s4": ["s4.zip"],
        "s5": ["s5.pdf"],
    }


@pytest.mark.parametrize("ending", ["_file_/pca.ipynb", "_file/pca.ipynb", "_file_pca.ipynb"])
def test_moodle_with_and_without_folders(ending):
    name = f"{JAPANESE}_4711_assignsubmission"
    assert whose(f"{name}{ending}", f"{name}_onlinetext_/onlinetext.html", f"Group 1-A_B C_12_assignsubmission{ending}") == {
        "12": ["pca.ipynb"],
        "4711": ["pca.ipynb", "onlinetext.html"],
    }


def test_a_moodle_student_who_wrote_a_text_only():
    assert whose(f"{JAPANESE}_4711_assignsubmission_onlinetext_/onlinetext.html") == {"4711": ["onlinetext.html"]}


def test_canvas_with_late_marks_and_attempts():
    names = [
        "yamadahanako_LATE_17_90210_pca-1.ipynb",
        "yamadahanako_17_80000_pca.ipynb",
        "leeb_23_90300_x_1_2.zip",
        "müllera_question_5_31_90400_p.pdf",
    ]
    entries = [Entry(name, lambda: b"") for name in names]
    late, early_bird, quiz = by_student(entries, assignment="ps01", notebooks=["pca"])
    assert [(upload, entry.name) for upload, entry in late.entries] == [(90210, "pca-1.ipynb"), (80000, "pca.ipynb")]
    assert (late.student, late.late) == ("17", True)
    assert (early_bird.student, early_bird.entries[0][1].name, early_bird.late) == ("23", "x_1_2.zip", False)
    assert quiz.student == "31"


def test_canvas_with_words_typed_in_and_anonymous_grading():
    """The names that ``lib/content_zipper.rb`` makes: no upload's number for words and links, ``LATE_`` before ``anon_``."""
    assert whose("itojiro_4713_text.html", "yamada_4711_90210_pca.ipynb", "lee_LATE_5_link.html") == {
        "4713": ["text.html"],
        "4711": ["pca.ipynb"],
        "5": ["link.html"],
    }
    names = ["anon_aB3xY_90210_pca.ipynb", "LATE_anon_Zz9Qq_90211_pca.ipynb", "anon_11111_text.html"]
    found = by_student([Entry(name, lambda: b"") for name in names], assignment="ps01", notebooks=["pca"])
    assert [(one.student, one.late) for one in found] == [("11111", False), ("Zz9Qq", True), ("aB3xY", False)]


def test_a_name_with_underscores_and_a_file_beside_the_export():
    assert whose("de_la_cruzjuan_17_9_pca.ipynb", "lee_18_9_a_1_2.ipynb", "ps01_s9.ipynb") == {
        "17": ["pca.ipynb"],
        "18": ["a_1_2.ipynb"],
        "s9": ["ps01_s9.ipynb"],
    }


def test_how_names_begin_in_an_export_is_kept_and_the_date_of_the_download_is_not():
    when = datetime(2026, 11, 21, tzinfo=UTC)
    names = [f"{JAPANESE}_4711_assignsubmission_file_/a/pca.ipynb", "A B_12_assignsubmission_file_pca.ipynb", "s1/pca.ipynb"]
    found = {one.student: one for one in by_student([Entry(n, lambda: b"", when) for n in names], assignment="ps01", notebooks=["pca"])}
    assert found["4711"].prefixes == {0: f"{JAPANESE}_4711_assignsubmission_file_/"}
    assert found["12"].prefixes == {0: "A B_12_assignsubmission_file_"}
    assert [found[name].entries[0][1].modified for name in ("4711", "12", "s1")] == [None, None, when]
    assert (found["s1"].prefixes, found["s1"].exported, found["12"].exported) == ({}, False, True)
    names = ["yamada_LATE_17_90210_pca.ipynb", "yamada_LATE_17_90300_pca-1.ipynb", "ito_18_text.html"]
    late, words = by_student([Entry(n, lambda: b"", when) for n in names], assignment="ps01", notebooks=["pca"])
    assert late.prefixes == {90210: "yamada_LATE_17_90210_", 90300: "yamada_LATE_17_90300_"}
    assert (words.prefixes, words.entries[0][1].modified) == ({}, None)


def test_a_student_has_one_name_however_the_file_came():
    ada = ClassList.of([Student("ada", lms_id="17")], Worksheet(("", "", ""), (Participant("9", "Participant 9", ("Ada", "ada")),)))
    names = ["ada/a.ipynb", "A L_9_assignsubmission_file_/b.ipynb", "17/c.ipynb"]
    (one,) = by_student([Entry(name, lambda: b"") for name in names], assignment="ps01", notebooks=[], known=ada)
    assert (one.student, len(one.entries)) == ("ada", 3)
    (one,) = by_student([Entry("al_17_5_a.ipynb", lambda: b"")], assignment="ps01", notebooks=[], known=ada)
    assert one.student == "ada"


def test_files_that_only_look_like_canvas_keep_their_names():
    assert set(whose("ps01_2026_04_notes.ipynb", "s2.ipynb")) == {"2026_04_notes", "s2"}


@pytest.mark.parametrize("wrapper", ["submissions", "class 3"])
def test_a_folder_around_everything_is_no_student(wrapper):
    assert set(whose(f"{wrapper}/", f"{wrapper}/s1/a.ipynb", f"{wrapper}/s2/a.ipynb")) == {"s1", "s2"}
    assert set(whose(f"{wrapper}/yamada_17_9_a.ipynb", f"{wrapper}/lee_18_9_a.ipynb")) == {"17", "18"}
    assert set(whose(f"{wrapper}/A B_17_assignsubmission_file_/a.ipynb")) == {"17"}


def test_one_student_alone_is_no_wrapper():
    assert whose("s1/a.ipynb", "s1/data/x.csv") == {"s1": ["a.ipynb", "data/x.csv"]}
    assert whose("s1/ps01/pca.ipynb") == {"s1": ["pca.ipynb"]}


@pytest.mark.parametrize("student", ["a b", JAPANESE, "007", "=1+1", "x" * 200, "🙂", ".", "-rf", "s;DROP TABLE", "a'b\"c", "s1.ipynb"])
def test_odd_ids_are_kept_as_they_are(student):
    assert whose(f"{student}.ipynb") == {student: [f"{student}.ipynb"]}
    assert whose(f"{student}/pca.ipynb") == {student: ["pca.ipynb"]}


def test_two_ways_to_write_the_same_letters_are_one_student():
    assert whose("が/a.ipynb", "か\u3099/b.ipynb") == {"が": ["a.ipynb", "b.ipynb"]}


def test_a_link_in_the_place_of_a_students_folder_is_that_students():
    (one,) = by_student([Entry("s1", lambda: b"", None, "is a link")], assignment="ps01", notebooks=[])
    assert (one.student, one.entries[0][1].fault) == ("s1", "is a link")


def test_an_export_is_told_from_one_students_archive():
    def told(*names):
        return is_learning_systems([Entry(name, lambda: b"") for name in names])

    assert told("A_1_assignsubmission_file_/x.ipynb")
    assert told("a_1_2_x.ipynb", "b_LATE_3_4_y.zip")
    assert not told("x.ipynb")
    assert not told("a_1_2_x.ipynb", "mine.ipynb")
    assert not told()


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("Copy of ps01.ipynb", "ps01"),
        ("ps01 (1).ipynb", "ps01"),
        ("ps01 のコピー.ipynb", "ps01"),
        ("ps01 - Copy (2).ipynb", "ps01"),
        ("(1).ipynb", "(1)"),
    ],
)
def test_what_marks_a_copy_is_no_name(file, stem):
    assert stem_of(file) == stem


@pytest.mark.parametrize(
    ("file", "student"), [("pca.ipynb", "pca"), ("ps01-pca-s1.ipynb", "pca-s1"), ("s1 ps01.ipynb", "s1"), ("ps011.ipynb", "ps011")]
)
def test_the_assignments_name_is_no_students(file, student):
    assert student_of(file, ["ps01", "pca"]) == student
