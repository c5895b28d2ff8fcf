"""Times the library and a peer alternately, after a gate that both give the same answer.

Times depend on the machine and on what else it does; taken in turns in one process they suffer alike, so their ratio is what counts.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module, metadata, util
from typing import Any

import torch
from threadpoolctl import threadpool_limits


class AnswersDiffer(Exception):
    """The two did not compute the same thing, so their times must not be compared."""


@dataclass(frozen=True)
class Contest:
    """Two ways to one answer, inputs at hand.

    Args:
        peer: computes it the peer's way.
        ours: computes it the library's way.
        difference: how far apart their two answers are.
        tolerance: how far they may be.
    """

    peer: Callable[[], Any]
    ours: Callable[[], Any]
    difference: Callable[[Any, Any], float]
    tolerance: float


@dataclass(frozen=True)
class Task:
    """One line of the table.

    Args:
        name: what is computed, with its sizes.
        peer: the peer's distribution, as installed.
        module: the peer's module, as imported.
        same: what is the same in both answers, in words.
        goal: ratio aimed at; None where something else than time counts.
        prepare: makes inputs and contest; runs only where the peer is installed.
    """

    name: str
    peer: str
    module: str
    same: str
    goal: float | None
    prepare: Callable[[], Contest]


@dataclass(frozen=True)
class Outcome:
    """What was measured: ratios only.

    Args:
        name, peer, same, goal: from the task.
        ratio: the peer's median time over the library's.
        lowest: least ratio of one turn.
        highest: greatest ratio of one turn.
        repeats: turns taken.
        difference: how far apart the answers were.
        versions: of Python, PyTorch and the peer.
    """

    name: str
    peer: str
    same: str
    goal: float | None
    ratio: float
    lowest: float
    highest: float
    repeats: int
    difference: float
    versions: dict[str, str]

    def record(self) -> dict[str, Any]:
        """Returns what JSON keeps."""
        return asdict(self)


def run(task: Task, *, repeats: int = 5, clock: Callable[[], float] = time.perf_counter) -> Outcome | None:
    """Measures one task; ``None`` where the peer is not installed, or does not load.

    Args:
        task: what to compare.
        repeats: turns, at least 5.
        clock: seconds.

    Returns:
        The outcome.

    Raises:
        AnswersDiffer: if the answers are farther apart than the task tolerates.
        ValueError: if there are fewer than 5 turns.
    """
    if repeats < 5:
        raise ValueError(f"repeats must be at least 5 for a median that means something, got {repeats}")
    if util.find_spec(task.module) is None:
        print(f"{task.name}: skipped, {task.peer} is not installed")
        return None
    try:
        import_module(task.module)
    except (ImportError, OSError) as reason:  # audio packages are often built for another PyTorch
        print(f"{task.name}: skipped, {task.peer} is installed and does not load: {reason}")
        return None
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            return _measure(task, repeats, clock)
    finally:
        torch.set_num_threads(threads)


def _measure(task: Task, repeats: int, clock: Callable[[], float]) -> Outcome:
    contest = task.prepare()
    difference = float(contest.difference(contest.peer(), contest.ours()))  # the gate, which also warms both up
    if not difference <= contest.tolerance:
        raise AnswersDiffer(f"{task.name}: the answers differ by {difference:.3g}, more than {contest.tolerance:.3g}")
    seconds: dict[str, list[float]] = {"peer": [], "ours": []}
    for turn in range(repeats):
        order = ("peer", "ours") if turn % 2 == 0 else ("ours", "peer")
        for who in order:
            compute = getattr(contest, who)
            begin = clock()
            compute()
            seconds[who].append(clock() - begin)
    peer, ours = (statistics.median(seconds[who]) for who in ("peer", "ours"))
    print(f"{task.name}: {task.peer} {peer:.3f} s, here {ours:.3f} s (medians of {repeats}), {peer / ours:.1f} ×")
    ratios = [p / o for p, o in zip(seconds["peer"], seconds["ours"], strict=True)]
    return Outcome(
        name=task.name,
        peer=task.peer,
        same=task.same,
        goal=task.goal,
        ratio=round(peer / ours, 2),
        lowest=round(min(ratios), 2),
        highest=round(max(ratios), 2),
        repeats=repeats,
        difference=float(f"{difference:.2g}"),
        versions={"python": sys.version.split()[0], "torch": torch.__version__, task.peer: metadata.version(task.peer)},
    )
