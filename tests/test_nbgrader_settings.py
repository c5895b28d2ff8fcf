"""A course's settings are nbgrader's own, wherever grading is started; a mistake in them is said, and ends nothing."""

import pytest
from foreign_course import make_foreign_course

from course_lib.grading.nbgrader_settings import markers_of, settings_of


def test_markers_and_gradebook_are_those_of_the_course_not_of_where_grading_was_started(tmp_path, monkeypatch):
    course = make_foreign_course(tmp_path / "signals101")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = settings_of(course)
    markers = markers_of(settings)
    assert (markers.solution, markers.hidden) == (("[[ANSWER", "ANSWER]]"), ("[[SECRET", "SECRET]]"))
    assert markers.scheme == ("[[SCHEME", "SCHEME]]")
    assert settings.coursedir.db_url == f"sqlite:///{course.resolve() / 'marks.db'}"
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_gradebook_on_a_server_keeps_its_address(tmp_path):
    course = make_foreign_course(tmp_path / "signals101")
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.CourseDirectory.db_url = "postgresql://marks.example.org/signals"\n')
    assert settings_of(course).coursedir.db_url == "postgresql://marks.example.org/signals"


def test_what_is_no_course_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"nbgrader_config\.py"):
        settings_of(tmp_path)
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = undefined\n")
    with pytest.raises(ValueError, match="NameError"):
        settings_of(tmp_path)
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 101\n")
    with pytest.raises(ValueError, match="course_id"):
        settings_of(tmp_path)
