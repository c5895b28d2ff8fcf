"""Values as JSON that holds texts, whole numbers, booleans, null and tagged lists, and raw numbers in blobs: the writing half of ``wire``."""

import dataclasses
import struct
from collections.abc import Callable
from typing import Any

if __package__:
    from course_lib.grading.conversation import wire_arrays
    from course_lib.grading.conversation.wire_records import PLAIN_TYPES, Limits, Record, Reference, Refused, Row
else:
    import wire_arrays
    from wire_records import PLAIN_TYPES, Limits, Record, Reference, Refused, Row

_INLINE = 200  # characters of a text that stands in the head
_LONG = 16  # numbers in a list, from which on they are packed together
_TAGS = {list: "l", tuple: "t", set: "s", frozenset: "z"}


class Writer:
    """Turns values into what JSON can hold.

    Args:
        keep: is asked about everything that is no value, and returns its reference if the sender keeps it.
        limits: what the reader takes.
    """

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
        if kind is range and len(x) > self.limits.items:
            raise Refused(f"a range of {len(x):,} numbers is too long to be compared: at most {self.limits.items:,} cross")
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
        if isinstance(x, type) and PLAIN_TYPES.get(f"builtins.{x.__name__}") is x:
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
