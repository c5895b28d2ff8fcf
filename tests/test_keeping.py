"""What is kept has a number, what is not kept has none, and what comes back is the thing itself."""

import socket

import pytest
import torch

from course_lib.grading.conversation.keeping import Far, Keeper
from course_lib.grading.conversation.wire_records import Reference, Refused


def test_numbers():
    here, there = socket.socketpair()
    with here, there:
        one, other = Keeper(here), Keeper(there)
        sent = one.keep(len)
        assert sent == one.keep(len)
        assert (sent.mine, sent.kind, sent.name) == (True, "function", "len")
        far = other.find(sent)
        assert isinstance(far, Far)
        assert other.find(sent) is far
        assert one.find(other.keep(far)) is len
        assert one.keep(3) is None
        for number in (0, -1, 999):
            with pytest.raises(Refused, match="nothing here has the number"):
                one.find(Reference(number, False, "function"))
        with pytest.raises(Refused, match="has no state"):
            one.find(Reference(sent.number, False, "function", state={}))


def test_generators_and_modules_keep_who_they_are():
    here, there = socket.socketpair()
    with here, there:
        one, other = Keeper(here), Keeper(there)
        for value in (torch.Generator().manual_seed(3), torch.nn.Linear(2, 3)):
            far = other.find(one.keep(value))
            assert other.find(one.keep(value)) is far
            back = other.keep(far)
            assert not back.mine
            assert one.find(back) is value
        assert torch.equal(
            torch.rand(2, generator=next(iter(other.far.values()))), torch.rand(2, generator=torch.Generator().manual_seed(3))
        )
