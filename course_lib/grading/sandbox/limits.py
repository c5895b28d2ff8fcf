"""How much a student's process may use.

Time and output are held by whoever waits for the process, disk by the sandbox, memory, the number of processes and the one core by its fence.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one student's notebook may use.

    Attributes:
        cell_seconds: wall-clock seconds of one cell, the judging of a test cell included.
        notebook_seconds: wall-clock seconds of all cells together.
        memory: bytes of all its processes together.
        processes: how many processes and threads it may have at a time.
        disk: bytes that it may write.
        output: bytes of output that are kept of one cell.
        start_seconds: wall-clock seconds in which its process must be ready.
    """

    cell_seconds: float = 60.0
    notebook_seconds: float = 600.0
    memory: int = 4 << 30
    processes: int = 128
    disk: int = 256 << 20
    output: int = 1 << 20
    start_seconds: float = 60.0


def rlimits(limits: Limits, *, sandboxed: bool) -> dict[str, int]:
    """Returns the limits that the system itself holds, by their names; the number of processes only where no other process of the user's counts.

    Args:
        limits: what may be used.
        sandboxed: whether the process has a user or a user namespace of its own.
    """
    found = {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": 1024, "RLIMIT_FSIZE": limits.disk, "RLIMIT_DATA": limits.memory}
    if sandboxed and (os.geteuid() == 0 or _counts_apart()):
        found["RLIMIT_NPROC"] = limits.processes
    return found


def _counts_apart() -> bool:
    """Whether the kernel counts the processes of each user namespace by themselves (Linux 5.14 and newer)."""
    major, minor = (int("".join(filter(str.isdigit, part)) or 0) for part in os.uname().release.split(".")[:2])
    return (major, minor) >= (5, 14)
