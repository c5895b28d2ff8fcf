"""Which file is the notebook: by lines and ids, the newest that was worked in."""

import json
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.authoring.submissions import solved
from course_lib.grading.collection.archives import Entry, Unusable
from course_lib.grading.collection.attempts import Attempt, attempt_of, newest
from course_lib.grading.notebooks.reading import read_notebook
from course_lib.grading.records import Record, Status
from course_lib.grading.reporting.review import look

ROOT = Path(__file__).parents[1]
SETS = sorted(path.stem for path in ROOT.glob("assignments/*/*.ipynb"))
RELEASES = {name: nbformat.read(ROOT / "assignments" / name / f"{name}.ipynb", as_version=4) for name in SETS}
SOLVED = {name: solved(RELEASES[name], nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)) for name in SETS}
ONE, OTHER = SETS[:2]


def cells(notebook):
    return read_notebook(json.dumps(notebook).encode()).cells


def entry(notebook, name: str = "a.ipynb", minute: int | None = 0) -> Entry:
    data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    return Entry(name, lambda: data, None if minute is None else datetime.fromtimestamp(1_800_000_000 + 60 * minute, UTC))


def stripped(notebook):
    return new_notebook(cells=[{**cell, "metadata": {}} for cell in notebook.cells])


def test_a_file_is_told_by_its_content_before_its_name():
    found = attempt_of(entry(SOLVED[ONE], f"{OTHER}.ipynb"), 0, RELEASES, [])
    assert found is not None
    assert found.notebook == ONE


def test_the_name_counts_where_the_content_tells_nothing():
    scratch = new_notebook(cells=[new_code_cell("print('hello')")])
    assert attempt_of(entry(scratch, f"Copy of {OTHER} (2).ipynb"), 0, RELEASES, []).notebook == OTHER
    assert attempt_of(entry(scratch), 0, RELEASES, []).notebook == ""
    assert attempt_of(entry(b"{", f"x_{OTHER}.ipynb"), 0, RELEASES, []).notebook == OTHER
    assert attempt_of(entry(b"{"), 0, {ONE: RELEASES[ONE]}, []).notebook == ONE
    remarks: list[str] = []
    assert attempt_of(entry(b""), 0, RELEASES, remarks) is None
    assert remarks == ["A .ipynb file is empty."]


def test_what_is_no_notebook_and_claims_to_be_none_is_passed_over():
    remarks: list[str] = []
    assert attempt_of(entry(b"words", "notes.txt"), 0, RELEASES, remarks) is None
    assert attempt_of(entry(SOLVED[ONE], "a.py"), 0, RELEASES, remarks) is None
    assert remarks == []
    assert attempt_of(entry(SOLVED[ONE], "notes.txt"), 0, RELEASES, remarks).notebook == ONE


def test_a_file_that_cannot_be_read_is_said_and_passed_over():
    def read() -> bytes:
        raise Unusable("is a link")

    remarks: list[str] = []
    assert attempt_of(Entry("a.ipynb", read), 0, RELEASES, remarks) is None
    assert remarks == ["A .ipynb file is a link."]


def attempt(notebook, upload: int = 0, **named) -> Attempt:
    found = attempt_of(entry(notebook, **named), upload, {ONE: RELEASES[ONE]}, [])
    assert found is not None
    return found


def test_an_upload_goes_before_a_time_and_a_time_before_a_name():
    bare = stripped(SOLVED[ONE])
    for loses, wins in (
        (attempt(bare, 1, minute=9), attempt(SOLVED[ONE], 2, minute=0)),
        (attempt(bare, minute=1, name="a (9).ipynb"), attempt(SOLVED[ONE], minute=2)),
        (attempt(bare), attempt(SOLVED[ONE], name="a (1).ipynb")),
        (attempt(bare, name="a (9).ipynb"), attempt(SOLVED[ONE], name="a (10).ipynb")),
        (attempt(bare, minute=None), attempt(SOLVED[ONE], minute=0)),
        (attempt(RELEASES[ONE], minute=9), attempt(SOLVED[ONE], minute=0)),
        (attempt(b"{", minute=9), attempt(RELEASES[ONE], minute=0)),
    ):
        for order in ([loses, wins], [wins, loses]):
            remarks: list[str] = []
            chosen = newest(order, RELEASES[ONE], remarks)
            assert chosen is wins
            assert not chosen.unsure
            assert "2 attempts" in remarks[0]


def test_one_attempt_or_none_is_no_choice():
    only = attempt(b"{")
    assert newest([only], RELEASES[ONE], []) is only
    assert newest([], RELEASES[ONE], []) is None


def test_where_nothing_tells_which_is_newest_the_one_with_most_answers_counts_and_a_person_looks():
    """Of several files in one submission, and of two archives, Moodle's export tells no time: a longer name is not a newer one."""
    half = attempt(half_of(SOLVED[ONE]), minute=None, name=f"{ONE}_old_draft.ipynb")
    whole = attempt(SOLVED[ONE], minute=None, name=f"{ONE}.ipynb")
    again = attempt(half_of(SOLVED[ONE]), minute=None, name=f"{ONE}.ipynb")  # the same name, in another archive
    for loses in (half, again):
        for order in ([loses, whole], [whole, loses]):
            remarks: list[str] = []
            chosen = newest(order, RELEASES[ONE], remarks)
            assert (chosen.entry, chosen.unsure) == (whole.entry, True)
            assert remarks == ["Nothing tells which of 2 attempts is the newest; the one with the most answers counts."]
            assert look(Record("ada", ONE, ONE, Status.GRADED, remarks=tuple(remarks))).kind == "something odd"


def half_of(notebook):
    """A notebook in which the later half is as it was given out."""
    released = RELEASES[ONE].cells
    cells = [*notebook.cells[: len(released) // 2], *released[len(released) // 2 :]]
    return new_notebook(cells=cells, metadata=notebook.metadata)
