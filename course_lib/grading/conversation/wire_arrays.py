"""Tensors, arrays and their kinds as raw numbers, for ``wire``: what they are is checked before a number is read."""

import math
import re
import sys
from collections.abc import Callable
from typing import Any

if __package__:
    from course_lib.grading.conversation.wire_records import Refused
else:
    from wire_records import Refused

_TENSORS = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"}
_ARRAYS = {"|b1", "|u1", "<u2", "<u4", "<u8", "|i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8", "<c8", "<c16"}
_SCALARS = {"bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"} | {
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
}
_AXES = 32


def coded(x: Any, blob: Callable[[bytes], int]) -> list | None:
    """Returns a tensor, an array, or one of their kinds as a tagged list whose numbers are in blobs; None for anything else."""
    torch, np = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None:
        if isinstance(x, torch.Size):
            return ["S", *map(int, x)]
        if isinstance(x, torch.Tensor):
            return _coded_tensor(x, blob)
        if isinstance(x, torch.dtype):
            return ["D", str(x).removeprefix("torch.")]
        if isinstance(x, torch.device):
            return ["V", str(x)]
    if np is not None:
        if isinstance(x, np.ndarray | np.generic):
            return _coded_array(np, x, blob)
        if isinstance(x, np.dtype) and x.newbyteorder("<").str in _ARRAYS:
            return ["P", x.newbyteorder("<").str]
        if isinstance(x, type) and issubclass(x, np.generic) and x.__name__ in _SCALARS:
            return ["Q", x.__name__]
    return None


def read(tag: str, rest: list, blob: Callable[[Any], memoryview], most: int) -> Any:
    """Returns what ``coded`` had been given.

    Args:
        tag: the kind of value.
        rest: the rest of the tagged list.
        blob: finds raw numbers by their place.
        most: bytes that a value may take.

    Raises:
        Refused: if there is no such kind of value, or it is not what it says.
    """
    match tag, rest:
        case "T", [str() as name, list() as shape, place, bool() as wants_gradient] if name in _TENSORS:
            return _tensor(name, shape, blob(place), wants_gradient, most)
        case (("A" | "N"), [str() as code, list() as shape, place]) if code in _ARRAYS:
            return _array(tag, code, shape, blob(place), most)
        case "a", [list() as shape, list() as texts]:
            return _texts(shape, texts, most)
        case "S", shape:
            import torch

            return torch.Size(_sizes(shape, 1, most, checked=False))
        case "D", [str() as name] if re.fullmatch(r"[a-z]+[0-9]*", name):
            import torch

            if isinstance(dtype := getattr(torch, name, None), torch.dtype):
                return dtype
        case "V", [str() as name] if re.fullmatch(r"(cpu|cuda|mps|meta)(:[0-9]{1,2})?", name):
            import torch

            return torch.device(name)
        case "P", [str() as code] if code in _ARRAYS:
            import numpy as np

            return np.dtype(code)
        case "Q", [str() as name] if name in _SCALARS:
            import numpy as np

            return getattr(np, name if name != "bool" else "bool_")
    raise Refused(f"a tag with {len(rest)} parts is no kind of value")


def _coded_tensor(x: Any, blob: Callable[[bytes], int]) -> list:
    import torch

    name = str(x.dtype).removeprefix("torch.")
    if name not in _TENSORS or x.layout != torch.strided or x.is_quantized or x.device.type == "meta":
        return ["O", "torch", "Tensor", f"a tensor of {name}, {x.layout}, on {x.device}"]
    x = x.as_subclass(torch.Tensor)
    plain = x.detach().resolve_conj().resolve_neg().cpu().clone(memory_format=torch.contiguous_format).reshape(-1)
    numbers = plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return ["T", name, list(x.shape), blob(numbers), bool(x.requires_grad)]


def _coded_array(np: Any, x: Any, blob: Callable[[bytes], int]) -> list:
    plain, tag = np.asarray(x), "A" if isinstance(x, np.ndarray) else "N"
    if plain.dtype.kind == "U":
        return ["a", list(plain.shape), plain.ravel().tolist()] if tag == "A" else ["u", blob(str(x).encode("utf-8", "surrogatepass"))]
    code = plain.dtype.newbyteorder("<").str
    if code not in _ARRAYS:
        return ["O", "numpy", type(x).__name__, f"an array of {plain.dtype}"]
    return [tag, code, list(plain.shape), blob(plain.astype(plain.dtype.newbyteorder("<")).tobytes())]


def _tensor(name: str, shape: list, data: memoryview, wants_gradient: bool, most: int) -> Any:
    import torch

    dtype = getattr(torch, name)
    sizes = _sizes(shape, dtype.itemsize, most)
    if math.prod(sizes) * dtype.itemsize != len(data) or (name == "bool" and len(data) and max(data) > 1):
        raise Refused(f"these {len(data)} bytes are no tensor {tuple(sizes)} of {name}")
    numbers = torch.frombuffer(bytearray(data), dtype=dtype) if len(data) else torch.empty(0, dtype=dtype)
    return numbers.reshape(sizes).requires_grad_(wants_gradient and (dtype.is_floating_point or dtype.is_complex))


def _array(tag: str, code: str, shape: list, data: memoryview, most: int) -> Any:
    import numpy as np

    dtype = np.dtype(code)
    sizes = _sizes(shape, dtype.itemsize, most)
    if math.prod(sizes) * dtype.itemsize != len(data) or (dtype.kind == "b" and len(data) and max(data) > 1) or (tag == "N" and sizes):
        raise Refused(f"these {len(data)} bytes are no array {tuple(sizes)} of {code}")
    numbers = np.frombuffer(data, dtype).astype(dtype.newbyteorder("=")).reshape(sizes)
    return numbers if tag == "A" else numbers[()]


def _texts(shape: list, texts: list, most: int) -> Any:
    import numpy as np

    if not all(type(text) is str for text in texts) or 4 * len(texts) * max(map(len, texts), default=0) > most:
        raise Refused("these are no texts, or they are too long")
    return np.array(texts, dtype=str).reshape(_sizes(shape, 1, most))


def _sizes(shape: list, itemsize: int, most: int, *, checked: bool = True) -> list[int]:
    """Sizes of axes; those of an empty tensor must not hide a huge one either."""
    if not all(type(size) is int and 0 <= size < 1 << 48 for size in shape) or len(shape) > _AXES:
        raise Refused("these are no sizes of axes")
    if checked and math.prod(max(size, 1) for size in shape) * itemsize > most:
        raise Refused(f"a shape {tuple(shape)} is too large")
    return shape
