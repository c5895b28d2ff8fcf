"""Feedback: each lost point beside its cell, nothing of a hidden test, nothing of a student's runs."""

import copy
import dataclasses
import itertools
import re
import sys
import time

import pytest
from browser import DESKTOP, PHONE, chromium, watched_page, wider_than_screen
from feedback_samples import HOSTILE, NAME, SECRET, cell, notebook, picture, questions, sample, samples, wrong
from forked_student import student
from nbformat.v4 import new_code_cell, new_output

from course_lib.grading.judging.judge import judge_cell
from course_lib.grading.notebooks.cells import is_solution, is_test
from course_lib.grading.notebooks.markers import HIDDEN, regions
from course_lib.grading.recording.marks import Comment
from course_lib.grading.records import Outcome, Question, Record, Status
from course_lib.grading.reporting import class_report, feedback

SAMPLES = samples()
RELEASED = notebook("assignments")


def page_of(name: str, **options) -> str:
    return feedback.page(SAMPLES[name].record, SAMPLES[name].notebook, RELEASED, **options)


def words(page: str) -> str:
    """What a reader reads, spaces made one."""
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"<(style|title)>.*?</\1>", "", page, flags=re.DOTALL)).split())


def verdict(page: str, name: str) -> str:
    """What stands in the box of one question."""
    (box,) = re.findall(rf'<section class="verdict \w+" id="[\w-]+" aria-label="marks for {name}">.*?</section>', page, re.DOTALL)
    return words(box.partition("<details>")[0])


# ------------------------------------------------------------------------------------------------------------- marks in words


def test_a_right_notebook_says_so_and_what_is_still_open():
    said = words(page_of("right"))
    assert "Feedback for 0123456 Problem set 1 · Maximum likelihood (最尤推定) 27 of 30 marks All of it was graded." in said
    assert "3 of the marks are given by a person and still open." in said
    assert "✗" not in said


def test_each_lost_point_stands_beside_its_cell_with_the_checks_words():
    page = page_of("wrong")
    assert verdict(page, "test_fit_coin").endswith(
        "0 of 2 · not right yet test_fit_coin The estimate is 4, but 0.571429 is right: this counts the heads: divide by the number of tosses."
    )
    assert verdict(page, "test_em").endswith("It ended with IndexError. Run this check in your notebook: it says more there.")
    assert "1.5 of 3 · partly right" in verdict(page, "test_m_step")
    assert verdict(page, "test_fit_gaussian").endswith("2 of 2 · right test_fit_gaussian")
    answer, box = page.index("numel"), page.index('aria-label="marks for test_fit_coin"')
    assert answer < box < page.index('aria-label="marks for test_coin_log_likelihood"')


def test_the_table_names_the_task_and_the_marks_of_every_question():
    page = page_of("wrong")
    (table,) = re.findall(r'<table class="marks beside">.*?</table>', page, re.DOTALL)
    assert "Task 1 · A coin (コイン) · 15 min · ★☆☆ · 4 marks test_ fit_ coin 0 of 2" in words(table)
    assert words(table).endswith("All 17.5 of 30")  # 27 without 2, 2, 2, 1.5 and 2
    assert len(re.findall(r'<th scope="row">', table)) == len(questions()) + 1
    assert '<th scope="col">Question</th>' in table


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_told_in_plain_words(status):
    record = dataclasses.replace(SAMPLES["right"].record, status=status)
    assert feedback.STATUS[status] in words(feedback.page(record, None, RELEASED)).replace("&#39;", "'")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_told_in_plain_words(outcome):
    question = dataclasses.replace(wrong("test_em", outcome=outcome), max_score=2.0)
    record = Record("1", "a", "a", Status.GRADED, (question,))
    assert feedback.OUTCOME[outcome][1] in words(feedback.page(record, None, RELEASED))


def test_what_stopped_what_was_mended_and_what_was_left_out_is_told():
    page = page_of("half done")
    assert "no result in time" in verdict(page, "test_em")
    assert "no answer within 60 s" in verdict(page, "test_em")
    assert "Python ended while this ran" in verdict(page, "test_fit_coin")
    assert verdict(page, "test_m_step").endswith("no answer test_m_step")
    assert (
        "Mended before grading The check test_fit_coin had been edited and was put back. Outputs of an earlier run were dropped."
        in words(page)
    )


def test_our_own_fault_is_no_mark():
    said = words(page_of("our fault"))
    assert "no mark yet Grading failed, and it was no fault of yours." in said
    assert "0 of 30" not in said


