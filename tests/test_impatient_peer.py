"""An end that waits only so long, at whose other end nobody, or a mute, or a dribbler sits."""

import socket
import struct
import threading
import time

import pytest

from course_lib.grading.judging.impatient_peer import ImpatientPeer
from course_lib.grading.sandbox.student_errors import Forged, Gone, TimedOut

LOOK = {"op": "look", "names": ("f",)}


def ends(seconds=0.3):
    here, there = socket.socketpair()
    return ImpatientPeer(here, seconds), there


def test_a_mute_is_late_and_stays_late():
    peer, there = ends()
    with peer.connection, there:
        with pytest.raises(TimedOut, match="no answer within 0 s"):
            peer.ask(LOOK)
        started = time.monotonic()
        with pytest.raises(TimedOut):
            peer.ask(LOOK)
        assert time.monotonic() - started < 0.2, "the second question is not even put"


def test_who_has_gone_is_gone():
    peer, there = ends(20.0)
    with peer.connection:
        there.close()
        with pytest.raises(Gone):
            peer.ask(LOOK)
        assert isinstance(peer.failure, Gone)


def test_rubbish_is_forged():
    peer, there = ends(20.0)
    with peer.connection, there:
        there.sendall(struct.pack("<Q", 3) + b"abc")
        with pytest.raises(Forged, match="the student's process sent no message"):
            peer.ask(LOOK)


def test_time_between_questions_costs_nothing_and_a_slow_dribble_does_not_stretch_it():
    peer, there = ends(0.5)

    def dribble():
        there.recv(1 << 16)
        for byte in struct.pack("<Q", 1 << 20):
            there.sendall(bytes([byte]))
            time.sleep(0.2)

    with peer.connection, there:
        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        time.sleep(0.6)
        started = time.monotonic()
        with pytest.raises(TimedOut):
            peer.ask(LOOK)
        assert 0.4 < time.monotonic() - started < 1.2
        thread.join(5)
