"""Plain values as bytes: all that crosses between a student's process and the judge. No pickle, and nothing that is read can run.

A message is the length of a JSON head, the head, and raw numbers behind it::

    connection.sendall(pack({"op": "call", "name": "encode", "args": (x, 255)}))

Numbers, texts, lists, dictionaries, tensors, arrays, generators and records cross as values. What is no value crosses as a reference, if the
sender keeps it (a function, to be called back), else as its name, with which nothing can be done.
"""

import dataclasses
import json
import math
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

_HEAD = struct.Struct("<II")  # lengths of the head, and of a table of blob lengths in it
_TORCH = {str(dtype)[6:]: dtype for dtype in vars(torch).values() if isinstance(dtype, torch.dtype)}
_PLAIN = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"}


class Refused(ValueError):
    """Bytes that are no message, or a value that cannot cross; the message says what and where."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a reader takes: bytes of a message, how deep values stand in each other, how many there are."""

    size: int = 1 << 28
    depth: int = 40
    items: int = 200_000


class Reference(NamedTuple):
    """Something that stays with its owner: a function or a module, by the owner's number."""

    number: int
    kind: str


class Foreign(NamedTuple):
    """Something that cannot cross: the name of its type, and what it looks like."""

    type: str
    text: str


class Record(NamedTuple):
    """A dataclass or named tuple, as what it holds."""

    type: str
    fields: dict[str, Any]


def pack(message: Any, *, keep: Callable[[Any], Reference | None] = lambda value: None) -> bytes:
    """Returns a message as bytes.

    Args:
        message: any value.
        keep: is asked about everything that is no value, and returns its reference if the sender keeps it.

    Raises:
        Refused: if values contain themselves or stand too deep in each other.
    """
    blobs: list[bytes] = []
    head = json.dumps([_coded(message, blobs, keep, 0), [len(blob) for blob in blobs]]).encode()
    return b"".join([_HEAD.pack(len(head), sum(map(len, blobs))), head, *blobs])


def unpack(
    data: bytes,
    *,
    limits: Limits = Limits(),
    find: Callable[[Reference], Any] = lambda reference: reference,
    generators: dict[int, torch.Generator] | None = None,
) -> Any:
    """Returns what was packed.

    Args:
        data: the bytes of one message.
        limits: what is taken.
        find: turns references into what stands for them here.
        generators: those known here by number; they take on the states that come, and new ones are entered.

    Raises:
        Refused: if the bytes are no message within the limits.
    """
    if len(data) < _HEAD.size:
        raise Refused(f"a message has at least {_HEAD.size} bytes, this one {len(data)}")
    size, behind = _HEAD.unpack_from(data)
    if size + behind + _HEAD.size != len(data) or len(data) > limits.size:
        raise Refused(f"a message of {size} + {behind} bytes was announced, {len(data)} came (at most {limits.size})")
    try:
        body, lengths = json.loads(data[_HEAD.size : _HEAD.size + size])
        view, blobs, at = memoryview(data), [], _HEAD.size + size
        for length in lengths:
            if not (isinstance(length, int) and 0 <= length <= len(data) - at):
                raise Refused(f"a part of {length!r} bytes reaches behind the message")
            blobs.append(view[at : at + length])
            at += length
        return _Reader(blobs, limits, find, {} if generators is None else generators).value(body, 0)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError) as error:
        raise error if isinstance(error, Refused) else Refused(f"the message cannot be read: {type(error).__name__}: {error}") from error


def _coded(x: Any, blobs: list[bytes], keep: Callable[[Any], Reference | None], depth: int) -> Any:
    """A value as JSON that holds nothing but null, texts, booleans and tagged lists; numbers of tensors go to ``blobs``."""
    if depth > Limits.depth:
        raise Refused(f"values may stand {Limits.depth} deep in each other, and not contain themselves")

    def inner(values: Any) -> list:
        return [_coded(value, blobs, keep, depth + 1) for value in values]

    def blob(data: bytes) -> int:
        blobs.append(data)
        return len(blobs) - 1

    kind = type(x)
    if x is None or kind in (bool, str):
        return x
    if kind is int:
        return ["i", hex(x)]
    if kind is float:
        return ["f", x.hex()]
    if kind is complex:
        return ["c", x.real.hex(), x.imag.hex()]
    if kind in (bytes, bytearray):
        return ["y", blob(bytes(x))]
    if kind in _SEQUENCES:
        return [_SEQUENCES[kind], *inner(x)]
    if kind is dict:
        return ["d", *(inner(pair) for pair in x.items())]
    if kind in (slice, range):
        return ["/" if kind is slice else ":", *inner((x.start, x.stop, x.step))]
    if x is Ellipsis:
        return ["."]
    if isinstance(x, Reference):
        return ["R", hex(x.number), x.kind]
    if isinstance(x, Tensor):
        return _coded_tensor(x, blob)
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "biufc":
        return ["A" if isinstance(x, np.ndarray) else "N", x.dtype.newbyteorder("<").str, list(map(hex, x.shape)), blob(_little(x))]
    if isinstance(x, torch.dtype):
        return ["D", str(x)[6:]]
    if isinstance(x, torch.Generator):
        number = keep(x)
        return ["G", hex(-1 if number is None else number.number), blob(x.get_state().numpy().tobytes())]
    if isinstance(x, tuple) and hasattr(kind, "_fields"):
        return ["r", kind.__name__, *inner(zip(kind._fields, x, strict=True))]
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return ["r", kind.__name__, *inner((field.name, getattr(x, field.name)) for field in dataclasses.fields(x))]
    if (kept := keep(x)) is not None:
        return ["R", hex(kept.number), kept.kind]
    return ["O", kind.__name__[:80], _look(x)]


