"""A gradebook that knows other cells than the notebook has is found out before anybody is graded, and only where somebody has marks in it."""

import shutil

import pytest
from foreign_course import make_foreign_course

from course_lib.grading.authoring.stock_nbgrader import nbgrader
from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.gradebook_cells import must_fit, other_cells
from course_lib.grading.recording.transaction import opened


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = make_foreign_course(tmp_path_factory.mktemp("cells") / "signals101")
    nbgrader(folder, "generate_assignment", "hw1", "--create")
    return folder


@pytest.fixture
def course(released, tmp_path):
    return load(shutil.copytree(released, tmp_path / "signals101"))


def hand_in(course):
    with opened(course) as book:
        book.add_student("ada")
        book.add_submission("hw1", "ada")


def renamed(course, name):
    for folder in ("master", "handout"):
        file = course.root / folder / "hw1" / "essay.ipynb"
        file.write_text(file.read_text().replace(f'"{name}"', f'"{name}_2"'))
    return course.assignment("hw1")


def test_what_nbgrader_has_read_itself_fits(course):
    hand_in(course)
    must_fit(course, course.assignment("hw1"))


@pytest.mark.parametrize("name", ["count_test", "survey", "explain", "draw_code"])
def test_a_cell_of_another_name_is_named(course, name):
    hand_in(course)
    with pytest.raises(ValueError, match=rf"hw1/essay has other cells .*\({name}, {name}_2\)"):
        must_fit(course, renamed(course, name))


def test_where_nobody_has_marks_cells_may_change(course):
    must_fit(course, renamed(course, "count_test"))


def test_an_assignment_that_the_gradebook_does_not_know_fits(course):
    (course.root / "marks.db").unlink()
    must_fit(course, course.assignment("hw1"))


def test_the_remedy_says_its_price():
    assert "by hand go with them" in other_cells("hw1", "essay")
