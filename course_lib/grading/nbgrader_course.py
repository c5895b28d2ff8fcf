"""Any nbgrader course, read as nbgrader reads it: its ``nbgrader_config.py`` says where everything lies and what marks a solution.

course = load(Path("signals101"))
for source in course.assignment("hw1"):
    source.instructor, source.released, source.files
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import InstantiateTests, SaveCells
from nbgrader.utils import find_all_files

from course_lib.grading.nbgrader_settings import Markers, inside, markers_of, settings_of
from course_lib.grading.notebooks.cells import grade_id, meta
from course_lib.grading.notebooks.markers import HIDDEN

_RESOURCES = ("notebook", "assignment", "student", "db_url")


@dataclass(frozen=True)
class Student:
    """Somebody who belongs to the course.

    Attributes:
        id: nbgrader's id, which is also the name of a folder.
        first_name: the first name, where known.
        last_name: the last name, where known.
        email: the address, where known.
        lms_id: the id that the LMS gave, where known.
    """

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_id: str = ""


@dataclass(frozen=True)
class Source:
    """One notebook of an assignment.

    Attributes:
        assignment: the assignment's name.
        notebook: the notebook's name, without ``.ipynb``.
        instructor: the instructor's notebook, with solutions and hidden tests.
        released: what students get.
        files: everything else that students get, by its path in the release folder.
    """

    assignment: str
    notebook: str
    instructor: NotebookNode
    released: NotebookNode
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Course:
    """A course on disk.

    Attributes:
        root: its folder.
        course_id: its name in the gradebook; nbgrader's own ``default_course`` where the configuration gives none.
        db_url: SQLAlchemy's address of the gradebook.
        markers: what marks solutions and hidden tests in its notebooks.
        settings: nbgrader's own object with the whole configuration.
        listed: the students that the configuration lists.
    """

    root: Path
    course_id: str
    db_url: str
    markers: Markers
    settings: NbGrader = field(repr=False, compare=False)
    listed: tuple[Student, ...] = ()

    @property
    def directory(self) -> CourseDirectory:
        """nbgrader's own object with the names of the course's folders."""
        return self.settings.coursedir

    def folder(self, step: str, assignment: str, student: str = ".") -> Path:
        """Returns where one step of nbgrader keeps an assignment.

        Args:
            step: ``source``, ``release``, ``submitted``, ``autograded`` or ``feedback``, whatever the course calls it.
            assignment: the assignment's name.
            student: the student's id; none for ``source`` and ``release``.
        """
        name = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(name, student, assignment))

    @property
    def assignments(self) -> tuple[str, ...]:
        """The names of all assignments that have a notebook among the sources, sorted."""
        shelf = self.folder("source", "_").parent
        return tuple(sorted(folder.name for folder in shelf.glob("*") if any(folder.glob("*.ipynb"))))

    @property
    def roster(self) -> tuple[Student, ...]:
        """Everybody whom the configuration or the gradebook knows, in the order of their ids."""
        everybody = {student.id: student for student in (*self.listed, *_in_gradebook(self.db_url, self.course_id))}
        return tuple(everybody[name] for name in sorted(everybody))

    @property
    def students(self) -> tuple[str, ...]:
        """The ids of everybody whom the configuration or the gradebook knows, sorted."""
        return tuple(student.id for student in self.roster)

    def assignment(self, name: str) -> list[Source]:
        """Reads every notebook of an assignment, and what students get of it; where no release lies there, nbgrader makes it.

        Raises:
            ValueError: if there is no such assignment, or a released notebook has other marked cells than its source.
        """
        if name not in self.assignments:
            raise ValueError(f"the assignment must be one of {', '.join(self.assignments) or 'none'} ({self.root}); got {name!r}")
        released = self.folder("release", name)
        files = _files(released if any(released.glob("*.ipynb")) else self.folder("source", name), self.directory)
        found = []
        for file in sorted(self.folder("source", name).glob("*.ipynb")):
            instructor = self._instructor(name, file)
            twin = released / file.name
            given = _read(twin) if twin.is_file() else self.prepared(instructor, assignment=name, notebook=file.stem, hidden=False)
            _same_cells(instructor, given, file, twin)
            found.append(Source(name, file.stem, instructor, given, files))
        return found

    def prepared(self, instructor: NotebookNode, *, assignment: str, notebook: str, hidden: bool) -> NotebookNode:
        """Returns the instructor's notebook without solutions, as nbgrader's own preprocessors and this course's settings leave it.

        Args:
            instructor: the instructor's notebook; it stays as it is.
            assignment: the assignment's name.
            notebook: the notebook's name.
            hidden: whether hidden tests stay, as in the copy that nbgrader keeps for autograding; without them it is the release.
        """
        converter = GenerateAssignment(coursedir=self.directory, parent=self.settings)
        steps = list(converter.preprocessors)
        steps = steps[: steps.index(SaveCells)] if hidden else [step for step in steps if step is not SaveCells]
        resources = {"nbgrader": dict(zip(_RESOURCES, (notebook, assignment, ".", self.db_url), strict=True))}
        made = nbformat.from_dict(instructor)
        with inside(self.root):
            for step in steps:
                made, resources = step(parent=converter)(made, resources)
        return made

    def with_known_markers(self, instructor: NotebookNode) -> NotebookNode:
        """Returns the instructor's notebook with the marker of hidden tests that the judge knows beside the course's own, line by line."""
        known = nbformat.from_dict(instructor)
        for cell in known.cells:
            if cell.cell_type == "code" and meta(cell).get("grade"):
                for theirs, ours in zip(self.markers.hidden, HIDDEN, strict=True):
                    lines = cell.source.split("\n")
                    cell.source = "\n".join(
                        f"{line}  {ours}" if theirs in line and ours.lstrip("# ") not in line else line for line in lines
                    )
        return known

    def _instructor(self, assignment: str, file: Path) -> NotebookNode:
        """The source itself; with nbgrader's AUTOTEST, the source in which it has written out the tests."""
        notebook = _read(file)
        marker = InstantiateTests(parent=self.settings).autotest_delimiter
        if not any(cell.cell_type == "code" and marker in cell.source for cell in notebook.cells):
            return notebook
        written_out = self.folder("source_with_tests", assignment) / file.name
        if not written_out.is_file():
            command = f"nbgrader generate_assignment {assignment} --source_with_tests"
            raise ValueError(f"{file} asks nbgrader to write tests ({marker}), and {written_out} is not there: run {command!r} first")
        return _read(written_out)


