"""System calls that are refused are, and all that a notebook does goes on."""

import platform
import subprocess
import sys
import textwrap

import pytest

from course_lib.grading.sandbox import system_calls


def outcome(code: str, *, refused: bool) -> str:
    """What a program says with the filter, or without."""
    begin = f"import sys; sys.path.insert(0, {str(system_calls.__file__.rpartition('/')[0])!r}); import system_calls; print(system_calls.refuse())\n"
    code = (begin if refused else "") + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=100, check=False).stdout


CALLS = """
import ctypes, errno, os
library = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    library.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in arguments))
    return errno.errorcode.get(ctypes.get_errno(), "done")
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers below are those of x86_64")
def test_doors_to_the_kernel_are_shut():
    code = (
        CALLS
        + "print(*[call(n, *a) for n, a in [(272, (0,)), (250, (0, -3, 1)), (321, (99, 0, 0)), (425, (0, 0)), (56, (0x10000000 | 17,)), (435, (0, 0))]])"
    )
    assert outcome(code, refused=True).split() == ["True", "EPERM", "EPERM", "EPERM", "EPERM", "EPERM", "ENOSYS"]
    assert outcome(CALLS + "print(call(272, 0))", refused=False).split() == ["done"]  # unshare of nothing


def test_threads_processes_and_programs_go_on():
    code = """
        import multiprocessing, os, subprocess, threading
        found = []
        thread = threading.Thread(target=lambda: found.append("thread"))
        thread.start(); thread.join()
        pool = multiprocessing.get_context("fork").Pool(2)
        found += pool.map(str, [1, 2]); pool.close(); pool.join()
        found.append(subprocess.run(["echo", "program"], capture_output=True, text=True).stdout.strip())
        print(*found)
    """
    assert outcome(code, refused=True).split()[1:] == ["thread", "1", "2", "program"]


def test_each_machine_has_its_numbers():
    assert len(system_calls.program("x86_64")) == len(system_calls.program("aarch64"))
    assert len(system_calls._REFUSED["x86_64"]) == len(system_calls._REFUSED["aarch64"])
    with pytest.raises(KeyError):
        system_calls.program("m68k")
