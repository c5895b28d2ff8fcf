"""C forms of a few operations, compiled on this machine when first used; without a compiler the PyTorch references do the work.

    if (compiled := native.library("levinson_durbin")) is not None:
        compiled.levinson_durbin(native.pointer(r), native.pointer(a), ...)

What stands beside this file as ``<name>.c`` is compiled once with the system's C compiler for this very processor, and kept in the cache.
``COURSE_KERNELS=reference`` leaves it alone.

Taught in: 04_speech_coding_and_synthesis
"""

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from course_lib.datasets.download import cache_folder

_FOLDER = Path(__file__).parent
# The loops are written so that a compiler may use the processor's widest registers; a sum's order is never changed (no -ffast-math).
_FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-ffp-contract=fast")


def library(name: str) -> ctypes.CDLL | None:
    """Returns one op's compiled C form, or None where there is none and its reference is to be used.

    Args:
        name: of the file beside this one, without ``.c``.

    Returns:
        The loaded library. The first call of a machine compiles it, in about a second; a compiler that fails is told of once.

    Raises:
        ValueError: if there is no such file, or ``COURSE_KERNELS`` has another value than ``reference``.

    Example:
        >>> library("levinson")
        Traceback (most recent call last):
        ValueError: name must be one of the C files beside kernels/native.py, got 'levinson': ...
    """
    source = _FOLDER / f"{name}.c"
    if not source.is_file():
        known = ", ".join(sorted(path.stem for path in _FOLDER.glob("*.c")))
        raise ValueError(f"name must be one of the C files beside kernels/native.py, got {name!r}: known are {known or 'none'}")
    asked = os.environ.get("COURSE_KERNELS", "")
    if asked not in ("", "reference"):
        raise ValueError(f"COURSE_KERNELS must be 'reference' or unset, got {asked!r}")
    return None if asked else _loaded(source)


def compiler() -> str | None:
    """Returns the C compiler that is used here, None where there is none; ``CC`` names another."""
    if sys.platform == "darwin" and shutil.which("xcode-select"):
        # Without Apple's developer tools "cc" is a stub that opens a window asking to install them.
        if subprocess.run(["xcode-select", "-p"], capture_output=True, check=False).returncode:
            return None
    named = os.environ.get("CC")
    return shutil.which(named) if named else next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)


def pointer(x: Tensor) -> ctypes.c_void_p:
    """Returns where a tensor's numbers lie, for a C function.

    Raises:
        ValueError: if they do not lie one after the other in the processor's memory.
    """
    if x.device.type != "cpu" or not x.is_contiguous():
        raise ValueError(f"x must be contiguous on the CPU, got {'contiguous' if x.is_contiguous() else 'strided'} on {x.device}")
    address = ctypes.c_void_p(x.data_ptr())
    address.tensor = x  # a tensor that has no other name must live until the call is over
    return address


def takes(*tensors: Tensor) -> bool:
    """Returns whether a C form may be used: plain numbers on the CPU, no gradient asked for."""
    return all(x.device.type == "cpu" and not (torch.is_grad_enabled() and x.requires_grad) for x in tensors)


@functools.cache
def _loaded(source: Path) -> ctypes.CDLL | None:
    program = compiler()
    if program is None:
        return None
    try:
        return ctypes.CDLL(str(_compiled(source, program)))
    except (OSError, subprocess.CalledProcessError) as reason:
        words = (getattr(reason, "stderr", None) or str(reason)).strip().splitlines()
        print(f"{source.name} could not be compiled, plain PyTorch is used instead: {words[0] if words else program}")
        return None


def _compiled(source: Path, program: str) -> Path:
    """The compiled file in the cache: made anew for another source, compiler or processor, and never seen half written."""
    mark = hashlib.sha256("\0".join([source.read_text(encoding="utf-8"), program, *_FLAGS, _processor()]).encode()).hexdigest()[:16]
    folder = cache_folder() / "kernels"
    target = folder / f"{source.stem}-{mark}.so"
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            made = Path(work) / target.name
            _compile(program, source, made)
            made.replace(target)
    return target


def _compile(program: str, source: Path, made: Path) -> None:
    """Compiles for this very processor where the compiler knows how, else for its family."""
    command = [program, *_FLAGS, "-o", str(made), str(source), "-lm"]
    narrow = subprocess.run([*command, "-march=native"], capture_output=True, text=True, check=False)
    if narrow.returncode:
        subprocess.run(command, capture_output=True, text=True, check=True)


def _processor() -> str:
    """What tells processors apart that do not understand each other's instructions; a home folder may serve many."""
    told = Path("/proc/cpuinfo")
    flags = (
        [line for line in told.read_text(encoding="utf-8").splitlines() if line.startswith(("flags", "Features"))] if told.is_file() else []
    )
    return "\0".join([sys.platform, platform.machine(), platform.processor(), *flags[:1]])
