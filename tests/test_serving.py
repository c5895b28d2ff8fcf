"""The student's end: names, records and its conversation, in one process with two threads."""

import dataclasses
import socket
import threading
from pathlib import Path

import pytest

from course_lib.grading.conversation import serving
from course_lib.grading.conversation.keeping import Far
from course_lib.grading.conversation.peers import Peer
from course_lib.grading.conversation.wire_records import Record, Row


@dataclasses.dataclass(frozen=True)
class Point:
    """A point."""

    x: float


def test_files_are_there_and_need_nothing_else():
    folder = Path(serving.__file__).parent
    for name in serving.FILES:
        text = (folder / name).read_text(encoding="utf-8")
        for line in text.splitlines():
            if line.startswith(("from course_lib", "import course_lib")):
                pytest.fail(f"{name} needs course_lib: {line}")


def test_served_over_a_socket(tmp_path):
    """No process of its own: bound to a path, as in a sandbox."""
    address = str(tmp_path / "judge.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(1)
        thread = threading.Thread(target=serving.serve, args=(address, {"f": lambda x: x + 1, "n": 5}))
        thread.start()
        connection, _ = listener.accept()
        with connection:
            peer = Peer(connection)
            found = peer.ask({"op": "look", "names": ("f", "n", "missing")})["value"]
            assert found.keys() == {"f", "n"}
            assert isinstance(found["f"], Far)
            assert found["f"](2) == 3
            with pytest.raises(TypeError, match="missing 1 required"):
                found["f"]()
            peer.write({"op": "done"})
            thread.join(60)
    assert not thread.is_alive()


def test_records_become_what_they_were():
    here, there = socket.socketpair()
    with here, there:
        server = serving.Server(here, {"Point": Point, "Row": tuple})
        assert server.build(Record("__main__", "Point", ["x"], [1.0])) == Point(1.0)
        assert server.build(Record(__name__, "Point", ["x"], [1.0])) == Point(1.0)
        unknown = Record("nowhere", "Point", ["x"], [1.0])
        assert server.build(unknown) is unknown
        row = Row("nowhere", "Row", ["a"], [1])
        assert server.build(row) is row
        assert server.kind(object()) == ("object", None)
