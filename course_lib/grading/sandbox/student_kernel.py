"""A kernel for one student's notebook, which may do whatever it likes without anything happening to anybody else.

    with StudentKernel(limits=Limits(), files={"data.csv": data}) as kernel:
        ran = kernel.run("print(1 + 1)")
        with kernel.serving(seconds=60) as connection:
            ...

Everything that comes from it is bytes to be checked: it may be forged, malformed or endless. Who makes a kernel must live as long as it: where
the thread that started it ends, it is ended too.
"""

import contextlib
import itertools
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nbformat import NotebookNode

from course_lib.grading.sandbox.cell_outputs import Outputs
from course_lib.grading.sandbox.kernel_channels import ChannelLost, readable
from course_lib.grading.sandbox.kernel_request import Request
from course_lib.grading.sandbox.limits import Limits
from course_lib.grading.sandbox.student_errors import Gone, TimedOut
from course_lib.grading.sandbox.student_process import KernelFailed, StudentProcess, Wanted

__all__ = ["CellRun", "KernelFailed", "StudentKernel"]

_SETTLE_S = 1.0  # between closing the judge's connection and interrupting who served it
_INTERRUPT_S = 5.0  # between asking a cell to stop and ending its process
_EXIT_S = 2.0  # how long a process takes that ends itself
Ending = Literal["ok", "error", "timed_out", "died", "flooded"]


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
    status: Ending
    seconds: float
    message: str = ""


