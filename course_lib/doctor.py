"""What a computer of one's own can do, what is missing, how to mend it: ``course doctor``.

To what ``course_lib.machine`` tells every student it adds the extras, JupyterLab's extensions, each data set, a kernel that really starts, and
the sandbox. Findings are told as they are found.
"""

import argparse
import importlib.metadata
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

from course_lib import machine
from course_lib.command import DONE, LACKING
from course_lib.datasets import registry
from course_lib.machine import Finding

_INSTRUCTOR = (Path(__file__).parent / "grading").is_dir()
_CAGE = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "true"]
_USER_NAMESPACES = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


def command(asked: argparse.Namespace) -> int:
    """Does ``course doctor``."""
    findings = []
    for finding in examine():
        findings.append(finding)
        if not asked.json:
            print(finding, flush=True)
    wrong = any(finding.state == "wrong" for finding in findings)
    if asked.json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        print("Something must be mended: see the lines with ✗." if wrong else "This machine can run the course.")
    return LACKING if wrong else DONE


def examine() -> Iterator[Finding]:
    """Yields what is found, subject by subject; the whole takes a few seconds."""
    yield from machine.report()
    yield machine.compiler()
    yield from data_sets()
    yield from (machine.packages(extra) for extra in (["lab", "grading", "book", "bench", "test"] if _INSTRUCTOR else ["lab"]))
    yield widgets_in_lab()
    if _INSTRUCTOR:
        yield nbgrader_in_lab()
    yield kernel()
    if _INSTRUCTOR:
        yield sandbox()


def data_sets() -> list[Finding]:
    """Where each data set would come from; nothing where ``COURSE_DATA`` is not a folder, which ``machine.data`` has said."""
    try:
        return [data_set(status) for status in registry.report()]
    except ValueError:
        return []


def data_set(status: registry.Status) -> Finding:
    """Where one data set would come from now."""
    what = f"data {status.name}"
    if status.where == "refused":
        return Finding(
            what, "wrong", status.detail.splitlines()[0], "move it away; the set is then taken from the next place, or downloaded anew"
        )
    if status.where == "stand-in":
        mend = "connect and unset COURSE_OFFLINE, or set COURSE_DATA to a folder that holds it"
        return Finding(what, "optional", f"out of reach; {status.detail} would stand in", mend)
    return Finding(what, "good", f"{status.where}, {status.detail}")


def widgets_in_lab() -> Finding:
    """Whether JupyterLab holds the half of ipywidgets that runs in the browser, in the version that the other half wants."""
    what = "widgets in JupyterLab"
    mend = "python -m pip install --force-reinstall --no-deps ipywidgets jupyterlab_widgets"
    wanted = [need for need in map(Requirement, importlib.metadata.requires("ipywidgets") or []) if need.name == "jupyterlab_widgets"]
    have = machine.version("jupyterlab_widgets")
    if not wanted or have is None or not wanted[0].specifier.contains(have):
        return Finding(what, "optional", f"ipywidgets wants {', '.join(map(str, wanted))}, and here is {have or 'none'}", mend)
    if _labextension("@jupyter-widgets/jupyterlab-manager") is None:
        return Finding(what, "optional", "JupyterLab does not see the extension", mend)
    return Finding(what, "good", f"ipywidgets {machine.version('ipywidgets')} with jupyterlab_widgets {have}")


def nbgrader_in_lab() -> Finding:
    """Whether JupyterLab holds nbgrader's menus, in nbgrader's own version, and its server side is switched on."""
    what, here = "nbgrader in JupyterLab", machine.version("nbgrader")
    mend = "python -m pip install --force-reinstall --no-deps nbgrader"
    if here is None:
        return Finding(what, "optional", "nbgrader is not installed", "python -m pip install -e '.[grading]'")
    extension = _labextension("@jupyter/nbgrader")
    if extension is None or extension["version"] != here:
        return Finding(what, "optional", f"nbgrader is {here}, its extension {extension['version'] if extension else 'missing'}", mend)
    if not any("nbgrader" in name for name, on in _server_extensions().items() if on):
        return Finding(
            what, "optional", "its server extensions are switched off", "jupyter server extension enable --sys-prefix --py nbgrader"
        )
    return Finding(what, "good", f"nbgrader {here} with its extensions")


def kernel() -> Finding:
    """Whether a kernel of this interpreter starts and answers."""
    if missing := [name for name in ("nbclient", "nbformat", "ipykernel", "psutil") if find_spec(name) is None]:
        return Finding("kernel", "wrong", f"{', '.join(missing)} not installed", "python -m pip install -e '.[lab]'")
    import nbformat

    from course_lib.lecture_runner import Settings, execute

    with tempfile.TemporaryDirectory(prefix="course-") as name:
        folder = Path(name)
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), folder / "trial.ipynb")
        outcome = execute(folder / "trial.ipynb", to=folder / "to", build=folder / "build", settings=Settings(timeout_s=60.0))
        answers = [output.get("data", {}).get("text/plain") for output in nbformat.read(outcome.executed, as_version=4).cells[0].outputs]
    if outcome.failure or answers != ["2"]:
        return Finding("kernel", "wrong", outcome.failure or f"1 + 1 gave {answers}", "python -m pip install --force-reinstall ipykernel")
    return Finding("kernel", "good", f"starts and answers in {outcome.seconds:.1f} s")


def sandbox() -> Finding:
    """Whether a program can be run here without a network, as grading and the tests do."""
    if shutil.which("bwrap") is None:
        return Finding(
            "sandbox", "optional", "bubblewrap is missing", "install it: apt install bubblewrap, dnf install bubblewrap (Linux only)"
        )
    tried = subprocess.run(_CAGE, capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode == 0:
        return Finding("sandbox", "good", "bubblewrap runs a program without a network")
    if _USER_NAMESPACES.is_file() and _USER_NAMESPACES.read_text().strip() == "1":
        mend = "allow bwrap in an AppArmor profile (userns,), or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        return Finding("sandbox", "optional", "AppArmor forbids user namespaces to bubblewrap", mend)
    return Finding(
        "sandbox",
        "optional",
        f"bubblewrap fails: {tried.stderr.strip() or tried.returncode}",
        "user namespaces must be allowed on this machine",
    )


def _labextension(name: str) -> dict | None:
    """An extension's own description, from the first place where JupyterLab looks."""
    from jupyter_core.paths import jupyter_path

    described = (Path(folder) / name / "package.json" for folder in jupyter_path("labextensions"))
    return next((json.loads(path.read_text(encoding="utf-8")) for path in described if path.is_file()), None)


def _server_extensions() -> dict[str, bool]:
    """Which server extensions the installed packages and the user have switched on or off; the user's word counts last."""
    from jupyter_core.paths import jupyter_config_path

    switched: dict[str, bool] = {}
    for folder in reversed(jupyter_config_path()):
        for path in [*sorted(Path(folder).glob("jupyter_server_config.d/*.json")), Path(folder) / "jupyter_server_config.json"]:
            if path.is_file():
                switched |= json.loads(path.read_text(encoding="utf-8")).get("ServerApp", {}).get("jpserver_extensions", {})
    return switched
