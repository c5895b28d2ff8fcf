"""Feedback finds its way back: through Moodle, through Canvas, and through nbgrader's own exchange, which is really used."""

import contextlib
import os
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
from foreign_course import make_foreign_course
from nbgrader.apps import NbGraderAPI
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeFetchFeedback, ExchangeSubmit
from traitlets.config import Config

from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.transaction import opened
from course_lib.grading.records import Record, Status
from course_lib.grading.reporting.returning import packed, stamped

MOODLE, CANVAS = "山田 花子_1200345_assignsubmission_file_/", "yamadahanako_LATE_4711_90210_"


def record(student: str, prefix: str = "", notebook: str = "ps01") -> Record:
    return Record(student, "ps01", notebook, Status.GRADED, prefix=prefix)


def pages_of(folder: Path, *records: Record) -> dict[tuple[str, str], Path]:
    found = {}
    for each in records:
        file = found[each.student, each.notebook] = folder / each.student / f"{each.notebook}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"feedback of {each.student}", encoding="utf-8")
    return found


# ------------------------------------------------------------------------------------------------------------------- learning systems


def attached_by_moodle(archive: Path, participants: set[str]) -> dict[tuple[str, str], bytes]:
    """What ``is_valid_filename_for_import`` (importziplib.php) finds: by participant and file name.

    A part of the path in five pieces between underscores: somebody, the participant's number, ``assignsubmission``, a plugin, the rest.
    """
    found = {}
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            parts = name.split("/")
            while parts:
                pieces = parts.pop(0).split("_", 4)
                if len(pieces) >= 4 and pieces[1] in participants and pieces[2:4] == ["assignsubmission", "file"]:
                    found[pieces[1], "/".join([*pieces[4:], *parts]).lstrip("/")] = opened.read(name)
                    break
    return found


