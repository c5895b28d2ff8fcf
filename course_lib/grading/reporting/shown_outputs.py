"""The outputs of a cell, safe to read: text, errors, tables as text, embedded pictures; what only a live notebook can show is named."""

import ast
from collections.abc import Collection, Iterator, Mapping

from markupsafe import Markup
from nbformat import NotebookNode

from course_lib.grading.notebooks.namespaces import python_of
from course_lib.grading.reporting.machine_paths import without_machine
from course_lib.grading.reporting.markup import formula, markdown, picture, terminal

_UNSHOWN = {
    "application/vnd.jupyter.widget-view+json": "an interactive widget: it lives in your notebook",
    "text/html": "HTML: it is not shown here",
    "image/svg+xml": "an SVG drawing: only PNG and JPEG pictures are shown here",
    "application/javascript": "a script: nothing runs here",
}


def shown(outputs: list[NotebookNode], folders: Collection[str] = ()) -> list[Markup]:
    """Returns what stands under a cell, a block for each output.

    Args:
        outputs: nbformat's outputs; anything that is none is passed over.
        folders: the grading machine's, which nobody is told of.
    """
    return [block for output in _joined(outputs) if (block := _block(output, folders))]


def withheld(cell: NotebookNode, *, answer: bool) -> list[Markup]:
    """Returns what is told of a cell that ran after a hidden test, for what it shows could repeat what that test asked.

    Grading's own notes are told, and of an answer that ended with an error just that, or what of it is no Python; of a cell of the
    student's own nothing, for there may be thousands, and each that ends or does not end with an error would carry a bit.

    Args:
        cell: the cell with its outputs.
        answer: whether it is one of the cells that were given out to be filled in.
    """
    outputs = cell.get("outputs", [])
    notes = [block for output in outputs if is_note(output) and (block := _block(output, ()))]
    if answer and any(output.get("output_type") == "error" for output in outputs):
        wrong = _no_python(cell.source) or "this cell ended with an error; run it to see where"
        notes.append(Markup('<p class="absent">({})</p>').format(wrong))
    return notes


def is_note(output: Mapping[str, object]) -> bool:
    """Whether an output is a note of grading's: its metadata say so, and no student's kernel can give an output metadata."""
    return output.get("output_type") == "display_data" and dict(output.get("metadata") or {}).get("grading") is True


def _no_python(source: str) -> str:
    """Why a cell cannot be read by Python, told from its source alone."""
    try:
        ast.parse(python_of(source))
    except SyntaxError as error:
        return f"this is no Python yet: line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError):
        return "this is no Python yet"
    return ""


def _joined(outputs: list[NotebookNode]) -> Iterator[dict]:
    """The outputs, pieces of one stream put together again."""
    waiting: dict | None = None
    for output in outputs:
        if waiting and output.get("output_type") == "stream" and output.get("name") == waiting["name"]:
            waiting["text"] += _text(output.get("text"))
            continue
        if waiting:
            yield waiting
        stream = output.get("output_type") == "stream"
        waiting = {"output_type": "stream", "name": output.get("name"), "text": _text(output.get("text"))} if stream else None
        if not stream:
            yield output
    if waiting:
        yield waiting


def _block(output: dict, folders: Collection[str]) -> Markup | None:
    kind = output.get("output_type")
    if is_note(output):
        said = _text(output["data"].get("text/plain"))
        return Markup('<p class="note">{}</p>').format(said[:1].upper() + said[1:])
    if kind == "stream":
        label = "warnings and errors" if output["name"] == "stderr" else "printed"
        return Markup('<pre class="{}" aria-label="{}">{}</pre>').format(
            "stderr" if label != "printed" else "stdout", label, terminal(without_machine(output["text"], folders))
        )
    if kind == "error":
        lines = [_text(line) for line in output.get("traceback", [])] or [f"{output.get('ename')}: {output.get('evalue')}"]
        return Markup('<pre class="error" aria-label="error">{}</pre>').format(terminal(without_machine("\n".join(lines), folders)))
    data = output.get("data") if kind in ("display_data", "execute_result") else None
    return _richest(data, folders) if isinstance(data, dict) else None


def _richest(data: dict, folders: Collection[str]) -> Markup | None:
    """The best of the forms in which a value comes that can be shown."""
    words = without_machine(_text(data.get("text/plain")), folders)
    for kind in ("image/png", "image/jpeg"):
        if kind in data and (address := picture(_text(data[kind]))):
            return Markup('<img src="{}" alt="{}">').format(address, words[:200] or "picture")
    if "text/latex" in data:
        latex = _text(data["text/latex"]).strip()
        return Markup('<div class="formula">{}</div>').format(formula(latex.strip("$"), display=True))
    if "text/markdown" in data:
        return markdown(without_machine(_text(data["text/markdown"]), folders))
    notes = [note for kind, note in _UNSHOWN.items() if kind in data and not (kind == "text/html" and words)]
    note = Markup('<p class="absent">({})</p>').format("; ".join(notes)) if notes else Markup("")
    text = Markup('<pre class="value">{}</pre>').format(terminal(words)) if words else Markup("")
    return note + text or None


def _text(value: object) -> str:
    """Text as nbformat may hold it: a string, or a list of them."""
    return "".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
