"""What holds a process, tried on processes: every way that this machine has, and the watchdog."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from course_lib.grading.sandbox import control_groups
from course_lib.grading.sandbox.control_groups import Groups, Watchdog
from course_lib.grading.sandbox.fence import Fence, _memory, free_core, usage
from course_lib.grading.sandbox.limits import Limits

SMALL = Limits(memory=200 << 20, processes=20)
HUNGRY = "import time\nx = bytearray(b'1') * (500 << 20)\ntime.sleep(20)"
MANY = "import os, time\nfor i in range(100):\n    if os.fork() == 0: time.sleep(20); os._exit(0)\ntime.sleep(20)"


def ways() -> list:
    """The watchdog, and the way that this machine takes where that is another."""
    return list({way.name: way for way in (Watchdog(), control_groups.way())}.values())


@pytest.fixture(params=ways(), ids=lambda way: type(way).__name__)
def fence(request, monkeypatch):
    monkeypatch.setattr(control_groups, "way", lambda: request.param)
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
    if not isinstance(control_groups.way(), Groups):
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
        count, memory = usage(os.getpid())
        assert count >= 5
        own = [child.pid for child in psutil.Process(process.pid).children()]
        assert 100 << 20 < sum(map(_memory, [process.pid, *own])) < 200 << 20
        assert memory >= 100 << 20
    finally:
        end(psutil.Process(process.pid))
        process.wait()
        process.stdout.close()
    assert usage(process.pid) == (0, 0)


SPIN = "import os, time\nfor i in range(4):\n    if os.fork() == 0: break\nuntil = time.monotonic() + 2\nwhile time.monotonic() < until: pass\nprint(sum(os.times()[:2]), flush=True)"


def test_an_army_of_processes_gets_one_core_and_no_more():
    if not (isinstance(control_groups.way(), Groups) and "processor" in control_groups.way().holds):
        pytest.skip("no control group made by hand holds processor time here")
    fence = Fence(SMALL)
    try:
        files = [file for group in fence._groups for file in (group / "cpu.max", group / "cpu.cfs_quota_us") if file.exists()]
        quota = [number for file in files for number in file.read_text().split()]
        ran = subprocess.run(fence.around([sys.executable, "-c", SPIN]), capture_output=True, text=True, check=True)
        time.sleep(0.5)  # the others end a little later
    finally:
        fence.close()
    assert fence.core is None
    assert quota in (["100000"], ["100000", "100000"])  # microseconds in each 100000: version 2 says both
    used = sum(map(float, ran.stdout.split()))
    assert used < 2.0 * 1.25, "five of them in two seconds"


def test_where_no_group_holds_processor_time_each_fence_has_a_core_of_its_own(monkeypatch):
    monkeypatch.setattr(control_groups, "way", Watchdog)
    cores = sorted(os.sched_getaffinity(0))
    taken = [free_core() for _ in cores]
    try:
        there = {core for core, claim in taken if claim is not None}
        assert len(there) == sum(claim is not None for _, claim in taken), "no core is claimed twice"
        assert {core for core, _ in taken} <= set(cores)
        last = Fence(SMALL)
        assert last.core in cores, "where all are taken it shares one"
        last.close()
    finally:
        for _, claim in taken:
            if claim is not None:
                claim.close()
