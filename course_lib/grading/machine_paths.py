"""The grading machine's own folders, taken out of what students read: a traceback names them, and with them whose machine it is."""

import functools
import re
import sys
from collections.abc import Collection
from pathlib import Path

# A path begins after anything but another path, or after a terminal's colour, which ends in m.
_BEGINS = r"(?:(?<![\w.~/-])|(?<=\dm))"
_OF_PYTHON = re.compile(_BEGINS + r"(?:/[^/\s'\":;,()\[\]<>]+)+?(?=/lib(?:64)?/python3(?:\.\d+)?/|/site-packages/|/dist-packages/)")


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
    return _of_this_machine(tuple(sorted(folders))).sub("…", _OF_PYTHON.sub("…", text))


@functools.cache
def _of_this_machine(folders: tuple[str, ...]) -> re.Pattern[str]:
    own = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path.home()), str(Path(__file__).parents[2]), *folders}
    own = {folder.rstrip("/") for folder in own} - {"", "/usr", "/usr/local"}  # these are the same everywhere
    longest = sorted(map(re.escape, own), key=len, reverse=True)
    return re.compile(rf"{_BEGINS}(?:{'|'.join(longest)})(?![\w.-])")
