"""A class is collected: every student has one entry a notebook, the right file in it, and nothing of what strangers pack does harm."""

import io
import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

from course_lib.command import WrongInput
from course_lib.grading.authoring.submissions import saved_by_colab, solved
from course_lib.grading.collection.class_list import ClassList
from course_lib.grading.collection.collecting import collect
from course_lib.grading.collection.worksheet import Participant, Worksheet
from course_lib.grading.nbgrader_course import Student
from course_lib.grading.notebooks.cells import grade_id, is_solution

ROOT = Path(__file__).parents[1]
NAME, OTHER = "ps04_ica", "ps03_pca"


def material(name: str):
    return tuple(nbformat.read(ROOT / folder / name / f"{name}.ipynb", as_version=4) for folder in ("assignments", "solutions"))


RELEASED, SOURCE = material(NAME)
ANSWER = json.dumps(saved_by_colab(solved(RELEASED, SOURCE))).encode()
BLANK = nbformat.writes(RELEASED).encode()
FOREIGN = json.dumps(solved(*material(OTHER))).encode()
HALF = json.dumps(solved(RELEASED, SOURCE, only={"whiten"})).encode()


@pytest.fixture
def where(tmp_path):
    made = tmp_path / "submissions"
    made.mkdir()
    return made


def put(folder: Path, name: str, data: bytes, minute: int = 0) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (1_800_000_000 + 60 * minute,) * 2)
    return path


def zipped(*members) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def collected(where: Path, notebooks=(NAME,), released=None):
    return collect(where, assignment=NAME, notebooks=list(notebooks), released=released or {NAME: RELEASED})


def by_id(where: Path):
    found = collected(where)
    assert len({one.student for one in found}) == len(found)
    return {one.student: one for one in found}


# -------------------------------------------------------------------------------------------------------------------------- layouts


def test_a_folder_per_student_with_whatever_names(where):
    put(where, f"s1/{NAME}.ipynb", ANSWER)
    put(where, "s2/Copy of X (1).ipynb", ANSWER)
    put(where, "s3/deep/er/Untitled.IPYNB", ANSWER)
    put(where, "s4/notebook.ipynb.txt", ANSWER)
    put(where, "s5/work.zip", zipped(("in/side.ipynb", ANSWER)))
    put(where, "s6/outer.zip", zipped(("inner.zip", zipped(("a.ipynb", ANSWER)))))
    found = by_id(where)
    assert list(found) == ["s1", "s2", "s3", "s4", "s5", "s6"]
    assert all((one.data, one.remarks, one.assignment, one.notebook) == (ANSWER, (), NAME, NAME) for one in found.values())
    assert found["s1"].submitted == datetime.fromtimestamp(1_800_000_000, UTC)


def test_nbgraders_folders_with_their_timestamps(where):
    put(where, f"s1/{NAME}/{NAME}.ipynb", ANSWER)
    put(where, f"s1/{NAME}/timestamp.txt", b"2026-11-20 23:59:30.123456 UTC\n")
    put(where, f"s1/{NAME}/submission_secret.txt", b"f" * 128)
    put(where, f"s1/{OTHER}/{NAME}.ipynb", BLANK)
    put(where, f"s2/{OTHER}/{OTHER}.ipynb", FOREIGN)
    put(where, f"s3/{NAME}/{NAME}.ipynb", ANSWER)
    put(where, f"s3/{NAME}/timestamp.txt", b"yesterday")
    found = by_id(where)
    assert found["s1"].data == ANSWER
    assert found["s1"].submitted == datetime(2026, 11, 20, 23, 59, 30, 123456, UTC)
    assert (found["s1"].extras, found["s1"].dated, found["s3"].dated) == ({}, False, True)
    assert not found["s1"].extras
    assert found["s2"].data is None
    assert found["s3"].submitted == datetime.fromtimestamp(1_800_000_000, UTC)


