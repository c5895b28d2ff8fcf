"""Tables that people's programs write and read: safe, whole, and said to be wrong where they are."""

import pytest

from course_lib.grading.tables import by_student, read_table, safe, write_table


def test_what_was_written_is_read_again_and_is_safe_once(tmp_path):
    lines = [["student", "words"], ["=1+1", 'two\nlines, and "quotes"'], ["'kept", "山田"]]
    file = write_table(tmp_path / "t.csv", lines)
    again = [["student", "words"], ["'=1+1", 'two\nlines, and "quotes"'], ["'kept", "山田"]]
    assert read_table(file) == again
    assert read_table(write_table(file, read_table(file), encoding="utf-8-sig")) == again
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [one.name for one in tmp_path.iterdir()] == ["t.csv"]
    assert read_table(tmp_path / "none.csv") == []


@pytest.mark.parametrize("field", ["=x", " =x", "+1", "-1", "@x", "＝x", "\tx"])
def test_no_field_is_a_formula(field):
    assert safe(field) == f"'{field}"
    assert safe(safe(field)) == safe(field)


def test_a_persons_list_is_read_by_student_whatever_stands_beside(tmp_path):
    (tmp_path / "list.csv").write_text('﻿name,until,student\n"Lovelace, Ada", 2d ,00123\nBob,,bob\n,3d,山田\n', encoding="utf-8")
    assert by_student(tmp_path / "list.csv", "until") == {"00123": "2d", "山田": "3d"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "student,until"),
        (b"id,until\na,2d\n", "student,until"),
        (b"student,until\na,2d\na,3d\n", "'a' twice"),
        ("student,until\n山田,2d\n".encode("shift_jis"), "CSV file in UTF-8"),
    ],
)
def test_a_list_that_cannot_be_read_is_named(tmp_path, data, said):
    (tmp_path / "list.csv").write_bytes(data)
    with pytest.raises(ValueError, match=rf"list\.csv.*{said}"):
        by_student(tmp_path / "list.csv", "until")
