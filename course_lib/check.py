"""Checks for problem sets: each compares one answer with the right one and says in plain words what is wrong and what to do.

    check.close(variance, 2.0, name="the variance", say=[(2.5, "you divided by N - 1: maximum likelihood divides by N")])

    Mistake: The variance is 2.5, but 2 is right: you divided by N - 1: maximum likelihood divides by N.

The kind of thing comes first (nothing returned, a NumPy array, a wrong shape, float32, NaN), then the values; and among wrong
values those first that a known mistake gives (``say``). A check needs only the values: it works the same in a notebook and in
a grader that runs the student's code in another process.

Taught in: 00_start_here
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

Say = Mapping[Any, str] | Iterable[tuple[Any, str]]
_BY_HAND = "Work this case out by hand and compare"


class Mistake(AssertionError):
    """An answer that a check does not accept.

    Attributes:
        named: whether the message names the mistake, and not only the two values that differ.
    """

    def __init__(self, message: str, *, named: bool) -> None:
        super().__init__(message)
        self.named = named

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message alone, for the lines that led to it are the check's own."""
        return [f"Mistake: {self}"]


def equal(got: Any, want: Any, *, name: str = "the result", say: Say = (), otherwise: str = "") -> None:
    """Accepts exactly the wanted value: a number, a text, a shape, or a tensor of whole numbers.

    Args:
        got: the student's value.
        want: the right value; a list stands for a tensor.
        name: what the value is, for the message.
        say: wrong values, each with the mistake that leads to it.
        otherwise: what to say of any other wrong value.

    Raises:
        Mistake: if the values differ.

    Example:
        >>> equal(torch.tensor([0, 2, 1]), [0, 1, 2], say={(0, 2, 1): "signs are swapped"})
        Traceback (most recent call last):
        course_lib.check.Mistake: The result is [0, 2, 1], but [0, 1, 2] is right: signs are swapped.
    """
    _refuse_none(got, name)
    if isinstance(want, Tensor | list) and not isinstance(got, list):
        close(got, torch.as_tensor(want), name=name, say=say, otherwise=otherwise, rtol=0.0, atol=0.0)
        return
    if isinstance(got, np.generic):
        got = got.item()  # a number of NumPy's is as good as a plain one
    if type(got) is not type(want) or got != want:
        advice = next((words for value, words in _pairs(say) if type(value) is type(got) and value == got), otherwise)
        _refuse(f"{_capital(name)} is {got!r}, but {want!r} is right", advice)


def close(
    got: Any, want: Any, *, name: str = "the result", say: Say = (), otherwise: str = "", rtol: float | int = 1e-7, atol: float | int = 1e-9
) -> None:
    """Accepts the wanted number or tensor up to rounding: ``|got - want| <= atol + rtol · |want|`` everywhere.

    Args:
        got: the student's number or tensor.
        want: the right one. Where it is a tensor, shape and dtype must be its own; a single number may come as a float.
        name: what the value is, for the message.
        say: wrong values, each with the mistake that leads to it; compared with the same tolerance, and nan may be one of them.
        otherwise: what to say of any other wrong value.
        rtol: the relative tolerance.
        atol: the absolute tolerance.

    Raises:
        Mistake: if they differ, in kind, shape, dtype or value.

    Example:
        >>> close(torch.tensor(2.5), 2.0, name="the variance", say=[(2.5, "you divided by N - 1")])
        Traceback (most recent call last):
        course_lib.check.Mistake: The variance is 2.5, but 2 is right: you divided by N - 1.
    """
    _refuse_kind(got, want, name)
    value, right = _tensor(got), _tensor(want)
    for wrong, words in _pairs(say):
        wrong = _tensor(wrong)
        if wrong.shape == value.shape and not _agree(value, right, rtol, atol) and _agree(value, wrong, rtol, atol, nan=True):
            _refuse(_difference(value, right, name, rtol, atol), words)
    if value.shape != right.shape:
        _refuse(*_about_shape(tuple(value.shape), tuple(right.shape), name))
    if isinstance(got, Tensor) and isinstance(want, Tensor) and got.dtype != want.dtype:
        _refuse(*_about_dtype(got.dtype, want.dtype, name))
    if right.isfinite().all() and not value.isfinite().all():
        _refuse(*_about_infinity(value, name, otherwise))
    if not _agree(value, right, rtol, atol):
        _refuse(_difference(value, right, name, rtol, atol), otherwise)


