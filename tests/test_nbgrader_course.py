"""Any nbgrader course is read as nbgrader reads it: folders, markers, releases, students; and what is no course says so."""

import nbformat
import pytest
from foreign_course import RIGHT, make_foreign_course

from course_lib.grading.nbgrader_course import Student, load
from course_lib.grading.nbgrader_settings import markers_of
from course_lib.grading.notebooks.markers import visible_part


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return load(make_foreign_course(tmp_path_factory.mktemp("nbgrader_course") / "signals101"))


def test_its_own_names_are_used(course):
    assert course.course_id == "signals101"
    assert course.assignments == ("hw1", "hw2")
    assert course.folder("source", "hw1").resolve() == course.root / "master" / "hw1"
    assert course.folder("autograded", "hw1", "00123") == course.root / "machine" / "00123" / "hw1"
    assert course.folder("feedback", "hw1", "00123") == course.root / "returned" / "00123" / "hw1"
    assert course.markers == markers_of(course.settings)


def test_reading_a_course_makes_nothing(course):
    assert course.roster == (Student("00123", "Ada", "Lovelace", "ada@example.org", "4711"),)
    assert course.students == ("00123",)
    assert {file.name for file in course.root.iterdir()} == {"nbgrader_config.py", "master"}


def test_each_notebook_comes_with_its_release_and_the_files_beside_it(course):
    essay, signals = course.assignment("hw1")
    assert (essay.notebook, signals.notebook) == ("essay", "signals")
    assert dict(signals.files) == {"readings.csv": b"0.5,2.5,-1.0\n", "notes/units.txt": b"volts\n"}
    given, kept = ("\n".join(cell.source for cell in notebook.cells) for notebook in (signals.released, signals.instructor))
    for secret in ("SECRET", "ANSWER", "default_rng", "np.convolve"):
        assert secret in kept
        assert secret not in given
    assert given.count("your turn") == 3 * 2
    assert "Two points a person" not in "\n".join(cell.source for cell in essay.released.cells)


def test_the_copy_for_grading_keeps_hidden_tests_and_loses_solutions(course):
    signals = course.assignment("hw1")[1]
    before = nbformat.writes(signals.instructor)
    text = "\n".join(cell.source for cell in course.prepared(signals.instructor, assignment="hw1", notebook="signals", hidden=True).cells)
    assert "default_rng" in text
    assert "np.convolve" not in text
    assert nbformat.writes(signals.instructor) == before


def test_the_judge_finds_hidden_tests_between_anybodys_markers(course):
    signals = course.assignment("hw1")[1]
    known = course.with_known_markers(signals.instructor)
    rms, own = known.cells[3], signals.instructor.cells[3]
    assert "default_rng" not in visible_part(rms)
    assert "default_rng" in visible_part(own)
    assert len(rms.source.splitlines()) == len(own.source.splitlines())
    compile(rms.source, "rms_test", "exec")
    assert course.with_known_markers(known).cells == known.cells


def test_a_release_that_lies_there_is_what_students_have(course, tmp_path):
    own = load(make_foreign_course(tmp_path / "own"))
    released = own.assignment("hw2")[0].released
    released.cells[0].source = "import numpy as np  # as it was given out"
    folder = own.folder("release", "hw2")
    folder.mkdir(parents=True)
    nbformat.write(released, folder / "delay.ipynb")
    assert own.assignment("hw2")[0].released.cells[0].source.endswith("as it was given out")
    released.cells[1].metadata.nbgrader.grade_id = "delay_code_of_last_year"
    nbformat.write(released, folder / "delay.ipynb")
    with pytest.raises(ValueError, match=r"delay_code_of_last_year.*release it again"):
        own.assignment("hw2")


@pytest.mark.slow
def test_a_release_made_here_is_the_one_that_nbgrader_makes(tmp_path):
    course = load(make_foreign_course(tmp_path / "signals101", released=True))
    for name in course.assignments:
        for source in course.assignment(name):
            ours = course.prepared(source.instructor, assignment=name, notebook=source.notebook, hidden=False)
            assert (ours.cells, ours.metadata) == (source.released.cells, source.released.metadata)


def test_an_assignment_that_is_not_there_names_those_that_are(course):
    with pytest.raises(ValueError, match=r"hw1, hw2.*'hw3'"):
        course.assignment("hw3")


def test_a_source_that_is_no_notebook_names_its_file(tmp_path):
    own = load(make_foreign_course(tmp_path / "own"))
    (own.root / "master" / "hw2" / "delay.ipynb").write_text("half a noteb")
    with pytest.raises(ValueError, match=r"delay\.ipynb is no notebook"):
        own.assignment("hw2")


def test_tests_that_nbgrader_has_to_write_first_are_asked_for(tmp_path):
    own = load(make_foreign_course(tmp_path / "own"))
    file = own.root / "master" / "hw2" / "delay.ipynb"
    file.write_text(file.read_text().replace("# [[SECRET", "### AUTOTEST delay(x, 2)\\n# [[SECRET"))
    with pytest.raises(ValueError, match="generate_assignment hw2 --source_with_tests"):
        own.assignment("hw2")


def test_modules_and_headers_beside_the_configuration_are_found(tmp_path, monkeypatch):
    own = make_foreign_course(tmp_path / "own")
    (own / "our_names.py").write_text('COURSE = "signals202"\n')
    config = own / "nbgrader_config.py"
    config.write_text(config.read_text().replace('"signals101"', "our_names.COURSE").replace("c = ", "import our_names\n\nc = "))
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Our motto.")]), own / "motto.ipynb")
    config.write_text(config.read_text() + 'c.IncludeHeaderFooter.header = "motto.ipynb"\n')
    monkeypatch.chdir(tmp_path)
    course = load(own)
    assert course.course_id == "signals202"
    assert course.assignment("hw2")[0].released.cells[0].source == "Our motto."


def test_right_answers_name_every_solution(course):
    cells = [cell for name in course.assignments for source in course.assignment(name) for cell in source.instructor.cells]
    about = [cell.metadata.get("nbgrader", {}) for cell in cells]
    assert {each["grade_id"] for each in about if each.get("solution")} == set(RIGHT)
