"""What a notebook's first cell calls: which size to run, on which device, from which seed, and how to state a measured fact.

    run = lab.start(lecture=1)
    epochs = run.pick(quick=3, full=30)
    lab.claim("the estimate of the coin", theta, abs(theta - 4 / 7) < 1e-12)

Settings come from the environment, so that the same notebook serves a student, the test suite and the site:

====================  ==================================================================================
``COURSE_SIZE``       ``quick`` or ``full``; without it: full where there is a CUDA GPU, quick elsewhere.
                      Quick runs on the CPU, everywhere
``COURSE_SEED``       the run's seed, 0 unless told
``COURSE_DATA``       a folder with the real data sets
``COURSE_OFFLINE``    ``1`` forbids the network
``COURSE_WIDGETS``    ``static`` shows each widget as a figure
``COURSE_KERNELS``    ``reference`` uses plain PyTorch where a compiled C form would be quicker
``COURSE_STRICT``     ``1`` turns warnings from the notebook and from this library into errors
``COURSE_BUILD``      where claims and checkpoints go; ``build/`` beside the course unless told
====================  ==================================================================================

Taught in: 00_start_here
"""

import json
import math
import os
import random
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from course_lib.plotting import style
from course_lib.randomness import stream_seed

SIZES = ("quick", "full")
_SWITCHES = {"COURSE_OFFLINE": ("0", "1"), "COURSE_STRICT": ("0", "1"), "COURSE_WIDGETS": ("static",), "COURSE_KERNELS": ("reference",)}
_PACKAGE = Path(__file__).parent


class ClaimFailed(AssertionError):
    """A fact that the lecture states was not what this run measured."""


@dataclass(frozen=True)
class Run:
    """One execution of a lecture: its size, device and seed."""

    lecture: str
    size: str
    device: torch.device
    seed: int
    started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def quick(self) -> bool:
        """Whether this is the small run: CPU, embedded data."""
        return self.size == "quick"

    def pick(self, *, quick: Any, full: Any) -> Any:
        """Returns the value that belongs to this run's size."""
        return quick if self.quick else full

    def generator(self, offset: int = 0, *, device: torch.device | str = "cpu") -> torch.Generator:
        """Returns a new random generator; each ``offset`` is an independent stream of the same seed."""
        return torch.Generator(device).manual_seed(stream_seed(self.seed, offset))


_current: Run | None = None
_claims: list[dict[str, Any]] = []


def start(*, lecture: int) -> Run:
    """Begins a lecture: chooses size and device, seeds what has no generator of its own, and says so in one line.

    Args:
        lecture: the number in the notebook's name.

    Returns:
        The run, which the lecture asks for numbers that depend on the size and for random generators.

    Raises:
        ValueError: if there is no such lecture, or a ``COURSE_…`` setting has a value that it cannot have.

    Example:
        >>> run = start(lecture=1)  # doctest: +ELLIPSIS
        01_maximum_likelihood · ...
        >>> run.pick(quick=3, full=3)
        3
    """
    global _current
    name, size, seed = _lecture_name(lecture), _size(), _seed()
    _check_switches()
    run = Run(lecture=name, size=size, device=torch.device("cuda" if size == "full" and torch.cuda.is_available() else "cpu"), seed=seed)
    torch.manual_seed(run.seed)
    np.random.seed(run.seed)  # noqa: NPY002 - for libraries that know only the global state
    random.seed(run.seed)
    if os.environ.get("COURSE_STRICT") == "1":
        warnings.filterwarnings("error", module=r"(__main__|course_lib)")
    style.use()
    _current = run
    _claims.clear()
    print(_opening_line(run))
    return run


