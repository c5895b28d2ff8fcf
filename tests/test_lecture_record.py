"""What is kept of a lecture's run: pictures, seconds, the table."""

import json
from base64 import b64encode
from pathlib import Path

import nbformat
import pytest
import torch

from course_lib import lab, lecture_record
from course_lib.command import Refused
from course_lib.lecture_record import Outcome

PIXEL = b64encode(b"\x89PNG not really").decode()


def test_two_pictures_in_one_figure_cell_are_refused(tmp_path):
    cell = nbformat.v4.new_code_cell(metadata={"tags": ["figure:two"]})
    cell.outputs = [nbformat.v4.new_output("display_data", {"image/png": PIXEL}) for _ in range(2)]
    with pytest.raises(Refused, match="made 2 pictures"):
        lecture_record.save_figures(nbformat.v4.new_notebook(cells=[cell]), tmp_path)


def test_recording_keeps_everything_else_and_skips_what_failed(tmp_path):
    known = tmp_path / "lectures.json"
    known.write_text(
        '{"01_a": {"title": "Ä", "seconds": {"full cuda": 9}}, "02_b": {"title": "B", "seconds": {}}, "03_c": {"title": "C", "seconds": {}}}'
    )
    outcomes = [
        Outcome("01_a", tmp_path, seconds=12.6, ran="quick cpu"),
        Outcome("02_b", tmp_path, seconds=3.0, ran="quick cpu", failure="no"),
        Outcome("03_c", tmp_path, seconds=3.0),
    ]
    lines = lecture_record.record(outcomes, known)
    assert json.loads(known.read_text()) == {
        "01_a": {"title": "Ä", "seconds": {"full cuda": 9, "quick cpu": 13}},
        "02_b": {"title": "B", "seconds": {}},
        "03_c": {"title": "C", "seconds": {}},
    }
    assert known.read_text().splitlines()[1] == ' "01_a": {"title": "Ä", "seconds": {"full cuda": 9, "quick cpu": 13}},'
    assert ["not recorded" in line for line in lines] == [False, True, True]


@pytest.mark.parametrize(("device", "size"), [("cpu", "quick"), ("cuda", "full")])
def test_size_and_device_are_read_from_the_line_that_lab_prints(device, size, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4 (a · b)")
    line = lab._opening_line(lab.Run("00_start_here", size, torch.device(device), seed=0))
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("stream", name="stdout", text=f"hello\n{line}\nfull size\n")])
    assert lecture_record.size_and_device(nbformat.v4.new_notebook(cells=[cell])) == f"{size} {device}"


def test_the_records_own_form_is_kept(root, tmp_path):
    text = (root / "course_lib" / "lectures.json").read_text(encoding="utf-8")
    (tmp_path / "lectures.json").write_text(text, encoding="utf-8")
    lecture_record.record([], tmp_path / "lectures.json")
    assert (tmp_path / "lectures.json").read_text(encoding="utf-8") == text


def test_a_row_counts_the_claims_that_hold_and_stands_under_its_head():
    claims = [{"holds": True}, {"holds": False}]
    row = lecture_record.row(Outcome("01_first", Path("x"), seconds=1.23, peak_mb=456.7, claims=claims, failure="A: b\nc"), 10)
    assert row.split() == ["01_first", "1.2", "457", "MB", "1", "/", "2", "✗", "A:", "b"]
    assert lecture_record.head(10).index("status") == row.index("✗")
    noisy = lecture_record.row(Outcome("01_first", Path("x"), seconds=1.0, stderr="careful\n"), 10)
    assert noisy.endswith("✓ · on stderr: careful")
