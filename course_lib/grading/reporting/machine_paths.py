"""The grading machine's own folders, taken out of what students read: a traceback names them, and with them whose machine it is."""

import functools
import re
import sys
from collections.abc import Collection
from pathlib import Path

# A path begins after anything but another path, or after a terminal's colour, which ends in m.
_BEGINS = r"(?:(?<![\w.~/-])|(?<=\dm))"
_WORD = re.compile(r"[^\s'\":;,()\[\]<>]+")
_IN_PYTHON = re.compile(r"/lib(?:64)?/python3(?:\.\d+)?/|/site-packages/|/dist-packages/")
_PATH = re.compile(_BEGINS + "/[^/]")


def without_machine(text: str, folders: Collection[str] = ()) -> str:
    """Returns a text in which the folders of this machine, and of any Python's installation, are an ellipsis.

    Args:
        text: what a student's code printed or raised.
        folders: more folders that are nobody's business, say the course's.

    Example:
        >>> without_machine("File /home/tanaka/.venv/lib/python3.11/site-packages/torch/nn/functional.py:12")
        'File …/lib/python3.11/site-packages/torch/nn/functional.py:12'
    """
    if "/" not in text:
        return text
    return _of_this_machine(tuple(sorted(folders))).sub("…", _WORD.sub(_of_python, text))


def _of_python(word: re.Match[str]) -> str:
    """A word, in which a path into an installation of Python begins at the installation."""
    if not (inside := _IN_PYTHON.search(word[0], 1)):
        return word[0]
    begins = _PATH.search(word[0], 0, inside.start())
    return word[0][: begins.start()] + "…" + word[0][inside.start() :] if begins else word[0]


@functools.cache
def _of_this_machine(folders: tuple[str, ...]) -> re.Pattern[str]:
    own = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path.home()), str(Path(__file__).parents[3]), *folders}
    own = {folder.rstrip("/") for folder in own} - {"", "/usr", "/usr/local"}  # these are the same everywhere
    longest = sorted(map(re.escape, own), key=len, reverse=True)
    return re.compile(rf"{_BEGINS}(?:{'|'.join(longest)})(?![\w.-])")
