"""A course graded more than once: late comers, the wrong zip, lateness said once, a person's marks in between, a run that was stopped.

What grades a notebook is replaced here by reading from it who earned what; ``test_grade`` has the real thing.
"""

import csv
import dataclasses
import json
import shutil
import zipfile
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from foreign_course import FULL, HALF, RIGHT, hand_in, make_foreign_course
from moodle_worksheet import worksheet

from course_lib.command import WrongInput
from course_lib.grading import giving_back, grade
from course_lib.grading.giving_back import feedback_command, report_command
from course_lib.grading.grading_run import run_of
from course_lib.grading.judging.jobs import Graded, Plan, parsed, unanswered
from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.transaction import alone, opened
from course_lib.grading.records import Outcome, Record, Status
from course_lib.grading.repairing.repair import repair

DUE = "2027-01-31T23:59:00+09:00"
LATE = "2027-02-01 20:00:00 UTC"  # two days begun
BY_HAND = ("explain", "draw_code", "survey")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = make_foreign_course(tmp_path_factory.mktemp("second") / "signals101")
    with (folder / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        listed = {"ada": "4801", "half": "4802", "new": "4803"}
        config.write(f"c.CourseDirectory.db_students += {[{'id': name, 'lms_user_id': number} for name, number in listed.items()]}\n")
    there = load(folder)
    hand_in(there, "ada", "hw1", RIGHT, submitted="2027-01-30 12:00:00 UTC")
    hand_in(there, "half", "hw1", HALF, submitted=LATE)
    opened(there).close()
    return folder


@pytest.fixture
def course(made, tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "_graded", lambda run, jobs: map(judged, jobs))
    monkeypatch.setattr(grade, "_rehearsed", lambda run, source: Plan())
    return shutil.copytree(made, tmp_path / "signals101")


def judged(job) -> Graded:
    """What grading would find: a right answer is one that the model solution has."""
    instructor = parsed(job.instructor)
    record = Record(job.student, job.assignment, job.notebook, Status.MISSING, unanswered(instructor), key=job.key)
    if job.data is None:
        return Graded(record)
    mended = repair(job.data, released=parsed(job.released), source=instructor)
    if mended.notebook is None:
        return Graded(dataclasses.replace(record, status=Status.UNREADABLE))
    text = nbformat.writes(mended.notebook)
    right = {"rms_test": "np.sqrt" in text, "smooth_test": "convolve" in text, "peak_test": True, "count_test": True}
    questions = [
        dataclasses.replace(each, score=None, outcome=Outcome.BY_HAND)
        if each.grade_id in BY_HAND
        else dataclasses.replace(each, score=each.max_score if right[each.grade_id] else 0.0, outcome=Outcome.WRONG)
        for each in record.questions
    ]
    odd = Status.NEEDS_REVIEW if "odd" in text or job.unsure else Status.GRADED
    return Graded(dataclasses.replace(record, status=odd, questions=tuple(questions)), text)


def run(course: Path, where: Path | None = None, **settings):
    return grade.grade_class(run_of(Namespace(course=course, assignment="hw1", **settings)), where or course / "inbox")


def rows(course: Path, name="marks.csv") -> dict[str, dict[str, str]]:
    with (course / "grading" / "hw1" / name).open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def scores(course: Path) -> dict[str, float]:
    return {student: float(row["score"]) for student, row in rows(course).items()}


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def by_hand(course: Path, student: str, question: str, points: float) -> None:
    """A person types points, as formgrader's handler takes them."""
    with opened(load(course)) as book:
        found = book.find_grade(question, "essay" if question in (*BY_HAND, "count_test") else "signals", "hw1", student)
        found.manual_score, found.needs_manual_grade = points, False
        book.db.commit()


def late_comer(course: Path, student="new") -> Path:
    """A folder with one more student's work alone."""
    inbox = course.parent / "late"
    shutil.copytree(course / "inbox" / "ada", inbox / student)
    return inbox


def table(file: Path, *lines: str) -> Path:
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


# ---------------------------------------------------------------------------------------------------------------- only some of them


def test_a_run_without_those_graded_before_is_refused_and_nothing_is_written(course):
    run(course)
    by_hand(course, "half", "explain", 3.0)
    late, before = late_comer(course), files(course)
    with pytest.raises(ValueError, match=r"2 students whose work was graded before are not in .*late \(ada, half\).*--only"):
        run(course, late)
    after = files(course)
    assert {name: data for name, data in after.items() if before.get(name) != data} == {}


def test_only_grades_those_who_are_there_and_leaves_everyone_else_as_they_stand(course, capsys):
    run(course)
    by_hand(course, "half", "explain", 3.0)
    before, notebook = scores(course), (course / "machine" / "half" / "hw1" / "signals.ipynb").read_bytes()
    run(course, late_comer(course), only=True)
    assert scores(course) == {**before, "half": before["half"] + 3, "new": 6.5}
    assert (course / "machine" / "half" / "hw1" / "signals.ipynb").read_bytes() == notebook
    said = capsys.readouterr().out
    assert "2 students who are not here stand as they were graded before" in said
    assert "1 student has marks for the first time" in said
    assert rows(course)["00123"]["status"] == "missing"  # one row a student, also of those who never handed in


def test_only_after_a_mended_check_says_how_many_stand_by_the_old_one(course, capsys):
    run(course)
    run(course, late_comer(course), only=True)
    assert "by another version" not in capsys.readouterr().out
    file = course / "master" / "hw1" / "signals.ipynb"
    book = nbformat.read(file, as_version=4)
    check = next(cell for cell in book.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "rms_test")
    check.source = f"x = 1\n{check.source}"
    nbformat.write(book, file)
    run(course, course.parent / "late", only=True)
    said = capsys.readouterr().out
    assert "! 2 students of these by another version of the notebook" in said
    assert "nothing tells by which" not in said


def test_an_id_that_is_no_student_is_undone_by_the_commands_that_the_refusal_names(course):
    shutil.copytree(course / "inbox" / "half", course / "inbox" / "stray")
    run(course)
    shutil.rmtree(course / "inbox" / "stray")
    with pytest.raises(ValueError, match=r"\(stray\).*rm -r (\S+)/ID  and  nbgrader db student remove ID --force"):
        run(course)
    shutil.rmtree(course / "grading" / "hw1" / "records" / "stray")
    with opened(load(course)) as book:
        book.remove_student("stray")  # as nbgrader's command does
    run(course)
    assert set(rows(course)) == {"00123", "ada", "half", "new"}


def test_a_second_notebook_of_somebody_graded_before_may_not_be_missing_either(course):
    run(course)
    (course / "inbox" / "half" / "hw1" / "essay.ipynb").unlink()
    with pytest.raises(ValueError, match=r"1 student whose work was graded before is not in .*\(half\)"):
        run(course)


def test_the_zip_of_another_assignment_is_refused(course):
    wrong = course.parent / "wrong"
    there = load(course)
    for student in ("ada", "half"):
        folder = hand_in(there, student, "hw2", RIGHT)
        shutil.move(folder, wrong / student)
    with pytest.raises(ValueError, match=r"2 of 2 students in .*wrong handed in notebooks of another assignment than hw1"):
        run(course, wrong)
    assert not (course / "grading" / "hw1" / "records").exists()


def test_who_was_graded_by_other_questions_cannot_stand(course):
    run(course)
    for file in (course / "grading" / "hw1" / "records").glob("half/signals.json"):
        fields = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**fields, "questions": fields["questions"][1:]}), encoding="utf-8")
    with pytest.raises(ValueError, match="half was graded by another version of signals"):
        run(course, late_comer(course), only=True)


