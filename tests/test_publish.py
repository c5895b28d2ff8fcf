"""Colab badges and set-up cells name one repository and one tag, everywhere."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from course_lib import cli
from course_lib.command import WrongInput
from course_lib.grading import grade
from course_lib.grading.authoring import publish
from course_lib.grading.authoring.publish import Address
from course_lib.grading.judging.jobs import Job

WANTED = Address("an-instructor/my.course", "2027-spring")


@pytest.fixture
def course(root, tmp_path, monkeypatch) -> Path:
    """A copy of the course's own notebooks."""
    for folder in ("notebooks", "solutions", "assignments"):
        if (root / folder).is_dir():
            shutil.copytree(root / folder, tmp_path / folder)
    if (root / "README.md").is_file():
        shutil.copy(root / "README.md", tmp_path)
    (tmp_path / "course_lib").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_course_as_it_stands_agrees(root):
    assert publish.disagreements(root) == []
    assert len(publish.addresses(root)) == 1
    assert len(publish.files(root)) >= 3


def test_stamping_changes_the_links_and_nothing_else(course):
    before = {path: path.read_text(encoding="utf-8") for path in publish.files(course)}
    old = next(iter(publish.addresses(course)))
    changed = publish.stamp(course, WANTED)
    assert publish.addresses(course) == {WANTED}
    assert {path for path in changed if path.suffix == ".ipynb"} == {path for path in before if path.suffix == ".ipynb"}
    for path, text in before.items():
        after = path.read_text(encoding="utf-8")
        assert after.count("\n") == text.count("\n")
        different = [(a, b) for a, b in zip(text.splitlines(), after.splitlines(), strict=True) if a != b]
        assert len(different) == changed.get(path, 0)
        assert all(a.replace(old.repository, WANTED.repository).replace(old.tag, WANTED.tag) == b for a, b in different)
    publish.stamp(course, old)
    assert {path: path.read_text(encoding="utf-8") for path in before} == before  # there and back, byte for byte


def test_stamping_twice_changes_nothing(course):
    assert publish.stamp(course, WANTED)
    times = {path: path.stat().st_mtime_ns for path in publish.files(course)}
    assert publish.stamp(course, WANTED) == {}
    assert {path: path.stat().st_mtime_ns for path in publish.files(course)} == times


@pytest.mark.parametrize(
    "where",
    [
        "",
        "course@v1",
        "a/b",
        "a/b@",
        "@v1",
        "a/b/c@v1",
        "a/b@v1@v2",
        "a b/c@v1",
        "https://github.com/a/b@v1",
        "a/b@v..1",
        "a/b@-v",
        "-a/b@v1",
    ],
)
def test_another_form_is_refused_with_an_example(where):
    with pytest.raises(WrongInput, match=r"for example \S+/\S+@v"):
        publish.address(where)


def test_check_names_the_file_that_disagrees_and_changes_nothing(course, capsys):
    assert cli.main(["publish", "--check"]) == 0
    assert "agree" in capsys.readouterr().out
    odd = course / "notebooks" / "01_maximum_likelihood.ipynb"
    odd.write_text(odd.read_text(encoding="utf-8").replace("/v0.1.0/", "/v9/"), encoding="utf-8")
    text = odd.read_text(encoding="utf-8")
    assert cli.main(["publish", "--check"]) == 1
    out = capsys.readouterr().out
    assert "01_maximum_likelihood.ipynb names" in out
    assert "@v9" in out
    assert "00_start_here" not in out
    assert odd.read_text(encoding="utf-8") == text


def test_check_against_an_address_finds_all_that_name_another(course, capsys):
    assert cli.main(["publish", str(WANTED), "--check"]) == 1
    assert "00_start_here.ipynb" in capsys.readouterr().out


def test_the_command_tells_what_changed(course, capsys):
    assert cli.main(["publish", str(WANTED)]) == 0
    out = capsys.readouterr().out
    assert "notebooks/00_start_here.ipynb: 2 links" in out
    assert f"changed to {WANTED}" in out
    assert cli.main(["publish", str(WANTED)]) == 0
    assert "0 files changed" in capsys.readouterr().out


def test_the_command_wants_to_know_where(course, capsys):
    assert cli.main(["publish"]) == 2
    assert cli.main(["publish", "nonsense"]) == 2
    assert "OWNER/REPO@TAG" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("colab.research.google.com/github", "example.org", "no Colab badge"),
        ("notebooks/01_maximum", "notebooks/02_maximum", "badge that opens notebooks/02_maximum"),
        ("/archive/refs/tags/", "/tags/", "no set-up cell"),
    ],
)
def test_a_notebook_without_its_links_is_found_before_anything_is_stamped(course, capsys, old, new, says):
    odd = course / "notebooks" / "01_maximum_likelihood.ipynb"
    odd.write_text(odd.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    before = {path: path.read_text(encoding="utf-8") for path in publish.files(course)}
    assert cli.main(["publish", str(WANTED)]) == 2
    assert says in capsys.readouterr().err
    assert {path: path.read_text(encoding="utf-8") for path in before} == before


def test_a_solutions_badge_opens_what_students_get(course):
    notebook = json.loads((course / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8"))
    text = json.dumps(notebook)
    (course / "solutions" / "ps99_x").mkdir(parents=True)
    made = course / "solutions" / "ps99_x" / "ps99_x.ipynb"
    made.write_text(text.replace("notebooks/00_start_here", "assignments/ps99_x/ps99_x"), encoding="utf-8")
    assert publish.misplaced(course) == []
    made.write_text(text.replace("notebooks/00_start_here", "solutions/ps99_x/ps99_x"), encoding="utf-8")
    assert "solutions/ps99_x" in publish.misplaced(course)[0]


def test_where_a_course_is_published_makes_no_graded_notebook_stale_and_anything_else_does():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[1] / "assignments").glob("ps01_*/*.ipynb")))
    there = publish._SETUP.sub(r"\g<before>me/kit/archive/refs/tags/2027.zip", text)
    there = publish._BADGE.sub(r"\g<before>me/kit/blob/2027/\g<path>", there)
    job = Job("ada", "ps01", "ps01", text, text, b"{}")
    moved, other = (dataclasses.replace(job, instructor=words, released=words) for words in (there, text + " "))
    assert there != text
    assert grade._key(moved) == grade._key(job) != grade._key(other)