class StudentKernel:
    """A kernel in a sandbox of its own.

    Args:
        folder: where its scratch folder is made; the system's temporary folder unless told.
        limits: what it may use; the usual unless told.
        sandboxed: False runs it as an ordinary process, with all that the instructor may do.
        files: what lies in its working folder, by relative name.
        hidden_modules: modules that it cannot import.
        read_only: further files and folders that it may read, if everybody may.
        python: the interpreter.

    Raises:
        KernelFailed: if it cannot be started.
    """

    def __init__(
        self,
        folder: Path | None = None,
        limits: Limits | None = None,
        *,
        sandboxed: bool = True,
        files: Mapping[str, bytes] | None = None,
        hidden_modules: Sequence[str] = (),
        read_only: Sequence[Path] = (),
        python: str = sys.executable,
    ):
        self.limits = limits or Limits()
        self._wanted = Wanted(folder, self.limits, sandboxed, dict(files or {}), tuple(hidden_modules), tuple(read_only), python)
        self._numbers = itertools.count()
        self._process = StudentProcess(self._wanted)

    # ------------------------------------------------------------------------------------------------------------ cells

    def run(self, code: str, *, seconds: float | None = None) -> CellRun:
        """Runs a cell, whatever it does.

        Args:
            code: the cell.
            seconds: wall-clock seconds, as many as the limits say unless told; past them it is interrupted, then its process ended.
        """
        seconds = self.limits.cell_seconds if seconds is None else seconds
        started, outputs = time.monotonic(), Outputs(self.limits.output)
        if not self.alive:
            return CellRun((), "died", 0.0, "its process had ended before")
        try:
            self._drain()
            status, message = self._finished(Request(self._ask(code), outputs), seconds)
        except ChannelLost:
            status, message = "died", self._process.end(patience_s=_EXIT_S) or "its process answers no more"
        return CellRun(outputs.nodes(), status, time.monotonic() - started, message)

    def _finished(self, request: Request, seconds: float) -> tuple[Ending, str]:
        """Waits for the end of a cell, or brings it about."""
        if self._wait(request, time.monotonic() + seconds):
            if request.exits:
                return "died", self._left()
            return ("error", request.error) if request.error else ("ok", "")
        flooded = request.outputs.flooded
        why = f"it wrote more than {request.outputs.came >> 20} MiB" if flooded else f"it ran longer than {seconds:.3g} s"
        if not self._interrupt(request):
            self._process.end()
            why += ", and did not stop when it was interrupted"
        return ("flooded" if flooded else "timed_out"), why

    def _wait(self, request: Request, until: float, *, patient: bool = False) -> bool:
        """Reads what comes until a request is done; whether it was, before the time was over or the outputs became a flood."""
        while not request.done:
            now = time.monotonic()
            if now > until or (request.outputs.flooded and not patient):
                return False
            ready = readable([self._process.channels["shell"], self._process.channels["iopub"]], min(until - now, 0.1))
            if not ready and not self.alive:  # what it has left behind may keep its sockets open
                raise ChannelLost("the kernel has ended")
            for channel in ready:
                for message in channel.receive():
                    request.take(message, published=channel is self._process.channels["iopub"])
        return True

    def _interrupt(self, request: Request) -> bool:
        """Asks the kernel to stop; whether it has, and no interrupt is on its way that would hit the next cell."""
        self._process.channels["control"].send("interrupt_request", {}, key=self._process.key)
        until = time.monotonic() + _INTERRUPT_S
        while self._wait(request, until, patient=True):
            if request.interrupted:
                return True
            if time.monotonic() > until:
                break
            for channel in readable([self._process.channels["control"]], 0.05):
                request.interrupted |= any(message.kind == "interrupt_reply" for message in channel.receive())
        return False

    def _left(self) -> str:
        """The end of a process that has said that it exits."""
        return self._process.end(patience_s=_EXIT_S) or "it left its process, which went on all the same"

    def _ask(self, code: str, *, silent: bool = False) -> str:
        asked = {"code": code, "silent": silent, "store_history": not silent, "user_expressions": {}}
        return self._process.channels["shell"].send(
            "execute_request", {**asked, "allow_stdin": False, "stop_on_error": False}, key=self._process.key
        )

    def _drain(self) -> None:
        """Reads what came between two cells: nobody asked for it."""
        until = time.monotonic() + 0.5
        while time.monotonic() < until and (ready := readable([self._process.channels["shell"], self._process.channels["iopub"]], 0.0)):
            for channel in ready:
                channel.receive()

    # ---------------------------------------------------------------------------------------------------------- serving

    @contextmanager
    def serving(self, *, seconds: float | None = None) -> Iterator[socket.socket]:
        """Lets the kernel answer calls of what the student wrote, and yields the judge's end of the connection.

        Afterwards the kernel can run the next cell, or its process has been ended (``alive``).

        Args:
            seconds: how long it may take to begin.

        Raises:
            TimedOut: if it does not begin in time.
            Gone: if its process ended.
        """
        if not self.alive:
            raise Gone("its process had ended before")
        until = time.monotonic() + (self.limits.cell_seconds if seconds is None else seconds)
        place, seen_as = self._process.meeting_place(str(next(self._numbers)))
        request = Request("", Outputs(self.limits.output))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))
            place.chmod(0o666)  # the folder around it is closed to everybody else
            listener.listen(1)
            listener.setblocking(False)
            try:
                self._drain()
                request.name = self._ask(f"__import__('serving').serve({seen_as!r}, get_ipython().user_ns)", silent=True)
                with self._accepted(listener, request, until) as connection:
                    yield connection
            except ChannelLost as lost:
                raise Gone(self._process.end(patience_s=_EXIT_S) or str(lost)) from lost
            finally:
                self._settle(request)

    def _accepted(self, listener: socket.socket, request: Request, until: float) -> socket.socket:
        """The kernel's connection to the judge, as soon as it is there."""
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                connection, _ = listener.accept()
                connection.setblocking(True)
                return connection
            if self._wait(request, time.monotonic() + 0.002, patient=True):
                raise Gone("it does not answer the judge")  # and why, in its own words, is no word for a student to read in a mark
        raise TimedOut("it did not begin to answer in time")

    def _settle(self, request: Request) -> None:
        """Makes sure that a kernel that has served is ready again, or has ended."""
        if not self.alive:
            return
        try:
            # An honest one is done as soon as the connection is closed.
            if not self._wait(request, time.monotonic() + _SETTLE_S, patient=True) and not self._interrupt(request):
                self._process.end()
        except ChannelLost:
            self._process.end()

    # ------------------------------------------------------------------------------------------------------ life and death

    @property
    def alive(self) -> bool:
        """Whether it can run a cell; after a death, ``restart`` makes a new one."""
        return self._process.alive

    def restart(self) -> None:
        """Ends it and starts a new one, with the files it was given and nothing of what it did."""
        self._process.end()
        self._process = StudentProcess(self._wanted)

    def close(self) -> None:
        """Ends it, and all that it has started."""
        self._process.end()

    def __enter__(self) -> "StudentKernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
