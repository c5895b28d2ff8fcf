"""Who is graded: everybody once, by the id under which they were graded before."""

import copy
import dataclasses
from pathlib import Path

import nbformat
import pytest
from foreign_course import make_foreign_course

from course_lib.grading.collection.collecting import Submission
from course_lib.grading.collection.roll_call import named, roll_call, standing, version_of
from course_lib.grading.judging.jobs import unanswered
from course_lib.grading.nbgrader_course import load
from course_lib.grading.records import Record, Status


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    course = load(make_foreign_course(tmp_path_factory.mktemp("roll") / "signals101"))
    return {source.notebook: source for source in course.assignment("hw2")}


def handed_in(student, data=b"{}", strangers=0):
    return Submission(student, "hw2", "delay", data, "", None, {}, (), strangers=strangers)


def graded(student, sources, status=Status.GRADED):
    return Record(student, "hw2", "delay", status, unanswered(sources["delay"].instructor))


def test_whose_id_nbgrader_cannot_bear_is_one_student_and_not_two(sources):
    before = [graded("a/b", sources), graded("ada", sources)]
    entries, stands = roll_call([handed_in("x/y")], before, ["a%2Fb", "x%2Fy", "ada", "eve"], sources, where=Path("late"), only=True)
    assert [(each.student, each.data) for each in entries] == [("eve", None), ("x/y", b"{}")]
    assert stands == before


def test_who_never_handed_in_may_be_missing_again_and_who_comes_late_is_graded(sources):
    before = [graded("ada", sources), graded("eve", sources, Status.MISSING)]
    entries, stands = roll_call([handed_in("ada")], before, ["eve"], sources, where=Path("all"))
    assert ([each.student for each in entries], stands) == (["ada", "eve"], [])
    entries, _ = roll_call([handed_in("ada"), handed_in("eve")], before, [], sources, where=Path("all"))
    assert [each.data for each in entries] == [b"{}", b"{}"]


@pytest.mark.parametrize("status", [Status.GRADED, Status.UNREADABLE, Status.INFRASTRUCTURE_ERROR, Status.NOT_ATTEMPTED])
def test_a_file_that_is_no_notebook_of_this_assignment_takes_no_marks_away(sources, status):
    empty = [handed_in("ada", data=None, strangers=1), handed_in("eve"), handed_in("bob")]
    with pytest.raises(ValueError, match=r"1 student whose work was graded before is not in all \(ada\)"):
        roll_call(empty, [graded("ada", sources, status)], [], sources, where=Path("all"))


def test_one_wrong_file_of_three_is_a_students_mistake_and_two_are_the_instructors(sources):
    right, wrong = [handed_in("a"), handed_in("b")], [handed_in("c", None, 1), handed_in("d", None, 1), handed_in("e", None, 2)]
    entries, _ = roll_call([*right, wrong[0]], [], [], sources, where=Path("all"))
    assert len(entries) == 3
    with pytest.raises(ValueError, match="3 of 5 students in all handed in notebooks of another assignment than hw2"):
        roll_call([*right, *wrong], [], [], sources, where=Path("all"))
    entries, _ = roll_call([*right, *wrong], [], [], sources, where=Path("all"), only=True)
    assert len(entries) == 5


def test_a_long_list_of_names_ends():
    assert named({"b", "a"}) == "a, b"
    assert named({f"s{i:02d}" for i in range(12)}).endswith("s09 and 2 more")


@pytest.mark.parametrize("only", [False, True])
def test_who_was_graded_under_moodles_number_is_not_a_second_student(sources, only):
    numbers = {"31": "ada", "32": "32"}
    with pytest.raises(
        ValueError, match=r"1 student was graded under Moodle's numbers.* \(31\).*: 31 is ada\. .*rm -r grading/hw2/records/ID"
    ):
        roll_call([handed_in("ada")], [graded("31", sources)], [], sources, where=Path("all"), only=only, numbers=numbers)
    entries, _ = roll_call([handed_in("32")], [graded("32", sources)], [], sources, where=Path("all"), only=only, numbers=numbers)
    assert [each.student for each in entries] == ["32"]


def mended(source, change):
    """The source with one cell changed."""
    notebook = copy.deepcopy(source.instructor)
    change(notebook)
    return dataclasses.replace(source, instructor=notebook)


def checks(notebook):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("points"))


def test_who_stands_by_other_checks_is_counted_and_who_may_stand_by_others_too(sources):
    here = version_of(sources["delay"])
    versions = {"a": here, "b": "of last week", "c": "of last week", "d": ""}
    stands = [dataclasses.replace(graded(student, sources), version=version) for student, version in versions.items()]
    first, other, unknown = standing(stands, sources)
    assert first.startswith("4 students who are not here stand")
    assert other.startswith(
        "! 2 students of these by another version of the notebook: if its checks or points have changed since, give everything"
    )
    assert unknown.startswith("! of 1 student of these nothing tells by which version")
    assert (len(standing(stands[:1], sources)), standing([], sources)) == (1, [])


def test_another_check_other_points_and_another_file_make_a_version_and_outputs_and_addresses_do_not(sources):
    source = sources["delay"]
    badge = "https://colab.research.google.com/github/owner/kit/blob/{}/delay.ipynb"
    here, same = version_of(source), []
    same += [mended(source, lambda book: checks(book).update(outputs=[{"output_type": "stream", "name": "stdout", "text": "x"}]))]
    same += [mended(source, lambda book: book.cells.append(nbformat.v4.new_markdown_cell("Good luck.")))]
    assert {version_of(one) for one in same} == {here}
    tags = [mended(source, lambda book, tag=tag: book.cells.append(nbformat.v4.new_code_cell(badge.format(tag)))) for tag in ("a", "b")]
    assert version_of(tags[0]) == version_of(tags[1])
    other = [mended(source, lambda book: checks(book).update(source="assert True"))]
    other += [mended(source, lambda book: checks(book).metadata["nbgrader"].update(points=77))]
    other += [dataclasses.replace(source, files={"data.csv": b"1"})]
    assert len({here, *map(version_of, other)}) == 4


def test_who_was_graded_for_other_points_or_questions_is_graded_anew_with_everybody(sources):
    before = graded("ada", sources)
    first, *others = before.questions
    worth = dataclasses.replace(before, questions=(dataclasses.replace(first, max_score=first.max_score + 1), *others))
    for stands, what in ((worth, "points"), (dataclasses.replace(before, questions=tuple(others)), "questions")):
        with pytest.raises(ValueError, match=f"ada was graded by .*, with other {what}: give everything"):
            roll_call([handed_in("eve")], [stands], ["ada", "eve"], sources, where=Path("late"), only=True)
    assert roll_call([handed_in("eve")], [before], ["ada", "eve"], sources, where=Path("late"), only=True)[1] == [before]
