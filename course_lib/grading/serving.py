"""In the student's process: answers the judge's calls of what the student wrote, until the judge is done.

    serve("/run/judge.sock", globals())

Everything here may be read, changed and forged by the student's code, and nothing depends on it: the judge believes values alone.
"""

import builtins
import collections
import itertools
import random
import socket
import struct
import sys
import traceback
from typing import Any

import numpy as np
import torch
from torch import Tensor

if __package__:
    from course_lib.grading import wire
else:  # bound alone into a sandbox
    import wire

FILES = ("serving.py", "wire.py")  # all that a student's process needs, side by side in one folder

_KEPT = 512  # calls whose gradients can still be asked for


def serve(address: str, names: dict[str, Any]) -> None:
    """Answers until the judge says that it is done."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        _Server(connection, names).run()


class _Server:
    def __init__(self, connection: socket.socket, names: dict[str, Any]):
        self.connection, self.names = connection, names
        self.calls: collections.OrderedDict[int, tuple[list[Tensor], list[Tensor]]] = collections.OrderedDict()
        self.owned: dict[int, Any] = {}  # what stays here and the judge knows by number
        self.numbers = itertools.count()
        self.generators: dict[int, torch.Generator] = {}
        self.witness = torch.zeros((), requires_grad=True)  # through it, callbacks get a gradient even if nothing here needs one

    def run(self) -> None:
        while (asked := self.read())["op"] != "done":
            try:
                answer = getattr(self, f"do_{asked['op']}")(asked)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a student's function may end in any way: SystemExit is one
                answer = {
                    "op": "raise",
                    "type": _nearest(error),
                    "name": type(error).__name__,
                    "message": _text(error),
                    "trace": _trace(error),
                }
            self.write(answer)

    # ------------------------------------------------------------------------------------------------ what can be asked for

    def do_look(self, asked: dict) -> dict:
        """What a name is: a value, or something to be called."""
        found = {}
        for name in asked["names"]:
            if name in self.names:
                value = self.names[name]
                found[name] = wire.Reference(self.own(value), _kind(value)) if callable(value) else value
        return {"op": "return", "value": found}

    def do_call(self, asked: dict) -> dict:
        function, args, kwargs = self.owned[asked["number"]], asked["args"], asked["kwargs"]
        before = wire.pack([args, kwargs], keep=self.known)
        _set_states(asked["states"])
        with torch.set_grad_enabled(asked["grad"]):
            value = function(*args, **kwargs)
        outputs = [x for x in leaves(value) if x.requires_grad]
        if outputs and asked["grad"]:
            self.calls[asked["call"]] = outputs, [x for x in leaves([args, kwargs]) if x.requires_grad]
            while len(self.calls) > _KEPT:
                self.calls.popitem(last=False)
        after = [args, kwargs] if wire.pack([args, kwargs], keep=self.known) != before else None
        return {"op": "return", "value": value, "after": after, "states": _states(), "generators": list(self.generators.values())}

    def do_vjp(self, asked: dict) -> dict:
        """Vector-Jacobian products of a call: gradients of its arguments, given those of its results."""
        if asked["call"] not in self.calls:
            raise RuntimeError("too many calls lie between this one and the gradient that is asked for")
        outputs, inputs = self.calls[asked["call"]]
        pairs = [(y, g) for y, g in zip(outputs, asked["gradients"], strict=True) if g is not None]
        ys, gs = [y for y, _ in pairs], [g for _, g in pairs]
        found = torch.autograd.grad(ys, [*inputs, self.witness], gs, allow_unused=True, retain_graph=True)
        return {"op": "return", "value": list(found[:-1])}

    # --------------------------------------------------------------------------------------------------------- the wire

    def own(self, value: Any) -> int:
        number = next((n for n, x in self.owned.items() if x is value), None)
        if number is None:
            self.owned[number := next(self.numbers)] = value
        return number

    def known(self, value: Any) -> wire.Reference | None:
        """What crosses as a reference: the judge's own things on their way back, and what is called here."""
        if isinstance(value, _Stub):
            return wire.Reference(value._number, "judge")
        if isinstance(value, torch.Generator):
            return next((wire.Reference(n, "generator") for n, g in self.generators.items() if g is value), None)
        return wire.Reference(self.own(value), _kind(value)) if callable(value) else None

    def find(self, reference: wire.Reference) -> Any:
        if reference.kind == "student":
            return self.owned[reference.number]
        return _Stub(self, reference.number, reference.kind)

    def write(self, message: dict) -> None:
        try:
            data = wire.pack(message, keep=self.known)
        except wire.Refused as error:
            data = wire.pack({"op": "raise", "type": "ValueError", "name": "ValueError", "message": str(error), "trace": ""})
        self.connection.sendall(struct.pack("<Q", len(data)) + data)

    def read(self) -> dict:
        size = struct.unpack("<Q", _exactly(self.connection, 8))[0]
        return wire.unpack(_exactly(self.connection, size), find=self.find, generators=self.generators)

    def call_back(self, number: int, args: tuple, kwargs: dict) -> Any:
        self.write(
            {"op": "callback", "number": number, "args": args, "kwargs": kwargs, "grad": torch.is_grad_enabled(), "states": _states()}
        )
        answer = self.read()
        _set_states(answer.get("states", {}))
        if answer["op"] == "raise":
            raise getattr(builtins, answer["type"])(answer["message"])
        return answer


