"""Whatever a student does to a notebook, what is graded has the release's cells in its order, with the student's own answers in them."""

import copy
import functools
import json
import random
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.authoring.submissions import saved_by_colab, solved
from course_lib.grading.notebooks.cells import grade_id, is_solution, is_test, meta
from course_lib.grading.records import Status
from course_lib.grading.repairing.alignment import plain
from course_lib.grading.repairing.repair import repair, wanted_names

ROOT = Path(__file__).parents[1]
SETS = sorted(path.stem for path in ROOT.glob("assignments/*/*.ipynb"))
ONE = "ps04_ica"
PERSONAL = ("Hanako", "0123456789", "ABX9", "https://localhost")


@functools.cache
def material(name: str):
    """A released notebook and the instructor's."""
    return tuple(nbformat.read(ROOT / folder / name / f"{name}.ipynb", as_version=4) for folder in ("assignments", "solutions"))


RELEASED, SOURCE = material(ONE)
MARKED = [cell for cell in RELEASED.cells if grade_id(cell)]
ANSWERS = [grade_id(cell) for cell in RELEASED.cells if is_solution(cell)]
CODE = [name for name in ANSWERS if name != "words"]
TESTS = [grade_id(cell) for cell in RELEASED.cells if is_test(cell)]


def answered(name: str = ONE):
    return solved(*material(name))


def mended(notebook, name: str = ONE):
    released, source = material(name)
    data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    repaired = repair(data, released=released, source=source)
    if repaired.notebook is not None:
        holds(repaired, released)
    return repaired


def holds(repaired, released):
    """What is true of every repaired notebook."""
    nbformat.validate(repaired.notebook)
    marked = [cell for cell in repaired.notebook.cells if grade_id(cell)]
    theirs = [cell for cell in released.cells if grade_id(cell)]
    assert [(cell.cell_type, cell.metadata) for cell in marked] == [(cell.cell_type, cell.metadata) for cell in theirs]
    assert [cell.source for cell in marked if not is_solution(cell)] == [cell.source for cell in theirs if not is_solution(cell)]
    assert repaired.notebook.metadata == released.metadata
    assert not any(cell.get("outputs") for cell in repaired.notebook.cells)
    assert all(sentence.endswith(".") for sentence in (*repaired.repairs, *repaired.remarks))


def answers_in(notebook) -> dict[str, str]:
    return {grade_id(cell): plain(cell.source) for cell in notebook.cells if is_solution(cell)}


def cell_of(notebook, name: str):
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


def said(repaired) -> str:
    return " ".join((*repaired.repairs, *repaired.remarks))


# --------------------------------------------------------------------------------------------------------------- every released set


@pytest.mark.parametrize("name", SETS)
def test_a_colab_save_gives_the_answers_back_and_not_the_name(name):
    repaired = mended(saved_by_colab(answered(name)), name)
    assert answers_in(repaired.notebook) == answers_in(answered(name))
    assert repaired.attempted == set(answers_in(answered(name)))
    assert (repaired.status, repaired.remarks) == (None, ())
    for personal in PERSONAL:
        assert personal not in nbformat.writes(repaired.notebook) + said(repaired)


@pytest.mark.parametrize("name", SETS)
def test_a_notebook_stripped_of_all_metadata_is_told_by_what_it_says(name):
    bare = saved_by_colab(answered(name))
    for cell in bare.cells:
        cell.metadata = {}
    repaired = mended(bare, name)
    assert answers_in(repaired.notebook) == answers_in(answered(name))
    assert len(repaired.notebook.cells) == len(material(name)[0].cells)
    assert "missing or unknown on every cell" in said(repaired)


@pytest.mark.parametrize("name", SETS)
def test_a_blank_notebook_is_not_attempted_and_needs_no_repair(name):
    repaired = mended(material(name)[0], name)
    assert repaired.status is Status.NOT_ATTEMPTED
    assert (repaired.attempted, repaired.repairs, repaired.remarks) == (frozenset(), (), ())
    assert [cell.source for cell in repaired.notebook.cells] == [cell.source for cell in material(name)[0].cells]


def test_the_instructors_answers_never_get_into_a_students_notebook():
    repaired = mended(new_notebook(cells=[new_code_cell("x = 1")]))
    assert answers_in(repaired.notebook) == answers_in(RELEASED)


# ------------------------------------------------------------------------------------------------------------------ what students do


def test_an_edited_test_stands_again_as_it_was_released():
    notebook = answered()
    cell_of(notebook, TESTS[0]).source = "print('all right')\n" + cell_of(notebook, TESTS[0]).source.replace("assert", "print")
    repaired = mended(notebook)
    assert f"1 locked cell had been changed ({TESTS[0]})" in said(repaired)
    assert "all right" not in nbformat.writes(repaired.notebook)
    assert not repaired.remarks


