"""Cells in a kernel that is only played: what went well is run again after a death, and what was stopped is remembered by its names."""

from types import SimpleNamespace

from nbformat.v4 import new_code_cell

from course_lib.grading.judging.student_cells import StudentCells
from course_lib.grading.records import Outcome
from course_lib.grading.sandbox.limits import Limits
from course_lib.grading.sandbox.student_kernel import StudentKernel


class Kernel(StudentKernel):
    """Dies at cells that say so; every restart is remembered with what ran before it."""

    alive = True

    def __init__(self):
        self.ran, self.lives = [], []

    def run(self, source, seconds):
        self.ran.append(source)
        status = next((one for one in ("died", "timed_out", "flooded", "error") if one in source), "ok")
        self.alive = status != "died"
        return SimpleNamespace(status=status, outputs=())

    def restart(self):
        self.lives.append(self.ran)
        self.alive, self.ran = True, []


def cells_after(*sources, **limits):
    cells = StudentCells(Kernel(), Limits(**limits))
    written = [new_code_cell(source) for source in sources]
    for cell in written:
        cells.run(cell)
    return cells, written


def test_what_went_well_is_run_again_after_a_death_in_order():
    cells, _ = cells_after("a = 1", "b = error", "c = died", "d = 4")
    assert cells.kernel.ran == ["a = 1", "b = error", "d = 4"]
    assert (cells.restarts, cells.troubles) == (1, 1)


def test_what_was_stopped_is_known_by_its_names_until_another_cell_defines_them():
    cells, written = cells_after("def f(): timed_out\nx = 1", "def g(): flooded", "def x(): pass")
    assert cells.stopped == {"f": (Outcome.TIMED_OUT, "ran out of time (60 s)"), "g": (Outcome.CRASHED, "wrote too much")}
    assert "this cell ran out of time" in str(written[0].outputs)


def test_a_process_that_ends_too_often_gets_no_other():
    cells, written = cells_after(*[f"x{i} = died" for i in range(6)])
    assert cells.restarts == 4
    assert not cells.ready()
    assert cells.stopped["x5"] == (Outcome.CRASHED, "was not run: the notebook's process ended too often")
    assert "was not run" in str(written[5].outputs)


def test_time_that_is_used_up_is_told_as_such():
    cells, _ = cells_after("f = 1", notebook_seconds=0.0)
    assert cells.kernel.ran == []
    assert cells.stopped["f"] == (Outcome.TIMED_OUT, "was not run: the notebook's time was used up")
