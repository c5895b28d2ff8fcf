"""Messages between the judge and a student's process: what may be said, and what everything in it must be before it is looked at."""

import socket
import struct
from typing import Any

if __package__:
    from course_lib.grading.conversation import wire
    from course_lib.grading.conversation.wire_records import LIMITS, Reference, Refused
else:
    import wire
    from wire_records import LIMITS, Reference, Refused

SHAPES: dict[str, dict[str, tuple]] = {
    "call": {
        "number": (int,),
        "method": (str,),
        "call": (int,),
        "args": (tuple,),
        "kwargs": (dict,),
        "state": (dict, type(None)),
        "grad": (bool,),
        "chance": (dict,),
    },
    "vjp": {"call": (int,), "gradients": (list,)},
    "get": {"number": (int,), "name": (str,)},
    "look": {"names": (tuple,)},
    "done": {},
    "return": {"value": (object,), "after": (list, type(None)), "chance": (dict,)},
    "raise": {"kind": (str,), "name": (str,), "text": (str,), "number": (int,), "chance": (dict,)},
}


class Messages:
    """One end of a connection over which messages go.

    Args:
        connection: the socket.
    """

    def __init__(self, connection: socket.socket):
        self.connection = connection

    def keep(self, value: Any) -> Reference | None:
        """Returns what crosses for a thing that is no value; here nothing does."""
        return None

    def find(self, reference: Reference) -> Any:
        """Returns what stands here for a reference; here the reference itself."""
        return reference

    def build(self, record: Any) -> Any:
        """Returns what stands here for a record, or for a type that both ends know."""
        return record

    def forged(self, what: str) -> None:
        """Says that the other end does not keep to the conversation."""
        raise Refused(what)

    def write(self, message: dict) -> None:
        """Sends a message; one that cannot cross is an error at the other end too."""
        try:
            data = wire.pack(message, keep=self.keep)
        except Refused as error:
            if message["op"] != "return":
                raise
            data = wire.pack(self.raised(ValueError(str(error))))
        self.send(struct.pack("<Q", len(data)) + data)

    def raised(self, error: BaseException) -> dict:
        """Returns an error as an answer."""
        raise error

    def read(self) -> dict:
        """Receives a message.

        Raises:
            Refused: if it is none.
        """
        (size,) = struct.unpack("<Q", self.receive(8))
        if size > LIMITS.size:
            raise Refused(f"a message of {size:,} bytes is too long")
        message = wire.unpack(self.receive(size), find=self.find, build=self.build)
        shape = SHAPES.get(str(message.get("op"))) if type(message) is dict else None
        if shape is None or set(message) != {"op", *shape}:
            raise Refused("this is no message")
        for name, kinds in shape.items():
            if kinds != (object,) and type(message[name]) not in kinds:
                raise Refused(f"{name} is of another type than it has in a message")
        if not all(type(key) is str for key in message.get("kwargs", ())):
            raise Refused("arguments have names that are no texts")
        return message

    def send(self, data: bytes) -> None:
        """Sends bytes."""
        self.connection.sendall(data)

    def receive(self, size: int) -> bytes:
        """Receives so many bytes."""
        parts = bytearray()
        while len(parts) < size:
            if not (part := self.connection.recv(min(size - len(parts), 1 << 20))):
                raise ConnectionError("the other process has gone")
            parts += part
        return bytes(parts)
