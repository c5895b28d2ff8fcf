"""Keeps outcomes as JSON, and writes the page that shows them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import Outcome

FOLDER = Path(__file__).parent

OPENING = """\
# Benchmarks

The library beside its peers. Both run in turns in one process, on one thread, with the same inputs and the same start, after a gate
that both give the same answer. What is quoted is the ratio of the median times; the range is over single turns. Times themselves
say more about a machine than about a program, so none are kept. Measure again with `make bench`.

This page is written by `make bench` from the files in `results/`.

| task | peer | times as fast | range | aimed at | the same in both | differs by |
|---|---|---:|---:|---:|---|---:|
"""


def save(name: str, outcomes: Iterable[Outcome], *, folder: Path = FOLDER) -> Path:
    """Writes one benchmark's outcomes to ``results/NAME.json`` and returns the file."""
    target = folder / "results" / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    records = [outcome.record() for outcome in outcomes]
    target.write_text(json.dumps(records, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return target


def page(folder: Path = FOLDER) -> str:
    """Returns the page that the results make."""
    records = [record for file in sorted((folder / "results").glob("*.json")) for record in json.loads(file.read_text(encoding="utf-8"))]
    return OPENING + "".join(_line(record) + "\n" for record in records)


def write_page(folder: Path = FOLDER) -> Path:
    """Writes the page to ``README.md`` and returns it."""
    target = folder / "README.md"
    target.write_text(page(folder), encoding="utf-8")
    return target


def _line(record: dict[str, Any]) -> str:
    spread = f"{record['lowest']:.1f}–{record['highest']:.1f}"
    peer = f"{record['peer']} {record['versions'][record['peer']]}"
    goal = "–" if record["goal"] is None else f"{record['goal']:g} ×"
    cells = [record["name"], peer, f"**{record['ratio']:.1f} ×**", spread, goal, record["same"]]
    return "| " + " | ".join([*cells, f"{record['difference']:.0e}"]) + " |"
