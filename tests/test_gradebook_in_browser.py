"""formgrader in a real browser: it shows the marks that were imported, and what a person gives there survives the next import."""

import re

import pytest
from browser import chromium, watched_page
from foreign_course import make_foreign_course
from lab_in_browser import TOKEN, jupyterlab
from test_gradebook import graded_class

from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.gradebook import comments, import_records
from course_lib.grading.recording.marks import table

PATIENCE = 120_000  # milliseconds


def rows(page, address):
    """The cells of the table that a page of formgrader fills by itself, line by line."""
    page.goto(address)
    page.wait_for_function(
        "!/Loading/.test(document.querySelector('tbody').innerText) && document.querySelectorAll('tbody a').length", timeout=PATIENCE
    )
    return page.eval_on_selector_all("tbody tr", "lines => lines.map(line => Array.from(line.cells).map(cell => cell.innerText.trim()))")


def open_submission(page, address, notebook):
    """Opens a student's notebook as a grader does, and waits until the points are in their boxes."""
    rows(page, address)
    page.locator("tbody a", has_text=notebook).click()
    page.wait_for_function(
        "document.querySelectorAll('input.score').length && document.querySelector('input.score').placeholder", timeout=PATIENCE
    )
    boxes = "boxes => Object.fromEntries(boxes.map(box => [box.id, box.value || box.placeholder]))"
    return page.eval_on_selector_all("input.score", boxes)


def enter(page, selector, words, route):
    """Types into a box of formgrader, leaves it, and waits until the server has it."""
    with page.expect_response(lambda answer: route in answer.url and answer.request.method == "PUT", timeout=PATIENCE) as answer:
        page.fill(selector, words)
        page.press(selector, "Tab")
    assert answer.value.ok


@pytest.mark.slow
def test_formgrader_shows_the_marks_and_a_persons_points_and_words_survive_a_regrade(tmp_path):
    course = load(make_foreign_course(tmp_path / "signals101"))
    found, notebooks = graded_class(course)
    before = import_records(course, found, notebooks)
    with jupyterlab(tmp_path / "jupyter", serve=course.root) as lab, chromium() as browser, watched_page(browser) as (page, watch):
        page.set_extra_http_headers({"Authorization": f"token {TOKEN}"})
        formgrader = f"http://127.0.0.1:{lab.port}/formgrader"
        for row in table(found, before):
            if row.status not in ("missing", "partial"):
                shown = {line[0]: line[1] for line in rows(page, f"{formgrader}/manage_students/{row.student}/hw1")}
                points = {name: float(re.match(r"[\d.]+", words)[0]) for name, words in shown.items()}
                assert sum(points.values()) == row.score
        half = f"{formgrader}/manage_students/half/hw1"
        assert open_submission(page, half, "signals") == {"rms_test": "0", "smooth_test": "1", "peak_test": "1"}
        assert "AssertionError: said the check" in page.inner_text("#notebook")
        page.screenshot(path=tmp_path / "formgrader.png", full_page=True)
        enter(page, "input#rms_test", "1.5", "/api/grade/")
        open_submission(page, half, "essay")
        enter(page, "input#explain", "3.25", "/api/grade/")
        enter(page, "textarea#explain-comment", "Nearly: which frequencies?", "/api/comment/")
        assert [fault for fault in watch.failed_requests if "127.0.0.1" in fault] == []  # MathJax, asked of another machine, is not there
    after = import_records(course, found, notebooks)["half"]
    assert after.scores["essay", "explain"] == 3.25
    assert after.scores["signals", "rms_test"] == 1.5
    assert comments(course, "hw1")["half", "essay"]["explain"].text == "Nearly: which frequencies?"
    (row,) = table([each for each in found if each.student == "half"], {"half": after})
    assert row.score == 3.0 + 3.25 + 1.5
