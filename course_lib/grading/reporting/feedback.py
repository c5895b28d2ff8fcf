"""What a student gets back: one HTML file with the marks, and the notebook with each lost point beside its cell.

Nothing of a hidden test is in it. The text of checks comes from the release alone; of a hidden line only the author's own words are told;
and what a student's cell printed or raised after a hidden test had run is left out, for it could repeat what that test asked.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape
from nbformat import NotebookNode

from course_lib.grading.notebooks.cells import grade_id, is_solution, is_test, meta
from course_lib.grading.recording.marks import Comment
from course_lib.grading.records import Outcome, Question, Record, Status
from course_lib.grading.reporting import lost_points, markup, pages
from course_lib.grading.reporting.machine_paths import without_machine
from course_lib.grading.reporting.shown_outputs import shown, withheld

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
_REVIEWED = "All of it was graded, and a person has looked at it."
_EMPTY = (Status.MISSING, Status.UNREADABLE)  # a table of zeros would say nothing that the status does not
# No part may hold what begins it, or a hostile text takes time as the square of its length.
_BADGE = re.compile(r"\[!\[[^\[\]]*\]\([^()\s]*\)\]\(https://colab\.research\.google\.com/[^()\s]*\)")
_LONGEST_RAW = 600  # characters
_LARGEST_PAGE = 16_000_000  # characters of cells
_LARGEST_HTML = 400_000  # characters of one cell without its pictures


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
    mixed: Collection[str] = (),
    reviewed: bool = False,
    folders: Collection[str] = (),
) -> str:
    """Returns the feedback on one notebook of one student, a page that needs nothing else and in which nothing runs.

    Args:
        record: what grading found.
        notebook: the repaired notebook with the outputs of the student's own cells; None where nothing could be read.
        released: what students got: the only source of the text of checks, so that no hidden test can slip through.
        comments: what a person said, by grade id; an entry under the empty name stands at the page's head.
        penalty: points taken off for lateness.
        hidden_tests: grade ids of the checks that hold hidden tests; what a student's code prints or raises after the first of them could
            repeat what that test asked, and is left out. None takes every check for one.
        mixed: those of them in which lines that a student sees follow hidden ones.
        reviewed: whether a person has looked at a notebook that needed it.
        folders: the course's, which no student is told of; this machine's own are known.
    """
    said, tasks, empty = comments or {}, _tasks(released), record.status in _EMPTY
    lost = _lost(record, released, hidden_tests, mixed, folders)
    marks = {
        q.grade_id: _mark(q, i, tasks.get(q.grade_id, ""), said.get(q.grade_id, Comment()), lost) for i, q in enumerate(record.questions)
    }
    judged = record.status is not Status.INFRASTRUCTURE_ERROR
    total = sum((mark.score for mark in marks.values() if mark.score is not None), start=0.0)
    return pages.render(
        "feedback.html",
        record=record,
        title=title_of(released) or record.assignment,
        status=_REVIEWED if reviewed and record.status is Status.NEEDS_REVIEW else STATUS[record.status],
        reasons=[without_machine(remark, folders) for remark in record.remarks] if empty else [],
        submitted=_when(record.submitted),
        marks=[] if empty and not any(mark.score for mark in marks.values()) else list(marks.values()),
        judged=judged,
        total=max(total - penalty, 0.0),
        before=total,
        penalty=penalty,
        waiting=sum((mark.points for mark in marks.values() if mark.score is None), start=0.0) if judged else 0.0,
        comment=markup.markdown(said[""].text) if "" in said else "",
        cells=_cells(notebook, released, marks, hidden_tests, folders) if notebook else [],
    )


def _lost(
    record: Record, released: NotebookNode, hidden_tests: Collection[str] | None, mixed: Collection[str], folders: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """What a student is told of each question, by grade id, in the order in which they were asked."""
    questions, found, asked = {question.grade_id: question for question in record.questions}, {}, False
    for cell in released.cells:
        name = grade_id(cell)
        if name in questions:
            told = lost_points.told(questions[name], asked=asked or name in mixed, check=cell.source)
            found[name] = tuple(without_machine(line, folders) for line in told)
        asked = asked or (is_test(cell) and (hidden_tests is None or name in hidden_tests))
    return found


def _when(submitted: str) -> str:
    """A moment to the minute, in this machine's zone."""
    try:
        return f"{datetime.fromisoformat(submitted).astimezone():%Y-%m-%d %H:%M %Z}"
    except ValueError:
        return submitted


def _mark(question: Question, index: int, task: str, comment: Comment, told: Mapping[str, tuple[str, ...]]) -> _Mark:
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
        says=told.get(question.grade_id, ()) if lost else (),
        comment=markup.markdown(comment.text) if comment.text.strip() else Markup(""),
    )


# ------------------------------------------------------------------------------------------------------------- the notebook


def _cells(
    notebook: NotebookNode,
    released: NotebookNode,
    marks: Mapping[str, _Mark],
    hidden_tests: Collection[str] | None,
    folders: Collection[str],
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
            block["outputs"] = withheld(cell, answer=name in given) if asked else shown(cell.get("outputs", []), folders)
        seen.add(name)
        asked = asked or (locked and is_test(given[name]) and (hidden_tests is None or name in hidden_tests))
        size += sum(len(part) for part in (block["source"], *block["outputs"]))
        if size > _LARGEST_PAGE:
            return [*blocks, {"kind": "cut", "source": "", "outputs": [], "mark": None}]
        blocks.append(block)
    return blocks


def _block(cell: NotebookNode, outline: "_Outline", mark: _Mark | None) -> dict[str, object]:
    if cell.cell_type == "markdown":
        kind, source = "text", outline.put(markup.markdown(_BADGE.sub("", cell.source), cell.get("attachments")))
    elif cell.cell_type == "code":
        kind, source = ("check" if is_test(cell) else "code"), markup.code(cell.source)
    else:
        kind, source = "code", escape(cell.source[:_LONGEST_RAW])
    if len(re.sub(r'src="data:[^"]*"', "", source)) > _LARGEST_HTML:
        source = Markup('<p class="absent">(too long to be shown)</p>')
    answer = bool(mark) or is_solution(cell)
    return {"kind": kind, "source": source, "outputs": [], "mark": mark, "answer": answer and kind != "check"}


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


def title_of(released: NotebookNode) -> str:
    """Returns a notebook's title: the first heading of the first cell that has one, empty without one."""
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
