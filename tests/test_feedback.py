"""Feedback: each lost point beside its cell, nothing of a hidden test, nothing of a student's runs."""

import copy
import dataclasses
import itertools
import re

import pytest
from browser import DESKTOP, PHONE, chromium, watched_page, wider_than_screen
from feedback_samples import HOSTILE, SECRET, cell, notebook, picture, questions, sample, samples, wrong
from nbformat.v4 import new_code_cell, new_output

from course_lib.grading import feedback
from course_lib.grading.cells import is_solution, is_test
from course_lib.grading.feedback import Comment
from course_lib.grading.markers import HIDDEN, regions
from course_lib.grading.records import Outcome, Record, Status

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
    assert "Handed in: 2026-05-01 12:00:00+09:00" in said
    assert "✗" not in said


def test_each_lost_point_stands_beside_its_cell_with_the_checks_words():
    page = page_of("wrong")
    assert verdict(page, "test_fit_coin").endswith(
        "0 of 2 · not right yet test_fit_coin The estimate is 4, but 0.571429 is right: this counts the heads: divide by the number of tosses."
    )
    assert verdict(page, "test_em").endswith("IndexError: index 3 is out of bounds for dimension 0 with size 3")
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


def test_of_an_error_after_a_hidden_test_only_pythons_own_names_are_told():
    page = page_of("forged")
    assert "(this cell ended with ZeroDivisionError; run it to see where)" in page
    assert "(this cell ended with an error; run it to see where)" in page


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
