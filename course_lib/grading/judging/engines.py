"""Notebooks graded in processes of this machine, each in one of its own: one that dies takes its notebook's question with it, and nothing else.

for graded in in_processes(jobs, workers=2):
    ...
"""

import dataclasses
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from course_lib.grading.judging.execution import grade
from course_lib.grading.judging.jobs import Graded, Job, not_judged, parsed
from course_lib.grading.notebooks.cells import grade_id, is_test
from course_lib.grading.records import Record, Status

_TRIES = 3  # of a notebook whose judge ends
_LEAST, _MOST = 2 << 30, 16 << 30  # bytes that a judge's process may take: torch and a usual test need a sixth of the least
_MARGIN = 120.0  # seconds that a process may take beyond its student's limits, for the instructor's own part


def in_processes(jobs: Iterable[Job], *, workers: int) -> Iterator[Graded]:
    """Yields what grading each job found, in the order in which they end.

    Args:
        jobs: notebooks to grade; taken as workers become free.
        workers: how many are graded at once.
    """
    from pebble import ProcessPool

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course_lib.grading.judging.execution"])
    ready = 2 * workers  # each has one notebook; the next is there already when it ends, where the pool would notice only a while later
    with ProcessPool(max_workers=ready, max_tasks=1, context=context, initializer=_prepared, initargs=[memory(workers)]) as pool:
        yield from _as_they_end(
            jobs, ahead=workers, start=lambda job, place: pool.schedule(_graded, args=[job, place], timeout=_seconds(job))
        )


def grade_apart(job: Job) -> Graded:
    """Grades a job in a process of its own, and tries again without the test cell at which that process ended."""
    with tempfile.TemporaryDirectory() as folder:
        place, tried = Path(folder) / "place", 0
        while True:
            tried, late = tried + 1, False
            place.write_text("")
            command = [sys.executable, "-m", "course_lib.grading.judging.engines", str(place)]
            try:
                done = subprocess.run(command, input=pickle.dumps(job), capture_output=True, timeout=_seconds(job), check=False)
                if done.returncode == 0:
                    return pickle.loads(done.stdout)
            except subprocess.TimeoutExpired:
                late = True
            following = next_try(job, place.read_text(), tried, late=late)
            if following is None:
                return failed(job, f"its process ended {tried} times")
            job = following


def next_try(job: Job, place: str, tried: int, *, late: bool = False) -> Job | None:
    """Returns the job with which to try again after the judge's process ended; None if that would lead nowhere.

    Args:
        job: the job as it was tried.
        place: the test cell at which the process ended, empty if it was at none.
        tried: how often it was tried.
        late: whether it was ended because its time was over.
    """
    tests = {grade_id(cell) for cell in parsed(job.instructor).cells if is_test(cell)}
    if place and tried <= _TRIES:
        return dataclasses.replace(job, avoid=job.avoid | {place})
    if place and not tests <= job.avoid:  # it ends the judge wherever it can: the rest of the notebook is still worth a record
        return dataclasses.replace(job, avoid=frozenset(tests))
    return job if tried < _TRIES and not late else None


def memory(workers: int) -> int:
    """Returns the bytes that each of so many judges may take: together half of the machine's, as long as that is enough for every one."""
    share = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 // max(workers, 1)
    return min(max(share, _LEAST), _MOST)


def failed(job: Job, why: str) -> Graded:
    """Returns what is recorded where this machine, and not the student, is at fault."""
    questions = not_judged(parsed(job.instructor))
    remarks = (*job.remarks, why)
    return Graded(
        Record(
            student=job.student,
            assignment=job.assignment,
            notebook=job.notebook,
            status=Status.INFRASTRUCTURE_ERROR,
            questions=questions,
            remarks=remarks,
            submitted=job.submitted,
            key=job.key,
        )
    )


def _as_they_end(jobs: Iterable[Job], *, ahead: int, start) -> Iterator[Graded]:
    """Keeps as many jobs running as there are workers, and starts anew what ended without an answer."""
    waiting = iter(jobs)
    running: dict[Future, tuple[Job, int, Path]] = {}
    with tempfile.TemporaryDirectory() as folder:

        def begin(job: Job, tried: int) -> None:
            place = Path(folder) / f"{len(os.listdir(folder))}"
            place.write_text("")
            running[start(job, place)] = job, tried, place

        while True:
            while len(running) < ahead and (job := next(waiting, None)) is not None:
                begin(job, 1)
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job, tried, place = running.pop(future)
                error = future.exception()
                if error is None:
                    yield future.result()
                elif again := next_try(job, place.read_text(), tried, late=isinstance(error, TimeoutError)):
                    begin(again, tried + 1)
                else:
                    yield failed(job, f"its process ended {tried} times: {type(error).__name__}: {error}")


def _graded(job: Job, place: Path) -> Graded:
    return grade(job, at=place.write_text)


def _seconds(job: Job) -> float:
    return 2 * job.limits.notebook_seconds + _MARGIN


def _prepared(most: int) -> None:
    _end_with_parent()
    _modest(most)


def _end_with_parent() -> None:
    """The coordinator's end is the worker's, and by bubblewrap's own doing that of its sandbox."""

    def watch() -> None:
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _modest(most: int) -> None:
    """One core, much memory but not all, and what the instructor's test cells print or draw goes nowhere."""
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))  # what a test makes of a student's numbers may be large
    os.environ |= {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - as long as the process lives


if __name__ == "__main__":
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _modest(memory(len(os.sched_getaffinity(0))))
    with answer:
        pickle.dump(_graded(pickle.load(sys.stdin.buffer), Path(sys.argv[1])), answer)
