"""An nbgrader course that is not ours, made by code: other folders, other markers, two notebooks in one assignment, no torch.

    course = load(make_foreign_course(tmp_path / "signals101"))
    hand_in(course, "00123", "hw1", RIGHT)

``hw1`` has the notebooks ``signals`` (three checks, one with partial credit, and a data file) and ``essay`` (a check, words, code and a task
that a person marks); ``hw2`` has the notebook ``delay``. ``RIGHT`` answers every cell rightly, ``HALF`` earns part of the marks.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.authoring.stock_nbgrader import nbgrader
from course_lib.grading.nbgrader_course import Course

CONFIG = '''"""Signals 101, as its own instructor set it up."""

c = get_config()

c.CourseDirectory.course_id = "signals101"
c.CourseDirectory.source_directory = "master"
c.CourseDirectory.release_directory = "handout"
c.CourseDirectory.submitted_directory = "inbox"
c.CourseDirectory.autograded_directory = "machine"
c.CourseDirectory.feedback_directory = "returned"
c.CourseDirectory.db_url = "sqlite:///marks.db"
c.CourseDirectory.db_students = [dict(id="00123", first_name="Ada", last_name="Lovelace", email="ada@example.org", lms_user_id="4711")]

c.ClearSolutions.begin_solution_delimeter = "[[ANSWER"
c.ClearSolutions.end_solution_delimeter = "ANSWER]]"
c.ClearSolutions.code_stub = {"python": "# your turn\\nraise NotImplementedError('your turn')"}
c.ClearSolutions.text_stub = "your words"
c.ClearHiddenTests.begin_test_delimeter = "[[SECRET"
c.ClearHiddenTests.end_test_delimeter = "SECRET]]"
c.ClearMarkScheme.begin_mark_scheme_delimeter = "[[SCHEME"
c.ClearMarkScheme.end_mark_scheme_delimeter = "SCHEME]]"
'''

SETUP = """import numpy as np


def load(name):
    return np.loadtxt(name, delimiter=",")"""

RMS_TEST = """assert np.isclose(rms(np.array([3.0, -3.0])), 3.0), "rms: the squares of a square wave have its height squared as their mean"
assert np.isclose(rms(np.zeros(4)), 0.0), "rms: silence has no power"
# [[SECRET
for size in (5, 64):
    x = np.random.default_rng(size).normal(size=size)
    assert np.isclose(rms(x), np.sqrt(np.mean(x**2))), "rms: divide by the number of samples"
# SECRET]]"""

SMOOTH_TEST = """points = 0.0
if np.allclose(smooth(np.ones(5), 3), 1.0):
    points += 1
# [[SECRET
if np.allclose(smooth(np.arange(5.0), 3), [1.0, 2.0, 3.0]):
    points += 1.5
# SECRET]]
points"""

PEAK_TEST = """assert isinstance(peak, float), "peak: a number is asked for"
# [[SECRET
assert abs(peak - 2.5) < 1e-9, "peak: the largest reading of the file"
# SECRET]]"""

COUNT_TEST = """assert crossings(np.array([1.0, -1.0, 1.0])) == 2, "crossings: count both directions"
# [[SECRET
assert crossings(np.array([1.0, 2.0])) == 0, "crossings: none is none"
# SECRET]]"""

DELAY_TEST = """assert np.allclose(delay(np.array([1.0, 2.0, 3.0]), 1), [0.0, 1.0, 2.0]), "delay: as long as before, zeros first"
# [[SECRET
assert np.allclose(delay(np.array([1.0, 2.0, 3.0]), 0), [1.0, 2.0, 3.0]), "delay: none leaves it as it is"
# SECRET]]"""

RIGHT = {
    "rms_code": "def rms(x):\n    return np.sqrt(np.mean(np.asarray(x) ** 2))",
    "smooth_code": "def smooth(x, width):\n    return np.convolve(x, np.ones(width) / width, mode='valid')",
    "peak_code": "peak = float(load('readings.csv').max())\npeak",
    "count_code": "def crossings(x):\n    return int(np.sum(np.sign(x[1:]) != np.sign(x[:-1])))",
    "explain": "A moving average keeps what is slow: $|H(f)|$ falls from $1$.",
    "draw_code": "print('  *  \\n * * \\n*   *')",
    "delay_code": "def delay(x, n):\n    return np.concatenate([np.zeros(n), x])[: len(x)]",
}
HALF = {
    **RIGHT,
    "rms_code": "def rms(x):\n    return abs(x[0])",  # 0 of 2: only the hidden test sees it
    "smooth_code": "def smooth(x, width):\n    return np.ones(len(x) - width + 1)",  # 1 of 2.5
}
FULL = {"rms_test": 2.0, "smooth_test": 2.5, "peak_test": 1.0, "count_test": 1.0, "explain": 4.0, "draw_code": 3.0, "survey": 5.0}


