"""The course command: help, exit codes, one-line errors, and no bug hidden."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import cli, doctor, lecture_runner
from course_lib.command import Lacking, Refused, WrongInput
from course_lib.grading import grade

COURSE = Path(sys.executable).with_name("course")
COMMANDS = ("doctor", "run", "release", "kit", "publish", "grade", "feedback", "report", "repair")


def test_help_names_every_command_and_what_exit_codes_mean(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert [line.split()[0] for line in out.splitlines() if re.match(" {4}\\S", line)] == list(COMMANDS)
    assert "3 this machine lacks" in " ".join(out.split())
    assert cli.main([]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_and_every_option(name, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    assert "exit codes" in capsys.readouterr().out
    chosen = next(action for action in cli._parser()._actions if action.choices).choices[name]
    assert not [action.dest for action in chosen._actions if not action.help]


def test_help_comes_at_once_and_imports_nothing_heavy():
    code = "import sys; from course_lib import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()
    assert not {"torch", "numpy", "matplotlib", "nbclient", "nbformat", "tqdm", "jaxtyping"} & set(modules)


def test_the_installed_command_is_this_one():
    told = subprocess.run([COURSE, "--version"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout.split()[0]) == (0, "course")


@pytest.mark.parametrize(("raised", "code"), [(WrongInput("odd"), 2), (Lacking("no bwrap"), 3), (Refused("a proof failed"), 1)])
def test_what_is_refused_is_one_line_and_a_code(monkeypatch, capsys, raised, code):
    def refuse(asked):
        raise raised

    monkeypatch.setattr(doctor, "command", refuse)
    assert cli.main(["doctor"]) == code
    assert capsys.readouterr().err == f"course doctor: {raised}\n"


@pytest.mark.parametrize(
    "bug", [ValueError("a bug"), KeyError("x"), ModuleNotFoundError("No module named 'course_lib.gone'", name="course_lib.gone")]
)
def test_a_bug_is_never_hidden(monkeypatch, bug):
    def broken(asked):
        raise bug

    monkeypatch.setattr(doctor, "command", broken)
    with pytest.raises(type(bug)):
        cli.main(["doctor"])


def test_a_missing_package_is_named_with_the_extra_that_brings_it(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "course_lib.lecture_runner")
    monkeypatch.setitem(sys.modules, "nbclient", None)
    assert cli.main(["run"]) == 3
    err = capsys.readouterr().err
    assert "nbclient" in err
    assert ".[lab]" in err


def test_a_system_that_cannot_do_it_is_told_where_it_can(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "course_lib.lecture_runner")
    monkeypatch.setitem(sys.modules, "asyncio", None)  # as resource on Windows
    assert cli.main(["run", "99"]) == 3
    assert capsys.readouterr().err == "course run: needs Linux, on Windows WSL 2 for example: Python has no asyncio here\n"


def test_ctrl_c_is_told_and_has_its_own_code(monkeypatch, capsys):
    def stopped(asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(lecture_runner, "command", stopped)
    assert cli.main(["run"]) == 130
    assert capsys.readouterr().err == "course run: stopped\n"


def test_an_old_python_is_told_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert cli.main(["doctor"]) == 3
    err = capsys.readouterr().err
    assert "Python 3.11 or newer is needed" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["run", "--size", "huge"],
        ["run", "--seed", "-1"],
        ["run", "--seed", "1.5"],
        ["run", "--seed", str(2**32)],
        ["run", "--timeout", "0"],
        ["run", "--timeout", "nan"],
        ["run", "--timeout", "soon"],
        ["kit"],
        ["release"],
        *(["grade", "inbox", "--assignment", "ps01", "--memory", size] for size in ("8", "8GB", "0GiB", "-1GiB", "GiB", "1.5GiB")),
        ["grade", "inbox", "--assignment", "ps01", "--processes", "0"],
    ],
)
def test_what_cannot_be_meant_is_refused_with_code_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_what_a_notebook_may_use_is_asked_for_in_its_units(monkeypatch):
    heard = []
    monkeypatch.setattr(grade, "command", lambda asked: heard.append(asked) or 0)
    words = ["grade", "inbox", "--assignment", "ps01", "--memory", "8GiB", "--disk", "512MiB", "--processes", "256", "--resume"]
    assert cli.main(words) == 0
    assert (heard[0].memory, heard[0].disk, heard[0].processes) == (8 * 1024**3, 512 * 1024**2, 256)
    assert cli.main(words[:4]) == 0
    assert (heard[1].memory, heard[1].disk, heard[1].processes) == (None, None, None)


def test_an_unknown_lecture_is_answered_with_the_list(capsys):
    assert cli.main(["run", "99"]) == 2
    err = capsys.readouterr().err
    assert "no lecture '99'" in err
    assert "00_start_here" in err


def test_seconds_are_recorded_for_seed_0_only(capsys):
    assert cli.main(["run", "00", "--record", "--seed", "1"]) == 2
    assert "seed 0" in capsys.readouterr().err


def test_a_broken_notebook_is_told_before_any_lecture_runs(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "notebooks" / "01_first.ipynb").write_text("{")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lecture_runner, "execute", lambda *args, **kwargs: pytest.fail("a lecture ran"))
    assert cli.main(["run"]) == 2
    assert "01_first.ipynb is not a sound notebook" in capsys.readouterr().err


def test_a_data_folder_that_is_none_is_told_before_any_lecture_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(lecture_runner, "execute", lambda *args, **kwargs: pytest.fail("a lecture ran"))
    assert cli.main(["run", "00"]) == 3
    err = capsys.readouterr().err
    assert "COURSE_DATA names" in err
    assert len(err.splitlines()) == 1


def test_an_unknown_problem_set_is_answered_with_the_list(capsys):
    assert cli.main(["release", "ps99"]) == 2
    assert "ps01_maximum_likelihood" in capsys.readouterr().err
