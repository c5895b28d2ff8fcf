"""The repository and the tag that Colab badges and set-up cells name: ``course publish``.

Colab opens a notebook from a repository, and the notebook's first cell installs the library from the same tag, so the two must agree in every
notebook. Only these links are changed, in the text of the files: nothing else in a notebook moves.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from course_lib.command import DONE, FAILED, WrongInput, course_folder
from course_lib.lecture_record import write_atomically

PLACES = (
    "notebooks/*.ipynb",
    "solutions/*/*.ipynb",
    "assignments/*/*.ipynb",
    "README.md",
    "course_lib/grading/authoring/student_kit/README.md",
)
_OWNER, _NAME, _TAG = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", r"[A-Za-z0-9._-]+", r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_BADGE = re.compile(
    rf"(?P<before>https://colab\.research\.google\.com/github/)(?P<repository>{_OWNER}/{_NAME})/blob/(?P<tag>{_TAG})/(?P<path>[^)\s\"]+)"
)
_SETUP = re.compile(rf"(?P<before>https://github\.com/)(?P<repository>{_OWNER}/{_NAME})/archive/refs/tags/(?P<tag>{_TAG})\.zip")
_WHERE = re.compile(rf"(?P<repository>{_OWNER}/{_NAME})@(?P<tag>{_TAG})")


@dataclass(frozen=True)
class Address:
    """Where a course is published: a repository on GitHub and one of its tags."""

    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.repository}@{self.tag}"


def address(where: str) -> Address:
    """Returns the address that a user wrote as ``owner/name@tag``.

    Raises:
        WrongInput: if it is not of that form.

    Example:
        >>> address("an-instructor/my-course@2027-spring")
        Address(repository='an-instructor/my-course', tag='2027-spring')
    """
    match = _WHERE.fullmatch(where)
    if match is None or ".." in where or where.endswith(".lock"):
        raise WrongInput(f"OWNER/REPO@TAG is wanted, for example generative-course/generative-course@v0.1.0, and this is {where!r}")
    return Address(match["repository"], match["tag"])


def command(asked: argparse.Namespace) -> int:
    """Does ``course publish``."""
    root = course_folder()
    wanted = address(asked.where) if asked.where else None
    if asked.check:
        faults = disagreements(root, wanted)
        print(
            "\n".join(faults)
            if faults
            else f"all {len(files(root))} files agree on {', '.join(map(str, sorted(addresses(root), key=str)))}"
        )
        return FAILED if faults else DONE
    if wanted is None:
        raise WrongInput("say where: OWNER/REPO@TAG, for example generative-course/generative-course@v0.1.0 (or --check)")
    if faults := misplaced(root):
        raise WrongInput("nothing was stamped: " + "; ".join(faults))
    changed = stamp(root, wanted)
    print(
        "\n".join(
            [*(f"{path.relative_to(root)}: {links} links" for path, links in changed.items()), f"{len(changed)} files changed to {wanted}"]
        )
    )
    return DONE


def files(root: Path) -> list[Path]:
    """Returns every file that may name the repository, in order."""
    return sorted(path for place in PLACES for path in root.glob(place))


def addresses(root: Path) -> set[Address]:
    """Returns every address that stands anywhere; one, where the course is sound."""
    return {found for path in files(root) for found in _named(path)}


def stamp(root: Path, wanted: Address) -> dict[Path, int]:
    """Writes the address into every badge and set-up cell.

    Returns:
        The files that changed, with the number of links that did; nothing where it was there already.
    """
    changed = {}
    for path in files(root):
        text = path.read_text(encoding="utf-8")
        stamped = _BADGE.sub(lambda link: f"{link['before']}{wanted.repository}/blob/{wanted.tag}/{link['path']}", text)
        stamped = _SETUP.sub(lambda link: f"{link['before']}{wanted.repository}/archive/refs/tags/{wanted.tag}.zip", stamped)
        if stamped != text:
            changed[path] = sum(found != wanted for found in _named(path))
            write_atomically(path, stamped)
    return changed


def unaddressed(text: str) -> str:
    """Returns a notebook's text without the addresses that ``stamp`` writes: what it says wherever it is published."""
    return _SETUP.sub(r"\g<before>", _BADGE.sub(r"\g<before>\g<path>", text))


def disagreements(root: Path, wanted: Address | None = None) -> list[str]:
    """Returns a line for each file that names another address than the others do (or than the one wanted), or lacks a link."""
    everywhere = [found for path in files(root) for found in _named(path)]
    wanted = wanted or (max(everywhere, key=everywhere.count) if everywhere else None)
    others = {path: [found for found in dict.fromkeys(_named(path)) if found != wanted] for path in files(root)}
    return misplaced(root) + [
        f"{path.relative_to(root)} names {', '.join(map(str, found))}, not {wanted}" for path, found in others.items() if found
    ]


def misplaced(root: Path) -> list[str]:
    """Returns a line for each notebook that lacks a badge or a set-up cell, or whose badge opens another notebook."""
    faults = []
    for path in (path for path in files(root) if path.suffix == ".ipynb"):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(root)
        opened = [link["path"] for link in _BADGE.finditer(text)]
        own = str(name).replace("solutions/", "assignments/", 1)  # students get the assignment
        if own not in opened:
            faults.append(f"{name} has {f'a badge that opens {opened[0]}' if opened else 'no Colab badge'}, not one that opens {own}")
        if not _SETUP.search(text):
            faults.append(f"{name} has no set-up cell")
    return faults


def _named(path: Path) -> list[Address]:
    text = path.read_text(encoding="utf-8")
    return [Address(link["repository"], link["tag"]) for pattern in (_BADGE, _SETUP) for link in pattern.finditer(text)]