@pytest.mark.parametrize("packed", ["folder", "zip", "zip in a folder"])
def test_moodle(tmp_path, where, packed):
    names = [f"山田 花子_4711_assignsubmission_file_/{NAME}.ipynb", "Lee B_12_assignsubmission_file_/x.ipynb"]
    text = ("Lee B_12_assignsubmission_onlinetext_/onlinetext.html", b"<p>see file</p>")
    draft = (names[1].replace("x.ipynb", "a.ipynb"), BLANK.replace(b"NotImplementedError", b"ValueError", 1))
    members = [(names[0], ANSWER), (names[1], HALF), draft, text]
    if packed == "folder":
        for name, data in members:
            put(where, name, data)
    elif packed == "zip":
        where = put(tmp_path, "class.zip", zipped(*members))
    else:
        put(where, "class.zip", zipped(*members))
        put(where, "marks.csv", b"")
    found = by_id(where)
    assert {student: one.data for student, one in found.items()} == {"4711": ANSWER, "12": HALF}
    assert {student: one.unsure for student, one in found.items()} == {"4711": False, "12": True}
    assert "山田" not in repr([(one.origin, one.remarks) for one in found.values()])


def test_moodles_worksheet_says_who_it_is_and_when(where):
    """A time that a student writes into the archive is not believed, nor is the file's own."""
    put(where, f"A B_31_assignsubmission_file_/{NAME}.ipynb", ANSWER)
    put(where, "A B_31_assignsubmission_file_/timestamp.txt", b"2020-01-01 00:00:00 UTC")
    put(where, f"C D_32_assignsubmission_file_/{NAME}.ipynb", ANSWER)
    put(where, "C D_32_assignsubmission_file_/timestamp.txt", b"2020-01-01 00:00:00 UTC")
    night = datetime(2026, 11, 20, 14, 59, tzinfo=UTC)
    people = (Participant("31", "Participant 31", ("A B", "ada"), submitted=night), Participant("32", "Participant 32", ("C D", "ben")))
    known = ClassList.of([Student("ada"), Student("ben")], Worksheet(("", "", ""), people))
    found = collect(where, assignment=NAME, notebooks=[NAME], released={NAME: RELEASED}, known=known)
    assert [(one.student, one.submitted, one.dated) for one in found] == [("ada", night, False), ("ben", None, False)]
    assert found[0].prefix == "A B_31_assignsubmission_file_/"


def test_who_is_on_no_list_is_remarked_upon(where):
    put(where, f"ada/{NAME}.ipynb", ANSWER)
    put(where, f"old/{NAME}.ipynb", ANSWER)
    found = collect(where, assignment=NAME, notebooks=[NAME], released={NAME: RELEASED}, known=ClassList.of([Student("ada")]))
    assert [one.remarks for one in found] == [(), ("This id is on no list of the class.",)]


@pytest.mark.parametrize(
    ("own", "victims"),
    [
        ("mallory_66_4_w.zip", (f"x_5_99999_{NAME}.ipynb", f"x_17_99999_{NAME}.ipynb")),
        ("M M_66_assignsubmission_file_w.zip", (f"V V_5_assignsubmission_file_{NAME}.ipynb", f"V V_17_assignsubmission_file_{NAME}.ipynb")),
        ("66.zip", (f"x_5_99999_{NAME}.ipynb", f"x_17_99999_{NAME}.ipynb")),
    ],
)
def test_names_in_ones_own_archive_are_nobody_elses(where, own, victims):
    beside = own.replace("mallory_66_4_w.zip", f"lee_17_5_{NAME}.ipynb").replace("M M_66", "L L_17").replace("66.zip", "17.zip")
    put(where, own, zipped(*((name, ANSWER) for name in victims)))
    if beside == "17.zip":
        put(where, beside, zipped((f"{NAME}.ipynb", HALF)))
    else:
        put(where, beside.replace("w.zip", f"{NAME}.ipynb"), HALF)
    found = by_id(where)
    assert {student: one.data for student, one in found.items()} == {"66": ANSWER, "17": HALF}


