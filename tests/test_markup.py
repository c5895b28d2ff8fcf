"""Markup: what a student wrote is shown, and does nothing."""

import base64
import io
import json
import re
import time
from pathlib import Path

import pytest
from feedback_samples import HOSTILE, picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from course_lib.grading.reporting import markup

ROOT = Path(__file__).parents[1]
HARMLESS = re.compile(
    r"<(?:/?[a-z][a-z0-9]*|img src=\"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=]*\" alt=\"[^\"<>]*\"|[a-z][a-z0-9]*(?: [a-z]+=\"[^\"<>]*\")+) ?/?>"
)
FORBIDDEN = re.compile(
    r"<(script|style|iframe|object|embed|form|input|button|link|meta|base|svg|video|audio)\b| (on\w+|style|id|srcdoc)=|javascript:|data:(?!image/(png|jpeg);)"
)


def assert_inert(html: str) -> None:
    """Every sign that begins a tag begins one of ours, and none of them can do anything."""
    tags = re.findall(r"<[^>]*>?", html)
    assert [tag for tag in tags if not HARMLESS.fullmatch(tag)] == []
    assert [tag for tag in tags if FORBIDDEN.search(tag)] == []


# ------------------------------------------------------------------------------------------------------------- Markdown


def test_hostile_markdown_keeps_its_words_and_loses_all_that_acts():
    shown = markup.markdown(HOSTILE)
    assert_inert(shown)
    assert "over everything" in shown
    assert '<a href="https://example.org/page" rel="noopener noreferrer">fine</a>' in shown
    assert "evil.example" not in shown


@pytest.mark.parametrize("line", [line for line in HOSTILE.splitlines() if line])
def test_each_hostile_line_is_inert_alone(line):
    assert_inert(markup.markdown(line))
    assert_inert(markup.markdown(f"| {line} |\n|---|\n| {line} |"))


pieces = st.sampled_from(
    [
        *"<>\"'`$[]()!#*_\\ \n=/-;:&",
        "<script>",
        "<img src=",
        "onerror=",
        "javascript:",
        "$$",
        "\\text{",
        "\\href{",
        "}",
        "<details>",
        "</p>",
        "<!--",
        "]]>",
        "data:image/png;base64,",
        "<math>",
        "<svg>",
        "x",
        "\ud800",
        "<style>",
    ]
)


@given(st.lists(pieces, max_size=25).map("".join))
def test_nothing_that_can_be_written_acts(text):
    assert_inert(markup.markdown(text))
    assert_inert(markup.formula(text))
    assert_inert(markup.terminal(text))
    assert_inert(markup.code(text))


def test_markdown_keeps_what_notebooks_use():
    shown = markup.markdown(
        "| a | b |\n|---|---:|\n| 1 | $x^2$ |\n\n<details><summary>Hint</summary>Where is $x_n$?</details>\n\n~~old~~ `code`"
    )
    assert '<th class="right">b</th>' in shown
    assert "<details><summary>Hint</summary>Where is <math" in shown
    assert shown.count("<msup>") == shown.count("<msub>") == 1
    assert "<s>old</s>" in shown
    assert "<code>code</code>" in shown


def test_dollars_of_money_and_code_are_no_formulae():
    assert "<math" not in markup.markdown("It costs $5 and $6 a month.\n\nOr `$x$`, or \\$7 and \\$8.")


@pytest.mark.parametrize("text", ["$x$ is 1", "$x$, anywhere between 0 and 5", "| |\n|-|\n| $x$, not 0 |", "$$x$$ 7"])
def test_what_begins_with_a_formula_may_end_in_a_digit(text):
    assert "<math" in markup.markdown(text)


def test_pictures_are_shown_if_they_are_embedded_and_named_if_not():
    shown = markup.markdown("![mine](attachment:a.png) ![far](http://example.org/b.png)", {"a.png": {"image/png": picture()}})
    assert f'<img src="data:image/png;base64,{picture()}" alt="mine">' in shown
    assert "[picture: far]" in shown
    assert "example.org" not in shown
    assert f'src="data:image/png;base64,{picture()}"' in markup.markdown(f'<img src="data:image/png;base64,{picture()}">')


