"""What holds a student's process to its memory, its number of processes and one core: control groups, else a watchdog and a core of its own.

fence = Fence(limits)
process = subprocess.Popen(fence.around(command))
fence.watch(process.pid, kill)
...
fence.trouble, fence.close()
"""

import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from course_lib.grading.sandbox import control_groups
from course_lib.grading.sandbox.limits import Limits

_LOOK_S = 0.2  # how often the watchdog looks


class Fence:
    """Holds a process and all that it starts to its memory, its number of processes and one core.

    Args:
        limits: what it may use.

    Attributes:
        trouble: why the fence ended it, or empty.
        core: the core to which the process must keep by itself; None where a control group holds its processor time.
    """

    def __init__(self, limits: Limits):
        self.limits, self.trouble = limits, ""
        self._way = control_groups.way()
        self.core, self._claim = (None, None) if "processor" in self._way.holds else free_core()
        self._groups = self._way.make(limits)
        self._closed = threading.Event()
        self._watchdog: threading.Thread | None = None

    def around(self, command: Sequence[str]) -> list[str]:
        """Returns the command that starts another one inside the fence."""
        return self._way.around(self._groups, self.limits, command)

    def watch(self, pid: int, kill: Callable[[], None]) -> None:
        """Begins to look after what no control group holds.

        Args:
            pid: the process that was started.
            kill: ends it and all that it started.
        """
        if self._way.holds >= {"memory", "processes"}:
            return
        self._watchdog = threading.Thread(target=self._look, args=(pid, kill), daemon=True)
        self._watchdog.start()

    def why(self) -> str:
        """Returns why the fence ended the process, or nothing."""
        if not self.trouble and any(control_groups.ran_out(group) for group in self._groups):
            self.trouble = f"it used more than {self.limits.memory / 2**30:.3g} GiB of memory"
        return self.trouble

    def close(self) -> None:
        """Ends whatever is left inside, and takes the fence down."""
        self._closed.set()
        if self._watchdog is not None:
            self._watchdog.join()
        for group in self._groups:
            control_groups.clear(group)
        self._groups = []
        if self._claim is not None:
            self._claim.close()

    def _look(self, pid: int, kill: Callable[[], None]) -> None:
        while not self._closed.wait(_LOOK_S):
            count, memory = usage(pid)
            if "processes" not in self._way.holds and count > self.limits.processes:
                self.trouble = f"it had more than {self.limits.processes} processes"
            elif "memory" not in self._way.holds and memory > self.limits.memory:
                self.trouble = f"it used more than {self.limits.memory / 2**30:.3g} GiB of memory"
            else:
                continue
            kill()
            return


def free_core() -> tuple[int, socket.socket | None]:
    """Returns one of the cores that this process may use, and a claim on it that others see as long as it is open; None where all are taken."""
    cores = sorted(os.sched_getaffinity(0))
    first = os.getpid() % len(cores)
    for core in cores[first:] + cores[:first]:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0course-grading-core-{core}")
        except OSError:
            claim.close()
        else:
            return core, claim
    return cores[first], None


def usage(pid: int) -> tuple[int, int]:
    """Returns how many processes descend from one, and the bytes of memory that it and they hold together."""
    with contextlib.suppress(psutil.NoSuchProcess):
        below = psutil.Process(pid).children(recursive=True)
        return len(below), sum(map(_memory, [pid, *(process.pid for process in below)]))
    return 0, 0


def _memory(pid: int) -> int:
    """The memory of a process in bytes, what it shares with others divided among them."""
    with contextlib.suppress(OSError):
        shared_out = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), flags=re.M)
        return int(shared_out[1]) * 1024 if shared_out else 0
    return 0
