"""Every lecture as students meet it: sound as a file, and run from top to bottom with the network truly off, for three seeds."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest

from book.executed import bring_up_to_date, run_lectures
from course_lib import lab
from course_lib.grading.authoring import publish

ROOT = Path(__file__).parents[1]
LECTURES = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SETS = sorted((ROOT / "assignments").glob("*/*.ipynb"))
CAGE = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"]
MOST_LINES = 30
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)|(?:href|src)=\"(?P<quoted>[^\"]+)\"")

each_lecture = pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize("path", [*LECTURES, *SETS], ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_the_lectures_are_those_that_the_library_knows():
    assert [path.stem for path in LECTURES] == list(lab.lectures())


@each_lecture
def test_the_file_is_in_the_form_that_tools_write(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False, sort_keys=True) + "\n", (
        "another form makes large differences in git"
    )
    assert notebook.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@each_notebook
def test_outputs_are_stripped(path):
    assert not [cell.id for cell in cells(path, "code") if cell.outputs or cell.execution_count]
    assert "widgets" not in nbformat.read(path, as_version=4).metadata


@each_lecture
def test_no_cell_is_too_long_to_be_read(path):
    long = {cell.source.splitlines()[0]: lines for cell in cells(path, "code") if (lines := len(cell.source.splitlines())) > MOST_LINES}
    assert not long


@each_notebook
def test_the_first_code_cell_sets_colab_up_and_is_the_same_everywhere(path):
    first = cells(path, "code")[0]
    assert first.metadata.get("tags") == ["setup"]
    assert first.source == cells(LECTURES[0], "code")[0].source
    assert publish.disagreements(ROOT) == []


@each_lecture
def test_the_title_stands_first_and_is_the_one_that_the_library_knows(path):
    first = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
    title = lab.lectures()[path.stem]["title"]
    assert first.startswith("# ")
    assert title.lower() in first.lower()
    assert f"lab.start(lecture={int(path.stem[:2])})" in "\n".join(cell.source for cell in cells(path, "code"))


@each_notebook
def test_every_link_within_the_course_leads_somewhere(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    targets = [match["target"] or match["quoted"] for match in _LINK.finditer(text)]
    own = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#|attachment:", target)]
    assert not [target for target in own if not (path.parent / target).exists()]
    assert not [target for target in targets if target.startswith("http:")]


@each_lecture
def test_the_lecture_leads_to_its_problem_set(path):
    assert "assignments/ps" in "\n".join(cell.source for cell in cells(path, "markdown"))


def cage() -> list[str]:
    """The command that takes the network away; where it does not work CI fails, and elsewhere COURSE_OFFLINE alone holds."""
    if shutil.which("bwrap") and subprocess.run([*CAGE, "true"], capture_output=True, check=False).returncode == 0:
        return CAGE
    if os.environ.get("CI"):
        pytest.fail("bubblewrap must work here, so that lectures are proven to need no network")
    return []


def test_the_cage_has_no_network():
    if not (caged := cage()):
        pytest.skip("needs the program 'bwrap': install bubblewrap from your system's packages")
    listen = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); socket.create_connection(('192.0.2.1', 53), 3)"
    tried = subprocess.run([*caged, sys.executable, "-c", listen], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in tried.stderr  # and the machine's own address, which kernels need, did answer


@pytest.mark.slow
@each_lecture
def test_the_lecture_runs_as_the_site_shows_it(path, monkeypatch):
    """With seed 0; the site takes this very run."""
    monkeypatch.setenv("COURSE_SIZE", "quick")
    build = lab.build_folder()
    bring_up_to_date(ROOT, build, run=partial(run_lectures, course=ROOT, build=build), names=[path.stem])
    check_the_run(path, build, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@each_lecture
def test_the_lecture_runs_without_a_network_and_its_claims_hold(path, seed, tmp_path):
    settings = {"COURSE_OFFLINE": "1", "COURSE_BUILD": str(tmp_path), "COURSE_CACHE": str(tmp_path / "cache")}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")} | settings
    run = [*cage(), sys.executable, "-m", "course_lib.cli", "run", path.stem, "--size", "quick", "--seed", str(seed), "--timeout", "400"]
    ran = subprocess.run(run, cwd=ROOT, env=clean, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert "on stderr" not in ran.stdout, ran.stdout
    check_the_run(path, tmp_path, seed=seed)


def check_the_run(path: Path, build: Path, *, seed: int) -> None:
    """Every cell ran, on the device that it says, and every claim holds."""
    executed = nbformat.read(build / "lectures" / path.name, as_version=4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    said = "".join(output.text for cell in executed.cells for output in cell.get("outputs", []) if output.output_type == "stream")
    assert f"{path.stem} · cpu" in said or f"{path.stem} · cuda" in said
    if "lab.claim(" in path.read_text(encoding="utf-8"):
        claims = json.loads((build / "claims" / f"{path.stem}.json").read_text(encoding="utf-8"))
        assert claims
        assert all(claim["holds"] and claim["seed"] == seed and claim["size"] == "quick" for claim in claims)
