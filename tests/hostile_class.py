"""A made-up class: every family of bad submission that a real class has shown, and honest ones, each with its row.

    for case in hand_in(folder, everybody(desk)):
        case.student, case.status, case.right

Nearly all families need nothing of the course that they are tried on: a ``Desk`` says which answers they spoil; ``hostile_desks`` has two.
"""

import copy
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.grading.authoring.submissions import saved_by_colab
from course_lib.grading.notebooks.cells import grade_id, is_solution, is_test
from course_lib.grading.records import Status

EVERYTHING = """class Everything(float):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    def __sub__(self, other): return 0.0
    def __array__(self, *args): import numpy; return numpy.array(0.5)
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None): return True


"""
TRANSFORMER = """import ast


class Stripper(ast.NodeTransformer):
    def visit_Assert(self, node): return None
    def visit_Expr(self, node): return None


get_ipython().ast_transformers.append(Stripper())


"""


@dataclass(frozen=True)
class Case:
    """One student.

    Attributes:
        student: the id.
        family: what is tried.
        files: what is handed in, by name in the student's folder.
        status: how it must end.
        right: the checks that must give their points.
        special: makes what is no plain file, in the student's folder.
        part: the checks that must give part of their points; all others give none.
    """

    student: str
    family: str
    files: dict[str, bytes]
    status: Status
    right: frozenset[str]
    special: Callable[[Path], None] | None = None
    part: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Desk:
    """Where submissions to a notebook are written.

    Attributes:
        name: the notebook's name.
        released: what students got.
        right: the same with right answers.
        checks: the checks that stand on each answer.
        first: the answer that most of them spoil, a function of ``x`` that stands alone.
        middle: a function that is answered after it.
        last: the last answer in code.
        broken: a wrong last answer.
        own: the families of this course alone.
    """

    name: str
    released: NotebookNode
    right: NotebookNode
    checks: Mapping[str, set[str]]
    first: str
    middle: str
    last: str
    broken: str
    own: Callable[["Desk"], list[Case]]

    def case(self, student: str, family: str, notebook: NotebookNode, lost: str = "", *, stopped: bool = False, **more: bytes) -> Case:
        """A student whose notebook is right but for the answer ``lost``; ``more`` files lie beside it."""
        return Case(student, family, {**self.file(notebook), **more}, Status.PARTIAL if stopped else Status.GRADED, self.without(lost))

    def file(self, notebook: NotebookNode, name: str = "") -> dict[str, bytes]:
        return {name or f"{self.name}.ipynb": nbformat.writes(notebook).encode()}

    def without(self, *answers: str) -> frozenset[str]:
        """The checks that do not stand on any of these answers."""
        return frozenset().union(*self.checks.values()) - frozenset().union(*(self.checks.get(name, set()) for name in answers))

    def answer(self, name: str) -> str:
        return next(cell.source for cell in self.right.cells if grade_id(cell) == name)

    def with_answers(self, **answers: str) -> NotebookNode:
        """The right notebook with some answers exchanged."""
        notebook = copy.deepcopy(self.right)
        for cell in notebook.cells:
            if grade_id(cell) in answers:
                cell.source = answers[grade_id(cell)]
        return notebook

    def before(self, name: str, code: str) -> NotebookNode:
        """The right notebook with code in front of an answer, in its cell."""
        return self.with_answers(**{name: code + "\n" + self.answer(name)})

    def inside(self, name: str, code: str) -> NotebookNode:
        """The right notebook with code as the first lines of a function."""
        head, _, body = self.answer(name).partition("\n")
        return self.with_answers(**{name: f"{head}\n{indented(code)}\n{body}"})

    def instead(self, name: str, code: str, above: str = "") -> NotebookNode:
        """The right notebook with other code in a function, and more above it in its cell."""
        return self.with_answers(**{name: f"{above}{self.head(name)}\n{indented(code)}"})

    def head(self, name: str) -> str:
        return self.answer(name).partition("\n")[0]


