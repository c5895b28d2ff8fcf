"""Who holds a student's process to its memory, its number of processes and its one core: control groups where there are any that really work
here, made by hand or by systemd, else nobody.

    groups = way().make(limits)
    subprocess.Popen(way().around(groups, limits, command))
    ran_out(group), clear(group)
"""

import contextlib
import functools
import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import psutil

from course_lib.grading.sandbox.limits import Limits

_GROUPS = Path("/sys/fs/cgroup")
_OURS = "course-grading-"
_COUNT = itertools.count()
# Puts itself into groups, then becomes the command.
_JOIN = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; n=$((n - 1)); done; exec "$@"'
_BOTH = frozenset({"memory", "processes"})
_ALL = _BOTH | {"processor"}
_PERIOD = 100_000  # microseconds, of which a group may use as many: one core's worth


class Watchdog:
    """No control group: somebody looks now and then, and ends what uses too much."""

    name = (
        "no control groups can be used: a watchdog looks at memory and processes five times a second, and each notebook keeps to one core"
    )
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
        holds: what they hold: ``memory``, ``processes``, ``processor``.
    """

    def __init__(self, version: int, parents: Sequence[Path], holds: frozenset[str]):
        self.parents, self.holds = list(parents), holds
        self.name = f"control groups (version {version}) hold {_and(holds)}{_rest(holds)}"

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
        processor: whether it is asked to hold processor time too, which not every user's systemd may.
    """

    def __init__(self, *, user: bool, processor: bool = True):
        self.user, self.holds = user, _ALL if processor else _BOTH
        self.name = f"scopes of systemd hold {_and(self.holds)}{_rest(self.holds)}"

    def around(self, groups: Sequence[Path], limits: Limits, command: Sequence[str]) -> list[str]:
        """Returns a command that asks systemd for the scope first."""
        told = [f"MemoryMax={limits.memory}", "MemorySwapMax=0", f"TasksMax={limits.processes}"]
        told += ["CPUQuota=100%"] if "processor" in self.holds else []
        asked = ["systemd-run", *(["--user"] if self.user else []), "--scope", "--quiet", "--collect"]
        return [*asked, *(part for setting in told for part in ("-p", setting)), "--", *command]


def _and(holds: Iterable[str]) -> str:
    *first, last = sorted(holds)
    return f"{', '.join(first)} and {last}" if first else last


def _rest(holds: frozenset[str]) -> str:
    """What is done about what is not held."""
    watched = sorted(_BOTH - holds)
    pinned = "" if "processor" in holds else ", each notebook keeps to one core"
    return (f", a watchdog the {' and the '.join(watched)}" if watched else "") + pinned


@functools.cache
def way() -> Watchdog:
    """Returns the best way to hold a process that really works here; each is tried with a process."""
    for found in _ways():
        groups: list[Path] = []
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            groups = found.make(Limits())
            if _works(found, groups):
                return found
        for group in groups:
            clear(group)
    return Watchdog()


def _ways() -> Iterator[Watchdog]:
    yield from _version_2()
    if shutil.which("systemd-run"):
        yield from (Scope(user=user, processor=processor) for user in (os.geteuid() != 0, True) for processor in (True, False))
    mounts = {name: place for name, place in _version_1().items() if os.access(place, os.W_OK)}
    for holds in dict.fromkeys((frozenset(mounts), frozenset(mounts) & _BOTH)):
        if holds & _BOTH:
            yield Groups(1, [mounts[name] for name in sorted(holds)], holds)


def _version_2(root: Path = _GROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[Groups]:
    """Groups of version 2 below which one may be made: this process's own, and those above it."""
    found = re.search(r"^0::(/.*)$", own.read_text(), flags=re.M) if own.is_file() else None
    if found is None or not (root / "cgroup.controllers").is_file():
        return
    place = root / found[1].lstrip("/")
    for parent in [place, *place.parents]:
        passed_on = parent / "cgroup.subtree_control"
        controllers = set(passed_on.read_text().split()) if passed_on.is_file() else set()
        if {"memory", "pids"} <= controllers and os.access(parent, os.W_OK):
            yield Groups(2, [parent], _ALL if "cpu" in controllers else _BOTH)


def _version_1(mounted: Path = Path("/proc/self/mounts"), own: Path = Path("/proc/self/cgroup")) -> dict[str, Path]:
    """This process's own groups of version 1, by what they hold."""
    if not (mounted.is_file() and own.is_file()):
        return {}
    found = {}
    for place, options in re.findall(r"^\S+ (\S+) cgroup (\S+) ", mounted.read_text(), flags=re.M):
        for controller, what in (("memory", "memory"), ("pids", "processes"), ("cpu", "processor")):
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
            clear(group)
        return inside
    files = {"memory.max": [Limits().memory], "pids.max": [Limits().processes]}
    files |= {"cpu.max": [_PERIOD, _PERIOD]} if "processor" in found.holds else {}
    look = f"cd /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup); cat {' '.join(files)}"
    told = subprocess.run(found.around([], Limits(), ["sh", "-c", look]), capture_output=True, text=True, timeout=10, check=False)
    return told.stdout.split() == [str(value) for values in files.values() for value in values]


def _settings(limits: Limits) -> dict[str, int | str]:
    """The files of a group and what is written into them, in this order; which of them there are depends on the version."""
    version_2 = {"memory.max": limits.memory, "memory.swap.max": 0, "memory.oom.group": 1}
    version_1 = {"memory.limit_in_bytes": limits.memory, "memory.memsw.limit_in_bytes": limits.memory}
    processor = {"cpu.max": f"{_PERIOD} {_PERIOD}", "cpu.cfs_period_us": _PERIOD, "cpu.cfs_quota_us": _PERIOD}
    return {**version_2, **version_1, "pids.max": limits.processes, **processor}


def ran_out(group: Path) -> bool:
    """Whether the kernel ended a process of the group because its memory ran out."""
    files = [file for name in ("memory.events", "memory.oom_control") if (file := group / name).is_file()]
    return any(int(n) > 0 for file in files for n in re.findall(r"^oom_kill (\d+)$", file.read_text(), flags=re.M))


def clear(group: Path) -> None:
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
