"""The class report: counts that add up, the hardest checks with what most were told, and nothing that runs."""

import collections
import dataclasses
import re

import pytest
from browser import DESKTOP, PHONE, chromium, watched_page, wider_than_screen
from feedback_samples import HOSTILE, samples
from test_feedback import CONTRAST, words

from course_lib.grading import class_report
from course_lib.grading.class_report import checks_of, columns, students_of
from course_lib.grading.likeness import Pair
from course_lib.grading.records import Outcome, Question, Record, Status

TAILS = "Mistake: The estimate is {}, but {} is right: this is the share of tails."
NOTHING = "Mistake: nothing was returned"


def record(
    student: str, *scores: float | None, status: Status = Status.GRADED, message: str = "", notebook: str = "ps01", **facts
) -> Record:
    """A notebook of questions q0, q1 … of two points each; None waits for a person."""
    questions = []
    for i, score in enumerate(scores):
        outcome = Outcome.BY_HAND if score is None else Outcome.RIGHT if score == 2 else Outcome.PART if score else Outcome.WRONG
        questions.append(Question(f"q{i}", 2.0, score, outcome, "" if score == 2 else message, seconds=0.5 * i))
    return Record(student, "ps01", notebook, status, tuple(questions), **facts)


CLASS = [
    record("01", 2.0, 2.0, None, seconds=2.0),
    record(
        "02", 2.0, 0.0, None, message=TAILS.format(3, 4), seconds=4.0, repairs=("The check q0 was put back.", "The check q1 was put back.")
    ),
    record("03", 1.0, 0.0, None, message=TAILS.format("-1e-05", "0.25"), seconds=3.0, repairs=("The check q0 was put back.",)),
    record("04", 2.0, 0.0, None, message=NOTHING, status=Status.NEEDS_REVIEW, remarks=("q1: the last line is nan",), seconds=90.0),
    record("05", 0.0, 0.0, 0.0, status=Status.MISSING),
    record("06", 0.0, 0.0, 0.0, status=Status.UNREADABLE),
    dataclasses.replace(
        record("07", 0.0, 0.0, 0.0, status=Status.INFRASTRUCTURE_ERROR, remarks=("the kernel did not start",)),
        questions=tuple(Question(f"q{i}", 2.0, None, Outcome.NOT_JUDGED) for i in range(3)),
    ),
    record("08", 0.0, 0.0, 0.0, status=Status.NOT_ATTEMPTED),
]


def section(page: str, heading: str) -> str:
    """The words between one heading of the second level and the next."""
    return words(page.split(f"<h2>{heading}</h2>")[1].split("<h2>")[0])


def test_the_head_counts_students_work_and_marks():
    head = words(class_report.page(CLASS, course="Models", title="Problem set 1").split("<h2>")[0])
    assert head == (
        "Class report · Models Problem set 1 8 students 5 handed in work that has marks 1.8 mean of 6 marks 2 median "
        "2 notebooks to look at 4 answers wait for a person"
    )


def test_every_student_stands_in_exactly_one_column_or_has_no_marks():
    found = columns(students_of(CLASS))
    assert [column["count"] for column in found] == [1, 1, 0, 2, 0, 0, 1, 0, 0, 0]
    assert (found[0]["low"], found[-1]["high"]) == ("0", "6")
    assert columns(students_of([record("1", 2.0, 2.0)]))[-1]["count"] == 1
    assert {column["count"] for column in columns([])} == {0}


def test_the_hardest_check_comes_first_with_what_most_were_told():
    checks = checks_of(CLASS)
    assert [check.name for check in checks] == ["q2", "q1", "q0"]
    hard, easy = checks[1:]
    assert hard.share == pytest.approx(2 / 10)
    assert easy.share == pytest.approx(7 / 10)
    assert hard.says == "The estimate is …, but … is right: this is the share of tails."
    assert hard.times == 2
    assert hard.counts == collections.Counter({Outcome.WRONG: 4, Outcome.RIGHT: 1})
    assert hard.seconds == 0.5
    assert checks[0].counts[Outcome.BY_HAND] == 4
    row = section(class_report.page(CLASS), "Hardest checks")
    assert "q1 20 % 1 · 0 · 4 2 × The estimate is …, but … is right: this is the share of tails. 0.5 s" in row
    assert "q0 70 % 3 · 1 · 1" in row


