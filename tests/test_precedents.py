"""What the solution never did, no student's process may do: compare itself, or choose what the right answer is made from."""

import re

import numpy as np
import pytest
import torch
from forked_student import student

from course_lib.grading.judging.judge import judge_cell
from course_lib.grading.judging.precedents import Precedents
from course_lib.grading.sandbox.student_errors import StudentError

SQUARE = "import torch\ndef f(x): return x * x"
ALLCLOSE = "got = f(torch.tensor([1., 2., 3.]))\nassert got.shape == (3,)\nassert got.allclose(torch.tensor([1., 4., 9.]))"


def judged(code, test, allowed=None, names=("f",), **more):
    """The score of a test of 5 points, and what was done besides giving values."""
    with student(code) as link:
        link.precedents = Precedents(allowed)
        try:
            found = link.names(*names)
        except StudentError as error:
            return str(error), link.precedents.seen
        verdict = judge_cell(test, names={"torch": torch, **more, **found}, points=5.0, link=link)
    return (verdict.score or verdict.message), link.precedents.seen


def as_the_solution(solution, answer, test, **more):
    """What a student's answer gets where a solution was rehearsed first."""
    full, seen = judged(solution, test, **more)
    assert full == 5.0, "the solution itself must pass"
    return judged(answer, test, allowed=seen, **more)[0]


SAYS_YES = {
    "an object": "class P:\n    shape = (3,)\n    def allclose(self, want, **k): return True\ndef f(x): return P()",
    "a record": "import dataclasses\nP = dataclasses.make_dataclass('P', ['shape', 'allclose'])\ndef f(x): return P((3,), lambda want: True)",
    "a torch module": (
        "import torch\nclass P(torch.nn.Module):\n    shape = (3,)\n    def allclose(self, want, **k): return True\ndef f(x): return P()"
    ),
    "a function": (
        "class P:\n    shape = (3,)\n    def __call__(self): pass\n    def allclose(self, want, **k): return True\n"
        "def f(x):\n    return P()"
    ),
    "a class": "class P:\n    shape = (3,)\n    @staticmethod\n    def allclose(want, **k): return True\ndef f(x): return P",
}


@pytest.mark.parametrize("kind", SAYS_YES)
def test_what_compares_itself_gets_nothing_where_the_solution_gives_a_tensor(kind):
    assert judged(SAYS_YES[kind], ALLCLOSE)[0] == 5.0, "without the rehearsal it would get all"
    said = as_the_solution(SQUARE, SAYS_YES[kind], ALLCLOSE)
    assert re.fullmatch(rf"StudentError: your function returned a P, {kind}.*, where this check asks for values", said)


def test_a_name_that_compares_itself_gets_nothing():
    test = "assert theta.allclose(torch.ones(3))"
    solution = "import torch\ntheta = torch.ones(3)"
    for kind in ("an object", "a record"):
        answer = SAYS_YES[kind] + "\ntheta = f(0)"
        assert judged(answer, test, names=("theta",))[0] == 5.0
        assert "returned a P" in as_the_solution(solution, answer, test, names=("theta",))
    for kind in ("a function", "a torch module"):
        answer = SAYS_YES[kind] + "\ntheta = f(0)"
        assert "no result of the solution was asked for" in as_the_solution(solution, answer, test, names=("theta",))


NAMED = "from collections import namedtuple\nimport numpy\nP = namedtuple('P', ['shape', 'allclose'])\ndef f(x): return P((3,), SURE)"
FORGED_ITERATOR = """
import sys
keeping = sys.modules["course_lib.grading.conversation.keeping"]
keeping.callable = lambda x, is_one=callable: is_one(x) and type(x).__name__ != "It"
class It:
    def __iter__(self): return self
    def __next__(self): raise StopIteration
    def __call__(self, *a, **k): return True
"""


@pytest.mark.parametrize("sure", ["list", "numpy.bool_", "It()", "lambda want: True"])
def test_a_named_tuple_does_not_compare_itself(sure):
    answer = (FORGED_ITERATOR if sure == "It()" else "") + NAMED.replace("SURE", sure)
    test = ALLCLOSE.replace("assert got.all", "assert truly(got.all") + ")"
    assert as_the_solution(SQUARE, answer, test, truly=np.all) != 5.0
    if sure != "It()":
        assert judged(answer, test, truly=np.all)[0] == 5.0, "without the rehearsal it would get all"
    pair = "from collections import namedtuple\nimport torch\nT = namedtuple('T', 'value')\ndef f(x): return T(x * x)"
    of_one = test.replace("f(torch.tensor([1., 2., 3.]))", "f(torch.tensor([1., 2., 3.])).value")
    within = "from collections import namedtuple\nT = namedtuple('T', 'value')\n" + answer.replace("return P(", "return T(P(") + ")"
    assert as_the_solution(pair, within, of_one, truly=np.all) != 5.0, "nor within one that the solution gives"


