"""What a student wrote is called here and runs there: every shape of task, and a student's process that lies in every way."""

import contextlib
import dataclasses
import json
import math
import os
import socket
import struct
import time
from collections import namedtuple

import numpy as np
import pytest
import torch
from forked_student import process, student

from course_lib.grading.conversation import wire
from course_lib.grading.conversation.wire_records import LIMITS
from course_lib.grading.judging.proxies import Link
from course_lib.grading.sandbox.student_errors import Forged, Gone, StudentError, TimedOut


def called(code, *names, seconds=300.0):
    """A context with the link and the named functions."""
    return student("import torch, random, math\nimport numpy as np\n" + code, seconds=seconds)


# ---------------------------------------------------------------------------------------------------------- shapes of task


def test_values_of_every_kind_come_back_as_they_are():
    values = [
        *(None, True, 3, -(1 << 200), 2.5, math.inf, 1 - 2j, "音声 ✓", b"\x00\xff", ..., slice(1, None, 2), range(3), float, ValueError),
        *([1, "a", [2.0]], (1,), {"a": 1, (2, 3): [4]}, {1, 2}, frozenset({3}), list(range(100)), tuple(map(float, range(50)))),
        *(
            np.float64(2.5),
            np.int8(-3),
            np.arange(6).reshape(2, 3),
            np.array(["あ", "b"]),
            np.array(True),
            np.zeros((0, 3)),
            np.dtype("f4"),
        ),
        *(torch.arange(6.0).reshape(2, 3), torch.tensor([1 + 2j]), torch.tensor([], dtype=torch.bool), torch.float16, torch.Size([2, 3])),
        *(torch.tensor(1.5, dtype=torch.bfloat16), torch.ones(3).expand(2, 3), torch.device("cpu")),
    ]
    with called("def echo(x): return x") as link:
        echo = link.names("echo")["echo"]
        for value in values:
            got = echo(value)
            assert type(got) is type(value)
            if isinstance(value, torch.Tensor):
                assert got.dtype == value.dtype
                assert torch.equal(got, value)
            elif isinstance(value, np.ndarray):
                assert got.dtype == value.dtype
                np.testing.assert_array_equal(got, value)
            else:
                assert got == value
        assert math.isnan(echo(math.nan))


def test_arguments_are_changed_in_place_exactly_as_they_would_be_here():
    code = """
def change(x, array, numbers, named, kept):
    x *= 2
    array[0] = 7
    numbers.append(5)
    named["more"] = numbers
    kept[0] = kept[0] * 3
    kept.reverse()
def nothing(x):
    x = x + 1
    return x
"""
    x, array, numbers, named = torch.ones(2), np.zeros(2), [1], {}
    first, second = torch.ones(1), torch.zeros(1)
    kept = [first, second]
    with called(code) as link:
        names = link.names("change", "nothing")
        names["change"](x, array, numbers, named, kept)
        names["nothing"](second)
    assert x.tolist() == [2, 2]
    assert array.tolist() == [7, 0]
    assert numbers == [1, 5]
    assert named["more"] is numbers
    assert kept[0] is second
    assert kept[1].item() == 3
    assert first.item() == 1, "a list's new entry is not the old one changed"
    assert second.item() == 0


def test_generators_move_on_as_if_the_function_had_run_here():
    code = """
def draw(n, generator): return torch.rand(n, generator=generator)
def numpy_draw(n, rng): return rng.normal(size=n)
def loose(): return torch.rand(2), random.random(), np.random.rand()
"""
    generator, twin = (torch.Generator().manual_seed(5) for _ in range(2))
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    with called(code) as link:
        names = link.names("draw", "numpy_draw", "loose")
        for n in (3, 1000, 2):
            assert torch.equal(names["draw"](n, generator), torch.rand(n, generator=twin))
            np.testing.assert_array_equal(names["numpy_draw"](n, rng), other.normal(size=n))
        assert torch.equal(torch.rand(4, generator=generator), torch.rand(4, generator=twin))
        torch.manual_seed(1)
        once, again = names["loose"](), names["loose"]()
        assert not torch.equal(once[0], again[0])
        assert once[1:] != again[1:]
        torch.manual_seed(1)
        assert torch.equal(once[0], names["loose"]()[0])
        torch.manual_seed(1)
        assert torch.equal(once[0], torch.rand(2))


