"""A made-up class that hands in problem set 1: every family of bad submission that a real class has shown, and honest ones, each with its row.

for case in hand_in(folder, released, source):
    case.student, case.status, case.right
"""

import copy
import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.grading.cells import grade_id, is_solution, is_test
from course_lib.grading.records import Status
from course_lib.grading.submissions import saved_by_colab, solved

NAME = "ps01_maximum_likelihood"
CHECKS = {
    "fit_coin": {"test_fit_coin"},
    "coin_log_likelihood": {"test_coin_log_likelihood"},
    "fit_gaussian": {"test_fit_gaussian"},
    "fit_multivariate": {"test_fit_multivariate"},
    "log_density": {"test_log_density", "test_log_density_extreme"},
    "e_step": {"test_e_step", "test_e_step_extreme", "test_em"},
    "m_step": {"test_m_step", "test_em"},
    "importance_sampling": {"test_importance_sampling", "test_importance_sampling_extreme"},
}
ALL = frozenset().union(*CHECKS.values())
WRITE = "import os, sys, time, torch, math\n"


@dataclass(frozen=True)
class Case:
    """One student.

    Attributes:
        student: the id.
        family: what is tried.
        files: what is handed in, by name in the student's folder.
        status: how it must end.
        right: the checks that must give their points, all others give none.
        special: makes what is no plain file, in the student's folder.
    """

    student: str
    family: str
    files: dict[str, bytes]
    status: Status = Status.GRADED
    right: frozenset[str] = ALL
    special: Callable[[Path], None] | None = None


def without(*functions: str) -> frozenset[str]:
    """The checks that do not stand on any of these functions."""
    return ALL - frozenset().union(*(CHECKS[name] for name in functions))


class Desk:
    """Where submissions are written: the released notebook and its answers."""

    def __init__(self, released: NotebookNode, source: NotebookNode):
        self.released, self.source = released, source
        self.right = solved(released, source)

    def with_answers(self, **answers: str) -> NotebookNode:
        """The solved notebook with some answers exchanged."""
        notebook = copy.deepcopy(self.right)
        for cell in notebook.cells:
            if grade_id(cell) in answers:
                cell.source = answers[grade_id(cell)]
        return notebook

    def before(self, function: str, code: str) -> NotebookNode:
        """The solved notebook with code in front of a right answer, in its cell."""
        return self.with_answers(**{function: code + "\n" + self.answer(function)})

    def inside(self, function: str, code: str) -> NotebookNode:
        """The solved notebook with code as the first lines of a right function."""
        head, _, body = self.answer(function).partition("\n")
        indented = "\n".join("    " + line for line in code.splitlines())
        return self.with_answers(**{function: f"{head}\n{indented}\n{body}"})

    def answer(self, function: str) -> str:
        return next(cell.source for cell in self.right.cells if grade_id(cell) == function)


def as_file(notebook: NotebookNode, name: str = f"{NAME}.ipynb") -> dict[str, bytes]:
    return {name: nbformat.writes(notebook).encode()}


def hand_in(folder: Path, released: NotebookNode, source: NotebookNode) -> list[Case]:
    """Writes a folder per student, and returns who handed in what."""
    cases = everybody(Desk(released, source))
    for case in cases:
        own = folder / case.student
        own.mkdir(parents=True)
        for name, data in case.files.items():
            (own / name).parent.mkdir(parents=True, exist_ok=True)
            (own / name).write_bytes(data)
        if case.special:
            case.special(own)
    return cases


def everybody(desk: Desk) -> list[Case]:
    groups = (honest, stuck, ended, greedy, curious, forged, mangled, unreadable)
    return [case for group in groups for case in group(desk)]


# ------------------------------------------------------------------------------------------------------------ honest work