def test_a_record_that_is_a_name_does_not_compare_itself():
    record = "import dataclasses, torch\n@dataclasses.dataclass\nclass P:\n    mean: object\nsure = lambda want: True\n"
    solution = record + "theta = P(torch.ones(3))"
    inner = "Q = dataclasses.make_dataclass('Q', ['allclose'])\ntheta = P(Q(sure))"
    test = "assert theta.mean.allclose(torch.ones(3))\nassert sure"
    assert judged(record + inner, test, names=("theta", "sure"))[0] == 5.0
    assert "returned a" in as_the_solution(solution, record + inner, test, names=("theta", "sure"))


def test_an_iterator_gives_values_and_nothing_else():
    solution = "class Model:\n    def mean(self): return 1.0\ndef f(x): return Model() if x else [1]"
    test = "assert f(1).mean() == 1\ngot = f(0)\nassert got.mean() if not isinstance(got, list) else got == [1]"
    forged = "class It:\n    def __iter__(self): return self\n    def __next__(self): raise StopIteration\n    def mean(self): return 1.0\n"
    answer = forged + solution.replace("[1]", "It()").replace("class Model:", "class Model:\n    pass\n    ")
    assert "has no mean here" in as_the_solution(solution, answer, test)


def test_whether_places_of_a_tuple_have_names_is_the_students_affair():
    pair = "from collections import namedtuple\nP = namedtuple('P', 'low high')\ndef f(x): return P(min(x), max(x))"
    test = "low, high = f([3, 1, 2])\nassert (low, high) == (1, 3)\nassert f([1, 2]) == (1, 2)\nassert f([1, 2])[1] == 2"
    assert as_the_solution("def f(x): return min(x), max(x)", pair, test) == 5.0
    named = test + "\nassert f([1, 2]).high == 2"
    assert as_the_solution(pair, pair.replace("'P'", "'Q'"), named) == 5.0


def test_kinds_of_numbers_are_given_where_the_solution_gives_one():
    test = "assert f(1)[0] is int\nassert f(1)[1](2.5) == 2.5"
    kinds = "import numpy as np\ndef f(x): return int, np.float64"
    assert as_the_solution(kinds, kinds, test) == 5.0
    assert ", a class, where" in as_the_solution("def f(x): return 1", kinds, "assert f(1)")
    assert as_the_solution("def whole(x): return int(x)", "whole = int", "assert whole(2.5) == 2", names=("whole",)) == 5.0


def test_where_the_solution_gives_a_function_a_module_is_one():
    solution = "import torch\ndef made(n): return torch.tanh\ndef f(x): return x.clamp(min=0)"
    answer = "import torch\ndef made(n): return torch.nn.Sequential(torch.nn.Tanh(), torch.nn.Identity())\nf = torch.nn.ReLU()"
    test = "x = torch.tensor([-1., 2.], requires_grad=True)\nassert torch.equal(made(1)(x), x.tanh())\nassert torch.equal(f(x), torch.tensor([0., 2.]))"
    slope = "\nf(x).sum().backward()\nassert x.grad.tolist() == [0, 1]\nassert made(2)(made(1)(x)).shape == (2,)"
    assert as_the_solution(solution, answer, test + slope, names=("f", "made")) == 5.0
    forged = (
        "class P(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.allclose = torch.nn.Linear(1, 1)\n"
    )
    forged = (
        "import torch\n"
        + forged
        + "        self.allclose.forward = lambda want: True\ndef made(n): return torch.tanh\ndef f(x): return P()"
    )
    compared = "assert made(1)(torch.zeros(1)) == 0\nassert f(torch.ones(1)).allclose(torch.ones(1))"
    assert judged(forged, compared, names=("f", "made"))[0] == 5.0
    assert "no result of the solution was asked for" in as_the_solution(solution, forged, compared, names=("f", "made"))


NET = "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.w = torch.nn.Linear(2, 2)\n"
LOOKS = "assert net.mean.shape == (2,)\nassert net.mean.allclose(torch.zeros(2))"


@pytest.mark.parametrize(
    "has",
    [
        "        self.mean = torch.zeros(2)\n",
        "    @property\n    def mean(self): return torch.zeros(2)\n",
        "        self.register_buffer('mean', torch.zeros(2))\n",
    ],
)
def test_a_tensor_of_a_module_need_not_be_registered(has):
    buffer = NET + "        self.register_buffer('mean', torch.zeros(2))\n"
    assert as_the_solution(buffer, NET + has, "net = Net()\n" + LOOKS, names=("Net",)) == 5.0


