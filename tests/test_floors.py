"""The house stands on its floors: who may know whom, what a student's install needs, what every module owes its reader."""

import ast
import doctest
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "course_lib"

GROUND = {"contract", "signal", "kernels", "datasets", "randomness"}
ROOF = {"cli", "command", "doctor", "grading", "lecture_record", "lecture_runner"}
NETWORKS = GROUND | {"networks"}
GENERATORS = {"recognition", "generative", "language"}
# What each part of the course may import besides itself. A new part is entered here, and in the design, before it is used.
MAY_IMPORT = (
    {part: GROUND for part in GROUND}
    | {part: GROUND for part in ("classical", "networks", "plotting", "metrics")}
    | {part: NETWORKS for part in GENERATORS}
    | {"applications": NETWORKS | GENERATORS}
    | {"ema": set(), "checkpoint": set(), "check": set()}
    | {"training": {"contract", "checkpoint", "ema", "randomness"}}
    | {"yardstick": NETWORKS | {"training"}}  # trains the one network that measures the others' samples
    | {"machine": GROUND, "widgets": GROUND | {"plotting", "metrics"}, "lab": GROUND | {"plotting", "machine"}}
)

# The parts of the grader in the order in which they may know each other: each imports only those before it.
GRADING = ("notebooks", "authoring", "conversation", "sandbox", "repairing", "collection", "judging", "recording", "reporting")
GRADING_GROUND = {"records", "tables", "scratch", "student_ids", "nbgrader_settings", "nbgrader_course"}

# The names under which the packages of a student's install are imported, where these differ from the packages' names.
IMPORT_NAMES = {"scikit-learn": "sklearn", "ipython": "IPython", "pillow": "PIL"}
TEACHING = {"classical", "networks", "recognition", "generative", "language", "applications", "metrics", "signal", "kernels"}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base"}


def modules() -> dict[str, Path]:
    """Every module of the library by its dotted name below ``course_lib``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
PARTS = sorted({name.split(".")[0] for name in MODULES} - {""})


def imports(code: str, package: str) -> set[str]:
    """Every module that a piece of code imports, at the top or inside a function, by its absolute name; of ``from a import b`` both a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found |= {source} | {f"{source}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")) and node.args:
            found |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else {"a name put together at run time"}
    return found


def imported_by(name: str) -> set[str]:
    path = MODULES[name]
    dotted = f"course_lib.{name}" if name else "course_lib"
    package = dotted if path.name == "__init__.py" else dotted.rpartition(".")[0]
    return imports(path.read_text(encoding="utf-8"), package)


def parts_imported_by(name: str) -> set[str]:
    """The parts of the library that a module imports, its own left out."""
    names = {found.split(".")[1] for found in imported_by(name) if found.startswith("course_lib.")}
    return (names & set(PARTS)) - {name.split(".")[0]}


# ----------------------------------------------------------------------------------------------------------------- floors


def test_finding_imports_sees_them_in_every_form():
    code = """
import course_lib.a
from course_lib import b
from course_lib.c import thing
from . import d
from .e import thing
from ..f import thing
if TYPE_CHECKING:
    from course_lib.g import thing
def late():
    import course_lib.h as short
    importlib.import_module("course_lib.i")
"""
    found = imports(code, "course_lib.part")
    assert {"a", "b", "c", "part.d", "part.e", "f", "g", "h", "i"} <= {name.removeprefix("course_lib.") for name in found}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_stands_on_a_floor(part):
    assert part in ROOF or part in MAY_IMPORT, f"say in MAY_IMPORT what course_lib/{part} may import, or add it to ROOF"


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[0] not in ROOF])
def test_a_module_knows_only_what_lies_below(name):
    allowed = MAY_IMPORT.get(name.split(".")[0], set())  # course_lib/__init__.py may import nothing
    above = parts_imported_by(name) - allowed
    assert not above, f"course_lib.{name} imports {sorted(above)}, and may import only {sorted(allowed)}"


def test_the_rules_are_floors_and_nothing_reaches_the_roof():
    for part, allowed in MAY_IMPORT.items():
        assert not allowed & ROOF, f"{part} may not import the roof"
    for model in ("classical", "networks", *GENERATORS, "applications"):
        for below in (*GROUND, "plotting", "metrics", "training", "check"):
            assert model not in MAY_IMPORT[below], f"{below} may not know models"
    assert not any("lab" in allowed or "widgets" in allowed for allowed in MAY_IMPORT.values())
    assert {part for part, allowed in MAY_IMPORT.items() if "training" in allowed} == {"yardstick"}


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("grading.") and name.split(".")[1] in GRADING])
def test_a_step_of_grading_knows_only_those_before_it(name):
    own = name.split(".")[1]
    known = {found.split(".")[2] for found in imported_by(name) if found.startswith("course_lib.grading.")}
    above = known - {*GRADING[: GRADING.index(own) + 1], *GRADING_GROUND}
    assert not above, f"course_lib.{name} imports {sorted(above)}, which come after {own}"


