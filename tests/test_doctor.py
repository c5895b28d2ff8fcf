"""What course doctor finds, and that it finds it where something is really wrong."""

import functools
import json
import subprocess
import sys

import pytest
from conftest import needs_program

from course_lib import cli, doctor, lecture_runner, machine
from course_lib.datasets.registry import Status
from course_lib.lecture_record import Outcome
from course_lib.machine import Finding


@pytest.mark.slow
def test_this_machine_is_found_able_to_run_the_course(capsys):
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert not [line for line in lines if line.startswith("✗")]
    for subject in ("Python", "CPU", "data mnist", "packages [lab]", "widgets in JupyterLab", "nbgrader in JupyterLab", "kernel"):
        assert [line for line in lines if line[2:].startswith(f"{subject}:")], subject
    assert lines[-1].startswith("This machine can run the course")


def test_something_wrong_is_shown_with_its_remedy_and_the_exit_code_says_so(monkeypatch, capsys):
    monkeypatch.setattr(
        doctor, "examine", lambda: iter([Finding("Python", "good", "3.12"), Finding("kernel", "wrong", "silent", "mend it")])
    )
    assert cli.main(["doctor"]) == 3
    assert "✗ kernel: silent → mend it" in capsys.readouterr().out
    assert cli.main(["doctor", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found[1] == {"what": "kernel", "state": "wrong", "says": "silent", "mend": "mend it"}


@pytest.mark.parametrize(
    ("where", "state"), [("COURSE_DATA", "good"), ("cache", "good"), ("download", "good"), ("stand-in", "optional"), ("refused", "wrong")]
)
def test_a_data_set_is_told_by_where_it_would_come_from(where, state):
    found = doctor.data_set(Status("mnist", where, "digits\nexpected: this", "MIT"))
    assert found.state == state
    assert "digits" in found.says
    assert bool(found.mend) == (state != "good")
    if state == "wrong":
        assert "\n" not in str(found)


def test_a_wrong_data_folder_is_a_finding_and_no_traceback(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    assert doctor.data_sets() == []
    assert [finding.what for finding in machine.report() if finding.state == "wrong"] == ["data"]


def test_the_browsers_half_of_the_widgets_must_fit(monkeypatch):
    assert doctor.widgets_in_lab().state == "good"
    versions = {"jupyterlab_widgets": "1.1.1", "ipywidgets": "8.1"}
    monkeypatch.setattr(machine, "version", versions.get)
    found = doctor.widgets_in_lab()
    assert found.state == "optional"
    assert "1.1.1" in found.says
    assert "pip install" in found.mend
    versions.clear()
    assert "none" in doctor.widgets_in_lab().says


@pytest.fixture
def empty_jupyter(monkeypatch, tmp_path):
    """Jupyter's folders, with nothing in them."""
    import jupyter_core.paths

    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda *parts: [str(tmp_path / "share" / parts[0])])
    monkeypatch.setattr(jupyter_core.paths, "jupyter_config_path", lambda: [str(tmp_path / "user"), str(tmp_path / "system")])
    return tmp_path


def test_an_extension_that_lab_cannot_see_is_found(empty_jupyter):
    assert "does not see" in doctor.widgets_in_lab().says
    assert "missing" in doctor.nbgrader_in_lab().says


def test_nbgraders_extension_must_be_of_its_version_and_switched_on(empty_jupyter):
    described = empty_jupyter / "share" / "labextensions" / "@jupyter" / "nbgrader" / "package.json"
    described.parent.mkdir(parents=True)
    described.write_text('{"version": "0.1"}')
    assert "0.1" in doctor.nbgrader_in_lab().says
    described.write_text(json.dumps({"version": machine.version("nbgrader")}))
    assert "switched off" in doctor.nbgrader_in_lab().says
    for folder, on in (("system", True), ("user", False)):
        switch = empty_jupyter / folder / "jupyter_server_config.d" / "nbgrader.json"
        switch.parent.mkdir(parents=True)
        switch.write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"nbgrader.server_extensions.formgrader": on}}}))
        assert (doctor.nbgrader_in_lab().state == "good") == on  # the user's word counts last


