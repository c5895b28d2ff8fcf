"""A conversation in which either of two processes may call what the other keeps: the same on the judge's side and on the student's.

    call, vjp, get      one end asks the other to call something, for gradients of a call, for an attribute
    return, raise       the other end's answers

Before it answers, the other end may itself ask. What the other end may ask for, and what is believed, each side adds for itself.
"""

import builtins
import collections
import operator
import socket
import sys
from collections.abc import Callable
from typing import Any

if __package__:
    from course_lib.grading.conversation import chance, edits, wire
    from course_lib.grading.conversation.keeping import Keeper
    from course_lib.grading.conversation.wire_records import Refused, nearest
else:
    import chance
    import edits
    import wire
    from keeping import Keeper
    from wire_records import Refused, nearest

_KEPT = 4096  # calls whose gradients can still be asked for
_DEEPEST = 20  # calls that stand in each other


class Peer(Keeper):
    """One end of a conversation.

    Args:
        connection: the socket.
    """

    passed: tuple[type[BaseException], ...] = (KeyboardInterrupt,)  # errors that end the conversation, and are no answer
    answered: frozenset[str] = frozenset({"call", "vjp"})  # what the other end may ask for

    def __init__(self, connection: socket.socket):
        super().__init__(connection)
        self.calls: collections.OrderedDict[int, tuple[list, list, list]] = collections.OrderedDict()
        self.found: list = []  # parameters of this process on which results of the present call depend through calls back
        self.sums: dict[int, Any] = {}  # their gradients, in a backward pass
        self.witness: Any = None  # ties what comes from the other end even to nothing
        self.depth = 0
        self.said: dict[str, bytes] = {}  # the random states that the other end has

    # ----------------------------------------------------------------------------------------------------------------- asking

    def call(self, number: int, args: tuple, kwargs: dict, *, method: str = "", state: Any = None, module: Any = None) -> Any:
        """Calls what the other end keeps; arguments that it changes are changed here too, and gradients reach through.

        Args:
            number: the other end's number.
            args: arguments by place.
            kwargs: arguments by name.
            method: the method to call, if not the thing itself.
            state: a module's parameters and buffers.
            module: the module that has them here.
        """
        torch, call = sys.modules.get("torch"), next(self.numbers)
        given = [] if torch is None else self.tied.leaves([args, kwargs, module])
        outer, self.found = self.found, []
        try:
            answer = self.ask(
                {
                    "op": "call",
                    "number": number,
                    "method": method,
                    "call": call,
                    "args": args,
                    "kwargs": kwargs,
                    "state": state,
                    "grad": torch is not None and torch.is_grad_enabled(),
                    "chance": self.news(),
                }
            )
            hidden = list({id(x): x for x in self.found}.values())
        finally:
            self.found = outer
        if answer["after"] is not None:
            try:
                self.edited([args, kwargs], state, answer["after"])
            except Refused as error:
                self.forged(str(error))
        value = answer["value"]
        return value if sys.modules.get("torch") is None else self.tie(value, call, given, hidden)

    def edited(self, args: Any, state: Any, after: list) -> None:
        """Does to arguments, and to a module's state, what the other end did to them."""
        edits.apply([*args, state], after)

    def tie(self, value: Any, call: int, given: list, hidden: list) -> Any:
        """Ties what a call gave to what it was given; what depends on nothing here is detached."""
        import torch

        outputs = list({id(x): x for x in self.tied.leaves(value)}.values())
        inputs = [*given, *hidden, *([] if self.witness is None else [self.witness])]
        results = [x.detach() for x in outputs]
        if outputs and inputs and torch.is_grad_enabled():
            results = self.tied.Tie.apply(self, call, len(given), results, *inputs)
        return self.tied.exchanged(value, {id(x): y for x, y in zip(outputs, results, strict=True)})

    def pulled_back(self, call: int, gradients: list, hidden: list[int]) -> tuple[Any, list]:
        """Asks for gradients of a call; those of this process's hidden parameters were summed up here meanwhile."""
        outer, self.sums = self.sums, {}
        try:
            found = self.ask({"op": "vjp", "call": call, "gradients": gradients})["value"]
            return found, [self.sums.get(number) for number in hidden]
        finally:
            self.sums = outer

    def attribute(self, number: int, name: str, *, module: Any = None) -> Any:
        """Returns an attribute of what the other end keeps; a method comes as a function that calls it there."""
        answer = self.ask({"op": "get", "number": number, "name": name})
        if answer["after"] is None:
            return answer["value"]

        def method(*args: Any, **kwargs: Any) -> Any:
            state = None if module is None else self.tied.state_of(module)
            return self.call(number, args, kwargs, method=name, state=state, module=module)

        return method

    def ask(self, message: dict) -> dict:
        """Sends a question, answers those that come back, and returns the answer.

        Raises:
            RecursionError: if both sides call each other without end.
            Exception: what the other end raised.
        """
        if self.depth >= _DEEPEST:
            raise RecursionError(f"functions call each other more than {_DEEPEST} deep")
        self.depth += 1
        try:
            self.write(message)
            while (said := self.read())["op"] not in ("return", "raise"):
                if said["op"] not in self.answered:
                    self.forged(f"{said['op']}, which may not be asked for")
                self.write(self.answer(said))
        finally:
            self.depth -= 1
        if "chance" in said:
            self.heard(said["chance"])
        if said["op"] == "raise":
            raise self.error(said)
        return said

    # -------------------------------------------------------------------------------------------------------------- answering

    def answer(self, said: dict) -> dict:
        """Does what the other end asks for."""
        try:
            return getattr(self, f"do_{said['op']}")(said)
        except self.passed:
            raise
        except BaseException as error:  # a student's function may end in any way: SystemExit is one
            return self.raised(error)

    def do_call(self, said: dict) -> dict:
        """Calls what is kept here."""
        args, kwargs, state = said["args"], said["kwargs"], said["state"]
        function = self.callee(said["number"], said["method"])
        self.heard(said["chance"])
        watch = edits.Watch([args, kwargs, state], lambda value: wire.pack(value, keep=self.keep))
        value = function(*args, **kwargs) if sys.modules.get("torch") is None else self.recorded(function, said)
        return {"op": "return", "value": value, "after": watch.edits() or None, "chance": self.news()}

    def recorded(self, function: Callable, said: dict) -> Any:
        """Calls a function, and remembers what its gradients need."""
        import torch

        args, kwargs, state = said["args"], said["kwargs"], said["state"]
        with torch.set_grad_enabled(said["grad"]):
            if state is None:
                value = function(*args, **kwargs)
            else:
                value = self.tied.run(self.kept[said["number"]], said["method"], state, args, kwargs)
        outputs = list({id(x): x for x in self.tied.leaves(value)}.values())
        if outputs and said["grad"]:
            given = self.tied.leaves([args, kwargs, [] if state is None else list(state["parameters"].values())])
            known = {id(x) for x in [*given, self.witness]}
            hidden = [x for x in self.tied.sources(outputs) if id(x) not in known]
            self.found += hidden
            self.calls[said["call"]] = outputs, given, hidden
            while len(self.calls) > _KEPT:
                self.calls.popitem(last=False)
        return value

    def do_vjp(self, said: dict) -> dict:
        """Vector-Jacobian products of a call that was answered here."""
        if said["call"] not in self.calls:
            raise Refused("gradients of a call are asked for that gave none, or that lies too far back")
        outputs, given, hidden = self.calls[said["call"]]
        witness = [] if self.witness is None else [self.witness]
        gradients = self.tied.products(outputs, said["gradients"], [*given, *hidden, *witness])
        for x, gradient in zip(hidden, gradients[len(given) :], strict=False):
            if gradient is not None:
                self.sums[id(x)] = self.sums[id(x)] + gradient if id(x) in self.sums else gradient
        return {"op": "return", "value": gradients[: len(given)], "after": None, "chance": {}}

    def callee(self, number: int, method: str) -> Any:
        """Returns what a call is meant for.

        Raises:
            Refused: if there is nothing of that number.
        """
        if number not in self.kept:
            raise Refused(f"nothing here has the number {number}")
        return operator.attrgetter(method)(self.kept[number]) if method else self.kept[number]

    def raised(self, error: BaseException) -> dict:
        """An error as an answer."""
        try:
            text = str(error)[:4000]
        except Exception:
            text = "(its text cannot be read)"
        number = self.number_of.get(id(type(error)), 0)
        return {
            "op": "raise",
            "kind": nearest(type(error)),
            "name": type(error).__name__,
            "text": text,
            "number": number,
            "chance": self.news(),
        }

    def error(self, said: dict) -> BaseException:
        """An answer as an error."""
        kind = getattr(builtins, said["kind"], Exception)
        return kind(said["text"])

    # ---------------------------------------------------------------------------------------------------------------- chance

    def news(self) -> dict[str, bytes]:
        """Random states of this process that the other end does not have yet."""
        states = chance.global_states()
        new = {name: state for name, state in states.items() if self.said.get(name) != state}
        self.said.update(new)
        return new

    def heard(self, states: dict[str, bytes]) -> None:
        """Takes on random states of the other process."""
        chance.set_global_states(states)
        self.said.update(states)
