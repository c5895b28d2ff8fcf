"""The site as files: what becomes of a lecture, which ones run again, which links are refused. The browser's tests see the pages."""

import json
import struct
from base64 import b64encode
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from book import build as book_build
from book.build import SiteFault, build_site
from book.executed import bring_up_to_date, source_digests
from book.lecture_page import lecture_page, linked_files, opening
from book.links import faults
from book.pages import PAIRS, Lecture, front_page, measured_page, quantity

pytestmark = pytest.mark.filterwarnings("ignore:.*Check CHANGES for Sphinx API")  # of the theme, not of ours
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/a/b/x.ipynb)"
CLAIM = {
    "name": "a |ratio|",
    "value": -0.000123456,
    "unit": "nats",
    "holds": True,
    "seed": 0,
    "size": "quick",
    "device": "cpu",
    "seconds": 1.0,
}


def png(width: int, height: int) -> str:
    """The head of a PNG, which is all that tells its size."""
    return b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + bytes(20)).decode()


def executed(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    for number, cell in enumerate([cell for cell in cells if cell.cell_type == "code"], start=1):
        cell.execution_count = number
    return new_notebook(cells=list(cells), metadata={"language_info": {"name": "python"}})


def shown(data: dict[str, str]) -> nbformat.NotebookNode:
    return new_output("display_data", data=data)


# What becomes of a lecture


def test_the_badge_becomes_two_buttons_and_no_picture_of_another_machine_is_left():
    [cell] = lecture_page(executed(new_markdown_cell(f"# T\n{BADGE}")), name="01_t")["cells"]
    assert "colab-badge" not in cell["source"]
    assert "[Open in Colab](https://colab.research.google.com/github/a/b/x.ipynb){.course-button}" in cell["source"]
    assert "[Download the notebook](path:../download/01_t.ipynb)" in cell["source"]


def test_a_problem_set_is_handed_out_and_a_lecture_is_linked():
    text = "[set](../assignments/ps01/ps01.ipynb#task-2) [next](02_next.ipynb) [far](https://a.org/b) [here](#top) `[code](a/b.md)`"
    page = lecture_page(executed(new_markdown_cell(text)), name="01_t")
    assert page["cells"][0]["source"] == text.replace("(../assignments/ps01/ps01.ipynb#task-2)", "(path:../assignments/ps01/ps01.ipynb)")
    assert linked_files(executed(new_markdown_cell(text))) == ["../assignments/ps01/ps01.ipynb", "02_next.ipynb"]


def test_what_needs_a_kernel_is_left_out_and_the_lecture_itself_is_untouched():
    widget = shown({"application/vnd.jupyter.widget-view+json": "{}", "text/plain": "IntSlider()"})
    lecture = executed(new_code_cell("slider", outputs=[widget, shown({"text/plain": "2"})]))
    lecture.metadata["widgets"] = {"state": {}}
    page = lecture_page(lecture, name="01_t")
    assert [output["data"] for output in page["cells"][0]["outputs"]] == [{"text/plain": "2"}]
    assert "widgets" not in page["metadata"]
    assert len(lecture.cells[0].outputs) == 2


def test_a_figure_has_words_and_a_wide_one_may_scroll():
    wide, square = ([shown({"image/png": png(*size)})] for size in ((900, 300), (300, 300)))
    cells = [
        new_code_cell("0", outputs=square),
        new_markdown_cell("## The coin: $p(y \\mid x)$\n```\n# no heading\n```"),
        new_code_cell("1", outputs=wide, metadata={"tags": ["figure:em_step"]}),
        new_code_cell("2", outputs=square, metadata={"mystnb": {"image": {"alt": "mine"}}}),
    ]
    shown_as = [cell["metadata"]["mystnb"]["image"] for cell in lecture_page(executed(*cells), name="01_t")["cells"] if "outputs" in cell]
    assert shown_as == [
        {"alt": "Figure: 01_t"},
        {"alt": "Figure: em step (The coin: p(y | x))", "classes": "course-wide"},
        {"alt": "mine"},
    ]


def test_a_lecture_that_did_not_run_through_is_not_shown():
    failed = executed(
        new_code_cell("1 / 0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[])])
    )
    with pytest.raises(ValueError, match="01_t, cell 1: ended in ZeroDivisionError: division by zero"):
        lecture_page(failed, name="01_t")
    with pytest.raises(ValueError, match="cell 1: was not run"):
        lecture_page(new_notebook(cells=[new_code_cell("1")]), name="01_t")
    with pytest.raises(ValueError, match="01_t has no cells"):
        lecture_page(new_notebook(), name="01_t")


def test_title_and_question_are_read_from_the_first_text():
    first = new_markdown_cell("# 1 · Coins (硬貨)\n\n[badge](x)\n\n**Which coin\nwas it?**\n\nWords, and **more**.")
    assert opening(executed(first)) == ("1 · Coins (硬貨)", "Which coin was it?")
    assert opening(executed(new_markdown_cell("words"))) == ("", "")


# The pages that no one writes


def test_the_map_leads_to_the_lectures_that_exist_and_to_no_other():
    page = front_page([Lecture("02_gaussian_mixtures", "2 · Mixtures", "Why <one>?", {"quick cpu": 31.4})], {}, title="T", measured=False)
    assert page.count('<a class="course-model"') == 1
    assert '<a class="course-model" href="notebooks/02_gaussian_mixtures.html">Gaussian mixtures</a>' in page
    models = [name for pair in PAIRS for name in [*pair.classical, *pair.deep]]
    assert page.count("course-absent") == len(models) - 1
    assert "Why &lt;one&gt;?" in page
    assert "runs in 31 s (quick cpu)" in page
    assert "measured" not in page.split("{toctree}", 1)[1]


def test_measured_facts_are_shown_as_they_were_recorded():
    lectures = [Lecture("01_t", "1 · Coins", "", {}), Lecture("02_t", "2 · None", "", {})]
    page = measured_page({"01_t": [CLAIM, CLAIM | {"name": "b", "value": 7, "unit": "", "holds": False}]}, lectures)
    assert r"| a \|ratio\| | −0.0001235 nats | ✓ |" in page
    assert "| b | 7 | ✗ |" in page
    assert "Measured in quick size, cpu, seed 0." in page
    assert "None" not in page


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(0.5, "dB", "0.5 dB"), (1e-20, "", "1e−20"), ([1.0, 2.25], "s", "1, 2.25 s"), (True, "", "True"), (100_000, "", "100000")],
)
def test_a_quantity_is_told_to_four_figures(value, unit, words):
    assert quantity(value, unit) == words


