"""Ids that nbgrader cannot bear become ones that it can, each its own; what people and grader said is read back."""

import re

from foreign_course import make_foreign_course
from hypothesis import given
from hypothesis import strategies as st

from course_lib.grading.nbgrader_course import load
from course_lib.grading.standings import comments, nbgrader_id, standings
from course_lib.grading.transaction import opened

ORDINARY = ["00123", "=1+1", "山田太郎", "Doe, John", 'the "quoted"', "a.b@example.org", "100%", "x" * 200, "O'Neill", "a b", "-7"]
UNBEARABLE = [
    "a/b",
    "../../etc",
    "two\nlines",
    ".hidden",
    "\n",
    "%0A",
    "",
    " ",
    "\x00",
    "<script>",
    "caf\udce9",
    "x" * 300,
    "y" * 300,
    "100%0A",
    "日" * 90,
]


def test_ordinary_ids_stay():
    assert [nbgrader_id(name) for name in ORDINARY] == ORDINARY


def test_ids_that_are_no_folder_become_one_and_stay_apart():
    made = [nbgrader_id(name) for name in UNBEARABLE]
    assert nbgrader_id("two\nlines") == "two%0Alines"
    assert len(set(made + ORDINARY)) == len(UNBEARABLE + ORDINARY)
    for name in made:
        assert re.fullmatch(r"[^./<>\n\0][^/<>\n\0]*", name)
        assert len(name.encode()) < 250


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=6) | st.text("%041\n./A ", max_size=8), unique=True, max_size=8))
def test_no_two_ids_become_one(names):
    assert len({nbgrader_id(name) for name in names}) == len(names)


def test_points_and_words_are_read_back_by_the_id_that_was_given(tmp_path):
    course = load(make_foreign_course(tmp_path / "signals101"))
    assert standings(course, "hw1") == comments(course, "hw1") == {}
    with opened(course) as book:
        book.add_assignment("hw1")
        book.add_notebook("essay", "hw1")
        book.add_grade_cell("explain", "essay", "hw1", max_score=4, cell_type="markdown")
        book.add_grade_cell("count_test", "essay", "hw1", max_score=1, cell_type="code")
        book.add_solution_cell("count_code", "essay", "hw1")
        book.add_student("two%0Alines")
        book.add_submission("hw1", "two%0Alines").notebooks[0].late_submission_penalty = 0.5
        auto = book.find_grade("count_test", "essay", "hw1", "two%0Alines")
        auto.auto_score, auto.extra_credit = 1.0, 0.25
        book.find_comment("count_code", "essay", "hw1", "two%0Alines").manual_comment = "neat"
        book.db.commit()
    standing = standings(course, "hw1", ["two\nlines", "somebody else"])["two\nlines"]
    assert standing.scores == {("essay", "explain"): None, ("essay", "count_test"): 1.25}
    assert standing.penalty == 0.5
    said = comments(course, "hw1", ["two\nlines"])["two\nlines", "essay"]
    assert (said["count_test"].score, said[""].text) == (1.25, "count_code: neat")
    assert "explain" not in said
