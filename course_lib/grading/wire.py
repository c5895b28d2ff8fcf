"""Plain values as bytes: all that crosses between a student's process and the judge. No pickle, and nothing that is read can run.

    connection.sendall(pack({"op": "call", "number": 3, "args": (x, 255)}))

A message is the sizes of its head and of what follows, a head in JSON, and raw numbers. What is no value crosses as a reference, if the
sender keeps it (a function, to be called back), else as its name, with which nothing can be done. Works without torch where there is none.
"""

import builtins
import dataclasses
import json
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

if __package__:
    from course_lib.grading import wire_arrays
    from course_lib.grading.wire_records import Foreign, Record, Refused, Row
else:  # side by side in a folder that a sandbox sees
    import wire_arrays
    from wire_records import Foreign, Record, Refused, Row

_SIZES = struct.Struct("<II")  # of the head, and of all that follows it
_INLINE = 200  # characters of a text that stands in the head
_LONG = 16  # numbers in a list, from which on they are packed together
_SEQUENCES = {"l": list, "t": tuple, "s": set, "z": frozenset}
_TAGS = {kind: tag for tag, kind in _SEQUENCES.items()}
_PLAIN = (bool, int, float, complex, str, bytes, list, tuple, dict, set)
_TYPES = {
    f"builtins.{kind.__name__}": kind
    for kind in (*_PLAIN, *(kind for kind in vars(builtins).values() if isinstance(kind, type) and issubclass(kind, Exception)))
}


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a reader takes.

    Attributes:
        size: bytes of a message.
        head: bytes of its head.
        depth: how deep values stand in each other.
        items: how many values there are.
        keys: how many keys, of dictionaries and sets, are no text: such keys can be made to collide.
    """

    size: int = 1 << 26
    head: int = 1 << 24
    depth: int = 40
    items: int = 500_000
    keys: int = 20_000


class Reference(NamedTuple):
    """Something that stays with its owner.

    Attributes:
        number: the owner's number of it.
        mine: whether the sender is the owner.
        kind: what it is: a function, a class, a module, a generator.
        name: what it is called.
        state: what the other end has to know of it now, any value.
    """

    number: int
    mine: bool
    kind: str
    name: str = ""
    state: Any = None


def pack(message: Any, *, keep: Callable[[Any], Reference | None] = lambda value: None, limits: Limits = Limits()) -> bytes:
    """Returns a message as bytes.

    Args:
        message: any value.
        keep: is asked about everything that is no value, and returns its reference if the sender keeps it.
        limits: what the reader takes.

    Raises:
        Refused: if values contain themselves, stand too deep in each other, or are too many.
    """
    writer = _Writer(keep, limits)
    head = json.dumps([writer.coded(message, 0), [len(blob) for blob in writer.blobs]], separators=(",", ":")).encode()
    data = b"".join([_SIZES.pack(len(head), sum(map(len, writer.blobs)) & 0xFFFFFFFF), head, *writer.blobs])
    if len(data) > limits.size or len(head) > limits.head:
        raise Refused(f"a value of {len(data):,} bytes is too large to be compared: at most {limits.size:,} cross")
    return data


def unpack(
    data: bytes,
    *,
    limits: Limits = Limits(),
    find: Callable[[Reference], Any] = lambda reference: reference,
    build: Callable[[Record | Row], Any] = lambda record: record,
) -> Any:
    """Returns what was packed.

    Args:
        data: the bytes of one message.
        limits: what is taken.
        find: turns references into what stands for them here.
        build: turns records into what stands for them here.

    Raises:
        Refused: if the bytes are no message within the limits.
    """
    if len(data) < _SIZES.size:
        raise Refused(f"a message has at least {_SIZES.size} bytes, this one {len(data)}")
    size, behind = _SIZES.unpack_from(data)
    if size + behind + _SIZES.size != len(data) or len(data) > limits.size or size > limits.head:
        raise Refused(f"a message of {size} + {behind} bytes was announced, {len(data)} came")
    head = data[_SIZES.size : _SIZES.size + size]
    if head.count(b"[") > 3 * limits.items or head.count(b"{"):
        raise Refused(f"more than {limits.items} values")
    try:
        body, lengths = json.loads(head)
        return _Reader(_cut(memoryview(data)[_SIZES.size + size :], lengths), limits, find, build).value(body, 0)
    except Refused:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, MemoryError, ImportError) as error:
        raise Refused(f"the message cannot be read: {type(error).__name__}: {error}"[:500]) from error


def _cut(data: memoryview, lengths: list) -> list[memoryview]:
    blobs, at = [], 0
    for length in lengths:
        if not (type(length) is int and 0 <= length <= len(data) - at):
            raise Refused("a part reaches behind the message")
        blobs.append(data[at : at + length])
        at += length
    return blobs


class _Writer:
    """Turns values into JSON that holds texts, whole numbers, booleans, null and tagged lists; raw numbers go into blobs."""

    def __init__(self, keep: Callable[[Any], Reference | None], limits: Limits):
        self.keep, self.limits, self.left = keep, limits, limits.items
        self.blobs: list[bytes] = []

    def blob(self, data: bytes) -> int:
        self.blobs.append(data)
        return len(self.blobs) - 1

    def all(self, values: Any, depth: int) -> list:
        return [self.coded(value, depth + 1) for value in values]

    def coded(self, x: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth > self.limits.depth:
            raise Refused(
                f"at most {self.limits.items:,} values cross, at most {self.limits.depth} deep in each other, and none that contains itself"
            )
        kind = type(x)
        if x is None or kind is bool or (kind is str and len(x) <= _INLINE):
            return x
        if kind in _TAGS:
            return self.numbers(x) or [_TAGS[kind], *self.all(x, depth)]
        if kind is dict:
            return ["d", *self.all((part for pair in x.items() for part in pair), depth)]
        if kind in (slice, range):
            return ["/" if kind is slice else ":", *self.all((x.start, x.stop, x.step), depth)]
        if isinstance(x, Reference):
            return ["R", x.number, x.mine, x.kind, x.name, self.coded(x.state, depth + 1)]
        return self.single(x, kind) or wire_arrays.coded(x, self.blob) or self.composed(x, kind, depth)

    def numbers(self, x: Any) -> list | None:
        """A long list of plain numbers of one kind, close together."""
        if len(x) < _LONG or type(x) not in (list, tuple):
            return None
        kinds = {type(item) for item in x}
        code = "d" if kinds == {float} else "q" if kinds == {int} and min(x) >= -(1 << 63) and max(x) < 1 << 63 else ""
        self.left -= len(x)
        return ["#", _TAGS[type(x)], code, self.blob(struct.pack(f"<{len(x)}{code}", *x))] if code and self.left >= 0 else None

    def single(self, x: Any, kind: type) -> list | None:
        """A value that holds no others; a subclass of a plain kind is what it is made from."""
        if isinstance(x, int):
            return ["i", hex(int(x))]
        if kind is float:
            return ["f", x.hex()]
        if kind is complex:
            return ["c", x.real.hex(), x.imag.hex()]
        if isinstance(x, str):
            return ["u", self.blob(str.__str__(x).encode("utf-8", "surrogatepass"))]
        if isinstance(x, bytes | bytearray):
            return ["y", self.blob(bytes(x))]
        if x is Ellipsis:
            return ["."]
        if isinstance(x, type) and _TYPES.get(f"builtins.{x.__name__}") is x:
            return ["K", f"builtins.{x.__name__}"]
        return None

    def composed(self, x: Any, kind: type, depth: int) -> list:
        """What has named parts, what is kept, and what cannot cross."""
        where = [str(getattr(kind, "__module__", "")), kind.__qualname__]
        if isinstance(x, Record | Row):
            where = [x.module, x.type]
        if isinstance(x, Row) or (isinstance(x, tuple) and isinstance(getattr(kind, "_fields", None), tuple)):
            return ["n", *where, list(x._fields), *self.all(x, depth)]
        if isinstance(x, Record):
            return ["r", *where, list(x.fields), *self.all(x.fields.values(), depth)]
        if dataclasses.is_dataclass(x) and not isinstance(x, type) and not callable(x):
            names = [field.name for field in dataclasses.fields(x)]
            return ["r", *where, names, *self.all((getattr(x, name) for name in names), depth)]
        for plain in (list, tuple, set, frozenset, dict, float):  # a subclass crosses as what it is made from
            if isinstance(x, plain):
                return self.coded(plain(x), depth)
        if isinstance(x, _VIEWS):
            return self.coded(list(x), depth)
        if (kept := self.keep(x)) is not None:
            return self.coded(kept, depth)
        return ["O", *where, _look(x)]


_VIEWS = (type({}.keys()), type({}.values()), type({}.items()))


def _look(x: Any) -> str:
    try:
        return repr(x)[:200]
    except Exception as error:  # a student's __repr__ may do anything
        return f"(its repr raises {type(error).__name__})"


class _Reader:
    """Builds values from a head; looks at what everything is before it looks at its value, and counts what it builds."""

    def __init__(self, blobs: list[memoryview], limits: Limits, find: Callable, build: Callable):
        self.blobs, self.limits, self.find, self.build = blobs, limits, find, build
        self.left, self.keys = limits.items, limits.keys

    def value(self, x: Any, depth: int) -> Any:
        self.count(1)
        if depth > self.limits.depth:
            raise Refused(f"values stand more than {self.limits.depth} deep in each other")
        if x is None or type(x) is bool or type(x) is str:
            return x
        if type(x) is not list or not x or type(x[0]) is not str:
            raise Refused(f"{str(x)[:60]!r} is no coded value")
        tag, *rest = x
        if tag in _SEQUENCES:
            items = [self.value(item, depth + 1) for item in rest]
            return _SEQUENCES[tag](self.hashed(items) if tag in "sz" else items)
        if tag == "d":
            items = [self.value(item, depth + 1) for item in rest]
            return dict(zip(self.hashed(items[::2]), items[1::2], strict=True))
        if tag in ("/", ":"):
            return (slice if tag == "/" else range)(*(self.value(item, depth + 1) for item in rest))
        if tag == "R":
            number, mine, kind, name, state = rest
            state = self.value(state, depth + 1)
            return self.find(Reference(_a(int, number), _a(bool, mine), _a(str, kind), _a(str, name), state))
        if tag in ("r", "n"):
            module, name, fields, *items = rest
            kind = Record if tag == "r" else Row
            return self.build(kind(_a(str, module), _a(str, name), _a(list, fields), [self.value(item, depth + 1) for item in items]))
        return self.single(tag, rest)

    def count(self, more: int) -> None:
        self.left -= more
        if self.left < 0:
            raise Refused(f"more than {self.limits.items} values")

    def hashed(self, keys: list) -> list:
        self.keys -= sum(type(key) is not str for key in keys)
        if self.keys < 0:
            raise Refused(f"more than {self.limits.keys} keys that are no texts")
        return keys

    def single(self, tag: str, rest: list) -> Any:
        """A value that holds no others."""
        match tag, rest:
            case "i", [str() as digits]:
                return int(digits, 16)
            case "f", [str() as digits]:
                return float.fromhex(digits)
            case "c", [str() as real, str() as imaginary]:
                return complex(float.fromhex(real), float.fromhex(imaginary))
            case "u", [place]:
                return str(self.blob(place), "utf-8", "surrogatepass")
            case "y", [place]:
                return bytes(self.blob(place))
            case "#", [("l" | "t") as kind, ("d" | "q") as code, place]:
                data = self.blob(place)
                self.count(len(data) // 8)
                return _SEQUENCES[kind](struct.unpack(f"<{len(data) // 8}{code}", data))
            case ".", []:
                return ...
            case "K", [str() as name] if name in _TYPES:
                return _TYPES[name]
            case "O", [str() as module, str() as name, str() as text]:
                return Foreign.named(module, name, text)
        return wire_arrays.read(tag, rest, self.blob, self.limits.size)

    def blob(self, place: Any) -> memoryview:
        if not (type(place) is int and 0 <= place < len(self.blobs)):
            raise Refused(f"{str(place)[:20]!r} is no part of the message")
        return self.blobs[place]


def _a(kind: type, x: Any) -> Any:
    if type(x) is not kind:
        raise Refused(f"{str(x)[:20]!r} stands where a value of type {kind.__name__} is asked for")
    return x
