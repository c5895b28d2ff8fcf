"""Two ends in two threads: calls, calls back, errors and gradients, in either direction."""

import contextlib
import socket
import threading

import pytest
import torch

from course_lib.grading.conversation import serving
from course_lib.grading.conversation.peers import Peer


@contextlib.contextmanager
def peer(**names):
    here, there = socket.socketpair()
    with here, there:
        thread = threading.Thread(target=serving.serve_on, args=(there, names), daemon=True)
        thread.start()
        one = Peer(here)
        yield one, one.ask({"op": "look", "names": tuple(names)})["value"]
        one.write({"op": "done"})
        thread.join(60)
        assert not thread.is_alive()


def test_calls_go_in_either_direction():
    with peer(twice=lambda f, x: f(f(x)), fails=lambda: [][1]) as (_, names):
        assert names["twice"](lambda x: x * 3, 2) == 18
        with pytest.raises(IndexError, match="list index out of range"):
            names["fails"]()
        with pytest.raises(ZeroDivisionError):
            names["twice"](lambda x: 1 / x, 0)


def test_gradients_go_through_both():
    weight = torch.tensor(2.0, requires_grad=True)
    with peer(square_of=lambda f, x: f(x) ** 2) as (one, names):
        x = torch.tensor(3.0, requires_grad=True)
        names["square_of"](lambda value: weight * value, x).backward()
        assert (x.grad.item(), weight.grad.item()) == (24.0, 36.0)
        assert len(one.calls) == 1


def test_only_some_things_may_be_asked_for():
    with peer(f=lambda: 1) as (one, names):
        number = names["f"].far_number
        with pytest.raises(ValueError, match="nothing here has the number 12345"):
            one.call(12345, (), {})
        with pytest.raises(ValueError, match="gradients of a call"):
            one.ask({"op": "vjp", "call": 77, "gradients": []})
        assert one.attribute(number, "__name__") == "<lambda>"
