"""A check that the instructor mended is never a student's doing."""

import copy
import json

import pytest
from nbgrader.utils import compute_checksum
from test_repair import ONE, SETS, TESTS, answered, cell_of, material, mended, said

from course_lib.grading.authoring.submissions import saved_by_colab
from course_lib.grading.notebooks.cells import grade_id, is_solution
from course_lib.grading.notebooks.given_out import as_given_out
from course_lib.grading.notebooks.reading import Cell, read_notebook
from course_lib.grading.repairing.repair import repair


def cells(notebook) -> dict[str, Cell]:
    return {cell.grade_id: cell for cell in read_notebook(json.dumps(notebook).encode()).cells if cell.grade_id}


@pytest.mark.parametrize("name", SETS)
def test_every_locked_cell_of_a_release_is_known_by_nbgraders_own_checksum(name):
    released = material(name)[0]
    locked = [cell for cell in released.cells if grade_id(cell) and not is_solution(cell)]
    assert all(cell.metadata.nbgrader.checksum == compute_checksum(cell) for cell in locked)
    for notebook in (released, saved_by_colab(answered(name))):
        found = cells(notebook)
        assert all(as_given_out(found[grade_id(cell)]) for cell in locked)


@pytest.mark.parametrize("change", [{"points": "2"}, {"points": float("nan")}, {"points": 10**400}, {"checksum": ""}, {"solution": True}])
def test_what_is_no_cell_of_a_release_is_not(change):
    cell = cells(material(ONE)[0])[TESTS[0]]
    assert not as_given_out(Cell(cell.kind, cell.source, cell.grade_id, {**cell.marks, **change}))
    assert not as_given_out(Cell(cell.kind, cell.source + " ", cell.grade_id, cell.marks))


@pytest.mark.parametrize("text", ["assert 1 + 1 == 2  # another check altogether", None], ids=["anew", "a line more"])
def test_a_mended_check_is_said_to_be_mended_and_nobody_is_accused(text):
    """The release of today is the one with another check; who got it before hands in what was given out."""
    released, source = (copy.deepcopy(each) for each in material(ONE))
    cell = cell_of(released, TESTS[0])
    cell.source = text or cell.source + "\nassert True"
    handed_in = answered()
    repaired = repair(json.dumps(handed_in).encode(), released=released, source=source)
    assert repaired.repairs == (f"The course has mended 1 locked cell since it was given out ({TESTS[0]}).",)
    assert not repaired.remarks
    assert not [each for each in repaired.notebook.cells if each.get("id", "").startswith("own-")]
    cell_of(handed_in, TESTS[0]).source += "\nprint('mine')"  # and whoever did change it
    if not text:
        words = " ".join(repair(json.dumps(handed_in).encode(), released=released, source=source).repairs)
        assert f"1 locked cell had been changed ({TESTS[0]})" in words
        assert "mended" not in words


def test_a_cell_that_a_student_changed_is_not_said_to_be_mended():
    notebook = answered()
    cell_of(notebook, TESTS[0]).source += "\nprint(1)"
    assert "mended" not in said(mended(notebook))
