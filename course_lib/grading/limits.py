"""What a student's process may use, and what holds it to that: control groups where there are any, else a watchdog.

    fence = Fence(limits)
    process = subprocess.Popen(fence.around(command))
    fence.watch(process.pid, kill)
    ...
    fence.trouble, fence.close()

Time and output are held by whoever waits for the process, disk by the sandbox; here memory and the number of processes.
"""

import contextlib
import functools
import itertools
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")
_OURS = "course-grading-"
_COUNT = itertools.count()
# Puts itself into groups, then becomes the command.
_JOIN = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; n=$((n - 1)); done; exec "$@"'
_LOOK_S = 0.2  # how often the watchdog looks
_BOTH = frozenset({"memory", "processes"})


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


class Fence:
    """Holds a process and all that it starts to its memory and its number of processes.

    Args:
        limits: what it may use.

    Attributes:
        trouble: why the fence ended it, or empty.
    """

    def __init__(self, limits: Limits):
        self.limits, self.trouble = limits, ""
        self._way = way()
        self._groups = self._way.make(limits)
        self._closed = threading.Event()
        self._watchdog: threading.Thread | None = None

    def around(self, command: Sequence[str]) -> list[str]:
        """Returns the command that starts another one inside the fence."""
        return self._way.around(self._groups, self.limits, command)

    def watch(self, pid: int, kill: Callable[[], None]) -> None:
        """Begins to look after what no control group holds.

        Args:
            pid: the process that was started.
            kill: ends it and all that it started.
        """
        if self._way.holds == _BOTH:
            return
        self._watchdog = threading.Thread(target=self._look, args=(pid, kill), daemon=True)
        self._watchdog.start()

    def why(self) -> str:
        """Returns why the fence ended the process, or nothing."""
        if not self.trouble and any(_ran_out(group) for group in self._groups):
            self.trouble = f"it used more than {self.limits.memory / 2**30:.3g} GiB of memory"
        return self.trouble

    def close(self) -> None:
        """Ends whatever is left inside, and takes the fence down."""
        self._closed.set()
        if self._watchdog is not None:
            self._watchdog.join()
        for group in self._groups:
            _clear(group)
        self._groups = []

    def _look(self, pid: int, kill: Callable[[], None]) -> None:
        while not self._closed.wait(_LOOK_S):
            count, memory = usage(pid)
            if "processes" not in self._way.holds and count > self.limits.processes:
                self.trouble = f"it had more than {self.limits.processes} processes"
            elif "memory" not in self._way.holds and memory > self.limits.memory:
                self.trouble = f"it used more than {self.limits.memory / 2**30:.3g} GiB of memory"
            else:
                continue
            kill()
            return


# ------------------------------------------------------------------------------------------------- ways to hold a process


class Watchdog:
    """No control group: somebody looks now and then, and ends what uses too much."""

    name = "no control groups can be used: a watchdog looks at memory and processes five times a second"
    holds: frozenset[str] = frozenset()

    def make(self, limits: Limits) -> list[Path]:
        """Makes what is needed for one process."""
        return []

    def around(self, groups: Sequence[Path], limits: Limits, command: Sequence[str]) -> list[str]:
        """Returns the command that starts another one inside."""
        return list(command)


class Groups(Watchdog):
    """Control groups below given ones, made and removed by hand: of version 2, or one a controller of version 1.

    Args:
        version: 1 or 2.
        parents: the groups below which to make new ones.
        holds: what they hold: ``memory``, ``processes`` or both.
    """

    def __init__(self, version: int, parents: Sequence[Path], holds: frozenset[str]):
        self.parents, self.holds = list(parents), holds
        rest = "" if holds == _BOTH else f", a watchdog the {' and the '.join(sorted(_BOTH - holds))}"
        self.name = f"control groups (version {version}) hold {' and '.join(sorted(holds))}{rest}"

    def make(self, limits: Limits) -> list[Path]:
        """Makes a group below each parent, with its limits set."""
        made = []
        for parent in self.parents:
            for old in parent.glob(f"{_OURS}*-*"):
                if not psutil.pid_exists(int(old.name.removeprefix(_OURS).split("-")[0])):
                    with contextlib.suppress(OSError):  # of a grader that was killed; another one may have been quicker
                        old.rmdir()
            group = parent / f"{_OURS}{os.getpid()}-{next(_COUNT)}"
            group.mkdir()
            made.append(group)
            for name, value in _settings(limits).items():
                if (group / name).exists():
                    (group / name).write_text(str(value))
        return made

    def around(self, groups: Sequence[Path], limits: Limits, command: Sequence[str]) -> list[str]:
        """Returns a command that enters the groups first."""
        return ["/bin/sh", "-c", _JOIN, "sh", str(len(groups)), *map(str, groups), *command]