def indented(code: str) -> str:
    return "\n".join("    " + line for line in code.splitlines())


def hand_in(folder: Path, cases: list[Case], *, below: str = "") -> list[Case]:
    """Writes a folder per student, or one ``below`` that, and returns who handed in what."""
    for case in cases:
        own = folder / case.student / below
        own.mkdir(parents=True)
        for name, data in case.files.items():
            (own / name).parent.mkdir(parents=True, exist_ok=True)
            (own / name).write_bytes(data)
        if case.special:
            case.special(own)
    return cases


def everybody(desk: Desk) -> list[Case]:
    groups = (honest, desk.own, stuck, ended, greedy, curious, forged, mangled, unreadable)
    return [case for group in groups for case in group(desk)]


# ------------------------------------------------------------------------------------------------------------ honest work


def honest(desk: Desk) -> list[Case]:
    """What is right, and looks odd."""
    noisy = "import sys, warnings\nwarnings.warn('deprecated')\nprint('20%|##   |', file=sys.stderr)\nsys.stderr.flush()"
    extra = copy.deepcopy(desk.right)
    extra.cells[4:4] = [new_code_cell("import statistics\nprint(statistics.mean([1, 2]))"), new_markdown_cell("mine")]
    own_module = {"mine.py": b"def twice(x):\n    return 2 * x\n"}
    return [
        desk.case("honest", "all right", desk.right),
        Case("blank", "handed in as it was given out", desk.file(desk.released), Status.NOT_ATTEMPTED, frozenset()),
        desk.case("syntax", "a syntax error in one cell", desk.with_answers(**{desk.middle: f"{desk.head(desk.middle)[:-1]}\n    return 1"}), desk.middle),
        desk.case("warns", "a warning and a progress bar", desk.inside(desk.first, noisy)),
        desk.case("prints", "prints in a function", desk.inside(desk.middle, "print('here', x)")),
        desk.case("extra", "cells of one's own", extra),
        desk.case("module", "a module of one's own beside the notebook", desk.before(desk.first, "from mine import twice"), **own_module),
        desk.case("0042", "leading zeros", desk.right),
        desk.case("=1+1", "a formula for a name", desk.right),
        desk.case("山田 花子, \"B\"", "a name with everything in it", desk.right),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ code that does not end, or ends too much


def stuck(desk: Desk) -> list[Case]:
    """Loops."""
    swallowing = "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
    deaf = "import signal\nfor number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n    signal.signal(number, signal.SIG_IGN)\nwhile True:\n    pass"
    first, middle = desk.first, desk.middle
    return [
        desk.case("loop-in-function", "a loop in a function", desk.inside(first, "while True:\n    pass"), first, stopped=True),
        desk.case("loop-on-top", "a loop at top level", desk.before(middle, "while True:\n    pass"), middle, stopped=True),
        desk.case("loop-swallowing", "a loop that swallows every exception", desk.instead(first, swallowing), first, stopped=True),
        desk.case("loop-deaf", "a loop that ignores signals", desk.before(first, deaf), first, stopped=True),
        desk.case("loop-in-c", "a loop inside C", desk.inside(first, "sum(range(10**13))"), first, stopped=True),
        desk.case("asks", "asks at the keyboard", desk.inside(first, "input('theta? ')"), first),
    ]


def ended(desk: Desk) -> list[Case]:
    """Processes that end."""
    segfault = "import ctypes\nctypes.string_at(0)"
    murder = "import os, signal\nfor number in (os.getppid(), 1, -1):\n    try:\n        os.kill(number, signal.SIGKILL)\n    except OSError:\n        pass"
    first, middle = desk.first, desk.middle
    return [
        desk.case("exits", "exits in a function", desk.inside(first, "import os\nos._exit(0)"), first, stopped=True),
        desk.case("exits-politely", "sys.exit in a function", desk.inside(first, "import sys\nsys.exit(0)"), first),
        desk.case("exits-on-top", "exits at top level", desk.before(middle, "import os\nos._exit(0)"), middle, stopped=True),
        desk.case("segfault", "reads where nothing is", desk.inside(first, segfault), first, stopped=True),
        desk.case("kills", "kills whatever it can", desk.before(first, murder)),
    ]


def greedy(desk: Desk) -> list[Case]:
    """Memory, processes, disk, output."""
    memory = "held = []\nwhile True:\n    held.append(bytes(1 << 30))"
    forks = "import os, time\nfor _ in range(100_000):\n    try:\n        if os.fork() == 0:\n            time.sleep(1000)\n    except OSError:\n        break"
    disk = "with open('big', 'wb') as big:\n    for _ in range(64):\n        big.write(bytes(64 << 20))"
    output = "for _ in range(2_000_000):\n    print('x' * 1_000)"
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(100_000)\n    os._exit(0)"
    first = desk.first
    return [
        desk.case("memory", "takes all memory", desk.before(first, memory), first),
        desk.case("forks", "takes all processes", desk.before(first, forks)),
        desk.case("disk", "takes all of the disk", desk.before(first, disk), first),
        desk.case("output", "writes without end", desk.before(first, output), first, stopped=True),
        desk.case("daemon", "leaves a process behind", desk.before(first, daemon)),
    ]


# ------------------------------------------------------------------------------------------------------------ what is not theirs


def curious(desk: Desk) -> list[Case]:
    """Network, and other people's files."""
    network = "import socket\nsocket.create_connection(('1.1.1.1', 53), timeout=3)"
    install = "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pip', 'install', '--retries', '0', 'bottle'], check=True, timeout=20)"
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
    first = desk.first
    return [
        desk.case("network", "calls home", desk.before(first, network), first),
        desk.case("installs", "installs a package", desk.before(first, install), first),
        desk.case("spies", "reads what is not theirs", desk.before(first, spy)),
        desk.case("vandal", "writes what is not theirs", desk.before(first, vandal), first),
    ]


# ------------------------------------------------------------------------------------------------------------ marks that were not earned


def forged(desk: Desk) -> list[Case]:
    """Nonsense that asks for full marks; each has one wrong answer, and the rest is right."""
    first, last = desk.first, desk.last
    kernel = "shell = get_ipython()\nshell.run_cell = shell.run_cell_async = lambda *a, **k: None\n\n\n"
    bomb = "class Bomb:\n    def __reduce__(self):\n        return (__import__('os').system, ('touch /tmp/pickled',))\n\n\n"
    frames = """for frame in inspect.stack():
    for name, value in {**frame.frame.f_locals, **frame.frame.f_globals}.items():
        if name in ("points", "score", "verdict", "questions", "expected"):
            return value
return 7"""
    leak = "print('LEAK', x.tolist())\nraise ValueError(f'LEAK {x.tolist()}')"
    later = desk.instead(desk.middle, "raise ValueError(f'KEPT {kept[-1]}')")
    answered = next(cell for cell in later.cells if grade_id(cell) == first)
    answered.source = "kept = []\n\n\n" + desk.answer(first).replace("\n", "\n    kept.append(x.tolist())\n", 1)
    shadows = {"check.py": b"close = print\n", "random.py": b"raise SystemExit\n", "numpy/__init__.py": b"allclose = isclose = print\n"}
    return [
        desk.case("equal", "equal to everything", desk.instead(first, "return Everything()", EVERYTHING), first),
        desk.case(
            "transformer", "asserts stripped by a transformer", desk.with_answers(**{last: TRANSFORMER + desk.broken}), last, stopped=True
        ),
        desk.case("kernel", "a patched kernel", desk.with_answers(**{last: kernel + desk.broken}), last, stopped=True),
        desk.case("pickle", "a pickle bomb", desk.instead(first, "return Bomb()", bomb), first),
        desk.case("frames", "looks for the grader", desk.instead(first, frames, "import inspect, sys\n\n\n"), first),
        desk.case("leak", "tells what it was asked", desk.instead(first, leak), first),
        desk.case("later", "tells later what it was asked before", later, desk.middle),
        desk.case("nan", "a number that is none", desk.instead(first, "return float('nan')"), first),
        desk.case("shadow", "modules in the place of others", desk.instead(first, "return 7"), first, **shadows),
    ]


# ------------------------------------------------------------------------------------------------------------ cells and files that were changed


def mangled(desk: Desk) -> list[Case]:
    """Notebooks that another program, or a hand, has changed."""
    wrong = desk.instead(desk.first, "return 7")
    edited = copy.deepcopy(wrong)
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
    paid = copy.deepcopy(wrong)
    for cell in paid.cells:
        if is_test(cell):
            cell.metadata.nbgrader.points = 1000
    scripts = copy.deepcopy(desk.right)
    scripts.cells.append(new_markdown_cell("<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"))
    old = json.dumps(nbformat.convert(copy.deepcopy(desk.right), 3)).encode()
    other = nbformat.writes(desk.right).encode("utf-16")
    right = {"status": Status.GRADED, "right": desk.without()}
    return [
        desk.case("edited", "checks edited", edited, desk.first),
        desk.case("moved", "cells moved", moved),
        desk.case("retyped", "answers retyped in new cells", retyped),
        desk.case("deleted", "checks deleted", deleted),
        Case("doubled", "every cell twice", {f"{desk.name}.ipynb": json.dumps(doubled).encode()}, **right),
        desk.case("stripped", "metadata stripped", stripped),
        desk.case("paid", "points forged", paid, desk.first),
        Case("colab", "saved by Colab", desk.file(saved_by_colab(desk.right), f"Copy of {desk.name}.ipynb"), **right),
        Case("renamed", "renamed by a browser", desk.file(desk.right, f"{desk.name} (1).ipynb"), **right),
        desk.case("scripts", "scripts in Markdown", scripts),
        Case("old", "an old format", {f"{desk.name}.ipynb": old}, **right),
        Case("utf16", "another encoding", {f"{desk.name}.ipynb": other}, **right),
    ]


def unreadable(desk: Desk) -> list[Case]:
    """Files that are no notebook."""
    text, file = nbformat.writes(desk.right).encode(), f"{desk.name}.ipynb"
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(file, bytes(1 << 29))
    escape = io.BytesIO()
    with zipfile.ZipFile(escape, "w") as archive:
        archive.writestr(f"../../escaped-{file}", text)
    read = {"status": Status.UNREADABLE, "right": frozenset()}
    gone = {"files": {}, "status": Status.MISSING, "right": frozenset()}
    return [
        Case("empty", "an empty file", {file: b""}, **read),
        Case("truncated", "half a file", {file: text[: len(text) // 2]}, **read),
        Case("binary", "bytes", {file: bytes(range(256)) * 9}, **read),
        Case("html", "a login page", {file: b"<!DOCTYPE html><html><body>Sign in</body></html>"}, **read),
        Case("nested", "deeply nested", {file: b"[" * 200_000 + b"]" * 200_000}, **read),
        Case("python", "only a .py", {f"{desk.name}.py": desk.answer(desk.first).encode()}, **read),
        Case("pdf", "only a .pdf", {f"{desk.name}.pdf": b"%PDF-1.4\n"}, **read),
        Case("bomb", "a zip bomb", {"handed in.zip": bomb.getvalue()}, **read),
        Case("escape", "a zip that climbs out", {"handed in.zip": escape.getvalue()}, **read),
        Case("link", "a link to another file", special=lambda own: (own / file).symlink_to("/etc/passwd"), **gone),
        Case("pipe", "a pipe", special=lambda own: os.mkfifo(own / file), **gone),
        Case("nothing", "an empty folder", **gone),
    ]
