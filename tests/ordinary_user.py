"""Commands as a user without any right, where the tests are run by root: in a container they often are, and a laptop's instructor is not."""

import os
import sys
from pathlib import Path

import pytest
from conftest import needs_program

from course_lib.grading.sandbox import sandbox

UID = 54321  # nobody's


def as_ordinary_user(*command: str | Path) -> list[str]:
    """Returns the command as it is run without root's rights; as it stands where the tests have none.

    What leads to the interpreter may be closed to others: there it stands in a folder that is not.
    """
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    for program in ("bwrap", "setpriv"):
        needs_program(program)
    if missing := sandbox.available():
        pytest.skip(f"no sandbox can be made here: {missing}")
    base = Path(sys.base_prefix).resolve()
    top = Path(*base.parts[:2])
    opened = ["--perms", "0755", "--tmpfs", str(top), *sandbox._bound([str(base)])] if top.name not in ("usr", "opt") else []
    drop = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups", "--"]
    return ["bwrap", "--dev-bind", "/", "/", *opened, "--cap-add", "ALL", *drop, *words]


def give(folder: Path) -> Path:
    """Makes a folder, and all in it, that user's own."""
    if os.geteuid() == 0:
        for place in [folder, *folder.rglob("*")]:
            os.chown(place, UID, UID, follow_symlinks=False)
    return folder