def test_a_kernel_that_fails_or_answers_wrongly_is_found(monkeypatch):
    def dead(path, *, to, build, settings):
        to.mkdir()
        (to / path.name).write_bytes(path.read_bytes())
        return Outcome("trial", to / path.name, failure=failure)

    monkeypatch.setattr(lecture_runner, "execute", dead)
    failure = "The kernel did not start: no such module"
    assert doctor.kernel().says == failure
    failure = ""
    assert "1 + 1 gave []" in doctor.kernel().says
    assert doctor.kernel().state == "wrong"


@pytest.mark.slow
def test_a_sandbox_is_found_where_a_kernel_runs_in_it():
    needs_program("bwrap")
    found = doctor.sandbox()
    assert (found.state, found.what) == ("good", "sandbox"), str(found)
    assert "no network" in found.says


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("Can't mount proc: Operation not permitted", "else grade on another machine"),
        ("execvp python: no such file", "readable by everyone"),
        ("Unknown option --perms", "0.5 or newer"),
    ],
)
def test_a_sandbox_that_cannot_be_made_is_told_with_its_reason_and_behind_the_arrow_its_remedy(monkeypatch, capsys, said, mend):
    from course_lib.grading.sandbox import sandbox

    monkeypatch.setattr(sandbox, "available", lambda: sandbox._advice(said))
    found = doctor.sandbox()
    assert found.state == "optional"
    assert said in found.says
    assert mend in found.mend
    monkeypatch.setattr(doctor, "examine", lambda: iter([Finding("Python", "good", "3.12"), found]))
    assert cli.main(["doctor"]) == 0
    assert "it cannot grade: see the line of the sandbox" in capsys.readouterr().out.splitlines()[-1]


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch):
    from course_lib.grading.sandbox import sandbox

    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    monkeypatch.setattr(sandbox, "available", sandbox.available.__wrapped__)  # whatever was found here before
    found = doctor.sandbox()
    assert "bwrap is missing" in found.says
    assert found.mend.startswith("install bubblewrap (apt install bubblewrap")


@pytest.mark.parametrize(("instructor", "end"), [(True, "course and grade it."), (False, "course.")])
def test_the_last_line_speaks_of_grading_to_those_alone_who_can(monkeypatch, capsys, instructor, end):
    monkeypatch.setattr(doctor, "INSTRUCTORS_COPY", instructor)
    monkeypatch.setattr(doctor, "examine", lambda: iter([Finding("sandbox" if instructor else "kernel", "good", "starts")]))
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"This machine can run the {end}"


@pytest.mark.slow
def test_a_sandbox_that_holds_nothing_is_wrong(monkeypatch):
    from course_lib.grading.sandbox import student_kernel

    monkeypatch.setattr(student_kernel, "StudentKernel", functools.partial(student_kernel.StudentKernel, sandboxed=False))
    found = doctor.sandbox()
    assert found.state == "wrong"
    assert "write into the library" in found.says


def test_the_way_of_holding_limits_is_told(monkeypatch):
    from course_lib.grading.sandbox import control_groups as limits

    both = frozenset({"memory", "processes"})
    monkeypatch.setattr(limits, "way", lambda: limits.Groups(2, [], both))
    assert doctor.limits().state == "good"
    monkeypatch.setattr(limits, "way", limits.Watchdog)
    assert doctor.limits().state == "optional"
    assert "watchdog" in doctor.limits().says
    assert "systemd-run" in doctor.limits().mend


def test_a_students_copy_is_not_asked_for_the_instructors_tools(root, tmp_path):
    """Where course_lib has no grading, doctor speaks of neither nbgrader nor a sandbox."""
    import shutil

    shutil.copytree(root / "course_lib", tmp_path / "course_lib", ignore=shutil.ignore_patterns("grading", "__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    code = "import sys; sys.path.insert(0, '.'); from course_lib import doctor; doctor.kernel = lambda: doctor.machine.python(); print(*doctor.examine(), sep='\\n')"
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "packages [lab]" in out
    assert "nbgrader" not in out
    assert "sandbox" not in out