# Links


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone.html">', "the link gone.html leads nowhere"),
        ('<a href="b.html#gone">', "the link b.html#gone names a place that its page does not have"),
        ('<a href="../outside.html">', "the link ../outside.html leaves the site"),
        ('<img src="https://a.org/x.png">', "would load https://a.org/x.png from the network"),
        ('<script src="//a.org/x.js">', "would load //a.org/x.js from the network"),
        ('<link rel="stylesheet" href="https://a.org/x.css">', "would load https://a.org/x.css from the network"),
        ('<p style="background: url(https://a.org/x.png)">', "would load https://a.org/x.png from the network"),
        ('<style>@import "https://a.org/x.css";</style>', "would load https://a.org/x.css from the network"),
    ],
)
def test_a_page_that_leads_nowhere_or_asks_the_network_is_refused(tmp_path, html, fault):
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.html").write_text('<p id="there">')
    assert faults(tmp_path) == [f"a.html: {fault}"]


def test_style_sheets_are_read_too(tmp_path):
    (tmp_path / "a.css").write_text("p { background: url('https://a.org/x.png') } q { background: url(data:image/png;base64,AA) }")
    assert faults(tmp_path) == ["a.css: would load https://a.org/x.png from the network"]


def test_sound_links_pass(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b c.html").write_text('<h1 id="日本">')
    (tmp_path / "a.html").write_text(
        '<a href="https://a.org">far</a><a href="sub/b%20c.html?x=1#%E6%97%A5%E6%9C%AC">near</a><a href="#top" id="top">here</a>'
        '<img src="data:image/png;base64,AA"><link rel="canonical" href="https://a.org"><a href="mailto:a@b.org">write</a>'
    )
    assert faults(tmp_path) == []


# Which lectures run again


@pytest.fixture
def course(tmp_path) -> Path:
    """A course of two lectures, each with a link, a figure's place and a problem set to fetch."""
    for folder in ("notebooks", "assignments/ps01_t", "course_lib"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "course_lib" / "model.py").write_text("A = 1")
    words = f"# 1 · First\n{BADGE}\n\nThen [two](02_second.ipynb#second) and [its set](../assignments/ps01_t/ps01_t.ipynb): $$x$$"
    nbformat.write(new_notebook(cells=[new_markdown_cell(words), new_code_cell("1")]), tmp_path / "notebooks/01_first.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Second"), new_code_cell("2")]), tmp_path / "notebooks/02_second.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Problem set 1")]), tmp_path / "assignments/ps01_t/ps01_t.ipynb")
    return tmp_path


