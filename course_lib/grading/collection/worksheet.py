"""Moodle's offline grading worksheet: who is behind the number in an export, when each handed in, and where marks go back.

sheet = read(Path("Grades-Signals-PCA-1234.csv"))
sheet.people[0].number, sheet.people[0].fields, sheet.people[0].submitted
sheet.filled({"4711": "12.5"})

The number is Moodle's for one student and one assignment: the next assignment brings others. Moodle writes headings and times in the language
of whoever downloads, so columns are found by their places: the number comes first, the grade stands before the highest grade, and the last two
headings that differ in their parentheses alone are the times of submission and of grade (``mod/assign/gradingtable.php``). Moodle's importer
wants the headings of number, grade and time of grade again, in the language of whoever uploads (``importgradeslib.php``).
"""

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

HEADINGS = ("Identifier", "Grade", "Last modified (grade)")  # in English
_KEPT = "moodle_worksheet.csv"
PARTICIPANT = "Participant "  # begins an identifier, in English
_DOWNLOAD = "download it anew in Moodle: the assignment, Submissions, Actions, Download grading worksheet"
_ID_NUMBER = {"id number", "idnumber", "id ナンバー", "idナンバー"}


@dataclass(frozen=True)
class Participant:
    """One row of a worksheet.

    Attributes:
        number: the number in the names of an export.
        identifier: the same as Moodle writes it in the worksheet, with the word for a participant before it.
        fields: what says who it is: the full name, and whatever else Moodle was told to show.
        id_number: the field that Moodle calls the ID number, where there is one.
        submitted: when the submission was last changed; None for never, and where the time is written in a way that is not known here.
        graded: when Moodle's grade was last changed, as it is written there.
    """

    number: str
    identifier: str
    fields: tuple[str, ...]
    id_number: str = ""
    submitted: datetime | None = None
    graded: str = ""


@dataclass(frozen=True)
class Worksheet:
    """A worksheet.

    Attributes:
        headings: of the columns that the importer wants: number, grade, time of grade.
        people: the participants.
        file: where it was read.
    """

    headings: tuple[str, str, str]
    people: tuple[Participant, ...]
    file: Path | None = None

    def filled(self, marks: Mapping[str, str]) -> Iterator[list[str]]:
        """Returns the rows of the worksheet that brings marks to Moodle; who has no mark is left out.

        Args:
            marks: the points as text, by number.
        """
        yield list(self.headings)
        for person in self.people:
            if person.number in marks:
                yield [person.identifier, marks[person.number], person.graded.removeprefix("-")]


def read(file: Path, zone: tzinfo | None = None) -> Worksheet:
    """Reads a worksheet as Moodle writes it.

    Args:
        file: the worksheet.
        zone: the time zone of its times, which name none; without it that of this machine.

    Raises:
        ValueError: if it is none.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as why:
        raise ValueError(f"{file} cannot be read as Moodle's grading worksheet ({why}): {_DOWNLOAD}") from why
    head, *rows = [row for row in csv.reader(io.StringIO(text)) if any(row)] or [[]]
    rows = [row for row in rows if len(row) == len(head)]
    times = _times(head)
    grade = _grade(rows, times[0]) if rows and times else -1
    if times is None or grade < 0:
        raise ValueError(f"{file} is not Moodle's grading worksheet (its columns are {', '.join(head) or 'none'}): {_DOWNLOAD}")
    numbers = [re.fullmatch(r"(\D*)(\d+)", row[0]) for row in rows]
    if not all(numbers):
        raise ValueError(f"the first column of {file} ends in a number in Moodle's grading worksheet, and has {rows[0][0]!r}: {_DOWNLOAD}")
    idnumber = next((place for place in range(1, grade) if head[place].strip().lower() in _ID_NUMBER), None)
    people = [
        Participant(
            found[2],
            row[0],
            tuple(field.strip() for field in row[1:grade]),
            row[idnumber].strip() if idnumber else "",
            moment(row[times[0]], zone),
            row[times[1]],
        )
        for row, found in zip(rows, numbers, strict=True)
    ]
    return Worksheet((head[0], head[grade], head[times[1]]), tuple(people), file)


def asked_or_kept(asked: Path | None, folder: Path, zone: tzinfo | None = None) -> Worksheet | None:
    """Returns the worksheet that was named, else the one that an assignment's folder keeps; None where there is neither.

    Raises:
        ValueError: if the file is no worksheet.
    """
    kept = folder / _KEPT
    return read(asked or kept, zone) if asked or kept.is_file() else None


def is_kept(sheet: Worksheet | None, folder: Path) -> bool:
    """Returns whether a worksheet is the one that an assignment's folder keeps, and was not named anew."""
    return sheet is not None and sheet.file == folder / _KEPT


def keep(sheet: Worksheet, folder: Path) -> None:
    """Keeps a copy in an assignment's folder, whole or not at all, so that later runs and the tables of marks know it."""
    part = folder / f".{_KEPT}.part"
    part.write_bytes(sheet.file.read_bytes())
    os.replace(part, folder / _KEPT)


def number_in(prefix: str) -> str:
    """Returns the participant's number in the beginning of a name in Moodle's export, empty if it is none.

    Example:
        >>> number_in("Hanako Yamada_1200345_assignsubmission_file_/"), number_in("yamadahanako_4711_90210_")
        ('1200345', '')
    """
    found = re.search(r"_(\d+)_assignsubmission_[a-z]+[_/]*$", prefix)
    return found[1] if found else ""


def moment(words: str, zone: tzinfo | None = None) -> datetime | None:
    """Returns a time as Moodle writes it in English, in Japanese, or in figures; it names no time zone, so in that given, else this machine's.

    Example:
        >>> moment("Friday, 20 November 2026, 11:59 PM").strftime("%Y-%m-%d %H:%M")
        '2026-11-20 23:59'
        >>> moment("2026年 11月 20日(金曜日) 23:59").strftime("%Y-%m-%d %H:%M"), moment("-")
        ('2026-11-20 23:59', None)
    """
    plain = " ".join(re.sub(r"[(（][^)）]*[)）]|,", " ", re.sub(r"\s*([年月])\s*", r"\1", words).replace("日", "日 ")).split())
    for form in ("%A %d %B %Y %I:%M %p", "%A %B %d %Y %I:%M %p", "%d %B %Y %I:%M %p", "%Y年%m月%d日 %H:%M", "%Y-%m-%d %H:%M"):
        try:
            found = datetime.strptime(plain, form)
            return found.replace(tzinfo=zone) if zone else found.astimezone()
        except ValueError:
            continue
    return None


def _times(head: Sequence[str]) -> tuple[int, int] | None:
    """The columns of the times of submission and of grade: the last two whose headings differ in parentheses alone."""
    places: dict[str, list[int]] = {}
    for place, heading in enumerate(head):
        if found := re.fullmatch(r"(.+?)\s*[(（].+[)）]", heading.strip()):
            places.setdefault(found[1], []).append(place)
    pairs = [(found[-2], found[-1]) for found in places.values() if len(found) > 1]
    return max(pairs, default=None)


def _grade(rows: Sequence[Sequence[str]], before: int) -> int:
    """The column of grades: the last one, empty or a number, before one that holds the same number in every row; -1 if there is none."""
    number = re.compile(r"\d+(?:[.,]\d+)?")
    for place in reversed(range(1, before - 1)):
        most = {row[place + 1] for row in rows}
        if len(most) == 1 and number.fullmatch(next(iter(most))) and all(not row[place] or number.fullmatch(row[place]) for row in rows):
            return place
    return -1
