"""Values from JSON and blobs, whatever they are: the reading half of ``wire``. Kinds are checked before values, and everything is counted."""

import struct
from collections.abc import Callable
from typing import Any

if __package__:
    from course_lib.grading.conversation import wire_arrays
    from course_lib.grading.conversation.wire_records import PLAIN_TYPES, Foreign, Limits, Record, Reference, Refused, Row
else:
    import wire_arrays
    from wire_records import PLAIN_TYPES, Foreign, Limits, Record, Reference, Refused, Row

_SEQUENCES = {"l": list, "t": tuple, "s": set, "z": frozenset}


def cut(data: memoryview, lengths: list) -> list[memoryview]:
    """Returns the blobs behind a head, by their lengths.

    Raises:
        Refused: if they are not there.
    """
    blobs, at = [], 0
    for length in lengths:
        if not (type(length) is int and 0 <= length <= len(data) - at):
            raise Refused("a part reaches behind the message")
        blobs.append(data[at : at + length])
        at += length
    return blobs


class Reader:
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
            raise Refused(f"a {type(x).__name__} is no coded value")
        tag, *rest = x
        if tag in _SEQUENCES:
            items = [self.value(item, depth + 1) for item in rest]
            return _SEQUENCES[tag](self.hashed(items) if tag in "sz" else items)
        if tag == "d":
            items = [self.value(item, depth + 1) for item in rest]
            return dict(zip(self.hashed(items[::2]), items[1::2], strict=True))
        if tag == "/":
            return slice(*(self.value(item, depth + 1) for item in rest))
        if tag == ":":
            return self.range([self.value(item, depth + 1) for item in rest])
        if tag == "R":
            number, mine, kind, name, state = rest
            state = self.value(state, depth + 1)
            return self.find(Reference(_a(int, number), _a(bool, mine), _a(str, kind), _a(str, name), state))
        if tag in ("r", "n"):
            module, name, fields, *items = rest
            kind = Record if tag == "r" else Row
            return self.build(kind(_a(str, module), _a(str, name), _a(list, fields), [self.value(item, depth + 1) for item in items]))
        return self.single(tag, rest)

    def range(self, parts: list) -> range:
        """A range that may be gone through: one without end keeps whoever adds it up busy for ever, inside C, where no alarm is heard."""
        found = range(*parts)
        if not all(abs(part) < 1 << 62 for part in parts) or len(found) > self.limits.items:
            raise Refused(f"a range of more than {self.limits.items:,} numbers")
        return found

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
            case "K", [str() as name] if name in PLAIN_TYPES:
                return self.build(PLAIN_TYPES[name])
            case "O", [str() as module, str() as name, str() as text]:
                return Foreign.named(module, name, text)
        found = wire_arrays.read(tag, rest, self.blob, self.limits.size)
        return self.build(found) if isinstance(found, type) else found

    def blob(self, place: Any) -> memoryview:
        if not (type(place) is int and 0 <= place < len(self.blobs)):
            raise Refused(f"a {type(place).__name__} is no part of the message")
        return self.blobs[place]


def _a(kind: type, x: Any) -> Any:
    if type(x) is not kind:
        raise Refused(f"a {type(x).__name__} stands where a value of type {kind.__name__} is asked for")
    return x
