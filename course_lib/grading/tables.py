"""CSV files as people's programs write and read them: quoted, safe to open in a spreadsheet, whole or not there; and short lists by student."""

import csv
import io
import os
import re
from collections.abc import Iterable
from pathlib import Path


def write_table(file: Path, lines: Iterable[Iterable[str]], *, encoding: str = "utf-8") -> Path:
    """Writes a table, whole or not at all: every field quoted, and none that a spreadsheet would take for a formula.

    Args:
        file: where to.
        lines: the rows, the header first.
        encoding: ``utf-8-sig`` for a file that Excel is to open.

    Returns:
        The file.
    """
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([safe(field) for field in line] for line in lines)
    part = file.with_name(f".{file.name}.part")
    part.write_text(text.getvalue(), encoding=encoding, errors="backslashreplace")
    os.replace(part, file)
    return file


def read_table(file: Path) -> list[list[str]]:
    """Returns the rows of a table that ``write_table`` wrote, none if it is not there; a field keeps the apostrophe that made it safe."""
    if not file.is_file():
        return []
    return list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))


def by_student(file: Path, column: str) -> dict[str, str]:
    """Returns one column of a person's CSV file by its column ``student``.

    Args:
        file: in UTF-8, with a header that names ``student`` and the column; other columns do not matter, nor do rows without a value.
        column: the column's name.

    Raises:
        ValueError: if the file cannot be read, has not these columns, or names a student twice.
    """
    try:
        lines = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
    except FileNotFoundError as why:
        raise ValueError(f"{file} is not there") from why
    except (OSError, UnicodeDecodeError, csv.Error) as why:
        raise ValueError(f"{file} cannot be read as a CSV file in UTF-8: {why}") from why
    if not lines or not {"student", column} <= set(lines[0]):
        raise ValueError(f"{file} must begin with a line that names its columns, student,{column}, and have a row a student")
    found: dict[str, str] = {}
    for line in lines:
        student, value = ((line[name] or "").strip() for name in ("student", column))
        if value and student in found:
            raise ValueError(f"{file} names {student!r} twice")
        if value:
            found[student] = value
    return found


def safe(field: str) -> str:
    """Returns a field as no spreadsheet takes it for a formula, full-width signs of East Asian keyboards included: after an apostrophe."""
    return f"'{field}" if re.match(r"\s*[=+\-@＝＋－＠]|[\t\r\n]", field) else field
