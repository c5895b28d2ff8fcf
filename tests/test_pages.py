"""Pages: every value escaped, a policy that forbids what a page does not hold, text that every file can hold."""

import base64
import hashlib
import html
import re
import zipfile
from pathlib import Path

import jinja2
import pytest
from flit_core import buildapi

from course_lib.grading.reporting import class_report, pages

ROOT = Path(__file__).parents[1]


def test_a_page_carries_a_policy_that_allows_its_own_style_and_nothing_else():
    page = class_report.page([])
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in html.unescape(policy).split(";"))
    expected = {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert rules == expected
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_values_are_escaped_and_controls_and_half_characters_become_marks():
    page = class_report.page([], title="<script>\x00\x1b\ud800&")
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert not re.search(r"[\x00-\x08\x1b\ud800-\udfff]", page)
    page.encode("utf-8")


def test_a_forgotten_value_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        pages.render("feedback.html")


def test_names_break_after_underscores_and_stay_escaped():
    assert pages.breakable("a_<b>") == "a_<wbr>&lt;b&gt;"


def test_the_templates_travel_with_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    wheel = tmp_path / buildapi.build_wheel(str(tmp_path))
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        f"course_lib/grading/reporting/templates/{file.name}"
        for file in (ROOT / "course_lib" / "grading" / "reporting" / "templates").iterdir()
    } <= set(names)
