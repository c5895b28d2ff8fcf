"""Repairs and remarks are sentences about the release's cells and never repeat a student's words."""

import hashlib

from nbformat.v4 import new_code_cell

from course_lib.grading.notebooks.reading import Cell
from course_lib.grading.repairing.alignment import Alignment
from course_lib.grading.repairing.repair_account import account, listed


def marked(name: str, source: str, **marks):
    return new_code_cell(source, metadata={"nbgrader": {"grade_id": name, "solution": False, "points": 2, "schema_version": 3, **marks}})


RELEASED = [marked("a", "import math"), marked("f", "def f(): ...", solution=True), marked("t", "assert f()", grade=True)]


def cell(i: int, source: str = "", **marks) -> Cell:
    marks = {**RELEASED[i].metadata["nbgrader"], **marks}
    return Cell("code", source or RELEASED[i].source, marks["grade_id"], marks)


def told(cells, places, winners=None, **more):
    return account(
        cells, Alignment(places, **more), RELEASED, winners if winners is not None else {1: places.index(1)} if 1 in places else {}
    )


def test_a_sound_notebook_needs_no_words():
    assert told([cell(0), cell(1, "def f(): return 1"), cell(2)], [0, 1, 2]) == ([], [])


def test_an_older_schema_is_no_forgery_and_an_unknown_one_is():
    assert told([cell(0, schema_version=1), cell(1), cell(2)], [0, 1, 2]) == ([], [])
    assert "marks of t" in told([cell(0), cell(1), cell(2, schema_version=4)], [0, 1, 2])[1][0]


def test_whole_numbers_and_fractions_are_the_same_points():
    assert told([cell(0), cell(1), cell(2, points=2.0)], [0, 1, 2])[1] == []
    assert len(told([cell(0), cell(1), cell(2, points=2.5)], [0, 1, 2])[1]) == 1


def test_points_that_the_course_has_changed_are_nobodys_forgery():
    """A check with the checksum of its own release is as it was given out, whatever it was worth then; in an answer nothing tells."""
    text = f"{RELEASED[2].source}codeTrueFalseTruet2.5".encode()
    older = cell(2, points=2.5, locked=True, checksum=hashlib.md5(text, usedforsecurity=False).hexdigest())
    assert told([cell(0), cell(1), older], [0, 1, 2]) == (["the course has changed the points of t since it was given out"], [])
    assert told([cell(0), cell(1, points=7), cell(2)], [0, 1, 2])[1] == []
    forged = cell(2, points=1000, locked=True, checksum=older.marks["checksum"])
    assert "marks of t" in told([cell(0), cell(1), forged], [0, 1, 2])[1][0]
    assert "marks of t" in told([cell(0), cell(1), cell(2, points=2.5, grade=False)], [0, 1, 2])[1][0]


def test_what_is_missing_changed_and_out_of_order():
    repairs, remarks = told([cell(2, "assert True"), cell(0)], [2, 0])
    assert repairs == [
        "1 answer had been deleted (f), and counts as blank",
        "1 locked cell had been changed (t), and reads as released again",
        "1 cell stood out of order, and stands where the release has it",
    ]
    assert not remarks


def test_two_answers_are_a_persons_business_and_two_copies_are_not():
    one, other = cell(1, "def f(): return 1"), cell(1, "def f(): return 2")
    remark = "the answer to f stood there 2 times in different words; the one in cell 3 counts"
    assert told([cell(0), one, other, cell(2)], [0, 1, 1, 2], {1: 2})[1] == [remark]
    repairs, remarks = told([cell(0), one, one, cell(2)], [0, 1, 1, 2], {1: 2})
    assert (repairs, remarks) == (["1 answer (f) stood there twice, each time the same"], [])


def test_a_notebook_in_which_everything_stands_twice_is_one_sentence():
    released = [*RELEASED, marked("g", "def g(): ...", solution=True)]
    f, g = Cell("code", "def f(): return 1", "f", {}), Cell("code", "def g(): return 2", "g", {})
    blank = Cell("code", "def g(): ...", "g", {})
    both = account([f, f, g, g], Alignment([1, 1, 3, 3]), released, {1: 1, 3: 3})[0]
    assert both[-1] == "every answer stood there twice, each time the same"
    one_blank = account([f, f, blank, g, g], Alignment([1, 1, 3, 3, 3]), released, {1: 1, 3: 4})[0]
    assert one_blank[-1] == "every answer stood there more than once, and the one that differs from the release counts"


def test_a_copy_that_does_not_count_is_not_out_of_order():
    repairs, _ = told([cell(1), cell(0), cell(1, "def f(): return 1"), cell(2)], [1, 0, 1, 2], {1: 2})
    assert len(repairs) == 1
    assert "1 answer (f) stood there twice, and the one that differs" in repairs[0]


def test_no_sentence_repeats_what_a_student_wrote():
    secret = "hanako@example.org"
    foreign = Cell("code", secret, secret, {"grade_id": secret})
    repairs, remarks = told(
        [foreign, Cell("code", secret, "t", {"points": secret}), foreign], [None, 2, 1], {1: 2}, by_place={2}, forged={1}
    )
    assert len(repairs) + len(remarks) >= 5
    assert secret not in repr((repairs, remarks))


def test_long_lists_are_cut():
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefab") == "a, b, c, d, e and 1 more"