def test_gradients_reach_through_a_students_function():
    code = """
class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos()
def f(x, parts): return {"a": Own.apply(x) * parts[0], "b": (x ** 2).sum(), "n": 3}
def wrong(x): return torch.tensor(x.detach().numpy() * 2, requires_grad=True)
def no_grad(x):
    with torch.no_grad(): return 2 * x
"""
    x, w = torch.rand(3, dtype=torch.float64, requires_grad=True), torch.rand(3, dtype=torch.float64, requires_grad=True)
    with called(code) as link:
        names = link.names("f", "wrong", "no_grad")
        assert torch.autograd.gradcheck(lambda x, w: (names["f"](x, [w])["a"], names["f"](x, [w])["b"]), (x, w))
        (names["f"](x, [w])["a"].sum() + names["f"](x, [w])["b"]).backward()
        torch.testing.assert_close(x.grad, (x.cos() * w + 2 * x).detach())
        x.grad = None
        names["wrong"](x).sum().backward()
        assert x.grad is None, "a leaf of the student's own leads nowhere"
        assert not names["no_grad"](x).requires_grad
        with torch.no_grad():
            assert not names["f"](x, [w])["b"].requires_grad
        y = names["f"](x, [w])["b"]
        with pytest.raises(RuntimeError, match=r"does not require grad|once_differentiable"):
            torch.autograd.grad(torch.autograd.grad(y, x, create_graph=True)[0].sum(), x)


def test_functions_are_called_back_and_given_back():
    code = """
def integral(f, n): return sum(f((i + 0.5) / n) for i in range(n)) / n
def power(n):
    def of(x): return x ** n
    return of
def descend(loss, x, steps):
    x = x.clone().requires_grad_()
    for _ in range(steps):
        (g,) = torch.autograd.grad(loss(x), x)
        x = (x - 0.1 * g).detach().requires_grad_()
    return x.detach()
def compose(f, g): return lambda x: f(g(x))
def same(f): return f
def fails(f):
    try: f(0)
    except ZeroDivisionError as error: return f"{type(error).__name__}: {error}"
def count():
    n = 0
    while True:
        yield n
        n += 1
def total(numbers): return sum(numbers)
"""
    scale = torch.tensor(2.0, requires_grad=True)
    with called(code) as link:
        names = link.names("integral", "power", "descend", "compose", "same", "fails", "count", "total")
        assert names["integral"](lambda x: x * x, 100) == pytest.approx(1 / 3, abs=1e-4)
        assert names["integral"](names["power"](2), 100) == pytest.approx(1 / 3, abs=1e-4)
        assert names["power"](3)(2) == 8
        assert names["descend"](lambda x: ((x - 3) ** 2).sum(), torch.zeros(2), 50).tolist() == pytest.approx([3, 3], abs=1e-3)
        cube = names["compose"](lambda x: x + 1, names["power"](3))
        assert cube(2) == 9
        assert names["same"](math.sqrt) is math.sqrt
        assert names["fails"](lambda x: 1 / x) == "ZeroDivisionError: division by zero"
        x = torch.tensor(3.0, requires_grad=True)
        names["compose"](lambda y: scale * y, lambda y: y**2)(x).backward()  # parameters that a call back uses have gradients too
        assert (x.grad.item(), scale.grad.item()) == (12, 9)
        assert [n for n, _ in zip(names["count"](), range(3), strict=False)] == [0, 1, 2]
        assert names["total"](n * n for n in range(4)) == 14


def test_modules_that_students_define_are_trained_here_and_run_there():
    code = """
from torch import nn
class Net(nn.Module):
    def __init__(self, width, *, deep=False):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.BatchNorm1d(width))
        self.out = nn.Linear(width, 1)
        self.width, self.frozen = width, nn.Parameter(torch.ones(()), requires_grad=False)
    def forward(self, x): return self.out(self.inner(x)) * self.frozen
    def encode(self, x): return self.inner(x)
def parameters_of(model): return sum(p.numel() for p in model.parameters())
"""
    scope = {"torch": torch}
    exec(code, scope)
    torch.manual_seed(0)
    x, y = torch.randn(64, 2), torch.randn(64, 1)
    with called(code) as link:
        names = link.names("Net", "parameters_of")
        far, near = names["Net"](5), scope["Net"](5)
        assert [name for name, _ in far.named_parameters()] == [name for name, _ in near.named_parameters()]
        assert far.state_dict().keys() == near.state_dict().keys()
        near.load_state_dict(far.state_dict())
        for model in (far, near):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
            for _ in range(5):
                optimizer.zero_grad()
                (model(x) - y).square().mean().backward()
                optimizer.step()
        for (name, one), (_, other) in zip(far.state_dict().items(), near.state_dict().items(), strict=True):
            torch.testing.assert_close(one, other, msg=f"{name} after five steps, running averages included")
        far.eval(), near.eval()
        torch.testing.assert_close(far(x), near(x))
        torch.testing.assert_close(far.encode(x), near.encode(x))
        torch.testing.assert_close(far.inner[0](x), near.inner[0](x))
        assert far.width == 5
        assert not far.frozen.requires_grad
        assert names["parameters_of"](far) == sum(p.numel() for p in near.parameters())


