"""What a computer of one's own can do, what is missing, how to mend it: ``course doctor``.

To what ``course_lib.machine`` tells every student it adds the extras, JupyterLab's extensions, each data set, a kernel that really starts, and
the sandbox. Findings are told as they are found.
"""

import argparse
import importlib.metadata
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

from course_lib import machine
from course_lib.command import DONE, INSTRUCTORS_COPY, LACKING
from course_lib.datasets import registry
from course_lib.machine import Finding

# What a student's kernel must not be able to do, tried in one; it says what it could.
_TRIAL = """
import socket
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
    print("it reaches a network")
except OSError as error:
    if not isinstance(error, TimeoutError): print(42)
    else: print("it has a way to a network")
try: open({file!r}, "a"); print("it can write into the library")
except OSError: pass
"""


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
        print(_in_a_word(findings))
    return LACKING if wrong else DONE


def _in_a_word(findings: list[Finding]) -> str:
    if any(finding.state == "wrong" for finding in findings):
        return "Something must be mended: see the lines with ✗."
    if any(finding.what == "sandbox" and finding.state != "good" for finding in findings):
        return "This machine can run the course, but it cannot grade: see the line of the sandbox."
    return "This machine can run the course and grade it." if INSTRUCTORS_COPY else "This machine can run the course."


def examine() -> Iterator[Finding]:
    """Yields what is found, subject by subject; the whole takes a few seconds."""
    yield from machine.report()
    yield machine.compiler()
    yield from data_sets()
    yield from (machine.packages(extra) for extra in (["lab", "grading", "book", "bench", "test"] if INSTRUCTORS_COPY else ["lab"]))
    yield widgets_in_lab()
    if INSTRUCTORS_COPY:
        yield nbgrader_in_lab()
    yield kernel()
    if INSTRUCTORS_COPY:
        yield sandbox()
        yield limits()


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
    """Whether a student's kernel really runs here in a sandbox, without a network and without the instructor's files."""
    if missing := [name for name in ("ipykernel", "nbformat", "psutil") if find_spec(name) is None]:
        return Finding("sandbox", "optional", f"{', '.join(missing)} not installed", "python -m pip install -e '.[grading]'")
    from course_lib.grading.sandbox.sandbox import available
    from course_lib.grading.sandbox.student_kernel import KernelFailed, StudentKernel

    if missing := available():
        what, _, mend = missing.rpartition(": ")
        return Finding("sandbox", "optional", f"none can be made, and course grade refuses without one: {what}", mend)
    started = time.monotonic()
    try:
        with StudentKernel() as kernel:
            seconds = time.monotonic() - started
            shown = kernel.run(_TRIAL.format(file=__file__)).outputs
    except KernelFailed as failure:
        return Finding("sandbox", "optional", f"no kernel starts in it: {failure}", "python -m pip install --force-reinstall ipykernel")
    said = "".join(output.get("text", "") for output in shown).strip()
    if said != "42":
        return Finding("sandbox", "wrong", f"it does not hold what is inside: {said or 'no answer'}", "do not grade on this machine")
    return Finding("sandbox", "good", f"a student's kernel starts in it in {seconds:.1f} s and finds no network")


def limits() -> Finding:
    """What holds a student's process to its memory, its number of processes and one core."""
    if find_spec("psutil") is None:
        return Finding("limits", "optional", "psutil not installed", "python -m pip install -e '.[grading]'")
    from course_lib.grading.sandbox.control_groups import way

    found = way()
    if found.holds >= {"memory", "processes"}:
        return Finding("limits", "good", found.name)
    return Finding(
        "limits", "optional", found.name, "grade where systemd-run --user --scope works, or as root where control groups can be made"
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
