"""What stands in for dataclasses and named tuples."""

import dataclasses

import pytest

from course_lib.grading.conversation.wire_records import Foreign, Record, Refused, Row


@dataclasses.dataclass
class Point:
    """A point."""

    x: float
    y: float


def test_a_record_equals_what_it_was():
    record = Record("m", "Point", ["x", "y"], [1.0, 2.0])
    assert record == Point(1.0, 2.0)
    assert Point(1.0, 2.0) == record
    assert record != Point(1.0, 3.0)
    assert record != Record("m", "Other", ["x", "y"], [1.0, 2.0])
    assert record != (1.0, 2.0)
    assert repr(record) == "Point(x=1.0, y=2.0)"
    with pytest.raises(TypeError):
        hash(record)


@pytest.mark.parametrize("names", [["a", "a"], ["class"], ["a b"], [""]])
def test_fields_have_names(names):
    for kind in (Record, Row):
        with pytest.raises(Refused):
            kind("m", "T", names, [1] * len(names))


def test_strange_names_stay_outside():
    assert Record("m", "__import__('os')", [], []).type == "Unnamed"
    assert type(Foreign.named("m", "a\0b", "x")).__name__ == "Unnamed"
    with pytest.raises(Refused):
        Row("m", "T", ["a"], [1, 2])
    with pytest.raises(AttributeError, match="there is no b among a"):
        _ = Row("m", "T", ["a"], [1]).b