def test_lateness_is_told_and_never_goes_below_nothing():
    assert "24 of 30 marks" in words(page_of("right", penalty=3.0))
    assert "27 marks were earned; 3 were taken off because the notebook came late." in words(page_of("right", penalty=3.0))
    assert " 0 of 30 marks" in words(page_of("right", penalty=99.0))
    assert "late" not in words(page_of("right")).split("Marks")[0].replace("latent", "")


def test_a_persons_comments_and_marks_are_shown_in_their_place():
    comments = {"words": Comment("**Well** said: $x^2$", 2.5), "test_fit_coin": Comment("I gave you one.", 1.0), "": Comment("See me.")}
    page = page_of("wrong", comments=comments)
    assert "2.5 of 3 · marked by a person" in verdict(page, "words")
    assert "A person wrote: Well said:" in verdict(page, "words")
    assert "<math" in page[page.index('aria-label="marks for words"') :]
    assert "1 of 2 · marked by a person" in verdict(page, "test_fit_coin")
    assert "21 of 30 marks" in words(page)  # 17.5 + 2.5 + 1
    assert "A person wrote: See me." in words(page).split("Marks")[0]
    assert "still open" not in words(page)


# ------------------------------------------------------------------------------------------------------------- what stays hidden


@pytest.mark.parametrize("name", list(SAMPLES))
def test_nothing_hidden_is_in_any_page(name):
    page = page_of(name)
    assert SECRET not in page
    assert "HIDDEN TESTS" not in page


def test_of_a_hidden_check_only_the_authors_words_are_told():
    page = page_of("wrong")
    told = "A check that you do not see, on other data, did not pass."
    assert verdict(page, "test_log_density").endswith(f"{told} It says: the determinant of 300 dimensions underflows: add logarithms")
    assert verdict(page, "test_e_step").endswith(told)


def test_a_graded_notebook_with_the_instructors_cells_in_it_shows_no_line_of_theirs():
    """What formgrader works on holds hidden tests: handed in here by mistake, none of it comes through."""
    source = notebook("solutions")
    page = feedback.page(SAMPLES["right"].record, source, RELEASED).replace("&#39;", "'").replace("&quot;", '"')
    plain = re.sub(r"<[^>]*>", "", page)
    secret = {line.strip() for each in source.cells if is_test(each) for text in regions(each.source, HIDDEN) for line in text.splitlines()}
    released = "\n".join(each.source for each in RELEASED.cells)
    secret = {line for line in secret if len(line) > 30 and line not in released}
    assert len(secret) > 20
    assert [line for line in secret if line in plain] == []


def test_checks_are_shown_as_they_were_given_out_whatever_the_notebook_says():
    page = page_of("forged")
    assert "test_free_marks" not in page
    assert "BEGIN HIDDEN" not in page
    given = cell(RELEASED, "test_fit_coin").source.splitlines()[0]
    assert page.count('aria-label="marks for test_fit_coin"') == 1
    assert words(given).split("#")[0].split(":")[0] in words(re.sub(r"</?span[^>]*>", "", page))


def test_outputs_after_a_hidden_test_are_left_out_and_those_before_are_shown():
    def with_outputs(place: int):
        filled = copy.deepcopy(SAMPLES["right"].notebook)
        filled.cells.insert(place, new_code_cell("print(kept)", outputs=[new_output("stream", name="stdout", text="printed here")]))
        return filled

    record, last = SAMPLES["right"].record, len(RELEASED.cells)
    assert "printed here" in feedback.page(record, with_outputs(2), RELEASED)
    assert "printed here" not in feedback.page(record, with_outputs(last), RELEASED)
    assert "printed here" in feedback.page(record, with_outputs(last), RELEASED, hidden_tests=())
    assert "printed here" not in feedback.page(record, with_outputs(last), RELEASED, hidden_tests=("test_fit_coin",))