def parts(got: Any, *names: str) -> tuple[Any, ...]:
    """Takes apart what a function returned, which must be as many values as there are names.

    Returns:
        The values, in order.

    Raises:
        Mistake: if there are more or fewer of them.

    Example:
        >>> mean, variance = parts((torch.tensor(1.0), torch.tensor(2.0)), "mean", "variance")
        >>> parts(torch.tensor(1.0), "mean", "variance")
        Traceback (most recent call last):
        course_lib.check.Mistake: The function returned a tensor, but 2 values are asked for: end it with  return mean, variance.
    """
    _refuse_none(got, "the result")
    if not isinstance(got, tuple | list) or len(got) != len(names):
        returned = f"{len(got)} values" if isinstance(got, tuple | list) else _kind(got).replace("of type", "a value of type")
        _refuse(f"The function returned {returned}, but {len(names)} values are asked for", f"end it with  return {', '.join(names)}")
    return tuple(got)


def shape(got: Any, want: tuple[int, ...], *, name: str = "the result", say: Say = ()) -> None:
    """Accepts a tensor of the wanted shape, whatever its values.

    Raises:
        Mistake: if it is no tensor, or has another shape.

    Example:
        >>> shape(torch.zeros(3, 5), (5, 3), name="the table of responsibilities")
        Traceback (most recent call last):
        course_lib.check.Mistake: The table of responsibilities has shape (3, 5), but (5, 3) is right: the axes are swapped.
    """
    _refuse_kind(got, torch.zeros(1), name)
    if tuple(got.shape) != tuple(want):
        fact, advice = _about_shape(tuple(got.shape), tuple(want), name)
        _refuse(fact, dict(_pairs(say)).get(tuple(got.shape), advice))


def that(holds: Any, otherwise: str) -> None:
    """Accepts a condition that holds.

    Args:
        holds: the condition.
        otherwise: what is wrong where it does not, and what to do.

    Raises:
        Mistake: if it does not hold.

    Example:
        >>> that(1 > 2, "the likelihood fell")
        Traceback (most recent call last):
        course_lib.check.Mistake: The likelihood fell.
    """
    if not bool(holds):
        _refuse("", otherwise)


def unchanged(now: Tensor, before: Tensor, *, name: str) -> None:
    """Accepts an argument that still is what it was before the student's function had it.

    Raises:
        Mistake: if it was changed in place.

    Example:
        >>> unchanged(torch.ones(2), torch.zeros(2), name="x")
        Traceback (most recent call last):
        course_lib.check.Mistake: Your function changed its argument x: work on a copy (x - m makes one, x -= m does not).
    """
    if now.shape != before.shape or not torch.equal(now, before):
        _refuse(f"Your function changed its argument {name}", "work on a copy (x - m makes one, x -= m does not)")


def _refuse(fact: str, advice: str) -> None:
    words = ": ".join(part for part in (fact, advice or _BY_HAND) if part)
    raise Mistake(_capital(words) + ("" if words.endswith((".", "?")) else "."), named=bool(advice))


def _refuse_none(got: Any, name: str) -> None:
    if got is None:
        _refuse(f"{_capital(name)} is None", "the function ended without giving anything back: is the `return` there?")


def _refuse_kind(got: Any, want: Any, name: str) -> None:
    """Refuses what cannot be compared: nothing, an array of another library, several values, text."""
    _refuse_none(got, name)
    if isinstance(got, Tensor) and got.is_complex():
        _refuse(
            f"{_capital(name)} is complex, but real numbers are asked for",
            "torch.linalg.eigh gives the real eigenvalues of a symmetric matrix, torch.fft.irfft a real signal; else take .real",
        )
    one_number = not isinstance(want, Tensor) or want.ndim == 0
    number = isinstance(got, int | float | np.integer | np.floating) and not isinstance(got, bool)
    if isinstance(got, Tensor) or (one_number and number):
        return
    if number:
        _refuse(
            f"{_capital(name)} is one number, but a torch tensor is asked for",
            "return all of them together: torch.stack joins tensors, torch.tensor(..., dtype=torch.float64) plain numbers",
        )
    asked = "one number is asked for" if one_number else "a torch tensor is asked for"
    advice = {
        np.ndarray: "stay in torch all the way, or end with torch.from_numpy",
        tuple: "return one value, not several (a comma after it makes a tuple)",
        list: "torch.stack makes a tensor of tensors, torch.tensor(..., dtype=torch.float64) of plain numbers",
        bool: "a comparison gives True or False, not the value itself",
    }.get(type(got), "call the function, do not return the function itself" if callable(got) else "return the value itself")
    _refuse(f"{_capital(name)} is {_kind(got)}, but {asked}", advice)


