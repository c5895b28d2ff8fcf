"""A request is done when its reply and its outputs have come; what another request is told does not count."""

import pytest

from course_lib.grading.sandbox import kernel_request
from course_lib.grading.sandbox.cell_outputs import Outputs
from course_lib.grading.sandbox.kernel_channels import Message
from course_lib.grading.sandbox.kernel_request import Request


def request():
    return Request("mine", Outputs(1000))


def reply(parent="mine", **content):
    return Message("execute_reply", parent, {"status": "ok", **content}, 10)


IDLE = Message("status", "mine", {"execution_state": "idle"}, 10)


def test_it_is_done_when_both_have_come():
    one = request()
    one.take(reply("another"), published=False)
    one.take(IDLE, published=True)
    assert not one.done
    one.take(reply(), published=False)
    assert one.done
    assert (one.error, one.exits) == ("", False)


def test_outputs_that_never_come_are_not_waited_for_without_end(monkeypatch):
    one = request()
    one.take(reply(), published=False)
    assert not one.done
    monkeypatch.setattr(kernel_request, "_LATE_S", -1.0)
    assert one.done


def test_an_error_and_an_exit_are_told():
    one = request()
    one.take(reply(status="error", ename="NameError", evalue="x", payload=[5, {"source": "ask_exit"}]), published=False)
    assert (one.error, one.exits) == ("NameError: x", True)


@pytest.mark.parametrize("payload", [5, None, "ask_exit", {"source": "ask_exit"}, [["ask_exit"]]])
def test_a_forged_payload_is_no_exit(payload):
    one = request()
    one.take(reply(payload=payload), published=False)
    assert not one.exits


def test_what_is_not_its_own_only_counts():
    one = request()
    one.take(Message("stream", "another", {"name": "stdout", "text": "x"}, 500), published=True)
    assert one.outputs.nodes() == ()
    assert one.outputs.came == 500