def test_what_a_module_is_asked_for_is_a_value_where_the_solutions_is():
    buffer = NET + "        self.register_buffer('mean', torch.zeros(2))\n"
    for forged in ("    def mean(self): pass\n", "        self.mean = lambda: 0\n", "        self.mean = list\n"):
        said = as_the_solution(buffer, NET + forged, "net = Net()\nassert net.mean is not None", names=("Net",))
        assert said != 5.0, forged


def test_a_part_without_parameters_is_a_part():
    solution = NET.replace("self.w", "self.act")
    answer = NET + "        self.act = torch.nn.ReLU()\n"
    assert as_the_solution(solution, answer, "net = Net()\nassert net.act(torch.ones(1, 2)).shape == (1, 2)", names=("Net",)) == 5.0


def test_a_function_that_is_passed_cannot_be_given_what_compares_itself():
    test = "def sure(got):\n    assert got.allclose(torch.ones(2))\n    return 1\nassert f(sure) == 1"
    solution = "import torch\ndef f(sure): return sure(torch.ones(2))"
    answer = SAYS_YES["a record"].replace("def f(x): return ", "def f(sure): return sure(") + ")"
    assert judged(answer, test)[0] == 5.0
    assert "returned a P" in as_the_solution(solution, answer, test)


def test_what_the_solution_gives_students_may_give_too():
    solution = """
import dataclasses, torch
@dataclasses.dataclass
class Line:
    slope: float
class Stack:
    def __init__(self): self.items = []
    def push(self, x): self.items.append(x)
    def size(self): return len(self.items)
def f(x): return Line(2.0 * x), (lambda y: y + x), Stack()
"""
    test = "line, add, stack = f(3.0)\nassert line.slope == 6\nassert add(1) == 4\nstack.push(1)\nassert stack.size() == 1"
    other = solution.replace("Line", "Slope").replace("Stack", "Pile").replace("(lambda y: y + x)", "x.__add__")
    assert as_the_solution(solution, other, test) == 5.0
    values = "def f(x):\n    yield from [x * x]"
    assert as_the_solution("def f(x): return [x * x]", values, "assert list(f(3)) == [9]") == 5.0, "an iterator gives values"


IN_PLACE = "def f(x):\n    x.fill_(3.0)\n    return x.new_tensor(3.0)"
MEAN = "import torch\ndef f(x): return x.mean()"
HIDDEN = """
assert f(torch.ones(2)) == 1 or True
### BEGIN HIDDEN TESTS
y = torch.tensor([1., 2., 6., 7.])
assert f(y) == y.mean()
### END HIDDEN TESTS
"""


def test_inputs_of_hidden_lines_are_not_changed_by_who_is_asked():
    assert judged(IN_PLACE, HIDDEN)[0] == 5.0, "without the rehearsal it would get all"
    assert "AssertionError" in as_the_solution(MEAN, IN_PLACE, HIDDEN)
    lists = "y = [1, 2]\n### BEGIN HIDDEN TESTS\ny = [4, 5]\nassert f(y) == sum(y)\n### END HIDDEN TESTS"
    assert "AssertionError" in as_the_solution("def f(x): return sum(x)", "def f(x):\n    x.clear()\n    return 0", lists)


def test_a_helper_that_a_hidden_line_calls_is_hidden_too():
    test = "def same(x): return f(x) == x.mean()\n### BEGIN HIDDEN TESTS\nassert same(torch.tensor([1., 2., 7.]))\n### END HIDDEN TESTS"
    assert "AssertionError" in as_the_solution(MEAN, IN_PLACE, test)


def test_a_visible_line_sees_what_was_changed():
    test = "x = torch.ones(2)\nf(x)\nassert torch.equal(x, torch.ones(2)), 'leave x alone'"
    assert "leave x alone" in as_the_solution(MEAN, IN_PLACE, test)


def test_where_the_solution_changes_inputs_students_may():
    test = "x = torch.ones(2)\n### BEGIN HIDDEN TESTS\nx = torch.zeros(2)\nf(x)\nassert (x == 3).all()\n### END HIDDEN TESTS"
    other = "import torch\ndef f(x):\n    for i in range(len(x)): x[i] = 3"
    assert as_the_solution(IN_PLACE, other, test) == 5.0


def test_generators_move_on_in_hidden_lines_whatever_the_solution_does():
    test = """
### BEGIN HIDDEN TESTS
generator, twin = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
assert torch.equal(f(generator), torch.rand(3, generator=twin))
assert torch.equal(f(generator), torch.rand(3, generator=twin))
### END HIDDEN TESTS
"""
    solution = "import torch\ndef f(g): return torch.rand(3, generator=g)"
    full, seen = judged(solution, test)
    assert full == 5.0
    assert "edit" not in seen
    assert judged(solution, test, allowed=seen)[0] == 5.0


