"""The notebook as nbgrader's own autograder would have left it, so that formgrader and ``nbgrader generate_feedback`` show a judged submission.

Locked cells are the instructor's, hidden tests included; what a check's output says is its score; answers are the student's, made inert:
formgrader shows them inside JupyterLab, where a script of a student's would hold the instructor's keys.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping

import nbformat
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution

from course_lib.grading.notebooks.cells import grade_id, is_test
from course_lib.grading.records import Outcome, Question, Record

_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_LONGEST = 20_000  # characters of a check's message, and of words that are shown as they were typed
_DEFUSED = [
    (re.compile(r"&(?=#?\w+;)"), "& "),
    (re.compile(r"<(?=[A-Za-z/!?])"), "< "),  # a tag needs a letter right after its angle
    (re.compile(r"(?i)(script)\\*:"), r"\1 :"),
    (re.compile(r"(?i)([`~]{3,}\s*)mermaid"), r"\1text"),
    (re.compile(r"\\href"), r"\\ href"),
]


def autograded(prepared: NotebookNode, record: Record, executed: NotebookNode | None) -> NotebookNode:
    """Returns the notebook for nbgrader's ``autograded`` folder.

    Args:
        prepared: the instructor's notebook without solutions, hidden tests and checksums in it.
        record: what grading found.
        executed: the student's notebook with its own cells' outputs; None where nothing could be read, and the blank one stands for it.

    Raises:
        ValueError: if nbgrader would read another score from a check's outputs than the record has.
    """
    ours = {grade_id(cell): cell for cell in prepared.cells if grade_id(cell)}
    questions = {question.grade_id: question for question in record.questions}
    made: list[NotebookNode] = [] if executed is not None else [_notice(record)]
    for cell in prepared.cells if executed is None else executed.cells:
        own = ours.pop(grade_id(cell), None)
        made.append(_inert(cell) if own is None and executed is not None else _graded(own or cell, cell, questions))
    made += [_graded(cell, cell, questions) for cell in ours.values()]
    for number, cell in enumerate(made):
        cell.id = f"cell-{number}"
    whole = nbformat.v4.new_notebook(cells=made, metadata=prepared.metadata)
    return nbformat.from_dict(whole)


def unanswered(prepared: NotebookNode, executed: NotebookNode) -> frozenset[str]:
    """Returns the grade ids of solution cells that a student left as they were given out, by nbgrader's own checksum."""
    given = {grade_id(cell): cell for cell in prepared.cells if is_solution(cell)}
    left = set()
    for cell in executed.cells:
        if own := given.get(grade_id(cell)):
            answer = nbformat.from_dict({**own, "source": cell.source})
            if compute_checksum(answer) == own.metadata.nbgrader.get("checksum"):
                left.add(grade_id(cell))
    return frozenset(left)


def answers(notebook: NotebookNode) -> dict[str, str]:
    """Returns what a student wrote in an autograded notebook: by grade id, and under the empty name all cells that are nobody else's."""
    written = {grade_id(cell): cell.source for cell in notebook.cells if is_solution(cell)}
    return written | {"": "\n".join(cell.source for cell in notebook.cells if not grade_id(cell))}


def _notice(record: Record) -> NotebookNode:
    remarks = "".join(f"\n- {_plain(remark)}" for remark in record.remarks)
    return new_markdown_cell(
        f"**What was handed in could not be read as a notebook ({record.status}); below is the blank one.**\n{remarks}"
    )


def _graded(own: NotebookNode, theirs: NotebookNode, questions: Mapping[str, Question]) -> NotebookNode:
    """One of the instructor's cells: with the student's answer if it is a place for one, with the score if it is a check."""
    cell = nbformat.from_dict(own)
    if is_solution(own):
        if cell.cell_type == "code":
            cell.source = theirs.source
        elif theirs.source != own.source:
            cell = _words(cell, theirs)
    if cell.cell_type == "code":
        cell.execution_count = None
        if is_test(own):
            cell.outputs = _said(questions.get(grade_id(own)))
        else:
            cell.outputs = _shown(theirs.get("outputs", []))
    if is_test(own) and is_grade(own):
        _agree(cell, questions.get(grade_id(own)))
    return cell


