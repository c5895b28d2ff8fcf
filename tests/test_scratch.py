"""Temporary files of a grading process lie in one folder: it goes with the process, or with the next one if the process was killed."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from course_lib.grading.scratch import scratch, sweep

WORKS = """
import multiprocessing, pathlib, sys, tempfile
from course_lib.grading.scratch import scratch
with scratch() as folder:
    pathlib.Path(tempfile.mkdtemp(), "big").write_text("x")
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        print(pool.apply(tempfile.gettempdir), flush=True)
        {then}
"""


def started(where: Path, then: str) -> tuple[subprocess.Popen, Path]:
    environment = {"TMPDIR": str(where), "PYTHONPATH": str(Path(__file__).parents[1]), "PATH": ""}
    process = subprocess.Popen(
        [sys.executable, "-c", WORKS.format(then=then)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return process, Path(process.stdout.readline().decode().strip())


@pytest.fixture
def where():
    """A folder with a name short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="s-", dir="/tmp") as folder:
        yield Path(folder)


def test_it_goes_with_the_process_and_so_do_its_childrens_files(where):
    process, folder = started(where, "pass")
    assert folder.parent == where
    _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, b"")
    assert list(where.iterdir()) == []


def test_what_a_killed_process_leaves_the_next_one_removes_and_what_lives_it_leaves(where):
    killed, left = started(where, "import time; time.sleep(60)")
    alive, kept = started(where, "sys.stdin.read()")
    foreign = where / "grading-of-somebody-else"
    foreign.mkdir()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert left.is_dir()
    assert sweep(where) == [left]
    assert not left.exists()
    assert kept.is_dir()
    assert foreign.is_dir()
    alive.kill()
    alive.wait()


def test_afterwards_temporary_files_lie_where_they_did():
    before = tempfile.gettempdir()
    with scratch() as folder:
        assert tempfile.gettempdir() == str(folder)
        assert Path(tempfile.mkdtemp()).parent == folder
    assert tempfile.gettempdir() == before