# ---------------------------------------------------------------------------------------------------------------- lateness


def test_due_date_and_policy_are_said_once_and_count_in_every_later_run(course, capsys):
    run(course, due=DUE, late_policy="per_day=10%")
    assert "late (per_day=10%, due 2027-01-31T23:59:00+09:00): 1 student, -2 points" in capsys.readouterr().out  # no more than was earned
    first = rows(course)
    assert (first["ada"]["late penalty"], first["half"]["late penalty"]) == ("0", "2")
    run(course)
    assert rows(course) == first
    assert "late (per_day=10%, due 2027-01-31T23:59:00+09:00): 1 student" in capsys.readouterr().out
    run(course, late_policy="none")
    assert rows(course)["half"]["late penalty"] == "0"


def test_points_that_a_person_gives_after_grading_are_taken_off_too(course):
    run(course, due=DUE, late_policy="cutoff=1d")
    assert scores(course)["half"] == 0
    for question in BY_HAND:
        by_hand(course, "half", question, 3.0)
    assert report_command(Namespace(course=course, assignment="hw1")) == 0
    assert scores(course)["half"] == 0
    page = course / "returned" / "half" / "hw1" / "essay.html"
    page.unlink()
    by_hand(course, "half", "explain", 4.0)
    assert feedback_command(Namespace(course=course, assignment="hw1")) == 0
    with opened(load(course)) as book:
        submission = book.find_submission("hw1", "half")
        assert submission.score == pytest.approx(12.0) == submission.late_submission_penalty
    assert page.is_file()