def test_a_test_written_anew_is_a_cell_of_the_students_own():
    notebook = answered()
    cell_of(notebook, TESTS[0]).source = "print('all right')"
    repaired = mended(notebook)
    assert [grade_id(cell) for cell in repaired.notebook.cells if "all right" in cell.source] == [""]
    assert f"deleted ({TESTS[0]})" in said(repaired)
    assert f"under the marks of {TESTS[0]}" in said(repaired)


def test_imports_and_functions_added_to_a_locked_cell_are_kept_behind_it():
    notebook = answered()
    added = "import itertools\n\n\n@functools.cache\ndef helper(x):  # mine\n    return x"
    cell_of(notebook, "imports").source += f"\n{added}\nprint('hello')"
    repaired = mended(notebook)
    at = [grade_id(cell) for cell in repaired.notebook.cells].index("imports")
    assert repaired.notebook.cells[at + 1].source == added.replace("\n\n\n", "\n")
    assert not grade_id(repaired.notebook.cells[at + 1])
    assert "written into the locked cell imports" in said(repaired)


def test_an_answer_written_into_a_test_cell_is_found():
    notebook, name = copy.deepcopy(RELEASED), CODE[0]
    answer = cell_of(answered(), name).source
    test = cell_of(notebook, TESTS[0])
    test.source = f"{answer}\n{test.source}"
    repaired = mended(notebook)
    assert name in repaired.attempted
    assert any(plain(cell.source) == plain(answer) for cell in repaired.notebook.cells)


def test_an_answer_written_under_its_question_is_kept():
    notebook = copy.deepcopy(RELEASED)
    question = notebook.cells[[grade_id(cell) for cell in notebook.cells].index("words") - 1]
    question.source += "\n\nBecause it is so."
    repaired = mended(notebook)
    assert "words" in repaired.attempted
    assert any(cell.source == "Because it is so." for cell in repaired.notebook.cells)


@pytest.mark.parametrize("name", [CODE[0], "words"])
def test_an_answer_in_a_cell_of_its_own_is_an_answer(name):
    notebook = copy.deepcopy(RELEASED)
    at = [grade_id(cell) for cell in notebook.cells].index(name)
    answer = cell_of(answered(), name)
    make = new_code_cell if answer.cell_type == "code" else new_markdown_cell
    notebook.cells.insert(at + 1, make(answer.source))
    repaired = mended(notebook)
    assert repaired.attempted == {name}
    assert repaired.status is None
    assert repaired.notebook.cells[at + 1].source == answer.source


def test_cells_in_reverse_order_stand_in_order_again():
    notebook = answered()
    notebook.cells.reverse()
    repaired = mended(notebook)
    assert answers_in(repaired.notebook) == answers_in(answered())
    assert f"{len(MARKED) - 1} cells stood out of order" in said(repaired)


@pytest.mark.parametrize("name", [CODE[0], "words"])
def test_a_cell_of_another_type_gets_its_type_back(name):
    notebook = answered()
    cell = cell_of(notebook, name)
    cell.cell_type = "markdown" if cell.cell_type == "code" else "code"
    repaired = mended(notebook)
    assert answers_in(repaired.notebook) == answers_in(answered())
    assert f"type of a cell had been changed ({name})" in said(repaired)


@pytest.mark.parametrize("name", [CODE[1], "words"])
def test_a_retyped_answer_is_found_without_its_marks(name):
    notebook = answered()
    cell = cell_of(notebook, name)
    cell.metadata, cell.id = {}, "somethingelse"
    repaired = mended(notebook)
    assert answers_in(repaired.notebook) == answers_in(answered())
    assert f"({name})" in said(repaired)


def test_code_that_nothing_but_its_place_tells_is_shown_to_a_person():
    notebook = answered()
    cell = cell_of(notebook, CODE[1])
    cell.metadata, cell.id, cell.source = {}, "somethingelse", "something = 'quite different'"
    repaired = mended(notebook)
    assert cell_of(repaired.notebook, CODE[1]).source == "something = 'quite different'"
    assert repaired.remarks == (f"Nothing but its place tells that a cell is the answer to {CODE[1]}.",)


def test_deleted_cells_are_put_back_and_deleted_answers_are_blank():
    notebook = answered()
    gone = {CODE[0], TESTS[0], "words"}
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) not in gone]
    repaired = mended(notebook)
    assert repaired.attempted == set(ANSWERS) - gone
    assert f"1 locked cell had been deleted ({TESTS[0]})" in said(repaired)
    assert f"2 answers had been deleted ({CODE[0]}, words), and count as blank" in said(repaired)
    assert not repaired.remarks


