"""Gradients and modules that reach from one process into another: what a call gives is tied to what it was given, and a module's forward
runs where the module was made, with the parameters that the caller has.

Loaded only where torch is.
"""

import copy
import operator
import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

if __package__:
    from course_lib.grading.conversation.edits import inside
    from course_lib.grading.conversation.wire_records import Record, Refused
else:
    from edits import inside
    from wire_records import Record, Refused


def leaves(x: Any) -> list[Tensor]:
    """Returns every tensor in nested lists, tuples, dictionaries, records and modules that wants a gradient, in order."""
    if isinstance(x, Tensor):
        return [x] if x.requires_grad else []
    if isinstance(x, torch.nn.Module):
        return [one for one in x.parameters() if one.requires_grad]
    return [leaf for item in inside(x) for leaf in leaves(item)]


def exchanged(x: Any, pairs: dict[int, Tensor]) -> Any:
    """Returns the same nested value with some tensors exchanged, by their ``id``; lists, dictionaries and records keep their identity."""
    if isinstance(x, Tensor):
        return pairs.get(id(x), x)
    if isinstance(x, Record):
        x.fields.update((name, exchanged(item, pairs)) for name, item in x.fields.items())
    elif isinstance(x, dict):
        x.update((key, exchanged(item, pairs)) for key, item in x.items())
    elif isinstance(x, list):
        x[:] = [exchanged(item, pairs) for item in x]
    elif isinstance(x, tuple) and any(isinstance(item, Tensor | Record | dict | list | tuple) for item in x):
        items = [exchanged(item, pairs) for item in x]
        return type(x)(x.module, x.type, list(x._fields), items) if hasattr(x, "_fields") else tuple(items)
    return x


def sources(outputs: Iterable[Tensor]) -> list[Tensor]:
    """Returns every leaf at which gradients of these tensors end."""
    found: dict[int, Tensor] = {id(x): x for x in outputs if x.is_leaf}
    todo, seen = [x.grad_fn for x in outputs if x.grad_fn is not None], set()
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found[id(node.variable)] = node.variable
        todo += [parent for parent, _ in node.next_functions if parent is not None]
    return list(found.values())


class Tie(torch.autograd.Function):
    """Results of a call in the other process, tied to what it was given; gradients are asked for there: first order only."""

    @staticmethod
    def forward(ctx: Any, peer: Any, call: int, given: int, results: list[Tensor], *inputs: Tensor) -> tuple[Tensor, ...]:
        """Returns the results; ``inputs`` are those given, then others on which the results depend."""
        ctx.peer, ctx.call, ctx.given = peer, call, given
        ctx.hidden = [id(x) for x in inputs[given:]]
        ctx.shapes = [x.shape for x in inputs[:given]]
        return tuple(results)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple:
        """Asks for the vector-Jacobian products."""
        found, hidden = ctx.peer.pulled_back(ctx.call, [None if g is None else g.contiguous().clone() for g in gradients], ctx.hidden)
        fits = type(found) is list and len(found) == ctx.given
        if not fits or any(g is not None and not (isinstance(g, Tensor) and g.shape == s) for g, s in zip(found, ctx.shapes, strict=True)):
            ctx.peer.forged("gradients that do not belong to what the call was given")
        return None, None, None, None, *found, *hidden


def products(outputs: list[Tensor], gradients: list, inputs: list[Tensor]) -> list[Tensor | None]:
    """Returns vector-Jacobian products.

    Raises:
        Refused: if the gradients do not belong to the outputs.
    """
    if len(gradients) != len(outputs) or any(g is not None and not isinstance(g, Tensor) for g in gradients):
        raise Refused("these are no gradients of that call")
    pairs = [(y, g) for y, g in zip(outputs, gradients, strict=True) if g is not None]
    if not (pairs and inputs):
        return [None] * len(inputs)
    ys, gs = zip(*pairs, strict=True)
    return list(torch.autograd.grad(ys, inputs, gs, allow_unused=True, retain_graph=True))


# ---------------------------------------------------------------------------------------------------------------------- modules


def is_module(x: Any) -> bool:
    """Whether this is a module with parameters that can travel."""
    return isinstance(x, torch.nn.Module)


def state_of(module: torch.nn.Module) -> dict[str, Any]:
    """Returns what the other end has to know of a module: its mode, its parameters, its buffers."""
    return {
        "training": module.training,
        "parameters": {name: x.detach().requires_grad_(x.requires_grad) for name, x in module.named_parameters()},
        "buffers": dict(module.named_buffers()),
    }


def load(module: torch.nn.Module, state: Any) -> None:
    """Takes on a module's state in place; what is equal already is not touched, so that pending gradients stay possible.

    Raises:
        Refused: if the state is not one of this module.
    """
    pairs = _pairs(module, state)
    module.train(state["training"])
    for old, new in pairs:
        if not torch.equal(old, new):
            with torch.no_grad():
                old.copy_(new)


