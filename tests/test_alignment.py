"""A submission's cells are told by text, id, names, cell id, likeness and place, in this order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.grading.notebooks.reading import Cell
from course_lib.grading.repairing.alignment import Aligner, likeness, moved, names_bound, plain


def marked(make, name: str, source: str, **marks):
    return make(source, id=f"id-{name}", metadata={"nbgrader": {"grade_id": name, "solution": False, "locked": True, **marks}})


STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
RELEASED = [
    new_markdown_cell("# Title", id="title"),
    marked(new_code_cell, "imports", "import math"),
    marked(new_code_cell, "f", "def f(x):\n    raise NotImplementedError", solution=True, locked=False),
    marked(new_code_cell, "test_f", "assert f(1) == 2\nassert f(2) == 4\nassert f(3) == 6", grade=True),
    marked(new_code_cell, "g", STUB, solution=True, locked=False),
    marked(new_markdown_cell, "why", "Why?"),
    marked(new_markdown_cell, "words", "YOUR ANSWER HERE", solution=True, locked=False, grade=True),
]
PLACE = {cell.metadata.get("nbgrader", {}).get("grade_id", "title"): i for i, cell in enumerate(RELEASED)}


def align(*cells: Cell):
    return Aligner(RELEASED, {"f": frozenset({"f"}), "g": frozenset({"g", "h"})}).align(cells)


def place(*cells: Cell) -> list[str | None]:
    names = {i: name for name, i in PLACE.items()}
    return [names.get(i) for i in align(*cells).places]


def code(source: str, grade_id: str = "", cell_id: str = "") -> Cell:
    return Cell("code", source, grade_id, {}, cell_id)


def words(source: str, grade_id: str = "", cell_id: str = "") -> Cell:
    return Cell("markdown", source, grade_id, {}, cell_id)


def test_text_goes_before_a_forged_id():
    found = align(code("import math  \n", "test_f"), words("Why?", "why"))
    assert found.places == [PLACE["imports"], PLACE["why"]]
    assert found.forged == {0}


def test_an_answer_may_say_anything_and_a_locked_cell_not():
    assert place(code("syntax error(", "f"), code("x = 1", "test_f"), code("assert f(1) == 2", "test_f")) == ["f", None, "test_f"]


def test_names_find_an_answer_without_its_id_and_the_last_of_several():
    assert place(code("def f(x):\n    return 1"), code("y = 2"), code("def f(x):\n    return 2")) == [None, None, "f"]


def test_names_do_not_take_a_cell_from_an_answer_that_is_at_home():
    assert place(code("def f(x):\n    g = 1", "f"), code("g = 3")) == ["f", "g"]
    assert place(code("f = g = 1", "f")) == ["f"]


def test_all_of_the_names_go_before_some():
    assert place(code("g = h = 1"), code("g = 2")) == ["g", None]


def test_cell_ids_count_between_their_neighbours_only():
    answer = words("because", cell_id="id-words")
    assert place(words("Why?", "why"), answer) == ["why", "words"]
    found = align(answer, words("other"), words("Why?", "why"))
    assert found.places[0] is None


def test_likeness_of_half_the_lines():
    assert place(code("assert f(1) == 2\nassert f(2) == 4\nassert f(3) == 7")) == ["test_f"]
    assert place(code("assert f(1) == 2\nassert f(2) == 5\nassert f(3) == 7\nx = 1")) == [None]


def test_place_tells_a_single_missing_answer_from_a_single_stray():
    found = align(words("Why?", "why"), words("because"))
    assert (found.places[1], found.by_place) == (PLACE["words"], {1})
    assert align(words("Why?", "why"), words("because"), words("indeed")).by_place == set()
    assert align(code("import math", "imports"), code("x = 1"), words("Why?", "why")).by_place == set()  # f or g?


def test_equal_cells_of_a_release_are_told_by_order():
    twins = [marked(new_markdown_cell, name, "Read this.") for name in "ab"]
    aligner = Aligner(twins, {})
    assert aligner.align([words("Read this."), words("Read this.")]).places == [0, 1]
    assert aligner.align([words("Read this.", "b"), words("Read this.")]).places == [1, 0]


@pytest.mark.parametrize(("order", "n"), [([], 0), ([0, 1, 2], 0), ([2, 1, 0], 2), ([1, 2, 3, 0], 1), ([3, 0, 1, 2, 7, 5, 6], 2)])
def test_moved_is_the_least_number_that_explains_the_order(order, n):
    assert moved(order) == n


def test_very_long_code_is_not_parsed_and_its_names_are_found():
    code = "import numpy\ndef f(x):\n    y = 1\nclass G:\n    pass\nz = 2\nz == 3\nf(1)\n"
    assert names_bound(code) == {"numpy", "f", "G", "z"}
    assert names_bound(code.replace("f(1)\n", "") + "# long\n" * 10_000) == {"numpy", "f", "G", "z"}
    assert names_bound("(" * 10_000) == names_bound("(" * 100_000) == frozenset()


def test_likeness_counts_lines_and_not_blanks():
    assert likeness("a\n\n  b", "b\na") == 1
    assert likeness("", "") == likeness("a", "") == 0
    assert likeness("a\na\nb", "a") == 0.5
    assert plain("\n\n  a  \nb \n") == "a\nb"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*PLACE, "", "foreign"]),
            st.sampled_from([*(cell.source for cell in RELEASED), "g = 1", "words", ""]),
            st.booleans(),
        )
    )
)
def test_every_cell_has_one_place_at_most_and_unmarked_text_none(drawn):
    cells = [Cell("code" if is_code else "markdown", source, name, {}, f"id-{name}") for name, source, is_code in drawn]
    found = align(*cells)
    assert len(found.places) == len(cells)
    assert all(i is None or 0 <= i < len(RELEASED) for i in found.places)
    for cell, i in zip(cells, found.places, strict=True):
        assert i is None or cell.grade_id or plain(cell.source)  # what says nothing and is called nothing is nothing
