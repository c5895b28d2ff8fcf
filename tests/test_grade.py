"""``course grade`` on classes that hold every family of bad submission, on a course that is not ours, by an ordinary user, and killed."""

import argparse
import contextlib
import csv
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest
from foreign_course import FULL, HALF, RIGHT, enrol, make_foreign_course
from foreign_course import hand_in as hand_in_abroad
from hostile_class import Case, everybody, hand_in
from hostile_desks import PS01, desk_abroad, desk_of_ps01
from ordinary_user import UID, as_ordinary_user, give

from course_lib.command import Lacking
from course_lib.grading import grade, records
from course_lib.grading.authoring.stock_nbgrader import nbgrader
from course_lib.grading.nbgrader_course import load
from course_lib.grading.notebooks.cells import is_test
from course_lib.grading.recording.gradebook import nbgrader_id
from course_lib.grading.records import Outcome, Status

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]


def environment(**more: str | Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_OFFLINE": "1", **{name: str(value) for name, value in more.items()}}


def course(
    *words: str | Path,
    cwd: Path,
    check: bool = True,
    user: Callable[..., list[str]] = lambda *words: [*map(str, words)],
    **more: str | Path,
) -> subprocess.CompletedProcess:
    """The command line, by root or whoever ``user`` makes of it."""
    command = user(sys.executable, "-m", "course_lib.cli", *words)
    done = subprocess.run(command, cwd=cwd, env=environment(**more), capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def table(run: Path) -> dict[str, dict[str, str]]:
    """The rows of marks.csv by student."""
    with (run / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["student"] for row in rows}) == len(rows)
    return {row["student"]: row for row in rows}


def digests(*places: Path) -> dict[str, str]:
    """What each file holds, and where each link leads."""
    files = [file for place in places for file in [place, *sorted(place.rglob("*"))]]
    return {
        str(file): os.readlink(file) if file.is_symlink() else hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "other"
        for file in files
    }


def left_behind(mark: str) -> list[str]:
    """Processes, but this one, that know a folder: by command line, environment, or what is mounted in their sandbox."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            words = " ".join([*process.cmdline(), *process.environ().values(), Path(f"/proc/{process.pid}/mountinfo").read_text()])
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and mark in words:
                found.append(f"{process.pid}: {process.cmdline()}")
    return found


def test_without_a_sandbox_it_refuses_and_says_what_the_way_around_gives_away(monkeypatch):
    monkeypatch.setattr(grade.sandbox, "available", lambda: "bubblewrap is missing: apt install bubblewrap")
    with pytest.raises(Lacking, match=r"apt install bubblewrap.*--no-sandbox.*read and write all that you can"):
        grade.command(argparse.Namespace(sandboxed=True))


# ------------------------------------------------------------------------------------------------------------ two classes of every family


@dataclass(frozen=True)
class School:
    """A class, graded once, and what was seen of it.

    Attributes:
        cases: who handed in what.
        points: of each check.
        notebook: the notebook that the cases are about.
        folder: the course's.
        asked: what ``course`` was asked.
        run: the grading run's folder.
        feedback: where feedback lies, as a pattern.
        unchanged: whether the instructor's and the students' files are what they were.
        left: processes and files that it left.
    """

    cases: list[Case]
    points: Mapping[str, float]
    notebook: str
    folder: Path
    asked: tuple[str | Path, ...]
    run: Path
    feedback: str
    unchanged: bool
    left: list[str]


def ps01(home: Path) -> tuple:
    """Problem set 1, a folder a student."""
    folder = home / "course"
    for part in ("solutions", "assignments"):
        shutil.copytree(ROOT / part / PS01, folder / part / PS01)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    source, released = (nbformat.read(folder / part / PS01 / f"{PS01}.ipynb", as_version=4) for part in ("solutions", "assignments"))
    cases = hand_in(home / "submissions", everybody(desk_of_ps01(released, source)))
    hers = (folder / "solutions", folder / "assignments", folder / "nbgrader_config.py")
    return folder, home / "submissions", PS01, PS01, cases, "feedback/*/*/*.html", hers, 15


def abroad(home: Path) -> tuple:
    """A course that is not ours, with folders as nbgrader collects them."""
    folder = make_foreign_course(home / "signals101")
    essay, signals = sorted(load(folder).assignment("hw1"), key=lambda source: source.notebook)
    cases = hand_in(folder / "inbox", everybody(desk_abroad(signals.released, essay.released)), below="hw1")
    enrol(folder, (case.student for case in cases))
    return folder, folder / "inbox", "hw1", "signals", cases, "returned/*/hw1/*.html", (folder / "master", folder / "nbgrader_config.py"), 8


@pytest.fixture(scope="module", params=[ps01, abroad])
def graded(request, tmp_path_factory):
    folder, handed_in, assignment, notebook, cases, feedback, hers, seconds = request.param(tmp_path_factory.mktemp("class"))
    points = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
        for source in load(folder).assignment(assignment)
        for cell in source.instructor.cells
        if is_test(cell)
    }
    asked = ("grade", handed_in, "--course", folder, "--assignment", assignment, "--workers", "2", "--cell-seconds", str(seconds))
    before = digests(*hers, handed_in)
    with tempfile.TemporaryDirectory(prefix="class-") as scratch:  # a short name: there are sockets in it
        course(*asked, cwd=folder.parent, TMPDIR=scratch)
        left = [*left_behind(scratch), *os.listdir(scratch)]
    unchanged = digests(*hers, handed_in) == before
    return School(cases, points, notebook, folder, asked, folder / "grading" / assignment, feedback, unchanged, left)


def shown(student: str) -> str:
    """How a table has a student's id: a formula is made harmless."""
    return "'" + student if student.startswith("=") else student


def test_every_student_has_one_row_with_exactly_the_marks_that_were_earned(graded):
    rows = table(graded.run)
    assert {shown(case.student) for case in graded.cases} == set(rows) - {"00123"}  # who is on the foreign course's list and came not
    assert len(graded.cases) >= 60
    found = {(record.student, record.notebook): record for record in records.read_all(graded.run / "records")}
    wrong = []
    for case in graded.cases:
        theirs = {
            question.grade_id: question
            for (student, _), record in found.items()
            if student == case.student
            for question in record.questions
        }
        scores = {name: theirs[name].score for name in graded.points}
        earned = {name: points if name in case.right else case.part.get(name, 0.0) for name, points in graded.points.items()}
        record = found[case.student, graded.notebook]
        total = float(rows[shown(case.student)]["score"] or 0)
        if scores != earned or total != pytest.approx(sum(earned.values())) or not fits(record.status, case):
            lost = {name: (theirs[name].outcome, theirs[name].message[:120]) for name in earned if scores[name] != earned[name]}
            wrong.append(f"{case.student} ({case.family}): {record.status}, wanted {case.status}; {total} points; {lost} {record.remarks}")
    assert not wrong, "\n".join(wrong)


def fits(status: Status, case: Case) -> bool:
    """A person may always be asked to look; a mark that stands is what counts."""
    return status is case.status or (status is Status.NEEDS_REVIEW and case.status in (Status.GRADED, Status.PARTIAL))


def test_nothing_outside_the_run_was_changed_and_no_process_is_left(graded):
    assert graded.unchanged
    assert graded.left == []
    assert not Path("/tmp/pickled").exists()
    assert not list(graded.folder.parent.rglob("escaped-*"))


def test_nothing_that_a_student_may_not_see_is_in_what_comes_back(graded):
    pages = {file.parent.parent.name: file.read_text(encoding="utf-8") for file in graded.folder.glob(graded.feedback)}
    assert {nbgrader_id(case.student) for case in graded.cases} == set(pages) - {"00123"}
    for page in pages.values():
        spied = re.findall(r"SPIED [^\n<]*", page)  # a sandbox's own folders may be listed, and are empty
        assert not [found for found in spied if re.search(r"gradebook|solutions|submissions|:x:|:0:|\.ssh|SECRET|TOKEN", found)]
        assert "<script" not in page.lower()
        assert "Hanako Example" not in page
        assert "KEPT [" not in page
        for secret in ("BEGIN HIDDEN", "hidden_lags", "[[SECRET", "default_rng(size)", "crossings: none is none"):
            assert secret not in page


@pytest.mark.parametrize("graded", [abroad], indirect=True)
def test_a_second_run_grades_nothing_anew_and_says_the_same(graded):
    before = (graded.run / "marks.csv").read_bytes()
    done = course(*graded.asked, cwd=graded.folder.parent)
    count = int(re.search(r"(\d+) notebooks of", done.stdout)[1])
    assert f"{count} of them graded before" in done.stdout
    assert (graded.run / "marks.csv").read_bytes() == before


@pytest.mark.parametrize("graded", [abroad], indirect=True)
def test_nbgraders_own_feedback_and_export_agree_with_the_table(graded):
    """Made of a copy: nbgrader writes its feedback over ours."""
    copy = shutil.copytree(graded.folder, graded.folder.parent / "copy", ignore=shutil.ignore_patterns("inbox"))
    nbgrader(copy, "export", "--to", "exported.csv")
    with (copy / "exported.csv").open(encoding="utf-8", newline="") as file:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file) if row["assignment"] == "hw1"}
    totals = {case.student: float(table(graded.run)[shown(case.student)]["score"] or 0) for case in graded.cases}
    plain = [case for case in graded.cases if "," not in case.student]  # nbgrader's exporter quotes nothing
    came = {nbgrader_id(case.student): totals[case.student] for case in plain if case.status is not Status.MISSING}
    assert {student: exported[student] for student in came} == pytest.approx(came)
    assert not any(exported.get(case.student) for case in plain if case.status is Status.MISSING)
    shutil.rmtree(copy / "returned")
    nbgrader(copy, "generate_feedback", "hw1", "--student", "[hl]*")
    pages = {page.parent.parent.name: page.read_text(encoding="utf-8") for page in copy.glob("returned/*/hw1/signals.html")}
    assert {"half", "honest", "html", "loop-in-c"} <= set(pages)
    for student, page in pages.items():
        (said,) = re.findall(r"\(Score: ([\d.]+) / ", page.split("</h4>")[0])
        essay = float(graded.points["count_test"]) if student == "half" else 0.0
        assert float(said) + essay == pytest.approx(totals[student])


