"""An executed lecture as a page: buttons instead of badges, static figures instead of widgets, words for those who cannot see them."""

import copy
import re
import struct
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

WIDGET = "application/vnd.jupyter.widget-view+json"
BADGE = re.compile(r"\[!\[[^\]]*\]\([^)]*colab-badge\.svg\)\]\((?P<target>[^)]+)\)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(<?(?P<target>[^)\s>]+)>?\)")
HEADING = re.compile(r"^#{1,6}\s+(?P<words>.+?)\s*$", re.MULTILINE)
WIDE = 2.2  # two panels side by side
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)


def lecture_page(executed: dict[str, Any], *, name: str) -> dict[str, Any]:
    """Returns the notebook that the site shows for an executed lecture.

    Args:
        executed: the notebook, in nbformat 4, with its outputs.
        name: the lecture's name, ``NN_topic``.

    Returns:
        A copy of it. Its Colab badge, a picture on another machine, has become two buttons; outputs that need a running kernel are
        left out; the set-up cell is folded away; each figure has a text of its own.

    Raises:
        ValueError: if it has no cells, or a cell that was never run or ended in an error: the site shows only lectures that ran through.
    """
    page = copy.deepcopy(executed)
    if not page.get("cells"):
        raise ValueError(f"{name} has no cells")
    page["metadata"].pop("widgets", None)
    section = name
    for number, cell in enumerate(page["cells"], start=1):
        source = cell["source"] = text(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = _in_prose(source, lambda words: _as_downloads(BADGE.sub(lambda badge: _buttons(badge["target"], name), words)))
            section = ([*HEADING.findall(CODE.sub("", source)), section] if "#" in source else [section])[0]
        elif cell["cell_type"] == "code":
            _refuse_failure(cell, where=f"{name}, cell {number}")
            _prepare_code(cell, section=section)
    return page


def linked_files(notebook: dict[str, Any]) -> list[str]:
    """Returns the relative links of a notebook's text, without their anchors, in order."""
    prose = [CODE.sub("", text(cell["source"])) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    targets = [link["target"].partition("#")[0] for words in prose for link in LINK.finditer(words) if _is_relative(link["target"])]
    return list(dict.fromkeys(unquote(target) for target in targets if target))


def opening(notebook: dict[str, Any]) -> tuple[str, str]:
    """Returns a lecture's title and the question it opens with, the first bold line under the title; empty where there is none."""
    first = next((text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"), "")
    heading = HEADING.search(first)
    question = re.search(r"^\*\*(?P<words>[^*]+)\*\*", first, re.MULTILINE)
    return heading["words"] if heading else "", " ".join(question["words"].split()) if question else ""


def text(source: str | list[str]) -> str:
    """Returns a cell's source as one string; the format also allows a list of lines."""
    return source if isinstance(source, str) else "".join(source)


def _in_prose(source: str, change: Callable[[str], str]) -> str:
    """Changes what is not code."""
    return "".join(part if number % 2 else change(part) for number, part in enumerate(CODE.split(source)))


def _is_relative(target: str) -> bool:
    return not re.match(r"[a-z][a-z+.-]*:|//", target, re.IGNORECASE)


def _as_downloads(words: str) -> str:
    """A link to another folder, such as a problem set, hands out the file: the site has pages for lectures alone."""

    def handed_out(link: re.Match[str]) -> str:
        target = link["target"]
        if not _is_relative(target) or "/" not in target:
            return link[0]
        return link[0].replace(f"({target}", f"(path:{target.partition('#')[0]}").replace(f"<{target}", f"<path:{target.partition('#')[0]}")

    return LINK.sub(handed_out, words)


def _buttons(colab: str, name: str) -> str:
    return f"[Open in Colab]({colab}){{.course-button}} [Download the notebook](../download/{name}.ipynb){{.course-button}}"


def _refuse_failure(cell: dict[str, Any], *, where: str) -> None:
    if text(cell["source"]).strip() and cell.get("execution_count") is None:
        raise ValueError(f"{where}: was not run; run the lecture again with  course run --static")
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            raise ValueError(f"{where}: ended in {output['ename']}: {output['evalue']}")


def _prepare_code(cell: dict[str, Any], *, section: str) -> None:
    cell["metadata"].pop("execution", None)  # times of day, which would make each run a new page
    cell["outputs"] = [output for output in cell["outputs"] if WIDGET not in output.get("data", {})]
    tags = cell["metadata"].setdefault("tags", [])
    if "setup" in tags:
        tags.append("hide-cell")
        cell["metadata"].setdefault("mystnb", {})["code_prompt_show"] = "How this notebook installs the course on Colab"
    pictures = [output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})]
    if pictures:
        shown = cell["metadata"].setdefault("mystnb", {}).setdefault("image", {})
        shown.setdefault("alt", _words_for_figure(tags, section))
        if any(_is_wide(picture) for picture in pictures):
            shown["classes"] = "course-wide"


def _is_wide(picture: str | list[str]) -> bool:
    """Whether a PNG, in base64, is too wide to be read on a phone: its header holds width and height after 16 bytes."""
    width, height = struct.unpack(">II", b64decode(text(picture)[:64])[16:24])
    return width > WIDE * height


def _words_for_figure(tags: list[str], section: str) -> str:
    """A figure's tag says what it shows: ``figure:em_step_by_step``."""
    named = [tag.removeprefix("figure:").replace("_", " ") for tag in tags if tag.startswith("figure:")]
    plain = re.sub(r"[$*`\\]", "", section.replace(r"\mid", "|"))
    return f"Figure: {named[0]} ({plain})" if named else f"Figure: {plain}"
