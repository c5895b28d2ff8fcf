"""What a function did to its arguments, noticed where it ran and done again where the arguments came from.

    watch = Watch([args, kwargs], pack)
    function(*args, **kwargs)
    edits = watch.edits()          there
    apply([args, kwargs], edits)   here

Both sides go through the same nested values in the same order, so a number says which tensor, array, list, dictionary or set was changed.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

if __package__:
    from course_lib.grading.conversation.wire_records import Record, Refused
else:
    from wire_records import Record, Refused


def changeable(x: Any) -> Iterator[Any]:
    """Yields everything in nested values that a function could change."""
    if isinstance(x, list | dict | set) or _is_array(x) or _has_state(x):
        yield x
    for item in inside(x):
        yield from changeable(item)


class Watch:
    """Notices what is changed in nested values.

    Args:
        values: the values.
        pack: turns a value into bytes, by which it is compared with itself.
    """

    def __init__(self, values: Any, pack: Callable[[Any], bytes]):
        self.pack, self.objects = pack, list(changeable(values))
        self.places: dict[int, int] = {}
        for place, x in enumerate(self.objects):
            self.places.setdefault(id(x), place)
        self.before = [pack(self.content(x)) for x in self.objects]

    def content(self, x: Any) -> Any:
        """What stands directly in a thing; of other things that were there before, their place."""
        if isinstance(x, list):
            return [self.item(item) for item in x]
        if isinstance(x, dict):
            return [(key, self.item(item)) for key, item in x.items()]
        return list(x) if isinstance(x, set) else x

    def item(self, x: Any) -> tuple[bool, Any]:
        """Whether a thing was there before, and its place or itself."""
        return (True, self.places[id(x)]) if id(x) in self.places else (False, x)

    def edits(self) -> list[tuple[int, Any]]:
        """Returns what was changed: the place and the new content."""
        now = [(place, self.content(x)) for place, x in enumerate(self.objects)]
        return [(place, content) for (place, content), before in zip(now, self.before, strict=True) if self.pack(content) != before]


def apply(values: Any, edits: list, *, may: Callable[[Any], bool] = lambda x: True) -> None:
    """Does to values what was done to their copies.

    Args:
        values: the values.
        edits: what ``Watch.edits`` gave.
        may: is asked about each thing that would be changed.

    Raises:
        Refused: if these are no edits of such values.
    """
    objects = list(changeable(values))
    for edit in edits:
        if not (type(edit) is tuple and len(edit) == 2 and type(edit[0]) is int and 0 <= edit[0] < len(objects)):
            raise Refused("this is no edit of an argument")
        x, content = objects[edit[0]], edit[1]
        if _has_state(x) or not may(x):  # a state came with whatever mentioned it
            continue
        if isinstance(x, list):
            x[:] = [_item(pair, objects) for pair in _pairs(content)]
        elif isinstance(x, dict):
            items = {key: _item(pair, objects) for key, pair in _pairs(content)}
            x.clear()
            x.update(items)
        elif isinstance(x, set):
            x.clear()
            x.update(_listed(content))
        elif _is_array(x):
            _write(x, content)


def inside(x: Any) -> Iterable[Any]:
    """Returns what nested values hold directly: lists, tuples, dictionaries, records, dataclasses."""
    if isinstance(x, dict):
        return x.values()
    if isinstance(x, Record):
        return x.fields.values()
    if dataclasses.is_dataclass(x) and not isinstance(x, type) and not callable(x):
        return [getattr(x, field.name) for field in dataclasses.fields(x)]
    return x if isinstance(x, list | tuple) else ()


def _is_array(x: Any) -> bool:
    torch, np = sys.modules.get("torch"), sys.modules.get("numpy")
    return (torch is not None and isinstance(x, torch.Tensor)) or (np is not None and isinstance(x, np.ndarray))


def _has_state(x: Any) -> bool:
    """Generators and modules, whose states come with them wherever they are mentioned."""
    torch, np = sys.modules.get("torch"), sys.modules.get("numpy")
    return (torch is not None and isinstance(x, torch.Generator | torch.nn.Module)) or (
        np is not None and isinstance(x, np.random.Generator)
    )


def _listed(content: Any) -> list:
    if type(content) is not list:
        raise Refused("the new content of an argument is no list")
    return content


def _pairs(content: Any) -> list:
    if not all(type(pair) is tuple and len(pair) == 2 for pair in _listed(content)):
        raise Refused("the new content of an argument is no list of pairs")
    return content


def _item(pair: Any, objects: list) -> Any:
    if not (type(pair) is tuple and len(pair) == 2 and type(pair[0]) is bool):
        raise Refused("the new content of an argument cannot be read")
    there, x = pair
    if not there:
        return x.detach() if hasattr(x, "detach") and _is_array(x) else x
    if not (type(x) is int and 0 <= x < len(objects)):
        raise Refused("the new content of an argument names what is not there")
    return objects[x]


def _write(x: Any, new: Any) -> None:
    if type(new).__module__ != type(x).__module__ or not _is_array(new) or new.shape != x.shape or new.dtype != x.dtype:
        return  # an array that got another shape or kind in place cannot be followed
    if hasattr(x, "detach"):
        import torch

        with torch.no_grad():
            x.copy_(new)
    elif x.flags.writeable:
        x[...] = new