class Runner:
    """Stands for ``course run``: marks every cell as run, writes a claim, and remembers what it was asked."""

    def __init__(self, course: Path):
        self.course, self.asked = course, []

    def __call__(self, names):
        self.asked += names
        for name in names:
            notebook = nbformat.read(self.course / "notebooks" / f"{name}.ipynb", as_version=4)
            for folder in ("lectures", "claims"):
                (self.course / "build" / folder).mkdir(parents=True, exist_ok=True)
            nbformat.write(executed(*notebook.cells), self.course / "build/lectures" / f"{name}.ipynb")
            (self.course / "build/claims" / f"{name}.json").write_text(json.dumps([CLAIM]))


def test_only_what_has_changed_runs_again(course):
    def ran(change=lambda: None) -> list[str]:
        change()
        runner = Runner(course)
        return bring_up_to_date(course, course / "build", run=runner) if runner.asked == [] else []

    first, second = (course / "notebooks" / f"{name}.ipynb" for name in ("01_first", "02_second"))
    assert ran() == ["01_first", "02_second"]
    assert ran() == []
    assert ran(lambda: second.write_text(second.read_text().replace("Second", "Third"))) == ["02_second"]
    assert ran(lambda: (course / "course_lib/model.py").write_text("A = 2")) == ["01_first", "02_second"]
    assert ran(lambda: (course / "course_lib/lectures.json").write_text("{}")) == []  # measured seconds are no change
    assert ran((course / "build/lectures/01_first.ipynb").unlink) == ["01_first"]
    assert ran(lambda: (course / "build/claims/01_first.json").write_text("[]")) == ["01_first"]  # run by hand, with another seed
    assert ran(lambda: first.write_text(first.read_text())) == []


def test_the_size_is_part_of_what_a_lecture_depends_on(course, monkeypatch):
    monkeypatch.setenv("COURSE_SIZE", "quick")
    quick = source_digests(course)
    monkeypatch.setenv("COURSE_SIZE", "full")
    assert all(quick[name] != digest for name, digest in source_digests(course).items())


def test_a_run_that_is_interrupted_keeps_what_was_done(course):
    class Interrupted(Runner):
        def __call__(self, names):
            if names == ["02_second"]:
                raise KeyboardInterrupt
            super().__call__(names)

    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(course, course / "build", run=Interrupted(course))
    assert bring_up_to_date(course, course / "build", run=Runner(course)) == ["02_second"]