# ------------------------------------------------------------------------------------------------------------- formulae


def test_every_formula_of_the_course_is_converted():
    formulae = set()
    for file in [*ROOT.glob("assignments/*/*.ipynb"), *ROOT.glob("notebooks/*.ipynb")]:
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                formulae |= {a or b for a, b in re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", "".join(cell["source"]), re.DOTALL)}
    assert len(formulae) > 300
    assert [latex for latex in sorted(formulae) if 'class="latex"' in markup.formula(latex)] == []


@pytest.mark.parametrize("latex", ["{" * 3000, r"\frac{" * 400, r"\left(", "x" * 4000, r"\unknown{x}", "", "}", r"\begin{array}"])
def test_a_formula_that_cannot_be_converted_is_shown_as_it_was_written(latex):
    assert_inert(markup.formula(latex))
    assert latex in markup.formula(latex) or "<math" in markup.formula(latex)


def test_latex_cannot_bring_links_styles_or_tags():
    for latex in (
        r"\href{javascript:alert(1)}{x}",
        r"\style{position:fixed}{x}",
        r"\class{verdict}{x}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\id{a}{x}",
    ):
        assert_inert(markup.formula(latex))
        assert not re.search("javascript|fixed|verdict|onerror", re.sub('<code class="latex">.*', "", markup.formula(latex)))


# ------------------------------------------------------------------------------------------------------------- code, terminal, pictures


def test_code_is_coloured_and_long_code_is_cut():
    assert markup.code("def f(x): return '<b>'").startswith('<span class="k">def</span>')
    assert "left out" in markup.code("x = 1\n" * 100_000)
    assert "left out" not in markup.code("x = 1\n" * 900)


def test_a_terminals_colours_progress_and_floods():
    assert markup.terminal("\x1b[31mred\x1b[0m <b>") == '<span class="ansi-red">red</span> &lt;b&gt;'
    assert (
        markup.terminal("\x1b[1;92mbold\x1b[39m still\x1b[0m")
        == '<span class="ansi-green bold">bold</span><span class="bold"> still</span>'
    )
    assert markup.terminal(" 10%\r 90%\r100%\r\ndone") == "100%\ndone"
    assert markup.terminal("\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x1b[2J") == "link"
    flood = markup.terminal("\n".join(map(str, range(100_000))))
    assert flood.startswith("0\n1\n")
    assert "lines left out" in flood
    assert len(flood) < 13_000
    assert len(markup.terminal("x" * 10**7)) < 13_000


def test_only_whole_png_and_jpeg_of_bearable_size_are_pictures():
    assert markup.picture(picture()).startswith("data:image/png;base64,")
    assert markup.picture(picture("JPEG")).startswith("data:image/jpeg;base64,")
    gif, bomb, heavy = io.BytesIO(), io.BytesIO(), io.BytesIO()
    Image.new("L", (3, 3)).save(gif, "GIF")
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    Image.effect_noise((2000, 2000), 99).save(heavy, "PNG")
    for file in (gif, bomb, heavy):
        assert markup.picture(base64.b64encode(file.getvalue())) is None
    for text in (
        "",
        "AAAA",
        "no base64 é",
        '"><script>',
        base64.b64encode(b"<svg onload=alert(1)>").decode(),
        picture()[: len(picture()) // 64],
    ):
        assert markup.picture(text) is None


@pytest.mark.parametrize(
    "text", ["<div>" * 50_000, "[" * 50_000, "*a_ " * 20_000, "$" * 30_000, "> " * 20_000, "`" * 30_000, "<!-- " * 10_000, "a $x " * 9000]
)
def test_pathological_texts_take_seconds_not_minutes(text):
    started = time.process_time()
    assert_inert(markup.markdown(text)[:100_000].rpartition("<")[0])
    assert time.process_time() - started < 5
