"""In the judge: what a student wrote, as functions that are called here and run in the student's process.

    link = Link(connection, seconds=60.0)
    names = link.names("encode", "decode")
    names["encode"](x)

All that comes from there is bytes to be checked. Values on private inputs are believed, and nothing else that is said.
"""

import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from course_lib.grading.conversation import chance, edits, tied
from course_lib.grading.conversation.keeping import Far
from course_lib.grading.conversation.wire_records import Record, Reference, Refused, Row
from course_lib.grading.judging.callbacks import may_be_called
from course_lib.grading.judging.impatient_peer import ImpatientPeer
from course_lib.grading.judging.precedents import ATTRIBUTE, EDIT, LATE, ROW, Precedents
from course_lib.grading.sandbox.student_errors import StudentError, kind_of_error

_CALLBACKS = 1_000_000


class Link(ImpatientPeer):
    """The judge's end of a conversation with a student's process.

    Args:
        connection: the socket.
        seconds: that all waiting for the student's process may take, calls back included; the test's own work does not count.
        allowed: what the instructor's own solution did in this test cell besides giving values; None allows everything.

    Attributes:
        precedents: what was done.
        hidden: says whether a hidden line of the test is being run.
    """

    def __init__(self, connection: socket.socket, seconds: float, allowed: Iterable[str] | None = None):
        super().__init__(connection, seconds)
        self.precedents = Precedents(allowed)
        self.hidden: Callable[[], bool] = lambda: False
        self.came: list[tuple[str, str]] = []  # kinds and names of what is no value in the last message
        self.mentioned: set[int] = set()  # modules of the judge's that the student's code has been shown in the present call
        self.walker = chance.Walker()
        self.callbacks = _CALLBACKS
        self.errors: dict[int, type[Exception]] = {}  # the student's own kinds of errors, by his number

    def names(self, *wanted: str) -> dict[str, Any]:
        """Returns what the student's names are: values, and functions to call; names that are not defined are left out.

        Raises:
            Unanswered: if the student's process does not say.
            StudentError: if what they stand for cannot come, or is what the solution's never were.
        """
        try:
            found = self.ask({"op": "look", "names": wanted})["value"]
        except StudentError:
            raise
        except Exception as error:
            raise StudentError(f"what the names stand for cannot be looked at: {type(error).__name__}: {error}") from error
        if type(found) is not dict or not all(type(name) is str and name in wanted for name in found):
            self.forged("names that were not asked for")
        return found

    def done(self) -> None:
        """Lets the student's process go on; nothing can be asked for afterwards."""
        self.write({"op": "done"})

    # ------------------------------------------------------------------------------------------------ against the other side

    def ask(self, message: dict) -> dict:
        """Asks, and looks at what the answer gives.

        Raises:
            Unanswered: if there is no answer, now or before.
            StudentError: if it gives what the solution never gave.
        """
        if self.depth == 0:
            self.mentioned = set()
        return self.checked(super().ask(message), message)

    def checked(self, answer: dict, question: dict) -> dict:
        """Returns an answer that gives nothing but what the solution gave too; a name may always be a function's or a class's."""
        self.precedents.check(self.nested(answer["value"]) if question["op"] == "look" else self.came)
        return answer

    def nested(self, found: Any) -> list[tuple[str, str]]:
        """What came with some names besides functions and classes; with these too if any of them stand within something else."""
        values = found.values() if type(found) is dict else ()
        whole = sum(isinstance(value, type) or (isinstance(value, Far) and value.far_kind in ("class", "function")) for value in values)
        usual = ("class", "function", *(() if "module" in self.precedents else ("module",)))
        rest = [(kind, name) for kind, name in self.came if kind not in usual and not kind.startswith("error:")]
        return rest if len(self.came) == len(rest) + whole else self.came

    def call(self, number: int, args: tuple, kwargs: dict, *, method: str = "", state: Any = None, module: Any = None) -> Any:
        """Calls what the student keeps."""
        if method and module is not None:  # a part may be one with parameters, known here, or one without, which is asked for
            self.precedents.seen.add(ATTRIBUTE)
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
        try:
            self.precedents.check(self.came)
        except StudentError as error:
            return self.raised(error)
        return super().answer(said)

    def attribute(self, number: int, name: str, *, module: Any = None) -> Any:
        """An attribute of what stays with the student, where the solution was asked for one."""
        refused = AttributeError(f"what the student's code gave is asked for {name}, which no result of the solution was asked for")
        if module is None and not self.precedents.allow(ATTRIBUTE):
            raise refused
        found = super().attribute(number, name, module=module)
        if module is not None and (self.came or callable(found)) and not self.precedents.allow(ATTRIBUTE):
            raise refused  # a value is one, whether the solution's module has it as a buffer or not
        return found

    def edited(self, args: Any, state: Any, after: list) -> None:
        """Changes what the student's code has changed; the inputs of hidden lines only where the solution does so too."""
        values, hidden = [*args, state], self.hidden()
        own = {id(values), *(id(x) for x in edits.changeable(state))}
        edits.apply(values, after, may=lambda x: not hidden or id(x) in own or self.precedents.allow(EDIT))

    def recorded(self, function: Callable, said: dict) -> Any:
        """Calls one of the judge's functions; a module of his runs in the student's state, and keeps its own."""
        modes = [] if said["state"] is None else [(part, part.training) for part in function.modules()]
        try:
            return super().recorded(function, said)
        finally:
            for part, training in modes:
                part.training = training

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
        if not kind or not may_be_called(value):
            raise Refused(f"a {type(value).__name__} cannot be passed to a student's function")
        if kind == "module":
            self.mentioned.add(id(value))
        return kind, state

    def find(self, reference: Reference) -> Any:
        """What a reference stands for; what is no value is noted."""
        if reference.mine:
            self.came.append((reference.kind, reference.name))
        return super().find(reference)

    def build(self, record: Record | Row | type) -> Record | tuple | type:
        """A record as what it holds; the names of a tuple's places count only where the solution's have names too."""
        if isinstance(record, Row) and not self.precedents.allow(ROW):
            return tuple(record)
        if isinstance(record, Record | type):
            self.came.append(("record", record.type) if isinstance(record, Record) else ("class", record.__name__))
        return super().build(record)

    def renewed(self, value: Any, state: Any) -> None:
        """Takes on the state in which something comes back; that of the judge's own modules as other arguments that were changed."""
        if isinstance(value, Far):  # a module that is a function here
            return
        if state is not None and tied.is_module(value) and id(value) not in self.far_number_of:
            late = id(value) not in self.mentioned
            if (late or self.hidden()) and tied.differs(value, state) and not self.precedents.allow(LATE if late else EDIT):
                return
        super().renewed(value, state)

    def stand_in(self, number: int, kind: str, name: str, state: Any) -> Any:
        """A student's function, class, module or kind of error."""
        if kind.startswith("error:"):
            return self.errors.setdefault(number, kind_of_error(name, kind.removeprefix("error:")))
        if kind not in ("function", "class", "object", "iterator", "module", "generator") or (state is not None) != (
            kind in ("module", "generator")
        ):
            raise Refused("a reference is to no kind of thing")
        if kind == "module" and "module" not in self.precedents:  # where the solution gives a function, a module is one
            kind, state = "function", None
        return super().stand_in(number, kind, name[:80], state)

    def error(self, said: dict) -> Exception:
        """What the student's function raised, as an error of the same name or the nearest built-in kind."""
        text = said["text"][:4000]
        if said["number"] in self.errors:
            return self.errors[said["number"]](text)
        return kind_of_error(said["name"], said["kind"])(text)

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

    def read(self) -> dict:
        """A message, and what of it is no value."""
        self.came = []
        return super().read()