def claim(name: str, value: Any, holds: Any, *, unit: str = "") -> None:
    """States a measured fact, shows it, and records it for the site and the league table.

    Args:
        name: what is claimed, in words.
        value: the measured number, or a text, or a list of these.
        holds: whether the fact is true of it: True or False, of Python, NumPy or torch.
        unit: the unit of ``value``.

    Raises:
        ClaimFailed: if it does not hold. The record is written first, so nothing is lost.
        ValueError: if ``holds`` is no truth value, or ``value`` nothing that a file of numbers can hold.
        RuntimeError: if no lecture was started.
    """
    if _current is None:
        raise RuntimeError("lab.claim belongs to a lecture: call  run = lab.start(lecture=…)  first")
    record = {
        "name": name,
        "value": _plain(value),
        "unit": unit,
        "holds": _truth(holds),
        "seed": _current.seed,
        "size": _current.size,
        "device": _current.device.type,
        "seconds": round(time.monotonic() - _current.started, 2),
    }
    _claims[:] = [old for old in _claims if old["name"] != name] + [record]  # a cell run twice states its fact once
    _write_claims(_current)
    line = f"{name}: {_shown(record['value'])}{' ' + unit if unit else ''}"
    if not record["holds"]:
        raise ClaimFailed(f"This run measured otherwise: {line} (seed {_current.seed}, {_current.size} size).")
    print(f"✓ {line}")


def build_folder() -> Path:
    """Returns the folder for everything that can be made again: claims, checkpoints, executed notebooks."""
    if told := os.environ.get("COURSE_BUILD"):
        return Path(told).expanduser()
    checkout = _PACKAGE.parent
    return (checkout if (checkout / "notebooks").is_dir() else Path.cwd()) / "build"


def lectures() -> dict[str, dict[str, Any]]:
    """Returns what is known of each lecture by its name, in order: title, and measured seconds by size and device."""
    return json.loads((_PACKAGE / "lectures.json").read_text(encoding="utf-8"))


def _lecture_name(lecture: int) -> str:
    names = {int(name[:2]): name for name in lectures()}
    if lecture not in names:
        raise ValueError(f"lecture must be one of {sorted(names)}, got {lecture!r}")
    return names[lecture]


def _size() -> str:
    size = os.environ.get("COURSE_SIZE") or ("full" if torch.cuda.is_available() else "quick")
    if size not in SIZES:
        raise ValueError(f"COURSE_SIZE must be one of {SIZES}, got {size!r}")
    return size


def _seed() -> int:
    told = os.environ.get("COURSE_SEED") or "0"
    if not (told.isascii() and told.isdigit() and int(told) < 2**32):
        raise ValueError(f"COURSE_SEED must be a whole number from 0 to 2**32 - 1, got {told!r}")
    return int(told)


def _check_switches() -> None:
    for name, allowed in _SWITCHES.items():
        if (told := os.environ.get(name)) and told not in allowed:
            raise ValueError(f"{name} must be {' or '.join(allowed)}, or not set, got {told!r}")
    if (told := os.environ.get("COURSE_DATA")) and not Path(told).expanduser().is_dir():
        raise ValueError(f"COURSE_DATA must name a folder with the data, got {told!r}")


def _opening_line(run: Run) -> str:
    hardware = torch.cuda.get_device_name() if run.device.type == "cuda" else f"{os.cpu_count()} cores"
    parts = [run.lecture, f"{run.device.type} ({hardware})", f"{run.size} size", "embedded data" if run.quick else "real data"]
    seconds = lectures()[run.lecture]["seconds"].get(f"{run.size} {run.device.type}")
    parts += [f"about {seconds:.0f} s"] if seconds else []
    parts += [f"seed {run.seed}"] if run.seed else []
    return " · ".join(parts)


def _plain(value: Any) -> Any:
    """The same as numbers, texts and lists that JSON can hold; numbers that it cannot (nan, inf) as text."""
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"value must be a number, a text, or a list of these, got a {type(value).__name__}: {value!r}")
    return value


def _truth(holds: Any) -> bool:
    """True or False; what merely counts as true in Python (a text, a number, nan) is a slip in a claim."""
    plain = holds.reshape(-1).tolist() if isinstance(holds, torch.Tensor | np.ndarray | np.generic) else [holds]
    if not (len(plain) == 1 and isinstance(plain[0], bool)):
        raise ValueError(f"holds must be True or False, got {holds!r}; of many, say whether .all() or .any() must hold")
    return plain[0]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _write_claims(run: Run) -> None:
    folder = build_folder() / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{run.lecture}.json"
    unfinished = target.with_suffix(".json.part")
    unfinished.write_text(json.dumps(_claims, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(target)