@pytest.mark.parametrize("graded", [abroad], indirect=True)
def test_words_wait_for_a_person_and_what_ran_out_of_time_says_so(graded):
    found = {(record.student, record.notebook): record for record in records.read_all(graded.run / "records")}
    ada = {question.grade_id: question.score for name in ("essay", "signals") for question in found["ada", name].questions}
    assert ada == {**FULL, "explain": None, "draw_code": None, "survey": None}
    assert {q.outcome for q in found["loop-in-function", "signals"].questions if q.grade_id == "rms_test"} == {Outcome.TIMED_OUT}
    assert found["both-blank", "essay"].status is Status.NOT_ATTEMPTED
    assert {found["00123", name].status for name in ("essay", "signals")} == {Status.MISSING}


@pytest.mark.parametrize("graded", [ps01], indirect=True)
def test_the_report_has_a_row_for_two_who_handed_in_the_same(graded):
    report = (graded.run / "report.html").read_text(encoding="utf-8")
    rows = [re.sub(r"<[^>]*>|\s+", " ", row) for row in re.findall(r"<tr\b.*?</tr>", report, re.DOTALL)]
    together = [row for row in rows if "twin-1" in row and "twin-2" in row]
    names = {case.student for case in graded.cases if len(case.student) > 5}
    assert [row for row in together if {name for name in names if name in row} == {"twin-1", "twin-2"}], together


