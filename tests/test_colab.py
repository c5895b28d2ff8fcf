"""The lectures under Colab's versions, with the library installed by the set-up cell's own command.

The environment holds exactly ``colab-constraints.txt`` and the torch of the tests. It is kept in ``build/colab-env`` and made anew when the list,
the interpreter or torch changes.
"""

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from course_lib.lecture_runner import Settings, execute

ROOT = Path(__file__).parents[1]
LECTURES = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
VERSIONS = ROOT / "tests" / "colab-constraints.txt"
PLACE = ROOT / "build" / "colab-env"
BROUGHT = {"generative-course", "jaxtyping", "wadler-lindig"}  # all that a set-up may add
UNREACHABLE = re.compile(
    r"No matching distribution found for (jaxtyping|wadler|flit|asttokens)|Failed to establish|Max retries|ConnectionError|Could not fetch",
    re.I,
)

pytestmark = pytest.mark.slow


def pip(python: Path, *words: str) -> None:
    """Runs pip in an environment; where no package index can be reached the test is skipped, and in CI it fails."""
    ran = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if ran.returncode == 0:
        return
    if UNREACHABLE.search(ran.stderr) and not os.environ.get("CI"):
        pytest.skip("needs a package index: connect this machine to the network")
    pytest.fail(ran.stderr)


def installed(python: Path) -> dict[str, str]:
    """Every package of an environment with its version."""
    ask = "import importlib.metadata as m, json; print(json.dumps({d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}))"
    return json.loads(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True, cwd=PLACE).stdout)


def lend_torch(environment: Path) -> None:
    """Lays the tests' torch beside the environment's packages: a second download would take minutes and bring nothing."""
    folder = next(environment.glob("lib/python3*/site-packages"))
    for file in ("torch", "torchgen", "functorch", "nvidia", "triton"):
        here = Path(importlib.metadata.distribution("torch").locate_file(file))
        if here.exists():
            (folder / file).symlink_to(here)
    described = Path(importlib.metadata.distribution("torch").locate_file("")).glob("torch-*.dist-info")
    for path in described:
        (folder / path.name).symlink_to(path)


def pack_course(target: Path) -> Path:
    """Packs the course as GitHub packs a tag: one folder in a zip file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in [*sorted((ROOT / "course_lib").rglob("*")), *(ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE"))]:
            if path.is_file() and "__pycache__" not in path.parts:
                packed.write(path, Path("course-0.1.0") / path.relative_to(ROOT))
    return target


def setup_command(archive: Path) -> list[str]:
    """The words of the set-up cell's ``%pip``, with the archive in place of its address."""
    cell = next(cell for cell in nbformat.read(LECTURES[0], as_version=4).cells if "setup" in cell.metadata.get("tags", []))
    words = re.search(r"%pip (.+)", cell.source)[1].split()
    assert words[-1].startswith('"https://github.com/')
    return [*words[:-1], str(archive)]


@pytest.fixture(scope="module")
def colab(tmp_path_factory) -> Path:
    """Colab's interpreter: its versions, and the course as the set-up cell installs it."""
    if sys.version_info >= (3, 14):
        pytest.skip("Colab's versions exist for Python 3.11 to 3.13")
    said = f"{VERSIONS.read_text()} {sys.version} {importlib.metadata.version('torch')} {Path(__file__).read_text()}"
    stamp, wanted = PLACE / "made-from", hashlib.sha256(said.encode()).hexdigest()
    python = PLACE / "bin" / "python"
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(PLACE, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", PLACE], check=True)
        pip(python, "install", "--quiet", "--no-deps", "--no-compile", "--requirement", str(VERSIONS))
        lend_torch(PLACE)
        stamp.write_text(wanted)
    if left := BROUGHT & set(installed(python)):
        pip(python, "uninstall", "--quiet", "--yes", *left)
    before = installed(python)
    pip(python, *setup_command(pack_course(tmp_path_factory.mktemp("tag") / "v0.1.0.zip")))
    after = installed(python)
    assert set(after) - set(before) == BROUGHT
    assert {name: after[name] for name in before} == before, "the set-up cell changed a package that Colab ships"
    return python


def test_the_versions_are_colabs(colab):
    here = installed(colab)
    wanted = {
        "ipywidgets": "7.7.1",
        "ipython": "7.34.0",
        "numpy": "2.1.",
        "scikit-learn": "1.6.",
        "matplotlib": "3.10.",
        "ipykernel": "6.17",
    }
    assert not {name: here[name] for name, version in wanted.items() if not here[name].startswith(version)}
    listed = dict(line.lower().replace("_", "-").split("==") for line in VERSIONS.read_text().splitlines() if not line.startswith("#"))
    assert {name: here[name] for name in listed} == listed


def test_the_library_is_the_installed_one_and_lacks_nothing(colab, tmp_path):
    ask = "import course_lib; from course_lib import machine; print(course_lib.__file__); print(machine.packages().says); print(machine.one_line())"
    said = subprocess.run([colab, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert Path(said[0]).is_relative_to(PLACE)
    assert "not installed" not in said[1]
    assert said[2].startswith("✓")


def test_the_made_speech_comes_along(colab, tmp_path):
    ask = "from course_lib.datasets import audio; print(len(audio.sentences(size='quick')), len(audio.spoken_digits(size='quick')))"
    said = subprocess.run([colab, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "6 30"
    assert said.stderr == ""


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_the_lecture_runs_on_colab(colab, path, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    outcome = execute(path, to=tmp_path, build=tmp_path / "build", settings=Settings(size="quick", python=str(colab), timeout_s=400.0))
    assert outcome.failure == "", f"{outcome.where}\n{outcome.failure}"
    assert outcome.stderr == ""
    assert all(claim["holds"] for claim in outcome.claims)
