"""Lectures executed headless: what is kept, what is told, and what is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path

import nbformat
import pytest

from course_lib import cli, lecture_runner
from course_lib.command import WrongInput
from course_lib.lecture_record import Outcome

PIXEL = b64encode(b"\x89PNG not really").decode()
SHOW = "from IPython.display import display\ndisplay({'image/png': '" + PIXEL + "'}, raw=True)"


def write_lecture(folder: Path, name: str, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    """Writes a lecture of code cells; the last cell carries the tags."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.cells[-1].metadata["tags"] = list(tags)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """An empty course of one's own, with its build folder."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "lectures.json").write_text('{"01_first": {"title": "First", "seconds": {}}}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COURSE_BUILD", raising=False)
    return tmp_path


def execute(path: Path, course: Path, **settings) -> Outcome:
    return lecture_runner.execute(path, to=course / "to", build=course / "build", settings=lecture_runner.Settings(**settings))


CLAIM = """
import json, os, pathlib
folder = pathlib.Path(os.environ["COURSE_BUILD"]) / "claims"
folder.mkdir(parents=True, exist_ok=True)
claims = [{"name": "a", "holds": True, "size": "quick", "device": "cpu"}, {"name": "b", "holds": %s, "size": "quick", "device": "cpu"}]
(folder / "01_first.json").write_text(json.dumps(claims))
"""


def test_lectures_are_found_by_number_name_and_path(tmp_path):
    for name in ("00_start", "01_first", "11_last", "notes"):
        write_lecture(tmp_path, name, "1")
    names = lambda wanted: [path.stem for path in lecture_runner.find(wanted, tmp_path)]  # noqa: E731
    assert names([]) == ["00_start", "01_first", "11_last"]
    assert names(["1"]) == names(["01"]) == names(["01_first"]) == names(["notebooks/01_first.ipynb"]) == ["01_first"]
    assert names(["11", "0", "11"]) == ["11_last", "00_start"]
    with pytest.raises(WrongInput, match="no lecture '7': choose from 00_start, 01_first, 11_last"):
        lecture_runner.find(["7"], tmp_path)
    with pytest.raises(WrongInput, match="no lecture"):
        lecture_runner.find(["notes"], tmp_path)
    with pytest.raises(WrongInput, match=r"NN_topic\.ipynb"):
        lecture_runner.find([], tmp_path / "empty")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"cells": 3}', "<html>", '{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}']
)
def test_a_broken_notebook_is_one_line(tmp_path, text):
    path = tmp_path / "01_first.ipynb"
    path.write_text(text)
    with pytest.raises(WrongInput, match=r"^01_first\.ipynb is not a sound notebook: .+$") as told:
        lecture_runner.read(path)
    assert "\n" not in str(told.value)


