"""`course repair`: a mended copy beside the notebook, every repair in words, the release found by what is in it."""

import json
from pathlib import Path

import nbformat
import pytest

from course_lib import cli
from course_lib.grading.authoring.submissions import saved_by_colab, solved
from course_lib.grading.notebooks.cells import grade_id
from course_lib.grading.repairing import repaired_copy

ROOT = Path(__file__).parents[1]
NAME = "ps04_ica"
RELEASE = ROOT / "assignments" / NAME / f"{NAME}.ipynb"


@pytest.fixture
def save(tmp_path, monkeypatch):
    """A Colab save without the written answer, under an odd name."""
    monkeypatch.chdir(ROOT)
    released, source = (nbformat.read(ROOT / folder / NAME / f"{NAME}.ipynb", as_version=4) for folder in ("assignments", "solutions"))
    names = {grade_id(cell) for cell in released.cells} - {"words"}
    path = tmp_path / "Copy of work (1).ipynb"
    path.write_text(json.dumps(saved_by_colab(solved(released, source, only=names))), encoding="utf-8")
    return path


def repaired(*words: object) -> int:
    return cli.main(["repair", *map(str, words)])


@pytest.mark.parametrize("named", [[], ["--released", RELEASE]])
def test_a_mended_copy_is_written_beside_the_save(save, capsys, named):
    before = save.read_bytes()
    assert repaired(save, *named) == 0
    out = capsys.readouterr().out
    assert f"{NAME}: 6 of 7 answers written, not yet words" in out
    assert out.count("mended:") == 3
    copy = save.with_name("Copy of work (1).repaired.ipynb")
    nbformat.validate(nbformat.read(copy, as_version=4))
    assert "Hanako" in before.decode()
    assert "Hanako" not in copy.read_text(encoding="utf-8") + out
    assert save.read_bytes() == before
    assert set(save.parent.iterdir()) == {save, copy}


def test_what_stands_there_is_not_overwritten(save, capsys):
    copy = save.with_name("Copy of work (1).repaired.ipynb")
    copy.write_text("mine")
    assert repaired(save) == 2
    assert "is there already" in capsys.readouterr().err
    assert copy.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.ipynb", "<html>", "web page"),
        ("a.ipynb", '{"cells": [{"source": "x = 1"}]}', "resembles none of"),
        ("gone.ipynb", None, "no file"),
        ("", None, "a folder"),
    ],
)
def test_what_cannot_be_repaired_is_one_line(tmp_path, monkeypatch, capsys, name, text, said):
    monkeypatch.chdir(ROOT)
    if text:
        (tmp_path / name).write_text(text)
    assert repaired(tmp_path / name) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_release_that_is_none(save, capsys):
    assert repaired(save, "--released", ROOT / "README.md") == 2
    assert "--released must name" in capsys.readouterr().err


def test_a_course_without_releases(save, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(repaired_copy, "course_folder", lambda: tmp_path)
    assert repaired(save) == 2
    assert "resembles none of the notebooks in assignments/" in capsys.readouterr().err