def test_the_authors_words_count_before_the_message_and_a_crash_is_a_failure_too():
    crashed = Question("q", 1.0, 0.0, Outcome.CRASHED, "the process ended", words="")
    hidden = Question("q", 1.0, 0.0, Outcome.WRONG, "Mistake: 4711", words="add logarithms", hidden=True)
    records = [Record(str(i), "a", "a", Status.GRADED, (question,)) for i, question in enumerate((crashed, hidden, hidden))]
    (check,) = checks_of(records)
    assert (check.says, check.times) == ("add logarithms", 2)
    assert "(1 stopped)" in section(class_report.page(records), "Hardest checks")


def test_statuses_remarks_time_and_repairs_are_told():
    page = class_report.page(CLASS)
    assert section(page, "How it ended") == (
        "How it ended Status Notebooks graded 3 marks stand, a person should look 1 handed in as it was given out 1 nothing handed in 1 "
        "no notebook that can be read 1 not graded, by no fault of the student&#39;s 1"
    ).removeprefix("How it ended ")
    assert "04 ps01 2 q1: the last line is nan 07 ps01 – the kernel did not start" in section(page, "To be looked at")
    assert "Half of the notebooks took at most 3.0 s, the slowest 90.0 s, all of them together 1.6 minutes" in section(page, "Time")
    assert "Student Notebook Time 04 ps01 90.0 s 02 ps01 4.0 s" in section(page, "Time")
    assert section(page, "Repairs").startswith("2 notebooks were mended")
    assert "The check q0 was put back. 2 The check q1 was put back. 1" in section(page, "Repairs")
    assert "07 – of 6 – infrastructure error" in section(page, "Every student")


def test_pairs_that_look_alike_are_told_with_their_answers():
    pairs = [Pair("01", "02", 0.93, {"fit": 1.0, "step": 0.5}, 40)]
    page = class_report.page(CLASS, likeness=pairs)
    assert "01 and 02 93 % 40 fit 100 %, step 50 %" in section(page, "Answers that look alike")
    assert "None." in section(class_report.page(CLASS), "Answers that look alike")
    assert "… and 50 pairs more." in section(class_report.page(CLASS, likeness=pairs * 150), "Answers that look alike")


def test_several_notebooks_are_one_students_marks_and_their_checks_keep_apart():
    both = [
        record("01", 2.0),
        record("01", 1.0, notebook="ps01b"),
        record("02", 2.0),
        record("02", None, notebook="ps01b", status=Status.INFRASTRUCTURE_ERROR),
    ]
    first, second = students_of(both)
    assert (first.score, first.max_score, second.score) == (3.0, 4.0, None)
    assert {check.name for check in checks_of(both)} == {"ps01 · q0", "ps01b · q0"}


def test_nobody_and_nothing_make_a_page_too():
    assert "Nobody has marks yet." in words(class_report.page([]))
    assert "Nobody has marks yet." in words(class_report.page([record("05", 0.0, status=Status.MISSING)]))


def test_five_hundred_students_are_reported_in_seconds():
    import time

    many = [dataclasses.replace(CLASS[i % len(CLASS)], student=f"{i:03d}") for i in range(500)]
    started = time.process_time()
    class_report.page(many)
    assert time.process_time() - started < 5


HOSTILE_CLASS = [
    *CLASS,
    *(each.record for each in samples().values()),
    record(
        HOSTILE, 0.0, message=HOSTILE, repairs=(HOSTILE,), remarks=(HOSTILE,), notebook=HOSTILE, status=Status.NEEDS_REVIEW, seconds=1.0
    ),
]


def test_what_students_wrote_is_text():
    page = class_report.page(HOSTILE_CLASS, likeness=[Pair(HOSTILE, "a", 1.0, {HOSTILE: 1.0}, 20)], course=HOSTILE, title=HOSTILE)
    assert not re.search(
        r"<(script|img|iframe|object|embed|form|input|link|base|video)|<[^>]* on\w+=", page.split("</style>")[1].replace("<title>", "")
    )
    levels = [int(level) for level in re.findall(r"<h([1-6])>", page)]
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    assert len(re.findall(r"<table", page)) == len(re.findall(r"<thead>", page))


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_in_a_browser_it_fits_the_screen_and_can_be_read(tmp_path, dark):
    file = tmp_path / "report.html"
    file.write_text(class_report.page(HOSTILE_CLASS, likeness=[Pair("01", "02", 0.9, {"fit": 1.0}, 40)]), encoding="utf-8")
    with chromium() as browser:
        for viewport in (PHONE, DESKTOP):
            with watched_page(browser, viewport=viewport, dark=dark) as (tab, watch):
                tab.goto(file.as_uri())
                assert wider_than_screen(tab) == 0
                assert tab.evaluate(CONTRAST) == []
                assert tab.evaluate("window.ran === undefined")
                assert watch.faults() == []
