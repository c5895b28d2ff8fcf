"""A kernel's sockets, read so that nothing that comes from them can hurt: no message fills the memory, none must be well formed.

    shell = Channel(path, "DEALER", until=time.monotonic() + 10)
    asked = shell.send("kernel_info_request", {}, key=key)
    for message in shell.receive(): ...

libzmq would take in a message of any number of parts before it showed the first. Here a part that is too long is counted and thrown away.

References:
    ZMTP 3.0, ZeroMQ Message Transport Protocol, rfc.zeromq.org/spec/23; Messaging in Jupyter, jupyter-client.readthedocs.io/en/stable/messaging.html.
"""

import hashlib
import hmac
import json
import select
import socket
import struct
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_MORE, _LONG, _COMMAND = 1, 2, 4
_DELIMITER = b"<IDS|MSG>"
_PARTS = 64  # of a message; those of an honest kernel are few
_KEPT = 8 << 20  # bytes of a part that are read; longer ones are thrown away
_AT_ONCE = 1 << 18  # bytes read from a socket at a time
_WRITING_S = 10.0


class ChannelLost(ConnectionError):
    """The other end has gone, or what comes from it is no message."""


@dataclass(frozen=True)
class Message:
    """A message as it came; who sent it, and whether it is true, nobody knows.

    Attributes:
        kind: its ``msg_type``.
        parent: the id of the request that it says it answers.
        content: its content; empty where that was too long or no JSON object.
        size: the bytes that it took.
        whole: whether the content is all that was sent.
    """

    kind: str
    parent: str
    content: dict[str, Any] = field(repr=False)
    size: int
    whole: bool = True


