"""``course grade`` on a class that holds every family of bad submission, on a course that is not ours, and killed in the middle."""

import argparse
import csv
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from foreign_course import FULL, HALF, RIGHT, make_foreign_course
from foreign_course import hand_in as hand_in_abroad
from hostile_class import NAME, Case, hand_in

from course_lib.command import Lacking
from course_lib.grading import grade, records
from course_lib.grading.cells import is_test
from course_lib.grading.nbgrader_course import load
from course_lib.grading.records import Outcome, Status
from course_lib.grading.stock_nbgrader import nbgrader

ROOT = Path(__file__).parents[1]
POINTS = {
    cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
    for cell in nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4).cells
    if is_test(cell)
}


def make_course(folder: Path) -> Path:
    """A course folder with problem set 1 alone."""
    for part in ("solutions", "assignments"):
        shutil.copytree(ROOT / part / NAME, folder / part / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    return folder


def course(*words: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "course_lib.cli", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_OFFLINE": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def table(folder: Path) -> dict[str, dict[str, str]]:
    """The rows of marks.csv by student."""
    with (folder / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["student"] for row in rows}) == len(rows)
    return {row["student"]: row for row in rows}


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.is_symlink()
    }


def left_behind(mark: str) -> list[str]:
    """Processes that still know a run's folder, by command line or environment, and are not ours."""
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if process.pid != os.getpid() and (mark in words or "bwrap" in words):
            found.append(words)
    return found


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The whole class, graded once: the cases, their rows, the run's folder, what was said."""
    home = tmp_path_factory.mktemp("class")
    folder = make_course(home / "course")
    source, released = (nbformat.read(folder / part / NAME / f"{NAME}.ipynb", as_version=4) for part in ("solutions", "assignments"))
    cases = hand_in(home / "submissions", released, source)
    before = digests(folder / "solutions") | digests(folder / "assignments") | digests(home / "submissions")
    started = time.monotonic()
    done = course("grade", home / "submissions", "--assignment", "ps01", "--workers", "2", "--cell-seconds", "20", cwd=folder)
    seconds = time.monotonic() - started
    after = digests(folder / "solutions") | digests(folder / "assignments") | digests(home / "submissions")
    return {
        "cases": cases,
        "folder": folder,
        "run": folder / "grading" / NAME,
        "said": done.stdout,
        "unchanged": before == after,
        "seconds": seconds,
        "left": left_behind(str(home)),
    }


pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]


def test_without_a_sandbox_it_refuses_and_says_what_the_way_around_gives_away(monkeypatch):
    monkeypatch.setattr(grade.sandbox, "available", lambda: "bubblewrap is missing: apt install bubblewrap")
    with pytest.raises(Lacking, match=r"apt install bubblewrap.*--no-sandbox.*read and write all that you can"):
        grade.command(argparse.Namespace(sandboxed=True))


def test_every_student_has_one_row_with_exactly_the_marks_that_were_earned(graded):
    rows = table(graded["run"])
    assert set(rows) == {"'" + case.student if case.student.startswith("=") else case.student for case in graded["cases"]}
    found = {record.student: record for record in records.read_all(graded["run"] / "records")}
    wrong = []
    for case in graded["cases"]:
        record = found[case.student]
        scores = {question.grade_id: question.score for question in record.questions}
        earned = {name: points if name in case.right else 0.0 for name, points in POINTS.items()}
        if {name: scores[name] for name in POINTS} != earned or not fits(record.status, case):
            lost = {
                q.grade_id: (q.outcome, q.message[:120]) for q in record.questions if q.grade_id in POINTS and q.score != earned[q.grade_id]
            }
            wrong.append(f"{case.student} ({case.family}): {record.status}, wanted {case.status}; {lost} {record.remarks}")
    assert not wrong, "\n".join(wrong)


def fits(status: Status, case: Case) -> bool:
    """A person may always be asked to look; a mark that stands is what counts."""
    return status is case.status or (status is Status.NEEDS_REVIEW and case.status in (Status.GRADED, Status.PARTIAL))


def test_nothing_outside_the_run_was_changed_and_no_process_is_left(graded):
    assert graded["unchanged"]
    assert graded["left"] == []
    assert not Path("/tmp/pickled").exists()


def test_nothing_that_a_student_may_not_see_is_in_what_comes_back(graded):
    pages = [file.read_text(encoding="utf-8") for file in graded["folder"].glob("feedback/*/*/*.html")]
    assert len(pages) == len([case for case in graded["cases"]])
    for page in pages:
        spied = re.findall(r"SPIED [^\n<]*", page)  # a sandbox's own folders may be listed, and are empty
        assert not [found for found in spied if re.search(r"gradebook|solutions|submissions|:x:|:0:|\.ssh|SECRET|TOKEN", found)]
        assert "<script" not in page.lower()
        assert "Hanako Example" not in page
        assert "BEGIN HIDDEN" not in page
        assert "hidden_lags" not in page


def test_a_second_run_grades_nothing_anew_and_says_the_same(graded):
    before = (graded["run"] / "marks.csv").read_bytes()
    done = course(
        "grade",
        graded["folder"].parent / "submissions",
        "--assignment",
        "ps01",
        "--workers",
        "2",
        "--cell-seconds",
        "20",
        cwd=graded["folder"],
    )
    assert f"{len(graded['cases'])} of them graded before" in done.stdout
    assert (graded["run"] / "marks.csv").read_bytes() == before


# ------------------------------------------------------------------------------------------------------------ a course that is not ours


