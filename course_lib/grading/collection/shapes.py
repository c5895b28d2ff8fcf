"""Whose a file is, by where it lies: a folder per student, nbgrader's folders, files side by side, or what Moodle and Canvas export.

handed_in = by_student(entries, assignment="ps01", notebooks=["ps01"], known=known)

======================================================================  =========  ========================================
path                                                                    student    shape
======================================================================  =========  ========================================
``s01/ps01.ipynb``                                                      ``s01``    a folder per student
``s01/ps01/ps01.ipynb``                                                 ``s01``    nbgrader's, with ``timestamp.txt``
``s01.ipynb``, ``ps01_s01.ipynb``, ``s01_ps01 (1).ipynb``, ``s01.zip``  ``s01``    files side by side
``Hanako Yamada_4711_assignsubmission_file_/ps01.ipynb``                ``4711``   Moodle, with or without folders
``yamadahanako_LATE_4711_90210_ps01.ipynb``                             ``4711``   Canvas
``yamadahanako_4711_text.html``, ``LATE_anon_aB3xY_90210_ps01.ipynb``   ``4711``   Canvas: words typed in, anonymous grading
======================================================================  =========  ========================================

Moodle names a file by a number of one student and one assignment (``mod/assign/classes/downloader.php``), Canvas by its user's id and the upload's
(``lib/content_zipper.rb``); ``class_list`` says who that is. The beginning of such a name is kept, for with it feedback finds its way back.
Neither export knows when anything was handed in: its files are dated by the download.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from course_lib.grading.collection.archives import Entry
from course_lib.grading.collection.class_list import ClassList

# The first number in a name counts, for the learning system wrote the beginning and the student all that follows it.
_MOODLE = re.compile(r".*?_(?P<student>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<file>.*)", re.DOTALL)
_CANVAS = re.compile(
    r"(?:(?P<anonymous>LATE_)?anon_(?P<anon>[0-9A-Za-z]+)|.+?_(?P<late>LATE_)?(?:question_\d+_)?(?P<student>\d+))"
    r"_(?:(?P<upload>\d+)_(?P<file>.+)|(?P<words>(?:text|link)\.html))",
    re.DOTALL,
)
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
        prefixes: by the number of an upload, how its files' names begin in the export of a learning system.
        late: whether the learning system marks it as late.
        exported: whether it comes from a learning system's export, whose files are dated by the download.
    """

    student: str
    entries: list[tuple[int, Entry]] = field(default_factory=list)
    prefixes: dict[int, str] = field(default_factory=dict)
    late: bool = False
    exported: bool = False


@dataclass(frozen=True)
class Owner:
    """Whose one file is.

    Attributes:
        student: the name of the student, as it stands there.
        rest: the file's path inside what that student handed in.
        system: ``moodle``, ``canvas``, or empty where no learning system made the name.
        upload: a number that is greater for a later upload.
        prefix: how names of this upload begin, if a file beside it can go back to the learning system.
        late: whether the learning system marks it as late.
    """

    student: str
    rest: str
    system: str = ""
    upload: int = 0
    prefix: str = ""
    late: bool = False


def by_student(entries: Iterable[Entry], *, assignment: str, notebooks: Sequence[str], known: ClassList | None = None) -> list[Handed]:
    """Returns what each student handed in, in the order of students.

    Args:
        entries: every file.
        assignment: the assignment's name, which names folders of nbgrader's.
        notebooks: the names of its notebooks, which are no student's id.
        known: the class, which says whose names are whose.
    """
    known = known or ClassList()
    entries = _unwrapped(list(entries), assignment)
    owner_of = _owners(entries, assignment, notebooks)
    handed: dict[str, Handed] = {}
    for entry in entries:
        if (owner := owner_of(entry)) is None:
            continue
        student = known.name(owner.system, unicodedata.normalize("NFC", owner.student).strip() or "?")
        one = handed.setdefault(student, Handed(student))
        one.late, one.exported = one.late or owner.late, one.exported or bool(owner.system)
        if owner.prefix:
            one.prefixes.setdefault(owner.upload, owner.prefix)
        if owner.rest and not owner.rest.endswith("/"):
            dated = {"modified": None} if owner.system else {}
            one.entries.append((owner.upload, dataclasses.replace(entry, name=owner.rest, **dated)))
    return [handed[student] for student in sorted(handed)]


def is_learning_systems(entries: Iterable[Entry]) -> bool:
    """Whether an archive is an export of Moodle or Canvas, and not one student's."""
    entries = list(entries)
    return any(_MOODLE.fullmatch(entry.parts[0]) for entry in entries) or _is_canvas(entries)


def is_upload(name: str) -> bool:
    """Whether a learning system named a file: it is one student's then."""
    return bool(_MOODLE.fullmatch(name) or _CANVAS.fullmatch(name))


def is_handed_in(entry: Entry) -> bool:
    """Whether an entry can be a student's work: neither the instructor's own table nor something of the system's."""
    return len(entry.parts) > 1 or bool(entry.fault) or (entry.suffix in _HANDED_IN and not _NOT_HANDED_IN.fullmatch(entry.parts[0]))


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


def _owners(entries: list[Entry], assignment: str, notebooks: Sequence[str]) -> Callable[[Entry], Owner | None]:
    """What tells whose an entry is; None for what is nobody's."""
    nbgraders = {entry.parts[0] for entry in entries if len(entry.parts) > 2 and entry.parts[1] == assignment}
    canvas = _is_canvas(entries)

    def owner(entry: Entry) -> Owner | None:
        first, *inner = entry.parts
        if moodle := _MOODLE.fullmatch(first):
            prefix = f"{first}/" if inner else first.removesuffix(moodle["file"])
            return Owner(moodle["student"], "/".join(inner) or moodle["file"], "moodle", prefix=prefix)
        if canvas and not inner and (upload := _CANVAS.fullmatch(first)):
            prefix = first.removesuffix(upload["file"]) if upload["file"] else ""  # Canvas takes nothing back for words that were typed in
            late = bool(upload["late"] or upload["anonymous"])
            number = int(upload["upload"] or 0)
            return Owner(upload["student"] or upload["anon"], upload["file"] or upload["words"], "canvas", number, prefix, late)
        if first in nbgraders:
            return Owner(first, "/".join(inner[1:]) if inner[0] == assignment else "")  # what is for another assignment is left alone
        if inner:
            return Owner(first, "/".join(inner))
        if entry.suffix in _HANDED_IN and not _NOT_HANDED_IN.fullmatch(first):
            return Owner(student_of(first, [assignment, *notebooks]), first)
        return Owner(first, first) if entry.fault and not entry.suffix and first != "?" else None

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


def _is_canvas(entries: Sequence[Entry]) -> bool:
    """Whether files side by side are named by Canvas, all of them or most; somebody may have put another beside them."""
    flat = [entry.parts[0] for entry in entries if len(entry.parts) == 1 and entry.suffix in _HANDED_IN]
    named = sum(_CANVAS.fullmatch(name) is not None for name in flat)
    return bool(named) and 2 * named > len(flat)


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
