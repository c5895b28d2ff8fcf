"""In the student's process: answers the judge's calls of what the student wrote, until the judge is done.

    serve("/run/judge.sock", globals())

Everything here may be read, changed and forged by the student's code, and nothing depends on it: the judge believes values alone. These
files need nothing of the rest, so that they can stand alone in a folder that a sandbox sees; torch and NumPy are used where they are loaded.
"""

import dataclasses
import socket
import sys
from typing import Any

if __package__:
    from course_lib.grading.conversation import peers
    from course_lib.grading.conversation.wire_records import Record, Row
else:
    import peers
    from wire_records import Record, Row

FILES = (
    "serving.py",
    "peers.py",
    "keeping.py",
    "messages.py",
    "tied.py",
    "edits.py",
    "chance.py",
    "wire.py",
    "wire_writing.py",
    "wire_reading.py",
    "wire_arrays.py",
    "wire_records.py",
)


def serve(address: str, names: dict[str, Any]) -> None:
    """Answers until the judge says that it is done.

    Args:
        address: the judge's socket.
        names: what the student's names are.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        serve_on(connection, names)


def serve_on(connection: socket.socket, names: dict[str, Any]) -> None:
    """Answers on a connection that is open already."""
    server = Server(connection, names)
    while (said := server.read())["op"] != "done":
        server.write(server.answer(said))


class Server(peers.Peer):
    """The student's end of a conversation.

    Args:
        connection: the socket.
        names: what the student's names are.
    """

    answered = frozenset({"call", "vjp", "get", "look"})

    def __init__(self, connection: socket.socket, names: dict[str, Any]):
        super().__init__(connection)
        self.student = names

    def tie(self, value: Any, call: int, given: list, hidden: list) -> Any:
        """Ties what the judge's function gave to its arguments, and else to a witness: the judge may have parameters of its own in it."""
        if self.witness is None:
            import torch

            self.witness = torch.zeros((), requires_grad=True)
        return super().tie(value, call, given, hidden)

    def do_look(self, said: dict) -> dict:
        """What some names are; those that are not defined are left out."""
        found = {name: self.student[name] for name in said["names"] if name in self.student}
        return {"op": "return", "value": found, "after": None, "chance": {}}

    def do_get(self, said: dict) -> dict:
        """An attribute of something, or that it is a method."""
        value = self.callee(said["number"], said["name"])
        method = callable(value) and not isinstance(value, type)
        return {"op": "return", "value": None if method else value, "after": ["method"] if method else None, "chance": self.news()}

    def kind(self, value: Any) -> tuple[str, Any]:
        """Whatever is no value is kept, to be asked for attributes and methods."""
        kind, state = super().kind(value)
        return kind or "object", state

    def build(self, record: Record | Row | type) -> Any:
        """A record as what it was, where its class is known here."""
        if isinstance(record, type):
            return record
        names = self.student if record.module == "__main__" else vars(sys.modules.get(record.module, object))
        kind = names.get(record.type)
        if isinstance(record, Row):
            return kind(*record) if isinstance(kind, type) and issubclass(kind, tuple) else record
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
            return record
        made = object.__new__(kind)
        for name, value in record.fields.items():
            object.__setattr__(made, name, value)
        return made
