"""How much a student's process may use.

Time and output are held by whoever waits for the process, disk by the sandbox, memory, the number of processes and the one core by its fence.
"""

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
