"""nbgrader's own feedback never replaces the course's pages, neither by its command nor by formgrader's button; elsewhere it works as ever."""

import shutil
from pathlib import Path

import pytest
from foreign_course import make_foreign_course
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import GenerateFeedback
from test_gradebook import one

from course_lib.grading.authoring.stock_nbgrader import StockNbgraderFailed, nbgrader
from course_lib.grading.nbgrader_course import Course, load
from course_lib.grading.nbgrader_settings import settings_of
from course_lib.grading.recording.gradebook import import_records
from course_lib.grading.records import write
from course_lib.grading.reporting.stock_feedback import StockFeedback

SAFE = "a page without hidden tests"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """One student's marks in the gradebook, the notebooks where nbgrader looks for them, and a page that was given back."""
    course = load(make_foreign_course(tmp_path_factory.mktemp("feedback") / "signals101"))
    found, notebooks = one(course)
    import_records(course, found, notebooks)
    for each in found:
        write(each, course.root / "grading" / "hw1" / "records")
    page_of(course).parent.mkdir(parents=True)
    page_of(course).write_text(SAFE)
    return course.root


@pytest.fixture
def ours(made, tmp_path, root) -> Course:
    """A course with the line on feedback that this repository's configuration has."""
    folder = shutil.copytree(made, tmp_path / "signals101")
    (line,) = [line for line in (root / "nbgrader_config.py").read_text().splitlines() if "GenerateFeedback" in line] or [""]
    with (folder / "nbgrader_config.py").open("a") as config:
        config.write(line + "\n")
    return load(folder)


def page_of(course: Course) -> Path:
    return course.folder("feedback", "hw1", "ada") / "signals.html"


def test_nbgrader_reads_it_from_this_repositorys_configuration(root):
    settings = settings_of(root)
    assert GenerateFeedback(coursedir=settings.coursedir, parent=settings).exporter_class is StockFeedback


def test_the_command_refuses_says_what_to_say_and_leaves_the_page(ours):
    with pytest.raises(StockNbgraderFailed, match="say  course feedback --assignment hw1"):
        nbgrader(ours.root, "generate_feedback", "hw1", "--force")
    assert page_of(ours).read_text() == SAFE


@pytest.mark.parametrize(("assignment", "student"), [("hw1", None), ("hw1", "ada"), ("hw*", "ada")])
def test_formgraders_button_refuses_and_leaves_the_page(ours, assignment, student, monkeypatch):
    monkeypatch.chdir(ours.root)
    settings = settings_of(ours.root)
    told = NbGraderAPI(settings.coursedir, parent=settings).generate_feedback(assignment, student)  # all that the button does
    assert not told["success"]
    assert "say  course feedback --assignment hw1" in told["log"]
    assert page_of(ours).read_text() == SAFE


@pytest.mark.slow
def test_what_nbgrader_alone_has_graded_gets_its_own_pages(ours):
    shutil.rmtree(ours.root / "grading")
    nbgrader(ours.root, "generate_feedback", "hw1", "--force")
    assert "(Score: " in page_of(ours).read_text()


@pytest.mark.slow
def test_a_course_that_is_not_ours_keeps_nbgraders_own(made, tmp_path):
    course = load(shutil.copytree(made, tmp_path / "signals101"))
    nbgrader(course.root, "generate_feedback", "hw1", "--force")
    assert "(Score: " in page_of(course).read_text()
