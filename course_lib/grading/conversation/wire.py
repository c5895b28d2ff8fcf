"""Plain values as bytes: all that crosses between a student's process and the judge. No pickle, and nothing that is read can run.

    connection.sendall(pack({"op": "call", "number": 3, "args": (x, 255)}))

A message is the sizes of its head and of what follows, a head in JSON, and raw numbers. What is no value crosses as a reference, if the
sender keeps it (a function, to be called back), else as its name, with which nothing can be done. Works without torch where there is none.
"""

import json
import struct
from collections.abc import Callable
from typing import Any

if __package__:
    from course_lib.grading.conversation.wire_reading import Reader, cut
    from course_lib.grading.conversation.wire_records import LIMITS, Limits, Record, Reference, Refused, Row
    from course_lib.grading.conversation.wire_writing import Writer
else:  # side by side in a folder that a sandbox sees
    from wire_reading import Reader, cut
    from wire_records import LIMITS, Limits, Record, Reference, Refused, Row
    from wire_writing import Writer

_SIZES = struct.Struct("<II")  # of the head, and of all that follows it


def pack(message: Any, *, keep: Callable[[Any], Reference | None] = lambda value: None, limits: Limits = LIMITS) -> bytes:
    """Returns a message as bytes.

    Args:
        message: any value.
        keep: is asked about everything that is no value, and returns its reference if the sender keeps it.
        limits: what the reader takes.

    Raises:
        Refused: if values contain themselves, stand too deep in each other, or are too many.
    """
    writer = Writer(keep, limits)
    head = json.dumps([writer.coded(message, 0), [len(blob) for blob in writer.blobs]], separators=(",", ":")).encode()
    data = b"".join([_SIZES.pack(len(head), sum(map(len, writer.blobs)) & 0xFFFFFFFF), head, *writer.blobs])
    if len(data) > limits.size or len(head) > limits.head:
        raise Refused(f"a value of {len(data):,} bytes is too large to be compared: at most {limits.size:,} cross")
    return data


def unpack(
    data: bytes,
    *,
    limits: Limits = LIMITS,
    find: Callable[[Reference], Any] = lambda reference: reference,
    build: Callable[[Record | Row | type], Any] = lambda record: record,
) -> Any:
    """Returns what was packed.

    Args:
        data: the bytes of one message.
        limits: what is taken.
        find: turns references into what stands for them here.
        build: turns records, and types that need no reference, into what stands for them here.

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
        return Reader(cut(memoryview(data)[_SIZES.size + size :], lengths), limits, find, build).value(body, 0)
    except Refused:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, MemoryError, ImportError) as error:
        raise Refused(f"the message cannot be read: {type(error).__name__}") from error
