"""What a notebook may use."""

import dataclasses
import os

import pytest

from course_lib.grading.sandbox import limits as limits_module
from course_lib.grading.sandbox.limits import Limits, rlimits


def test_limits_are_settings_that_nobody_changes_on_the_way():
    limits = Limits(memory=1 << 30)
    assert dataclasses.replace(limits, processes=7) == Limits(memory=1 << 30, processes=7)
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.memory = 0
    assert limits.cell_seconds <= limits.notebook_seconds


def test_the_systems_own_limits_are_set():
    limits = Limits(memory=1 << 30, disk=1 << 20, processes=50)
    found = rlimits(limits, sandboxed=True)
    assert (found["RLIMIT_CORE"], found["RLIMIT_FSIZE"], found["RLIMIT_DATA"]) == (0, 1 << 20, 1 << 30)
    assert "RLIMIT_NPROC" not in rlimits(limits, sandboxed=False)  # it would count the instructor's programs


def test_processes_are_counted_by_the_system_only_where_it_counts_a_sandbox_apart(monkeypatch):
    def kernel(release):
        monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "here", release, "", "x86_64")))
        return limits_module._counts_apart()

    assert [kernel(release) for release in ("5.4.0-26-generic", "5.14.0", "6.1.0-rc1", "6.18+")] == [False, True, True, True]