def _about_shape(got: tuple[int, ...], want: tuple[int, ...], name: str) -> tuple[str, str]:
    if len(got) > 1 and got == want[::-1]:
        advice = "the axes are swapped"
    elif len(got) > len(want) and [n for n in got if n != 1] == [n for n in want if n != 1]:
        advice = "there is an axis of length 1 too many: squeeze it, or sum without keepdim"
    elif len(got) < len(want):
        advice = "an axis is gone: was a sum or mean taken over one axis too many?"
    elif len(got) > len(want):
        advice = "there is an axis too many: is a sum over it missing, or did broadcasting make a table of pairs?"
    else:
        advice = "follow the shapes of the task's table line by line"
    return f"{_capital(name)} has shape {got}, but {want} is right", advice


def _about_dtype(got: torch.dtype, want: torch.dtype, name: str) -> tuple[str, str]:
    if got.is_floating_point and want.is_floating_point:
        made = "torch.tensor(0.5) and torch.zeros(3) make float32, and so do torch.randn(3) and whole numbers divided"
        advice = f"{made}: write dtype=torch.float64, or .double() first; and no .float()"
    elif want.is_floating_point:
        advice = "turn whole numbers into floats before dividing: x.double()"
    else:
        advice = "whole numbers were asked: end with .long() once the values are right"
    return f"{_capital(name)} is {str(got).removeprefix('torch.')}, but {str(want).removeprefix('torch.')} is right", advice


def _about_infinity(value: Tensor, name: str, otherwise: str) -> tuple[str, str]:
    place = _first(~value.isfinite())
    likely = "exp of a large number, log of 0 or 0/0 on the way; stay with logarithms until the end"
    return f"{_capital(_placed(name, place))} is {value[place].item()}", otherwise or likely


def _difference(value: Tensor, right: Tensor, name: str, rtol: float | int, atol: float | int) -> str:
    count, place = "", ()
    if value.shape == right.shape and value.numel() > 6:  # a large table: one place of it tells enough
        wrong = ~_near(value, right, rtol, atol)
        place, count = _first(wrong), f" ({int(wrong.sum())} of {value.numel()} values differ)"
    is_now, should_be = next(
        pair for digits in range(6, 18) if len(set(pair := _both(value[place], right[place], digits))) > 1 or digits == 17
    )
    return f"{_capital(_placed(name, place))} is {is_now}, but {should_be} is right{count}"


def _tensor(value: Any) -> Tensor:
    """The values alone, as float64 on the CPU (whole numbers keep their exactness up to 2⁵³)."""
    if isinstance(value, Tensor):
        return value.detach().cpu().to(torch.float64)
    return torch.tensor(value, dtype=torch.float64)


def _near(value: Tensor, right: Tensor, rtol: float | int, atol: float | int, *, nan: bool = False) -> Tensor:
    return torch.isclose(value, right, rtol=rtol, atol=atol, equal_nan=nan)


def _agree(value: Tensor, right: Tensor, rtol: float | int, atol: float | int, *, nan: bool = False) -> bool:
    return value.shape == right.shape and bool(_near(value, right, rtol, atol, nan=nan).all())


def _pairs(say: Say) -> list[tuple[Any, str]]:
    return list(say.items() if isinstance(say, Mapping) else say)


def _first(where: Tensor) -> tuple[int, ...]:
    return tuple(where.nonzero()[0].tolist())


def _placed(name: str, place: tuple[int, ...]) -> str:
    return f"entry [{', '.join(map(str, place))}] of {name}" if place else name


def _kind(value: Any) -> str:
    known = {np.ndarray: "a NumPy array", tuple: "a tuple", list: "a list", bool: "True or False", str: "text", dict: "a dictionary"}
    return "a tensor" if isinstance(value, Tensor) else known.get(type(value), f"of type {type(value).__name__}")


def _both(value: Tensor, right: Tensor, digits: int) -> tuple[str, str]:
    return _shown(value, digits), _shown(right, digits)


def _shown(value: Tensor, digits: int) -> str:
    if value.ndim:
        return "[" + ", ".join(_shown(row, digits) for row in value) + "]"
    number = value.item()
    return f"{number + 0.0:.0f}" if math.isfinite(number) and number == round(number) and abs(number) < 1e15 else f"{number:.{digits}g}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
