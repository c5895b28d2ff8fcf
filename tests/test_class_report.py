"""The class report: counts that add up, the hardest checks with what most were told, and nothing that runs."""

import collections
import dataclasses
import re

import pytest
from browser import DESKTOP, PHONE, chromium, watched_page, wider_than_screen
from feedback_samples import HOSTILE, samples
from test_feedback import CONTRAST, words

from course_lib.grading.recording.marks import Standing
from course_lib.grading.records import Outcome, Question, Record, Status
from course_lib.grading.reporting import class_report
from course_lib.grading.reporting.class_figures import checks_of, students_of
from course_lib.grading.reporting.copies import Copies
from course_lib.grading.reporting.likeness import Pair

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
        "3 notebooks to look at 4 answers wait for a person"
    )


def test_the_hardest_check_comes_first_with_what_most_were_told():
    checks = checks_of(CLASS)
    assert [check.name for check in checks] == ["q1", "q0", "q2"]  # the last is marked by hand
    hard, easy = checks[:2]
    assert hard.share == pytest.approx(2 / 10)
    assert easy.share == pytest.approx(7 / 10)
    assert hard.says == "The estimate is …, but … is right: this is the share of tails."
    assert hard.times == 2
    assert hard.counts == collections.Counter({Outcome.WRONG: 4, Outcome.RIGHT: 1})
    assert hard.seconds == 0.5
    assert checks[2].counts[Outcome.BY_HAND] == 4
    row = section(class_report.page(CLASS), "Hardest checks")
    assert "q1 20 % 1 · 0 · 4 2 × The estimate is …, but … is right: this is the share of tails. 0.5 s" in row
    assert "q0 70 % 3 · 1 · 1" in row


def test_the_authors_words_count_before_the_message_and_a_crash_is_a_failure_too():
    crashed = Question("q", 1.0, 0.0, Outcome.CRASHED, "the process ended", words="")
    hidden = Question("q", 1.0, 0.0, Outcome.WRONG, "Mistake: 4711", words="divide by N, not N - 1", hidden=True)
    records = [Record(str(i), "a", "a", Status.GRADED, (question,)) for i, question in enumerate((crashed, hidden, hidden))]
    (check,) = checks_of(records)
    assert (check.says, check.times) == ("divide by N, not N - 1", 2)
    assert "(1 stopped)" in section(class_report.page(records), "Hardest checks")


def test_statuses_remarks_time_and_repairs_are_told():
    page = class_report.page(CLASS)
    assert section(page, "How it ended") == (
        "How it ended Status Notebooks graded 3 marks stand, a person should look 1 handed in as it was given out 1 nothing handed in 1 "
        "no notebook that can be read 1 not graded, by no fault of the student&#39;s 1"
    ).removeprefix("How it ended ")
    assert section(page, "To be looked at") == (
        "Student Marks Reason 07 – not graded : the kernel did not start 06 0 cannot be read 04 2 something odd : q1: the last line is nan"
    )
    assert "Half of the notebooks took at most 3.0 s, the slowest 90.0 s, all of them together 1.6 minutes" in section(page, "Time")
    assert "Student Time 04 90.0 s 02 4.0 s" in section(page, "Time")
    assert section(page, "Repairs").startswith("2 notebooks were mended")
    assert "The check q0 was put back. 2 The check q1 was put back. 1" in section(page, "Repairs")
    assert "07 – of 6 – infrastructure error" in section(page, "Every student")


def test_pairs_that_look_alike_are_told_with_their_answers():
    pairs = [Pair("01", "02", 0.93, {"fit": 1.0, "step": 0.5}, 40)]
    page = class_report.page(CLASS, likeness=pairs)
    assert "01 and 02 93 % 40 fit 100 %, step 50 %" in section(page, "Answers that look alike")
    assert "None." in section(class_report.page(CLASS), "Answers that look alike")
    assert "… and 50 pairs more." in section(class_report.page(CLASS, likeness=pairs * 150), "Answers that look alike")


