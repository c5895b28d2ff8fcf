"""Feedback on its way back to students: one archive for the learning system, or the files that ``nbgrader release_feedback`` asks for.

Moodle's "Upload multiple feedback files in a zip" and Canvas's "Re-Upload Submissions" know a student by the name that their own export gave to the
work (``mod/assign/feedback/file/importziplib.php``; ``infer_comment_context_from_filename`` in ``app/models/abstract_assignment.rb``). So each page
takes the beginning of that name: Moodle's is ``NAME_NUMBER_assignsubmission_file_/``, Canvas's ``name_LATE_USER_UPLOAD_``. It is in the archive
alone, never in a page.
"""

import os
import re
import secrets
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from course_lib.grading.nbgrader_course import Course
from course_lib.grading.records import Record
from course_lib.grading.student_ids import nbgrader_id

_STAMPS = {"timestamp.txt": r"[\d:. +\-A-Za-z_/]{1,80}\s*", "submission_secret.txt": r"[0-9a-f]{32,256}\s*"}
_SECRET = "submission_secret.txt"


def packed(found: Iterable[Record], pages: Mapping[tuple[str, str], Path], archive: Path) -> Path | None:
    """Packs the pages of those who handed in to Moodle or Canvas, under the names by which these find them; whole or not at all.

    Args:
        found: the records, which know how the names began.
        pages: the feedback by student and notebook.
        archive: the zip to write; an older one goes where nobody handed in that way any more.

    Returns:
        The archive, None if nobody handed in that way.
    """
    names = {record.prefix + f"{record.notebook}.html": pages[at] for record in found if record.prefix and (at := _at(record)) in pages}
    if not names:
        archive.unlink(missing_ok=True)
        return None
    part = archive.with_name(f".{archive.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(names):
            made.write(names[name], name)
    os.replace(part, archive)
    return archive


def stamped(course: Course, assignment: str, found: Iterable[Record], pages: Mapping[tuple[str, str], Path]) -> int:
    """Puts beside each page what ``nbgrader release_feedback`` opens there, where the class handed in through nbgrader's exchange.

    These are ``timestamp.txt`` and the secret by which a student's own nbgrader fetches the page. nbgrader stops at the first student without them,
    so who handed in nothing gets a secret that nobody knows: their page is released, and found by no one.

    Returns:
        How many students can fetch their feedback.
    """
    folders = {record.student: pages[at].parent for record in found if (at := _at(record)) in pages}
    whole = {student: _left(course.folder("submitted", assignment, nbgrader_id(student))) for student in folders}
    there = {student for student, stamps in whole.items() if _SECRET in stamps}
    if not there:
        return 0
    for student, folder in folders.items():
        stamps = {"timestamp.txt": "", _SECRET: secrets.token_hex(64), **(whole[student] if student in there else _left(folder))}
        for name, text in stamps.items():
            (folder / name).write_text(text, encoding="utf-8")
    return len(there)


def _at(record: Record) -> tuple[str, str]:
    return record.student, record.notebook


def _left(folder: Path) -> dict[str, str]:
    """What nbgrader's exchange left in a folder that a student may have filled: plain files alone, and in them what it writes itself."""
    found = {}
    for name, looks in _STAMPS.items():
        file = folder / name
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as opened:
                text = opened.read(400).decode("utf-8", "replace")
            if re.fullmatch(looks, text):
                found[name] = text
    return found
