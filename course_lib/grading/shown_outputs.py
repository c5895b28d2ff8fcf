"""The outputs of a cell, safe to read: text, errors, tables as text, embedded pictures; what only a live notebook can show is named."""

from collections.abc import Iterator

from markupsafe import Markup
from nbformat import NotebookNode

from course_lib.grading.markup import formula, markdown, picture, terminal

_UNSHOWN = {
    "application/vnd.jupyter.widget-view+json": "an interactive widget: it lives in your notebook",
    "text/html": "HTML: it is not shown here",
    "image/svg+xml": "an SVG drawing: only PNG and JPEG pictures are shown here",
    "application/javascript": "a script: nothing runs here",
}


def shown(outputs: list[NotebookNode]) -> list[Markup]:
    """Returns what stands under a cell, a block for each output.

    Args:
        outputs: nbformat's outputs; anything that is none is passed over.
    """
    return [block for output in _joined(outputs) if (block := _block(output))]


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


def _block(output: dict) -> Markup | None:
    kind = output.get("output_type")
    if kind == "stream":
        label = "warnings and errors" if output["name"] == "stderr" else "printed"
        return Markup('<pre class="{}" aria-label="{}">{}</pre>').format(
            "stderr" if label != "printed" else "stdout", label, terminal(output["text"])
        )
    if kind == "error":
        lines = [_text(line) for line in output.get("traceback", [])] or [f"{output.get('ename')}: {output.get('evalue')}"]
        return Markup('<pre class="error" aria-label="error">{}</pre>').format(terminal("\n".join(lines)))
    data = output.get("data") if kind in ("display_data", "execute_result") else None
    return _richest(data) if isinstance(data, dict) else None


def _richest(data: dict) -> Markup | None:
    """The best of the forms in which a value comes that can be shown."""
    words = _text(data.get("text/plain"))
    for kind in ("image/png", "image/jpeg"):
        if kind in data and (address := picture(_text(data[kind]))):
            return Markup('<img src="{}" alt="{}">').format(address, words[:200] or "picture")
    if "text/latex" in data:
        latex = _text(data["text/latex"]).strip()
        return Markup('<div class="formula">{}</div>').format(formula(latex.strip("$"), display=True))
    if "text/markdown" in data:
        return markdown(_text(data["text/markdown"]))
    notes = [note for kind, note in _UNSHOWN.items() if kind in data and not (kind == "text/html" and words)]
    note = Markup('<p class="absent">({})</p>').format("; ".join(notes)) if notes else Markup("")
    text = Markup('<pre class="value">{}</pre>').format(terminal(words)) if words else Markup("")
    return note + text or None


def _text(value: object) -> str:
    """Text as nbformat may hold it: a string, or a list of them."""
    return "".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
