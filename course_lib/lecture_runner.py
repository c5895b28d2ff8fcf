"""Lectures executed from top to bottom without a browser: ``course run``.

Each lecture gets a fresh kernel that works in ``notebooks/`` and treats warnings of the course's own modules as errors. The executed
notebook is kept whether or not it came to its end, so a failure can be looked at in JupyterLab.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

from course_lib import lecture_record, machine
from course_lib.command import DONE, FAILED, Lacking, Refused, WrongInput, course_folder
from course_lib.lecture_record import Outcome, write_atomically

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def command(asked: argparse.Namespace) -> int:
    """Does ``course run``."""
    root = course_folder()
    if asked.record and asked.seed:
        raise WrongInput("--record keeps the seconds of seed 0: leave --seed out")
    if (data := machine.data()).state == "wrong":
        raise Lacking(f"{data.says}: {data.mend}")
    build = Path(os.environ.get("COURSE_BUILD") or root / "build").resolve()
    to = (asked.to or build / "lectures").resolve()
    settings = Settings(size=asked.size, seed=asked.seed, static=asked.static, timeout_s=asked.timeout)
    paths = find(asked.lectures, root / "notebooks")
    cells = {
        path: sum(cell.cell_type == "code" for cell in read(path).cells) for path in paths
    }  # a broken file is told before an hour of work
    outcomes, width = [], max(len(path.stem) for path in paths)
    print(lecture_record.head(width), flush=True)
    for path in paths:
        with tqdm(total=cells[path], desc=path.stem, unit="cell", disable=None, leave=False) as bar:
            outcomes.append(execute(path, to=to, build=build, settings=settings, on_cell=_shown_on(bar)))
        if asked.figures and not outcomes[-1].failure:
            _save_figures(outcomes[-1], asked.figures)
        print(lecture_record.row(outcomes[-1], width), flush=True)
        if outcomes[-1].failure:
            print(lecture_record.told(outcomes[-1]), file=sys.stderr)
    if asked.record:
        print("\n".join(lecture_record.record(outcomes, root / "course_lib" / "lectures.json")))
    return FAILED if any(outcome.failure for outcome in outcomes) else DONE


def _shown_on(bar: tqdm) -> Callable[[str], None]:
    """Moves a progress bar by a cell and shows the cell that begins."""

    def show(first_line: str) -> None:
        bar.set_postfix_str(first_line[:60], refresh=False)
        bar.update()

    return show


def _save_figures(outcome: Outcome, folder: Path) -> None:
    try:
        for path in lecture_record.save_figures(read(outcome.executed), folder):
            print(f"{outcome.lecture}: {path}")
    except Refused as refused:
        outcome.failure = str(refused)


@dataclass(frozen=True)
class Settings:
    """How lectures are run; ``size`` None leaves the choice to the lecture."""

    size: str | None = None
    seed: int = 0
    static: bool = False
    timeout_s: float = 3600.0
    python: str = sys.executable

    def environment(self, build: Path) -> dict[str, str]:
        """Returns what a lecture's kernel finds in its environment."""
        told = {"COURSE_SEED": str(self.seed), "COURSE_STRICT": "1", "COURSE_BUILD": str(build)}
        told |= {"COURSE_SIZE": self.size} if self.size else {}
        told |= {"COURSE_WIDGETS": "static"} if self.static else {}
        return os.environ | told


def find(wanted: list[str], notebooks: Path) -> list[Path]:
    """Returns the notebooks that were asked for, by number (``1``, ``01``), name or path; all of them where none was.

    Raises:
        WrongInput: if there is no such lecture, with the list of those there are.
    """
    there = {path.stem: path for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))}
    if not there:
        raise WrongInput(f"there is no lecture in {notebooks}: they are called NN_topic.ipynb")
    found: dict[Path, None] = {}
    for name in wanted:
        number = f"{int(name):02d}_" if name.isascii() and name.isdigit() else None
        hits = [path for stem, path in there.items() if stem == Path(name).stem or (number and stem.startswith(number))]
        if not hits:
            raise WrongInput(f"there is no lecture {name!r}: choose from {', '.join(there)}")
        found |= dict.fromkeys(hits)
    return list(found) if wanted else list(there.values())


