"""Whose a file is, by where it lies: a folder per student, nbgrader's folders, files side by side, or what Moodle and Canvas export.

handed_in = by_student(entries, assignment="ps01", notebooks=["ps01"])

======================================================================  =========  ========================================
path                                                                    student    shape
======================================================================  =========  ========================================
``s01/ps01.ipynb``                                                      ``s01``    a folder per student
``s01/ps01/ps01.ipynb``                                                 ``s01``    nbgrader's, with ``timestamp.txt``
``s01.ipynb``, ``ps01_s01.ipynb``, ``s01_ps01 (1).ipynb``, ``s01.zip``  ``s01``    files side by side
``Hanako Yamada_4711_assignsubmission_file_/ps01.ipynb``                ``4711``   Moodle, with or without folders
``yamadahanako_LATE_4711_90210_ps01.ipynb``                             ``4711``   Canvas
======================================================================  =========  ========================================

Moodle's and Canvas's numbers are kept and the names beside them are not: with the number a mark finds its way back.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from course_lib.grading.archives import Entry

_MOODLE = re.compile(r".*_(?P<student>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<file>.*)", re.DOTALL)
_CANVAS = re.compile(r"[^_/]+_(?P<late>LATE_)?(?:question_\d+_)?(?P<student>\d+)_(?P<upload>\d+)_(?P<file>.+)", re.DOTALL)
_COPY = re.compile(r"(?:^(?:copy of|コピー ?〜?)\s+)|(?:\s*(?:\(\d+\)|- copy|のコピー)$)", re.IGNORECASE)
_WRAPPERS = {"submissions", "submitted", "submission"}
_HANDED_IN = {".ipynb", ".json", ".zip", ".py", ".pdf", ".html", ".docx", ".txt", ".md", ".rar", ".7z", ".gz", ".tar"}
_NOT_HANDED_IN = re.compile(r"(readme|marks|grades|timestamp)\b.*", re.IGNORECASE)


@dataclass
class Handed:
    """What one student handed in.

    Attributes:
        student: the student's id.
        entries: the files, by their path inside what the student handed in, with a number that is greater for a later upload.
        remarks: what was noticed, a sentence each.
    """

    student: str
    entries: list[tuple[int, Entry]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def by_student(entries: Iterable[Entry], *, assignment: str, notebooks: Sequence[str]) -> list[Handed]:
    """Returns what each student handed in, in the order of students.

    Args:
        entries: every file.
        assignment: the assignment's name, which names folders of nbgrader's.
        notebooks: the names of its notebooks, which are no student's id.
    """
    entries = _unwrapped(list(entries), assignment)
    owner = _owner(entries, assignment, notebooks)
    handed: dict[str, Handed] = {}
    for entry in entries:
        if (found := owner(entry)) is None:
            continue
        student, upload, rest, remark = found
        student = unicodedata.normalize("NFC", student).strip() or "?"
        one = handed.setdefault(student, Handed(student))
        if rest and not rest.endswith("/"):
            one.entries.append((upload, dataclasses.replace(entry, name=rest)))
        if remark and remark not in one.remarks:
            one.remarks.append(remark)
    return [handed[student] for student in sorted(handed)]


def is_learning_systems(entries: Iterable[Entry]) -> bool:
    """Whether an archive is an export of Moodle or Canvas, and not one student's."""
    entries = list(entries)
    return any(_MOODLE.fullmatch(entry.parts[0]) for entry in entries) or _all_canvas(entries)


def stem_of(file: str) -> str:
    """Returns a file's name without its ending and without what marks a copy of it.

    Example:
        >>> stem_of("Copy of ps01 (2).ipynb")
        'ps01'
    """
    stem = file.rpartition(".")[0] or file
    while (shorter := _COPY.sub("", stem)) and shorter != stem:
        stem = shorter
    return stem


Owner = tuple[str, int, str, str]  # student, number of the upload, path inside what was handed in, remark


def _owner(entries: list[Entry], assignment: str, notebooks: Sequence[str]) -> Callable[[Entry], Owner | None]:
    """What tells whose an entry is, and its path inside what that student handed in; None for what is nobody's."""
    nbgraders = {entry.parts[0] for entry in entries if len(entry.parts) > 2 and entry.parts[1] == assignment}
    canvas = _all_canvas(entries)

    def owner(entry: Entry) -> Owner | None:
        first, *inner = entry.parts
        if moodle := _MOODLE.fullmatch(first):
            return moodle["student"], 0, "/".join(inner) or moodle["file"], ""
        if canvas and not inner and (upload := _CANVAS.fullmatch(first)):
            return upload["student"], int(upload["upload"]), upload["file"], "Canvas marks it as late." if upload["late"] else ""
        if first in nbgraders:
            return first, 0, "/".join(inner[1:]) if inner[0] == assignment else "", ""  # what is for another assignment is left alone
        if inner:
            return first, 0, "/".join(inner), ""
        if entry.suffix in _HANDED_IN and not _NOT_HANDED_IN.fullmatch(first):
            return student_of(first, [assignment, *notebooks]), 0, first, ""
        return (first, 0, first, "") if entry.fault and not entry.suffix and first != "?" else None

    return owner


def student_of(file: str, names: Sequence[str]) -> str:
    """Returns the id in a file's name, without the assignment's name and marks of copies; the whole where nothing else is in it.

    Example:
        >>> student_of("ps01_0042 (1).ipynb", ["ps01"]), student_of("ps01.ipynb", ["ps01"])
        ('0042', 'ps01')
    """
    stem = stem_of(file)
    for name in sorted(names, key=len, reverse=True):
        for pattern in (rf"{re.escape(name)}[-_ .]+(.+)", rf"(.+?)[-_ .]+{re.escape(name)}"):
            if match := re.fullmatch(pattern, stem, re.DOTALL):
                return match[1]
    return stem


def _all_canvas(entries: Sequence[Entry]) -> bool:
    flat = [entry.parts[0] for entry in entries if len(entry.parts) == 1 and entry.suffix in _HANDED_IN]
    return bool(flat) and all(_CANVAS.fullmatch(name) for name in flat)


def _unwrapped(entries: list[Entry], assignment: str) -> list[Entry]:
    """The entries without a folder around all of them that is no student's."""
    tops = {entry.parts[0] for entry in entries}  # a name that ends in / is a folder
    if len(tops) != 1 or any(len(entry.parts) == 1 for entry in entries):
        return entries
    inner = [dataclasses.replace(entry, name="/".join(entry.parts[1:])) for entry in entries if entry.parts[1:] != [""]]
    folders = {entry.parts[0] for entry in inner if len(entry.parts) > 1}
    several = sum(any(entry.suffix == ".ipynb" for entry in inner if entry.parts[0] == folder) for folder in folders) > 1
    top = next(iter(tops))
    if _MOODLE.fullmatch(top) or assignment in folders:
        return entries
    return _unwrapped(inner, assignment) if several or top.lower() in _WRAPPERS or is_learning_systems(inner) else entries
