"""What this machine can do, what it lacks, and how to mend it.

    print(machine.one_line())

Lecture 00 shows the line; ``course doctor`` shows every finding and adds what only a computer of one's own needs.

Taught in: 00_start_here
"""

import importlib.metadata
import os
import platform
import shutil
import sys
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

DISTRIBUTION = "generative-course"
OLDEST_PYTHON = (3, 11)
LEAST_FREE_GB = 2
_MARKS = {"good": "✓", "optional": "–", "wrong": "✗"}


@dataclass(frozen=True)
class Finding:
    """One fact about the machine: fine, better with a remedy, or wrong until mended."""

    what: str
    state: Literal["good", "optional", "wrong"]
    says: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{_MARKS[self.state]} {self.what}: {self.says}" + (f" → {self.mend}" if self.mend else "")


def report() -> list[Finding]:
    """Looks at what every lecture needs: Python, packages, device, memory, disk and data.

    Returns:
        One finding a subject, in the order in which one would mend them.

    Example:
        >>> python().state
        'good'
        >>> [finding.what for finding in report()][:2]
        ['Python', 'packages']
    """
    findings = [python(), packages()]
    if find_spec("torch") is not None:  # without it the second finding has said what to do
        findings += [device(), *graphics()]
    return [*findings, disk(), data()]


def one_line(findings: list[Finding] | None = None) -> str:
    """Says in one line whether the lectures can run here, and if not, what is missing and how to mend it.

    Args:
        findings: what to sum up; ``report()`` unless told.

    Returns:
        The line. What could merely be better comes last, and only where nothing is missing.

    Example:
        >>> one_line([Finding("Python", "good", "3.12"), Finding("data", "optional", "embedded only", "set COURSE_DATA")])
        '✓ All that the lectures need is here. Optional: data embedded only → set COURSE_DATA.'
        >>> one_line([Finding("packages", "wrong", "tqdm is not installed", "pip install tqdm")])
        '✗ Missing: packages, tqdm is not installed → pip install tqdm'
    """
    findings = report() if findings is None else findings
    if wrong := [f for f in findings if f.state == "wrong"]:
        return "✗ Missing: " + " · ".join(f"{f.what}, {f.says} → {f.mend}" for f in wrong)
    better = " · ".join(f"{f.what} {f.says}" + (f" → {f.mend}" if f.mend else "") for f in findings if f.state == "optional")
    return "✓ All that the lectures need is here." + (f" Optional: {better}." if better else "")


def python() -> Finding:
    """Whether this Python is new enough."""
    here, oldest = platform.python_version(), ".".join(map(str, OLDEST_PYTHON))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding(
            "Python", "wrong", f"{here}, and the course needs {oldest} or newer", "install a newer one, then: make env PYTHON=python3.12"
        )
    return Finding("Python", "good", here)


def packages(extra: str = "") -> Finding:
    """Whether the packages that every lecture needs, or those of one extra, are here and new enough.

    Args:
        extra: ``lab``, ``grading``, ``book``, ``bench`` or ``test``; the lectures' own needs unless told.
    """
    wrong = {str(need): found for need in requirements(extra) if (found := _unmet(need))}
    what = f"packages [{extra}]" if extra else "packages"
    if not wrong:
        return Finding(
            what,
            "good",
            "all here" if extra else f"torch {version('torch')}, numpy {version('numpy')}, ipywidgets {version('ipywidgets')}",
        )
    needed = " ".join(f"'{need}'" for need in wrong)
    return Finding(
        what, "optional" if extra else "wrong", "; ".join(wrong.values()), f"{Path(sys.executable).name} -m pip install {needed}"
    )


def requirements(extra: str = "") -> list[Requirement]:
    """Returns what the course's own package asks for: the base, or what one extra adds to it, the extras it names unfolded."""
    found: dict[Requirement, None] = {}
    for need in map(Requirement, _declared()):
        always = need.marker is None or need.marker.evaluate({"extra": ""})
        if always == bool(extra) or (extra and not need.marker.evaluate({"extra": extra})):
            continue  # belongs elsewhere
        inner = [deeper for part in sorted(need.extras) for deeper in requirements(part)] if need.name == DISTRIBUTION else [need]
        found |= dict.fromkeys(inner)
    return list(found)


