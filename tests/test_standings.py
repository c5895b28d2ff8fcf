"""What people and grader said is read back from the gradebook."""

from foreign_course import make_foreign_course

from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.standings import comments, standings
from course_lib.grading.recording.transaction import opened


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
