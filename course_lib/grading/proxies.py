"""In the judge: what a student wrote, as functions that are called here and run there."""

import builtins
import itertools
import socket
import struct
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.grading import wire
from course_lib.grading.serving import _exactly, _mapped, leaves


class StudentError(Exception):
    """An error of the student's own kind."""


class TimedOut(Exception):
    """The student's code did not answer in time."""


class Gone(Exception):
    """The student's process has ended."""


class Link:
    """The judge's end of a connection to a student's process.

    Args:
        connection: the socket.
        seconds: that all calls together may take.
    """

    def __init__(self, connection: socket.socket, seconds: float):
        self.connection, self.until = connection, time.monotonic() + seconds
        self.numbers = itertools.count()
        self.kept: dict[int, Any] = {}  # the judge's functions and generators that the student's side knows by number
        self.pending: dict[int, tuple[list[Tensor], list[Tensor]]] = {}  # callbacks whose gradients may be asked for
        self.found: list[Tensor] = []  # parameters that callbacks of this call have used
        self.sums: dict[int, Tensor] = {}  # their gradients, in a backward pass

    def done(self) -> None:
        """Lets the student's process go on."""
        self.write({"op": "done"})

    def names(self, *wanted: str) -> dict[str, Any]:
        """Returns what the student's names are: values, and functions to call."""
        return self.ask({"op": "look", "names": wanted})["value"]

    def call(self, number: int, args: tuple, kwargs: dict) -> Any:
        """Calls a student's function, and puts what it gives into this process's gradients."""
        call, given = next(self.numbers), leaves([list(args), kwargs])
        self.found = []
        asked = {"op": "call", "number": number, "call": call, "args": args, "kwargs": kwargs, "grad": torch.is_grad_enabled()}
        answer = self.ask({**asked, "states": _states()})
        if answer.get("after") is not None:
            _edit([args, kwargs], answer["after"])
        _set_states(answer["states"])
        value = answer["value"]
        outputs = [x for x in leaves(value) if x.requires_grad]
        inputs = [x for x in given if x.requires_grad]
        parameters = list({id(x): x for x in self.found}.values())
        replaced = {id(x): x.detach() for x in outputs}
        if outputs and torch.is_grad_enabled() and (inputs or parameters):
            spliced = _Splice.apply(self, call, len(inputs), parameters, [x.detach() for x in outputs], *inputs, *parameters)
            replaced = {id(x): y for x, y in zip(outputs, spliced, strict=True)}
        return _mapped(value, replaced)

    def ask(self, message: dict) -> dict:
        """Sends a question, answers the student's callbacks, and returns the answer."""
        self.write(message)
        while True:
            answer = self.read()
            match answer.get("op"):
                case "return":
                    return answer
                case "raise":
                    raise _error(answer)
                case "callback":
                    self.write(self.called_back(answer))
                case "callback_vjp":
                    self.write(self.gradient_of(answer))
                case other:
                    raise wire.Refused(f"{str(other)[:40]!r} is no answer")

    def called_back(self, asked: dict) -> dict:
        """The student's code calls one of the judge's functions."""
        function = self.kept.get(asked["number"])
        if not callable(function):
            raise wire.Refused(f"{asked['number']!r} is no function of the judge")
        _set_states(asked["states"])
        inputs = [x for x in leaves([list(asked["args"]), asked["kwargs"]]) if x.requires_grad]
        try:
            with torch.set_grad_enabled(asked["grad"] is True):
                value = function(*asked["args"], **asked["kwargs"])
        except Exception as error:  # it is the student's code that has to know, as if it had been called there
            return {"op": "raise", "type": _builtin(error), "message": str(error), "states": _states()}
        outputs = [x for x in leaves(value) if x.requires_grad]
        call = next(self.numbers)
        if outputs:
            self.pending[call] = outputs, inputs
            ours = {id(x) for x in inputs}
            self.found += [x for x in _leaves_of(outputs) if id(x) not in ours]
        return {"op": "return", "value": value, "call": call, "states": _states()}

    def gradient_of(self, asked: dict) -> dict:
        """The student's backward pass reaches something that one of the judge's functions gave."""
        outputs, inputs = self.pending[asked["call"]]
        ours = {id(x) for x in inputs}
        parameters = [x for x in _leaves_of(outputs) if id(x) not in ours]
        pairs = [(y, g) for y, g in zip(outputs, asked["gradients"], strict=True) if g is not None]
        found = torch.autograd.grad(
            [y for y, _ in pairs], [*inputs, *parameters], [g for _, g in pairs], allow_unused=True, retain_graph=True
        )
        for parameter, gradient in zip(parameters, found[len(inputs) :], strict=True):
            if gradient is not None:
                self.sums[id(parameter)] = self.sums.get(id(parameter), 0) + gradient
        return {"op": "return", "value": list(found[: len(inputs)])}

    # --------------------------------------------------------------------------------------------------------- the wire

    def keep(self, value: Any) -> wire.Reference | None:
        if isinstance(value, StudentFunction):
            return wire.Reference(value._number, "student")
        if not (callable(value) or isinstance(value, torch.Generator)):
            return None
        number = next((n for n, x in self.kept.items() if x is value), None)
        if number is None:
            self.kept[number := next(self.numbers)] = value
        kind = "generator" if isinstance(value, torch.Generator) else "module" if isinstance(value, torch.nn.Module) else "function"
        return wire.Reference(number, kind)

    def find(self, reference: wire.Reference) -> Any:
        if reference.kind == "judge":
            return self.kept[reference.number]
        return StudentFunction(self, reference.number, reference.kind)

    def write(self, message: dict) -> None:
        data = wire.pack(message, keep=self.keep)
        self._wait()
        try:
            self.connection.sendall(struct.pack("<Q", len(data)) + data)
        except TimeoutError as error:
            raise TimedOut from error
        except OSError as error:
            raise Gone from error

    def read(self) -> dict:
        try:
            self._wait()
            size = struct.unpack("<Q", _exactly(self.connection, 8))[0]
            if size > wire.Limits().size:
                raise wire.Refused(f"an answer of {size} bytes is too long")
            generators = {n: g for n, g in self.kept.items() if isinstance(g, torch.Generator)}
            message = wire.unpack(_exactly(self.connection, size), find=self.find, generators=generators)
        except TimeoutError as error:
            raise TimedOut from error
        except OSError as error:
            raise Gone from error
        if not isinstance(message, dict):
            raise wire.Refused("an answer is a dictionary")
        return message

    def _wait(self) -> None:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimedOut
        self.connection.settimeout(left)