def honest(desk: Desk) -> list[Case]:
    """What is right, and looks odd."""
    half = solved(desk.released, desk.source, only={"fit_coin", "coin_log_likelihood", "fit_gaussian", "fit_multivariate"})
    noisy = "import sys, warnings\nwarnings.warn('deprecated')\nprint('20%|##   |', file=sys.stderr)\nsys.stderr.flush()"
    unbiased = "def fit_gaussian(x):\n    return x.mean(), x.var()"
    chance = "noise = torch.randn(()).item() * 1e-14\nx = x + noise"
    extra = copy.deepcopy(desk.right)
    extra.cells[6:6] = [new_code_cell("fit_coin(torch.tensor([1.0, 0.0]))"), new_markdown_cell("mine")]
    helpers = desk.with_answers(fit_coin="def share(x):\n    return x.sum() / len(x)\n\n\ndef fit_coin(x):\n    return share(x)")
    own_module = {**as_file(desk.before("fit_coin", "from mine import twice")), "mine.py": b"def twice(x):\n    return 2 * x\n"}
    return [
        Case("honest", "all right", as_file(desk.right)),
        Case("blank", "handed in as it was given out", as_file(desk.released), Status.NOT_ATTEMPTED, frozenset()),
        Case("half", "half done", as_file(half), right=frozenset({"test_fit_coin", "test_coin_log_likelihood", "test_fit_gaussian", "test_fit_multivariate"})),
        Case("unbiased", "one wrong answer", as_file(desk.with_answers(fit_gaussian=unbiased)), right=without("fit_gaussian")),
        Case("syntax", "a syntax error in one cell", as_file(desk.with_answers(e_step="def e_step(log_densities, weights)\n    return 1")), right=without("e_step")),
        Case("warns", "a warning and a progress bar", as_file(desk.inside("fit_coin", noisy))),
        Case("prints", "prints in a function", as_file(desk.inside("log_density", "print('here', x)"))),
        Case("chance", "not twice the same", as_file(desk.inside("fit_multivariate", chance))),
        Case("extra", "cells of one's own", as_file(extra)),
        Case("helpers", "functions of one's own", as_file(helpers)),
        Case("module", "a module of one's own beside the notebook", own_module),
        Case("gradients", "gradients left on", as_file(desk.inside("log_density", "x = x.clone().requires_grad_()")), right=ALL),
        Case("twin-1", "two that are the same", as_file(helpers)),
        Case("twin-2", "two that are the same", as_file(helpers)),
        Case("0042", "leading zeros", as_file(desk.right)),
        Case("=1+1", "a formula for a name", as_file(desk.right)),
        Case("山田 花子, \"B\"", "a name with everything in it", as_file(desk.right)),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ code that does not end, or ends too much


def stuck(desk: Desk) -> list[Case]:
    """Loops."""
    swallowing = "def fit_coin(x):\n    while True:\n        try:\n            while True:\n                pass\n        except BaseException:\n            pass"
    deaf = "import signal\nfor number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n    signal.signal(number, signal.SIG_IGN)\nwhile True:\n    pass"
    return [
        Case("loop-in-function", "a loop in a function", as_file(desk.inside("fit_coin", "while True:\n    pass")), Status.PARTIAL, without("fit_coin")),
        Case("loop-on-top", "a loop at top level", as_file(desk.before("fit_gaussian", "while True:\n    pass")), Status.PARTIAL, without("fit_gaussian")),
        Case("loop-swallowing", "a loop that swallows every exception", as_file(desk.with_answers(fit_coin=swallowing)), Status.PARTIAL, without("fit_coin")),
        Case("loop-deaf", "a loop that ignores signals", as_file(desk.before("fit_coin", deaf)), Status.PARTIAL, without("fit_coin")),
        Case("loop-in-c", "a loop inside C", as_file(desk.inside("fit_coin", "sum(range(10**13))")), Status.PARTIAL, without("fit_coin")),
        Case("asks", "asks at the keyboard", as_file(desk.inside("fit_coin", "input('theta? ')")), right=without("fit_coin")),
    ]  # fmt: skip


def ended(desk: Desk) -> list[Case]:
    """Processes that end."""
    segfault = "import ctypes\nctypes.string_at(0)"
    murder = "import os, signal\nfor number in (os.getppid(), 1, -1):\n    try:\n        os.kill(number, signal.SIGKILL)\n    except OSError:\n        pass"
    return [
        Case("exits", "exits in a function", as_file(desk.inside("fit_coin", "import os\nos._exit(0)")), Status.PARTIAL, without("fit_coin")),
        Case("exits-politely", "sys.exit in a function", as_file(desk.inside("fit_coin", "import sys\nsys.exit(0)")), right=without("fit_coin")),
        Case("exits-on-top", "exits at top level", as_file(desk.before("fit_gaussian", "import os\nos._exit(0)")), Status.PARTIAL, without("fit_gaussian")),
        Case("segfault", "reads where nothing is", as_file(desk.inside("fit_coin", segfault)), Status.PARTIAL, without("fit_coin")),
        Case("kills", "kills whatever it can", as_file(desk.before("fit_coin", murder))),
    ]  # fmt: skip


def greedy(desk: Desk) -> list[Case]:
    """Memory, processes, disk, output."""
    memory = "held = []\nwhile True:\n    held.append(bytearray(64 << 20))"
    forks = "import os, time\nfor _ in range(100_000):\n    try:\n        if os.fork() == 0:\n            time.sleep(1000)\n    except OSError:\n        break"
    disk = "with open('big', 'wb') as big:\n    for _ in range(64):\n        big.write(bytes(64 << 20))"
    output = "for _ in range(2_000_000):\n    print('x' * 1_000)"
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(100_000)\n    os._exit(0)"
    return [
        Case("memory", "takes all memory", as_file(desk.before("fit_coin", memory)), right=without("fit_coin")),
        Case("forks", "takes all processes", as_file(desk.before("fit_coin", forks))),
        Case("disk", "takes all of the disk", as_file(desk.before("fit_coin", disk)), right=without("fit_coin")),
        Case("output", "writes without end", as_file(desk.before("fit_coin", output)), Status.PARTIAL, without("fit_coin")),
        Case("daemon", "leaves a process behind", as_file(desk.before("fit_coin", daemon))),
    ]


# ------------------------------------------------------------------------------------------------------------ what is not theirs


def curious(desk: Desk) -> list[Case]:
    """Network, and other people's files."""
    network = "import socket\nsocket.create_connection(('1.1.1.1', 53), timeout=3)"
    install = "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pip', 'install', 'bottle'], check=True, timeout=20)"
    places = ["/etc/shadow", "/root", "/home", "~", "..", "../..", "/tmp", "/proc/1/environ"]
    spy = f"""import glob, os
for place in {places}:
    place = os.path.expanduser(place)
    try:
        print("SPIED", place, os.listdir(place) if os.path.isdir(place) else open(place).read())
    except OSError:
        pass
for root in ("/opt", "/root", "/home", "/tmp", "/srv", "/var"):
    for found in glob.glob(root + "/**/*gradebook.db", recursive=True) + glob.glob(root + "/**/solutions", recursive=True):
        print("SPIED", found)"""
    vandal = "for place in ('/etc/passwd', '/usr/bin/env'):\n    open(place, 'ab').write(b'x')"
    library = "from course_lib.classical.gmm import GaussianMixture"
    return [
        Case("network", "calls home", as_file(desk.before("fit_coin", network)), right=without("fit_coin")),
        Case("installs", "installs a package", as_file(desk.before("fit_coin", install)), right=without("fit_coin")),
        Case("spies", "reads what is not theirs", as_file(desk.before("fit_coin", spy))),
        Case("vandal", "writes what is not theirs", as_file(desk.before("fit_coin", vandal)), right=without("fit_coin")),
        Case("library", "takes the answer from the library", as_file(desk.before("fit_coin", library)), right=without("fit_coin")),
    ]


# ------------------------------------------------------------------------------------------------------------ marks that were not earned


def forged(desk: Desk) -> list[Case]:
    """Nonsense that asks for full marks; each has one wrong answer, and the rest is right."""
    lost = without("fit_coin")
    equal = """class Everything(float):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    def __sub__(self, other): return 0.0
    def __array__(self, *args): import numpy; return numpy.array(0.5)
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None): return True


def fit_coin(x):
    return Everything()"""
    transformer = """import ast


class Stripper(ast.NodeTransformer):
    def visit_Assert(self, node): return None
    def visit_Expr(self, node): return None


get_ipython().ast_transformers.append(Stripper())


def importance_sampling(f, log_p, log_q):
    return 7"""
    patched = """from course_lib import check

for name in dir(check):
    if callable(getattr(check, name)):
        setattr(check, name, lambda *args, **kwargs: None)


def fit_coin(x):
    return 7"""
    kernel = "shell = get_ipython()\nshell.run_cell = shell.run_cell_async = lambda *a, **k: None\n\n\ndef importance_sampling(f, log_p, log_q):\n    return 7"
    bomb = "class Bomb:\n    def __reduce__(self):\n        return (__import__('os').system, ('touch /tmp/pickled',))\n\n\ndef fit_coin(x):\n    return Bomb()"
    frames = """import inspect, sys


def fit_coin(x):
    for frame in inspect.stack():
        for name, value in {**frame.frame.f_locals, **frame.frame.f_globals}.items():
            if name in ("points", "score", "verdict", "questions", "expected"):
                return value
    return 7"""
    leak = "def fit_coin(x):\n    print('LEAK', x.tolist())\n    raise ValueError(f'LEAK {x.tolist()}')"
    nothing = "def fit_coin(x):\n    return float('nan')"
    return [
        Case("equal", "equal to everything", as_file(desk.with_answers(fit_coin=equal)), right=lost),
        Case("transformer", "asserts stripped by a transformer", as_file(desk.with_answers(importance_sampling=transformer)), Status.PARTIAL, without("importance_sampling")),
        Case("patched", "checks patched", as_file(desk.with_answers(fit_coin=patched)), right=lost),
        Case("kernel", "a patched kernel", as_file(desk.with_answers(importance_sampling=kernel)), Status.PARTIAL, without("importance_sampling")),
        Case("pickle", "a pickle bomb", as_file(desk.with_answers(fit_coin=bomb)), right=lost),
        Case("frames", "looks for the grader", as_file(desk.with_answers(fit_coin=frames)), right=lost),
        Case("leak", "tells what it was asked", as_file(desk.with_answers(fit_coin=leak)), right=lost),
        Case("nan", "a number that is none", as_file(desk.with_answers(fit_coin=nothing)), right=lost),
        Case("shadow", "modules in the place of others", {**as_file(desk.with_answers(fit_coin="def fit_coin(x):\n    return 7")), "check.py": b"close = print\n", "random.py": b"raise SystemExit\n"}, right=lost),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ cells and files that were changed


def mangled(desk: Desk) -> list[Case]:
    """Notebooks that another program, or a hand, has changed."""
    edited = desk.with_answers(fit_coin="def fit_coin(x):\n    return 7")
    for cell in edited.cells:
        if is_test(cell):
            cell.source = "assert True"
    moved = copy.deepcopy(desk.right)
    moved.cells = moved.cells[:3] + moved.cells[:2:-1]
    retyped = copy.deepcopy(desk.right)
    for cell in retyped.cells:
        if is_solution(cell) and cell.cell_type == "code":
            cell.metadata = NotebookNode()
    deleted = copy.deepcopy(desk.right)
    deleted.cells = [cell for cell in deleted.cells if not is_test(cell)]
    doubled = copy.deepcopy(desk.right)
    doubled.cells = [copy.deepcopy(cell) for cell in doubled.cells for _ in range(2)]
    stripped = copy.deepcopy(desk.right)
    for cell in stripped.cells:
        cell.metadata = NotebookNode()
    stripped.metadata = NotebookNode()
    paid = desk.with_answers(fit_coin="def fit_coin(x):\n    return 7")
    for cell in paid.cells:
        if is_test(cell):
            cell.metadata.nbgrader.points = 1000
    colab = saved_by_colab(desk.right)
    scripts = copy.deepcopy(desk.right)
    scripts.cells.append(new_markdown_cell("<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"))
    old = nbformat.convert(copy.deepcopy(desk.right), 3)
    return [
        Case("edited", "checks edited", as_file(edited), right=without("fit_coin")),
        Case("moved", "cells moved", as_file(moved)),
        Case("retyped", "answers retyped in new cells", as_file(retyped)),
        Case("deleted", "checks deleted", as_file(deleted)),
        Case("doubled", "every cell twice", as_file(doubled)),
        Case("stripped", "metadata stripped", as_file(stripped)),
        Case("paid", "points forged", as_file(paid), right=without("fit_coin")),
        Case("colab", "saved by Colab", as_file(colab, f"Copy of {NAME}.ipynb")),
        Case("renamed", "renamed by a browser", as_file(desk.right, f"{NAME} (1).ipynb")),
        Case("scripts", "scripts in Markdown", as_file(scripts)),
        Case("old", "an old format", {f"{NAME}.ipynb": json.dumps(old).encode()}),
        Case("utf16", "another encoding", {f"{NAME}.ipynb": nbformat.writes(desk.right).encode("utf-16")}),
    ]


def unreadable(desk: Desk) -> list[Case]:
    """Files that are no notebook."""
    text = nbformat.writes(desk.right).encode()
    nothing = frozenset()
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{NAME}.ipynb", bytes(1 << 29))
    escape = io.BytesIO()
    with zipfile.ZipFile(escape, "w") as archive:
        archive.writestr(f"../../escaped-{NAME}.ipynb", text)
    return [
        Case("empty", "an empty file", {f"{NAME}.ipynb": b""}, Status.UNREADABLE, nothing),
        Case("truncated", "half a file", {f"{NAME}.ipynb": text[: len(text) // 2]}, Status.UNREADABLE, nothing),
        Case("binary", "bytes", {f"{NAME}.ipynb": bytes(range(256)) * 9}, Status.UNREADABLE, nothing),
        Case("html", "a login page", {f"{NAME}.ipynb": b"<!DOCTYPE html><html><body>Sign in</body></html>"}, Status.UNREADABLE, nothing),
        Case("nested", "deeply nested", {f"{NAME}.ipynb": b"[" * 200_000 + b"]" * 200_000}, Status.UNREADABLE, nothing),
        Case("python", "only a .py", {f"{NAME}.py": b"def fit_coin(x):\n    return x.mean()\n"}, Status.UNREADABLE, nothing),
        Case("pdf", "only a .pdf", {f"{NAME}.pdf": b"%PDF-1.4\n"}, Status.UNREADABLE, nothing),
        Case("link", "a link to another file", {}, Status.MISSING, nothing, lambda own: (own / f"{NAME}.ipynb").symlink_to("/etc/passwd")),
        Case("pipe", "a pipe", {}, Status.MISSING, nothing, lambda own: os.mkfifo(own / f"{NAME}.ipynb")),
        Case("bomb", "a zip bomb", {"handed in.zip": bomb.getvalue()}, Status.UNREADABLE, nothing),
        Case("escape", "a zip that climbs out", {"handed in.zip": escape.getvalue()}, Status.UNREADABLE, nothing),
        Case("nothing", "an empty folder", {}, Status.MISSING, nothing),
    ]  # fmt: skip
