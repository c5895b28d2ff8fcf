"""nbgrader as it is, on the layout as it is: its commands, its gradebook, its feedback, its formgrader in a browser."""

import csv
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from browser import chromium, watched_page
from lab_in_browser import TOKEN, jupyterlab

from course_lib.grading.authoring.stock_nbgrader import (
    StockNbgraderFailed,
    autograde,
    environment,
    hand_in,
    make_course,
    nbgrader,
    network_cage,
)
from course_lib.grading.authoring.submissions import solved

PS01 = "ps01_maximum_likelihood"
POINTS = {"aoi": 27, "botan": 0, "chiyo": 8}  # without the answer in words, which a person reads


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course folder, and three students' work in it: all, nothing, and a part; autograded."""
    root = Path(__file__).parents[1]
    folder = tmp_path_factory.mktemp("course")
    released = nbformat.read(make_course(folder, root=root, name=PS01), as_version=4)
    source = nbformat.read(root / "solutions" / PS01 / f"{PS01}.ipynb", as_version=4)
    hand_in(folder, PS01, "aoi", solved(released, source))
    hand_in(folder, PS01, "botan", released)
    hand_in(folder, PS01, "chiyo", solved(released, source, only={"fit_coin", "fit_gaussian", "e_step"}))
    nbgrader(folder, "autograde", PS01)
    return folder


def _gradebook(course: Path):
    from nbgrader.api import Gradebook

    return Gradebook(f"sqlite:///{course / 'gradebook.db'}")


@pytest.mark.slow
def test_what_is_generated_is_what_the_repository_holds(course, root):
    assert (course / "assignments" / PS01 / f"{PS01}.ipynb").read_bytes() == (root / "assignments" / PS01 / f"{PS01}.ipynb").read_bytes()


@pytest.mark.slow
def test_scores_in_the_gradebook(course):
    with _gradebook(course) as gradebook:
        assert gradebook.find_assignment(PS01).max_score == 30
        for student, points in POINTS.items():
            submission = gradebook.find_submission(PS01, student)
            assert submission.score == points, student
            words = gradebook.find_grade("words", PS01, PS01, student)
            assert words.needs_manual_grade == (student == "aoi"), student  # an untouched answer is 0 without a person
        parts = {grade.name: grade.score for grade in gradebook.find_submission_notebook(PS01, PS01, "chiyo").grades if grade.score}
    assert parts == {"test_fit_coin": 2, "test_fit_gaussian": 2, "test_e_step": 2, "test_e_step_extreme": 2}  # a part of a task counts


@pytest.mark.slow
def test_an_answer_read_by_a_person_feedback_and_export(course):
    with _gradebook(course) as gradebook:  # what formgrader does when a mark is typed in
        grade = gradebook.find_grade("words", PS01, PS01, "aoi")
        grade.manual_score, grade.needs_manual_grade = 3, False
        gradebook.db.commit()
    nbgrader(course, "generate_feedback", PS01)
    for student in ("aoi", "botan", "chiyo"):
        page = (course / "feedback" / student / PS01 / f"{PS01}.html").read_text(encoding="utf-8")
        assert "Problem set 1" in page
    assert "(Score: 30.0 / 30.0)" in (course / "feedback" / "aoi" / PS01 / f"{PS01}.html").read_text(encoding="utf-8")
    botan = (course / "feedback" / "botan" / PS01 / f"{PS01}.html").read_text(encoding="utf-8")
    assert "not done yet: write your answer in place of this line" in botan
    nbgrader(course, "export", "--to", "marks.csv")
    with (course / "marks.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    assert rows == {"aoi": (30, 30), "botan": (0, 30), "chiyo": (8, 30)}


@pytest.mark.slow
def test_formgrader_in_a_browser(course, tmp_path):
    with jupyterlab(tmp_path, serve=course) as lab, chromium() as browser, watched_page(browser) as (page, _):
        page.goto(f"http://127.0.0.1:{lab.port}/lab?token={TOKEN}")
        page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('nbgrader:open-formgrader')", timeout=90_000)
        page.evaluate("window.jupyterapp.commands.execute('nbgrader:open-formgrader')")
        inside = page.frame_locator("iframe[src*='formgrader']")
        row = inside.locator("tr", has_text=PS01)
        row.wait_for(timeout=90_000)
        page.screenshot(path=tmp_path / "assignments.png")
        assert re.search(r"\b3\b", row.inner_text())  # submissions
        page.goto(f"http://127.0.0.1:{lab.port}/formgrader/manage_submissions/{PS01}?token={TOKEN}")
        for student, points in POINTS.items():
            row = page.locator("tr", has_text=student)
            row.wait_for(timeout=60_000)
            assert re.search(rf"\b{points}(\.0)? / 30\b|\b30 / 30\b", row.inner_text()), (
                row.inner_text()
            )  # 30 once the answer in words was read
        page.screenshot(path=tmp_path / "submissions.png")
        page.goto(f"http://127.0.0.1:{lab.port}/formgrader/gradebook/{PS01}/{PS01}?token={TOKEN}")
        page.get_by_role("link", name="Submission #").first.click()
        page.get_by_text("Task 7 · In your own words").first.wait_for(timeout=60_000)
        page.screenshot(path=tmp_path / "reading.png")


@pytest.mark.slow
def test_a_command_that_fails_says_so(course):
    with pytest.raises(StockNbgraderFailed, match="autograde ps77"):
        nbgrader(course, "autograde", "ps77")


@pytest.mark.slow
def test_one_student_alone_without_a_network(course, root):
    source = nbformat.read(root / "solutions" / PS01 / f"{PS01}.ipynb", as_version=4)
    released = nbformat.read(course / "assignments" / PS01 / f"{PS01}.ipynb", as_version=4)
    nosy = solved(released, source, only={"fit_coin"})
    [cell] = [cell for cell in nosy.cells if cell.source.startswith("def fit_coin")]
    asks = "import socket; s = socket.socket(); s.settimeout(3); reached = s.connect_ex(('192.0.2.1', 80)); s.close()\n"
    cell.source = asks + "def fit_coin(x):\n    return x.mean() if reached == 101 else None  # 101: the network is unreachable"
    hand_in(course, PS01, "emi", nosy)
    try:
        marks = autograde(course, PS01, "emi")
    finally:
        shutil.rmtree(course / "submitted" / "emi")
    assert marks.possible == 30
    assert marks.seconds > 0
    if network_cage():
        assert marks.total == marks.scores["test_fit_coin"] == 2


def test_nbgrader_finds_its_tools():
    found = environment()
    assert shutil.which("alembic", path=found["PATH"])
    assert found["COURSE_OFFLINE"] == "1"