def test_those_who_handed_in_the_same_are_told_the_long_rows_folded():
    many = Copies(tuple(f"{i:02d}" for i in range(1, 9)), ("fit", "step"), False, 104)
    page = class_report.page(CLASS, copies=[many, Copies(("01", "02"), ("words",), True, 160)], names={"02": "Hanako Yamada"})
    told = section(page, "Handed in the same")
    assert "8 students code: fit, step 104 prints 01, 02 Hanako Yamada and 6 more 01, 02 Hanako Yamada , 03" in told
    assert "2 students words: words 160 words 01, 02 Hanako Yamada" in told
    assert "Nobody." in section(class_report.page(CLASS), "Handed in the same")
    assert "02 Hanako Yamada 2 of 6" in section(page, "Every student")


def test_a_persons_marks_penalties_and_what_still_waits_are_those_of_the_gradebook():
    scores = {
        "01": {("ps01", "q0"): 2.0, ("ps01", "q1"): 2.0, ("ps01", "q2"): 1.5},
        "02": {("ps01", "q0"): 2.0, ("ps01", "q1"): 1.0, ("ps01", "q2"): None},
    }
    standings = {
        "01": Standing(scores["01"], penalty=0.5),
        "02": Standing(scores["02"], waiting=frozenset({("ps01", "q2"), ("ps01", "q1")})),
    }
    page = class_report.page(CLASS[:2], standings=standings)
    assert "4 mean of 6 marks 4 median 0 notebooks to look at 2 answers wait for a person" in words(page.split("<h2>")[0])
    assert "Lateness cost 1 student 0.5 marks." in section(page, "Marks")
    assert "01 5 of 6 after 0.5 for lateness" in section(page, "Every student")
    assert "02 3 of 6" in section(page, "Every student")
    hardest = section(page, "Hardest checks")
    assert hardest.index("q1 75 %") < hardest.index("q0 100 %") < hardest.index("q2 by hand – 0 · 1 · 0 1 to mark")


def test_what_a_person_marks_heads_nothing_however_hard_they_are():
    strict = {"01": Standing({("ps01", "q0"): 2.0, ("ps01", "q1"): 2.0, ("ps01", "q2"): 0.0})}
    hardest = section(class_report.page(CLASS[:1], standings=strict), "Hardest checks")
    assert hardest.index("q1 100 %") < hardest.index("q2 by hand 0 %")


def test_late_and_repeated_work_stands_apart_from_what_needs_a_person():
    twice = record("09", 2.0, 2.0, remarks=("2 attempts were handed in; the newest that was worked in counts.",))
    late = record("10", 2.0, 2.0, late=True)
    page = class_report.page([twice, late, CLASS[0]], standings={"01": Standing(penalty=1.5)})
    assert "To be looked at" not in page
    assert "Student Attempts Late 09 2 10 1 late 01 1 late: 1.5 marks taken off" in section(page, "Late, or handed in more than once")
    assert "handed in more than once" not in class_report.page(CLASS)


def test_a_notebook_has_a_column_where_there_are_several():
    one, two = record("01", 0.0), record("01", 0.0, notebook="ps01b", status=Status.UNREADABLE)
    assert "Notebook</th>" not in class_report.page([one, CLASS[3]])
    assert "01 ps01b 0 cannot be read" in section(class_report.page([one, two]), "To be looked at")


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
    page = class_report.page(
        HOSTILE_CLASS,
        likeness=[Pair(HOSTILE, "a", 1.0, {HOSTILE: 1.0}, 20)],
        copies=[Copies((HOSTILE, "a"), (HOSTILE,), False, 50)],
        names={HOSTILE: HOSTILE, "01": HOSTILE},
        course=HOSTILE,
        title=HOSTILE,
    )
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
    long = Copies(tuple(f"{i:07d}" for i in range(40)), ("fit_multivariate_gaussian", "importance_sampling"), False, 104)
    page = class_report.page(HOSTILE_CLASS, likeness=[Pair("01", "02", 0.9, {"fit": 1.0}, 40)], copies=[long])
    file.write_text(page.replace("<details>", "<details open>"), encoding="utf-8")
    with chromium() as browser:
        for viewport in (PHONE, DESKTOP):
            with watched_page(browser, viewport=viewport, dark=dark) as (tab, watch):
                tab.goto(file.as_uri())
                assert wider_than_screen(tab) == 0
                cut = "[...document.querySelectorAll('.stack')].filter(e => e.scrollWidth > e.parentElement.clientWidth).length"
                assert viewport is DESKTOP or tab.evaluate(cut) == 0
                assert tab.evaluate(CONTRAST) == []
                assert tab.evaluate("window.ran === undefined")
                assert watch.faults() == []
