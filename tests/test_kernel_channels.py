"""Messages of a kernel, read from libzmq's own sockets and from bytes that nobody honest would send."""

import contextlib
import json
import socket
import struct
import threading
import time

import pytest
import zmq

from course_lib.grading.sandbox.kernel_channels import Channel, ChannelLost, Message, readable

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x04\x06\x05READY"


def soon() -> float:
    return time.monotonic() + 10


def came(channel: Channel, count: int = 1, seconds: float = 10.0) -> list[Message]:
    found, until = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        for ready in readable([channel], 0.1):
            found += ready.receive()
    return found


def parts(kind: str, content: dict, parent: str = "asked") -> list[bytes]:
    return [b"<IDS|MSG>", b"signature", *(json.dumps(part).encode() for part in ({"msg_type": kind}, {"msg_id": parent}, {}, content))]


@pytest.fixture
def context():
    with zmq.Context() as context:
        yield context


def test_libzmq_understands_what_is_sent_and_is_understood(context, tmp_path):
    with context.socket(zmq.ROUTER) as kernel, context.socket(zmq.XPUB) as iopub:
        kernel.bind(f"ipc://{tmp_path}/1")
        iopub.bind(f"ipc://{tmp_path}/2")
        shell, heard = Channel(f"{tmp_path}/1", "DEALER", until=soon()), Channel(f"{tmp_path}/2", "SUB", until=soon())
        name = shell.send("execute_request", {"code": "x" * 70_000}, key=b"secret")
        who, *frames = kernel.recv_multipart()
        assert json.loads(frames[5])["code"] == "x" * 70_000
        from jupyter_client.session import Session

        session = Session(key=b"secret")
        assert session.deserialize(session.feed_identities([who, *frames])[1])["msg_id"] == name  # the signature is checked by Jupyter
        kernel.send_multipart([who, *parts("execute_reply", {"status": "ok", "long": "y" * 300_000}, name)])
        assert [(m.kind, m.parent, len(m.content["long"])) for m in came(shell)] == [("execute_reply", name, 300_000)]
        assert iopub.recv() == b"\x01"  # a subscription to everything
        for i in range(50):
            iopub.send_multipart([b"topic", *parts("stream", {"text": str(i)})])
        assert [m.content["text"] for m in came(heard, 50)] == [str(i) for i in range(50)]


def test_a_message_that_is_too_long_is_counted_and_the_next_one_is_read(context, tmp_path):
    with context.socket(zmq.XPUB) as iopub:
        iopub.bind(f"ipc://{tmp_path}/2")
        heard = Channel(f"{tmp_path}/2", "SUB", until=soon())
        iopub.recv()
        iopub.send_multipart(parts("stream", {"text": "x" * (20 << 20)}))
        iopub.send_multipart([b"x"] * 10_000)
        iopub.send_multipart(parts("stream", {"text": "short"}))
        long, short = came(heard, 2)
        assert (long.kind, long.whole, long.content, long.size > 20 << 20) == ("stream", False, {}, True)
        assert (short.whole, short.content) == (True, {"text": "short"})


@pytest.fixture
def raw(tmp_path):
    """A socket at which anything can be said."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/raw")
        listener.listen()
        threads = []

        def say(*data: bytes) -> Channel:
            def speak():
                other, _ = listener.accept()
                with other, contextlib.suppress(OSError):  # nobody need hear it to its end
                    other.recv(4096)
                    other.sendall(GREETING + READY + b"".join(data))
                    other.shutdown(socket.SHUT_WR)

            threads.append(threading.Thread(target=speak))
            threads[-1].start()
            return Channel(f"{tmp_path}/raw", "DEALER", until=soon())

        yield say
        for thread in threads:
            thread.join(10)


def framed(*frames: bytes) -> bytes:
    flags = [1] * (len(frames) - 1) + [0]
    return b"".join(struct.pack(">BQ", flag | 2, len(frame)) + frame for flag, frame in zip(flags, frames, strict=True))


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"<IDS|MSG>"],
        [b"<IDS|MSG>", b"", b"{}", b"{}", b"{}"],
        [b"<IDS|MSG>", b"", b"[]", b"{}", b"{}", b"{}"],
        [b"<IDS|MSG>", b"", b"\xff", b"{}", b"{}", b"{}"],
        [b"<IDS|MSG>", b"", b'{"msg_type": 3}', b"{}", b"{}", b"{}"],
        [b"<IDS|MSG>", b"", b"[" * 1_000_000, b"{}", b"{}", b"{}"],
    ],
)
def test_what_is_no_message_is_passed_over(raw, frames):
    channel = raw(framed(*frames), framed(*parts("status", {"fine": True})))
    assert [message.content for message in came(channel)] == [{"fine": True}]


@pytest.mark.parametrize("data", [b"\xff" * 100, b"GET / HTTP/1.1\r\n", b"\x06" + struct.pack(">Q", 1 << 62), b"\x05\x05RE"])
def test_what_is_no_zmtp_ends_the_connection(raw, data):
    channel = raw(data)
    with pytest.raises(ChannelLost):
        came(channel)


def test_parts_without_end_take_no_memory(raw):
    """libzmq would keep all of them until the last, which never comes."""
    import tracemalloc

    one = struct.pack(">BQ", 3, 1 << 20) + bytes(1 << 20)
    tracemalloc.start()
    channel = raw(*[one] * 64, struct.pack(">BQ", 3, 1 << 40), *[bytes(1 << 20)] * 64)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    with pytest.raises(ChannelLost):
        came(channel)
    assert tracemalloc.get_traced_memory()[1] - before < 40 << 20
    tracemalloc.stop()


def test_nobody_there_and_nobody_who_greets(tmp_path):
    with pytest.raises(ChannelLost, match="nobody answers"):
        Channel(f"{tmp_path}/none", "DEALER", until=soon())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/mute")
        listener.listen()
        with pytest.raises(ChannelLost, match="does not greet"):
            Channel(f"{tmp_path}/mute", "DEALER", until=time.monotonic() + 0.1)