def differs(module: torch.nn.Module, state: Any) -> bool:
    """Whether a state is another one than the module has.

    Raises:
        Refused: if the state is not one of this module.
    """
    pairs = _pairs(module, state)
    return module.training != state["training"] or any(not torch.equal(old, new) for old, new in pairs)


def run(module: torch.nn.Module, method: str, state: Any, args: tuple, kwargs: dict) -> Any:
    """Calls a module, or a method of it, with the parameters and buffers of a state in the place of its own."""
    parameters, buffers = _checked(state)
    module.train(state["training"])
    given = {f"module.{name}": x for name, x in {**parameters, **buffers}.items()}
    value = torch.func.functional_call(_Through(module, method), given, args, kwargs)
    for name in buffers:  # a buffer may have been replaced, not changed
        buffers[name] = given[f"module.{name}"].detach()
    return value


class _Through(torch.nn.Module):
    def __init__(self, module: torch.nn.Module, method: str):
        super().__init__()
        self.module, self.method = module, method

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return (operator.attrgetter(self.method)(self.module) if self.method else self.module)(*args, **kwargs)


class FarModule(torch.nn.Module):
    """A module that was made in the other process: parameters and buffers are here, what it does with them happens there.

    Args:
        peer: this end of the conversation.
        number: the other end's number of the whole module.
        root: the whole module, if this is a part of it.
        path: where in it.
    """

    def __init__(self, peer: Any, number: int, root: "FarModule | None" = None, path: str = ""):
        super().__init__()
        self.far_peer, self.far_number, self.far_path = peer, number, path
        self.far_root = (self if root is None else root,)  # in a tuple, so that it is no part of its part

    @staticmethod
    def made(peer: Any, number: int, state: Any) -> "FarModule":
        """Returns a module in a state; its parts are entered without asking whether it has such attributes: the other process would be asked."""
        module = FarModule(peer, number)
        parameters, buffers = _checked(state)
        for path, x in parameters.items():
            parent, last = module.far_parent(path)
            parent._parameters[last] = torch.nn.Parameter(x.detach(), requires_grad=x.requires_grad)
        for path, x in buffers.items():
            parent, last = module.far_parent(path)
            parent._buffers[last] = x
        return module.train(state["training"])

    def far_parent(self, path: str) -> tuple[torch.nn.Module, str]:
        """Returns the part in which a parameter lies, and its name there."""
        module, (*parents, last) = self, path.split(".")
        for i, name in enumerate(parents):
            if name not in module._modules:
                module._modules[name] = FarModule(self.far_peer, self.far_number, self, ".".join(parents[: i + 1]))
            module = module._modules[name]
        return module, last

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the module's own forward in the other process."""
        root = self.far_root[0]
        return self.far_peer.call(self.far_number, args, kwargs, method=self.far_path, state=state_of(root), module=root)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith(("_", "far_")):
                raise
        return self.far_peer.attribute(self.far_number, f"{self.far_path}.{name}".lstrip("."), module=self.far_root[0])

    def __getitem__(self, place: int) -> torch.nn.Module:
        return self._modules[str(place)]

    def __deepcopy__(self, memo: dict) -> "FarModule":
        state = state_of(self)
        parameters = {name: x.detach().clone().requires_grad_(x.requires_grad) for name, x in state["parameters"].items()}
        return FarModule.made(
            self.far_peer, self.far_number, {**state, "parameters": parameters, "buffers": copy.deepcopy(state["buffers"])}
        )


def _pairs(module: torch.nn.Module, state: Any) -> list[tuple[Tensor, Tensor]]:
    """Each parameter and buffer of a module, and what a state has in its place."""
    parameters, buffers = _checked(state)
    mine = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for name, new in {**parameters, **buffers}.items():
        if name not in mine or mine[name].shape != new.shape or mine[name].dtype != new.dtype:
            raise Refused("a state is not of the module that it came with")
    return [(mine[name], new) for name, new in {**parameters, **buffers}.items()]


def _checked(state: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    if type(state) is not dict or set(state) != {"training", "parameters", "buffers"} or type(state["training"]) is not bool:
        raise Refused("this is no state of a module")
    for part in (state["parameters"], state["buffers"]):
        if type(part) is not dict or len(part) > 5_000 or not all(_is_entry(name, x) for name, x in part.items()):
            raise Refused("these are no parameters of a module")
    return state["parameters"], state["buffers"]


def _is_entry(name: Any, x: Any) -> bool:
    return type(name) is str and isinstance(x, Tensor) and bool(re.fullmatch(r"((?!__)\w{1,60}\.){0,12}(?!__)\w{1,60}", name))