def test_a_moment_is_told_to_the_minute_in_the_zone_of_who_grades(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    late = dataclasses.replace(SAMPLES["right"].record, submitted="2026-11-21T08:16:49.671791+00:00")
    assert "Handed in: 2026-11-21 17:16 JST" in words(feedback.page(late, None, RELEASED))
    monkeypatch.undo()
    time.tzset()


# ---------------------------------------------------------------------------------------------- what comes back of a hidden test

NAMES = [cell.metadata.nbgrader.grade_id for cell in RELEASED.cells if is_test(cell)]
KEEPS = "seen = []\ndef first(x):\n    seen.append(x)\n    return x * 2\ndef second(x):\n    raise {error}"
FIRST = "assert first(1) == 2\n### BEGIN HIDDEN TESTS\nassert first(471108) == 942216\n### END HIDDEN TESTS"
SECOND = "assert second(1) == 1, 'the second adds nothing'"


@pytest.mark.parametrize(
    "error", ["ValueError(str(seen))", "NameError(f\"name '{seen[-1]}' is not defined\")", "type(f'E{seen[-1]}', (Exception,), {})()"]
)
def test_what_a_hidden_test_asked_does_not_come_back_by_a_later_questions_error(error):
    """Kept in the student's process at one question, raised at a visible line of the next: judged as it is, then shown."""
    with student(KEEPS.format(error=error)) as link:
        names = link.names("first", "second")
        one, other = (judge_cell(source, names=names, points=2.0) for source in (FIRST, SECOND))
    assert one.score == 2.0
    assert "471108" in other.message
    assert not other.hidden
    lost = Question("test_fit_gaussian", 2.0, other.score, other.outcome, other.message, other.words, other.hidden)
    record = dataclasses.replace(SAMPLES["right"].record, questions=questions(lost={"test_fit_gaussian": lost}))
    page = feedback.page(record, SAMPLES["right"].notebook, RELEASED, hidden_tests=["test_fit_coin"])
    assert "471108" not in page
    assert "0 of 2 · not right yet" in verdict(page, "test_fit_gaussian")
    assert "471108" in feedback.page(record, SAMPLES["right"].notebook, RELEASED, hidden_tests=["test_em"])


def test_the_first_hidden_test_itself_tells_what_a_visible_line_said_unless_such_lines_follow_hidden_ones():
    record = dataclasses.replace(SAMPLES["right"].record, questions=questions(lost={"test_em": wrong("test_em", "ValueError: 4711")}))
    for mixed, told in (((), True), (("test_em",), False)):
        page = feedback.page(record, None, RELEASED, hidden_tests=["test_em"], mixed=mixed)
        assert ("ValueError: 4711" in page) == told


def test_what_stopped_is_told_in_gradings_words_whatever_has_been_asked():
    page = page_of("half done", hidden_tests=NAMES)
    assert "no answer within 60 s" in verdict(page, "test_em")


def after_everything(*cells) -> str:
    """The page of a notebook with cells after all others, every check among them hidden."""
    filled = copy.deepcopy(SAMPLES["right"].notebook)
    filled.cells += cells
    return feedback.page(SAMPLES["right"].record, filled, RELEASED)


def test_after_a_hidden_test_a_students_own_cells_tell_not_even_how_they_ended():
    """Two thousand cells that end with an error or do not, or with one of sixty kinds of it, are so many letters of a message."""
    bare = after_everything(new_code_cell("raise kept"))
    for kind in ("ZeroDivisionError", "KeyError", SECRET):
        error = new_output("error", ename=kind, evalue=SECRET, traceback=[SECRET])
        assert after_everything(new_code_cell("raise kept", outputs=[error])) == bare


def test_after_a_hidden_test_an_answer_tells_that_it_failed_or_is_no_python():
    filled = copy.deepcopy(SAMPLES["right"].notebook)
    error = new_output("error", ename="KeyError", evalue=SECRET, traceback=[SECRET])
    cell(filled, "e_step").outputs = [error]
    cell(filled, "m_step").outputs = [error]
    cell(filled, "m_step").source = "def m_step(x, r)\n    return 1"
    page = feedback.page(SAMPLES["right"].record, filled, RELEASED)
    assert page.count("(this cell ended with an error; run it to see where)") == 1
    assert "(this is no Python yet: line 1: expected &#39;:&#39;)" in page
    assert "KeyError" not in page
    assert SECRET not in page


def test_a_note_of_gradings_is_told_wherever_it_stands_and_none_that_a_student_wrote():
    note = new_output("display_data", {"text/plain": "grading: this cell ran out of time"}, metadata={"grading": True})
    forged = [
        new_output("stream", name="stderr", text="grading: full marks"),
        new_output("display_data", {"text/plain": "grading: full marks"}),
    ]
    page = after_everything(new_code_cell("x = 1", outputs=[*forged, note]))
    assert '<p class="note">Grading: this cell ran out of time</p>' in page
    assert "full marks" not in page


# ------------------------------------------------------------------------------------------------------------- what is short


def test_what_is_missing_or_cannot_be_read_is_told_in_a_line_with_the_reason():
    for status, reason in (
        (Status.UNREADABLE, "What was handed in is a PDF, and no notebook."),
        (Status.MISSING, "A .ipynb file is a link."),
    ):
        zeros = tuple(dataclasses.replace(q, score=0.0, outcome=Outcome.NOT_ATTEMPTED) for q in questions())
        record = Record("1", NAME, NAME, status, zeros, remarks=(reason,))
        said = words(feedback.page(record, None, RELEASED))
        assert reason in said
        assert "0 of 30 marks" in said
        assert "no answer" not in said
        given = feedback.page(record, None, RELEASED, comments={"words": Comment("I read it on paper.", 2.0)})
        assert "marked by a person" in words(given)


def test_how_a_learning_system_names_somebody_is_in_no_page():
    named = dataclasses.replace(SAMPLES["right"].record, prefix=SECRET, status=Status.UNREADABLE, remarks=("It is a PDF.",))
    assert SECRET not in feedback.page(named, None, RELEASED)
    assert SECRET not in class_report.page([named])


def test_remarks_on_a_notebook_that_was_graded_are_not_the_students():
    assert SECRET not in page_of("hostile")


def test_a_person_who_has_looked_is_no_longer_announced():
    assert "A person looks at this notebook" in words(page_of("hostile"))
    said = words(page_of("hostile", reviewed=True))
    assert "A person looks at this notebook" not in said
    assert "a person has looked at it" in said
    assert "a person has looked" not in words(page_of("right", reviewed=True))


def test_the_badge_is_gone_and_other_links_stay():
    assert "Open in Colab" in next(each for each in RELEASED.cells if each.cell_type == "markdown").source
    assert "Open in Colab" not in page_of("right")
    assert '<a href="https://example.org/page"' in page_of("hostile")


def test_this_machines_folders_are_nobodys_business():
    place = f"{sys.prefix}/lib/python3.11/site-packages/torch/x.py:3"
    own = f"File {place}, in f\nFile /srv/signals101/solutions/x.py"
    error = new_output("error", ename="OSError", evalue="x", traceback=[own])
    record = dataclasses.replace(SAMPLES["right"].record, questions=questions(lost={"test_fit_coin": wrong("test_fit_coin", own)}))
    filled = copy.deepcopy(SAMPLES["right"].notebook)
    filled.cells.insert(2, new_code_cell("open(3)", outputs=[error, new_output("stream", name="stdout", text=own)]))
    page = feedback.page(record, filled, RELEASED, folders=["/srv/signals101"])
    assert page.count("…/lib/python3.11/site-packages/torch/x.py:3") == 4  # in the table too
    assert page.count("…/solutions/x.py") == 4
    assert sys.prefix not in page
    assert "/srv/signals101" not in page


# ------------------------------------------------------------------------------------------------------------- the notebook


def test_what_a_student_wrote_is_shown_outputs_and_pictures_too():
    page = page_of("rich")
    assert f"data:image/png;base64,{picture()}" in page
    assert "100%|██████████| 3/3" in page
    assert "尤度は" in page
    assert "とても<strong>面白かった</strong>です" in page_of("日本語")


def test_a_huge_notebook_makes_a_page_that_can_be_opened():
    assert len(page_of("huge")) < 1_000_000
    many = sample("1", lambda notebook: notebook.cells.extend(new_code_cell("x" * 29_000) for _ in range(1000)))
    page = feedback.page(many.record, many.notebook, RELEASED)
    assert len(page) < 17_000_000
    assert "The rest of the notebook is too long to be shown." in page


def test_half_characters_do_no_harm():
    page_of("odd text").encode("utf-8")


@pytest.mark.parametrize("name", list(SAMPLES))
def test_headings_are_in_order_and_every_anchor_is_there_once(name):
    page = page_of(name)
    levels = [1, *map(int, re.findall(r"<h([1-6])[ >]", page))]
    assert levels.count(1) == 2
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))
    anchors = re.findall(r' id="([^"]*)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(anchors)


def test_a_foreign_courses_task_cells_and_missing_titles_work():
    released = copy.deepcopy(RELEASED)
    released.cells = [each for each in released.cells if each.cell_type == "code"]
    assert "<h1>ps01_maximum_likelihood</h1>" in feedback.page(SAMPLES["right"].record, released, released)
    assert any(is_solution(each) for each in released.cells)


# ------------------------------------------------------------------------------------------------------------- in a browser

NOTHING_RAN = """() => ({
    ran: window.ran === undefined, title: document.title.includes("taken"),
    acting: document.querySelectorAll("script, iframe, object, embed, form, input, link, base, video, audio, meta[http-equiv=refresh]").length,
    handlers: [...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on") || a.name === "style")).length,
    links: [...document.querySelectorAll("a[href]")].filter(a => !/^(https?:|mailto:|#)/.test(a.getAttribute("href"))).length,
    boxes: document.querySelectorAll("section.verdict").length, after: document.body.innerText.includes("After it"),
    shown: getComputedStyle(document.body).display,
})"""
CONTRAST = """() => {
    const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
    const parse = c => c.match(/[\\d.]+/g).map(Number);
    const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] };
    const low = [];
    document.querySelectorAll("details").forEach(d => d.open = true);
    for (const e of document.querySelectorAll("body *")) {
        if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
        const style = getComputedStyle(e);
        const [a, b] = [light(parse(e instanceof SVGElement ? style.fill : style.color).slice(0, 3)), light(ground(e))];
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) low.push(`${e.tagName} ${e.getAttribute("class")} ${ratio.toFixed(2)} ${e.textContent.slice(0, 30)}`);
    }
    return low;
}"""


@pytest.mark.slow
def test_in_a_browser_nothing_runs_and_nothing_is_asked_of_another_machine(tmp_path):
    """With the page's policy and without it: the markup alone must be inert, and the policy must hold where markup is not."""
    page = page_of("hostile")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert bare != page
    boxes = len(questions())
    with chromium() as browser:
        for number, text in enumerate((page, bare)):
            file = tmp_path / f"{number}.html"
            file.write_text(text, encoding="utf-8")
            with watched_page(browser) as (tab, watch):
                tab.goto(file.as_uri())
                tab.wait_for_timeout(300)
                found = tab.evaluate(NOTHING_RAN)
                assert found == {
                    "ran": True, "title": False, "acting": 0, "handlers": 0, "links": 0, "boxes": boxes, "after": True, "shown": "block",
                }  # fmt: skip
                assert watch.faults() == []
        # Markup that no sanitiser has seen: the policy alone holds it back, and without the policy it runs, so this test can fail.
        raw = "\n".join(line for line in HOSTILE.splitlines() if "refresh" not in line)  # which no policy stops, and the sanitiser does
        for number, (text, runs) in enumerate(((page, False), (bare, True)), 2):
            file = tmp_path / f"{number}.html"
            file.write_text(text.replace("</main>", raw + "</main>"), encoding="utf-8")
            with watched_page(browser) as (tab, watch):
                tab.goto(file.as_uri())
                tab.wait_for_timeout(300)
                assert tab.evaluate("window.ran === 1") == runs
                assert bool(watch.outside_requests) == runs


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_in_a_browser_samples_fit_the_screen_and_can_be_read(tmp_path, dark):
    with chromium() as browser:
        for name in ("wrong", "half done", "hostile", "rich", "our fault"):
            file = tmp_path / "page.html"
            file.write_text(page_of(name, comments={"words": Comment("Good *work*.")}), encoding="utf-8")
            for viewport in (DESKTOP,) if dark else (PHONE, DESKTOP):
                with watched_page(browser, viewport=viewport, dark=dark) as (tab, watch):
                    tab.goto(file.as_uri())
                    assert wider_than_screen(tab) == 0, name
                    if viewport is DESKTOP:
                        assert tab.evaluate(CONTRAST) == [], name
                    assert watch.faults() == [], name


@pytest.mark.slow
def test_on_paper_nothing_is_cut_and_a_folded_table_is_open(tmp_path):
    """A4 within its margins is 680 pixels wide; a reader's dark screen makes no dark paper."""
    pages = {"feedback": page_of("rich"), "report": class_report.page([each.record for each in SAMPLES.values()])}
    with chromium() as browser:
        for name, text in pages.items():
            (tmp_path / "page.html").write_text(text, encoding="utf-8")
            with watched_page(browser, viewport={"width": 680, "height": 960}, dark=True) as (tab, _):
                tab.goto((tmp_path / "page.html").as_uri())
                tab.emulate_media(media="print")
                assert wider_than_screen(tab) == 0, name
                assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
                assert tab.evaluate("[...document.querySelectorAll('pre')].filter(e => e.scrollWidth > e.clientWidth).length") == 0
                if name == "feedback":
                    assert not tab.get_by_text("The check", exact=True).first.is_visible()
                else:
                    assert tab.get_by_role("region", name="every student").is_visible()