class Scope(Watchdog):
    """A scope of systemd's, which makes and removes the group.

    Args:
        user: whether it is the user's own systemd that is asked.
    """

    def __init__(self, *, user: bool):
        self.user, self.holds = user, _BOTH
        self.name = "scopes of systemd hold memory and processes"

    def around(self, groups: Sequence[Path], limits: Limits, command: Sequence[str]) -> list[str]:
        """Returns a command that asks systemd for the scope first."""
        told = [f"MemoryMax={limits.memory}", "MemorySwapMax=0", f"TasksMax={limits.processes}"]
        asked = ["systemd-run", *(["--user"] if self.user else []), "--scope", "--quiet", "--collect"]
        return [*asked, *(part for setting in told for part in ("-p", setting)), "--", *command]


@functools.cache
def way() -> Watchdog:
    """Returns the best way to hold a process to its memory and processes that really works here; each is tried with a process."""
    for found in _ways():
        groups: list[Path] = []
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            groups = found.make(Limits())
            if _works(found, groups):
                return found
        for group in groups:
            _clear(group)
    return Watchdog()


def _ways() -> Iterator[Watchdog]:
    yield from _version_2()
    if shutil.which("systemd-run"):
        yield from (Scope(user=os.geteuid() != 0), Scope(user=True))
    mounts = {name: place for name, place in _version_1().items() if os.access(place, os.W_OK)}
    if mounts:
        yield Groups(1, list(mounts.values()), frozenset(mounts))


def _version_2(root: Path = _GROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[Groups]:
    """Groups of version 2 below which one may be made: this process's own, and those above it."""
    found = re.search(r"^0::(/.*)$", own.read_text(), flags=re.M) if own.is_file() else None
    if found is None or not (root / "cgroup.controllers").is_file():
        return
    place = root / found[1].lstrip("/")
    for parent in [place, *place.parents]:
        passed_on = parent / "cgroup.subtree_control"
        if passed_on.is_file() and {"memory", "pids"} <= set(passed_on.read_text().split()) and os.access(parent, os.W_OK):
            yield Groups(2, [parent], _BOTH)


def _version_1(mounted: Path = Path("/proc/self/mounts"), own: Path = Path("/proc/self/cgroup")) -> dict[str, Path]:
    """This process's own groups of version 1, by what they hold."""
    if not (mounted.is_file() and own.is_file()):
        return {}
    found = {}
    for place, options in re.findall(r"^\S+ (\S+) cgroup (\S+) ", mounted.read_text(), flags=re.M):
        for controller, what in (("memory", "memory"), ("pids", "processes")):
            inside = re.search(rf"^\d+:(?:[^:]*,)?{controller}(?:,[^:]*)?:(/.*)$", own.read_text(), flags=re.M)
            if controller in options.split(",") and inside:
                found[what] = Path(place) / inside[1].lstrip("/")
    return found


def _works(found: Watchdog, groups: list[Path]) -> bool:
    """Starts a process inside, which says where it is; a limit must be what was asked for."""
    said = subprocess.run(
        found.around(groups, Limits(), ["cat", "/proc/self/cgroup"]), capture_output=True, text=True, timeout=10, check=False
    )
    if said.returncode:
        return False
    if not isinstance(found, Scope):
        inside = all(group.name in said.stdout for group in groups)
        for group in groups:
            _clear(group)
        return inside
    look = 'd=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup); cat "$d/memory.max" "$d/pids.max"'
    told = subprocess.run(found.around([], Limits(), ["sh", "-c", look]), capture_output=True, text=True, timeout=10, check=False)
    return told.stdout.split() == [str(Limits().memory), str(Limits().processes)]


def _settings(limits: Limits) -> dict[str, int]:
    """The files of a group and what is written into them, in this order; which of them there are depends on the version."""
    version_2 = {"memory.max": limits.memory, "memory.swap.max": 0, "memory.oom.group": 1}
    version_1 = {"memory.limit_in_bytes": limits.memory, "memory.memsw.limit_in_bytes": limits.memory}
    return {**version_2, **version_1, "pids.max": limits.processes}


def _ran_out(group: Path) -> bool:
    """Whether the kernel ended a process of the group because its memory ran out."""
    files = [file for name in ("memory.events", "memory.oom_control") if (file := group / name).is_file()]
    return any(int(n) > 0 for file in files for n in re.findall(r"^oom_kill (\d+)$", file.read_text(), flags=re.M))


def _clear(group: Path) -> None:
    """Ends whatever is in a group, lets nothing new begin, and removes it."""
    until = time.monotonic() + 5.0
    if (group / "pids.max").exists():
        (group / "pids.max").write_text("0")
    while group.is_dir():
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        with contextlib.suppress(OSError):  # as long as one of them has not quite ended
            group.rmdir()
            return
        if time.monotonic() > until:
            return
        time.sleep(0.005)


def usage(pid: int) -> tuple[int, int]:
    """Returns how many processes descend from one, and the bytes of memory that it and they hold together."""
    with contextlib.suppress(psutil.NoSuchProcess):
        below = psutil.Process(pid).children(recursive=True)
        return len(below), sum(map(_memory, [pid, *(process.pid for process in below)]))
    return 0, 0


def _memory(pid: int) -> int:
    """The memory of a process in bytes, what it shares with others divided among them."""
    with contextlib.suppress(OSError):
        shared_out = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), flags=re.M)
        return int(shared_out[1]) * 1024 if shared_out else 0
    return 0