@pytest.mark.parametrize("blank_first", [True, False])
def test_of_duplicates_the_one_that_differs_from_the_release_counts(blank_first):
    notebook = answered()
    at = [grade_id(cell) for cell in notebook.cells].index(CODE[0])
    notebook.cells.insert(at + (not blank_first), copy.deepcopy(cell_of(RELEASED, CODE[0])))
    repaired = mended(notebook)
    assert answers_in(repaired.notebook) == answers_in(answered())
    assert f"1 answer ({CODE[0]}) stood there twice" in said(repaired)
    assert not repaired.remarks
    assert len(repaired.notebook.cells) == len(RELEASED.cells)


def test_of_two_different_answers_the_last_counts_and_the_other_stands_before_it():
    notebook = answered()
    at = [grade_id(cell) for cell in notebook.cells].index(CODE[0])
    earlier = copy.deepcopy(notebook.cells[at])
    earlier.source = earlier.source.replace("return", "return 0 *")
    notebook.cells.insert(at, earlier)
    repaired = mended(notebook)
    assert answers_in(repaired.notebook) == answers_in(answered())
    assert "stood there 2 times in different words" in repaired.remarks[0]
    order = [cell.source for cell in repaired.notebook.cells]
    assert order.index(earlier.source) == order.index(notebook.cells[at + 1].source) - 1


@pytest.mark.parametrize("name", [CODE[0], "words"])
def test_an_emptied_cell_never_counts(name):
    notebook = answered()
    emptied = copy.deepcopy(cell_of(notebook, name))
    emptied.source = "  \n"
    notebook.cells.append(emptied)
    assert answers_in(mended(notebook).notebook) == answers_in(answered())
    cell_of(notebook, name).source = ""
    assert mended(notebook).attempted == set(ANSWERS) - {name}


def test_what_an_answer_has_to_define_is_in_its_stub_or_else_in_the_instructors_answer():
    def notebook(*sources: str):
        names = [{"nbgrader": {"grade_id": f"q{i}", "solution": True}} for i in range(len(sources))]
        return new_notebook(cells=[new_code_cell(source, metadata=name) for source, name in zip(sources, names, strict=True)])

    stubs, answers = notebook("def f(): ...", "# YOUR CODE HERE"), notebook("def helper(): ...\ndef f(): ...", "g = 1\nfrom a import *")
    assert wanted_names(stubs, answers) == {"q0": {"f"}, "q1": {"g"}}


def test_outputs_of_the_release_are_not_a_students():
    released = copy.deepcopy(RELEASED)
    cell_of(released, "imports").outputs = [nbformat.v4.new_output("stream", text="mine")]
    holds(repair(json.dumps(answered()).encode(), released=released, source=SOURCE), released)


def test_own_cells_stay_where_they_stood():
    notebook = answered()
    for at in (len(notebook.cells), 9, 0):
        notebook.cells.insert(at, new_code_cell(f"mine = {at}"))
    repaired = mended(notebook)
    assert [plain(cell.source) for cell in repaired.notebook.cells] == [plain(cell.source) for cell in notebook.cells]
    assert repaired.repairs == ()


def test_pictures_in_an_answer_are_kept():
    notebook = answered()
    cell_of(notebook, "words").attachments = {"a.png": {"image/png": "AAAA"}}
    assert cell_of(mended(notebook).notebook, "words").attachments == {"a.png": {"image/png": "AAAA"}}


# ------------------------------------------------------------------------------------------------------------------------- forgeries


@pytest.mark.parametrize(
    "forged", [{"points": 100}, {"schema_version": 99}, {"solution": True, "grade": False}, {"points": float("nan")}, {"task": True}]
)
def test_forged_marks_count_for_nothing_and_a_person_is_told(forged):
    notebook = answered()
    cell_of(notebook, TESTS[0]).metadata["nbgrader"].update(forged)
    repaired = mended(notebook)
    assert len(repaired.remarks) == 1
    assert TESTS[0] in repaired.remarks[0]


def test_an_answer_marked_as_a_test_is_still_the_answer():
    notebook = answered()
    cell_of(notebook, CODE[0]).metadata["nbgrader"].update({"solution": False, "grade": True, "locked": True, "points": 50})
    repaired = mended(notebook)
    assert answers_in(repaired.notebook) == answers_in(answered())
    assert CODE[0] in repaired.remarks[0]


@pytest.mark.parametrize(("one", "other"), [(CODE[0], CODE[1]), (CODE[0], TESTS[0]), (TESTS[0], TESTS[1]), ("words", "imports")])
def test_swapped_ids_are_seen_through(one, other):
    notebook = answered()
    first, second = cell_of(notebook, one).metadata["nbgrader"], cell_of(notebook, other).metadata["nbgrader"]
    first["grade_id"], second["grade_id"] = other, one
    repaired = mended(notebook)
    assert answers_in(repaired.notebook) == answers_in(answered())
    assert repaired.remarks


