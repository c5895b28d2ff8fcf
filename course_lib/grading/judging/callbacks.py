"""Which functions of a test a student's process may call: those that compute, and none that reach the files, the memory or the names of the
process that judges. A test that passes such a function is refused at the rehearsal already.
"""

import functools
from typing import Any

_BUILT_IN = frozenset(
    [
        "__import__",
        "breakpoint",
        "compile",
        "delattr",
        "eval",
        "exec",
        "getattr",
        "globals",
        "input",
        "locals",
        "open",
        "setattr",
        "type",
        "vars",
    ]
)
_MODULES = (
    *("code", "ctypes", "_ctypes", "importlib", "_frozen_importlib", "imp", "_imp", "io", "_io", "marshal", "multiprocessing", "os", "nt"),
    *(
        "pathlib",
        "pickle",
        "_pickle",
        "posix",
        "posixpath",
        "genericpath",
        "pty",
        "runpy",
        "shelve",
        "shutil",
        "signal",
        "_signal",
        "socket",
        "_socket",
    ),
    *("subprocess", "_posixsubprocess", "sys", "tempfile", "urllib", "joblib", "nbformat", "scipy.io", "soundfile"),
    *("torch.hub", "torch.jit._serialization", "torch.package", "torch.serialization", "torch.utils.cpp_extension"),
)
_FILES = {"fromfile", "genfromtxt", "load", "loads", "loadtxt", "memmap", "save", "savetxt", "savez", "savez_compressed", "tofile"}


def may_be_called(value: Any) -> bool:
    """Whether a student's process may call something that a test passes to it.

    Example:
        >>> import math, os
        >>> may_be_called(math.sin), may_be_called(os.system)
        (True, False)
    """
    while isinstance(value, functools.partial):
        value = value.func
    name = str(getattr(value, "__name__", type(value).__name__))
    modules = {str(getattr(x, "__module__", "") or "") for x in (value, type(value), type(getattr(value, "__self__", None)))}
    if "builtins" in modules and name in _BUILT_IN and getattr(value, "__module__", "") in ("builtins", "_io", "io"):
        return False
    reaches = any(module == one or module.startswith(f"{one}.") for module in modules for one in _MODULES)
    return not reaches and not (name in _FILES and any(module.split(".")[0] in ("numpy", "torch") for module in modules))