def test_modules_of_the_judges_are_trained_there():
    code = """
def train(model, x, y):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
def loss(model, x): return (model(x) ** 2).mean()
"""
    torch.manual_seed(0)
    model, x, y = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)), torch.randn(8, 2), torch.randn(8, 1)
    scope = {"torch": torch}
    exec(code, scope)
    twin = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    twin.load_state_dict(model.state_dict())
    scope["train"](twin, x, y)
    with called(code) as link:
        names = link.names("train", "loss")
        names["train"](model, x, y)
        for one, other in zip(model.parameters(), twin.parameters(), strict=True):
            torch.testing.assert_close(one, other)
        model.zero_grad(), twin.zero_grad()
        names["loss"](model, x).backward()
        scope["loss"](twin, x).backward()
        for one, other in zip(model.parameters(), twin.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad)


@dataclasses.dataclass(frozen=True)
class Point:
    """Known on both sides."""

    x: float
    y: float

    def norm(self):
        """Its length."""
        return math.hypot(self.x, self.y)


Pair = namedtuple("Pair", "left right")


def test_records_objects_and_errors():
    code = """
import dataclasses, collections
@dataclasses.dataclass(frozen=True)
class Own:
    a: torch.Tensor
    b: int = 2
def length(point): return point.norm()
def moved(point): return dataclasses.replace(point, x=point.x + 1)
def use(own): return own.b + own.a.sum().item()
Row = collections.namedtuple("Row", "mean deviation")
def stats(): return Row(1.0, 2.0)
def left(pair): return pair.left
class Counter:
    def __init__(self, start): self.n = start
    def up(self, by=1): self.n += by; return self.n
class Negative(ValueError): pass
def root(x):
    if x < 0: raise Negative("no root of", x)
    if x == 0: raise KeyError("zero")
    if x == 1: raise SystemExit(3)
    if x == 2: raise torch.linalg.LinAlgError("singular")
    return x ** 0.5
limit = 12
"""
    with called(code) as link:
        wanted = ("Own", "length", "moved", "use", "stats", "left", "Counter", "Negative", "root", "limit", "undefined")
        names = link.names(*wanted)
        assert names["limit"] == 12
        assert "undefined" not in names
        assert names["length"](Point(3.0, 4.0)) == 5
        got = names["moved"](Point(3.0, 4.0))
        assert got.x == 4
        assert got == Point(4.0, 4.0)
        with pytest.raises(AttributeError, match="a Point comes from a student's process as what it holds"):
            got.norm()
        own = names["Own"](torch.ones(2))
        assert own.b == 2
        assert names["use"](own) == 4
        mean, deviation = names["stats"]()
        assert (mean, deviation) == (1, 2)
        assert names["stats"]().deviation == 2
        assert names["left"](Pair(5, 6)) == 5
        counter = names["Counter"](10)
        assert (counter.up(), counter.up(by=5), counter.n) == (11, 16, 16)
        with pytest.raises(names["Negative"], match="no root of"):
            names["root"](-1)
        with pytest.raises(ValueError, match="no root of"):
            names["root"](-1)
        with pytest.raises(KeyError, match="zero"):
            names["root"](0)
        with pytest.raises(StudentError, match="3"):
            names["root"](1)
        with pytest.raises(RuntimeError, match="singular"):
            names["root"](2)