def test_an_older_release_is_brought_up_to_date():
    notebook = answered()
    for cell in notebook.cells:
        if meta(cell).get("locked"):
            cell.source = cell.source.replace("e", "E", 3)
            meta(cell)["schema_version"] = 2
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) != TESTS[-1]]
    repaired = mended(notebook)
    assert answers_in(repaired.notebook) == answers_in(answered())
    assert "locked cells had been changed" in said(repaired)
    assert f"deleted ({TESTS[-1]})" in said(repaired)
    assert not repaired.remarks


def test_a_cell_of_a_release_that_asked_for_more_stays_as_the_students_own():
    notebook = answered()
    extra = copy.deepcopy(cell_of(notebook, CODE[0]))
    extra.metadata["nbgrader"]["grade_id"], extra.source, extra.id = "gone", "def gone():\n    return 1", "gone"
    notebook.cells.append(extra)
    repaired = mended(notebook)
    assert repaired.notebook.cells[-1].source == extra.source
    assert "1 cell had marks that the release does not know" in said(repaired)


# --------------------------------------------------------------------------------------------------------------- other things entirely


def test_another_notebook_is_a_persons_business():
    repaired = mended(new_notebook(cells=[new_code_cell("print('hello')")]))
    assert repaired.status is Status.NEEDS_REVIEW
    assert "another assignment" in repaired.remarks[0]
    assert not repaired.attempted


def test_answers_in_a_notebook_of_ones_own_are_found():
    code = [new_code_cell(cell_of(answered(), name).source) for name in CODE]
    repaired = mended(new_notebook(cells=code))
    assert repaired.attempted == set(CODE)
    assert {name: text for name, text in answers_in(repaired.notebook).items() if name in CODE} == {
        name: text for name, text in answers_in(answered()).items() if name in CODE
    }


@pytest.mark.parametrize(
    ("data", "word"), [(b"", "empty"), (b"<html>", "web page"), (b"%PDF-", "PDF"), (b"import torch", "Python"), (b"\x00\x01", "JSON")]
)
def test_what_is_no_notebook_is_unreadable(data, word):
    repaired = mended(data)
    assert (repaired.notebook, repaired.status, repaired.attempted) == (None, Status.UNREADABLE, frozenset())
    assert word in repaired.remarks[0]


@pytest.mark.parametrize(
    "source", ["(" * 50_000, "-" * 50_000 + "1", "a." * 50_000 + "a", "\x00", "%%bash\nrm -rf", "\ud800", "if 1:\n" * 3]
)
def test_code_that_no_parser_takes_stays_the_students_answer(source):
    notebook = answered()
    cell_of(notebook, CODE[0]).source = source
    expected = source.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert cell_of(mended(notebook).notebook, CODE[0]).source == expected


@given(st.binary(max_size=300))
def test_random_bytes_are_unreadable_and_raise_nothing(data):
    assert repair(data, released=RELEASED, source=SOURCE).status is Status.UNREADABLE


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_shuffling_copying_and_deleting_invents_and_loses_nothing(data):
    name = data.draw(st.sampled_from(SETS))
    released, _ = material(name)
    notebook = answered(name)
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    cells = chance.choices(notebook.cells, k=chance.randrange(2 * len(notebook.cells))) if chance.random() < 0.5 else list(notebook.cells)
    cells = copy.deepcopy(cells if chance.random() < 0.7 else chance.sample(cells, len(cells)))
    cells += [new_code_cell(f"own_{i} = {i}") for i in range(chance.randrange(3))]
    for cell in cells:
        if chance.random() < 0.2:
            cell.metadata = {}
        if chance.random() < 0.1:
            cell.metadata = {"nbgrader": dict(meta(chance.choice(notebook.cells)))}
        if chance.random() < 0.1:
            cell.source += f"\n# note {chance.randrange(9)}"
    notebook.cells = [cell for cell in cells if chance.random() < 0.9] or cells[:1]
    repaired = repair(json.dumps(notebook).encode(), released=released, source=material(name)[1])
    if repaired.notebook is None:
        assert not notebook.cells
        return
    holds(repaired, released)
    given_out = {plain(cell.source) for cell in released.cells}
    handed_in = {plain(cell.source) for cell in notebook.cells}
    graded = {plain(cell.source) for cell in repaired.notebook.cells}
    lines = {line.strip() for text in handed_in for line in text.split("\n")}
    invented = [text for text in graded - given_out - handed_in if not {line.strip() for line in text.split("\n")} <= lines]
    assert not invented
    told = {plain(cell.source) for cell in answered(name).cells if is_solution(cell)}
    assert handed_in & told <= graded  # no answer is lost, wherever it went
