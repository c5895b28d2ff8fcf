"""What a student gets back: one HTML file with the marks, and the notebook with each lost point beside its cell.

Nothing of a hidden test is in it. The text of checks comes from the release alone; of a hidden line only the author's own words are told;
and what a student's cell printed after a hidden test had run is left out, for it could repeat what that test asked.
"""

import builtins
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape
from nbformat import NotebookNode

from course_lib.grading import markup, pages
from course_lib.grading.cells import grade_id, is_solution, is_test, meta
from course_lib.grading.records import Outcome, Question, Record, Status
from course_lib.grading.shown_outputs import shown

STATUS = {
    Status.GRADED: "All of it was graded.",
    Status.PARTIAL: "Some cells ran out of time or ended Python; everything else was graded.",
    Status.NEEDS_REVIEW: "A person looks at this notebook before the marks are final.",
    Status.NOT_ATTEMPTED: "The notebook is as it was given out: there was no answer to grade.",
    Status.MISSING: "Nothing was handed in.",
    Status.UNREADABLE: "What was handed in cannot be read as a notebook. Open it in Jupyter or Colab: if it opens there, save it and hand in the .ipynb file.",
    Status.INFRASTRUCTURE_ERROR: "Grading failed, and it was no fault of yours. There is no mark yet: your work is kept and will be graded again.",
}
OUTCOME = {
    Outcome.RIGHT: ("✓", "right"),
    Outcome.PART: ("◐", "partly right"),
    Outcome.WRONG: ("✗", "not right yet"),
    Outcome.CRASHED: ("✗", "Python ended while this ran"),
    Outcome.TIMED_OUT: ("✗", "no result in time"),
    Outcome.NOT_ATTEMPTED: ("○", "no answer"),
    Outcome.BY_HAND: ("…", "a person marks this"),
    Outcome.NOT_JUDGED: ("–", "not judged"),
}
_LONGEST_MESSAGE = 600  # characters
_LARGEST_PAGE = 16_000_000  # characters of cells
_LARGEST_HTML = 400_000  # characters of one cell without its pictures


@dataclass(frozen=True)
class Comment:
    """What a person said of an answer.

    Attributes:
        text: Markdown.
        score: the points that the person gave; None leaves what was judged.
    """

    text: str = ""
    score: float | None = None


@dataclass(frozen=True)
class _Mark:
    """One question as the page shows it."""

    anchor: str
    name: str
    task: str
    score: float | None
    points: float
    sign: str
    outcome: str
    kind: str
    says: tuple[str, ...]
    comment: Markup


def page(
    record: Record,
    notebook: NotebookNode | None,
    released: NotebookNode,
    *,
    comments: Mapping[str, Comment] | None = None,
    penalty: float = 0.0,
    hidden_tests: Collection[str] | None = None,
) -> str:
    """Returns the feedback on one notebook of one student, a page that needs nothing else and in which nothing runs.

    Args:
        record: what grading found.
        notebook: the repaired notebook with the outputs of the student's own cells; None where nothing could be read.
        released: what students got: the only source of the text of checks, so that no hidden test can slip through.
        comments: what a person said, by grade id; an entry under the empty name stands at the page's head.
        penalty: points taken off for lateness.
        hidden_tests: grade ids of the checks that hold hidden tests; what a student's cell prints after the first of them could repeat
            what that test asked, and is left out. None takes every check for one.
    """
    said = comments or {}
    tasks = _tasks(released)
    marks = {q.grade_id: _mark(q, i, tasks.get(q.grade_id, ""), said.get(q.grade_id, Comment())) for i, q in enumerate(record.questions)}
    judged = record.status is not Status.INFRASTRUCTURE_ERROR
    total = sum((mark.score for mark in marks.values() if mark.score is not None), start=0.0)
    return pages.render(
        "feedback.html",
        record=record,
        title=_title(released) or record.assignment,
        status=STATUS[record.status],
        marks=list(marks.values()),
        judged=judged,
        total=max(total - penalty, 0.0),
        before=total,
        penalty=penalty,
        waiting=sum((mark.points for mark in marks.values() if mark.score is None), start=0.0) if judged else 0.0,
        comment=markup.markdown(said[""].text) if "" in said else "",
        cells=_cells(notebook, released, marks, hidden_tests) if notebook else [],
    )


def _mark(question: Question, index: int, task: str, comment: Comment) -> _Mark:
    sign, outcome = OUTCOME[question.outcome]
    score = question.score if comment.score is None else comment.score
    if comment.score is not None:
        sign, outcome = ("✓" if score >= question.max_score else "◐" if score > 0 else "✗"), "marked by a person"
    lost = score is None or score < question.max_score
    full = score is not None and not lost
    return _Mark(
        anchor=f"question-{index + 1}",
        name=question.grade_id,
        task=task,
        score=score,
        points=question.max_score,
        sign=sign,
        outcome=outcome,
        kind="won" if full else "waiting" if score is None else "lost",
        says=tuple(_says(question)) if lost else (),
        comment=markup.markdown(comment.text) if comment.text.strip() else Markup(""),
    )


