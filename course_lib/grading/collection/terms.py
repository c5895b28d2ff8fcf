"""When an assignment is due, for whom later, what lateness costs, who handed in when, what a notebook may use: said once, kept in ``run.json``.

terms = asked_of(arguments, kept(folder))
keep(terms, folder)
"""

import argparse
import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from course_lib.grading.collection import lateness
from course_lib.grading.collection.lateness import Policy
from course_lib.grading.sandbox.limits import Limits
from course_lib.grading.tables import by_student

_FILES = {"extensions": "until", "times": "time"}  # a person's CSV files, and the column of each

_NONE = "0m"  # an extension that is taken back

_LIMITS = ("cell_seconds", "notebook_seconds", "memory", "disk", "processes")  # that can be asked for


@dataclass(frozen=True)
class Terms:
    """What was said about an assignment, in the words in which it was said.

    Attributes:
        late_policy: what lateness costs, as ``lateness.parse`` reads it; empty for what the course's own configuration says.
        due: when it is due, ISO 8601 with time zone; empty for what the gradebook says.
        extensions: until when a student may hand in, ISO 8601 with time zone, or how much later than the others, such as ``2d``.
        times: when a student handed in, ISO 8601 with time zone, where the submissions do not tell.
        limits: what a student's process may use, by the names of ``Limits``; what is not named is as it is there.

    Raises:
        ValueError: if one of these cannot be read.
    """

    late_policy: str = ""
    due: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _ = self.policy, self.due_date, Limits(**self.limits)
        for student, until in self.extensions.items():
            _about(student, _later_or_moment, until)
        for student, time in self.times.items():
            _about(student, lateness.moment, time)

    @property
    def policy(self) -> Policy:
        """What lateness costs."""
        return lateness.parse(self.late_policy)

    @property
    def due_date(self) -> datetime | None:
        """When it is due, None for what the gradebook says."""
        return lateness.moment(self.due)

    @property
    def zone(self) -> tzinfo | None:
        """The offset from UTC in which the due date was said, such as +09:00; None where none was, or UTC's Z, in which nobody tells the hour."""
        return None if not self.due or self.due[-1] in "Zz" else datetime.fromisoformat(self.due).tzinfo

    @property
    def extended(self) -> set[str]:
        """Who has an extension, without those from whom it was taken back."""
        return {student for student, until in self.extensions.items() if until != _NONE}

    def extension(self, student: str, due: datetime | None) -> timedelta | None:
        """Returns how much later than the others a student may hand in; None if nothing was said, and the gradebook may know.

        Args:
            student: the student's id.
            due: when it is due for the others.
        """
        if student not in self.extensions:
            return None
        until = _later_or_moment(self.extensions[student])
        if isinstance(until, timedelta):
            return until
        return max(timedelta(), until - due) if due else timedelta()


def asked_of(asked: argparse.Namespace, before: Terms) -> Terms:
    """Returns what was asked for on the command line, and where nothing was, what was kept.

    A new list of extensions takes the old one's place: whoever stands there no more has none. A new list of times, such as that of late comers,
    is added to the old one, and counts where both name somebody.

    Raises:
        ValueError: if something cannot be read.
    """
    settings = vars(asked)
    said = {name: settings[name] for name in ("late_policy", "due") if settings.get(name)}
    for name, column in _FILES.items():
        if settings.get(name):
            said[name] = by_student(Path(settings[name]), column)
    if "extensions" in said:
        said["extensions"] = {**dict.fromkeys(before.extensions, _NONE), **said["extensions"]}
    if "times" in said:
        said["times"] = {**before.times, **said["times"]}
    limits = {name: settings[name] for name in _LIMITS if settings.get(name)}
    return dataclasses.replace(before, **said, limits={**before.limits, **limits})


def kept(folder: Path) -> Terms:
    """Returns what a run's folder keeps; nothing was said yet where there is no ``run.json``.

    Raises:
        ValueError: if the file cannot be read.
    """
    file = folder / "run.json"
    if not file.is_file():
        return Terms()
    try:
        return Terms(**json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError, AttributeError) as why:
        raise ValueError(f"{file} cannot be read ({why}): delete it, and say due date and late policy again") from why


def keep(terms: Terms, folder: Path) -> None:
    """Writes ``run.json``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / ".run.json.part"
    part.write_text(json.dumps(dataclasses.asdict(terms), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(part, folder / "run.json")


def _later_or_moment(words: str) -> timedelta | datetime:
    if words[:4].isdigit() and "-" in words:
        return lateness.moment(words)
    return lateness.duration("an extension", words)


def _about(student: str, read, words: str) -> None:
    try:
        read(words)
    except ValueError as why:
        raise ValueError(f"{student}: {why}") from why