def read(path: Path) -> nbformat.NotebookNode:
    """Returns a notebook.

    Raises:
        WrongInput: if the file is not a sound notebook.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("nbformat") != 4:
            raise WrongInput(f"{path.name} is not a sound notebook: it does not call itself a notebook of format 4")
        nbformat.validate(nbformat.from_dict(content))
    except (ValueError, nbformat.ValidationError) as broken:
        raise WrongInput(f"{path.name} is not a sound notebook: {str(broken).splitlines()[0]}") from broken
    return nbformat.reads(json.dumps(content), as_version=4)


def execute(path: Path, *, to: Path, build: Path, settings: Settings, on_cell: Callable[[str], None] = lambda first_line: None) -> Outcome:
    """Runs one lecture in a kernel of its own and keeps the executed notebook.

    Args:
        path: the notebook.
        to: the folder for the executed notebook.
        build: the folder in which the lecture writes its claims and checkpoints.
        settings: size, seed, widgets, time limit and interpreter.
        on_cell: told the first line of each cell as it begins.

    Returns:
        What the run came to; a cell that fails is an outcome, not an exception.

    Raises:
        WrongInput: if the notebook cannot be read.
        KeyboardInterrupt: if the user stops the run; what was executed is kept.
    """
    notebook = read(path)
    outcome = Outcome(path.stem, to / path.name)
    claims = build / "claims" / f"{path.stem}.json"
    claims.unlink(missing_ok=True)  # a lecture that fails early must not show what an older run measured
    began = time.monotonic()
    with _kernel_manager(settings.python) as manager, tempfile.TemporaryFile("w+") as log:
        watch = _Watch(outcome, manager, began + settings.timeout_s, on_cell)
        client = NotebookClient(
            notebook,
            km=manager,
            startup_timeout=180,
            timeout_func=watch.remaining_s,
            resources={"metadata": {"path": str(path.parent)}},
            on_notebook_start=watch.notebook_starts,
            on_cell_execute=watch.cell_starts,
            on_cell_executed=watch.cell_ends,
        )
        client.log.disabled = True  # what it has to say is in the outcome
        try:
            client.execute(cleanup_kc=True, env=settings.environment(build), stderr=log)
        except CellExecutionError as error:
            outcome.failure = _COLOURS.sub("", f"{error.ename}: {error.evalue}")
        except CellTimeoutError:
            outcome.failure = f"Stopped: the lecture took longer than {settings.timeout_s:g} s"
        except (RuntimeError, asyncio.CancelledError) as error:
            if watch.stopped:
                raise KeyboardInterrupt from None
            if watch.started and not isinstance(error, DeadKernelError):
                raise
            outcome.failure = (
                "The kernel died: most often the memory was full" if watch.started else f"The kernel did not start: {_last_line(log)}"
            )
        finally:
            outcome.seconds = time.monotonic() - began
            write_atomically(outcome.executed, nbformat.writes(notebook) + "\n")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    outcome.stderr = "".join(output.text for output in outputs if output.get("name") == "stderr")
    outcome.ran = lecture_record.size_and_device(notebook)
    outcome.claims = json.loads(claims.read_text(encoding="utf-8")) if claims.is_file() else []
    outcome.where = watch.place(notebook) if outcome.failure else ""
    return outcome


class _Watch:
    """Follows a run from cell to cell: where it is, how much memory its kernel has taken, how long it may still go on."""

    def __init__(self, outcome: Outcome, manager: AsyncKernelManager, deadline: float, on_cell: Callable[[str], None]):
        self.outcome, self.manager, self.deadline, self.on_cell = outcome, manager, deadline, on_cell
        self.index, self.started, self.stopped = 0, False, False

    def notebook_starts(self, notebook: nbformat.NotebookNode) -> None:
        """Makes Ctrl-C stop the run: nbclient's own handler would only kill the kernel."""
        self.started = True
        task = asyncio.current_task()

        def stop() -> None:
            self.stopped = True
            task.cancel()

        with contextlib.suppress(RuntimeError):  # no signal handlers on Windows, nor outside the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)

    def remaining_s(self, cell: nbformat.NotebookNode) -> float:
        return max(self.deadline - time.monotonic(), 0.1)  # 0 would mean no limit

    def cell_starts(self, cell: nbformat.NotebookNode, cell_index: int) -> None:
        self.index = cell_index
        self.on_cell(cell.source.strip().partition("\n")[0])

    def cell_ends(self, cell: nbformat.NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:
        self.outcome.peak_mb = max(self.outcome.peak_mb, peak_memory_mb(self.manager.provisioner.pid))

    def place(self, notebook: nbformat.NotebookNode) -> str:
        """The cell that failed: its number and its first lines."""
        cell = notebook.cells[self.index]
        lines = cell.source.strip().splitlines()
        shown = [f"    {line}" for line in lines[:4]] + (["    …"] if len(lines) > 4 else [])
        prompt = f", In [{cell.execution_count}]" if cell.get("execution_count") else ""
        return "\n".join([f"cell {self.index + 1} of {len(notebook.cells)}{prompt}:", *shown])


def peak_memory_mb(pid: int) -> float:
    """Returns the most memory that a process has held at once, in megabytes; 0 if it is gone.

    Where the system keeps no high-water mark of other processes (macOS), it is what the process holds now.
    """
    with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        status = Path(f"/proc/{pid}/status")
        if status.is_file():
            mark = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
            return int(mark[1]) * 1024 / 1e6 if mark else 0.0
        memory = psutil.Process(pid).memory_info()
        return getattr(memory, "peak_wset", memory.rss) / 1e6
    return 0.0


@contextlib.contextmanager
def _kernel_manager(python: str) -> Iterator[AsyncKernelManager]:
    """A manager whose kernel runs under this very interpreter, whatever kernels the user has registered under the same name."""
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        described = Path(folder) / "lecture" / "kernel.json"
        described.parent.mkdir()
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        described.write_text(json.dumps({"argv": argv, "display_name": "lecture", "language": "python"}), encoding="utf-8")
        specs = KernelSpecManager(kernel_dirs=[folder], ensure_native_kernel=False)
        private = (
            {} if os.name == "nt" else {"transport": "ipc", "connection_file": str(Path(folder) / "kernel.json")}
        )  # nobody else can listen
        yield AsyncKernelManager(kernel_name="lecture", kernel_spec_manager=specs, **private)


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    return (log.read().strip().splitlines() or ["it said nothing"])[-1]