def test_a_value_that_cannot_cross_is_refused_clearly():
    with called("def f(x): return x\ndef nested():\n    x = []\n    x.append(x)\n    return x") as link:
        names = link.names("f", "nested")
        with pytest.raises(ValueError, match="a object cannot be passed to a student's function"):
            names["f"](object())
        with pytest.raises((ValueError, RecursionError)):
            names["nested"]()
        with pytest.raises(ValueError, match="builtin_function_or_method cannot be passed"):
            names["f"](eval)
        assert names["f"](1) == 1, "the conversation goes on"


# ------------------------------------------------------------------------------------------------------- always-true equality


def test_forged_equality_does_not_cross():
    code = """
class Yes(float):
    def __eq__(self, other): return True
    __ne__ = lambda self, other: False
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __sub__ = __rsub__ = __abs__ = lambda self, *other: 0.0
    __hash__ = float.__hash__
class Always(torch.Tensor):
    def __eq__(self, other): return torch.ones(()).bool()
    def __sub__(self, other): return torch.zeros(())
class Whatever:
    __class__ = torch.Tensor
    def __eq__(self, other): return True
    def __bool__(self): return True
def number(): return Yes(1.0)
def tensor(): return torch.zeros(2).as_subclass(Always)
def thing(): return Whatever()
"""
    with called(code) as link:
        names = link.names("number", "tensor", "thing")
        assert type(names["number"]()) is float
        assert names["number"]() != 5
        assert type(names["tensor"]()) is torch.Tensor
        assert names["tensor"]().tolist() == [0, 0]
        with pytest.raises(AttributeError, match="requires_grad"):
            names["thing"]()


# ----------------------------------------------------------------------------------------------------------- a hostile process


def framed(message, *, head=None, blobs=b""):
    """A message whose head is anything at all."""
    head = json.dumps(message).encode() if head is None else head
    data = struct.pack("<II", len(head), len(blobs)) + head + blobs
    return struct.pack("<Q", len(data)) + data


def returning(value, lengths=(), blobs=b""):
    body = ["d", "op", "return", "value", value, "after", None, "chance", ["d"]]
    return framed([body, list(lengths)], blobs=blobs)


FUNCTION = returning(["d", "f", ["R", 1, True, "function", "f", None]])


def hostile(*answers):
    """Answers a question with bytes, whatever they are, then listens."""

    def act(connection):
        for answer in answers:
            connection.recv(1 << 20)
            connection.sendall(answer)
        while connection.recv(1 << 20):
            pass

    return process(act)


