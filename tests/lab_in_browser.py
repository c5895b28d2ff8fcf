"""JupyterLab as a student uses it: a real server, a real browser, a notebook that is run and whose knobs are turned.

with jupyterlab(tmp_path / "jupyter", serve=folder) as lab, chromium() as browser:
    with notebook_in_lab(browser, lab.address("notebooks/01_maximum_likelihood.ipynb")) as notebook:
        notebook.run_all(timeout_s=120)
        assert notebook.errors() == []
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from browser import DESKTOP, Watch, watched_page
from playwright.sync_api import Browser, Locator, Page
from playwright.sync_api import TimeoutError as TookTooLong

TOKEN = "a-token-of-the-tests"
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
# No questions about news, and every cell is in the page, not only those on the screen.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
# "Idle" alone does not mean that a kernel listens: it is asked who it is, and must have answered.
KERNEL_ANSWERS = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const kernel = panel?.context?.isReady && panel.sessionContext.isReady && panel.sessionContext.session?.kernel;
    if (kernel && kernel.connectionStatus === 'connected' && window.asked !== kernel.id) {
        window.asked = kernel.id;
        kernel.requestKernelInfo().then(() => { window.answered = kernel.id; });
    }
    return Boolean(kernel) && window.answered === kernel.id;
}"""
START_ALL = """() => {
    window.allRan = false;
    window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.allRan = true; });
}"""
# Done: the kernel is idle, and the page knows of each cell that it ran, or of one that failed and stopped the rest.
ALL_RAN = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const cells = Array.from(panel.content.model.cells).filter(cell => cell.type === 'code').map(cell => cell.toJSON());
    const failed = cells.some(cell => cell.outputs.some(output => output.output_type === 'error'));
    const counted = cells.every(cell => cell.execution_count !== null || !String(cell.source).trim());
    return window.allRan && panel.sessionContext.session.kernel.status === 'idle' && (failed || counted);
}"""
CELLS = """() => Array.from(window.jupyterapp.shell.currentWidget.content.model.cells).filter(cell => cell.type === 'code')
    .map(cell => cell.toJSON())"""
DATA_URL = """async image => {
    const blob = await (await fetch(image.src)).blob();
    return new Promise(done => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.readAsDataURL(blob); });
}"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    port: int
    runtime: Path

    def address(self, notebook: str) -> str:
        """Where the browser finds a notebook, by its path in the served folder; in a workspace of its own, without the tabs of another test."""
        return f"http://127.0.0.1:{self.port}/lab/workspaces/{uuid4().hex}/tree/{quote(notebook)}?token={TOKEN}"

    def opened_at_start(self) -> str:
        """The address that JupyterLab gives to the user's own browser: a file, written once the server answers, which leads on."""
        until = time.monotonic() + 30
        while not (files := [path for path in self.runtime.glob("*file-to-run*.html") if path.stat().st_size]):
            assert time.monotonic() < until, "JupyterLab opened no notebook"
            time.sleep(0.1)
        return files[0].as_uri()


@contextmanager
def jupyterlab(
    own: Path,
    *,
    serve: Path,
    command: Sequence[str] = (sys.executable, "-m", "jupyterlab"),
    options: str | None = None,
    extra: Sequence[str] = (),
) -> Iterator[Lab]:
    """Starts JupyterLab with settings of its own, and stops it with everything it started.

    Args:
        own: an empty folder for its settings and connection files.
        serve: the working directory, which is also the folder it shows.
        command: what starts it.
        options: the name under which ``command`` takes JupyterLab's options as one word, as make's variables do; none for plain ones.
        extra: more options.
    """
    port = _free_port()
    for name, values in SETTINGS.items():
        path = own / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    folders = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "JUPYTER_RUNTIME_DIR": "runtime"}
    environment = os.environ | {name: str(own / folder) for name, folder in folders.items()}
    environment |= {"JUPYTER_CONFIG_DIR": str(own / "config"), "COURSE_BUILD": str(own / "build"), "COURSE_OFFLINE": "1"}
    environment["BROWSER"] = "true %s"  # what JupyterLab starts at last: a program that does nothing
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    told = [
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--no-browser",
        f"--IdentityProvider.token={TOKEN}",
        "--ServerApp.allow_root=True",
    ]
    told += ["--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly", *extra]
    words = [*command, *([f"{options}={' '.join(told)}"] if options else told)]
    log = own / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(words, cwd=serve, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        _wait_for(port, process, log)
        yield Lab(port, own / "runtime")
    finally:
        _stop(process)


@dataclass(frozen=True)
class NotebookInLab:
    """A notebook that is open in JupyterLab, its kernel ready."""

    page: Page
    panel: Locator
    watch: Watch

    def run_all(self, *, timeout_s: float) -> None:
        """Runs every cell and waits until the kernel has nothing left to do."""
        self.page.evaluate(START_ALL)
        self.page.wait_for_function(ALL_RAN, polling=200, timeout=timeout_s * 1000)

    def errors(self) -> list[str]:
        """The cells that ended in an error or were never run, one line each."""
        found = []
        for number, cell in enumerate(self.page.evaluate(CELLS), start=1):
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            wrong = [f"{output['ename']}: {output['evalue']}" for output in cell["outputs"] if output["output_type"] == "error"]
            if source.strip() and cell["execution_count"] is None and not wrong:
                wrong.append("was not run")
            found += [f"code cell {number} ({source.strip().splitlines()[0]}): {words}" for words in wrong]
        return found

    def turn(self, slider: Locator, key: str = "ArrowRight", *, timeout_s: float = 20) -> tuple[bytes, bytes]:
        """Presses a key on a slider and returns the bytes of its figure before and after; the same where nothing changed in time."""
        output = slider.locator("xpath=ancestor::*[contains(concat(' ', @class, ' '), ' jp-OutputArea-output ')][1]")
        picture = output.locator("img.widget-image").first
        before = _picture(picture)
        slider.scroll_into_view_if_needed()
        slider.focus()
        slider.press(key)
        until = time.monotonic() + timeout_s
        while (after := _picture(picture)) == before and time.monotonic() < until:
            self.page.wait_for_timeout(100)
        return before, after


@contextmanager
def notebook_in_lab(browser: Browser, address: str, *, viewport: dict[str, int] = DESKTOP) -> Iterator[NotebookInLab]:
    """Opens a notebook in JupyterLab and waits until its kernel answers.

    The very first start on a machine, with every file still to be read from disk, can be too slow: it is tried a second time.
    """
    with watched_page(browser, viewport=viewport) as (page, watch):
        try:
            panel = _open(page, address)
        except TookTooLong:
            panel = _open(page, address)
        yield NotebookInLab(page, panel, watch)


def _open(page: Page, address: str) -> Locator:
    page.goto(address)
    panel = page.locator(PANEL)
    panel.wait_for(timeout=90_000)
    page.wait_for_function(KERNEL_ANSWERS, polling=200, timeout=60_000)
    return panel


def _picture(image: Locator) -> bytes:
    """The file that the browser shows."""
    return b64decode(image.evaluate(DATA_URL).partition(",")[2])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen, log: Path, *, timeout_s: float = 90) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


def _stop(process: subprocess.Popen) -> None:
    """Ends the server and its kernels, which form a process group of their own."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
