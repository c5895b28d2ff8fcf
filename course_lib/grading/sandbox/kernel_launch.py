"""Starts a student's kernel from inside its sandbox: ``python kernel_launch.py settings.json``.

It needs nothing of this library, and does what must be done before the student's first cell: limits, working folder, modules that are hidden.
"""

import json
import os
import random
import resource
import shutil
import sys

_OPTIONS = ["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor", "--IPKernelApp.ignore_cwd=True"]


def main(file: str) -> None:
    """Starts the kernel.

    Args:
        file: JSON with ``given``, a folder whose files are copied; ``work``, where to; ``code``, a folder of modules; ``hidden``, modules that
            cannot be imported; ``fonts``, a folder with Matplotlib's list of fonts, or nothing; ``rlimits``, by name; ``confined``, whether system calls are refused; ``core``, the one core to which it keeps, or null; ``connection``, the kernel's connection file.
    """
    with open(file, encoding="utf-8") as opened:
        settings = json.load(opened)
    for name, value in settings["rlimits"].items():
        hard = resource.getrlimit(kind := getattr(resource, name))[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    if settings["core"] is not None:
        os.sched_setaffinity(0, {settings["core"]})  # who is confined cannot take it back
    shutil.copytree(settings["given"], settings["work"], dirs_exist_ok=True, copy_function=shutil.copyfile)
    os.chdir(settings["work"])
    os.makedirs(os.environ["IPYTHONDIR"], exist_ok=True)
    if settings["fonts"]:
        shutil.copytree(settings["fonts"], os.environ["MPLCONFIGDIR"], dirs_exist_ok=True, copy_function=shutil.copyfile)
    # Last, so that a student's numpy.py is not taken for NumPy; this file's own folder, which Python put first, moves behind all others too.
    sys.path[:] = [
        *(place for place in sys.path if place != os.path.dirname(os.path.abspath(__file__))),
        settings["code"],
        settings["work"],
    ]
    sys.modules.update(dict.fromkeys(settings["hidden"]))  # None: importing them is an error
    random.seed(0)
    if settings["confined"]:
        import system_calls

        system_calls.refuse()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(argv=["-f", settings["connection"], *_OPTIONS])


if __name__ == "__main__":
    main(sys.argv[1])
