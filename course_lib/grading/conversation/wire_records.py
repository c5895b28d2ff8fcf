"""What ``wire`` knows besides plain values: references to what stays, records and named tuples as what they hold, what cannot cross at all,
and how much of everything may come.
"""

import builtins
import dataclasses
import keyword
from typing import Any, NamedTuple

_PLAIN = (bool, int, float, complex, str, bytes, list, tuple, dict, set)
PLAIN_TYPES = {
    f"builtins.{kind.__name__}": kind
    for kind in (*_PLAIN, *(kind for kind in vars(builtins).values() if isinstance(kind, type) and issubclass(kind, Exception)))
}


class Refused(ValueError):
    """Bytes that are no message, or a value that cannot cross; the message says what and where."""


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


LIMITS = Limits()


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


class Record:
    """A dataclass, as what it holds: its fields are attributes, it has no methods, and it equals another of the same name and values.

    Args:
        module: where its type is defined.
        type: the name of its type.
        names: its fields.
        values: what they hold.
    """

    __hash__ = None

    def __init__(self, module: str, type: str, names: list[str], values: list[Any]):
        self.module, self.type = _plain(module), _plain(type)
        self.fields = dict(zip(_fields(names), values, strict=True))

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(
            f"a {self.__dict__.get('type')} comes from a student's process as what it holds ({', '.join(fields)}), and has no {name}"
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Record):
            return self.type == other.type and self.fields == other.fields
        if not dataclasses.is_dataclass(other) or isinstance(other, type):
            return NotImplemented
        held = {field.name: getattr(other, field.name) for field in dataclasses.fields(other)}
        return self.type == type(other).__qualname__ and self.fields == held

    def __repr__(self) -> str:
        return f"{self.type}({', '.join(f'{name}={value!r}' for name, value in self.fields.items())})"


class Row(tuple):
    """A named tuple: a tuple whose places have names too.

    Args:
        module: where its type is defined.
        type: the name of its type.
        names: its places.
        values: what they hold.
    """

    def __new__(cls, module: str, type: str, names: list[str], values: list[Any]):
        row = super().__new__(cls, values)
        row.module, row.type, row._fields = _plain(module), _plain(type), _fields(names)
        if len(row._fields) != len(values):
            raise Refused(f"{len(values)} values cannot have {len(row._fields)} names")
        return row

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("_fields", ())
        if name in fields:
            return self[fields.index(name)]
        raise AttributeError(f"there is no {name} among {', '.join(fields)}")

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        return f"{self.type}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"


class Foreign:
    """Something that cannot cross: the name of its type, and what it looked like. It equals nothing and can do nothing."""

    module = text = ""

    @staticmethod
    def named(module: str, name: str, text: str) -> "Foreign":
        """Returns what stands for a thing, of a class by its name, so that an error says what was returned."""
        foreign = type(_plain(name), (Foreign,), {})()
        foreign.module, foreign.text = module[:200], text[:200]
        return foreign

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self!r} cannot come from a student's process, so nothing is known of its {name}")

    def __repr__(self) -> str:
        return f"a {type(self).__name__} ({self.text})"


def nearest(kind: type) -> str:
    """Returns the name of the built-in kind that a kind of error is, or is made from."""
    return next(base.__name__ for base in kind.__mro__ if getattr(builtins, base.__name__, None) is base)


def _plain(name: str) -> str:
    """A name that came from elsewhere, if it is one."""
    parts = name.split(".")
    ordinary = all(part.isidentifier() or part == "<locals>" for part in parts) and len(name) <= 200
    return name if ordinary else "Unnamed"


def _fields(names: list) -> tuple[str, ...]:
    if not all(type(name) is str and name.isidentifier() and not keyword.iskeyword(name) for name in names) or len(set(names)) < len(names):
        raise Refused("these are no names of fields")
    if any(name.startswith("__") for name in names):  # libraries look up __torch_function__, __array__ and the like, and do what they say
        raise Refused("a field's name may not begin with two underscores")
    return tuple(names)