def test_where_everybody_hands_in_an_archive_each_is_its_students(where):
    put(where, "lee_17_5_hw.zip", zipped(("hw_1_2_final.ipynb", HALF)))
    put(where, "mallory_66_4_w.zip", zipped((f"x_17_99999_{NAME}.ipynb", ANSWER)))
    assert {student: one.data for student, one in by_id(where).items()} == {"66": ANSWER, "17": HALF}


def test_the_name_that_a_student_gives_a_file_names_nobody_else(where):
    put(where, f"M M_66_assignsubmission_file_x_17_assignsubmission_file_{NAME}.ipynb", ANSWER)
    put(where, f"L L_17_assignsubmission_file_{NAME}.ipynb", HALF)
    found = by_id(where)
    assert {student: (one.data, one.prefix) for student, one in found.items()} == {
        "66": (ANSWER, "M M_66_assignsubmission_file_"),
        "17": (HALF, "L L_17_assignsubmission_file_"),
    }


def test_archives_of_two_halves_of_a_class_side_by_side(where):
    put(where, "monday.zip", zipped((f"a_5_80_{NAME}.ipynb", ANSWER), (f"b_6_81_{NAME}.ipynb", HALF)))
    put(where, "friday.zip", zipped((f"c_7_82_{NAME}.ipynb", HALF)))
    assert {student: one.data for student, one in by_id(where).items()} == {"5": ANSWER, "6": HALF, "7": HALF}


def test_canvas_with_late_marks_and_resubmissions(tmp_path):
    members = [(f"yamada_17_80_{NAME}.ipynb", HALF), (f"yamada_LATE_17_90_{NAME}-1.ipynb", ANSWER), ("lee_18_70_x.pdf", b"%PDF-")]
    found = by_id(put(tmp_path, "submissions.zip", zipped(*members)))
    assert found["17"].data == ANSWER
    assert (found["17"].late, found["17"].submitted, found["17"].dated) == (True, None, False)
    assert found["18"].data == b"%PDF-"


def test_files_side_by_side(where):
    put(where, "0042.ipynb", ANSWER)
    put(where, f"{NAME}_=1+1.ipynb", HALF)
    put(where, "s3.zip", zipped(("a.ipynb", ANSWER), ("data/x.csv", b"1")))
    found = by_id(where)
    assert {student: one.data for student, one in found.items()} == {"0042": ANSWER, "=1+1": HALF, "s3": ANSWER}
    assert found["0042"].extras == {}


@pytest.mark.parametrize("what", ["nowhere", "a text", "an empty folder"])
def test_a_place_without_submissions_is_said_in_words(where, what):
    path = where / "nowhere" if what == "nowhere" else put(where, "a.bin", b"x") if what == "a text" else where
    with pytest.raises(WrongInput, match=r"submission|wanted"):
        collected(path)


# ------------------------------------------------------------------------------------------------------------------- which file it is


def test_the_newest_attempt_counts(where):
    put(where, "s1/a.ipynb", ANSWER, minute=5)
    put(where, "s1/b.ipynb", HALF, minute=9)
    put(where, "s2/a.ipynb", ANSWER, minute=9)
    put(where, "s2/b.ipynb", HALF, minute=5)
    put(where, "s3/a (1).ipynb", ANSWER)
    put(where, "s3/a.ipynb", HALF)
    found = by_id(where)
    assert [found[student].data for student in ("s1", "s2", "s3")] == [HALF, ANSWER, ANSWER]
    assert all("2 attempts" in one.remarks[0] for one in found.values())


def test_a_newer_blank_or_broken_attempt_never_counts(where):
    put(where, "s1/a.ipynb", ANSWER, minute=1)
    put(where, "s1/b.ipynb", BLANK, minute=9)
    put(where, f"s1/{NAME}.ipynb", b"{broken", minute=12)
    assert by_id(where)["s1"].data == ANSWER


