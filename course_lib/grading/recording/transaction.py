"""One writer of marks at a time, and all of an import in one transaction of nbgrader's gradebook.

with exclusive(course), transaction(course) as book:
    book.add_student("00123")
"""

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Gradebook
from sqlalchemy.exc import OperationalError

from course_lib.grading.nbgrader_course import Course


def exclusive(course: Course) -> contextlib.AbstractContextManager[None]:
    """Holds the course's marks for one writer; the lock ends with the process, however it ends.

    Raises:
        ValueError: if another process holds them.
    """
    return _alone(course.root / ".marks.lock", f"is writing the marks of {course.root}")


def alone(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Holds a grading run's folder for one process; the lock ends with the process, however it ends.

    Raises:
        ValueError: if another process works in that folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return _alone(folder / ".lock", f"is at work in {folder}")


@contextlib.contextmanager
def _alone(file: Path, doing: str) -> Iterator[None]:
    with file.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            lock.seek(0)
            who = lock.read().strip() or "another process"
            raise ValueError(f"{who} {doing}: one at a time; wait until it is done") from held
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {os.uname().nodename}")
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def is_there(course: Course) -> bool:
    """Whether there is a gradebook; one that is not a file of SQLite's is."""
    _, is_file, path = course.db_url.partition("sqlite:///")
    return not is_file or Path(path).is_file()


def must_be_writable(course: Course) -> None:
    """Makes sure that the gradebook can be written now, ahead of a night's work; changes nothing, and makes none.

    Raises:
        ValueError: if another program holds it for longer than the database waits, or it may not be written.
    """
    if is_there(course):
        with exclusive(course), transaction(course) as book:
            book.db.rollback()


def opened(course: Course) -> Gradebook:
    """Returns nbgrader's gradebook of a course; one that is not there yet is made, for which nbgrader calls alembic by its name."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    try:
        return Gradebook(course.db_url, course.course_id)
    finally:
        os.environ["PATH"] = path


@contextlib.contextmanager
def transaction(course: Course) -> Iterator[Gradebook]:
    """nbgrader's gradebook, in which all that its methods commit lands together in the end, or not at all.

    Raises:
        ValueError: if another program holds the gradebook's file for longer than the database waits.
    """
    with opened(course) as book, book.engine.connect() as connection, connection.begin() as whole:
        if book.engine.dialect.name == "sqlite":
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # nobody's points can come between reading and writing
            except OperationalError as held:
                raise ValueError(f"{course.db_url} is being written by another program ({held.orig}): try again in a moment") from held
        book.db.remove()
        book.db.configure(bind=connection, join_transaction_mode="rollback_only", expire_on_commit=False)
        yield book
        book.db.commit()
        whole.commit()
