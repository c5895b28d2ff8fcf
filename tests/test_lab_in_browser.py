"""A lecture in a real JupyterLab, in a real browser: what a student sees after ``make lab``."""

import shutil
import sys

import nbformat
import pytest
from browser import chromium
from conftest import ROOT
from lab_in_browser import PANEL, jupyterlab, notebook_in_lab

pytestmark = pytest.mark.slow
BADGE = "colab-badge.svg"  # a notebook's only picture that lies on another machine
BROKEN = ["x = 1", "print(no_such_name)", "y = 2"]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab over a copy of the course, which it may change."""
    course = tmp_path_factory.mktemp("course")
    for folder in ("notebooks", "assignments"):
        shutil.copytree(ROOT / folder, course / folder)
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in BROKEN])
    broken.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(broken, course / "broken.ipynb")
    with jupyterlab(tmp_path_factory.mktemp("jupyter"), serve=course) as lab:
        yield lab


def test_lecture_1_runs_its_knobs_turn_and_its_problem_set_is_one_click_away(lab, browser):
    with notebook_in_lab(browser, lab.address("notebooks/01_maximum_likelihood.ipynb")) as notebook:
        notebook.run_all(timeout_s=240)
        assert notebook.errors() == []
        sliders = notebook.panel.get_by_role("slider")
        assert sliders.count() >= 3
        for slider in sliders.all():
            before, after = notebook.turn(slider)
            assert before.startswith(b"\x89PNG")
            assert after.startswith(b"\x89PNG")
            assert before != after, f"the figure of {slider} stayed as it was"
        assert [request for request in notebook.watch.outside_requests if BADGE not in request] == []
        notebook.panel.get_by_role("link", name="problem set 1").first.click()
        notebook.page.locator(".jp-mod-current .lm-TabBar-tabLabel, .lm-TabBar-tab.jp-mod-current").get_by_text("ps01_maximum").wait_for()


def test_a_cell_that_fails_and_those_after_it_are_told(lab, browser):
    with notebook_in_lab(browser, lab.address("broken.ipynb")) as notebook:
        notebook.run_all(timeout_s=60)
        assert notebook.errors() == [
            "code cell 2 (print(no_such_name)): NameError: name 'no_such_name' is not defined",
            "code cell 3 (y = 2): was not run",
        ]


def test_make_lab_opens_at_the_first_notebook_with_the_whole_course_in_reach(browser, tmp_path):
    made_already = ["--assume-old=env", "lab", f"VENV={sys.prefix}"]  # these tests run in the environment that `make env` makes
    with (
        jupyterlab(tmp_path, serve=ROOT, command=["make", *made_already], options="LAB_OPTIONS") as lab,
        notebook_in_lab(browser, lab.opened_at_start()) as notebook,
    ):
        assert "/lab/tree/notebooks/00_start_here.ipynb" in notebook.page.url
        assert notebook.page.locator(PANEL).get_by_role("heading", name="Start here").is_visible()
        contents = "async path => (await fetch('/api/contents/' + path, {headers: {Authorization: 'token a-token-of-the-tests'}})).status"
        assert notebook.page.evaluate(contents, "assignments/ps01_maximum_likelihood/ps01_maximum_likelihood.ipynb") == 200