def attached_by_canvas(archive: Path, uploads: set[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """What ``infer_comment_context_from_filename`` (abstract_assignment.rb) finds: by user, or anonymous id, and upload."""
    found = {}
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            pieces = [piece for piece in os.path.basename(name).split("_") if piece != "LATE"]
            at = tuple(pieces[1:3] if pieces[0] == "anon" else [piece for piece in pieces if re.fullmatch(r"\d+", piece)][:2])
            if at in uploads:
                found[at] = opened.read(name)
    return found


def test_moodle_attaches_each_page_to_its_student(tmp_path):
    found = [record("hanako", MOODLE), record("77", "A-B C_77_assignsubmission_file_"), record("absent")]
    archive = packed(found, pages_of(tmp_path, *found), tmp_path / "feedback.zip")
    assert attached_by_moodle(archive, {"1200345", "77", "78"}) == {
        ("1200345", "ps01.html"): b"feedback of hanako",
        ("77", "ps01.html"): b"feedback of 77",
    }


def test_canvas_attaches_each_page_to_its_upload(tmp_path):
    found = [record("ada", CANVAS), record("aB3xY", "LATE_anon_aB3xY_90211_"), record("ben", "de_la_cruz_18_9_", "one")]
    archive = packed(found, pages_of(tmp_path, *found), tmp_path / "feedback.zip")
    assert attached_by_canvas(archive, {("4711", "90210"), ("aB3xY", "90211"), ("18", "9")}) == {
        ("4711", "90210"): b"feedback of ada",
        ("aB3xY", "90211"): b"feedback of aB3xY",
        ("18", "9"): b"feedback of ben",
    }


def test_a_class_that_handed_in_elsewhere_has_no_archive_and_keeps_no_old_one(tmp_path):
    archive = tmp_path / "feedback.zip"
    archive.write_bytes(b"of last week")
    assert packed([record("ada")], pages_of(tmp_path, record("ada")), archive) is None
    assert not archive.exists()


# ------------------------------------------------------------------------------------------------------------------- nbgrader's exchange


@pytest.fixture
def exchange(tmp_path):
    """A course whose one student has handed in through nbgrader's exchange, collected by nbgrader; and what fetches the feedback."""
    course = load(make_foreign_course(tmp_path / "signals101"))
    course.folder("release", "hw1").mkdir(parents=True)
    for source in course.assignment("hw1"):
        nbformat.write(source.released, course.folder("release", "hw1") / f"{source.notebook}.ipynb")
    config = Config(course.settings.config)
    config.Exchange.root, config.Exchange.cache = str(tmp_path / "exchange"), str(tmp_path / "cache")
    config.CourseDirectory.root, config.CourseDirectory.db_url = str(course.root), course.db_url
    (tmp_path / "exchange").mkdir(mode=0o777)
    (tmp_path / "exchange").chmod(0o777)
    with opened(course):  # nbgrader would call alembic by its name
        teacher = NbGraderAPI(config=config)

    def of_student(kind: type, assignment: str) -> None:
        desk = tmp_path / "desk"
        desk.mkdir(exist_ok=True)
        mine = Config(config)
        mine.CourseDirectory.assignment_id = assignment
        with contextlib.chdir(desk):
            kind(coursedir=CourseDirectory(config=mine), authenticator=Authenticator(config=mine), config=mine).start()

    assert teacher.release_assignment("hw1")["success"]
    (tmp_path / "desk").mkdir()
    os.symlink(course.folder("release", "hw1"), tmp_path / "desk" / "hw1")
    of_student(ExchangeSubmit, "hw1")
    done = teacher.collect("hw1")
    assert done["success"], done
    (tmp_path / "desk" / "hw1").unlink()
    return course, teacher, lambda: (of_student(ExchangeFetchFeedback, "hw1"), sorted((tmp_path / "desk").rglob("*.html")))[1]


def test_nbgrader_releases_the_feedback_and_the_student_fetches_it(exchange):
    """One student did not hand in: nbgrader would stop there, and give nothing to those behind."""
    course, teacher, fetched = exchange
    (student,) = [folder.name for folder in course.folder("submitted", "hw1", "x").parents[1].iterdir()]
    found = [Record(name, "hw1", "signals", Status.GRADED) for name in ("aaa", student, "zzz")]
    pages = {}
    for each in found:
        file = pages[each.student, "signals"] = course.folder("feedback", "hw1", each.student) / "signals.html"
        file.parent.mkdir(parents=True)
        file.write_text(f"feedback of {each.student}", encoding="utf-8")
    assert not teacher.release_feedback("hw1")["success"]  # as it is without the stamps
    assert stamped(course, "hw1", found, pages) == 1
    done = teacher.release_feedback("hw1")
    assert done["success"], done
    (page,) = fetched()
    assert page.read_text(encoding="utf-8") == f"feedback of {student}"
    secrets = {file.read_text(encoding="utf-8") for file in course.root.glob("returned/*/hw1/submission_secret.txt")}
    assert len(secrets) == 3
    assert stamped(course, "hw1", found, pages) == 1
    assert {file.read_text(encoding="utf-8") for file in course.root.glob("returned/*/hw1/submission_secret.txt")} == secrets


def test_a_class_without_the_exchange_gets_no_stamps_and_links_are_not_followed(tmp_path):
    course = load(make_foreign_course(tmp_path / "signals101"))
    found = [record("ada"), record("eve")]
    pages = pages_of(tmp_path / "pages", *found)
    assert stamped(course, "ps01", found, pages) == 0
    folder = course.folder("submitted", "ps01", "eve")
    folder.mkdir(parents=True)
    (tmp_path / "key").write_text("a" * 64, encoding="utf-8")
    (folder / "submission_secret.txt").symlink_to(tmp_path / "key")
    (folder / "timestamp.txt").write_text("<script>", encoding="utf-8")
    assert stamped(course, "ps01", found, pages) == 0
    (folder / "submission_secret.txt").unlink()
    (folder / "submission_secret.txt").write_text("b" * 64, encoding="utf-8")
    assert stamped(course, "ps01", found, pages) == 1
    assert (pages["eve", "ps01"].parent / "timestamp.txt").read_text(encoding="utf-8") == ""