def make_foreign_course(folder: Path, *, released: bool = False) -> Path:
    """Makes the course in a folder that does not exist yet.

    Args:
        folder: where.
        released: whether nbgrader's own command makes the releases; it takes seconds. Without it only the sources lie there.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    for name, notebooks in {"hw1": {"signals": signals(), "essay": essay()}, "hw2": {"delay": delay()}}.items():
        (folder / "master" / name).mkdir(parents=True)
        for stem, notebook in notebooks.items():
            nbformat.write(notebook, folder / "master" / name / f"{stem}.ipynb")
    (folder / "master" / "hw1" / "readings.csv").write_text("0.5,2.5,-1.0\n", encoding="utf-8")
    (folder / "master" / "hw1" / "notes").mkdir()
    (folder / "master" / "hw1" / "notes" / "units.txt").write_text("volts\n", encoding="utf-8")
    if released:
        nbgrader(folder, "generate_assignment", "hw1", "--create")
        nbgrader(folder, "generate_assignment", "hw2", "--create")
    return folder


def enrol(folder: Path, students: Iterable[str]) -> None:
    """Puts students on the course's list, by id."""
    with (folder / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"c.CourseDirectory.db_students += {[{'id': student} for student in students]}\n")


def answered(released: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """Returns a released notebook with a student's answers, by grade id; what is not answered stays as it was given out."""
    notebook = nbformat.from_dict(released)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = answers.get(name, cell.source)
    return notebook


def hand_in(course: Course, student: str, assignment: str, answers: Mapping[str, str], *, submitted: str = "") -> Path:
    """Puts a student's notebooks where the course collects them, with nbgrader's ``timestamp.txt`` if a time is given.

    Returns:
        The student's folder.
    """
    folder = course.folder("submitted", assignment, student)
    folder.mkdir(parents=True)
    for source in course.assignment(assignment):
        nbformat.write(answered(source.released, answers), folder / f"{source.notebook}.ipynb")
        for name, data in source.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    if submitted:
        (folder / "timestamp.txt").write_text(submitted, encoding="utf-8")
    return folder


def signals() -> NotebookNode:
    """Returns ``hw1/signals``: three checks, one with partial credit, one of a value that is read from a file."""
    return _notebook(
        _words("# Signals\nA first notebook of a course that is not ours (信号処理)."),
        _cell(SETUP, "setup", locked=True),
        _cell(_hidden("def rms(x):", RIGHT["rms_code"]), "rms_code", solution=True),
        _cell(RMS_TEST, "rms_test", points=2),
        _cell(_hidden("def smooth(x, width):", RIGHT["smooth_code"]), "smooth_code", solution=True),
        _cell(SMOOTH_TEST, "smooth_test", points=2.5),
        _cell(f"# [[ANSWER\n{RIGHT['peak_code']}\n# ANSWER]]", "peak_code", solution=True),
        _cell(PEAK_TEST, "peak_test", points=1),
    )


def essay() -> NotebookNode:
    """Returns ``hw1/essay``: a check, and words, code and a task that a person marks."""
    task = "Ask three people what they hear, and describe it below.\n\n[[SCHEME\nTwo points a person, but five at most.\nSCHEME]]"
    return _notebook(
        _cell("import numpy as np", "setup", locked=True),
        _cell(_hidden("def crossings(x):", RIGHT["count_code"]), "count_code", solution=True),
        _cell(COUNT_TEST, "count_test", points=1),
        _words("Explain what a moving average does.", "explain", points=4, solution=True),
        _cell("# [[ANSWER\nprint('a picture')\n# ANSWER]]", "draw_code", points=3, solution=True),
        _words(task, "survey", points=5, task=True),
    )


def delay() -> NotebookNode:
    """Returns ``hw2/delay``: one check."""
    return _notebook(
        _cell("import numpy as np", "setup", locked=True),
        _cell(_hidden("def delay(x, n):", RIGHT["delay_code"]), "delay_code", solution=True),
        _cell(DELAY_TEST, "delay_test", points=2),
    )


def _hidden(head: str, code: str) -> str:
    """A function whose body lies between the course's markers."""
    body = code.split("\n", 1)[1]
    return f"{head}\n    # [[ANSWER\n{body}\n    # ANSWER]]"


def _notebook(*cells: NotebookNode) -> NotebookNode:
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
    return new_notebook(cells=list(cells), metadata=kernel)


def _cell(source: str, name: str, *, points: float | None = None, solution: bool = False, locked: bool = False) -> NotebookNode:
    return new_code_cell(source, metadata=_nbgrader(name, points, solution, locked or (points is not None and not solution), False))


def _words(source: str, name: str = "", *, points: float | None = None, solution: bool = False, task: bool = False) -> NotebookNode:
    return new_markdown_cell(source, metadata=_nbgrader(name, points, solution, task, task) if name else {})


def _nbgrader(name: str, points: float | None, solution: bool, locked: bool, task: bool) -> dict:
    about = {"grade_id": name, "grade": points is not None and not task, "solution": solution, "locked": locked, "schema_version": 3}
    return {"nbgrader": {**about, "task": task, **({} if points is None else {"points": points})}}
