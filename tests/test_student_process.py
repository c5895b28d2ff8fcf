"""The process around a student's kernel: how its end is told, what it may use, what it cannot import. Real ones: test_student_kernel.py."""

import os

import pytest

from course_lib.grading import student_process
from course_lib.grading.limits import Limits
from course_lib.grading.student_process import Wanted


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (0, "ended itself (exit code 0)"),
        (3, "exit code 3"),
        (137, "signal 9 (Killed)"),
        (139, "Segmentation fault"),
        (-9, "signal 9"),
        (-11, "signal 11"),
        (255, "exit code 255"),
    ],
)
def test_how_a_process_ended_is_said_in_words(code, says):
    assert says in student_process._how(code)


def test_the_systems_own_limits_are_set():
    limits = Limits(memory=1 << 30, disk=1 << 20, processes=50)
    found = student_process._rlimits(Wanted(limits=limits))
    assert (found["RLIMIT_CORE"], found["RLIMIT_FSIZE"], found["RLIMIT_DATA"]) == (0, 1 << 20, 1 << 30)
    assert "RLIMIT_NPROC" not in student_process._rlimits(
        Wanted(limits=limits, sandboxed=False)
    )  # it would count the instructor's programs


def test_processes_are_counted_by_the_system_only_where_it_counts_a_sandbox_apart(monkeypatch):
    def kernel(release):
        monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "here", release, "", "x86_64")))
        return student_process._counts_apart()

    assert [kernel(release) for release in ("5.4.0-26-generic", "5.14.0", "6.1.0-rc1", "6.18+")] == [False, True, True, True]


def test_the_file_of_a_module_is_found():
    assert student_process._file_of("course_lib.grading.limits") == student_process._HERE / "limits.py"
    assert student_process._file_of("course_lib.grading") == student_process._HERE
    for name in ("no.such.module", "sys", "zipimport", ".."):
        assert student_process._file_of(name) is None
