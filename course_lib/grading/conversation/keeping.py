"""What stays in one of two processes and is known in the other by a number: functions, classes, objects, modules, generators."""

import socket
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

if __package__:
    from course_lib.grading.conversation import chance
    from course_lib.grading.conversation.messages import Messages
    from course_lib.grading.conversation.wire_records import Reference, Refused, nearest
else:
    import chance
    from messages import Messages
    from wire_records import Reference, Refused, nearest


class Keeper(Messages):
    """One end of a connection, with what it keeps for the other and what stands here for what the other keeps.

    Args:
        connection: the socket.
    """

    def __init__(self, connection: socket.socket):
        super().__init__(connection)
        self.numbers = count(1)
        self.kept: dict[int, Any] = {}  # what the other end knows by number
        self.number_of: dict[int, int] = {}  # the numbers of what is kept, by id
        self.far: dict[int, Any] = {}  # what stands here for what the other end keeps
        self.far_number_of: dict[int, int] = {}  # the other end's numbers of what stands here, by id

    def keep(self, value: Any) -> Reference | None:
        """Returns what crosses for a thing that stays here, or that is at home at the other end."""
        if isinstance(value, Far):
            return Reference(value.far_number, False, value.far_kind)
        kind, state = self.kind(value)
        if not kind:
            return None
        if id(value) in self.far_number_of:
            return Reference(self.far_number_of[id(value)], False, kind, state=state)
        number = self.number_of.get(id(value))
        if number is None:
            number = self.number_of[id(value)] = next(self.numbers)
            self.kept[number] = value
        return Reference(number, True, kind, str(getattr(value, "__name__", type(value).__name__)), state)

    def kind(self, value: Any) -> tuple[str, Any]:
        """What a thing is that stays here, and its state; empty if it is nothing to keep."""
        if chance.is_generator(value):
            return "generator", chance.state_of(value)
        if sys.modules.get("torch") is not None and self.tied.is_module(value):
            return "module", self.tied.state_of(value)
        if isinstance(value, type):
            return (f"error:{nearest(value)}" if issubclass(value, Exception) else "class"), None
        return ("function" if callable(value) else "iterator" if isinstance(value, Iterator) else ""), None

    def find(self, reference: Reference) -> Any:
        """Returns what stands here for a reference."""
        number, kind, state = reference.number, reference.kind, reference.state
        if not reference.mine:
            if number not in self.kept:
                raise Refused(f"nothing here has the number {number}")
            self.renewed(self.kept[number], state)
            return self.kept[number]
        if number not in self.far:
            self.far[number] = self.stand_in(number, kind, reference.name, state)
            self.far_number_of[id(self.far[number])] = number
        else:
            self.renewed(self.far[number], state)
        return self.far[number]

    def stand_in(self, number: int, kind: str, name: str, state: Any) -> Any:
        """Makes what stands here for what the other end keeps."""
        if kind == "generator":
            return chance.new_generator(state)
        if kind == "module":
            return self.tied.FarModule.made(self, number, state)
        return Far(self, number, kind, name)

    def renewed(self, value: Any, state: Any) -> None:
        """Takes on the state in which something comes back."""
        if state is None:
            return
        if chance.is_generator(value) and type(state) is bytes:
            self.moved(value, state)
        elif self.tied.is_module(value):
            self.tied.load(value, state)
        else:
            raise Refused("this has no state")

    def moved(self, generator: Any, state: bytes) -> None:
        """Takes on the state of a generator."""
        chance.set_state(generator, state)

    @property
    def tied(self) -> Any:
        """What needs torch."""
        if __package__:
            from course_lib.grading.conversation import tied
        else:
            import tied
        return tied


class Far:
    """A function, a class, an object or an iterator that stays with the other process; calling it calls it there."""

    def __init__(self, peer: Any, number: int, kind: str, name: str):
        self.far_peer, self.far_number, self.far_kind, self.__name__ = peer, number, kind, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.far_kind == "iterator":  # a kind that nobody asks precedents for: it gives values, one by one
            raise TypeError(f"{self!r} cannot be called")
        return self.far_peer.call(self.far_number, args, kwargs)

    def __iter__(self) -> Iterator:
        if self.far_kind != "iterator":
            raise TypeError(f"{self!r} cannot be iterated over")
        return self

    def __next__(self) -> Any:
        return self.far_peer.call(self.far_number, (), {}, method="__next__")

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "far_")) or (self.far_kind == "iterator" and name not in ("close", "send", "throw")):
            raise AttributeError(f"{self!r} has no {name} here")
        return self.far_peer.attribute(self.far_number, name)

    def __deepcopy__(self, memo: dict) -> "Far":
        return self

    def __repr__(self) -> str:
        return f"<{self.__dict__.get('far_kind')} {self.__dict__.get('__name__')} of the other process>"
