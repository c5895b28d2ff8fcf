"""The process of a student's kernel: made, given what it may have, reached through its sockets, and ended with all that it started."""

import contextlib
import importlib.util
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from course_lib.grading.conversation import serving
from course_lib.grading.sandbox import sandbox
from course_lib.grading.sandbox.fence import Fence
from course_lib.grading.sandbox.kernel_channels import Channel, ChannelLost, readable
from course_lib.grading.sandbox.limits import Limits, rlimits

_SOCKETS = {"shell": ("DEALER", 1), "iopub": ("SUB", 2), "control": ("DEALER", 4)}
_LONGEST_NAME = 85  # of a folder for sockets: their whole name may have 107 bytes
_ENDS_S = 10.0  # how long the system may take to end what was killed
_HERE, _CONVERSATION = Path(__file__).parent, Path(serving.__file__).parent
_FIRST = ("kernel_launch.py", "system_calls.py")  # what runs inside before the kernel


class KernelFailed(Exception):
    """No kernel can be started here, which is no student's fault; says why and what to do."""


@dataclass(frozen=True)
class Wanted:
    """What a kernel is to be; ``StudentKernel`` says what each is."""

    folder: Path | None = None
    limits: Limits = field(default_factory=Limits)
    sandboxed: bool = True
    files: Mapping[str, bytes] = field(default_factory=dict)
    hidden_modules: Sequence[str] = ()
    read_only: Sequence[Path] = ()
    python: str = sys.executable