class _Stub:
    """A function or module that stays with the judge; calling it asks there."""

    def __init__(self, server: _Server, number: int, kind: str):
        self._server, self._number, self._kind = server, number, kind

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        answer = self._server.call_back(self._number, args, kwargs)
        outputs = [x for x in leaves(answer["value"]) if x.requires_grad]
        if not (outputs and torch.is_grad_enabled()):
            return _mapped(answer["value"], {id(x): x.detach() for x in outputs})
        inputs = [x for x in leaves([list(args), kwargs]) if x.requires_grad]
        given = _Back.apply(self._server, answer["call"], [x.detach() for x in outputs], self._server.witness, *inputs)
        return _mapped(answer["value"], {id(x): y for x, y in zip(outputs, given, strict=True)})


class _Back(torch.autograd.Function):
    """What came back from the judge, tied to its arguments."""

    @staticmethod
    def forward(ctx: Any, server: _Server, call: int, values: list[Tensor], witness: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.server, ctx.call = server, call
        return tuple(values)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple:
        ctx.server.write({"op": "callback_vjp", "call": ctx.call, "gradients": list(gradients)})
        found = ctx.server.read()["value"]
        return None, None, None, torch.zeros(()), *found


# ---------------------------------------------------------------------------------------------------------- small things


def leaves(x: Any) -> list[Tensor]:
    """Returns every tensor in nested lists, tuples and dictionaries, in order."""
    if isinstance(x, Tensor):
        return [x]
    items = x.values() if isinstance(x, dict) else x if isinstance(x, list | tuple | set | frozenset) else ()
    if isinstance(x, wire.Record):
        items = x.fields.values()
    return [leaf for item in items for leaf in leaves(item)]


def _mapped(x: Any, replaced: dict[int, Tensor]) -> Any:
    """The same nested value with some tensors exchanged."""
    if isinstance(x, Tensor):
        return replaced.get(id(x), x)
    if isinstance(x, wire.Record):
        return wire.Record(x.type, {name: _mapped(item, replaced) for name, item in x.fields.items()})
    if isinstance(x, dict):
        return {key: _mapped(item, replaced) for key, item in x.items()}
    return type(x)(_mapped(item, replaced) for item in x) if type(x) in (list, tuple) else x


def _kind(value: Any) -> str:
    if isinstance(value, type):
        return "module class" if issubclass(value, torch.nn.Module) else "class"
    return "module" if isinstance(value, torch.nn.Module) else "function"


def _states() -> dict:
    name, keys, *rest = np.random.get_state()
    return {"torch": torch.get_rng_state(), "numpy": (name, keys, *rest), "random": str(random.getstate()[1][-1])}


def _set_states(states: dict) -> None:
    if "torch" in states:
        torch.set_rng_state(states["torch"])
    if "numpy" in states:
        np.random.set_state(states["numpy"])


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        if not (part := connection.recv(min(size - len(parts), 1 << 20))):
            raise ConnectionError("the judge has gone")
        parts += part
    return bytes(parts)


def _nearest(error: BaseException) -> str:
    """The built-in exception that an error is, or is made from."""
    return next(kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:4000]
    except Exception:
        return "(its text cannot be read)"


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)[2:])[-4000:] if sys.getrecursionlimit() else ""