def _declared() -> list[str]:
    """The requirements as the folder around the library states them, or where there is none (Colab) the installed package."""
    stated = Path(__file__).parents[1] / "pyproject.toml"
    if not stated.is_file():
        return importlib.metadata.requires(DISTRIBUTION) or []
    project = tomllib.loads(stated.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    return project["dependencies"] + [f'{need}; extra == "{extra}"' for extra, needs in extras for need in needs]


def _unmet(need: Requirement) -> str:
    """What is wrong about one requirement, or nothing."""
    here = version(need.name)
    if here is None:
        return f"{need.name} is not installed"
    return "" if need.specifier.contains(here, prereleases=True) else f"{need.name} is {here} and must be {need.specifier}"


def version(name: str) -> str | None:
    """Returns the version of an installed package, None where it is missing."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def device() -> Finding:
    """The processor and the memory."""
    memory = _memory_gb()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    says = f"{cores} cores" + (f", {memory:.0f} GB of memory" if memory else "")
    if memory and memory < 3.5:
        return Finding("CPU", "optional", says, "close other programs: the largest lectures take about 3 GB")
    return Finding("CPU", "good", says)


def _memory_gb() -> float | None:
    """Physical memory in gigabytes, where the system tells it."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9


def graphics() -> list[Finding]:
    """The CUDA device: what it is, whether bfloat16 is real there, whether kernels can be compiled."""
    import torch

    if not torch.cuda.is_available():
        driver = shutil.which("nvidia-smi") is not None and torch.version.cuda is None
        mend = "install the CUDA build of torch" if driver else "Colab lends a T4: Runtime → Change runtime type"
        return [
            Finding(
                "GPU", "optional", "a driver is here, but this torch is a CPU build" if driver else "none: lectures run in quick size", mend
            )
        ]
    properties = torch.cuda.get_device_properties(0)
    real = torch.cuda.is_bf16_supported(including_emulation=False)  # a T4 says yes to the plain question
    says = f"{properties.name}, {properties.total_memory / 1e9:.0f} GB, bfloat16 {'real' if real else 'only emulated: float16 is used'}"
    triton = (
        Finding("Triton", "good", str(version("triton")))
        if find_spec("triton")
        else Finding("Triton", "optional", "none: plain PyTorch is used")
    )
    return [Finding("GPU", "good", says), triton]


def compiler() -> Finding:
    """Whether this machine can compile the C forms of the library's busiest loops."""
    from course_lib.kernels import native

    if (program := native.compiler()) is None:
        mend = {"darwin": "xcode-select --install", "linux": "apt install gcc, dnf install gcc"}.get(sys.platform, "plain PyTorch will do")
        return Finding("C compiler", "optional", "none: a few loops run in plain PyTorch, some ten times slower", mend)
    return Finding("C compiler", "good", program)


def disk(folder: Path | None = None) -> Finding:
    """Whether there is room for checkpoints and data where the course puts them."""
    folder = Path.cwd() if folder is None else folder
    free = shutil.disk_usage(folder).free / 1e9
    if free < LEAST_FREE_GB:
        return Finding("disk", "optional", f"{free:.1f} GB free", f"the largest data sets and checkpoints want {LEAST_FREE_GB} GB")
    return Finding("disk", "good", f"{free:.0f} GB free")


def data() -> Finding:
    """Whether the real data sets are here, can be fetched, or have a stand-in."""
    from course_lib.datasets import registry

    folder = os.environ.get("COURSE_DATA")
    if folder and not Path(folder).expanduser().is_dir():
        return Finding("data", "wrong", f"COURSE_DATA names {folder}, which is not a folder", "correct it, or unset it")
    sets = registry.report()
    places = {place: [status.name for status in sets if status.where == place] for place in ("refused", "download", "stand-in")}
    if places["refused"]:
        return Finding(
            "data", "wrong", f"damaged files of {', '.join(places['refused'])}", "move them away: course doctor says where they lie"
        )
    here = len(sets) - len(places["download"]) - len(places["stand-in"])
    if places["stand-in"]:
        mend = "connect, and unset COURSE_OFFLINE"
        return Finding("data", "optional", f"{here} of {len(sets)} real sets, embedded ones stand in for the rest", mend)
    return Finding(
        "data", "good", f"{here} of {len(sets)} real sets" + (", the rest fetched when first used" if places["download"] else "")
    )