FORGED = {
    "no JSON": framed(None, head=b"{]"),
    "no text": framed(None, head=b"\xff\xfe"),
    "nothing": struct.pack("<Q", 0),
    "a huge size": struct.pack("<Q", 1 << 62),
    "sizes that lie": struct.pack("<Q", 8) + struct.pack("<II", 1000, 1000),
    "deep nesting": framed(None, head=b"[" * 200_000 + b"]" * 200_000),
    "deep values": returning(eval("[" * 60 + "]" * 60)),
    "deep lists": returning(__import__("functools").reduce(lambda x, _: ["l", x], range(60), None)),
    "very many values": returning(["l", *[None] * 600_000]),
    "very many lists": framed(None, head=b"[" + b"[]," * 3_000_000 + b"[]]"),
    "keys that collide": returning(["d", *[x for i in range(30_000) for x in (["i", hex(i * ((1 << 61) - 1))], None)]]),
    "keys that are lists": returning(["d", ["l"], 1]),
    "a dictionary without a value": returning(["d", 1]),
    "no kind of value": returning(["?", 1]),
    "a number": returning(5),
    "a float": returning(1e999),
    "an object of JSON": returning({"a": 1}),
    "another operation": framed([["d", "op", "explode"], []]),
    "no operation": framed([["d"], []]),
    "no dictionary": framed([None, []]),
    "a part too many": framed([["d", "op", "return", "value", None, "after", None, "chance", ["d"], "more", None], []]),
    "a wrong part": framed([["d", "op", "return", "value", None, "after", "x", "chance", ["d"]], []]),
    "a random state": framed([["d", "op", "return", "value", None, "after", None, "chance", ["d", "torch", "x"]], []]),
    "a state of zeros": framed(
        [["d", "op", "return", "value", None, "after", None, "chance", ["d", "torch", ["y", 0]]], [10]], blobs=bytes(10)
    ),
    "a question that is not answered": framed([["d", "op", "get", "number", ["i", "0x1"], "name", "__globals__"], []]),
    "a look": framed([["d", "op", "look", "names", ["t", "check"]], []]),
    "a thing that is not its own": returning(["R", 77, False, "function", "f", None]),
    "a thing without a number": returning(["R", "x", True, "function", "f", None]),
    "a thing of no kind": returning(["R", 5, True, "backdoor", "f", None]),
    "a generator without state": returning(["R", 5, True, "generator", "f", None]),
    "a generator of zeros": returning(["R", 5, True, "generator", "f", ["y", 0]], [5056], bytes(5056)),
    "a module of nothing": returning(["R", 5, True, "module", "f", ["d"]]),
    "a module with a strange name": returning(
        [
            "R",
            5,
            True,
            "module",
            "f",
            ["d", "training", True, "parameters", ["d", "a b", ["T", "float32", [], 0, True]], "buffers", ["d"]],
        ],
        [4],
        bytes(4),
    ),
    "a tensor with too few bytes": returning(["T", "float64", [3], 0, False], [8], bytes(8)),
    "a tensor without bytes": returning(["T", "float64", [3], 9, False]),
    "a tensor of no kind": returning(["T", "__class__", [], 0, False], [4], bytes(4)),
    "a tensor of objects": returning(["T", "object", [1], 0, False], [8], bytes(8)),
    "a tensor of negative size": returning(["T", "float32", [-1], 0, False], [4], bytes(4)),
    "a tensor of true size": returning(["T", "float32", [True], 0, False], [4], bytes(4)),
    "an empty tensor that is huge": returning(["T", "float32", [0, 1 << 40], 0, False], [0]),
    "a boolean of 7": returning(["T", "bool", [1], 0, False], [1], b"\x07"),
    "an array of objects": returning(["A", "|O", [1], 0], [8], bytes(8)),
    "an array of records": returning(["A", "f4,f4", [1], 0], [8], bytes(8)),
    "a boolean array of 7": returning(["A", "|b1", [1], 0], [1], b"\x07"),
    "texts that are none": returning(["a", [1], [["l"]]]),
    "a type that is none": returning(["K", "os.system"]),
    "a kind of number that is none": returning(["Q", "load"]),
    "a dtype that is none": returning(["D", "load"]),
    "a device that is none": returning(["V", "cpu:../"]),
    "a record of strange fields": returning(["r", "m", "T", ["__class__ = 1"], None]),
    "a record with too few values": returning(["r", "m", "T", ["a", "b"], None]),
    "a row with two equal names": returning(["n", "m", "T", ["a", "a"], None, None]),
    "a whole number that is none": returning(["i", "0xzz"]),
    "a whole number that is a list": returning(["i", ["l"]]),
    "a float that is none": returning(["f", "one"]),
    "a slice of nothing": returning(["/"]),
    "a range of texts": returning([":", "a", "b", "c"]),
    "an edit of nothing": framed([["d", "op", "return", "value", None, "after", ["l", ["t", ["i", "0x5"], None]], "chance", ["d"]], []]),
    "an edit that is none": framed([["d", "op", "return", "value", None, "after", ["l", None], "chance", ["d"]], []]),
}


@pytest.mark.usefixtures("own_messages")  # half a million calls, whose arguments other tests check
@pytest.mark.parametrize("what", FORGED)
def test_what_no_honest_process_sends_ends_the_conversation(what):
    with hostile(FUNCTION, FORGED[what]) as connection:
        link = Link(connection, 300.0)
        f = link.names("f")["f"]
        with pytest.raises(Forged, match="the student's process sent"):
            f(torch.ones(2), [1])
        with pytest.raises(Forged):  # and for good
            f(1)
    assert isinstance(link.failure, Forged)


def test_names_that_were_not_asked_for_are_not_taken():
    with (
        hostile(returning(["d", "check", ["R", 1, True, "function", "f", None]])) as connection,
        pytest.raises(Forged, match="not asked for"),
    ):
        Link(connection, 300.0).names("f")


def test_a_strange_error_is_an_error_and_no_more():
    def raising(kind, name, text="x"):
        return framed([["d", "op", "raise", "kind", kind, "name", name, "text", text, "number", ["i", "0x0"], "chance", ["d"]], []])

    cases = [
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("SystemExit", "exit"),
        ("eval", "eval"),
        ("ValueError", "a\0b"),
        ("BaseException", "é" * 999),
    ]
    with hostile(FUNCTION, *(raising(*case) for case in cases)) as connection:
        f = Link(connection, 300.0).names("f")["f"]
        for _ in cases:
            with pytest.raises(StudentError):
                f()