MODULE = """
model = torch.nn.Linear(2, 1)
g(model)
### BEGIN HIDDEN TESTS
x = torch.tensor([[3., 4.]])
assert torch.allclose(f(model, x), model(x))
### END HIDDEN TESTS
"""
APPLY = "import torch\ndef g(m): pass\ndef f(m, x): return m(x)"


def test_a_module_passed_in_a_hidden_line_keeps_its_parameters():
    zero = "import torch\ndef g(m): pass\ndef f(m, x):\n    with torch.no_grad():\n        for p in m.parameters(): p.zero_()\n    return x.new_zeros(1, 1)"
    assert judged(zero, MODULE, names=("f", "g"))[0] == 5.0
    assert "AssertionError" in as_the_solution(APPLY, zero, MODULE, names=("f", "g"))


def test_a_module_passed_in_an_earlier_call_is_no_door():
    test = "model = torch.nn.Linear(2, 1)\ng(model)\nx = torch.tensor([[3., 4.]])\nassert torch.allclose(f(x)[0], model(x))"
    solution = "import torch\nkept = []\ndef g(m): kept.append(m)\ndef f(x): return kept[0](x), 1"
    answer = (
        "import torch\nkept = []\ndef g(m): kept.append(m)\ndef f(x):\n    with torch.no_grad():\n"
        "        for p in kept[0].parameters(): p.zero_()\n    return x.new_zeros(1, 1), kept[0]"
    )
    assert judged(answer, test, names=("f", "g"))[0] == 5.0
    assert "AssertionError" in as_the_solution(solution, answer, test, names=("f", "g"))


def test_where_the_solution_trains_a_module_students_may():
    test = """
torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
### BEGIN HIDDEN TESTS
x = torch.tensor([[1., 2.], [3., 1.]])
before = (model(x) ** 2).sum().item()
f(model, x)
assert (model(x) ** 2).sum().item() < before
### END HIDDEN TESTS
"""
    solution = (
        "def f(m, x):\n    import torch\n    o = torch.optim.SGD(m.parameters(), lr=0.01)\n    (m(x) ** 2).sum().backward()\n    o.step()"
    )
    assert as_the_solution(solution, solution.replace("0.01", "0.02"), test) == 5.0


def test_a_students_own_module_keeps_its_own_running_means():
    test = """
### BEGIN HIDDEN TESTS
net = Net()
x = torch.tensor([[1., 2.], [3., 1.]])
for _ in range(50): net(x)
net.eval()
assert net(x).shape == (2, 2)
assert list(net.buffers()) == [] or net.state_dict()["norm.num_batches_tracked"] == 50
### END HIDDEN TESTS
"""
    solution = "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.w = torch.nn.Linear(2, 2)\n    def forward(self, x): return self.w(x)"
    answer = solution.replace("self.w = torch.nn.Linear(2, 2)", "self.norm = torch.nn.BatchNorm1d(2)").replace("self.w(x)", "self.norm(x)")
    assert as_the_solution(solution, answer, test, names=("Net",)) == 5.0


def test_the_judges_module_keeps_its_mode():
    test = "net = torch.nn.Dropout(0.5)\nf(net)\nassert net.training"
    assert as_the_solution("def f(m): pass", "def f(m):\n    m.eval()\n    m(__import__('torch').ones(2))\n    m.train()", test) == 5.0


def test_a_refused_result_is_an_error_that_a_test_may_expect():
    test = "try:\n    f(1)\nexcept ValueError:\n    pass\nassert f(2) == 4"
    code, _ = judged("class P: pass\ndef f(x): return P() if x == 1 else 4", test, allowed=())
    assert code.startswith("StudentError: your function returned a P")


def test_a_refused_result_is_told_in_words_that_hold_nothing_of_the_students():
    forged = "class Leaked_1_2: pass\ndef f(x): return Leaked_1_2()"
    with student(forged) as link:
        link.precedents = Precedents(())
        verdict = judge_cell("### BEGIN HIDDEN TESTS\nassert f(2) == 4\n### END HIDDEN TESTS", names=link.names("f"), points=5.0, link=link)
    assert "Leaked_1_2" in verdict.message
    assert verdict.words == "your function returned an object that is no plain value, where this check asks for values"
    with student("class Own(Exception):\n    words = 'seen 1 2'\ndef f(x): raise Own('seen')") as link:
        verdict = judge_cell("assert f(2) == 4", names=link.names("f"), points=5.0, link=link)
    assert (verdict.message, verdict.words) == ("Own: seen", "")
