"""A kernel for one student's notebook, which may do whatever it likes without anything happening to anybody else.

    with StudentKernel(limits=Limits(), files={"data.csv": data}) as kernel:
        ran = kernel.run("print(1 + 1)")
        with kernel.serving(seconds=60) as connection:
            ...

Everything that comes from it is bytes to be checked: it may be forged, malformed or endless.
"""

import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from nbformat import NotebookNode

from course_lib.grading.limits import Limits


class KernelFailed(Exception):
    """No kernel can be started here, which is no student's fault; says why and what to do."""


@dataclass(frozen=True)
class CellRun:
    """How a cell ended.

    Attributes:
        outputs: what it showed, in nbformat's form, cut off at the limit.
        status: ``ok``; ``error``, it raised one; ``timed_out``; ``died``, its process ended; ``flooded``, it wrote far too much.
        seconds: how long it took.
        message: why it did not end well, in a sentence.
    """

    outputs: tuple[NotebookNode, ...]
    status: Literal["ok", "error", "timed_out", "died", "flooded"]
    seconds: float
    message: str = ""


class StudentKernel:
    """A kernel in a sandbox of its own.

    Args:
        folder: where its scratch folder is made; the system's temporary folder unless told.
        limits: what it may use.
        sandboxed: False runs it as an ordinary process, with all that the instructor may do.
        files: what lies in its working folder, by relative name.
        hidden_modules: modules that it cannot import.
        read_only: further files and folders that it may read.
        python: the interpreter.

    Raises:
        KernelFailed: if it cannot be started.
    """

    def __init__(
        self,
        folder: Path | None = None,
        limits: Limits = Limits(),
        *,
        sandboxed: bool = True,
        files: Mapping[str, bytes] | None = None,
        hidden_modules: Sequence[str] = (),
        read_only: Sequence[Path] = (),
        python: str = sys.executable,
    ):
        raise NotImplementedError

    @property
    def alive(self) -> bool:
        """Whether it can run a cell; after a death, ``restart`` makes a new one."""
        raise NotImplementedError

    def run(self, code: str, *, seconds: float | None = None) -> CellRun:
        """Runs a cell, whatever it does.

        Args:
            code: the cell.
            seconds: wall-clock seconds, as many as the limits say unless told; past them it is interrupted, then killed.
        """
        raise NotImplementedError

    @contextmanager
    def serving(self, *, seconds: float | None = None) -> Iterator[socket.socket]:
        """Lets the kernel answer calls of what the student wrote, and yields the judge's end of the connection.

        Raises:
            TimedOut: if it does not begin in time.
            Gone: if it ended.
        """
        raise NotImplementedError
        yield

    def restart(self) -> None:
        """Ends it and starts a new one, with the files it was given and nothing of what it did."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends it, and all that it has started."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