def test_a_runner_that_leaves_nothing_is_noticed(course):
    with pytest.raises(RuntimeError, match="01_first ran, but left no"):
        bring_up_to_date(course, course / "build", run=lambda names: None)


# The whole road, with Sphinx


@pytest.mark.slow
def test_a_small_course_becomes_a_site_and_a_second_time_is_the_same(course, capfd):
    site = build_site(course, course / "build", run=Runner(course))
    first = {path: path.read_bytes() for path in site.rglob("*.html")}
    page = (site / "notebooks/01_first.html").read_text()
    assert 'href="02_second.html#second"' in page
    assert sorted(path.name for path in site.glob("_downloads/*/*")) == ["01_first.ipynb", "ps01_t.ipynb"]
    assert "jsdelivr" not in page
    assert '"../_static/mathjax/tex-chtml-full.js' in page
    said = capfd.readouterr().out
    assert "4/4 links" in said

    again = Runner(course)
    build_site(course, course / "build", run=again)
    assert again.asked == []
    assert {path: path.read_bytes() for path in site.rglob("*.html")} == first

    (course / "notebooks/02_second.ipynb").rename(course / "notebooks/03_third.ipynb")
    first_lecture = course / "notebooks/01_first.ipynb"
    first_lecture.write_text(first_lecture.read_text().replace("02_second", "03_third"))
    build_site(course, course / "build", run=Runner(course))
    assert sorted(path.name for path in (site / "notebooks").glob("*.html")) == ["01_first.html", "03_third.html"]


LINKS = {
    "[gone](05_gone.ipynb)": "cross-reference target not found: '05_gone.ipynb'",
    "[gone](../assignments/ps09_gone/ps09_gone.ipynb)": "download file not readable",
    "[gone](01_first.ipynb#gone)": "local id not found in doc 'notebooks/01_first': 'gone'",
}
PICTURES = {
    "![far](https://a.org/1.png)": "would load https://a.org/1.png from the network",
    "<img src='https://a.org/2.png'>": "would load https://a.org/2.png from the network",
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [LINKS, PICTURES], ids=["links", "pictures"])
def test_make_book_fails_and_says_where(course, wrong, capfd, monkeypatch):
    monkeypatch.setattr(book_build, "run_lectures", lambda names, *, course, build: Runner(course)(names))
    monkeypatch.setenv("COURSE_BUILD", str(course / "build"))
    nbformat.write(executed(new_markdown_cell("\n\n".join(["# Second", *wrong]))), course / "notebooks/02_second.ipynb")
    for _ in range(2):  # the second time nothing has changed, and the faults are still there
        assert book_build.main(["--course", str(course)]) == 1
        said = capfd.readouterr().err
        assert [fault for fault in wrong.values() if fault not in said] == []
        assert "02_second" in said
        assert "The site is not whole" in said


@pytest.mark.slow
def test_a_lecture_that_fails_stops_the_site(course, monkeypatch, capfd):
    broken = new_notebook(cells=[new_markdown_cell("# Second"), new_code_cell("print(unknown_name)")])
    nbformat.write(broken, course / "notebooks/02_second.ipynb")
    monkeypatch.setenv("COURSE_BUILD", str(course / "build"))
    assert book_build.main(["--course", str(course)]) == 1
    said = capfd.readouterr().err
    assert "NameError" in said
    assert "02_second did not run through" in said
    assert not (course / "build/book/html").exists()


def test_a_course_without_lectures_is_refused(tmp_path):
    with pytest.raises(SiteFault, match="there is no lecture in"):
        build_site(tmp_path, tmp_path / "build")


def test_mathjax_is_whole_and_its_licence_stands_beside_it(root):
    vendored = root / "book/_static/mathjax"
    assert "Apache License" in (vendored / "LICENSE").read_text()
    assert len(list((vendored / "output/chtml/fonts/woff-v2").glob("*.woff"))) == 23
    assert "3.2.2" in (vendored / "tex-chtml-full.js").read_text()
