"""Control groups of every version, by the files they have; a way that does not work is not taken."""

import os
from pathlib import Path

from course_lib.grading.sandbox import control_groups
from course_lib.grading.sandbox.control_groups import Groups, Scope, Watchdog
from course_lib.grading.sandbox.limits import Limits

SMALL = Limits(memory=200 << 20, processes=20)


def test_groups_of_version_2_are_made_where_they_may_be(tmp_path):
    """As on a machine with systemd: this process sits in a scope, and the first group above it that passes its controllers on takes ours."""
    (tmp_path / "own").write_text("0::/user.slice/session-1.scope\n")
    scope = tmp_path / "fs" / "user.slice" / "session-1.scope"
    scope.mkdir(parents=True)
    (tmp_path / "fs" / "cgroup.controllers").write_text("cpu memory pids\n")
    for place, passed_on in ((scope, ""), (scope.parent, "memory pids\n"), (scope.parents[1], "cpu memory pids\n")):
        (place / "cgroup.subtree_control").write_text(passed_on)
    found = list(control_groups._version_2(tmp_path / "fs", tmp_path / "own"))
    assert [way.parents for way in found] == [[scope.parent], [tmp_path / "fs"]]
    assert [way.holds for way in found] == [{"memory", "processes"}, {"memory", "processes", "processor"}]
    assert found[0].name == "control groups (version 2) hold memory and processes, each notebook keeps to one core"
    assert found[1].name == "control groups (version 2) hold memory, processes and processor"
    (tmp_path / "own").write_text("4:memory:/x\n")
    assert not list(control_groups._version_2(tmp_path / "fs", tmp_path / "own"))


def test_groups_of_version_1_are_found_by_what_they_hold(tmp_path):
    mounts = "cgroup /cg/cpu,memory cgroup rw,cpu,memory 0 0\ncgroup /cg/pids cgroup rw,pids 0 0\ntmpfs /tmp tmpfs rw 0 0\n"
    (tmp_path / "mounts").write_text(mounts)
    (tmp_path / "own").write_text("5:cpu,memory:/docker/ab\n4:pids:/\n0::/\n")
    found = control_groups._version_1(tmp_path / "mounts", tmp_path / "own")
    both = Path("/cg/cpu,memory/docker/ab")
    assert found == {"memory": both, "processes": Path("/cg/pids"), "processor": both}
    assert control_groups._version_1(tmp_path / "none", tmp_path / "own") == {}


def test_a_limit_is_written_in_the_words_of_either_version(tmp_path):
    made = []
    for version, names in (
        (1, ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "cpu.cfs_period_us", "cpu.cfs_quota_us"]),
        (2, ["memory.max", "memory.swap.max", "pids.max", "cpu.max"]),
    ):
        group = tmp_path / str(version)
        group.mkdir()
        for name in names:
            (group / name).touch()
            (group / name).write_text(str(control_groups._settings(SMALL)[name]))
        made.append({name: (group / name).read_text() for name in names})
    memory = dict.fromkeys(("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), str(200 << 20))
    assert made[0] == {**memory, "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000"}
    assert made[1] == {"memory.max": str(200 << 20), "memory.swap.max": "0", "pids.max": "20", "cpu.max": "100000 100000"}


def test_an_end_for_lack_of_memory_is_read_in_either_version(tmp_path):
    for name, text in (
        ("memory.events", "low 0\noom 1\noom_kill 2\n"),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
    ):
        (tmp_path / name).write_text(text)
        assert control_groups.ran_out(tmp_path)
        (tmp_path / name).write_text(text.replace("oom_kill 2", "oom_kill 0").replace("oom_kill 1", "oom_kill 0"))
        assert not control_groups.ran_out(tmp_path)


def test_a_way_that_does_not_work_is_not_taken(monkeypatch, tmp_path):
    """A folder that looks like a group and holds nobody; a systemd that says yes and sets no limit."""
    (tmp_path / "systemd-run").write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    (tmp_path / "systemd-run").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    pretence = Groups(2, [tmp_path], frozenset({"memory", "processes"}))
    monkeypatch.setattr(control_groups, "_ways", lambda: iter([pretence, Scope(user=True), Scope(user=False)]))
    found = control_groups.way.__wrapped__()
    assert type(found) is Watchdog
    assert "watchdog" in found.name


def test_a_scope_is_asked_for_with_its_limits():
    asked = " ".join(Scope(user=True).around([], SMALL, ["run", "this"]))
    assert asked.startswith("systemd-run --user --scope")
    for part in (f"-p MemoryMax={200 << 20}", "-p TasksMax=20", "-p MemorySwapMax=0", "-p CPUQuota=100%"):
        assert part in asked
    assert asked.endswith("-- run this")
    assert "CPUQuota" not in " ".join(Scope(user=True, processor=False).around([], SMALL, ["run", "this"]))


def test_a_scope_that_does_not_hold_what_it_was_asked_for_is_asked_for_less(monkeypatch, tmp_path):
    """As on a machine whose systemd gives its users memory and processes and no processor time."""
    told = f"{4 << 30}\n128\nmax 100000\n"
    (tmp_path / "systemd-run").write_text(f'#!/bin/sh\ncase "$*" in *cpu.max*) printf "{told}" ;; *) printf "{4 << 30}\\n128\\n" ;; esac\n')
    (tmp_path / "systemd-run").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(control_groups, "_version_2", lambda: iter(()))
    found = control_groups.way.__wrapped__()
    assert isinstance(found, Scope)
    assert found.holds == {"memory", "processes"}


def test_a_cpu_group_that_may_not_be_used_costs_no_other(monkeypatch, tmp_path):
    mounts = {name: tmp_path / name for name in ("memory", "processes", "processor")}
    for place in mounts.values():
        place.mkdir()
    monkeypatch.setattr(control_groups, "_version_1", lambda: mounts)
    monkeypatch.setattr(control_groups, "_version_2", lambda: iter(()))
    monkeypatch.setattr(control_groups.shutil, "which", lambda name: None)
    assert [sorted(way.holds) for way in control_groups._ways()] == [["memory", "processes", "processor"], ["memory", "processes"]]
