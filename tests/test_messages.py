"""Messages are what their operation asks for, part by part, before anything in them is looked at."""

import socket

import pytest

from course_lib.grading.conversation.messages import SHAPES, Messages
from course_lib.grading.conversation.wire import pack
from course_lib.grading.conversation.wire_records import Refused

GOOD = {"op": "vjp", "call": 1, "gradients": []}
BAD = (
    {**GOOD, "call": True},
    {**GOOD, "call": 1.0},
    {**GOOD, "gradients": ()},
    {**GOOD, "more": 1},
    {"op": "vjp"},
    ["vjp"],
    {"op": []},
    {},
)


def test_messages_have_shapes():
    here, there = socket.socketpair()
    with here, there:
        one, other = Messages(here), Messages(there)
        one.write(GOOD)
        assert other.read() == GOOD
        for bad in BAD:
            data = pack(bad)
            one.send(len(data).to_bytes(8, "little") + data)
            with pytest.raises(Refused):
                other.read()
        one.send((1 << 40).to_bytes(8, "little"))
        with pytest.raises(Refused, match="too long"):
            other.read()
    assert set(SHAPES) == {"call", "vjp", "get", "look", "done", "return", "raise"}