class StudentProcess:
    """A kernel's process, ready for its first request.

    Args:
        wanted: what it is to be.

    Attributes:
        channels: its sockets by name: ``shell``, ``iopub``, ``control``.
        key: the key of its connection.

    Raises:
        KernelFailed: if it cannot be started.
    """

    def __init__(self, wanted: Wanted):
        if wanted.sandboxed and (missing := sandbox.available()):
            raise KernelFailed(missing)
        self._wanted, self._process, self._first, self._why = wanted, None, None, ""
        self.channels: dict[str, Channel] = {}
        self._scratch = Path(tempfile.mkdtemp(prefix="grading-", dir=wanted.folder))
        self._given = self._scratch / "given"
        self._inside = sandbox.INSIDE if wanted.sandboxed else str(self._given)
        self._room = sandbox.SCRATCH if wanted.sandboxed else str(self._scratch)  # where the process may write
        self.key, self._mark = secrets.token_hex(16).encode(), f".{secrets.token_hex(4)}"
        self._fence = Fence(wanted.limits)
        until = time.monotonic() + wanted.limits.start_seconds
        try:
            self._furnish()
            self._launch()
            self._reach(until)
            self._greet(until)
        except (OSError, ValueError) as error:
            said = self._said()
            ended = self.end(patience_s=0.2)
            raise KernelFailed("; ".join(part for part in ("no kernel can be started", ended or str(error), said) if part)) from error
        except BaseException:
            self.end()
            raise

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def meeting_place(self, name: str) -> tuple[Path, str]:
        """Returns where a socket can be made that the process can reach, and how it calls the place."""
        return self._given / "judge" / name, f"{self._inside}/judge/{name}"

    def end(self, *, patience_s: float = 0.0) -> str:
        """Ends it and all that it has started, and removes what was made for it.

        Args:
            patience_s: how long it may take to end by itself.

        Returns:
            Why it ended, where it did so by itself.
        """
        if self._fence is None:
            return self._why
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience_s)
            code = self._process.poll()
            self._kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDS_S)
            if self._first is not None:
                select.select([self._first], [], [], _ENDS_S)  # the first process of a sandbox ends last
            self._why = self._fence.why() or (_how(code) if code is not None else "")
            self._process.stderr.close()
        self._fence.close()
        self._fence = None
        if self._first is not None:
            os.close(self._first)
        for channel in self.channels.values():
            channel.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return self._why

    # ----------------------------------------------------------------------------------------------------------- start

    def _furnish(self) -> None:
        if len(str(self._given)) > _LONGEST_NAME:
            raise ValueError(f"{self._given} is too long for the sockets in it: set TMPDIR to a folder with a shorter name")
        self._given.mkdir()
        sandbox.furnish(self._given, self._wanted.files)
        for file in (*(_CONVERSATION / name for name in serving.FILES), *(_HERE / name for name in _FIRST)):
            shutil.copyfile(file, self._given / "code" / file.name)
        for file in sandbox.font_lists():
            shutil.copyfile(file, self._given / "fonts" / file.name)
        ports = {f"{name}_port": number for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)}
        place = {"transport": "ipc", "ip": f"{self._room}/{self._mark}", "key": self.key.decode(), "signature_scheme": "hmac-sha256"}
        settings = {
            "given": f"{self._inside}/files",
            "work": f"{self._room}/work",
            "code": f"{self._inside}/code",
            "connection": f"{self._inside}/connection.json",
            "fonts": f"{self._inside}/fonts" if self._wanted.sandboxed else "",
            "hidden": list(self._wanted.hidden_modules),
            "rlimits": rlimits(self._wanted.limits, sandboxed=self._wanted.sandboxed),
            "confined": self._wanted.sandboxed,
            "core": self._fence.core,
        }
        (self._given / "connection.json").write_text(json.dumps({**place, **ports}))
        (self._given / "settings.json").write_text(json.dumps(settings))
        sandbox.let_read(self._given)

    def _launch(self) -> None:
        wanted, around = self._wanted, []
        environment = {**os.environ, **sandbox.FIXED, "IPYTHONDIR": f"{self._scratch}/ipython"}
        if wanted.sandboxed:
            hidden = [place for name in wanted.hidden_modules if (place := _file_of(name))]
            around = sandbox.command(self._given, wanted.limits, python=wanted.python, read_only=wanted.read_only, hidden=hidden)
            environment = sandbox.environment(wanted.python)
        self._process = subprocess.Popen(
            self._fence.around([*around, wanted.python, f"{self._inside}/code/kernel_launch.py", f"{self._inside}/settings.json"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        os.set_blocking(self._process.stderr.fileno(), False)
        self._fence.watch(self._process.pid, self._kill)

    def _reach(self, until: float) -> None:
        """Opens the sockets. A sandbox's are reached through its first process: nothing that it writes lies in a folder of ours."""
        place = f"{self._room}/{self._mark}"
        while self._wanted.sandboxed and self._first is None:
            if not self.alive or time.monotonic() > until:
                raise ChannelLost("its sandbox could not be made")
            if below := psutil.Process(self._process.pid).children():
                self._first = os.pidfd_open(below[0].pid)
                place = f"/proc/{below[0].pid}/root{place}"
            time.sleep(0.002)
        for name, (kind, number) in _SOCKETS.items():
            while name not in self.channels:
                try:
                    self.channels[name] = Channel(f"{place}-{number}", kind, until=until)
                except ChannelLost:  # not there yet
                    if not self.alive or time.monotonic() > until:
                        raise
                    time.sleep(0.004)

    def _greet(self, until: float) -> None:
        """Waits until the kernel answers and what it publishes is heard."""
        waiting = {name: self.channels[name] for name in ("shell", "iopub")}
        while waiting:
            self.channels["shell"].send("kernel_info_request", {}, key=self.key)
            again = time.monotonic() + 0.5
            while waiting and time.monotonic() < again:
                for channel in readable(list(waiting.values()), again - time.monotonic()):
                    if channel.receive():
                        waiting = {name: other for name, other in waiting.items() if other is not channel}
            if waiting and (time.monotonic() > until or not self.alive):
                raise ChannelLost(f"it was not ready within {self._wanted.limits.start_seconds:.0f} s")

    # ------------------------------------------------------------------------------------------------------------- end

    def _kill(self) -> None:
        """Ends every process; those of a sandbox end with its first."""
        if self._first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
        elif self._process.poll() is None:
            process = psutil.Process(self._process.pid)
            for each in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()

    def _said(self) -> str:
        """The end of what the process wrote on its standard error; nothing where it wrote nothing."""
        with contextlib.suppress(BlockingIOError, AttributeError, ValueError):
            lines = (os.read(self._process.stderr.fileno(), 1 << 16)).decode(errors="replace").strip().splitlines()
            return "\n".join(lines[-3:])
        return ""


def _how(code: int) -> str:
    """What an exit code says; a sandbox gives 128 and the signal's number, a process the number itself, negative."""
    number = -code if code < 0 else code - 128
    if 0 < number < signal.NSIG:
        return f"its process was ended by signal {number} ({signal.strsignal(number)})"
    return f"its process ended itself (exit code {code})"


def _file_of(module: str) -> Path | None:
    """The file or folder of a module; None where it has none, or is not here."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin in (None, "built-in", "frozen"):
        return None
    return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