def test_a_policy_without_a_due_date_is_refused(course):
    with pytest.raises(ValueError, match="needs a due date, and the gradebook has none"):
        run(course, late_policy="per_day=10%")
    with opened(load(course)) as book:
        book.update_or_create_assignment("hw1", duedate=datetime(2027, 1, 31, 14, 59, tzinfo=UTC).replace(tzinfo=None))
    run(course, late_policy="per_day=10%")
    assert rows(course)["half"]["late penalty"] == "2"


def test_where_nobodys_time_is_known_a_policy_is_refused_until_times_are_given(course, capsys):
    export = course.parent / "export"  # as Canvas packs it: no time is in it
    export.mkdir()
    shutil.copy(course / "inbox" / "ada" / "hw1" / "signals.ipynb", export / "lovelaceada_4711_901_signals.ipynb")
    shutil.copy(course / "inbox" / "half" / "hw1" / "signals.ipynb", export / "half_4802_902_signals.ipynb")
    with pytest.raises(ValueError, match=r"nothing tells it .*--times FILE\.csv"):
        run(course, export, due=DUE, late_policy="per_day=10%")
    assert not (course / "grading" / "hw1" / "run.json").exists()
    times = table(course.parent / "times.csv", "student,time", f"half,{DUE.replace('01-31', '02-02')}", "00123,2027-01-30T00:00:00Z")
    run(course, export, due=DUE, late_policy="per_day=10%", times=times)
    assert rows(course)["half"]["late penalty"] == "1"
    assert "times: the newest 2027-02-02 23:59 UTC+09:00; 1 of " in capsys.readouterr().out


def test_who_hands_in_anew_is_not_in_time_by_the_worksheet_of_last_week(course):
    export, sheet = course.parent / "export", course.parent / "sheet.csv"
    folder = export / "Ada Lovelace_77_assignsubmission_file_"
    folder.mkdir(parents=True)
    for name in ("signals", "essay"):
        shutil.copy(course / "inbox" / "half" / "hw1" / f"{name}.ipynb", folder)
    sheet.write_text(worksheet(("77", "Ada Lovelace", "ada", "")), encoding="utf-8")
    policy = {"due": "2026-11-21T00:00:00+09:00", "late_policy": "per_day=10%"}
    run(course, export, students=sheet, **policy)
    run(course, export)  # the same archive
    shutil.copy(course / "inbox" / "ada" / "hw1" / "signals.ipynb", folder)
    with pytest.raises(ValueError, match="older than what ada handed in"):
        run(course, export)
    sheet.write_text(worksheet(("77", "Ada Lovelace", "ada", ""), submitted="Sunday, 22 November 2026, 8:00 AM"), encoding="utf-8")
    run(course, export, students=sheet)
    assert float(rows(course)["ada"]["late penalty"]) > 0


