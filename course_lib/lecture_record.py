"""What is kept of a lecture's run: the seconds, the pictures, the lines of the table."""

import json
import math
import re
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from course_lib.command import Refused

_FIGURE = re.compile(r"figure:(?P<name>[a-z0-9][a-z0-9_-]*)")


@dataclass
class Outcome:
    """What one run of a lecture came to; ``failure`` is empty where it came to its end."""

    lecture: str
    executed: Path
    seconds: float = math.nan
    peak_mb: float = 0.0
    claims: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""
    failure: str = ""
    where: str = ""
    ran: str = ""  # size and device, as in lectures.json: "quick cpu"


def head(width: int) -> str:
    """Returns the head of the table, whose first column is so many characters wide."""
    return f"{'lecture':<{width}}  seconds  peak memory   claims  status"


def row(outcome: Outcome, width: int) -> str:
    """Returns a run as a line of the table: seconds, peak memory of the kernel, claims that hold, and how it ended."""
    status = f"✗ {_first_line(outcome.failure)}" if outcome.failure else "✓"
    status += f" · on stderr: {_first_line(outcome.stderr)}" if outcome.stderr.strip() else ""
    claims = f"{sum(claim['holds'] for claim in outcome.claims)} / {len(outcome.claims)}"
    return f"{outcome.lecture:<{width}}  {outcome.seconds:7.1f}  {outcome.peak_mb:8.0f} MB  {claims:>7}  {status}"


def told(outcome: Outcome) -> str:
    """Returns what a reader must know of a failure: the lecture, the cell, its first lines, the error, and where to see all of it."""
    error = outcome.failure.strip().splitlines()
    shown = [f"  {line[:200]}" for line in error[:5]] + (["  …"] if len(error) > 5 else [])
    where = f", {outcome.where}" if outcome.where else ""
    return "\n".join([f"✗ {outcome.lecture}{where}", *shown, f"  The run is kept with its whole traceback: {outcome.executed}"])


def save_figures(notebook: NotebookNode, folder: Path) -> list[Path]:
    """Writes the picture of each cell that carries a tag ``figure:NAME`` to ``folder/NAME.png``.

    Raises:
        Refused: if such a cell made no picture, or more than one.
    """
    saved = []
    for cell in notebook.cells:
        for name in [match["name"] for tag in cell.metadata.get("tags", []) if (match := _FIGURE.fullmatch(tag))]:
            pictures = [output.data["image/png"] for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
            if len(pictures) != 1:
                raise Refused(f"the cell tagged figure:{name} made {len(pictures)} pictures, and one is wanted")
            folder.mkdir(parents=True, exist_ok=True)
            saved.append(folder / f"{name}.png")
            saved[-1].write_bytes(b64decode(pictures[0]))
    return saved


def size_and_device(notebook: NotebookNode) -> str:
    """Returns how a lecture ran, ``quick cpu`` or the like, from the line with which it opened; empty where it printed none."""
    said = "".join(output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stdout")
    opening = re.search(r" · (?P<device>\w+) \([^\n]*\) · (?P<size>\w+) size · ", said)
    return f"{opening['size']} {opening['device']}" if opening else ""


def record(outcomes: list[Outcome], known: Path) -> list[str]:
    """Writes the seconds of the lectures that came to their end into ``lectures.json``; returns a line for each lecture."""
    lectures = json.loads(known.read_text(encoding="utf-8"))
    lines = []
    for outcome in outcomes:
        if outcome.failure or not outcome.ran or outcome.lecture not in lectures:
            why = "it failed" if outcome.failure else "it did not say its size" if not outcome.ran else f"{known.name} does not know it"
            lines.append(f"{outcome.lecture}: seconds not recorded, {why}")
            continue
        lectures[outcome.lecture]["seconds"][outcome.ran] = seconds = max(round(outcome.seconds), 1)
        lines.append(f"{outcome.lecture}: {seconds} s recorded for {outcome.ran}")
    rows = (f" {json.dumps(name)}: {json.dumps(lecture, ensure_ascii=False)}" for name, lecture in lectures.items())
    write_atomically(known, "{\n" + ",\n".join(rows) + "\n}\n")
    return lines


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that it is never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:100]
