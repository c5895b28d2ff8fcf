"""The notebook that formgrader shows: nbgrader reads the judged scores from it, and nothing of a student's runs in it."""

import base64

import nbformat
import pytest
from foreign_course import FULL, HALF, RIGHT, answered, make_foreign_course
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from nbgrader.utils import determine_grade, is_grade

from course_lib.grading.nbgrader_course import load
from course_lib.grading.recording.autograded import answers, autograded, unanswered
from course_lib.grading.records import Outcome, Question, Record, Status

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


@pytest.fixture(scope="module")
def signals(tmp_path_factory):
    course = load(make_foreign_course(tmp_path_factory.mktemp("autograded") / "signals101"))
    source = course.assignment("hw1")[1]
    return source, course.prepared(source.instructor, assignment="hw1", notebook="signals", hidden=True)


@pytest.fixture(scope="module")
def essay(tmp_path_factory):
    course = load(make_foreign_course(tmp_path_factory.mktemp("autograded") / "signals101"))
    source = course.assignment("hw1")[0]
    return source, course.prepared(source.instructor, assignment="hw1", notebook="essay", hidden=True)


def record(scores, status=Status.GRADED, remarks=()):
    outcomes = {name: Outcome.PART if 0 < (score or 0) < FULL[name] else Outcome.WRONG for name, score in scores.items()}
    outcomes |= {name: Outcome.RIGHT for name, score in scores.items() if score == FULL[name]}
    questions = tuple(Question(name, FULL[name], score, outcomes[name], message="said the check") for name, score in scores.items())
    return Record("ada", "hw1", "signals", status, questions, remarks=remarks)


def graded(notebook):
    return {cell.metadata.nbgrader.grade_id: determine_grade(cell)[0] for cell in notebook.cells if is_grade(cell)}


@pytest.mark.parametrize(
    "scores",
    [
        {"rms_test": 2.0, "smooth_test": 2.5, "peak_test": 1.0},
        {"rms_test": 0.0, "smooth_test": 0.0, "peak_test": 0.0},
        {"rms_test": 0.0, "smooth_test": 1 / 3, "peak_test": 1.0},
    ],
)
def test_nbgrader_reads_the_judged_scores(signals, scores):
    source, prepared = signals
    made = autograded(prepared, record(scores), answered(source.released, HALF))
    nbformat.validate(made)
    assert graded(made) == scores


def test_part_of_the_points_may_be_none_or_all_of_them(signals):
    source, prepared = signals
    whole = tuple(
        Question(name, FULL[name], score, Outcome.PART) for name, score in {"rms_test": 0.0, "smooth_test": 2.5, "peak_test": 0.5}.items()
    )
    made = autograded(prepared, Record("ada", "hw1", "signals", Status.GRADED, whole), answered(source.released, RIGHT))
    assert graded(made) == {"rms_test": 0.0, "smooth_test": 2.5, "peak_test": 0.5}


@pytest.mark.parametrize("score", [2.5, -1.0, float("nan"), float("inf")])
def test_a_record_that_nbgrader_cannot_bear_is_refused(signals, score):
    source, prepared = signals
    with pytest.raises(ValueError, match="rms_test: the record gives"):
        autograded(prepared, record({"rms_test": score, "smooth_test": 0.0, "peak_test": 0.0}), answered(source.released, RIGHT))


def test_tests_are_the_instructors_and_answers_the_students(signals):
    source, prepared = signals
    theirs = answered(source.released, {**HALF, "rms_test": "assert True", "setup": "import os"})
    made = {cell.metadata.nbgrader.grade_id: cell for cell in autograded(prepared, record({}), theirs).cells if "nbgrader" in cell.metadata}
    assert "default_rng" in made["rms_test"].source
    assert "numpy" in made["setup"].source
    assert made["rms_code"].source == HALF["rms_code"]


def test_cells_that_are_gone_come_back_and_second_copies_are_the_students_own(signals):
    source, prepared = signals
    theirs = answered(source.released, RIGHT)
    theirs.cells = [cell for cell in theirs.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != "peak_test"]
    theirs.cells.append(nbformat.from_dict(theirs.cells[3]))  # a copy of a check
    made = autograded(prepared, record({"rms_test": 2.0, "smooth_test": 2.5, "peak_test": 1.0}), theirs)
    assert graded(made) == {"rms_test": 2.0, "smooth_test": 2.5, "peak_test": 1.0}
    assert len(made.cells) == len(source.released.cells) + 1


