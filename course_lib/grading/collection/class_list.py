"""Who belongs to the class, by every name under which learning systems know a student.

known = ClassList.of(course.roster, worksheet)
known.name("canvas", "4711"), known.absent(handed_in), known.strangers(handed_in)

A folder or a file names a student by the course's own id, or by the id of the learning system (``lms_user_id`` of the list). Canvas's export has
its user id. Moodle's has a number of one student and one assignment, so only the assignment's grading worksheet tells who that is.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from course_lib.command import WrongInput
from course_lib.grading.collection.worksheet import Participant, Worksheet, number_in
from course_lib.grading.nbgrader_course import Student
from course_lib.grading.repairing.repair_account import listed
from course_lib.grading.student_ids import nbgrader_id


@dataclass(frozen=True)
class ClassList:
    """A class.

    Attributes:
        listed: the course's ids of those whom configuration or gradebook know.
        by_lms_id: the course's id by the id of the learning system.
        by_number: the student by the number in a Moodle export, where there is a worksheet.
        submitted: by student, when Moodle's worksheet says that work was handed in.
        worksheet: Moodle's, of the assignment at hand.
    """

    listed: frozenset[str] = frozenset()
    by_lms_id: Mapping[str, str] = field(default_factory=dict)
    by_number: Mapping[str, str] = field(default_factory=dict)
    submitted: Mapping[str, datetime] = field(default_factory=dict)
    worksheet: Worksheet | None = None

    @classmethod
    def of(cls, roster: Iterable[Student], worksheet: Worksheet | None = None) -> "ClassList":
        """Returns the class of a course.

        Args:
            roster: everybody whom the course knows.
            worksheet: Moodle's, of the assignment at hand. Its people are found on the roster by id, address, LMS id or full name; who is not
                there goes by the ID number of the worksheet, else by the address, else by the number.

        Raises:
            ValueError: if two students have one LMS id, a row of the worksheet is two students, or two rows are one.
        """
        roster = list(roster)
        by_lms_id: dict[str, str] = {}
        for student in roster:
            if student.lms_id and by_lms_id.setdefault(student.lms_id, student.id) != student.id:
                raise ValueError(f"the students {by_lms_id[student.lms_id]} and {student.id} have the same lms_user_id {student.lms_id}")
        by_number = _found(worksheet.people, _names(roster)) if worksheet else {}
        times = {by_number[one.number]: one.submitted for one in worksheet.people if one.submitted} if worksheet else {}
        numbers = {
            number for number, student in by_number.items() if number != student
        }  # of a run without the worksheet, they are nobody's ids
        return cls(frozenset(student.id for student in roster) - numbers, by_lms_id, by_number, times, worksheet)

    def name(self, system: str, given: str) -> str:
        """Returns the course's id of a student; where nobody is known under a name, the name itself.

        Args:
            system: whose name it is: ``moodle``, ``canvas``, or empty for a folder or a file.
            given: the name.
        """
        if system == "moodle":
            return self.by_number.get(given, given)
        if system != "canvas" and given in self.listed:
            return given
        if system == "canvas" and given in {*self.by_lms_id.values()} - {*self.by_lms_id}:
            return f"canvas-{given}"  # a course's id that Canvas knows by another number: this is somebody else
        return self.by_lms_id.get(given, given)

    def absent(self, there: Iterable[str]) -> list[str]:
        """Returns who is on the list or the worksheet and not among the ids given, sorted."""
        there = set(there)
        there |= {nbgrader_id(student) for student in there}
        return sorted({*self.listed, *self.by_number.values()} - there)

    def strangers(self, there: Iterable[str]) -> list[str]:
        """Returns which of the ids given are on no list, sorted; nobody where there is no list."""
        return sorted(name for name in set(there) if self.listed and not {name, nbgrader_id(name)} & self.listed)


def introduced(known: ClassList, handed_in: Mapping[str, str], where: object, *, only: bool = False) -> list[str]:
    """Returns what to say of those who handed in and are on no list.

    Args:
        known: the class.
        handed_in: by student, how names of that work began in the export of a learning system, empty for a folder or a file.
        where: what they handed in to, as it is named in an error.
        only: whether numbers of Moodle's that nobody explains are meant.

    Raises:
        WrongInput: if more than half are on no list: it is another class's archive, or their ids are of another kind; if ids are numbers of
            Moodle's that no worksheet explains, since all that is then done for them cannot be found again under their own ids.
    """
    strangers = known.strangers(handed_in)
    lines = _numbered(known, handed_in, where, only=only) if 2 * len(strangers) <= len(handed_in) else []
    if not strangers:
        return lines
    of = f"{len(strangers)} of {len(handed_in)} who handed in {'is' if len(strangers) == 1 else 'are'} not on the class list: {listed(strangers)}"
    if 2 * len(strangers) > len(handed_in):
        raise WrongInput(
            f"{of}. Nothing was written. If {where} is the right place: Moodle's numbers need the assignment's grading worksheet (--students FILE), "
            "Canvas's ids need the column lms_user_id of the class list, and who is new is added with  nbgrader db student add ID"
        )
    return [*lines, of]


def _numbered(known: ClassList, handed_in: Mapping[str, str], where: object, *, only: bool) -> list[str]:
    """What to say of numbers of Moodle's that are nobody's own ids."""
    if known.worksheet or not any(number_in(prefix) and student not in known.listed for student, prefix in handed_in.items()):
        return []
    words = (
        "ids are Moodle's numbers, which the next assignment has others of: with the grading worksheet (--students FILE) they are your own"
    )
    if not only:
        raise WrongInput(f"{where}: {words}. Nothing was written. To grade under these numbers nevertheless, say --only")
    return [words]


def _names(roster: Iterable[Student]) -> dict[str, set[str]]:
    """The students by all that a worksheet may say of them."""
    found: dict[str, set[str]] = {}
    for student in roster:
        full = (f"{student.first_name} {student.last_name}", f"{student.last_name} {student.first_name}")
        for name in (student.id, student.lms_id, student.email, *(full if student.first_name and student.last_name else ())):
            if name:
                found.setdefault(_plain(name), set()).add(student.id)
    return found


def _found(people: Sequence[Participant], names: Mapping[str, set[str]]) -> dict[str, str]:
    """The course's id by the number of a participant: by what is one person's alone, else by a full name that nobody else bears."""
    found: dict[str, str] = {}
    identifying = _identifying(people, names)
    for person in people:
        others = set().union(*(names.get(_plain(field), set()) for place, field in enumerate(person.fields) if place in identifying))
        if len(others) > 1:
            raise ValueError(f"{person.identifier} of the worksheet is more than one student of the class: {', '.join(sorted(others))}")
        if others:
            found[person.number] = others.pop()
    if twice := [student for student, rows in Counter(found.values()).items() if rows > 1]:
        raise ValueError(
            f"more than one row of the worksheet is the student {', '.join(sorted(twice))}: mend the ids in it, or in the class list"
        )
    bearers = Counter(_plain(person.fields[0]) for person in people if person.fields)
    for person in people:
        named = names.get(_plain(person.fields[0]), set()) if person.fields else set()
        if person.number not in found and len(named) == 1 == bearers[_plain(person.fields[0])] and not named & set(found.values()):
            found[person.number] = next(iter(named))
    return {person.number: found.get(person.number) or _lasting(person) for person in people}


def _identifying(people: Sequence[Participant], names: Mapping[str, set[str]]) -> set[int]:
    """The fields behind the full name that say who somebody is: those that name students at least a quarter as often as the best of them.

    A profile field of the students' own, in which somebody has written a classmate's id, is none.
    """
    count = Counter(place for person in people for place, field in enumerate(person.fields) if place and _plain(field) in names)
    return {place for place, named in count.items() if 4 * named >= max(count.values())}


def _lasting(person: Participant) -> str:
    """What somebody on no list goes by: the ID number, else the address, else the number of this one assignment."""
    return person.id_number or next((field for field in person.fields if "@" in field), "") or person.number


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
