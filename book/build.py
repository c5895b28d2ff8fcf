"""Makes the site: lectures executed where they have changed, pages written, Sphinx, every link checked.

    python -m book.build

The site is ``build/book/html``; it asks the network for nothing. Its search needs a server, any one:
``python -m http.server --directory build/book/html``.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from book import conf
from book.executed import bring_up_to_date, run_lectures
from book.lecture_page import lecture_page, linked_files, opening
from book.links import faults
from book.pages import Lecture, front_page, measured_page
from course_lib import lab

COURSE = Path(__file__).parents[1]
PAGE_LIMIT_MB = 16  # a phone must be able to open it


class SiteFault(Exception):
    """The site cannot be made, or must not be shown as it is; the message says why, one fault a line."""


def build_site(course: Path, build: Path, *, run: Callable[[Sequence[str]], None] | None = None) -> Path:
    """Makes or renews the site and returns its folder.

    Args:
        course: the folder with ``notebooks/`` and ``assignments/``.
        build: the folder for all that can be made again; the site goes to ``book/html`` in it.
        run: executes lectures by name into ``build/lectures``; ``course run`` unless told.

    Raises:
        SiteFault: if a lecture failed, Sphinx warned, a link leads nowhere, a page is too large, or something would be fetched
            from the network.
    """
    if not any((course / "notebooks").glob("*.ipynb")):
        raise SiteFault(f"there is no lecture in {course / 'notebooks'}")
    _say("1/4 lectures", "those that have changed are run")
    run = run or partial(run_lectures, course=course, build=build)
    try:
        ran = bring_up_to_date(course, build, run=run)
    except RuntimeError as failure:
        raise SiteFault(str(failure)) from failure
    _say("2/4 pages", f"{len(ran)} lectures were run, the others are as they were")
    pages, site = build / "book" / "pages", build / "book" / "html"
    _write_pages(course, build, pages)
    _say("3/4 site", "Sphinx")
    _sphinx(pages, site, build / "book" / "doctrees")
    _say("4/4 links", "each one followed")
    found = faults(site) + _too_large(site)
    if found:
        raise SiteFault("\n".join(found))
    return site


def _write_pages(course: Path, build: Path, pages: Path) -> None:
    """Writes what Sphinx reads; a file that would be the same again is left alone, so that Sphinx skips it."""
    wanted: dict[str, bytes] = {}
    lectures, claims = [], {}
    for source in sorted((course / "notebooks").glob("*.ipynb")):
        name = source.stem
        original = _notebook(source)
        try:
            page = lecture_page(_notebook(build / "lectures" / source.name), name=name)
        except ValueError as fault:
            raise SiteFault(str(fault)) from fault
        wanted[f"notebooks/{name}.ipynb"] = _json(page)
        wanted[f"download/{name}.ipynb"] = source.read_bytes()
        wanted |= _files_beside(source, linked_files(original), course)
        lectures.append(_about(name, original))
        measured = build / "claims" / f"{name}.json"
        if measured.is_file():
            claims[name] = json.loads(measured.read_text(encoding="utf-8"))
    sets = {}
    for released in sorted((course / "assignments").glob("*/*.ipynb")):
        where = released.relative_to(course).as_posix()
        sets[where] = opening(_notebook(released))[0] or released.stem
        wanted[where] = released.read_bytes()
    guide = Path(__file__).parent / "instructors"
    wanted |= {f"instructors/{file.name}": file.read_bytes() for file in sorted(guide.iterdir()) if file.suffix in (".md", ".png")}
    wanted["index.md"] = front_page(lectures, sets, title=conf.project, measured=any(claims.values())).encode()
    if any(claims.values()):
        wanted["measured.md"] = measured_page(claims, lectures).encode()
    _renew(pages, wanted)


def _about(name: str, notebook: dict[str, Any]) -> Lecture:
    title, question = opening(notebook)
    known = lab.lectures().get(name, {"title": name, "seconds": {}})
    return Lecture(name=name, title=title or known["title"], question=question, seconds=known["seconds"])


def _files_beside(source: Path, links: Sequence[str], course: Path) -> dict[str, bytes]:
    """The files of the course that a lecture links to, other than lectures; Sphinx hands them out as downloads."""
    found = {}
    for link in links:
        target = (source.parent / link).resolve()
        if target.is_file() and target.is_relative_to(course.resolve()) and target.parent != source.parent.resolve():
            found[target.relative_to(course.resolve()).as_posix()] = target.read_bytes()
    return found


def _renew(folder: Path, wanted: dict[str, bytes]) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _sphinx(pages: Path, site: Path, doctrees: Path) -> None:
    from sphinx.cmd.build import build_main

    options = ["--builder", "html", "--conf-dir", str(Path(__file__).parent), "--doctree-dir", str(doctrees)]
    strict = ["--quiet", "--fail-on-warning", "--nitpicky"]
    if build_main([*options, *strict, str(pages), str(site)]):
        raise SiteFault("Sphinx found faults; see above")
    _forget_removed(pages, site)


def _forget_removed(pages: Path, site: Path) -> None:
    """Sphinx leaves the page of a lecture that is no longer there."""
    for page in (site / "notebooks").glob("*.html"):
        if not (pages / "notebooks" / page.name).with_suffix(".ipynb").is_file():
            page.unlink()


def _too_large(site: Path) -> list[str]:
    sizes = {path: path.stat().st_size / 1e6 for path in sorted(site.rglob("*.html"))}
    return [
        f"{path.name} has {size:.0f} MB, more than {PAGE_LIMIT_MB}: shorten its sounds"
        for path, size in sizes.items()
        if size > PAGE_LIMIT_MB
    ]


def _notebook(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _json(notebook: dict[str, Any]) -> bytes:
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode()


def _say(stage: str, words: str) -> None:
    print(f"{stage:13s} {words}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0 if the site is whole and 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m book.build", description="Makes the course's offline site.")
    parser.add_argument("--course", type=Path, default=COURSE, metavar="DIR", help="the course's folder (this one)")
    asked = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        site = build_site(asked.course.resolve(), lab.build_folder().resolve())
    except SiteFault as fault:
        print(f"The site is not whole:\n{fault}", file=sys.stderr)
        return 1
    print(f"{site / 'index.html'} · {time.monotonic() - start:.0f} s\nSearch needs a server:  python -m http.server --directory {site}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