def test_canvas_s_late_mark_counts_as_a_day_begun_where_no_time_is_known(course, capsys):
    export = course.parent / "export"
    export.mkdir()
    for student, upload in (("ada_4801", 1), ("half_LATE_4802", 2)):
        shutil.copy(course / "inbox" / "ada" / "hw1" / "signals.ipynb", export / f"{student}_90{upload}_signals.ipynb")
    run(course, export, due=DUE, late_policy="per_day=10%")
    assert {name: row["late penalty"] for name, row in rows(course).items()} == {"00123": "0", "ada": "0", "half": "1.85", "new": "0"}
    said = capsys.readouterr().out
    assert "1 student marked as late by the learning system" in said
    assert "nothing tells when 1 student handed in, who counts as in time: ada" in said
    extensions = table(course.parent / "more.csv", "student,until", "half,3d")
    run(course, export, extensions=extensions)
    assert rows(course)["half"]["late penalty"] == "0"


def test_that_times_are_the_files_own_dates_is_said_and_when_most_are_late(course, capsys):
    for file in (course / "inbox").rglob("timestamp.txt"):
        file.unlink()
    run(course, due="2020-01-01T00:00:00Z", late_policy="per_day=1%")
    said = capsys.readouterr().out
    assert "times: the files' own dates, the newest 20" in said
    assert "2 of 2 are late (due 2020-01-01 00:00 UTC)" in said
    assert "! most are late. copying and downloading change a file's date" in said


def test_an_extension_given_before_the_first_grading_counts_and_can_be_taken_back(course):
    extensions = table(course.parent / "more.csv", "student,until", "half,2027-02-03T00:00:00+09:00")
    run(course, due=DUE, late_policy="per_day=10%", extensions=extensions)
    assert rows(course)["half"]["late penalty"] == "0"
    run(course)
    assert rows(course)["half"]["late penalty"] == "0"
    run(course, extensions=table(course.parent / "more.csv", "student,until", "ada,1d"))
    assert rows(course)["half"]["late penalty"] == "2"


def test_an_extension_of_somebody_who_is_not_in_the_class_is_refused(course):
    with pytest.raises(ValueError, match=r"extensions are given to hlaf, who is not in the class"):
        run(course, extensions=table(course.parent / "more.csv", "student,until", "hlaf,2d"))


def test_a_time_is_put_right_without_grading_anew(course, capsys):
    run(course, due=DUE, late_policy="per_day=10%")
    assert rows(course)["half"]["late penalty"] == "2"
    run(course, times=table(course.parent / "times.csv", "student,time", "half,2027-01-31T00:00:00Z"))
    assert "8 of them graded before and unchanged" in capsys.readouterr().out
    assert rows(course)["half"]["late penalty"] == "0"


def test_a_limit_is_said_once_so_that_the_next_run_grades_nothing_anew(course, capsys):
    run(course, memory=8 << 30)
    run(course)
    assert "8 of them graded before and unchanged" in capsys.readouterr().out
    run(course, memory=4 << 30)
    assert "0 of them graded before and unchanged" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------------------------- what changed


def test_changes_are_told_from_the_gradebook_and_kept(course, capsys, monkeypatch):
    run(course)
    assert not (course / "grading" / "hw1" / "changes.csv").exists()
    by_hand(course, "half", "smooth_test", 2.0)
    right = course / "inbox" / "half" / "hw1" / "signals.ipynb"
    shutil.copy(course / "inbox" / "ada" / "hw1" / "signals.ipynb", right)
    capsys.readouterr()
    run(course)
    said = capsys.readouterr().out
    assert "half: signals rms_test: 0 → 2\n" in said
    assert "smooth_test" not in said  # a person's mark stands
    assert "the marks of 1 student changed, +2 points in all" in said
    with (course / "grading" / "hw1" / "changes.csv").open(encoding="utf-8") as file:
        (change,) = csv.DictReader(file)
    assert [change[name] for name in ("student", "notebook", "question", "before", "after")] == ["half", "signals", "rms_test", "0", "2"]