def test_a_slow_dribble_of_bytes_does_not_stretch_the_time():
    def act(connection):
        connection.recv(1 << 20)
        connection.sendall(FUNCTION)
        connection.recv(1 << 20)
        answer = returning(None)
        connection.sendall(answer[:8])
        for byte in answer[8:]:
            time.sleep(0.5)
            connection.sendall(bytes([byte]))

    with process(act) as connection:
        link = Link(connection, 1.0)
        f = link.names("f")["f"]
        started = time.monotonic()
        with pytest.raises(TimedOut, match="no answer within 1 s"):
            f()
        assert time.monotonic() - started < 20
        with pytest.raises(TimedOut):
            f()


def test_the_tests_own_work_costs_the_student_no_time():
    with called("def f(): return 1", seconds=1.5) as link:
        f = link.names("f")["f"]
        time.sleep(2.0)
        assert f() == 1


SOCKETS = """
import os
def sockets():
    there = {n: f"/proc/self/fd/{n}" for n in map(int, os.listdir("/proc/self/fd"))}
    return [n for n, place in there.items() if os.path.lexists(place) and os.readlink(place).startswith("socket")]
"""


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("def f():\n    while True: pass", TimedOut),
        ("def f():\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass", TimedOut),
        ("import os\ndef f(): os._exit(3)", Gone),
        ("import os\ndef f(): os.kill(os.getpid(), 9)", Gone),
        (SOCKETS + "def f():\n    for n in sockets(): os.close(n)", Gone),
        (SOCKETS + "def f():\n    for n in sockets(): os.write(n, b'x' * 9999)", Forged),
    ],
)
def test_a_process_that_hangs_or_dies(code, failure):
    with student(code, seconds=1.0 if failure is TimedOut else 300.0) as link:
        f = link.names("f")["f"]

        def caught():
            with contextlib.suppress(Exception):  # as a careless test does
                f()

        with pytest.raises(failure):
            caught()


def test_garbage_in_the_middle_of_a_backward_pass():
    code = """
class Bad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x.clone()
    @staticmethod
    def backward(ctx, g):
        if g[0] == 2: os._exit(1)
        for n in sockets(): os.write(n, b"garbage" * 100)
        return g
def f(x): return Bad.apply(x)
"""
    for factor, failure in ((1, Forged), (2, Gone)):
        with called(SOCKETS + code) as link:
            y = (factor * link.names("f")["f"](torch.ones(2, requires_grad=True))).sum()
            with pytest.raises(failure):
                y.backward()


def test_gradients_of_another_shape_are_forged():
    vjp = returning(["l", ["T", "float32", [1], 0, False]], [4], bytes(4))
    value = returning(["T", "float32", [2], 0, True], [8], bytes(8))
    with hostile(FUNCTION, value, vjp) as connection:
        y = Link(connection, 300.0).names("f")["f"](torch.ones(2, requires_grad=True))
        with pytest.raises(Forged, match="gradients that do not belong"):
            y.sum().backward()


def test_calls_back_without_end():
    with called("def f(g):\n    while True: g()", seconds=1.0) as link, pytest.raises(TimedOut):
        link.names("f")["f"](lambda: None)
    with called("def f(g): return g()") as link:
        f = link.names("f")["f"]

        def again():
            return f(again)

        with pytest.raises(RecursionError, match="call each other more than 20 deep"):
            f(again)
        assert f(lambda: 3) == 3


def test_of_what_a_test_passes_functions_can_be_called_and_nothing_else_done():
    class Callable:
        secret = 42

        def __call__(self):
            return 1

        def method(self):
            return self.secret

    code = """
def f(g):
    found = [g()]
    for look in (lambda: g.secret, lambda: g.method(), lambda: g.__globals__, lambda: g.far_peer.ask({"op": "look", "names": ("f",)})):
        try: found.append(look())
        except Exception as error: found.append(type(error).__name__)
    return found
def method(g): return g.far_peer.call(g.far_number, (), {}, method="method")
def other(g): return g.far_peer.call(999, (), {})
"""
    with called(code) as link:
        names = link.names("f", "method", "other")
        with pytest.raises(ValueError, match="functions can be called, and nothing else"):
            names["method"](Callable())
        with pytest.raises(ValueError, match="nothing here has the number 999"):
            names["other"](Callable())
        with pytest.raises(Forged, match="may not be asked for"):
            names["f"](Callable())


