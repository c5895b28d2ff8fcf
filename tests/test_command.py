"""What every command shares: the course's folder and the ways to say no."""

import pytest

from course_lib import command
from course_lib.command import Lacking, Refused, WrongInput


def test_each_way_to_say_no_has_its_exit_code():
    assert [kind.code for kind in (Refused, WrongInput, Lacking)] == [1, 2, 3]
    assert issubclass(WrongInput, Refused)
    assert issubclass(Lacking, Refused)
    assert not issubclass(Refused, ValueError | OSError | RuntimeError)  # an error of the library's own is never taken for a user's mistake


def test_the_courses_folder_is_found_from_inside_and_refused_elsewhere(root, tmp_path, monkeypatch):
    assert command.course_folder(root / "tests") == root
    assert command.course_folder(tmp_path) == root  # the library lies in a course's folder
    monkeypatch.setattr(command, "__file__", str(tmp_path / "site-packages" / "course_lib" / "command.py"))
    with pytest.raises(Lacking, match="not inside the course's folder"):
        command.course_folder(tmp_path)
    (tmp_path / "kit" / "notebooks").mkdir(parents=True)
    (tmp_path / "kit" / "course_lib").mkdir()
    assert command.course_folder(tmp_path / "kit" / "notebooks") == tmp_path / "kit"  # a kit's own folder goes before the library's