class StudentFunction:
    """A function of the student's; calling it runs it in his process."""

    def __init__(self, link: Link, number: int, kind: str):
        self._link, self._number, self._kind = link, number, kind

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.call(self._number, args, kwargs)


class _Splice(torch.autograd.Function):
    """Results of a student's call, tied to its arguments and to what its callbacks used; gradients are asked for in his process."""

    @staticmethod
    def forward(
        ctx: Any, link: Link, call: int, n: int, parameters: list[Tensor], values: list[Tensor], *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.link, ctx.call, ctx.n, ctx.ids = link, call, n, [id(x) for x in parameters]
        ctx.shapes = [x.shape for x in inputs]
        return tuple(values)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple:
        link, link.sums = ctx.link, {}
        gradients = [g.contiguous().clone() for g in gradients]
        found = link.ask({"op": "vjp", "call": ctx.call, "gradients": gradients})["value"]
        own = [link.sums.get(number) for number in ctx.ids]
        if len(found) != ctx.n or any(g is not None and g.shape != shape for g, shape in zip(found, ctx.shapes[: ctx.n], strict=True)):
            raise wire.Refused("gradients have other shapes than what they belong to")
        return None, None, None, None, None, *found, *own


def _leaves_of(outputs: list[Tensor]) -> list[Tensor]:
    """Every tensor at which gradients of these end."""
    seen: set = set()
    todo, found = [x.grad_fn for x in outputs if x.grad_fn is not None], {id(x): x for x in outputs if x.is_leaf}
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found[id(node.variable)] = node.variable
        todo += [parent for parent, _ in node.next_functions if parent is not None]
    return list(found.values())


def _edit(args: Any, after: Any) -> None:
    """Does to arguments here what was done to them there."""
    if isinstance(args, Tensor) and isinstance(after, Tensor):
        if args.shape == after.shape and args.dtype == after.dtype and not torch.equal(args, after):
            with torch.no_grad():
                args.copy_(after)
    elif isinstance(args, np.ndarray) and isinstance(after, np.ndarray) and args.shape == after.shape:
        args[...] = after
    elif isinstance(args, list | tuple) and isinstance(after, list | tuple):
        for x, y in zip(args, after, strict=False):
            _edit(x, y)
        if isinstance(args, list) and len(args) != len(after):
            args[:] = after
    elif isinstance(args, dict) and isinstance(after, dict):
        for key in args.keys() & after.keys():
            _edit(args[key], after[key])
        if args.keys() != after.keys():
            args.clear()
            args.update(after)


def _states() -> dict:
    return {"torch": torch.get_rng_state(), "numpy": np.random.get_state()}


def _set_states(states: dict) -> None:
    try:
        torch.set_rng_state(states["torch"])
        np.random.set_state(states["numpy"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise wire.Refused(f"this is no random state: {error}") from error


def _error(answer: dict) -> Exception:
    kind = getattr(builtins, str(answer["type"]), None)
    message, name = str(answer["message"]), str(answer["name"])
    if isinstance(kind, type) and issubclass(kind, Exception):
        if kind.__name__ == name and kind not in (UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError):
            return kind(message)
        return (
            type(name[:60] or "Error", (kind,), {})(message) if kind.__init__ is Exception.__init__ else StudentError(f"{name}: {message}")
        )
    return StudentError(f"{name}: {message}")


def _builtin(error: BaseException) -> str:
    return next(kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind)
