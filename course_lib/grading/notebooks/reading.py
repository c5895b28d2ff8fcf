"""The cells of a notebook file that a stranger wrote: any encoding, any age of the format, any damage; a file that is none is refused in words.

read = read_notebook(data)
read.cells, read.repairs, read.remarks

Nothing of the file is trusted and nothing but the fields named here is taken from it: names, photos, user ids and outputs stay behind.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_BYTES = 64 * 2**20  # of a file
_MOST_MARKS = 4_000_000  # commas, brackets and braces of a file: what its values cost in memory
_MOST_CELLS = 2_000
_MOST_TEXT = 2 * 2**20  # characters in all cells together
_ENCODINGS = {"utf-8": "UTF-8", "cp932": "Shift-JIS", "euc_jp": "EUC-JP", "cp1252": "Windows-1252"}
_ODD = re.compile(r"[\ufffd\x80-\x9f\uff61-\uff9f\ue000-\uf8ff]")  # what text becomes in a wrong encoding
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")  # what JSON can hold and no file can
_LINK = re.compile(r'<a href="https://colab\.research\.google\.com/[^<>]*><img [^<>]*></a>')
_PICTURES = {"image/png", "image/jpeg", "image/gif"}
_KINDS = {"code": "code", "markdown": "markdown", "raw": "raw", "heading": "markdown", "html": "markdown", "text": "markdown"}
_BEGINNINGS = (
    (b"PK\x03\x04", "a zip archive (or an Office document)"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
)


class Unreadable(ValueError):
    """The file is no notebook; the message says what it is instead, in words for a student."""


@dataclass(frozen=True)
class Cell:
    """What is taken from one cell of a student's file.

    Attributes:
        kind: ``code``, ``markdown`` or ``raw``.
        source: its text, with plain line ends.
        grade_id: nbgrader's name for it, empty if there is none.
        marks: all that nbgrader's metadata say; read only to tell a forgery.
        cell_id: the format's or Colab's name for it, empty if there is none.
        attachments: pictures that its text shows.
    """

    kind: str
    source: str
    grade_id: str = ""
    marks: Mapping[str, Any] = field(default_factory=dict)
    cell_id: str = ""
    attachments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Read:
    """A student's file, read.

    Attributes:
        cells: its cells, in its order.
        repairs: what had to be mended to read it, a sentence each.
        remarks: what could not be mended, a sentence each.
    """

    cells: tuple[Cell, ...]
    repairs: tuple[str, ...]
    remarks: tuple[str, ...]


def read_notebook(data: bytes) -> Read:
    """Returns what a student's file holds.

    Args:
        data: the file's bytes.

    Raises:
        Unreadable: if it is no notebook; nothing else is raised, whatever the bytes.
    """
    text, repairs = decoded(data)
    fields = _json(text)
    raw, version = _cells_of(fields)
    if version != 4:
        repairs.append(f"the notebook says that it has format {version} of Jupyter's, and was read as format 4")
    cells = [_cell(entry) for entry in raw if isinstance(entry, dict)]
    if damaged := len(raw) - len(cells) + sum(not _sound(entry) for entry in raw if isinstance(entry, dict)):
        repairs.append(f"{count(damaged, 'cell')} lacked a field or had a wrong one, and what could be read was kept")
    if not cells:
        raise Unreadable("is a notebook without any cell")
    if any(map(_is_colabs_link, cells)):
        cells = [cell for cell in cells if not _is_colabs_link(cell)]
        repairs.append("Colab's link to the place that the notebook was opened from was taken out")
    if sum(len(cell.source) for cell in cells) > _MOST_TEXT:
        raise Unreadable(f"has cells of more than {_MOST_TEXT:,} characters, which nobody typed")
    repairs += _left_behind(fields, raw)
    lost = sum("\ufffd" in cell.source for cell in cells)
    remarks = (f"in {count(lost, 'cell')} letters were lost before the notebook arrived (�)",) if lost else ()
    return Read(tuple(cells), tuple(repairs), remarks)


def decoded(data: bytes) -> tuple[str, list[str]]:
    """Returns a file's text and what had to be mended to get it.

    Raises:
        Unreadable: if it is too large, empty, or something else than text.
    """
    if len(data) > MOST_BYTES:
        raise Unreadable(f"is larger than {MOST_BYTES // 2**20} MiB: clear its outputs and hand it in again")
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise Unreadable("is empty")
    for beginning, what in _BEGINNINGS:
        if data.startswith(beginning):
            raise Unreadable(f"is {what}, and no notebook")
    found = json.detect_encoding(data)  # by its byte order mark and its zeros, as JSON's standard has it
    if found not in ("utf-8", "utf-8-sig"):
        text = data.decode(found, errors="replace").removeprefix("\ufeff")
        return text, [f"the file was {found.upper().removesuffix('-LE').removesuffix('-BE')} text, and is UTF-8 now"]
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode(), ["the file began with a byte order mark"] if found == "utf-8-sig" else []
    except UnicodeDecodeError:
        guesses = {encoding: data.decode(encoding, errors="replace") for encoding in _ENCODINGS}
        best = min(guesses, key=lambda encoding: len(_ODD.findall(guesses[encoding])))
        return guesses[best], [f"the file was no proper UTF-8, and was read as {_ENCODINGS[best]}"]


def _json(text: str) -> dict[str, Any]:
    start = text.lstrip()[:2000]
    if start[:1] == "<":
        raise Unreadable("is a web page, perhaps a login page saved under the notebook's name")
    if sum(text.count(mark) for mark in ",[{") > _MOST_MARKS:
        raise Unreadable("holds more values than a notebook has: clear its outputs and hand it in again")
    try:
        fields = json.loads(text)
    except RecursionError:
        raise Unreadable("is nested deeper than any notebook") from None
    except ValueError as error:
        if "<<<<<<< " in text and ">>>>>>> " in text:
            raise Unreadable("holds the conflict marks of git") from error
        if re.match(r"(# %%|#!|import |from \S+ import |def |class |\"\"\"|# )", start):
            raise Unreadable("is Python code, and no notebook") from error
        if start[:1] == "{" and '"cell' in text:
            raise Unreadable("is a damaged notebook: it breaks off, or its JSON is broken") from error
        raise Unreadable("is no notebook: it holds no JSON") from error
    if not isinstance(fields, dict):
        raise Unreadable("is JSON, but no notebook")
    return fields


def _cells_of(fields: Mapping[str, Any]) -> tuple[list[Any], str | int]:
    """The cells of a notebook of any version of the format, and that version."""
    sheets = fields.get("worksheets")
    cells = fields.get("cells")
    if not isinstance(cells, list) and isinstance(sheets, list):
        parts = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for part in parts if isinstance(part, list) for cell in part]
    if not isinstance(cells, list):
        raise Unreadable("is JSON, but no notebook: it has no cells")
    if len(cells) > _MOST_CELLS:
        raise Unreadable(f"has more than {_MOST_CELLS:,} cells")
    version = fields.get("nbformat", 4)
    return cells, version if type(version) is int and 0 < version < 100 else "unknown"


def _cell(entry: Mapping[str, Any]) -> Cell:
    metadata, kind = _dict(entry, "metadata"), entry.get("cell_type")
    marks = {name: value for name, value in _dict(metadata, "nbgrader").items() if isinstance(value, str | int | float)}
    source = _text(next((entry[name] for name in ("source", "input", "code", "text") if name in entry), ""))
    if kind == "heading":
        level = entry.get("level")
        source = "#" * (level if type(level) is int and 0 < level < 7 else 1) + " " + " ".join(source.split("\n"))
    if kind not in _KINDS if isinstance(kind, str) else True:
        kind = "code" if "outputs" in entry or "execution_count" in entry else "markdown"
    return Cell(
        kind=_KINDS[kind],
        source=source,
        grade_id=_word(marks.get("grade_id")),
        marks=marks,
        cell_id=_word(entry.get("id")) or _word(metadata.get("id")),
        attachments=_pictures(_dict(entry, "attachments")) if kind == "markdown" else {},
    )


def _sound(entry: Mapping[str, Any]) -> bool:
    source = next((entry[name] for name in ("source", "input", "code", "text") if name in entry), None)
    plain = isinstance(source, str) or (isinstance(source, list) and all(isinstance(line, str) for line in source))
    kind = entry.get("cell_type")
    return plain and isinstance(kind, str) and kind in _KINDS and isinstance(entry.get("metadata", {}), dict)


def _left_behind(fields: Mapping[str, Any], cells: list[Any]) -> list[str]:
    """Sentences on what a save had and the repaired notebook has not; its outputs go without saying."""
    metadata = _dict(fields, "metadata")
    of_cells = [_dict(cell, "metadata") for cell in cells if isinstance(cell, dict)]
    told = []
    if metadata.get("authors") or "authorship_tag" in _dict(metadata, "colab") or any("executionInfo" in one for one in of_cells):
        told.append("what tells who wrote it (name, photo, user id, times) was taken out")
    widgets = _dict(_dict(metadata, "widgets"), "application/vnd.jupyter.widget-state+json")
    if widgets and not isinstance(widgets.get("state"), dict):
        told.append("its widgets were saved without their state, and were taken out")
    return told


def _is_colabs_link(cell: Cell) -> bool:
    """Whether this is the cell that Colab puts in front of a notebook from GitHub; it names an account."""
    return cell.kind == "markdown" and (cell.cell_id == "view-in-github" or bool(_LINK.fullmatch(cell.source.strip())))


def _pictures(attachments: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    found = {}
    for name, kinds in attachments.items():
        pictures = (
            {kind: data for kind, data in kinds.items() if kind in _PICTURES and isinstance(data, str)} if isinstance(kinds, dict) else {}
        )
        if pictures:
            found[_NO_TEXT.sub("\ufffd", name)] = {kind: _NO_TEXT.sub("", data) for kind, data in pictures.items()}
    return found


def _text(value: object) -> str:
    """A source, given as text or as its lines, with plain line ends."""
    lines = value if isinstance(value, list) else [value]
    text = "".join(line for line in lines if isinstance(line, str))
    return _NO_TEXT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _word(value: object) -> str:
    return value if isinstance(value, str) and len(value) < 200 else ""


def _dict(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def count(n: int, what: str) -> str:
    """Returns a number with its noun.

    Example:
        >>> count(1, "cell"), count(2, "cell")
        ('1 cell', '2 cells')
    """
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
