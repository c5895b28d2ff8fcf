"""A class hands in to Moodle or Canvas; marks and feedback go back to it, under the names and ids by which it knows its students."""

import csv
import zipfile
from pathlib import Path

import nbformat
import pytest
from foreign_course import RIGHT, answered, make_foreign_course
from moodle_worksheet import worksheet

from course_lib import cli
from course_lib.grading.nbgrader_course import load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HANAKO, JIRO = "山田 花子", "Jiro Sato"


def course_of(folder: Path, *students: str) -> Path:
    """The foreign course with a class of its own in its configuration."""
    course = make_foreign_course(folder)
    listed = "\n".join(f"c.CourseDirectory.db_students.append({student})" for student in students)
    with (course / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"\n{listed}\n")
    return course


def archive_of(file: Path, course: Path, *names: str) -> Path:
    """An export in which everybody's answer is right."""
    (source,) = load(course).assignment("hw2")
    with zipfile.ZipFile(file, "w") as made:
        for name in names:
            made.writestr(name, nbformat.writes(answered(source.released, RIGHT)))
    return file


def grade(archive: Path, course: Path, *more: str | Path) -> int:
    return cli.main(["grade", str(archive), "--assignment", "hw2", "--course", str(course), "--workers", "1", *map(str, more)])


def table(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))


def test_a_class_of_moodles(tmp_path, capsys):
    course = course_of(
        tmp_path / "signals", 'dict(id="hanako", email="hanako@example.org")', 'dict(id="jiro", first_name="Jiro", last_name="Sato")'
    )
    run, archive = course / "grading" / "hw2", tmp_path / "class.zip"
    archive_of(archive, course, f"{HANAKO}_1200345_assignsubmission_file_/delay.ipynb", f"{JIRO}_1200346_assignsubmission_file_/x.ipynb")
    assert grade(archive, course) == 2
    assert "2 of 2 who handed in are not on the class list: 1200345, 1200346" in capsys.readouterr().err
    assert not (run / "records").exists()
    sheet = tmp_path / "sheet.csv"
    everybody = (("1200345", HANAKO, "", "hanako@example.org"), ("1200346", JIRO, "", ""), ("1200347", "Ada Lovelace", "00123", ""))
    sheet.write_text(worksheet(*everybody), encoding="utf-8")
    late = ("--late-policy", "per_day=10%", "--due", "2026-11-20T12:00:00+00:00")
    assert grade(archive, course, "--students", sheet, *late) == 0
    marks = {row[0]: row for row in table(run / "marks.csv")[1:]}
    full = marks["hanako"][4]
    assert {student: (row[2], float(row[3])) for student, row in marks.items()} == {
        "00123": ("missing", 0.0),
        "hanako": ("graded", pytest.approx(0.9 * float(full))),  # the worksheet says when she handed in: 23:59
        "jiro": ("graded", pytest.approx(0.9 * float(full))),
    }
    assert [row[:2] for row in table(run / "moodle.csv")[1:]] == [
        ["Participant 1200345", marks["hanako"][3]],
        ["Participant 1200346", marks["jiro"][3]],
        ["Participant 1200347", "0"],
    ]
    with zipfile.ZipFile(run / "feedback.zip") as packed:
        assert packed.namelist() == [
            f"{JIRO}_1200346_assignsubmission_file_/delay.html",
            f"{HANAKO}_1200345_assignsubmission_file_/delay.html",
        ]
        pages = {name: packed.read(name).decode() for name in packed.namelist()}
    for page in [*pages.values(), (run / "report.html").read_text(encoding="utf-8")]:
        assert "1200345" not in page
        assert HANAKO not in page
    capsys.readouterr()
    assert grade(archive, course) == 0  # the worksheet is remembered
    assert "3 of them graded before and unchanged" in capsys.readouterr().out
    assert cli.main(["report", "--assignment", "hw2", "--course", str(course)]) == 0
    assert [row[0] for row in table(run / "moodle.csv")[1:]] == [f"Participant {number}" for number, *_ in everybody]


def test_a_class_of_canvas(tmp_path, capsys):
    course = course_of(tmp_path / "signals", 'dict(id="hanako", lms_user_id="17", first_name="Hanako", last_name="Yamada")')
    run, archive = course / "grading" / "hw2", tmp_path / "class.zip"
    names = ["yamadahanako_LATE_17_90210_delay.ipynb", "lovelaceada_4711_90211_delay.ipynb", "sato_19_90212_x.ipynb", "ito_20_text.html"]
    archive_of(archive, course, *names)
    assert grade(archive, course, "--late-policy", "per_day=10%", "--due", "2026-11-20T12:00:00+00:00") == 0
    assert "2 of 4 who handed in are not on the class list: 19, 20" in capsys.readouterr().out
    marks = {row[0]: row for row in table(run / "marks.csv")[1:]}
    assert set(marks) == {"hanako", "00123", "19", "20"}
    assert float(marks["hanako"][3]) < float(marks["00123"][3]) == float(marks["19"][3])
    assert [row[:4] for row in table(run / "canvas.csv")[2:]] == [
        ["Lovelace, Ada", "4711", "", "00123"],
        ["19", "19", "", ""],
        ["20", "20", "", ""],
        ["Yamada, Hanako", "17", "", "hanako"],
    ]
    with zipfile.ZipFile(run / "feedback.zip") as packed:
        assert packed.namelist() == [f"{name.rpartition('_')[0]}_delay.html" for name in sorted(names[:3])]
