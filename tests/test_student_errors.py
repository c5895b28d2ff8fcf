"""Errors of a student's process keep their names, and no text can stand in a name's place."""

import pytest

from course_lib.grading.sandbox.student_errors import StudentError, Unanswered, is_name, kind_of_error


def test_an_error_is_of_the_nearest_kind_that_is_known():
    assert kind_of_error("KeyError", "KeyError") is KeyError
    own = kind_of_error("Bad", "ValueError")
    assert (own.__name__, issubclass(own, ValueError), issubclass(own, StudentError)) == ("Bad", True, True)
    assert kind_of_error("SystemExit", "SystemExit").__mro__[1:] == StudentError.__mro__
    assert not issubclass(Unanswered, Exception)


@pytest.mark.parametrize("name", ["graded by hand: 20/20", "a" * 81, "", "x\ny"])
def test_a_text_is_no_name(name):
    assert not is_name(name)
    assert kind_of_error(name, "ValueError").__name__ == "StudentError"