@pytest.mark.parametrize("at", ["import_records", "write_feedback", "kept"])
def test_a_run_that_is_stopped_loses_no_change(course, capsys, monkeypatch, at):
    run(course)
    shutil.copy(course / "inbox" / "ada" / "hw1" / "signals.ipynb", course / "inbox" / "half" / "hw1" / "signals.ipynb")

    def stopped(*args, **settings):
        raise KeyboardInterrupt

    owner = {"import_records": giving_back.gradebook, "write_feedback": giving_back, "kept": giving_back.mark_changes}[at]
    with monkeypatch.context() as patch:
        patch.setattr(owner, at, stopped)
        with pytest.raises(KeyboardInterrupt):
            run(course)
    capsys.readouterr()
    run(course)
    assert "the marks of 1 student changed, +4.5 points in all" in capsys.readouterr().out
    run(course)
    assert "points in all" not in capsys.readouterr().out
    with (course / "grading" / "hw1" / "changes.csv").open(encoding="utf-8") as file:
        assert [change["question"] for change in csv.DictReader(file)] == ["rms_test", "smooth_test"]


# ---------------------------------------------------------------------------------------------------------------- who waits for a person


def test_what_waits_is_said_and_no_lms_gets_it_until_a_person_has_marked(course, capsys):
    run(course)
    assert "not final: 6 answers of 2 students wait for a person in formgrader" in capsys.readouterr().out
    assert {name: row["waiting"] for name, row in rows(course).items()} == {"00123": "0", "ada": "3", "half": "3", "new": "0"}
    for question in BY_HAND:
        by_hand(course, "ada", question, 1.0)
    report_command(Namespace(course=course, assignment="hw1"))
    assert "not final: 3 answers of 1 student wait" in capsys.readouterr().out
    with (course / "grading" / "hw1" / "canvas.csv").open(encoding="utf-8-sig", newline="") as file:
        shown = {line[-1] for line in list(csv.reader(file))[2:]}
    assert shown == {"0", "", "9.5"}  # nothing handed in, still waiting, marked


def test_no_lms_gets_the_zero_of_somebody_who_has_time_left(course, capsys):
    extensions = table(course.parent / "more.csv", "student,until", "00123,2999-01-01T00:00:00Z")
    run(course, due="2020-01-01T00:00:00Z", extensions=extensions)
    assert "1 student may still hand in, whom the tables for an LMS leave out: 00123" in capsys.readouterr().out
    assert (given(course)["00123"], given(course)["new"], scores(course)["00123"]) == ("", "0", 0.0)
    report_command(Namespace(course=course, assignment="hw1"))
    assert given(course)["00123"] == ""
    run(course, extensions=table(course.parent / "more.csv", "student,until", "00123,2020-01-02T00:00:00Z"))
    assert given(course)["00123"] == "0"


def test_no_provisional_page_goes_to_an_lms(course):
    export = course.parent / "export"
    export.mkdir()
    for student in ("ada_4801", "half_4802"):
        shutil.copy(course / "inbox" / "ada" / "hw1" / "essay.ipynb", export / f"{student}_901_essay.ipynb")
    run(course, export)
    packed = course / "grading" / "hw1" / "feedback.zip"
    assert not packed.exists()  # both wait for a person
    for question in BY_HAND:
        by_hand(course, "ada", question, 1.0)
    feedback_command(Namespace(course=course, assignment="hw1"))
    with zipfile.ZipFile(packed) as opened:
        assert {name.partition("_")[0] for name in opened.namelist()} == {"ada"}


def given(course: Path) -> dict[str, str]:
    """What Canvas gets, by login."""
    with (course / "grading" / "hw1" / "canvas.csv").open(encoding="utf-8-sig", newline="") as file:
        return {line[3]: line[-1] for line in list(csv.reader(file))[2:]}


