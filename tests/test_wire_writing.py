"""The writing half of the wire: nothing but texts, whole numbers, booleans, null and lists go into the head."""

import json

import numpy as np
import pytest
import torch

from course_lib.grading.conversation.wire_records import LIMITS, Limits, Refused
from course_lib.grading.conversation.wire_writing import Writer


def coded(value, limits=LIMITS):
    writer = Writer(lambda value: None, limits)
    return writer.coded(value, 0), writer.blobs


def plain(head):
    return all(plain(part) for part in head) if type(head) is list else type(head) in (str, int, bool, type(None))


def test_heads_are_plain():
    values = {"a": [1, 2.5, 1j, None, True, b"x", ..., slice(1), {3}, "long" * 99], 4: (torch.ones(2), np.ones(2), float), "o": object()}
    head, blobs = coded(values)
    assert plain(head)
    assert json.loads(json.dumps(head)) == head
    assert all(type(blob) is bytes for blob in blobs)


def test_long_lists_of_numbers_are_packed_together():
    assert coded(list(range(100)))[0] == ["#", "l", "q", 0]
    assert coded(tuple(map(float, range(100))))[0] == ["#", "t", "d", 0]
    assert coded([True] * 100)[0][0] == "l"
    assert coded([1, 2.0] * 50)[0][0] == "l"
    assert coded([1 << 70] * 100)[0][0] == "l"


def test_limits():
    loop = []
    loop.append(loop)
    for value in (loop, [None] * 30, list(range(30))):
        with pytest.raises(Refused, match="values cross"):
            coded(value, Limits(items=20, depth=10))