def test_the_same_handed_in_twice_is_no_news(where):
    put(where, "s1/a.ipynb", ANSWER)
    put(where, "s1/a (1).ipynb", ANSWER)
    assert by_id(where)["s1"].remarks == ()


def test_twins_in_an_archive_are_two_attempts(where):
    with pytest.warns(UserWarning, match="Duplicate"):
        put(where, "s1/x.zip", zipped(("a.ipynb", HALF), ("a.ipynb", ANSWER)))
    assert by_id(where)["s1"].data == ANSWER


def test_another_assignments_notebook_is_left_aside(where):
    put(where, "s1/a.ipynb", ANSWER, minute=1)
    put(where, "s1/b.ipynb", FOREIGN, minute=9)
    put(where, "s2/b.ipynb", FOREIGN)
    found = by_id(where)
    assert found["s1"].data == ANSWER
    assert found["s2"].data is None
    assert all(one.remarks[0] == "1 notebook that was handed in is not of this assignment." for one in found.values())
    assert all(one.strangers == 1 for one in found.values())


def test_what_lies_beside_another_assignments_notebook_is_not_taken_for_this_one(where):
    put(where, "s1/b.ipynb", FOREIGN)
    put(where, "s1/data.csv", b"1")
    assert by_id(where)["s1"].data is None


def test_a_folder_with_nothing_but_the_class_in_an_archive(where):
    put(where, "class.zip", zipped(("s1/a.ipynb", ANSWER), ("s2/a.ipynb", HALF)))
    assert {student: one.data for student, one in by_id(where).items()} == {"s1": ANSWER, "s2": HALF}


def test_another_notebook_under_this_ones_name_is_given_on_for_a_person_to_see(where):
    put(where, f"s1/{NAME}.ipynb", FOREIGN)
    assert by_id(where)["s1"].data == FOREIGN


def test_only_the_answers_in_a_notebook_of_ones_own(where):
    cells = [cell for cell in solved(RELEASED, SOURCE).cells if is_solution(cell)]
    for cell in cells:
        cell.metadata = {}
    own = json.dumps({"cells": cells}).encode()
    put(where, "s1/Untitled.ipynb", own)
    assert by_id(where)["s1"].data == own