def test_a_notebook_that_needs_a_look_waits_until_a_person_has_typed_points_there(course):
    odd = course / "inbox" / "half" / "hw1" / "signals.ipynb"
    odd.write_text(odd.read_text(encoding="utf-8").replace("abs(x[0])", "abs(x[0])  # odd"), encoding="utf-8")
    run(course)
    assert rows(course)["half"]["waiting"] == "4"
    page, sentence = course / "returned" / "half" / "hw1" / "signals.html", "A person looks at this notebook"
    assert sentence in page.read_text(encoding="utf-8")
    by_hand(course, "half", "rms_test", 0.0)
    feedback_command(Namespace(course=course, assignment="hw1"))
    assert sentence not in page.read_text(encoding="utf-8")
    run(course)
    assert rows(course)["half"]["waiting"] == "3"
    odd.write_text(odd.read_text(encoding="utf-8").replace("# odd", "# odder"), encoding="utf-8")
    run(course)  # another notebook, another look
    assert rows(course)["half"]["waiting"] == "4"


def test_a_mark_for_what_may_be_an_old_attempt_waits_until_nothing_is_unsure(course):
    export, sheet = course.parent / "export", course.parent / "sheet.csv"
    folder = export / "Ada Lovelace_77_assignsubmission_file_"
    folder.mkdir(parents=True)
    shutil.copy(course / "inbox" / "ada" / "hw1" / "signals.ipynb", folder)
    shutil.copy(course / "inbox" / "half" / "hw1" / "signals.ipynb", folder / "signals_old_draft.ipynb")
    sheet.write_text(worksheet(("77", "Ada Lovelace", "ada", "")), encoding="utf-8")
    run(course, export, students=sheet)
    assert (rows(course)["ada"]["status"], rows(course)["ada"]["waiting"], given(course)["ada"]) == ("needs_review", "1", "")
    (folder / "signals_old_draft.ipynb").unlink()
    run(course, export)
    assert (rows(course)["ada"]["status"], rows(course)["ada"]["waiting"], given(course)["ada"]) == ("partial", "0", "5.5")  # no essay


def test_an_unreadable_file_is_named_and_is_no_zero_in_an_lms(course, capsys):
    for name in ("signals", "essay"):
        (course / "inbox" / "half" / "hw1" / f"{name}.ipynb").write_bytes(b"%PDF-1.7 not a notebook")
    run(course)
    assert "no notebook could be made of what half handed in" in capsys.readouterr().out
    assert (rows(course)["half"]["status"], rows(course)["half"]["waiting"]) == ("unreadable", "2")
    by_hand(course, "half", "rms_test", 0.0)
    by_hand(course, "half", "count_test", 0.0)
    report_command(Namespace(course=course, assignment="hw1"))
    assert rows(course)["half"]["waiting"] == "0"


# ---------------------------------------------------------------------------------------------------------------- one at a time


def test_two_at_work_on_one_assignment_are_refused(course):
    run(course)
    for command in (lambda: run(course), lambda: report_command(Namespace(course=course, assignment="hw1"))):
        with alone(course / "grading" / "hw1"), pytest.raises((ValueError, WrongInput), match=r"process \d+ on .* is at work in .*hw1"):
            command()


def test_a_gradebook_that_is_held_is_found_out_before_anything_is_graded(course, monkeypatch):
    import sqlite3

    monkeypatch.setattr(grade, "_graded", lambda run, jobs: pytest.fail("graded"))
    holder = sqlite3.connect(course / "marks.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(ValueError, match=r"marks\.db is being written by another program"):
        run(course)
    holder.close()
    assert not (course / "grading" / "hw1" / "records").exists()
    assert sum(FULL.values()) == 18.5


@pytest.mark.parametrize("name", ["count_test", "survey", "explain"])
def test_a_notebook_with_other_cells_is_refused_ahead_of_the_night(course, monkeypatch, name):
    run(course)
    files_of = [course / "master" / "hw1" / "essay.ipynb", *course.glob("*/hw1/essay.ipynb")]
    run(course)  # as it is, it fits
    before = files(course / "grading")
    for file in {*files_of}:
        file.write_text(file.read_text().replace(name, f"{name}_2"))
    monkeypatch.setattr(grade, "_graded", lambda run, jobs: pytest.fail("the night began"))
    with pytest.raises(ValueError, match=rf"other cells .*\({name}, {name}_2\).*by hand go with them"):
        run(course)
    assert files(course / "grading") == before