def _says(question: Question) -> list[str]:
    """What a student is told of a check that was not passed; of a hidden line only the author's words."""
    if question.outcome not in (Outcome.WRONG, Outcome.PART, Outcome.CRASHED, Outcome.TIMED_OUT):
        return []
    if question.hidden:
        said = question.words.strip()
        return ["A check that you do not see, on other data, did not pass."] + ([f"It says: {said}"] if said else [])
    said = question.message.strip() or question.words.strip()
    said = re.sub(r"^(course_lib\.check\.)?(Mistake|AssertionError): ", "", said)
    return [said if len(said) <= _LONGEST_MESSAGE else said[:_LONGEST_MESSAGE] + " …"] if said else []


# ------------------------------------------------------------------------------------------------------------- the notebook


def _cells(
    notebook: NotebookNode, released: NotebookNode, marks: Mapping[str, _Mark], hidden_tests: Collection[str] | None
) -> list[dict[str, object]]:
    """The notebook's cells as the page shows them; locked ones from the release, with the marks where they were lost or won."""
    given = {grade_id(cell): cell for cell in released.cells if grade_id(cell)}
    outline, seen, asked, size = _Outline(), set(), False, 0
    blocks: list[dict[str, object]] = []
    for cell in notebook.cells:
        name = grade_id(cell)
        locked = name in given and not is_solution(given[name])
        if name and name not in given and meta(cell).get("grade") and not is_solution(cell):
            continue  # a check that was not released
        block = _block(given[name] if locked else cell, outline, marks.get(name) if name not in seen else None)
        if not locked and cell.cell_type == "code":
            block["outputs"] = _outputs(cell, asked)
        seen.add(name)
        asked = asked or (locked and is_test(given[name]) and (hidden_tests is None or name in hidden_tests))
        size += sum(len(part) for part in (block["source"], *block["outputs"]))
        if size > _LARGEST_PAGE:
            return [*blocks, {"kind": "cut", "source": "", "outputs": [], "mark": None}]
        blocks.append(block)
    return blocks


def _block(cell: NotebookNode, outline: "_Outline", mark: _Mark | None) -> dict[str, object]:
    if cell.cell_type == "markdown":
        kind, source = "text", outline.put(markup.markdown(cell.source, cell.get("attachments")))
    elif cell.cell_type == "code":
        kind, source = ("check" if is_test(cell) else "code"), markup.code(cell.source)
    else:
        kind, source = "code", escape(cell.source[:_LONGEST_MESSAGE])
    if len(re.sub(r'src="data:[^"]*"', "", source)) > _LARGEST_HTML:
        source = Markup('<p class="absent">(too long to be shown)</p>')
    answer = bool(mark) or is_solution(cell)
    return {"kind": kind, "source": source, "outputs": [], "mark": mark, "answer": answer and kind != "check"}


def _outputs(cell: NotebookNode, asked: bool) -> list[Markup]:
    outputs = cell.get("outputs", [])
    if not asked:
        return shown(outputs)
    ended = next((str(output.get("ename")) for output in outputs if output.get("output_type") == "error"), None)
    if ended is None:
        return []
    kind = getattr(builtins, ended, None)
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    return [Markup('<p class="absent">(this cell ended with {}; run it to see where)</p>').format(ended if known else "an error")]


class _Outline:
    """Headings that never skip a level, whatever a notebook does: the page itself has the first two."""

    def __init__(self) -> None:
        self.last = 2

    def put(self, html: Markup) -> Markup:
        """Returns the text with its headings' levels lowered; the same ones for what belongs to them."""

        def level(found: re.Match[str]) -> str:
            if not found[1]:
                self.last = min(int(found[2]) + 2, self.last + 1, 6)
            return f"<{found[1]}h{self.last}>"

        return Markup(re.sub(r"<(/?)h([1-6])>", level, html))


def _plain(heading: str) -> str:
    """A heading without Markdown's signs."""
    return re.sub(r"[*_`$]|\\[a-zA-Z]+", "", heading).strip()


def _title(released: NotebookNode) -> str:
    """The first heading of the first cell that has one."""
    for cell in released.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^#\s+(.+)$", cell.source, re.MULTILINE)):
            return _plain(found[1])
    return ""


def _tasks(released: NotebookNode) -> dict[str, str]:
    """The heading under which each graded cell stands, by grade id."""
    found, task = {}, ""
    for cell in released.cells:
        if (
            cell.cell_type == "markdown"
            and not is_solution(cell)
            and (headings := re.findall(r"^#{2,6}\s+(.+)$", cell.source, re.MULTILINE))
        ):
            task = _plain(headings[-1])
        if meta(cell).get("grade") or meta(cell).get("task"):
            found[grade_id(cell)] = task
    return found
