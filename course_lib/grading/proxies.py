"""In the judge: what a student wrote, as functions that are called here and run in the student's process.

    link = Link(connection, seconds=60.0)
    names = link.names("encode", "decode")
    names["encode"](x)

All that comes from there is bytes to be checked. Values on private inputs are believed, and nothing else that is said.
"""

import socket
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from course_lib.grading import chance
from course_lib.grading.keeping import Far
from course_lib.grading.peers import Peer
from course_lib.grading.tied import FarModule
from course_lib.grading.wire_records import Refused

_ERRORS = {
    kind.__name__: kind
    for kind in (
        *(ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, Exception, FloatingPointError, ImportError, IndexError),
        *(KeyError, LookupError, MemoryError, ModuleNotFoundError, NameError, NotImplementedError, OSError, OverflowError),
        *(RecursionError, RuntimeError, StopIteration, SyntaxError, TypeError, UnboundLocalError, ValueError, ZeroDivisionError),
        *(FileNotFoundError, PermissionError, ConnectionError, TimeoutError, InterruptedError, UnicodeError),
        *(Warning, UserWarning, DeprecationWarning, FutureWarning, RuntimeWarning),
    )
}
_NEVER = (eval, exec, compile, open, input, __import__, getattr, setattr, delattr, globals, locals, vars)
_CALLBACKS = 1_000_000


class StudentError(Exception):
    """An error of the student's own kind."""


class Unanswered(BaseException):
    """The student's process gave no answer that can be used; no ``except Exception`` of a test catches it."""


class TimedOut(Unanswered):
    """The student's code did not answer in time."""


class Gone(Unanswered):
    """The student's process has ended."""


class Forged(Unanswered):
    """The student's process said what no honest one says."""


class Link(Peer):
    """The judge's end of a conversation with a student's process.

    Args:
        connection: the socket.
        seconds: that all waiting for the student's process may take, calls back included; the test's own work does not count.
    """

    passed = (KeyboardInterrupt, Unanswered)

    def __init__(self, connection: socket.socket, seconds: float):
        super().__init__(connection)
        self.seconds, self.left, self.until = seconds, seconds, None
        self.failure: Unanswered | None = None
        self.walker = chance.Walker()
        self.callbacks = _CALLBACKS
        self.errors: dict[int, type[Exception]] = {}  # the student's own kinds of errors, by his number

    def names(self, *wanted: str) -> dict[str, Any]:
        """Returns what the student's names are: values, and functions to call; names that are not defined are left out.

        Raises:
            Unanswered: if the student's process does not say.
        """
        found = self.ask({"op": "look", "names": wanted})["value"]
        if type(found) is not dict or not all(type(name) is str and name in wanted for name in found):
            self.forged("names that were not asked for")
        return found

    def done(self) -> None:
        """Lets the student's process go on; nothing can be asked for afterwards."""
        self.write({"op": "done"})

    # ------------------------------------------------------------------------------------------------ against the other side

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

    def call(self, number: int, args: tuple, kwargs: dict, *, method: str = "", state: Any = None, module: Any = None) -> Any:
        """Calls what the student keeps."""
        try:
            return super().call(number, args, kwargs, method=method, state=state, module=module)
        except (StopIteration, StopAsyncIteration) as error:
            if method in ("__next__", "__anext__"):
                raise
            raise RuntimeError(f"{type(error).__name__}: {error}") from error  # else it would end a loop of the test's in silence

    def answer(self, said: dict) -> dict:
        """Does what the student's code asks for: functions that it was given, and their gradients."""
        self.callbacks -= 1
        if self.callbacks < 0:
            self.forged(f"more than {_CALLBACKS:,} calls")
        return super().answer(said)

    def callee(self, number: int, method: str) -> Any:
        """Returns one of the judge's functions, which the student's code was given."""
        function = super().callee(number, "")
        if method == "__next__" and hasattr(function, "__next__"):
            return function.__next__
        if method or not callable(function):
            raise Refused("of what a test passes, functions can be called, and nothing else")
        return function

    def kind(self, value: Any) -> tuple[str, Any]:
        """What a test passes must be a value, or something to call."""
        kind, state = super().kind(value)
        if not kind or any(value is never for never in _NEVER):
            raise Refused(f"a {type(value).__name__} cannot be passed to a student's function")
        return kind, state

    def stand_in(self, number: int, kind: str, name: str, state: Any) -> Any:
        """A student's function, class, module or kind of error."""
        if kind.startswith("error:"):
            return self.errors.setdefault(number, _kind_of_error(name, kind.removeprefix("error:")))
        if kind not in ("function", "class", "object", "iterator", "module", "generator") or (state is not None) != (
            kind in ("module", "generator")
        ):
            raise Refused(f"{kind[:40]!r} is no kind of thing")
        return super().stand_in(number, kind, name[:80], state)

    def error(self, said: dict) -> Exception:
        """What the student's function raised, as an error of the same name or the nearest built-in kind."""
        text = said["text"][:4000]
        if said["number"] in self.errors:
            return self.errors[said["number"]](text)
        return _kind_of_error(said["name"], said["kind"])(text)

    # -------------------------------------------------------------------------------------------------------------- chance

    def heard(self, states: Mapping[str, Any]) -> None:
        """Takes on random states that follow from ours; where others come, ours move on by themselves."""
        mine = chance.global_states()
        for name, state in states.items():
            if name not in mine or type(state) is not bytes or len(state) != len(mine[name]):
                self.forged("what is no random state")
            try:
                if self.walker.follows(mine[name], state):
                    chance.set_global_states({name: state})
                else:
                    chance.step(name)
            except Refused as error:
                self.forged(str(error))
            self.said[name] = state

    def moved(self, generator: Any, state: bytes) -> None:
        """Takes on the state of one of the judge's generators, if it follows; a student's own is the student's affair."""
        if id(generator) in self.far_number_of or self.walker.follows(chance.state_of(generator), state):
            chance.set_state(generator, state)

    # ------------------------------------------------------------------------------------------------------------- the wire

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


def link_of(names: Mapping[str, Any]) -> Link | None:
    """Returns the link behind a student's names, if there is a function among them."""
    far = (value.far_peer for value in names.values() if isinstance(value, Far | FarModule))
    return next((peer for peer in far if isinstance(peer, Link)), None)


def _kind_of_error(name: str, nearest: str) -> type[Exception]:
    """A class for an error that is raised there: the built-in one of that name, else one of that name made from the nearest."""
    kind = _ERRORS.get(nearest, StudentError)
    if kind.__name__ == name:
        return kind
    plain = name if name.isidentifier() and len(name) <= 80 else "StudentError"
    return type(plain, (StudentError,) if kind in (Exception, StudentError) else (StudentError, kind), {})
