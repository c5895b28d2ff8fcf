"""What a process may use, tried on processes: by every way that this machine has, and by the watchdog."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from course_lib.grading import limits
from course_lib.grading.limits import Fence, Groups, Limits, Scope, Watchdog

SMALL = Limits(memory=200 << 20, processes=20)
HUNGRY = "import time\nx = bytearray(b'1') * (500 << 20)\ntime.sleep(20)"
MANY = "import os, time\nfor i in range(100):\n    if os.fork() == 0: time.sleep(20); os._exit(0)\ntime.sleep(20)"


def ways() -> list:
    """The watchdog, and the way that this machine takes where that is another."""
    return list({way.name: way for way in (Watchdog(), limits.way())}.values())


@pytest.fixture(params=ways(), ids=lambda way: type(way).__name__)
def fence(request, monkeypatch):
    monkeypatch.setattr(limits, "way", lambda: request.param)
    fence = Fence(SMALL)
    yield fence
    fence.close()


def end(process: psutil.Process) -> None:
    for each in [*process.children(recursive=True), process]:
        each.kill()


def run(fence: Fence, code: str) -> tuple[int, float]:
    """The exit code of a program in a fence, and how long it lived."""
    started = time.monotonic()
    process = subprocess.Popen(fence.around([sys.executable, "-c", code]), stderr=subprocess.DEVNULL)
    fence.watch(process.pid, lambda: end(psutil.Process(process.pid)))
    return process.wait(60), time.monotonic() - started


def test_who_takes_too_much_memory_is_ended_and_told(fence):
    code, seconds = run(fence, HUNGRY)
    assert code == -9
    assert seconds < 19
    assert "more than 0.195 GiB of memory" in fence.why()


def test_who_starts_too_many_processes_is_held(fence):
    code, seconds = run(fence, MANY)
    assert code != 0  # ended by the watchdog, or by the error that fork gives
    assert seconds < 19
    assert "20 processes" in fence.why() or fence._groups


def test_who_keeps_to_the_limits_is_left_alone(fence):
    code, _ = run(fence, "x = bytearray(b'1') * (50 << 20); import time; time.sleep(0.5); raise SystemExit(7)")
    assert (code, fence.why()) == (7, "")


def test_what_is_left_in_a_group_ends_with_the_fence(monkeypatch):
    if not isinstance(limits.way(), Groups):
        pytest.skip("this machine has no control groups to be used")
    fence = Fence(SMALL)
    groups = list(fence._groups)
    subprocess.run(fence.around(["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &"]), check=True)
    (pid,) = (int(pid) for pid in (groups[0] / "cgroup.procs").read_text().split())
    assert psutil.pid_exists(pid)
    fence.close()
    assert not [group for group in groups if group.exists()]
    until = time.monotonic() + 5  # its new parent takes notice of its end
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" and time.monotonic() < until:
        time.sleep(0.01)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"


def test_memory_that_processes_share_counts_once():
    code = "import os, time\nx = bytearray(b'1') * (100 << 20)\nfor i in range(4):\n    if os.fork() == 0: break\nprint('here', flush=True)\ntime.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        for _ in range(5):
            process.stdout.readline()
        count, memory = limits.usage(os.getpid())
        assert count >= 5
        own = [child.pid for child in psutil.Process(process.pid).children()]
        assert 100 << 20 < sum(map(limits._memory, [process.pid, *own])) < 200 << 20
        assert memory >= 100 << 20
    finally:
        end(psutil.Process(process.pid))
        process.wait()
        process.stdout.close()
    assert limits.usage(process.pid) == (0, 0)


# --------------------------------------------------------------------------------------- other machines, by the files they have


def test_groups_of_version_2_are_made_where_they_may_be(tmp_path):
    """As on a machine with systemd: this process sits in a scope, and the first group above it that passes its controllers on takes ours."""
    (tmp_path / "own").write_text("0::/user.slice/session-1.scope\n")
    scope = tmp_path / "fs" / "user.slice" / "session-1.scope"
    scope.mkdir(parents=True)
    (tmp_path / "fs" / "cgroup.controllers").write_text("cpu memory pids\n")
    for place, passed_on in ((scope, ""), (scope.parent, "memory pids\n"), (scope.parents[1], "cpu memory pids\n")):
        (place / "cgroup.subtree_control").write_text(passed_on)
    found = list(limits._version_2(tmp_path / "fs", tmp_path / "own"))
    assert [way.parents for way in found] == [[scope.parent], [tmp_path / "fs"]]
    assert found[0].holds == {"memory", "processes"}
    assert "version 2" in found[0].name
    (tmp_path / "own").write_text("4:memory:/x\n")
    assert not list(limits._version_2(tmp_path / "fs", tmp_path / "own"))


def test_groups_of_version_1_are_found_by_what_they_hold(tmp_path):
    mounts = "cgroup /cg/cpu,memory cgroup rw,cpu,memory 0 0\ncgroup /cg/pids cgroup rw,pids 0 0\ntmpfs /tmp tmpfs rw 0 0\n"
    (tmp_path / "mounts").write_text(mounts)
    (tmp_path / "own").write_text("5:cpu,memory:/docker/ab\n4:pids:/\n0::/\n")
    found = limits._version_1(tmp_path / "mounts", tmp_path / "own")
    assert found == {"memory": Path("/cg/cpu,memory/docker/ab"), "processes": Path("/cg/pids")}
    assert limits._version_1(tmp_path / "none", tmp_path / "own") == {}


def test_a_limit_is_written_in_the_words_of_either_version(tmp_path):
    made = []
    for version, names in (
        (1, ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]),
        (2, ["memory.max", "memory.swap.max", "pids.max"]),
    ):
        group = tmp_path / str(version)
        group.mkdir()
        for name in names:
            (group / name).touch()
            (group / name).write_text(str(limits._settings(SMALL)[name]))
        made.append({name: (group / name).read_text() for name in names})
    assert made[0] == dict.fromkeys(made[0], str(200 << 20))
    assert made[1] == {"memory.max": str(200 << 20), "memory.swap.max": "0", "pids.max": "20"}


def test_an_end_for_lack_of_memory_is_read_in_either_version(tmp_path):
    for name, text in (
        ("memory.events", "low 0\noom 1\noom_kill 2\n"),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
    ):
        (tmp_path / name).write_text(text)
        assert limits._ran_out(tmp_path)
        (tmp_path / name).write_text(text.replace("oom_kill 2", "oom_kill 0").replace("oom_kill 1", "oom_kill 0"))
        assert not limits._ran_out(tmp_path)


def test_a_way_that_does_not_work_is_not_taken(monkeypatch, tmp_path):
    """A folder that looks like a group and holds nobody; a systemd that says yes and sets no limit."""
    (tmp_path / "systemd-run").write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    (tmp_path / "systemd-run").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    pretence = Groups(2, [tmp_path], frozenset({"memory", "processes"}))
    monkeypatch.setattr(limits, "_ways", lambda: iter([pretence, Scope(user=True), Scope(user=False)]))
    found = limits.way.__wrapped__()
    assert type(found) is Watchdog
    assert "watchdog" in found.name


def test_a_scope_is_asked_for_with_its_limits():
    asked = " ".join(Scope(user=True).around([], SMALL, ["run", "this"]))
    assert asked.startswith("systemd-run --user --scope")
    for part in (f"-p MemoryMax={200 << 20}", "-p TasksMax=20", "-p MemorySwapMax=0"):
        assert part in asked
    assert asked.endswith("-- run this")
