"""Marks in nbgrader's gradebook: as its own autograder lands them, kept where a person gave them, and shown by its own tools."""

import csv
import dataclasses
import shutil
from datetime import UTC, datetime

import nbformat
import pytest
from foreign_course import FULL, HALF, RIGHT, answered, hand_in, make_foreign_course

from course_lib.grading.authoring.stock_nbgrader import nbgrader
from course_lib.grading.collection.lateness import parse
from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.gradebook import import_records, standings
from course_lib.grading.recording.marks import table, write
from course_lib.grading.recording.transaction import opened
from course_lib.grading.records import Outcome, Question, Record, Status

BY_HAND = ("explain", "draw_code", "survey")
EARNED = {  # what each student's answers are worth to a person who reads the tests; None waits for one
    "00123": dict.fromkeys(BY_HAND) | {name: FULL[name] for name in ("rms_test", "smooth_test", "peak_test", "count_test")},
    "half": dict.fromkeys(BY_HAND) | {"rms_test": 0.0, "smooth_test": 1.0, "peak_test": 1.0, "count_test": 1.0},
    "blank": dict.fromkeys(FULL, 0.0),
    "lost": dict.fromkeys(FULL, 0.0) | {"rms_test": 2.0, "smooth_test": 2.5, "peak_test": 1.0},
}
ANSWERS = {"00123": RIGHT, "half": HALF, "blank": {}, "lost": RIGHT}
STATUS = {("blank", "signals"): "not_attempted", ("blank", "essay"): "not_attempted", ("lost", "essay"): "missing"}
ODD = ["=1+1", "山田 太郎", "Doe, John", 'the "quoted"', "two\nlines", "a/b", "../up", "[x]*", "%41"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = make_foreign_course(tmp_path_factory.mktemp("gradebook") / "signals101")
    opened(load(folder)).close()  # making a gradebook takes nbgrader a second, once
    return folder


@pytest.fixture
def course(made, tmp_path):
    return load(shutil.copytree(made, tmp_path / "signals101"))


def record(source, student, earned, *, status, submitted):
    """A record as grading makes it, with the points that are given here."""
    questions = []
    for about in (cell.metadata.get("nbgrader", {}) for cell in source.instructor.cells):
        if about.get("grade") or about.get("task"):
            name, full, score = about["grade_id"], float(about["points"]), earned[about["grade_id"]]
            outcome = {None: Outcome.BY_HAND, full: Outcome.RIGHT, 0.0: Outcome.WRONG}.get(score, Outcome.PART)
            questions.append(Question(name, full, score, outcome, message="AssertionError: said the check" if score == 0 else ""))
    return Record(student, "hw1", source.notebook, Status(status), tuple(questions), submitted=submitted)


def graded_class(course, answers=ANSWERS, earned=EARNED, submitted=""):
    """Records and notebooks of a class, as grading leaves them."""
    found, notebooks, sources = [], {}, course.assignment("hw1")
    for student, theirs in answers.items():
        for source in sources:
            status = STATUS.get((student, source.notebook), "graded")
            found.append(record(source, student, earned[student], status=status, submitted=submitted))
            if status != "missing":
                notebooks[student, source.notebook] = answered(source.released, theirs)
    return found, notebooks


def one(course, status="graded", submitted="", **scores):
    """One student's two notebooks."""
    earned = {"ada": EARNED["00123"] | scores}
    found, notebooks = graded_class(course, {"ada": RIGHT}, earned, submitted)
    return [dataclasses.replace(each, status=Status(status)) for each in found], notebooks


def gradebook(course):
    """Every mark and comment of the gradebook, as nbgrader's own interface tells it."""
    with opened(course) as book:
        submissions = [notebook for submission in book.assignment_submissions("hw1") for notebook in submission.notebooks]
        grades = {
            (each.student.id, each.notebook.name, grade.name): (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for each in submissions
            for grade in each.grades
        }
        said = {
            (each.student.id, comment.name): (comment.auto_comment, comment.manual_comment)
            for each in submissions
            for comment in each.comments
        }
    return grades, said


def give(course, student, name, notebook, score, comment=None):
    """A person gives points and words, as formgrader's handlers do it."""
    with opened(course) as book:
        grade = book.find_grade(name, notebook, "hw1", student)
        grade.manual_score, grade.needs_manual_grade = score, False
        if comment:
            book.find_comment(name, notebook, "hw1", student).manual_comment = comment
        book.db.commit()


# ---------------------------------------------------------------------------------------------------------------- what lands


def test_marks_and_notebooks_land_where_nbgrader_keeps_them(course):
    found, notebooks = graded_class(course)
    standing = import_records(course, found, notebooks)
    assert standing["half"].scores == {
        ("signals", "rms_test"): 0.0,
        ("signals", "smooth_test"): 1.0,
        ("signals", "peak_test"): 1.0,
        ("essay", "count_test"): 1.0,
        **{("essay", name): None for name in BY_HAND},
    }
    assert standing == standings(course, "hw1")
    assert (course.root / "machine" / "half" / "hw1" / "signals.ipynb").is_file()
    assert not (course.root / "machine" / "lost" / "hw1" / "essay.ipynb").exists()
    with opened(course) as book:
        assert book.find_student("00123").last_name == "Lovelace"
        assert book.find_submission("hw1", "half").score == 3.0
        assert book.find_submission("hw1", "half").max_score == sum(FULL.values())


def test_the_same_import_a_second_time_changes_nothing(course):
    found, notebooks = graded_class(course, submitted="2027-01-31T23:59:00+09:00")
    policy, due = parse("per_day=10%"), datetime(2027, 1, 30, tzinfo=UTC)
    first = import_records(course, found, notebooks, policy=policy, due=due)
    give(course, "00123", "explain", "essay", 3.5, "well said")
    give(course, "half", "rms_test", "signals", 1.0)
    before = (gradebook(course), {file: file.read_bytes() for file in (course.root / "machine").rglob("*.*")})
    second = import_records(course, found, notebooks, policy=policy)
    assert (gradebook(course), {file: file.read_bytes() for file in (course.root / "machine").rglob("*.*")}) == before
    assert second["blank"] == first["blank"]
    assert second["00123"].scores["essay", "explain"] == 3.5


def test_what_a_person_gave_stays_and_is_looked_at_again_only_where_something_changed(course):
    import_records(course, *one(course))
    for name, points in {"explain": 3.0, "draw_code": 2.0, "survey": 5.0}.items():
        give(course, "ada", name, "essay", points, f"on {name}")
    give(course, "ada", "rms_test", "signals", 1.5)
    found, notebooks = one(course, rms_test=0.0)  # a test was mended, and an answer was handed in anew
    notebooks["ada", "essay"] = answered(notebooks["ada", "essay"], {"explain": "It is slow."})
    standing = import_records(course, found, notebooks)["ada"]
    grades, said = gradebook(course)
    assert {name: grades["ada", "essay", name][1] for name in BY_HAND} == {"explain": 3.0, "draw_code": 2.0, "survey": 5.0}
    assert {name: said["ada", name][1] for name in BY_HAND} == {name: f"on {name}" for name in BY_HAND}
    again = {name for (_, _, name), (_, manual, needs) in grades.items() if needs and manual is not None}
    assert again == {"explain", "survey", "rms_test"}  # a task's answer may be in any cell
    assert (grades["ada", "signals", "rms_test"][0], standing.scores["signals", "rms_test"]) == (0.0, 1.5)


def test_an_infrastructure_error_writes_nothing_and_an_older_mark_stays(course):
    failed, notebooks = one(course, status="infrastructure_error", rms_test=None, peak_test=None)
    assert import_records(course, failed, notebooks) == {}
    import_records(course, *one(course))
    before = gradebook(course)
    standing = import_records(course, failed, notebooks)
    assert gradebook(course) == before
    assert table(failed, standing)[0].score is None


def test_a_question_that_was_not_judged_waits_for_a_person(course):
    import_records(course, *one(course, rms_test=None))
    grades, _ = gradebook(course)
    assert grades["ada", "signals", "rms_test"] == (None, None, True)
    assert grades["ada", "signals", "peak_test"] == (1.0, None, False)


def test_what_is_unreadable_has_no_points_and_says_so_in_formgrader(course):
    found, _ = one(course, status="unreadable", **dict.fromkeys(FULL, 0.0))
    import_records(course, [dataclasses.replace(each, remarks=("it is a PDF",)) for each in found], {})
    grades, _ = gradebook(course)
    waits = {name for (_, _, name), grade in grades.items() if grade == (0.0, None, True)}
    assert waits == {"rms_test", "count_test"}  # the first check of each notebook, until a person has looked
    assert set(grades.values()) == {(0.0, None, False), (0.0, None, True)}
    shown = nbformat.read(course.root / "machine" / "ada" / "hw1" / "essay.ipynb", as_version=4)
    assert "it is a PDF" in shown.cells[0].source


def test_a_notebook_that_is_gone_the_second_time_loses_its_points_but_not_a_persons(course):
    import_records(course, *one(course))
    give(course, "ada", "explain", "essay", 3.0)
    found, notebooks = one(course)
    gone = [dataclasses.replace(each, status=Status.MISSING) if each.notebook == "essay" else each for each in found]
    standing = import_records(course, gone, notebooks)["ada"]
    assert {name: standing.scores["essay", name] for name in (*BY_HAND, "count_test")} == {
        "explain": 3.0,
        "draw_code": 0.0,
        "survey": 0.0,
        "count_test": 0.0,
    }
    assert not (course.root / "machine" / "ada" / "hw1" / "essay.ipynb").exists()


def test_odd_ids_land_each_in_its_own_folder_of_the_course(course):
    answers, earned = dict.fromkeys(ODD, RIGHT), dict.fromkeys(ODD, EARNED["00123"])
    found, notebooks = graded_class(course, answers, earned)
    standing = import_records(course, found, notebooks)
    assert set(standing) == set(ODD)
    assert {row.student: row.score for row in table(found, standing)} == dict.fromkeys(ODD, 6.5)
    assert len(list((course.root / "machine").glob("*/hw1/signals.ipynb"))) == len(ODD)
    assert not (course.root / "up").exists()


# ---------------------------------------------------------------------------------------------------------------- lateness


def test_lateness_lands_in_nbgraders_own_field_and_in_the_table(course, tmp_path):
    found, notebooks = one(course, submitted="2027-02-01T06:00:00+09:00")
    due = datetime(2027, 1, 31, 14, 59, tzinfo=UTC)
    standing = import_records(course, found, notebooks, policy=parse("per_day=10%"), due=due)
    assert standing["ada"].penalty == pytest.approx(1.85, abs=1e-9)  # a tenth of the 18.5 points possible
    with opened(course) as book:
        submission = book.find_submission("hw1", "ada")
        assert (submission.duedate, submission.total_seconds_late) == (datetime(2027, 1, 31, 14, 59), 6 * 3600 + 60)
        assert all(0 < notebook.late_submission_penalty < notebook.score for notebook in submission.notebooks)
    write(found, tmp_path, standing)
    with (tmp_path / "marks.csv").open(encoding="utf-8") as lines:
        (row,) = csv.DictReader(lines)
    assert (row["score"], row["late penalty"]) == ("4.65", "1.85")
    with opened(course) as book:
        book.grant_extension("hw1", "ada", days=1)
    assert import_records(course, found, notebooks, policy=parse("per_day=10%"))["ada"].penalty == 0


def test_points_that_a_person_gave_later_do_not_make_lateness_cheaper(course):
    found, notebooks = one(course, submitted="2027-02-03T00:00:00+00:00", rms_test=0.0, smooth_test=0.0, peak_test=0.0)
    due = datetime(2027, 1, 31, tzinfo=UTC)
    policy = parse("per_day=10%")
    assert import_records(course, found, notebooks, policy=policy, due=due)["ada"].penalty == 1.0  # no more than was earned
    give(course, "ada", "survey", "essay", 5.0)
    assert import_records(course, found, notebooks, policy=policy)["ada"].penalty == pytest.approx(5.55, abs=1e-9)


def test_the_courses_own_rule_counts_where_no_other_is_asked_for(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "own")
    (folder / "our_rule.py").write_text(
        "from nbgrader.plugins import BasePlugin\n\n\nclass Half(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n        return score / 2\n"
    )
    with (folder / "nbgrader_config.py").open("a") as config:
        config.write('c.AssignLatePenalties.plugin_class = "our_rule.Half"\n')
    course = load(folder)
    found, notebooks = one(course, submitted="2027-02-03T00:00:00+00:00")
    assert import_records(course, found, notebooks, due=datetime(2027, 1, 31, tzinfo=UTC))["ada"].penalty == 6.5 / 2
    assert import_records(course, found, notebooks, due=datetime(2027, 3, 1, tzinfo=UTC))["ada"].penalty == 0


# ---------------------------------------------------------------------------------------------------------------- what is refused


def test_records_of_another_version_of_the_notebook_are_refused_and_nothing_is_written(course):
    found, notebooks = one(course)
    older = [dataclasses.replace(each, questions=each.questions[1:]) for each in found]
    with pytest.raises(ValueError, match=r"'ada', hw1/essay has not the questions .*count_test.*grade it anew"):
        import_records(course, older, notebooks)
    assert gradebook(course)[0] == {}


def test_a_question_more_is_refused_while_there_are_marks(course):
    import_records(course, *one(course))
    file = course.root / "master" / "hw1" / "essay.ipynb"
    file.write_text(file.read_text().replace("count_test", "count_test_2"))
    with pytest.raises(ValueError, match="hw1/essay has other cells than the one that the gradebook has marks of"):
        import_records(course, *one(course, count_test_2=1.0))


def test_two_records_of_one_notebook_are_refused(course):
    found, notebooks = one(course)
    with pytest.raises(ValueError, match="one record a student and notebook"):
        import_records(course, [*found, found[0]], notebooks)
    with pytest.raises(ValueError, match="hw1, hw2"):
        import_records(course, [found[0], dataclasses.replace(found[1], assignment="hw2")], notebooks)


# ---------------------------------------------------------------------------------------------------------------- nbgrader itself


@pytest.mark.slow
def test_it_lands_as_nbgraders_own_autograder_lands_it(tmp_path):
    theirs = load(make_foreign_course(tmp_path / "theirs", released=True))
    ours = load(shutil.copytree(theirs.root, tmp_path / "ours"))
    for student, answers in ANSWERS.items():
        folder = hand_in(theirs, student, "hw1", answers)
        if student == "lost":
            (folder / "essay.ipynb").unlink()
    nbgrader(theirs.root, "autograde", "hw1", network=False)
    import_records(ours, *graded_class(ours))
    grades, said = gradebook(theirs)
    found, words = gradebook(ours)
    assert grades.pop(("blank", "essay", "survey")) == (None, None, True)
    assert found.pop(("blank", "essay", "survey")) == (0.0, None, False)  # nobody has to read what was not touched
    assert found == grades
    assert words == said


@pytest.mark.slow
def test_feedback_and_export_agree_with_the_table_to_the_cent(course, tmp_path):
    found, notebooks = graded_class(course, submitted="2027-02-02T00:00:00+00:00")
    policy, due = parse("per_day=7%"), datetime(2027, 1, 31, 15, tzinfo=UTC)
    import_records(course, found, notebooks, policy=policy, due=due)
    give(course, "half", "explain", "essay", 3.25, "Nearly: say which frequencies.")
    standing = import_records(course, found, notebooks, policy=policy)
    write(found, tmp_path / "out", standing)
    nbgrader(course.root, "export", "--to", "grades.csv")
    nbgrader(course.root, "generate_feedback", "hw1")
    exported, shown = (
        {row[key]: row for row in csv.DictReader(file.open(encoding="utf-8-sig")) if row["assignment"] == "hw1"}
        for file, key in ((course.root / "grades.csv", "student_id"), (tmp_path / "out" / "marks.csv", "student"))
    )
    assert set(exported) == set(shown) == set(ANSWERS)
    for student in ANSWERS:
        assert float(exported[student]["score"]) == pytest.approx(float(shown[student]["score"]), abs=0.005)
        assert float(exported[student]["late_submission_penalty"]) == pytest.approx(float(shown[student]["late penalty"]), abs=0.005)
        assert float(exported[student]["max_score"]) == float(shown[student]["max_score"])
    assert float(shown["half"]["late penalty"]) == pytest.approx(0.07 * 2 * 18.5, abs=0.005)
    page = (course.root / "returned" / "half" / "hw1" / "essay.html").read_text(encoding="utf-8")
    assert "Nearly: say which frequencies." in page
    assert len(list((course.root / "returned").rglob("*.html"))) == len(notebooks)