@pytest.fixture(scope="module")
def abroad(tmp_path_factory):
    """A foreign course with five students, one of whom hands in nothing; nothing graded yet."""
    folder = make_foreign_course(tmp_path_factory.mktemp("abroad") / "signals101")
    there = load(folder)
    hand_in_abroad(there, "ada", "hw1", RIGHT)
    hand_in_abroad(there, "half", "hw1", HALF)
    hand_in_abroad(there, "stuck", "hw1", {**RIGHT, "rms_code": "def rms(x):\n    while True:\n        pass"})
    hand_in_abroad(there, "blank", "hw1", {})
    return folder


GRADE_ABROAD = ("--assignment", "hw1", "--workers", "2", "--cell-seconds", "8")


def test_any_nbgrader_course_is_graded_with_its_own_folders_and_markers(abroad):
    course("grade", abroad / "inbox", "--course", abroad, *GRADE_ABROAD, cwd=abroad.parent)
    run = abroad / "grading" / "hw1"
    found = {(record.student, record.notebook): record for record in records.read_all(run / "records")}
    scores = {
        student: {q.grade_id: q.score for notebook in ("essay", "signals") for q in found[student, notebook].questions}
        for student in ("00123", "ada", "half", "stuck", "blank")
    }
    by_hand = {"explain": None, "draw_code": None, "survey": None}
    assert scores["ada"] == {**FULL, **by_hand}
    assert scores["half"] == {**FULL, **by_hand, "rms_test": 0.0, "smooth_test": 1.0}
    assert scores["stuck"] == {**FULL, **by_hand, "rms_test": 0.0}
    assert {q.outcome for q in found["stuck", "signals"].questions if q.grade_id == "rms_test"} == {Outcome.TIMED_OUT}
    assert {found["blank", notebook].status for notebook in ("essay", "signals")} == {Status.NOT_ATTEMPTED}
    assert {found["00123", notebook].status for notebook in ("essay", "signals")} == {Status.MISSING}
    assert len(table(run)) == 5


def test_nbgraders_own_feedback_and_export_agree_with_the_table(abroad):
    run = abroad / "grading" / "hw1"
    nbgrader(abroad, "export", "--to", "exported.csv")
    with (abroad / "exported.csv").open(encoding="utf-8", newline="") as file:
        exported = {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == "hw1"}
    for student, row in table(run).items():
        assert float(exported[student]["score"]) == pytest.approx(float(row["score"] or 0), abs=0.005)
    shutil.move(abroad / "returned", abroad / "ours")
    nbgrader(abroad, "generate_feedback", "hw1")
    assert (abroad / "returned" / "ada" / "hw1" / "signals.html").is_file()
    shutil.rmtree(abroad / "returned")
    shutil.move(abroad / "ours", abroad / "returned")


def test_a_mended_test_changes_marks_aloud_and_only_those_it_concerns(abroad):
    source = abroad / "master" / "hw1" / "signals.ipynb"
    before = source.read_text(encoding="utf-8")
    notebook = nbformat.read(source, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "peak_test")
    cell.source = cell.source.replace("- 2.5", "- 2.5 - 1e-12")
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "rms_test")
    cell.source = cell.source.replace("    assert np.isclose(rms(x), np.sqrt(np.mean(x**2)))", "    assert rms(x) >= 0")
    nbformat.write(notebook, source)
    done = course("grade", abroad / "inbox", "--course", abroad, *GRADE_ABROAD, cwd=abroad.parent)
    source.write_text(before, encoding="utf-8")
    changed = [line for line in done.stdout.splitlines() if "→" in line]
    assert len(changed) == 1
    assert "half" in changed[0]
    assert "rms_test" in changed[0]


def test_a_broken_check_is_named_and_nobody_is_graded(abroad):
    source = abroad / "master" / "hw2" / "delay.ipynb"
    before = source.read_text(encoding="utf-8")
    source.write_text(before.replace('[1.0, 2.0, 3.0]), \\"delay: none', '[9.0, 2.0, 3.0]), \\"delay: none'), encoding="utf-8")
    assert source.read_text(encoding="utf-8") != before
    done = course("grade", abroad / "inbox", "--course", abroad, "--assignment", "hw2", cwd=abroad.parent, check=False)
    source.write_text(before, encoding="utf-8")
    assert done.returncode == 1
    assert "delay_test" in done.stderr
    assert "the instructor's own solution" in done.stderr


def test_killed_at_random_moments_it_ends_with_the_same_table(abroad):
    course("grade", abroad / "inbox", "--course", abroad, *GRADE_ABROAD, cwd=abroad.parent)
    run = abroad / "grading" / "hw1"
    whole = (run / "marks.csv").read_bytes()
    shutil.rmtree(run)
    for file in abroad.glob("marks.db*"):
        file.unlink()
    chance = random.Random(0)
    command = [sys.executable, "-m", "course_lib.cli", "grade", str(abroad / "inbox"), "--course", str(abroad), *GRADE_ABROAD]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_OFFLINE": "1"}
    for _ in range(20):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=chance.uniform(1, 12))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    course("grade", abroad / "inbox", "--course", abroad, *GRADE_ABROAD, cwd=abroad.parent)
    assert (run / "marks.csv").read_bytes() == whole
    assert left_behind(str(abroad)) == []


def test_a_cluster_of_two_workers_gives_the_same_table(abroad):
    from distributed import LocalCluster

    run = abroad / "grading" / "hw1"
    whole = (run / "marks.csv").read_bytes()
    shutil.rmtree(run)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        course("grade", abroad / "inbox", "--course", abroad, *GRADE_ABROAD, "--cluster", cluster.scheduler_address, cwd=abroad.parent)
    assert (run / "marks.csv").read_bytes() == whole