def test_every_folder_of_the_grader_is_a_step():
    assert {name.split(".")[1] for name, path in MODULES.items() if name.startswith("grading.") and path.name == "__init__.py"} == set(
        GRADING
    )


# ---------------------------------------------------------------------------------------------------------- student's install


def base_requirements() -> set[str]:
    """The import names of what ``pip install generative-course`` brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.match(r"[\w.-]+", need).group().lower() for need in project["dependencies"]}
    return {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[0] not in ROOF])
def test_a_students_install_has_all_that_a_module_imports(name):
    outside = {found.split(".")[0] for found in imported_by(name)} - {"course_lib"} - set(sys.stdlib_module_names)
    allowed = {"numpy", "torch"} if name == "check" else base_requirements()
    assert outside <= allowed, f"course_lib.{name} imports {sorted(outside - allowed)}, which a student may not have"


def _python(code: str, *options: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=env).stdout


def test_importing_the_library_loads_nothing_else():
    loaded = _python("import sys; before = set(sys.modules); import course_lib; print(*sorted(set(sys.modules) - before))").split()
    assert loaded == ["course_lib"]


def test_the_command_line_loads_nothing_heavy_to_say_what_it_can_do():
    heavy = "{'torch', 'numpy', 'matplotlib', 'nbformat', 'nbclient', 'nbgrader', 'sklearn'}"
    assert _python(f"import sys, course_lib.cli; print(*{heavy} & set(sys.modules))").split() == []


@pytest.mark.slow
def test_the_students_modules_import_without_the_roofs_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {re.match(r"[\w.-]+", need).group().lower() for needs in project["optional-dependencies"].values() for need in needs}
    absent = {name.replace("-", "_") for name in extras} - {"generative_course", "scipy"}  # scikit-learn brings SciPy
    students = [f"course_lib.{name}" for name in MODULES if name and name.split(".")[0] not in ROOF]
    code = f"""
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r} and not name.startswith(("ipykernel", "psutil")):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
for name in {students!r}:
    importlib.import_module(name)
print("all")
"""
    assert _python(code).split() == ["all"]


# --------------------------------------------------------------------------------------------------- what a module owes its reader


def documented(tree: ast.Module) -> list[tuple[str, int, str]]:
    """Name, line and docstring of a module and of everything in it that has one."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    nodes = [node for node in ast.walk(tree) if isinstance(node, kinds) and ast.get_docstring(node, clean=True)]
    return [(getattr(node, "name", ""), node.body[0].lineno, ast.get_docstring(node, clean=True)) for node in nodes]


def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_every_public_thing_has_a_docstring(name):
    tree = tree_of(name)
    assert ast.get_docstring(tree), f"course_lib.{name} does not say what it is"
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"course_lib.{name}.{node.name} has no docstring"


@pytest.mark.parametrize("name", MODULES)
def test_where_it_is_taught_exists(name):
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    taught = []
    for _, _, text in documented(tree_of(name)):
        for line in re.findall(r"^Taught in: *(.+)$", text, flags=re.MULTILINE):
            taught += re.split(r", *", line.rstrip("."))
    assert set(taught) <= notebooks, f"course_lib.{name} names lectures that are not there: {sorted(set(taught) - notebooks)}"
    if name.split(".")[0] in TEACHING and MODULES[name].name != "__init__.py":
        assert taught, f"course_lib.{name} does not say where it is taught"


def test_the_known_lectures_are_the_notebooks():
    known = json.loads((PACKAGE / "lectures.json").read_text(encoding="utf-8"))
    assert list(known) == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", [name for name, path in MODULES.items() if path.name != "__init__.py"])
def test_every_module_has_its_tests(name):
    """A file named after the module, or after its package, that mentions the module."""
    package, _, module = name.rpartition(".")
    candidates = [ROOT / "tests" / f"test_{stem}.py" for stem in (module, name.replace(".", "_"), package.replace(".", "_"))]
    texts = [path.read_text(encoding="utf-8") for path in candidates if path.is_file()]
    mention = re.compile(
        rf"course_lib\.{re.escape(name)}\b|from course_lib{re.escape('.' + package) if package else ''} import .*\b{module}\b"
    )
    assert any(mention.search(text) for text in texts), f"no tests/test_{module}.py that imports course_lib.{name}"


def test_every_file_is_named_by_its_idea():
    folders = [ROOT / folder for folder in ("course_lib", "tests", "benchmarks", "book", "data")]
    named = {path for folder in folders for path in folder.rglob("*.py") if path.stem in NAMELESS or path.parent.name in NAMELESS}
    assert not named


@pytest.mark.parametrize("name", [name for name, path in MODULES.items() if ">>> " in path.read_text(encoding="utf-8")])
def test_examples_in_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_BUILD", str(tmp_path))
    module = importlib.import_module(f"course_lib.{name}".rstrip("."))
    report, parser, runner = [], doctest.DocTestParser(), doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    for owner, line, text in documented(tree_of(name)):
        examples = parser.get_doctest(text, dict(vars(module)), f"{name}.{owner}", str(MODULES[name]), line)
        runner.run(examples, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
    assert runner.tries > 0