class Channel:
    """One of a kernel's sockets, seen from the client.

    Args:
        path: the socket's file.
        kind: ``DEALER`` for requests, ``SUB`` for what the kernel publishes.
        until: when to give up waiting for a greeting, by ``time.monotonic``.

    Raises:
        ChannelLost: if nobody answers there.
    """

    def __init__(self, path: str, kind: str, *, until: float):
        self._socket = _connected(path)
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._size = 0  # of the message that is coming in
        self._skipping = 0  # bytes of a part that are still to be thrown away
        self._whole = True
        self._more = False
        ready = _named(b"READY", b"") + _named(b"Socket-Type", kind.encode(), length=4) + _named(b"Identity", b"", length=4)
        self._write(_GREETING + bytes([_COMMAND, len(ready)]) + ready)
        try:
            self._exactly(len(_GREETING), until)
            flags, length = self._exactly(2, until)
            if flags != _COMMAND:
                raise ChannelLost(f"what came is no ZMTP: flags {flags:#x} for a greeting")
            self._exactly(length, until)
        except ChannelLost as lost:
            self.close()
            raise ChannelLost(f"who answers at {path} does not greet: {lost}") from lost
        if kind == "SUB":
            self._write(b"\x00\x01\x01")  # a subscription to everything

    def fileno(self) -> int:
        """The number of the socket's file, for ``select``."""
        return self._socket.fileno()

    def send(self, kind: str, content: dict[str, Any], *, key: bytes) -> str:
        """Sends a request.

        Args:
            kind: its ``msg_type``.
            content: its content.
            key: the connection's key.

        Returns:
            Its id, which is the parent of all that answers it.
        """
        name = uuid.uuid4().hex
        header = {"msg_id": name, "msg_type": kind, "session": "grading", "username": "grading", "version": "5.3"}
        header["date"] = datetime.now(UTC).isoformat()
        said = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        signed = hmac.new(key, b"".join(said), hashlib.sha256).hexdigest().encode()
        parts = [_DELIMITER, signed, *said]
        flags = [_LONG | _MORE] * (len(parts) - 1) + [_LONG]
        self._write(b"".join(struct.pack(">BQ", flag, len(part)) + part for flag, part in zip(flags, parts, strict=True)))
        return name

    def receive(self) -> list[Message]:
        """Returns the messages that came in whole; call it where ``select`` says that there is something to read.

        Raises:
            ChannelLost: if the other end has gone, or does not keep to the protocol.
        """
        try:
            came = self._socket.recv(_AT_ONCE, socket.MSG_DONTWAIT)
        except (BlockingIOError, TimeoutError):  # the latter where the socket has a time-out
            return []
        except OSError as error:
            raise ChannelLost(f"the kernel's socket fails: {error}") from error
        if not came:
            raise ChannelLost("the kernel has closed its socket")
        self._buffer += came
        found = []
        while (message := self._next()) is not None:
            found += [message] if message else []
        return found

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def _exactly(self, size: int, until: float) -> bytes:
        """So many bytes of a greeting, and none of what follows it."""
        found = b""
        while len(found) < size:
            if not select.select([self._socket], [], [], max(0.0, until - time.monotonic()))[0]:
                raise ChannelLost("it is silent")
            if not (came := self._socket.recv(size - len(found))):
                raise ChannelLost("it has closed its socket")
            found += came
        return found

    def _write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ChannelLost(f"the kernel takes nothing more: {error}") from error

    def _next(self) -> Message | bool | None:
        """The next message in the buffer; False for a part that ends none, None where bytes are missing."""
        if self._skipping:
            thrown = min(self._skipping, len(self._buffer))
            del self._buffer[:thrown]
            self._skipping -= thrown
            return None if self._skipping else self._ended(b"")
        if len(self._buffer) < 2:
            return None
        flags = self._buffer[0]
        if flags & ~(_MORE | _LONG | _COMMAND):
            raise ChannelLost(f"what came is no ZMTP: flags {flags:#x}")
        start = 9 if flags & _LONG else 2
        if len(self._buffer) < start:
            return None
        length = struct.unpack(">Q", self._buffer[1:9])[0] if flags & _LONG else self._buffer[1]
        if flags & _COMMAND:  # none that an honest kernel sends says anything to us
            if length > _AT_ONCE:
                raise ChannelLost(f"what came is no ZMTP: a command of {length} bytes")
            if len(self._buffer) < start + length:
                return None
            del self._buffer[: start + length]
            return False
        if length > _KEPT or len(self._parts) >= _PARTS or self._size + length > 2 * _KEPT:
            self._begin(flags, length)
            self._skipping, self._whole = length, False
            del self._buffer[:start]
            return self._next() if length else self._ended(b"")
        if len(self._buffer) < start + length:
            return None
        self._begin(flags, length)
        part = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        return self._ended(part)

    def _begin(self, flags: int, length: int) -> None:
        self._more = bool(flags & _MORE)
        self._size += length

    def _ended(self, part: bytes) -> Message | bool:
        """Takes in a part of a message; the last one makes the message."""
        if len(self._parts) < _PARTS:
            self._parts.append(part)
        if self._more:
            return False
        message = _understood(self._parts, self._size, self._whole)
        self._parts, self._size, self._whole = [], 0, True
        return message or False


def _connected(path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.settimeout(_WRITING_S)
    try:
        found.connect(path)
    except OSError as error:
        found.close()
        raise ChannelLost(f"nobody answers at {path}: {error}") from error
    return found


def _named(name: bytes, value: bytes, length: int = 0) -> bytes:
    return bytes([len(name)]) + name + (struct.pack(">I", len(value)) if length else b"") + value


def _understood(parts: Sequence[bytes], size: int, whole: bool) -> Message | None:
    """The parts as a message of Jupyter's; None where they are none."""
    if _DELIMITER not in parts[:-5]:
        return None
    header, parent, _, content = map(_object, parts[parts.index(_DELIMITER) + 2 :][:4])
    kind, asked = header.get("msg_type"), parent.get("msg_id")
    if not isinstance(kind, str):
        return None
    return Message(kind, asked if isinstance(asked, str) else "", content, size, whole)


def _object(part: bytes) -> dict[str, Any]:
    try:
        found = json.loads(part)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def readable(channels: Sequence[Channel], seconds: float) -> list[Channel]:
    """Returns the channels from which something can be read, after so many seconds at most."""
    poller = select.poll()
    for channel in channels:
        poller.register(channel.fileno(), select.POLLIN)
    ready = {number for number, _ in poller.poll(max(0.0, seconds) * 1000)}
    return [channel for channel in channels if channel.fileno() in ready]
