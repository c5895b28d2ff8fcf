"""The process around a student's kernel: how its end is told, what it may use, what it cannot import. Real ones: test_student_kernel.py."""

import pytest

from course_lib.grading.sandbox import student_process


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (0, "ended itself (exit code 0)"),
        (3, "exit code 3"),
        (137, "signal 9 (Killed)"),
        (139, "Segmentation fault"),
        (-9, "signal 9"),
        (-11, "signal 11"),
        (255, "exit code 255"),
    ],
)
def test_how_a_process_ended_is_said_in_words(code, says):
    assert says in student_process._how(code)


def test_the_file_of_a_module_is_found():
    assert student_process._file_of("course_lib.grading.sandbox.limits") == student_process._HERE / "limits.py"
    assert student_process._file_of("course_lib.grading") == student_process._HERE.parent
    for name in ("no.such.module", "sys", "zipimport", ".."):
        assert student_process._file_of(name) is None
