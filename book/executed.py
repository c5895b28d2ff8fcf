"""Which lectures must run again before the site can show them: those whose words, code, data or settings have changed."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from filelock import FileLock


def bring_up_to_date(course: Path, build: Path, *, run: Callable[[Sequence[str]], None], names: Sequence[str] | None = None) -> list[str]:
    """Runs the lectures whose executed copy is missing or old, one after the other; two that are at it share the work.

    Args:
        course: the folder with ``notebooks/``, ``course_lib/`` and ``data/``.
        build: where ``lectures/NN_topic.ipynb`` and ``claims/NN_topic.json`` lie or shall lie.
        run: executes the lectures with these names, widgets static; raises if one fails.
        names: of the lectures to look at; all, unless told.

    Returns:
        The names of those that ran.

    Raises:
        RuntimeError: if a lecture ran and left no executed notebook.
    """
    (build / "lectures").mkdir(parents=True, exist_ok=True)
    before = source_digests(course)
    ran = []
    for name in before if names is None else names:
        with FileLock(_record(build, name).with_suffix(".lock")):
            if _is_up_to_date(build, name, before[name]):
                continue
            run([name])
            if not _executed(build, name).is_file():
                raise RuntimeError(f"{name} ran, but left no {_executed(build, name)}")
            # What was read before the run is what it ran with; an edit made meanwhile makes it old again.
            _write(_record(build, name), [before[name], *_results(build, name)])
            ran.append(name)
    return ran


def run_lectures(names: Sequence[str], *, course: Path, build: Path) -> None:
    """Runs lectures of a course with its own command, in an interpreter of its own; the results go into ``build``.

    Raises:
        RuntimeError: if one fails; the command has said which and why.
    """
    command = [sys.executable, "-m", "course_lib.cli", "run", "--static", *[name[:2] for name in names]]
    if subprocess.run(command, cwd=course, env=os.environ | {"COURSE_BUILD": str(build)}, check=False).returncode:
        raise RuntimeError(f"{', '.join(names)} did not run through; see above")


def source_digests(course: Path) -> dict[str, str]:
    """Returns for each lecture a digest of all that its outputs depend on."""
    shared = [path for folder in ("course_lib", "data") for path in sorted((course / folder).rglob("*")) if _counts(path)]
    size = os.environ.get("COURSE_SIZE") or ("full" if torch.cuda.is_available() else "quick")  # the seed of `course run` is 0 unless told
    settings = [size, os.environ.get("COURSE_DATA", "") if size == "full" else "", platform.python_version(), torch.__version__]
    common = _digest([*shared], words=settings)
    return {path.stem: _digest([path], words=[common]) for path in sorted((course / "notebooks").glob("*.ipynb"))}


def _counts(path: Path) -> bool:
    # No lecture imports the instructor's tools, and lectures.json holds seconds that were measured.
    return path.is_file() and not {"__pycache__", "grading"} & set(path.parts) and path.name != "lectures.json"


def _executed(build: Path, name: str) -> Path:
    return build / "lectures" / f"{name}.ipynb"


def _results(build: Path, name: str) -> list[str]:
    """Digests of what the run left: another run of the lecture, by hand or by a test, counts as a change."""
    files = [_executed(build, name), build / "claims" / f"{name}.json"]
    return [_digest([path]) if path.is_file() else "" for path in files]


def _digest(files: Sequence[Path], *, words: Sequence[str] = ()) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for path in files:
        digest.update(f"\n{path.name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _record(build: Path, name: str) -> Path:
    """What an executed lecture was made from, and what it left, in a file beside it."""
    return build / "lectures" / f"{name}.made_from.json"


def _is_up_to_date(build: Path, name: str, source: str) -> bool:
    record = _record(build, name)
    made_from = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else None
    return _executed(build, name).is_file() and made_from == [source, *_results(build, name)]


def _write(path: Path, record: list[str]) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(record, indent=1), encoding="utf-8")
    unfinished.replace(path)
