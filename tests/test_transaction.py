"""One writer at a time, and all or nothing: a second writer is told who holds the marks, a failed import leaves none."""

import os
import sqlite3
import subprocess
import sys
import time

import pytest
from foreign_course import make_foreign_course

from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.transaction import exclusive, opened, transaction


@pytest.fixture
def course(tmp_path):
    return load(make_foreign_course(tmp_path / "signals101"))


def test_a_second_writer_is_refused_with_the_firsts_name_until_it_has_ended(course):
    code = """
import pathlib, sys, time, types
from course_lib.grading.recording.transaction import exclusive
with exclusive(types.SimpleNamespace(root=pathlib.Path(sys.argv[1]))):
    print("mine", flush=True)
    time.sleep(600)
"""
    other = subprocess.Popen([sys.executable, "-c", code, str(course.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline().strip() == "mine"
        with pytest.raises(ValueError, match=f"process {other.pid} on .* one at a time"), exclusive(course):
            pass
    finally:
        other.kill()  # as hard as a process can end
        other.wait()
        other.stdout.close()
    with exclusive(course):
        pass


def test_what_nbgraders_methods_commit_lands_together_or_not_at_all(course):
    def fail_half_way():
        with transaction(course) as book:
            book.add_student("ada")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with opened(course) as book:
        assert book.students == []
    with transaction(course) as book:
        book.add_student("ada")
        book.add_student("ben")
        with opened(course) as other:
            assert other.students == []
    with opened(course) as book:
        assert [student.id for student in book.students] == ["ada", "ben"]


def test_a_gradebook_is_made_where_alembic_is_not_on_the_path_which_stays_as_it_was(course, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    opened(course).close()
    assert (course.root / "marks.db").is_file()
    assert os.environ["PATH"] == "/nowhere"


def test_a_gradebook_that_another_program_writes_is_said_to_be_held(course):
    opened(course).close()
    holder = sqlite3.connect(course.root / "marks.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"marks\.db is being written by another program"), transaction(course):
        pass
    holder.close()
    assert time.monotonic() - started > 1, "it waits a while before it gives up"
