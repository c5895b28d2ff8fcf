"""Ids that nbgrader cannot bear become ones that it can, each its own."""

import re

from hypothesis import given
from hypothesis import strategies as st

from course_lib.grading.student_ids import nbgrader_id

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
