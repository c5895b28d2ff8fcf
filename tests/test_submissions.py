"""Made submissions look like a student's: the answers where they belong, and a save with all that Colab adds."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.authoring.submissions import saved_by_colab, solved

MARKS = {"nbgrader": {"grade_id": "double", "solution": True, "grade": False}}
SOURCE = new_notebook(
    cells=[
        new_code_cell("def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", metadata=MARKS),
        new_markdown_cell("because", metadata={"nbgrader": {"grade_id": "words", "solution": True, "grade": True}}),
    ]
)
BLANK = new_notebook(
    cells=[
        new_code_cell("def double(x):\n    raise NotImplementedError", metadata=MARKS),
        new_markdown_cell("your answer", metadata={"nbgrader": {"grade_id": "words", "solution": True, "grade": True}}),
        new_code_cell("double(1)"),
    ]
)


def test_answers_are_written_in_without_their_markers():
    filled = solved(BLANK, SOURCE)
    assert [cell.source for cell in filled.cells] == ["def double(x):\n    return 2 * x", "because", "double(1)"]
    assert "raise" in BLANK.cells[0].source  # the release itself is untouched


def test_only_some_answers():
    filled = solved(BLANK, SOURCE, only={"words"})
    assert "raise" in filled.cells[0].source
    assert filled.cells[1].source == "because"


def test_a_colab_save_is_a_valid_old_notebook_that_keeps_nbgraders_marks():
    saved = saved_by_colab(BLANK)
    nbformat.validate(nbformat.from_dict(saved))
    assert saved.nbformat_minor == 0
    assert not any("id" in cell for cell in saved.cells)
    assert saved.cells[1].metadata.nbgrader == BLANK.cells[0].metadata.nbgrader
    assert {"executionInfo", "outputId", "colab", "id"} <= set(saved.cells[1].metadata)
    assert "user" in saved.cells[1].metadata["executionInfo"]
    assert "state" not in saved.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]
    assert saved.cells[1].outputs
    assert not BLANK.cells[0].outputs