def test_assignments_that_share_ids_are_told_by_their_lines(where):
    """Many courses name the cells of every assignment q1, q2, ..."""
    ids = iter(grade_id(cell) for cell in RELEASED.cells if grade_id(cell))
    renamed = json.loads(FOREIGN)
    for cell in renamed["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["grade_id"] = next(ids, "more")
    put(where, "s1/a.ipynb", json.dumps(renamed).encode())
    assert by_id(where)["s1"].data is None


def test_an_assignment_of_several_notebooks(where):
    released = {NAME: RELEASED, OTHER: material(OTHER)[0]}
    put(where, "s1/a.ipynb", ANSWER)
    put(where, "s1/b.ipynb", FOREIGN)
    put(where, "s2/b.ipynb", FOREIGN)
    put(where, f"s3/{OTHER}.ipynb", b"")
    put(where, "s3/x.ipynb", b"")
    found = {(one.student, one.notebook): one for one in collected(where, (NAME, OTHER), released)}
    assert {key: one.data for key, one in found.items()} == {
        ("s1", NAME): ANSWER,
        ("s1", OTHER): FOREIGN,
        ("s2", NAME): None,
        ("s2", OTHER): FOREIGN,
        ("s3", NAME): None,
        ("s3", OTHER): b"",
    }
    assert "is empty" in " ".join(found["s3", NAME].remarks)


# ------------------------------------------------------------------------------------------------------------------ what is no notebook


def test_whoever_hands_in_something_else_has_a_row_that_says_so(where):
    put(where, "py/solution.py", b"import torch\n")
    put(where, "pdf/a.pdf", b"%PDF-1.7")
    put(where, "html/x.ipynb", b"<html>Sign in</html>")
    put(where, "zip/x.zip", b"PK\x03\x04 no archive")
    put(where, "empty/x.ipynb", b"")
    (where / "nothing").mkdir()
    found = by_id(where)
    assert {student: one.data for student, one in found.items()} == {
        "py": b"import torch\n",
        "pdf": b"%PDF-1.7",
        "html": b"<html>Sign in</html>",
        "zip": b"PK\x03\x04 no archive",
        "empty": b"",
        "nothing": None,
    }
    assert "but a .py file" in found["py"].remarks[-1]
    assert "damaged zip" in " ".join(found["zip"].remarks)


def test_the_row_says_so_where_several_notebooks_were_wanted_too(where):
    put(where, "pdf/a.pdf", b"%PDF-1.7")
    put(where, "one/one.ipynb", ANSWER)
    put(where, "one/b.pdf", b"%PDF-1.7")
    wanted = {NAME: RELEASED, OTHER: material(OTHER)[0]}
    found = {(one.student, one.notebook): one for one in collected(where, list(wanted), wanted)}
    assert {name: found["pdf", name].data for name in wanted} == dict.fromkeys(wanted, b"%PDF-1.7")
    assert "but a .pdf file" in found["pdf", OTHER].remarks[-1]
    assert found["one", NAME].data == ANSWER
    assert found["one", OTHER].data is None


def test_links_and_pipes_are_told_and_their_targets_never_read(where, tmp_path):
    secret = put(tmp_path, "secret.ipynb", ANSWER)
    for student in ("link", "pipe", "extra"):
        (where / student).mkdir()
    (where / "link" / f"{NAME}.ipynb").symlink_to(secret)
    os.mkfifo(where / "pipe" / f"{NAME}.ipynb")
    (where / "folder").symlink_to(tmp_path)
    put(where, "extra/a.ipynb", HALF)
    (where / "extra" / "data.csv").symlink_to("/etc/passwd")
    found = by_id(where)
    assert {student: one.data for student, one in found.items()} == {"link": None, "pipe": None, "folder": None, "extra": HALF}
    assert all("not followed" in " ".join(one.remarks) or "not opened" in " ".join(one.remarks) for one in found.values())
    assert found["extra"].extras == {}


def test_a_bomb_costs_its_student_alone_and_memory_nobody(where):
    layer = zipped(("a.txt", bytes(60_000_000)))
    for _ in range(3):
        layer = zipped(*((f"{i}.zip", layer) for i in range(12)))
    put(where, "s1/bomb.zip", layer)
    put(where, "s2/a.ipynb", ANSWER)
    found = by_id(where)
    assert found["s2"].data == ANSWER
    assert "archive in an archive in an archive" in " ".join(found["s1"].remarks)


def test_paths_that_lead_out_of_an_archive_are_nobodys(tmp_path):
    before = set(tmp_path.rglob("*"))
    path = put(
        tmp_path, "class.zip", zipped(("s1/a.ipynb", HALF), ("s2/a.ipynb", HALF), ("s1/../s2/a.ipynb", ANSWER), ("/s2/b.ipynb", ANSWER))
    )
    assert {one.student: one.data for one in collected(path)} == {"s1": HALF, "s2": HALF}
    assert set(tmp_path.rglob("*")) - before == {path}


def test_what_lies_beside_a_notebook_comes_with_it(where):
    put(where, "s1/mine/a.ipynb", ANSWER)
    put(where, "s1/mine/data/x.csv", b"1")
    put(where, "s1/mine/mine.py", b"x = 1")
    put(where, "s1/elsewhere.txt", b"no")
    put(where, "s2/a.ipynb", ANSWER)
    for i in range(210):
        put(where, f"s2/{i}.csv", b"1")
    found = by_id(where)
    assert found["s1"].extras == {"data/x.csv": b"1", "mine.py": b"x = 1"}
    assert len(found["s2"].extras) == 200
    assert "More files" in found["s2"].remarks[-1]