def _said(question: Question | None) -> list[NotebookNode]:
    """Outputs from which nbgrader reads the score: nothing for all points, a number for some, an error for none."""
    if question is None or question.score is None:
        return [new_output("stream", name="stdout", text=(question.message if question else "") or "not judged: no mark yet")]
    if question.score == question.max_score and question.outcome is not Outcome.PART:
        return []
    if question.score > 0 or question.outcome is Outcome.PART:
        notes = [new_output("stream", name="stdout", text=question.message[:_LONGEST])] if question.message else []
        return [*notes, new_output("execute_result", data={"text/plain": repr(float(question.score))}, execution_count=None)]
    message = (question.message or question.words or str(question.outcome))[:_LONGEST]
    return [new_output("error", ename=str(question.outcome), evalue=question.words, traceback=message.splitlines() or [message])]


def _agree(cell: NotebookNode, question: Question | None) -> None:
    if question is None or question.score is None:
        return
    points = float(cell.metadata.nbgrader.points)
    if not 0 <= question.score <= points or (read := determine_grade(cell)[0]) != question.score:
        read = read if 0 <= question.score <= points else "nothing"
        raise ValueError(
            f"{grade_id(cell)}: the record gives {question.score} of {points} points, and nbgrader reads {read}: grade it anew"
        )


def _inert(cell: NotebookNode) -> NotebookNode:
    """A cell of the student's own: its words and its code, nothing that a browser runs, no metadata."""
    if cell.cell_type == "code":
        return new_code_cell(cell.source, outputs=_shown(cell.get("outputs", [])))
    return _words(new_markdown_cell(), cell)


def _words(cell: NotebookNode, theirs: NotebookNode) -> NotebookNode:
    """A Markdown cell with the student's words and pictures, which nbconvert can render."""
    pictures = {str(name): kept for name, data in theirs.get("attachments", {}).items() if (kept := _bundle(data))}
    cell.source = _plain(theirs.source)
    if pictures and theirs.cell_type == "markdown":
        cell.attachments = pictures
    doubtful = len(cell.source) > _LONGEST or re.search(r"attachment|(?:[-+>*_!(\[]\s*){30}| {100}", cell.source)
    if doubtful and not _renders(cell):
        cell.source = "\n".join(f"    {line}" for line in cell.source[:_LONGEST].splitlines())  # as it was typed
    return cell


def _renders(cell: NotebookNode) -> bool:
    if len(cell.source) > 5 * _LONGEST:
        return False
    try:
        MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=cell.get("attachments", {}))).render(cell.source)
    except (InvalidNotebook, RecursionError):  # a picture that is not there; quotes in quotes in quotes
        return False
    return True


def _plain(words: str) -> str:
    """Markdown in which nothing is HTML, an entity, a script or a diagram; where a space was put in, mathematics does not mind."""
    for pattern, instead in _DEFUSED:
        words = pattern.sub(instead, words)
    return words


def _shown(outputs: Iterable[Mapping]) -> list[NotebookNode]:
    """Outputs of a student's cell, as text and pictures alone."""
    shown = []
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            shown.append(
                new_output("stream", name="stdout" if output.get("name") != "stderr" else "stderr", text=_text(output.get("text")))
            )
        elif kind == "error":
            lines = [_text(line) for line in output.get("traceback", [])]
            shown.append(new_output("error", ename=_text(output.get("ename")), evalue=_text(output.get("evalue")), traceback=lines))
        elif kind in ("display_data", "execute_result") and (data := _bundle(output.get("data", {}))):
            shown.append(new_output("display_data", data=data))
    return shown


def _bundle(data: Mapping) -> dict[str, str]:
    kept = {"text/plain": _text(data["text/plain"])} if "text/plain" in data else {}
    for mime, beginning in _PICTURES.items():
        try:
            picture = base64.b64decode(re.sub(r"\s", "", _text(data.get(mime, ""))), validate=True)
        except (binascii.Error, ValueError):
            continue
        if picture.startswith(beginning):
            kept[mime] = base64.b64encode(picture).decode()
    return kept


def _text(value: object) -> str:
    """A notebook's text, which may be a list of lines."""
    return "".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)