def load(folder: Path) -> Course:
    """Reads a course's ``nbgrader_config.py`` as nbgrader does when it is started in that folder.

    Raises:
        ValueError: if it is no course, or its configuration cannot be read.
    """
    settings = settings_of(folder)
    listed = tuple(_student(entry) for entry in settings.config.CourseDirectory.get("db_students", []))
    return Course(
        root=Path(settings.coursedir.root),
        course_id=settings.coursedir.course_id or "default_course",
        db_url=settings.coursedir.db_url,
        markers=markers_of(settings),
        settings=settings,
        listed=listed,
    )


def _student(entry: Mapping[str, Any]) -> Student:
    fields = {"first_name": "first_name", "last_name": "last_name", "email": "email", "lms_user_id": "lms_id"}
    return Student(str(entry["id"]), **{ours: str(entry.get(theirs) or "") for theirs, ours in fields.items()})


def _in_gradebook(url: str, course_id: str) -> list[Student]:
    """Everybody in the gradebook; where it is a file, reading does not make one."""
    _, is_file, path = url.partition("sqlite:///")
    if is_file and not Path(path).is_file():
        return []
    with Gradebook(url, course_id) as gradebook:
        return [_student(student.to_dict()) for student in gradebook.students]


def _files(folder: Path, directory: CourseDirectory) -> dict[str, bytes]:
    """What lies beside the notebooks, as nbgrader would copy it."""
    if not folder.is_dir():
        return {}
    files = (Path(name) for name in find_all_files(str(folder), [*directory.ignore, "*.ipynb"]))
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(files)}


def _read(file: Path) -> NotebookNode:
    try:
        return nbformat.read(file, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError) as mistake:
        raise ValueError(f"{file} is no notebook: {mistake}") from mistake


def _same_cells(instructor: NotebookNode, released: NotebookNode, file: Path, twin: Path) -> None:
    mine, theirs = ({grade_id(cell) for cell in notebook.cells if meta(cell)} for notebook in (instructor, released))
    if mine != theirs:
        other = ", ".join(sorted(mine ^ theirs))
        raise ValueError(f"{twin} and {file} have not the same marked cells ({other}): students hold another version; release it again")