def test_a_process_cannot_choose_the_judges_random_numbers():
    code = """
def seeded():
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    return torch.rand(2)
def zeros(generator):
    state = generator.get_state()
    state[24:24 + 624 * 8] = 0
    generator.set_state(state)
def rewound(generator):
    state = generator.get_state()
    torch.rand(2000, generator=generator)
    generator.manual_seed(5)
"""
    import random

    with called(code) as link:
        names = link.names("seeded", "zeros", "rewound")
        torch.manual_seed(7), np.random.seed(7), random.seed(7)  # noqa: NPY002
        before = torch.get_rng_state()
        assert torch.equal(names["seeded"](), torch.rand(2, generator=torch.Generator().manual_seed(0)))
        drawn = torch.rand(2), np.random.rand(), random.random()  # noqa: NPY002
        assert not torch.equal(before, torch.get_rng_state()), "chance moves on"
        again = torch.Generator().manual_seed(0)
        assert not torch.equal(drawn[0], torch.rand(4, generator=again)[2:])
        assert drawn[1] != np.random.RandomState(0).rand()
        assert drawn[2] != random.Random(0).random()
        for name in ("zeros", "rewound"):
            generator = torch.Generator().manual_seed(3)
            names[name](generator)
            assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=torch.Generator().manual_seed(3)))


def test_a_kernel_without_torch_is_served_too():
    """The files stand alone in a folder; torch is not imported where nobody uses it."""
    import subprocess
    import sys
    import tempfile
    from pathlib import Path

    from course_lib.grading.conversation import serving

    here, there = socket.socketpair()
    with tempfile.TemporaryDirectory() as folder:
        for name in serving.FILES:
            (Path(folder) / name).write_bytes((Path(serving.__file__).parent / name).read_bytes())
        code = f"""
import sys, socket
sys.path.insert(0, {folder!r})
import serving, random
def f(x, g): return g(x) + random.random()
def loaded(): return [name for name in ("torch", "numpy", "course_lib") if name in sys.modules]
serving.serve_on(socket.socket(fileno={there.fileno()}), globals())
"""
        with subprocess.Popen([sys.executable, "-I", "-c", code], pass_fds=[there.fileno()]) as running:
            there.close()
            link = Link(here, 300.0)
            names = link.names("f", "loaded")
            assert 9 <= names["f"](3, lambda x: x * x) < 10
            assert names["loaded"]() == []
            link.done()
            assert running.wait(100) == 0
        here.close()


def test_a_calls_cost_is_small():
    with called("def f(x): return x") as link:
        f, x = link.names("f")["f"], torch.ones(100)
        for _ in range(20):
            f(x)
        before = os.times()
        for _ in range(200):
            f(x)
        after = os.times()
        assert after.user + after.system - before.user - before.system < 200 * 0.02


def test_what_is_packed_is_refused_where_it_is_too_large():
    with pytest.raises(wire.Refused, match="too large"):
        wire.pack(bytes(LIMITS.size + 1))


@pytest.mark.parametrize("name", ["__torch_function__", "__array__", "__array_interface__", "__len__"])
def test_no_record_or_module_answers_for_what_libraries_look_up_on_a_value(name):
    code = f"""
import dataclasses
P = dataclasses.make_dataclass("P", ["{name}"])
def record(x): return P(lambda *args, **kwargs: True)
def module(x):
    made = torch.nn.Module()
    made.register_parameter("{name}", torch.nn.Parameter(torch.ones(3)))
    return made
"""
    for maker in ("record", "module"):
        with called(code) as link, pytest.raises(Forged):
            torch.allclose(link.names(maker)[maker](torch.ones(3)), torch.ones(3))


def test_an_iteration_of_the_tests_is_not_ended_by_a_student():
    with called("def f(x): raise StopIteration('no more')\ndef steps(): yield from (1, 2)") as link:
        names = link.names("f", "steps")
        with pytest.raises(RuntimeError, match="StopIteration: no more"):
            all(map(names["f"], [1, 2]))
        assert list(names["steps"]()) == [1, 2]
