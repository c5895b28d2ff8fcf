"""Whose a file is, in every layout in which classes hand in."""

import pytest

from course_lib.grading.archives import Entry
from course_lib.grading.shapes import by_student, is_learning_systems, stem_of, student_of

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
    assert (late.student, late.remarks) == ("17", ["Canvas marks it as late."])
    assert (early_bird.student, early_bird.entries[0][1].name, early_bird.remarks) == ("23", "x_1_2.zip", [])
    assert quiz.student == "31"


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
