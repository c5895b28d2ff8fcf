"""What a class handed in, one entry a student and notebook: from folders, or from the zip that Moodle or Canvas exports.

submissions = collect(Path("submissions"), assignment="ps01", notebooks=["ps01"], released={"ps01": notebook})

Whose a file is, is told by where it lies (``shapes``), and which notebook it is by what is in it (``attempts``).
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nbformat import NotebookNode

from course_lib.command import WrongInput
from course_lib.grading.collection.archives import Budget, Entry, Unusable, listed, unzipped
from course_lib.grading.collection.attempts import Attempt, attempt_of, newest
from course_lib.grading.collection.class_list import ClassList
from course_lib.grading.collection.shapes import Handed, by_student, is_handed_in, is_learning_systems, is_upload
from course_lib.grading.notebooks.reading import count

_MOST_FILES = 1_000  # of one student
_STAMPS = ("timestamp.txt", "submission_secret.txt")  # laid there by nbgrader's exchange
_NESTED = 2  # archives in a student's archive
_MOST_EXTRAS, _MOST_EXTRA_BYTES = 200, 32 * 2**20


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one notebook.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        notebook: the notebook's name, without ``.ipynb``.
        data: the file's bytes, None if nothing was handed in; a file that is no notebook where there is nothing better.
        origin: where it was found, in words.
        submitted: when it was handed in, None if nothing tells.
        extras: what lay beside it, by its name relative to the notebook's folder.
        remarks: what was noticed on the way, a sentence each.
        late: whether the learning system marks it as late.
        dated: whether ``submitted`` is the file's own date, which copying and downloading change.
        strangers: how many notebooks of other assignments were handed in.
        prefix: how its name begins in the export of Moodle or Canvas; it may hold somebody's name, and is for the learning system alone.
        unsure: whether nothing tells which of several attempts is the newest.
    """

    student: str
    assignment: str
    notebook: str
    data: bytes | None
    origin: str
    submitted: datetime | None
    extras: Mapping[str, bytes]
    remarks: tuple[str, ...]
    late: bool = False
    dated: bool = False
    strangers: int = 0
    prefix: str = ""
    unsure: bool = False


def collect(
    where: Path, *, assignment: str, notebooks: Sequence[str], released: Mapping[str, NotebookNode], known: ClassList | None = None
) -> list[Submission]:
    """Returns what was handed in, one entry a student and notebook, in the order of students.

    Args:
        where: a folder, or a zip archive; ``shapes`` says which layouts are understood.
        assignment: the assignment's name.
        notebooks: the names of its notebooks.
        released: what students got, by the notebook's name.
        known: the class, which says whose names are whose; without it everybody keeps the name under which a file lies.

    Raises:
        WrongInput: if there is nothing of that kind at this place. Nothing that a student handed in raises anything.
    """
    known = known or ClassList()
    with ExitStack() as stack:
        try:
            entries = listed(where.resolve(), stack)
        except Unusable as why:
            raise WrongInput(f"{where} {why}: a folder of submissions is wanted, or the zip that Moodle or Canvas exports") from why
        entries = _of_a_class(entries)
        students = by_student(entries, assignment=assignment, notebooks=notebooks, known=known)
        if not students:
            raise WrongInput(
                f"{where} holds no submission: a folder per student is wanted, notebooks side by side, or an export of Moodle's or Canvas's"
            )
        found = [submission for handed in students for submission in _of_a_student(handed, assignment, list(notebooks), released)]
    strangers = set(known.strangers(each.student for each in found))
    return [_introduced(each, known, stranger=each.student in strangers) for each in found]


def _introduced(one: Submission, known: ClassList, *, stranger: bool) -> Submission:
    """A submission with what the class list says of it; only the worksheet knows when somebody handed in to Moodle."""
    submitted = known.submitted.get(one.student, one.submitted) if one.prefix else one.submitted
    remarks = (*one.remarks, "This id is on no list of the class.") if stranger else one.remarks
    return dataclasses.replace(one, submitted=submitted, remarks=remarks)


def _of_a_class(entries: list[Entry]) -> list[Entry]:
    """The files of a class, those in the archives of a whole class among them.

    An archive that lies among students' files is a student's, whatever the files in it are called, and so is one that a learning system named:
    or else names in one student's archive would be other students.
    """
    work = [entry for entry in entries if is_handed_in(entry)]
    if any(entry.suffix != ".zip" or len(entry.parts) > 1 or entry.fault or is_upload(entry.parts[0]) for entry in work):
        return entries
    opened = []
    for entry in work:
        try:
            inner = [dataclasses.replace(one, name=one.name.split("/", 1)[1]) for one in unzipped(entry, Budget(2**62, 200_000))]
        except Unusable:
            return entries
        several = len({one.parts[0] for one in inner if one.suffix == ".ipynb"}) > 1
        if not (is_learning_systems(inner) or (len(work) == 1 and several)):
            return entries
        opened += inner
    return opened