def test_what_could_not_be_read_is_said_above_the_blank_notebook(signals):
    _, prepared = signals
    blank = record({"rms_test": 0.0, "smooth_test": 0.0, "peak_test": 0.0}, Status.UNREADABLE, ("it is a <b>PDF</b>",))
    made = autograded(prepared, blank, None)
    assert "it is a < b>PDF" in made.cells[0].source
    assert [cell.source for cell in made.cells[1:]] == [cell.source for cell in prepared.cells]


def test_an_answer_that_was_not_touched_is_known_by_nbgraders_checksum(essay):
    source, prepared = essay
    assert unanswered(prepared, source.released) == {"count_code", "explain", "draw_code"}
    assert unanswered(prepared, answered(source.released, {"explain": "Slow."})) == {"count_code", "draw_code"}


def test_answers_are_read_back(essay):
    source, prepared = essay
    theirs = answered(source.released, RIGHT)
    theirs.cells.append(new_markdown_cell("Ann, Ben and Cho hear a tone."))
    made = answers(autograded(prepared, Record("ada", "hw1", "essay", Status.GRADED), theirs))
    assert made["explain"] == RIGHT["explain"]
    assert made[""] == "Ann, Ben and Cho hear a tone."


HOSTILE = [
    "<script>steal()</script>",
    "<img src=x onerror=steal()>",
    "[here](javascript:steal())",
    "[here](java&#115;cript:steal())",
    "[here](javascript\\:steal())",
    "[here](javascript&colon;steal())",
    "[a]: javascript:steal()\n\n[a]",
    "<javascript:steal()>",
    "```mermaid\n<img src=x onerror=steal()>\n```",
    "$\\href{javascript:steal()}{x}$",
    "![x](attachment:not_there.png)",
    "> " * 400 + "deep",
    "<svg/onload=steal()>",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_nothing_that_a_student_wrote_runs_in_formgraders_page(essay, words):
    source, prepared = essay
    theirs = answered(source.released, {"explain": words})
    theirs.cells += [new_markdown_cell(words), new_raw_cell(words), new_code_cell(f"'''{words}'''")]
    theirs.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"</script>": words}}
    outputs = [
        new_output(
            "display_data",
            data={mime: words for mime in ("text/html", "text/latex", "image/svg+xml", "application/javascript", "image/png")},
        ),
        new_output("display_data", data={"text/markdown": words, "application/json": words}),
        new_output("stream", name="stdout", text=words),
        new_output("error", ename=words, evalue=words, traceback=[words]),
    ]
    theirs.cells[1].outputs = outputs
    made = autograded(prepared, Record("ada", "hw1", "essay", Status.GRADED), theirs)
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(made)
    body = page[page.index("<body") :]
    for harm in ("<script>steal", "onerror=steal()>", 'href="javascript', 'href="java', 'class="mermaid"', "<svg/onload"):
        assert harm not in body
    assert not any("\\href" in cell.source for cell in made.cells if cell.cell_type == "markdown")


def test_mathematics_and_pictures_survive(essay):
    source, prepared = essay
    theirs = answered(source.released, {"explain": "$p(x)<q(x)$ and ![a wave](attachment:wave.png)"})
    theirs.cells[3].attachments = {"wave.png": {"image/png": PNG, "image/svg+xml": "<svg/>"}}
    theirs.cells[1].outputs = [new_output("display_data", data={"image/png": PNG, "text/plain": "<Figure>"})]
    theirs.cells[1].outputs.append(new_output("display_data", data={"image/png": base64.b64encode(b"<svg onload=steal()>").decode()}))
    made = autograded(prepared, Record("ada", "hw1", "essay", Status.GRADED), theirs)
    assert len(made.cells[1].outputs) == 1
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(made)
    assert page.count(f"data:image/png;base64,{PNG}") == 2
    assert "$p(x)&lt; q(x)$" in page
    assert "image/svg" not in page[page.index("<body") :]