@pytest.mark.slow
def test_a_run_tells_seconds_memory_and_claims_and_keeps_the_notebook(course):
    path = write_lecture(
        course / "notebooks", "01_first", CLAIM % True, "import time; time.sleep(1)\nblock = bytearray(300_000_000)\ndel block", "6 * 7"
    )
    outcome = execute(path, course, size="full", seed=3)
    assert outcome.failure == outcome.stderr == ""
    assert 1 < outcome.seconds < 60
    assert 300 < outcome.peak_mb < 600  # the block counts although it is gone when the run ends
    assert [claim["name"] for claim in outcome.claims] == ["a", "b"]
    executed = nbformat.read(course / "to" / "01_first.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].data["text/plain"] == "42"
    assert not nbformat.read(path, as_version=4).cells[-1].outputs  # the lecture itself is left alone


@pytest.mark.slow
def test_the_kernel_finds_the_settings_and_the_notebooks_folder(course):
    ask = "import os, sys\n[os.getcwd(), sys.executable] + [os.environ.get('COURSE_' + name) for name in ('SIZE', 'SEED', 'WIDGETS', 'STRICT', 'BUILD')]"
    path = write_lecture(course / "notebooks", "01_first", ask)
    execute(path, course, size="full", seed=3, static=True)
    told = eval(nbformat.read(course / "to" / "01_first.ipynb", as_version=4).cells[0].outputs[0].data["text/plain"])
    assert told == [str(course / "notebooks"), sys.executable, "full", "3", "static", "1", str(course / "build")]


@pytest.mark.slow
def test_a_failing_cell_is_told_briefly_and_kept_with_its_traceback(course, capsys):
    write_lecture(
        course / "notebooks", "01_first", "1", CLAIM % True, "print('before')\ndef f(x):\n    return 1 / x\n\nf(0)\n", "print('never')"
    )
    assert cli.main(["run", "01"]) == 1
    out, err = capsys.readouterr()
    assert "01_first, cell 3 of 4, In [3]:\n    print('before')\n    def f(x):" in err
    assert "ZeroDivisionError: division by zero" in err
    assert "\x1b" not in err
    assert len(err.splitlines()) < 12
    assert "2 / 2" in out
    assert "✗ ZeroDivisionError" in out
    kept = nbformat.read(course / "build" / "lectures" / "01_first.ipynb", as_version=4)
    assert kept.cells[2].outputs[0].text == "before\n"
    assert kept.cells[2].outputs[1].ename == "ZeroDivisionError"
    assert not kept.cells[3].outputs


@pytest.mark.slow
def test_what_an_older_run_claimed_is_not_taken_for_this_one(course):
    path = write_lecture(course / "notebooks", "01_first", CLAIM % False)
    assert len(execute(path, course).claims) == 2
    path = write_lecture(course / "notebooks", "01_first", "1 / 0")
    assert execute(path, course).claims == []


@pytest.mark.slow
def test_what_a_lecture_writes_to_stderr_is_told_but_is_no_failure(course, capsys):
    write_lecture(course / "notebooks", "01_first", "import sys\nprint('careful', file=sys.stderr)")
    assert cli.main(["run"]) == 0
    assert "✓ · on stderr: careful" in capsys.readouterr().out


@pytest.mark.slow
def test_the_time_limit_is_the_whole_lectures_not_each_cells(course):
    path = write_lecture(course / "notebooks", "01_first", "import time", *["time.sleep(4)"] * 3, "time.sleep(1000)")
    outcome = execute(path, course, timeout_s=10.0)
    assert outcome.seconds < 100
    assert outcome.failure == "Stopped: the lecture took longer than 10 s"
    assert "sleep(1000)" not in outcome.where


@pytest.mark.slow
def test_a_kernel_that_dies_is_told(course):
    path = write_lecture(course / "notebooks", "01_first", "1", "import os; os._exit(7)", "2")
    outcome = execute(path, course)
    assert "kernel died" in outcome.failure
    assert outcome.where.startswith("cell 2 of 3")
    assert outcome.executed.is_file()


@pytest.mark.slow
def test_a_kernel_that_cannot_start_is_told(course, tmp_path):
    silent = tmp_path / "python"
    silent.write_text("#!/bin/sh\necho no kernel in this one >&2\nexit 3\n")
    silent.chmod(0o755)
    outcome = execute(write_lecture(course / "notebooks", "01_first", "1"), course, python=str(silent))
    assert outcome.failure == "The kernel did not start: no kernel in this one"


@pytest.mark.slow
def test_ctrl_c_stops_the_run_leaves_no_kernel_and_keeps_what_was_executed(course):
    mark = course / "pid"
    write_lecture(course / "notebooks", "01_first", f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(100)")
    run = subprocess.Popen([Path(sys.executable).with_name("course"), "run"], stderr=subprocess.PIPE, text=True)
    while not (mark.exists() and mark.read_text()):
        assert run.poll() is None
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert err.strip().splitlines()[-1] == "course run: stopped"
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
    assert (course / "build" / "lectures" / "01_first.ipynb").is_file()


@pytest.mark.slow
def test_figures_are_saved_under_their_names(course, capsys):
    write_lecture(course / "notebooks", "01_first", "1", SHOW, tags=("figure:tails", "other"))
    assert cli.main(["run", "--figures", str(course / "pictures")]) == 0
    assert (course / "pictures" / "tails.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_figure_that_was_not_made_fails_the_lecture(course, capsys):
    write_lecture(course / "notebooks", "01_first", "1", tags=("figure:tails",))
    assert cli.main(["run", "--figures", str(course / "pictures")]) == 1
    assert "figure:tails made 0 pictures" in capsys.readouterr().err


@pytest.mark.slow
def test_seconds_are_recorded_where_the_lecture_says_its_size(course, capsys):
    write_lecture(course / "notebooks", "01_first", "print('01_first · cpu (2 cores) · quick size · embedded data')")
    assert cli.main(["run", "1", "--record"]) == 0
    assert "recorded for quick cpu" in capsys.readouterr().out
    known = json.loads((course / "course_lib" / "lectures.json").read_text())
    assert known["01_first"]["title"] == "First"
    assert known["01_first"]["seconds"]["quick cpu"] >= 1
