"""The sandbox's command and what is said where none can be made; what it keeps from whom is tried with kernels, in test_student_kernel.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs_program

from course_lib.grading.sandbox import sandbox
from course_lib.grading.sandbox.limits import Limits


@pytest.fixture
def given(tmp_path):
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


def inside(folder: Path, code: str, **kwargs) -> str:
    """What a program prints in a sandbox."""
    needs_program("bwrap")
    if missing := sandbox.available():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    command = [*sandbox.command(folder, Limits(), **kwargs), sys.executable, "-c", code]
    return subprocess.run(command, env=sandbox.environment(), capture_output=True, text=True, check=True, timeout=60).stdout


def test_what_is_given_can_be_read_whatever_the_instructors_mask(given):
    before = os.umask(0o077)
    try:
        sandbox.furnish(given, {"a/b.txt": b"here"})
    finally:
        os.umask(before)
    assert (
        inside(
            given, "import os; print(open('/grading/files/a/b.txt').read(), os.getuid(), os.getlogin if False else os.environ['USER'])"
        ).split()[0]
        == "here"
    )
    assert inside(given, "import getpass, os; os.environ.clear(); print(os.path.expanduser('~'))")


@pytest.mark.parametrize("name", ["../a", "/etc/a", "a/../../b"])
def test_a_name_that_leads_out_is_refused(given, name):
    with pytest.raises(ValueError, match="outside the working folder"):
        sandbox.furnish(given, {name: b""})


def test_the_folders_around_an_interpreter_are_not_seen(given, root):
    """A virtual environment may lie in the course's folder, or the course in the environment's."""
    sandbox.furnish(given, {})
    seen = inside(given, f"import os; print(*os.listdir({str(root)!r}))").split()
    assert set(seen) <= {"course_lib", ".venv", "bin", "lib", "lib64", "share", "etc", "pyvenv.cfg"}
    assert "course_lib" in seen


def test_a_servers_settings_beside_an_interpreter_are_not_seen():
    """``etc/jupyter`` of an environment may hold the hash of a password."""
    places = sandbox._places_of(sys.executable)
    settings = f"{sys.prefix}/etc/jupyter/jupyter_server_config.json"
    assert f"{sys.prefix}/bin" in places
    assert not any(Path(settings).is_relative_to(place) for place in places)


def test_what_is_hidden_is_empty(given, tmp_path):
    sandbox.furnish(given, {})
    (tmp_path / "shown").mkdir()
    for name in ("open.py", "secret.py"):
        (tmp_path / "shown" / name).write_text("x = 1")
    (tmp_path / "shown" / "folder").mkdir()
    (tmp_path / "shown" / "folder" / "a.txt").write_text("secret")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(tmp_path / "shown")], check=True)
    shown = tmp_path / "shown"
    code = f"import os; print([(n, os.path.getsize(os.path.join(f, n)) > 0) for f, _, names in os.walk({str(shown)!r}) for n in sorted(names)])"
    said = eval(inside(given, code, read_only=[shown], hidden=[shown / "secret.py", shown / "folder", shown / "none"]))
    assert {name.split(".")[0]: full for name, full in said} == {"open": True, "secret": False}
    assert len(said) == 4  # with their compiled forms; the folder's file is not seen at all


def test_each_sandbox_of_root_has_a_user_of_its_own(given):
    sandbox.furnish(given, {})
    users = {inside(given, "import os; print(os.getuid(), os.getgroups())") for _ in range(2)}
    if os.geteuid() == 0:
        assert len(users) == 2
        assert all(int(user.split()[0]) > 10**9 for user in users)
    else:
        assert {user.split()[0] for user in users} == {"65534"}


def test_no_environment_of_the_instructors_comes_along(monkeypatch):
    monkeypatch.setenv("A_TOKEN", "secret")
    environment = sandbox.environment()
    assert "A_TOKEN" not in environment
    assert environment["COURSE_OFFLINE"] == "1"
    assert environment["HOME"].startswith("/tmp")


def test_lists_of_fonts_are_found_where_matplotlib_keeps_them(monkeypatch, tmp_path):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    assert sandbox.font_lists() == []
    (tmp_path / "fontlist-v1.json").touch()
    assert [file.name for file in sandbox.font_lists()] == ["fontlist-v1.json"]


@pytest.fixture
def afresh():
    sandbox.available.cache_clear()
    yield sandbox.available
    sandbox.available.cache_clear()


def pretend(monkeypatch, folder: Path, says: str) -> None:
    """Puts a bubblewrap first that fails with these words."""
    (folder / "bwrap").write_text(f"#!/bin/sh\necho {says!r} >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_what_is_missing_is_named(monkeypatch, tmp_path, afresh):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install bubblewrap" in afresh()
    afresh.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Linux" in afresh()


@pytest.mark.parametrize(
    ("says", "mend"),
    [
        ("bwrap: Unknown option --perms", "0.5 or newer"),
        ("bwrap: execvp python: Permission denied", "chmod"),
        ("bwrap: Creating new namespace failed: Operation not permitted", "container"),
    ],
)
def test_a_failure_is_told_with_what_mends_it(monkeypatch, tmp_path, afresh, says, mend):
    pretend(monkeypatch, tmp_path, says)
    monkeypatch.setattr(sandbox, "_APPARMOR", tmp_path / "none")
    monkeypatch.setattr(sandbox, "_SWITCHES", {})
    assert says in afresh()
    assert mend in afresh()


def test_the_switches_of_a_system_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sandbox, "_APPARMOR", tmp_path / "apparmor")
    monkeypatch.setattr(sandbox, "_SWITCHES", {tmp_path / "clone": ("0", "sudo sysctl clone=1")})
    said = "bwrap: setting up uid map: Permission denied"
    (tmp_path / "clone").write_text("0\n")
    assert "sudo sysctl clone=1" in sandbox._advice(said)
    (tmp_path / "apparmor").write_text("1\n")
    assert "bwrap-userns-restrict" in sandbox._advice(said)
    (tmp_path / "apparmor").write_text("0\n")
    (tmp_path / "clone").write_text("1\n")
    assert "container" in sandbox._advice(said)
