"""An end of a conversation that waits only so long, and that ends it for good with a process that is late, has gone or does not keep to it."""

import socket
import time
from typing import NoReturn

from course_lib.grading.conversation.peers import Peer
from course_lib.grading.conversation.wire_records import Refused
from course_lib.grading.sandbox.student_errors import Forged, Gone, TimedOut, Unanswered


class ImpatientPeer(Peer):
    """One end of a conversation.

    Args:
        connection: the socket.
        seconds: that all waiting for the other process may take.

    Attributes:
        failure: why the conversation has ended, if it has.
    """

    passed = (KeyboardInterrupt, Unanswered)

    def __init__(self, connection: socket.socket, seconds: float):
        super().__init__(connection)
        self.seconds, self.left, self.until = seconds, seconds, None
        self.failure: Unanswered | None = None

    def ask(self, message: dict) -> dict:
        """Asks, within the time that is left.

        Raises:
            Unanswered: if there is no answer, now or before.
        """
        if self.failure is not None:
            raise self.failure
        if self.until is not None:  # within a call: its clock runs
            return super().ask(message)
        self.until = time.monotonic() + self.left
        try:
            return super().ask(message)
        finally:
            self.left, self.until = self.until - time.monotonic(), None

    def fail(self, failure: Unanswered) -> NoReturn:
        """Ends the conversation for good."""
        self.failure = failure
        raise failure

    def forged(self, what: str) -> NoReturn:
        """Ends the conversation with a process that does not keep to it."""
        self.fail(Forged(f"the student's process sent {what}"))

    def write(self, message: dict) -> None:
        """Sends a message.

        Raises:
            Unanswered: if it cannot be sent.
        """
        try:
            super().write(message)
        except OSError as error:
            self.fail(self.late() if isinstance(error, TimeoutError) else Gone("the student's process has ended"))

    def read(self) -> dict:
        """Receives a message.

        Raises:
            Unanswered: if none comes that can be used.
        """
        try:
            return super().read()
        except Refused as error:
            self.forged(f"no message: {error}")
        except OSError as error:
            self.fail(self.late() if isinstance(error, TimeoutError) else Gone("the student's process has ended"))

    def send(self, data: bytes) -> None:
        """Sends bytes before the time is over."""
        self.wait()
        super().send(data)

    def receive(self, size: int) -> bytes:
        """Receives bytes before the time is over, however slowly they come."""
        parts = bytearray()
        while len(parts) < size:
            self.wait()
            if not (part := self.connection.recv(min(size - len(parts), 1 << 20))):
                raise ConnectionError("the student's process has gone")
            parts += part
        return bytes(parts)

    def wait(self) -> None:
        """Gives the socket the time that is left.

        Raises:
            TimedOut: if there is none.
        """
        left = self.left if self.until is None else self.until - time.monotonic()
        if left <= 0:
            self.fail(self.late())
        self.connection.settimeout(left)

    def late(self) -> TimedOut:
        """What is said when time is over."""
        return TimedOut(f"no answer within {self.seconds:.0f} s")