_SEQUENCES = {list: "l", tuple: "t", torch.Size: "t", set: "s", frozenset: "z"}
_BUILDERS = {"l": list, "t": tuple, "s": set, "z": frozenset}


def _coded_tensor(x: Tensor, blob: Callable[[bytes], int]) -> Any:
    name = str(x.dtype)[6:]
    if name not in _PLAIN or x.layout != torch.strided or x.is_quantized or type(x) not in (Tensor, torch.nn.Parameter):
        return ["O", type(x).__name__, f"a tensor of {name}, {x.layout}"]
    plain = x.detach().resolve_conj().resolve_neg().cpu().clone(memory_format=torch.contiguous_format).reshape(-1)
    numbers = plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return ["T", name, list(map(hex, x.shape)), blob(numbers), bool(x.requires_grad)]


def _little(x: Any) -> bytes:
    return np.asarray(x).astype(x.dtype.newbyteorder("<")).tobytes()


def _look(x: Any) -> str:
    try:
        return repr(x)[:200]
    except Exception as error:  # a student's __repr__ may do anything
        return f"(its repr raises {type(error).__name__})"


class _Reader:
    """Builds values from a head; counts what it builds."""

    def __init__(self, blobs: list[memoryview], limits: Limits, find: Callable[[Reference], Any], generators: dict[int, torch.Generator]):
        self.blobs, self.limits, self.find, self.generators, self.left = blobs, limits, find, generators, limits.items

    def value(self, x: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth > self.limits.depth:
            raise Refused(f"more than {self.limits.items} values, or more than {self.limits.depth} deep in each other")
        if x is None or isinstance(x, bool | str):
            return x
        if not isinstance(x, list) or not x:
            raise Refused(f"{str(x)[:60]!r} is no coded value")
        tag, *rest = x
        if tag in _BUILDERS:
            return _BUILDERS[tag](self.value(item, depth + 1) for item in rest)
        if tag == "d":
            return {self.value(key, depth + 1): self.value(item, depth + 1) for key, item in rest}
        if tag == "r":
            fields = [tuple(self.value(part, depth + 1) for part in pair[1:]) for pair in rest[1:]]
            return Record(str(rest[0]), {str(name): item for name, item in fields})
        if tag in "/:":
            return (slice if tag == "/" else range)(*(self.value(item, depth + 1) for item in rest))
        return self.single(tag, rest)

    def single(self, tag: str, rest: list) -> Any:
        """A value that holds no others."""
        match tag:
            case "i":
                return int(rest[0], 16)
            case "f":
                return float.fromhex(rest[0])
            case "c":
                return complex(*map(float.fromhex, rest))
            case "y":
                return bytes(self.blobs[rest[0]])
            case ".":
                return ...
            case "T":
                return self.tensor(*rest)
            case "A" | "N":
                return self.array(tag, *rest)
            case "D":
                return _TORCH[rest[0]]
            case "G":
                return self.generator(*rest)
            case "R":
                return self.find(Reference(int(rest[0], 16), str(rest[1])))
            case "O":
                return Foreign(str(rest[0]), str(rest[1]))
        raise Refused(f"{str(tag)[:20]!r} is no kind of value")

    def tensor(self, name: str, shape: list, place: int, wants_gradient: bool) -> Tensor:
        if name not in _PLAIN:
            raise Refused(f"{name!r} is no type of a tensor")
        dtype, sizes, data = _TORCH[name], _sizes(shape), self.blobs[place]
        if math.prod(sizes) * dtype.itemsize != len(data):
            raise Refused(f"a tensor {tuple(sizes)} of {name} does not have {len(data)} bytes")
        if name == "bool" and len(data) and max(data) > 1:
            raise Refused("a boolean is 0 or 1")
        numbers = torch.frombuffer(bytearray(data), dtype=dtype) if len(data) else torch.empty(0, dtype=dtype)
        return numbers.reshape(sizes).requires_grad_(wants_gradient is True and (dtype.is_floating_point or dtype.is_complex))

    def array(self, tag: str, code: str, shape: list, place: int) -> Any:
        dtype, sizes, data = np.dtype(code), _sizes(shape), self.blobs[place]
        if dtype.kind not in "biufc" or math.prod(sizes) * dtype.itemsize != len(data):
            raise Refused(f"an array {tuple(sizes)} of {code!r} does not have {len(data)} bytes")
        numbers = np.frombuffer(data, dtype).astype(dtype.newbyteorder("=")).reshape(sizes)
        return numbers if tag == "A" else numbers[()]

    def generator(self, number: str, place: int) -> Any:
        known = int(number, 16)
        generator = torch.Generator() if known < 0 else self.generators.setdefault(known, torch.Generator())
        try:
            generator.set_state(torch.frombuffer(bytearray(self.blobs[place]), dtype=torch.uint8))
        except RuntimeError as error:
            raise Refused(f"this is no state of a random generator: {error}") from error
        return generator


def _sizes(shape: list) -> list[int]:
    sizes = [int(size, 16) for size in shape]
    if any(size < 0 for size in sizes) or len(sizes) > 64:
        raise Refused(f"{sizes} is no shape")
    return sizes
