"""nbgrader's own settings of a course, read from its ``nbgrader_config.py`` as nbgrader reads them when it is started in that folder.

settings = settings_of(Path("signals101"))
settings.coursedir, markers_of(settings)
"""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.apps.baseapp import NbGrader
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions


@dataclass(frozen=True)
class Markers:
    """The words between which an author hides lines from students: a line that contains one begins or ends a region.

    Attributes:
        solution: around a solution.
        hidden: around hidden tests.
        scheme: around a task's marking scheme.
    """

    solution: tuple[str, str]
    hidden: tuple[str, str]
    scheme: tuple[str, str]


def settings_of(folder: Path) -> NbGrader:
    """Returns nbgrader's application with a course's configuration; its gradebook has an absolute address.

    Raises:
        ValueError: if the folder is no course's, or its configuration cannot be read.
    """
    folder = folder.resolve()
    if not (folder / "nbgrader_config.py").is_file():
        raise ValueError(f"a course's folder holds nbgrader_config.py, and {folder} does not: name the folder in which nbgrader is run")
    settings = _Settings(log_level="ERROR")
    try:
        with inside(folder):
            settings.initialize([], root=str(folder))
    except Exception as mistake:  # the configuration is code, and may fail in any way
        raise ValueError(f"{folder / 'nbgrader_config.py'} cannot be read: {type(mistake).__name__}: {mistake}") from mistake
    settings.coursedir.db_url = _absolute(settings.coursedir.db_url, folder)
    return settings


def markers_of(settings: NbGrader) -> Markers:
    """Returns what marks solutions, hidden tests and marking schemes."""
    solution, hidden, scheme = (step(parent=settings) for step in (ClearSolutions, ClearHiddenTests, ClearMarkScheme))
    return Markers(
        (solution.begin_solution_delimeter, solution.end_solution_delimeter),
        (hidden.begin_test_delimeter, hidden.end_test_delimeter),
        (scheme.begin_mark_scheme_delimeter, scheme.end_mark_scheme_delimeter),
    )


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Does what stands in it as if nbgrader was started in that folder: paths are relative to it, its modules can be imported."""
    path = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.path[:] = path


class _Settings(NbGrader):
    """nbgrader's application, as far as it reads a configuration; a mistake in it is an error, and says so."""

    name = "nbgrader"
    load_cwd_config = False
    raise_config_file_errors = True

    def init_syspath(self) -> None:
        """Nothing: the course's folder is added where it is needed, the one in which grading was started never."""

    def exit(self, exit_status: int | str = 0) -> None:
        """Ends nothing: the mistake that nbgrader would end at is raised."""
        raise sys.exc_info()[1] or RuntimeError(f"nbgrader ended with {exit_status}")


def _absolute(url: str, folder: Path) -> str:
    """A gradebook's address that does not depend on where grading was started."""
    beginning, slashes, path = url.partition("sqlite:///")
    if slashes and path and not beginning and path != ":memory:":
        return f"sqlite:///{(folder / path).resolve()}"
    return url