def _of_a_student(handed: Handed, assignment: str, notebooks: Sequence[str], released: Mapping[str, NotebookNode]) -> Iterator[Submission]:
    """One entry a notebook, whatever a student handed in."""
    remarks, budget = [], Budget()
    files = [file for upload, entry in handed.entries[:_MOST_FILES] for file in _unpacked(entry, upload, budget, remarks)]
    if len(handed.entries) > _MOST_FILES or len(files) > _MOST_FILES:
        remarks.append(f"Of more than {_MOST_FILES:,} files the rest was not looked at.")
        files = files[:_MOST_FILES]
    found = [attempt_of(entry, upload, {name: released[name] for name in notebooks}, remarks) for upload, entry in files]
    attempts = [attempt for attempt in found if attempt is not None]
    strangers = [attempt for attempt in attempts if not attempt.notebook]
    if strangers:
        several = len(strangers) > 1
        remarks.append(
            f"{count(len(strangers), 'notebook')} that {'were' if several else 'was'} handed in {'are' if several else 'is'} not of this assignment."
        )
    for notebook in notebooks:
        said = list(remarks)
        attempt = newest([one for one in attempts if one.notebook == notebook], released[notebook], said)
        if attempt is None and not attempts:
            attempt = _something_else(files, said)
        if attempt is None:
            nothing = Submission(handed.student, assignment, notebook, None, "", None, {}, tuple(said))
            yield dataclasses.replace(nothing, late=handed.late, strangers=len(strangers), prefix=next(iter(handed.prefixes.values()), ""))
            continue
        extras = _extras(attempt.entry, [entry for _, entry in files], said)
        stamped = None if handed.exported else _stamped(attempt.entry, files)
        dated = None if handed.exported else attempt.entry.modified
        yield Submission(
            handed.student,
            assignment,
            notebook,
            attempt.data,
            attempt.entry.name,
            stamped or dated,
            extras,
            tuple(said),
            late=handed.late,
            dated=stamped is None and dated is not None,
            strangers=len(strangers),
            prefix=handed.prefixes.get(attempt.upload, ""),
            unsure=attempt.unsure,
        )


def _unpacked(entry: Entry, upload: int, budget: Budget, remarks: list[str], depth: int = 0) -> Iterator[tuple[int, Entry]]:
    """A file, or the files of an archive and of archives in it."""
    if entry.fault:
        remarks.append(f"{_said(entry)} {entry.fault}.")
        return
    yield upload, entry
    if entry.suffix != ".zip":
        return
    if depth >= _NESTED:
        remarks.append(f"{_said(entry)} is an archive in an archive in an archive, and was not unpacked.")
        return
    try:
        for inner in unzipped(entry, budget):
            if not inner.name.endswith("/"):
                yield from _unpacked(inner, upload, budget, remarks, depth + 1)
    except Unusable as why:
        remarks.append(f"{_said(entry)} {why}.")


def _something_else(files: list[tuple[int, Entry]], remarks: list[str]) -> Attempt | None:
    """What was handed in instead of a notebook, so that its row says that something was."""
    others = sorted(files, key=lambda file: (file[1].suffix in (".ipynb", ".py", ".pdf"), file[0], file[1].name))
    for upload, entry in reversed([file for file in others if file[1].parts[-1] not in _STAMPS and file[1].suffix != ".ipynb"]):
        with contextlib.suppress(Unusable):
            attempt = Attempt(entry, upload, entry.read()[:4096], "", 0.0)
            remarks.append(f"No notebook was handed in, but {entry.kind}.")
            return attempt
    return None


def _extras(chosen: Entry, files: Sequence[Entry], remarks: list[str]) -> dict[str, bytes]:
    """The files beside a notebook and below it, as far as they are not too many or too large."""
    folder = "/".join(chosen.parts[:-1])
    inside = f"{folder}/" if folder else ""
    extras: dict[str, bytes] = {}
    for entry in files:
        name = entry.name.removeprefix(inside)
        if not entry.name.startswith(inside) or entry.suffix in (".ipynb", ".zip") or name in _STAMPS:
            continue
        try:
            data = entry.read()
        except Unusable as why:
            remarks.append(f"{_said(entry)} {why}.")
            continue
        if len(extras) >= _MOST_EXTRAS or sum(map(len, extras.values())) + len(data) > _MOST_EXTRA_BYTES:
            remarks.append("More files lie beside the notebook than a submission may bring; the rest was left out.")
            break
        extras[name] = data
    return extras


def _stamped(chosen: Entry, files: list[tuple[int, Entry]]) -> datetime | None:
    """The time in nbgrader's ``timestamp.txt`` beside a notebook."""
    from nbgrader.utils import parse_utc

    beside = "/".join([*chosen.parts[:-1], "timestamp.txt"])
    for _, entry in files:
        if entry.name == beside:
            with contextlib.suppress(Unusable, ValueError, OverflowError):
                return parse_utc(entry.read()[:200].decode().strip()).replace(tzinfo=UTC)
    return None


def _said(entry: Entry) -> str:
    return entry.kind.capitalize()
