"""Notebooks graded on a Dask cluster, by the scheduler's address; what comes back is what this machine's own processes give.

    for graded in on_cluster(jobs, address="tcp://10.0.0.1:8786"):
        ...

Marks depend on the grader's code, so a worker must have the same as the coordinator: each is asked before it gets a notebook, and says it
again with each answer, since workers may come at any time.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from course_lib.command import Lacking, Refused
from course_lib.grading.judging.engines import failed, grade_apart
from course_lib.grading.judging.jobs import Graded, Job

_CONNECT_S, _WORKER_S = 20, 120  # how long to wait for the scheduler, and for its first worker
_LOST = 2  # times that a notebook is sent again after its worker was lost


def on_cluster(jobs: Iterable[Job], *, address: str) -> Iterator[Graded]:
    """Yields what grading each job found on the workers of a Dask cluster, in the order in which they end.

    Args:
        jobs: notebooks to grade.
        address: the scheduler's, such as ``tcp://10.0.0.1:8786``.

    Raises:
        ValueError: if that is no address.
        Lacking: if no scheduler answers there, or it has no worker.
        Refused: if a worker has other code than this machine. What came before it is as good as any.
    """
    from distributed import Client, as_completed

    try:
        client = Client(address, timeout=_CONNECT_S)
    except OSError as silence:
        raise Lacking(f"no Dask scheduler answers at {address} ({silence}): is it running, and can this machine reach it?") from silence
    with client:
        _wait_for_a_worker(client, address)
        mine = library()
        _refuse(client.run(library, on_error="return"), mine)
        futures = {client.submit(_on_a_worker, job, pure=False, retries=_LOST): job for job in jobs}
        for future in as_completed(futures):
            job = futures.pop(future)
            if future.status == "finished":
                worker, code, graded = future.result()
                _refuse({worker: code}, mine)
                yield graded
            else:
                yield failed(job, f"the cluster lost it: {future.exception()!r}")


def library() -> str:
    """Returns a digest of this machine's copy of the course's library: names and contents of its modules."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        for part in (file.relative_to(root).as_posix().encode(), file.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _wait_for_a_worker(client, address: str) -> None:
    if not client.nthreads():
        print(f"\n{address} has no worker yet: waiting for one, {_WORKER_S} s at most", flush=True)
    try:
        client.wait_for_workers(1, timeout=_WORKER_S)
    except TimeoutError as silence:
        raise Lacking(
            f"{address} has had no worker for {_WORKER_S} s: start one with  dask worker {address} --nthreads 1, "
            "and say this again when it has come"
        ) from silence


def _refuse(told: dict[str, object], mine: str) -> None:
    """Lets nothing through from workers whose library is another; one too old to be asked answers with an error."""
    if others := sorted(worker for worker, code in told.items() if code != mine):
        raise Refused(
            f"no notebook is given to {', '.join(others[:3])}{' and others' * (len(others) > 3)}: the copy of the course there is not this machine's, "
            "and could give other marks. Bring the same commit to both, start the worker anew, and say this again: what is graded stays"
        )


def _on_a_worker(job: Job) -> tuple[str, str, Graded]:
    """Who graded, with which code, and what was found."""
    from distributed import get_worker

    return get_worker().address, library(), grade_apart(job)
