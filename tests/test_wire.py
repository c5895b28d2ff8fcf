"""Values as bytes and back; what is refused is tried end to end in test_proxies."""

import dataclasses
import enum
from collections import Counter, OrderedDict, namedtuple

import numpy as np
import pytest
import torch

from course_lib.grading.conversation.wire import pack, unpack
from course_lib.grading.conversation.wire_records import LIMITS, Foreign, Limits, Record, Reference, Refused, Row, nearest


def there_and_back(value, **more):
    return unpack(pack(value, **more))


def test_subclasses_cross_as_what_they_are_made_from():
    class Level(enum.IntEnum):
        HIGH = 3

    class Text(str):
        __slots__ = ()

    class Always(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    for value, plain in (
        (Level.HIGH, 3),
        (Text("a"), "a"),
        (Always(2.0), 2.0),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(x=1), {"x": 1}),
    ):
        assert there_and_back(value) == plain
        assert type(there_and_back(value)) is type(plain)
    assert there_and_back({}.keys()) == []


def test_signs_of_zero_kinds_of_nan_and_order_survive():
    for value in (-0.0, float("nan"), float("-inf")):
        assert there_and_back(value).hex() == value.hex()
        assert there_and_back([value] * 20)[3].hex() == value.hex()
    payload = torch.tensor([0x7FF80000DEADBEEF], dtype=torch.int64).view(torch.float64)
    assert there_and_back(payload).view(torch.int64).item() == 0x7FF80000DEADBEEF
    assert list(there_and_back({"b": 1, "a": 2})) == ["b", "a"]


def test_records_rows_and_what_cannot_cross():
    @dataclasses.dataclass(frozen=True)
    class Point:
        x: float

    Pair = namedtuple("Pair", "left right")
    record, row = there_and_back(Point(1.5)), there_and_back(Pair(1, [2]))
    assert isinstance(record, Record)
    assert record == there_and_back(Point(1.5)) != there_and_back(Point(2.5))
    assert record.x == 1.5
    assert isinstance(row, Row)
    assert row == (1, [2])
    assert (row.right, row._asdict(), repr(row)) == ([2], {"left": 1, "right": [2]}, "Pair(left=1, right=[2])")
    assert there_and_back(row)._fields == ("left", "right")
    foreign = there_and_back(object())
    assert isinstance(foreign, Foreign)
    assert type(foreign).__name__ == "object"
    with pytest.raises(AttributeError, match="nothing is known of its shape"):
        _ = foreign.shape
    assert there_and_back(torch.eye(2).to_sparse()).text.startswith("a tensor of float32, torch.sparse_coo")


def test_references_are_asked_for_and_found():
    kept = []

    def keep(value):
        kept.append(value)
        return Reference(7, True, "function", "f", {"a": 1})

    data = pack([print], keep=keep)
    assert unpack(data) == [Reference(7, True, "function", "f", {"a": 1})]
    assert unpack(data, find=lambda reference: reference.number) == [7]
    assert kept == [print]


def test_limits_hold_on_both_sides():
    small = Limits(size=1000, head=500, depth=3, items=20, keys=2)
    for value in ([[[[[1]]]]], list("abc" * 10), bytes(2000), "x" * 2000):
        with pytest.raises(Refused):
            pack(value, limits=small)
        with pytest.raises(Refused):
            unpack(pack(value), limits=small)
    with pytest.raises(Refused, match="keys that are no texts"):
        unpack(pack({1: 1, 2: 2, 3: 3}), limits=small)
    assert unpack(pack({"1": 1, "2": 2, "3": 3}), limits=small) == {"1": 1, "2": 2, "3": 3}
    assert Limits() == LIMITS


def test_every_cut_and_every_changed_byte_is_read_or_refused():
    data = pack({"op": "return", "value": [torch.arange(4.0), np.arange(3), "text" * 60, (1, 2.5, None)], "after": None})
    for size in range(len(data)):
        with pytest.raises(Refused):
            unpack(data[:size])
    changed = np.random.default_rng(0)
    for _ in range(2000):
        bad = bytearray(data)
        bad[changed.integers(len(bad))] = changed.integers(256)
        try:
            unpack(bytes(bad))
        except Refused:
            continue


def test_the_nearest_built_in_kind_of_an_error():
    assert nearest(type("Own", (KeyError,), {})) == "KeyError"
    assert nearest(type("Own", (torch.linalg.LinAlgError,), {})) == "RuntimeError"
