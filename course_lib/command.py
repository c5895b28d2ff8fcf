"""What every ``course`` command shares: the folder it works in, how it says no, and what its exit code means.

A user's mistake is one line on the screen and a code; anything else that is raised is a bug of ours and shows its traceback.
"""

from __future__ import annotations  # so that an old Python comes as far as the line that refuses it

from pathlib import Path

DONE, FAILED, WRONG_INPUT, LACKING, STOPPED = 0, 1, 2, 3, 130
INSTRUCTORS_COPY = (Path(__file__).parent / "grading" / "grade.py").is_file()  # students get the course without most of grading/


class Refused(Exception):
    """The command cannot do what it was asked, and says in one line why and what to do."""

    code = FAILED


class WrongInput(Refused):
    """What was typed, or a file that was named, is not what the command can work with."""

    code = WRONG_INPUT


class Lacking(Refused):
    """This machine lacks something that the command needs."""

    code = LACKING


def course_folder(start: Path | None = None) -> Path:
    """Returns the course's folder: the one around the working directory, else the one that the library lies in.

    Args:
        start: where to look from; the working directory unless told.

    Raises:
        Lacking: if neither is a course's folder.
    """
    start = Path.cwd() if start is None else start.resolve()
    for folder in (start, *start.parents, Path(__file__).parents[1]):
        if (folder / "notebooks").is_dir() and (folder / "course_lib").is_dir():
            return folder
    raise Lacking(f"{start} is not inside the course's folder (the one with notebooks/ and course_lib/): go there and say it again")
