"""Whether a locked cell is as a student got it: what tells a check that the instructor mended from one that a student changed."""

import hashlib

from course_lib.grading.notebooks.reading import Cell

_MOST = 1e6  # points of one cell; the number stands in a student's file, and may be anything


def as_given_out(cell: Cell) -> bool:
    """Whether a cell says what it said when it was released, told by the checksum that nbgrader left in it then.

    It is the digest of ``nbgrader.utils.compute_checksum`` (nbgrader 0.9.6), from the cell's own metadata. Whoever forges it gains nothing: the
    text of a locked cell is the release's anyhow.

    Args:
        cell: a cell of a submission, one that students do not write in.
    """
    marks = cell.marks
    if not marks.get("checksum") or marks.get("solution"):
        return False
    parts = [cell.source, cell.kind, str(bool(marks.get("grade"))), str(False), str(bool(marks.get("grade") or marks.get("locked")))]
    parts.append(cell.grade_id)
    if marks.get("grade"):
        points = marks.get("points")
        if not isinstance(points, int | float) or not abs(points) <= _MOST:
            return False
        parts.append(str(float(points)))
    return hashlib.md5("".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest() == marks["checksum"]
