"""A student's cells, run in order in a kernel that may die, hang or write without end; what had gone well is run again after a death.

with StudentKernel(limits=limits) as kernel:
    cells = StudentCells(kernel, limits)
    cells.run(cell)
    if cells.ready():
        ...
"""

import contextlib
import json
import time

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_lib.grading.notebooks.namespaces import names_bound
from course_lib.grading.records import Outcome
from course_lib.grading.sandbox.limits import Limits
from course_lib.grading.sandbox.student_kernel import StudentKernel

_OUTPUTS = 16  # times the limit of one cell is kept of a notebook
_RESTARTS = 4  # of a kernel that died; each runs everything again that went well


class StudentCells:
    """One notebook's cells and the time that they have.

    Args:
        kernel: a kernel that nobody else uses.
        limits: what they may use.

    Attributes:
        troubles: how many were stopped.
        stopped: names that only such cells define, with how a test of these ends and why.
    """

    def __init__(self, kernel: StudentKernel, limits: Limits):
        self.kernel, self.limits = kernel, limits
        self.until = time.monotonic() + limits.notebook_seconds
        self.good: list[str] = []  # cells that ran to their end, to be run again after a death
        self.restarts = 0
        self.troubles = 0
        self.written = 0  # characters of output
        self.stopped: dict[str, tuple[Outcome, str]] = {}

    def seconds(self) -> float:
        """What a cell may take now."""
        return min(self.limits.cell_seconds, self.until - time.monotonic())

    def run(self, cell: NotebookNode) -> None:
        """Runs a cell, and puts what it showed under it."""
        if not self.ready():
            outcome, why = self.spent()
            cell.outputs = [_note(f"grading: this cell was not run: {why}")]
            self.stopped |= dict.fromkeys(names_bound(cell.source), (outcome, f"was not run: {why}"))
            return
        seconds = self.seconds()
        ran = self.kernel.run(cell.source, seconds=seconds)
        cell.outputs = [nbformat.from_dict(output) for output in ran.outputs]
        self.written += sum(len(json.dumps(output)) for output in ran.outputs)
        if self.written > _OUTPUTS * self.limits.output:
            cell.outputs = [_note("grading: not kept, since this notebook has written too much")]
        if ran.status in ("ok", "error"):
            self.good.append(cell.source)
            if self.stopped:
                mended = names_bound(cell.source)
                self.stopped = {name: why for name, why in self.stopped.items() if name not in mended}
            return
        self.troubles += 1
        timed_out = ran.status == "timed_out"
        why = f"{_ENDED[ran.status]}{f' ({seconds:.0f} s)' * timed_out}"
        self.stopped |= dict.fromkeys(names_bound(cell.source), (Outcome.TIMED_OUT if timed_out else Outcome.CRASHED, why))
        cell.outputs.append(_note(f"grading: this cell {_ENDED[ran.status]}; the cells after it ran without what it does"))

    def ready(self) -> bool:
        """Whether there is a process for the next cell; a new one takes on what the old one had done."""
        if self.kernel.alive:
            return self.seconds() > 0
        while self.restarts < _RESTARTS and self.seconds() > 0:
            self.restarts += 1
            self.kernel.restart()
            if all(
                self.seconds() > 0 and self.kernel.run(source, seconds=self.seconds()).status in ("ok", "error") for source in self.good
            ):
                return True
        return False

    def spent(self) -> tuple[Outcome, str]:
        """Why there is no process for the next cell."""
        if self.seconds() > 0:
            return Outcome.CRASHED, "the notebook's process ended too often"
        return Outcome.TIMED_OUT, "the notebook's time was used up"

    def modules(self) -> tuple[str, ...]:
        """The modules that the process has loaded; what a student's process says here can only hide or show modules to that student."""
        if not (self.kernel.alive and self.seconds() > 0):
            return ()
        ran = self.kernel.run("import json as _j, sys as _s; print(_j.dumps(sorted(_s.modules)))", seconds=self.seconds())
        said = "".join(output["text"] for output in ran.outputs if output["output_type"] == "stream" and output["name"] == "stdout")
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(said)
            return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()
        return ()


_ENDED = {"timed_out": "ran out of time", "died": "ended its process", "flooded": "wrote too much"}


def _note(text: str) -> NotebookNode:
    """A note of grading's, which no student can forge: what a kernel shows comes without metadata."""
    return new_output("display_data", {"text/plain": text}, metadata={"grading": True})
