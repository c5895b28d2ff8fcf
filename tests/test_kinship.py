"""A notebook is known by what is in it, whatever it is called and whatever its cells have lost."""

import pytest
from nbformat.v4 import new_notebook
from test_attempts import RELEASES, SETS, SOLVED, cells, stripped

from course_lib.grading.notebooks.cells import is_solution
from course_lib.grading.notebooks.kinship import kinship


@pytest.mark.parametrize("name", SETS)
def test_every_set_resembles_itself_and_no_other(name):
    answers = new_notebook(cells=[cell for cell in SOLVED[name].cells if is_solution(cell)])
    for handed_in in (SOLVED[name], stripped(SOLVED[name]), answers):
        shares = {other: kinship(cells(handed_in), RELEASES[other]) for other in SETS}
        assert [other for other, share in shares.items() if share] == [name]
