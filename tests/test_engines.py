"""Processes that end take nothing with them: the test cell at which one ended is left out, and a notebook that nobody can grade is no mark."""

import copy
import dataclasses
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.judging import engines
from course_lib.grading.judging.jobs import Graded, Job
from course_lib.grading.records import Outcome, Record, Status


def job(student: str = "a") -> Job:
    def cell(name: str, source: str, *, grade: bool) -> nbformat.NotebookNode:
        about = {"grade": grade, "solution": not grade, "locked": grade, "task": False, "grade_id": name, "schema_version": 3}
        return new_code_cell(source, id=name, metadata={"nbgrader": about | ({"points": 2} if grade else {})})

    cells = [cell("f", "def f(x):\n    return x", grade=False), cell("test_f", "assert f(2) == 2", grade=True)]
    text = nbformat.writes(new_notebook(cells=cells))
    return Job(student, "set", "book", text, text, b"{}", submitted="2027-01-01T00:00:00+00:00", remarks=("seen",), key="k")


def graded(task: Job) -> Graded:
    return Graded(Record(task.student, task.assignment, task.notebook, Status.GRADED, remarks=tuple(sorted(task.avoid))))


class Starts:
    """Processes that end as they are told to: at a test cell, or with an answer."""

    def __init__(self, *ends: str | None):
        self.ends, self.started = list(ends), []

    def __call__(self, task: Job, place: Path) -> Future:
        self.started.append(task)
        future: Future = Future()
        end = self.ends.pop(0) if self.ends else None
        if end is None:
            future.set_result(graded(task))
        else:
            place.write_text(end)
            future.set_exception(RuntimeError("ended"))
        return future


def test_every_job_is_answered_once():
    starts = Starts()
    found = list(engines._as_they_end((job(str(i)) for i in range(7)), ahead=3, start=starts))
    assert sorted(each.record.student for each in found) == [str(i) for i in range(7)]


def test_no_more_run_at_once_than_there_are_workers():
    running: list[Future] = []
    most = 0

    def start(task: Job, place: Path) -> Future:
        nonlocal most
        future: Future = Future()
        future.set_running_or_notify_cancel()
        running.append(future)
        most = max(most, len(running))
        if len(running) == 2:
            running.pop(0).set_result(graded(task))
        return future

    answers = engines._as_they_end((job(str(i)) for i in range(5)), ahead=2, start=start)
    for _ in range(4):
        next(answers)
    assert most == 2


def test_the_test_cell_at_which_a_process_ended_is_left_out_at_the_next_try():
    starts = Starts("test_f")
    (found,) = engines._as_they_end([job()], ahead=1, start=starts)
    assert [task.avoid for task in starts.started] == [frozenset(), {"test_f"}]
    assert found.record.remarks == ("test_f",)


def several(*names: str) -> Job:
    """A job with as many tests."""
    notebook = nbformat.reads(job().instructor, as_version=4)
    for name in names[1:]:
        cell = copy.deepcopy(notebook.cells[1])
        cell.metadata.nbgrader.grade_id = cell.id = name
        notebook.cells.append(cell)
    return dataclasses.replace(job(), instructor=nbformat.writes(notebook))


def test_a_judge_that_ends_three_times_costs_those_tests_and_no_more():
    starts = Starts("test_f", "b", "c")
    (found,) = engines._as_they_end([several("test_f", "b", "c", "d")], ahead=1, start=starts)
    assert [sorted(task.avoid) for task in starts.started] == [[], ["test_f"], ["b", "test_f"], ["b", "c", "test_f"]]
    assert found.record.status is Status.GRADED


def test_a_judge_that_ends_wherever_it_can_never_costs_the_notebook():
    starts = Starts("test_f", "b", "c", "d")
    (found,) = engines._as_they_end([several("test_f", "b", "c", "d", "e")], ahead=1, start=starts)
    assert starts.started[-1].avoid == {"test_f", "b", "c", "d", "e"}
    assert found.record.status is Status.GRADED


def test_what_was_too_late_at_no_test_is_not_tried_again():
    assert engines.next_try(job(), "", 1, late=True) is None
    assert engines.next_try(job(), "", 1) == job()
    assert engines.next_try(job(), "", 3) is None


@pytest.mark.parametrize(("machine", "workers", "each"), [(64, 1, 16), (64, 2, 16), (64, 8, 4), (32, 4, 4), (16, 16, 2), (4, 2, 2)])
def test_judges_together_take_half_of_the_machine_and_each_has_enough(monkeypatch, machine, workers, each):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": (machine << 30) // 4096}
    monkeypatch.setattr(engines.os, "sysconf", pages.__getitem__)
    assert engines.memory(workers) == each << 30


def test_what_ends_three_times_is_an_infrastructure_error_and_no_mark():
    starts = Starts("", "", "")
    (found,) = engines._as_they_end([job()], ahead=1, start=starts)
    assert len(starts.started) == 3
    assert found.record.status is Status.INFRASTRUCTURE_ERROR
    assert found.record.score is None
    assert [(question.grade_id, question.score, question.outcome) for question in found.record.questions] == [
        ("test_f", None, Outcome.NOT_JUDGED)
    ]
    assert found.record.remarks[0] == "seen"
    assert "ended 3 times" in found.record.remarks[1]


def test_a_failed_job_keeps_who_and_when_and_what_it_depends_on():
    record = engines.failed(job("b"), "the disk is full").record
    assert (record.student, record.submitted, record.key) == ("b", "2027-01-01T00:00:00+00:00", "k")
    assert record.remarks == ("seen", "the disk is full")


@pytest.mark.slow
def test_processes_of_this_machine_answer_what_needs_no_kernel():
    missing = [dataclasses.replace(job(str(i)), data=None) for i in range(3)]
    found = list(engines.in_processes(missing, workers=2))
    assert sorted(each.record.student for each in found) == ["0", "1", "2"]
    assert {each.record.status for each in found} == {Status.MISSING}


@pytest.mark.slow
def test_a_job_graded_in_a_process_of_its_own_comes_back_whole():
    record = engines.grade_apart(dataclasses.replace(job(), data=None)).record
    assert record.status is Status.MISSING
    assert record.remarks == ("seen",)


@pytest.mark.slow
def test_workers_end_when_the_coordinator_is_killed(tmp_path):
    program = """
import multiprocessing, os, time
from course_lib.grading.judging import engines


def hold(job, place):
    print(os.getpid(), flush=True)
    time.sleep(600)


if __name__ == "__main__":
    from pebble import ProcessPool

    context = multiprocessing.get_context("forkserver")
    with ProcessPool(max_workers=1, context=context, initializer=engines._end_with_parent) as pool:
        pool.schedule(hold, args=[None, None]).result()
"""
    script = tmp_path / "coordinator.py"
    script.write_text(program, encoding="utf-8")
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    try:
        worker = int(process.stdout.readline())
        process.kill()
        until = time.monotonic() + 20
        while Path(f"/proc/{worker}").exists() and "Z" not in Path(f"/proc/{worker}/stat").read_text().split(")")[1]:
            assert time.monotonic() < until, "the worker lives on"
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