# ------------------------------------------------------------------------------------------------------------ again, and stopped


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A foreign course with five students, one of whom hands in nothing, graded once."""
    folder = make_foreign_course(tmp_path_factory.mktemp("small") / "signals101")
    enrol(folder, ("ada", "half", "stuck", "blank"))
    there = load(folder)
    hand_in_abroad(there, "ada", "hw1", RIGHT)
    hand_in_abroad(there, "half", "hw1", HALF)
    hand_in_abroad(there, "stuck", "hw1", {**RIGHT, "rms_code": "def rms(x):\n    while True:\n        pass"})
    hand_in_abroad(there, "blank", "hw1", {})
    course("grade", folder / "inbox", "--course", folder, *GRADE_SMALL, cwd=folder.parent)
    return folder


GRADE_SMALL = ("--assignment", "hw1", "--workers", "2", "--cell-seconds", "5")
EARNED = {"ada": 6.5, "half": 3.0, "stuck": 4.5, "blank": 0.0, "00123": 0.0}


def marks(run: Path) -> dict[str, float]:
    return {student: float(row["score"] or 0) for student, row in table(run).items()}


def test_killed_at_random_moments_it_ends_with_the_same_table(small):
    run = small / "grading" / "hw1"
    whole = (run / "marks.csv").read_bytes()
    assert marks(run) == EARNED
    shutil.rmtree(run)
    for file in small.glob("marks.db*"):
        file.unlink()
    chance = random.Random(0)
    command = [sys.executable, "-m", "course_lib.cli", "grade", str(small / "inbox"), "--course", str(small), *GRADE_SMALL]
    with tempfile.TemporaryDirectory(prefix="killed-") as scratch:
        for _ in range(20):
            process = subprocess.Popen(command, env=environment(TMPDIR=scratch), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=chance.uniform(1, 12))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
        course("grade", small / "inbox", "--course", small, *GRADE_SMALL, cwd=small.parent, TMPDIR=scratch)
        assert left_behind(scratch) == []
    assert (run / "marks.csv").read_bytes() == whole


def test_a_cluster_of_two_workers_gives_the_same_table(small):
    from distributed import LocalCluster

    run = small / "grading" / "hw1"
    whole = (run / "marks.csv").read_bytes()
    shutil.rmtree(run / "records")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        course("grade", small / "inbox", "--course", small, *GRADE_SMALL, "--cluster", cluster.scheduler_address, cwd=small.parent)
    assert (run / "marks.csv").read_bytes() == whole


def test_a_broken_check_is_named_and_nobody_is_graded(small):
    there = load(small)
    handed_in = [hand_in_abroad(there, student, "hw2", RIGHT) for student in ("ada", "half", "stuck", "blank")]
    source = small / "master" / "hw2" / "delay.ipynb"
    before = source.read_text(encoding="utf-8")
    source.write_text(before.replace('[1.0, 2.0, 3.0]), \\"delay: none', '[9.0, 2.0, 3.0]), \\"delay: none'), encoding="utf-8")
    assert source.read_text(encoding="utf-8") != before
    done = course("grade", small / "inbox", "--course", small, "--assignment", "hw2", cwd=small.parent, check=False)
    source.write_text(before, encoding="utf-8")
    assert done.returncode == 1
    assert "delay_test" in done.stderr
    assert "the instructor's own solution" in done.stderr
    assert not (small / "grading" / "hw2" / "records").exists()
    for folder in handed_in:
        shutil.rmtree(folder)


def test_a_mended_test_changes_marks_aloud_and_only_those_it_concerns(small):
    """The last of this course: its tests are others from here on."""
    source = small / "master" / "hw1" / "signals.ipynb"
    notebook = nbformat.read(source, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "peak_test")
    cell.source = cell.source.replace("- 2.5", "- 2.5 - 1e-12")
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "rms_test")
    cell.source = cell.source.replace("    assert np.isclose(rms(x), np.sqrt(np.mean(x**2)))", "    assert rms(x) >= 0")
    nbformat.write(notebook, source)
    done = course("grade", small / "inbox", "--course", small, *GRADE_SMALL, cwd=small.parent)
    changed = [line for line in done.stdout.splitlines() if "→" in line]
    assert len(changed) == 1
    assert "half" in changed[0]
    assert "rms_test" in changed[0]
    assert marks(small / "grading" / "hw1") == {**EARNED, "half": 5.0}


# ------------------------------------------------------------------------------------------------------------ by whom


def test_an_ordinary_user_grades_a_class_and_gets_the_same_marks():
    with tempfile.TemporaryDirectory(prefix="user-", dir="/tmp") as home:
        folder = make_foreign_course(Path(home) / "signals101")
        enrol(folder, ("wrong", "rude"))
        there, right = load(folder), RIGHT["delay_code"]
        rude = "import os\nos.system('touch stolen ../stolen /tmp/stolen $HOME/stolen')\n"
        hand_in_abroad(there, "wrong", "hw2", {"delay_code": right.replace("np.zeros(n)", "np.ones(n)")})
        hand_in_abroad(there, "rude", "hw2", {"delay_code": rude + right})
        words = ("grade", folder / "inbox", "--course", folder, "--assignment", "hw2", "--workers", "2")
        own = {"HOME": give(Path(home)), "TMPDIR": home, "XDG_CACHE_HOME": f"{home}/cache", "PYTHONDONTWRITEBYTECODE": "1"}
        course(*words, cwd=folder, user=as_ordinary_user, **own)
        run = folder / "grading" / "hw2"
        assert marks(run) == {"00123": 0.0, "wrong": 0.0, "rude": 2.0}
        assert {file.stat().st_uid for file in run.rglob("*")} == {UID if os.geteuid() == 0 else os.geteuid()}
        assert not [*Path(home).rglob("stolen"), *Path("/tmp").glob("stolen")]
        assert left_behind(home) == []
