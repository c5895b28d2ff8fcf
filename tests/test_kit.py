"""What students get holds all they need, and nothing that gives an answer away."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import needs_program

from course_lib import cli
from course_lib.command import Lacking, Refused, WrongInput
from course_lib.grading.authoring import kit
from course_lib.grading.authoring.submissions import saved_by_colab, solved

SOLUTION = "### BEGIN SOLUTION\ntotal = sum(values)\nreturn total / len(values)\n### END SOLUTION"
HIDDEN = "assert mean([1, 2]) == 1.5\n### BEGIN HIDDEN TESTS\nassert mean([7, 9, 11]) == 9\n### END HIDDEN TESTS"


def notebook(*sources: str, **nbgrader) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def write(path: Path, content: nbformat.NotebookNode | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else nbformat.writes(content) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def course(tmp_path) -> Path:
    """A little course with one problem set, half of which is secret."""
    root = tmp_path / "course"
    source = notebook(f"def mean(values):\n    {SOLUTION.replace(chr(10), chr(10) + '    ')}", HIDDEN)
    answer = nbformat.v4.new_markdown_cell("The mean is pulled by what lies far out.")
    answer.metadata["nbgrader"] = {"grade": True, "solution": True, "grade_id": "words"}
    source.cells.append(answer)
    write(root / "solutions" / "ps01_mean" / "ps01_mean.ipynb", source)
    write(root / "assignments" / "ps01_mean" / "ps01_mean.ipynb", notebook("def mean(values):\n    ...", "assert mean([1, 2]) == 1.5"))
    write(root / "notebooks" / "00_start_here.ipynb", notebook("print('hello')"))
    write(root / "course_lib" / "__init__.py", '__version__ = "0.1.0"\n')
    write(root / "course_lib" / "grading" / "secret.py", "marks = 1\n")
    write(root / "tests" / "wrong_answers" / "ps01_mean.py", "WRONG = {}\n")
    for name in ("LICENSE", "constraints.txt", "pyproject.toml"):
        write(root / name, f"{name}\n")
    return root


def test_a_kit_holds_what_students_need_and_nothing_of_the_instructors(course, tmp_path):
    write(course / "notebooks" / ".ipynb_checkpoints" / "x.ipynb", "{}")
    write(course / "course_lib" / "__pycache__" / "x.pyc", "")
    made = kit.make_kit(course, tmp_path / "out" / "kit")
    assert sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()) == [
        "LICENSE",
        "Makefile",
        "README.md",
        "assignments/ps01_mean/ps01_mean.ipynb",
        "constraints.txt",
        "course_lib/__init__.py",
        *sorted(map(str, kit._REPAIR_FILES)),
        "kit.json",
        "notebooks/00_start_here.ipynb",
        "pyproject.toml",
    ]
    assert [path.name for path in made.parent.iterdir()] == ["kit"]  # nothing half made stays
    assert (made.stat().st_mode & 0o777) == 0o755


LEAKS = {
    "a line of a solution in the assignment": ("assignments/ps01_mean/ps01_mean.ipynb", notebook("  return total / len(values)")),
    "a hidden test in the assignment": ("assignments/ps01_mean/ps01_mean.ipynb", notebook("assert mean([7, 9, 11]) == 9")),
    "a model answer": ("assignments/ps01_mean/notes.md", "The mean is pulled by what lies far out.\n"),
    "a hidden test in a lecture": ("notebooks/00_start_here.ipynb", notebook("1", "if True:\n    assert mean([7, 9, 11]) == 9")),
    "a whole solution in a lecture": ("notebooks/00_start_here.ipynb", notebook("total = sum(values)\nx = 1\nreturn total / len(values)")),
    "a whole solution in the library": (
        "course_lib/mean.py",
        "def mean(values):\n    total = sum(values)\n\n    return total / len(values)\n",
    ),
    "a marker": ("course_lib/x.py", "#### begin solution\n"),
    "a marker in a notebook": ("notebooks/00_start_here.ipynb", notebook("### END HIDDEN TESTS")),
    "a solution folder": ("data/solutions/x.txt", "x"),
    "a gradebook": ("assignments/ps01_mean/autograded/x.txt", "x"),
}


@pytest.mark.parametrize("place", LEAKS)
def test_a_leak_stops_the_kit_and_yesterdays_stays(course, tmp_path, place):
    made = kit.make_kit(course, tmp_path / "kit")
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    path, content = LEAKS[place]
    write(course / path, content)
    with pytest.raises(Refused, match=path.split("/")[-1] if "autograded" not in path and "solutions" not in path else "instructor"):
        kit.make_kit(course, made)
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before
    assert not [path for path in tmp_path.iterdir() if path.name not in ("course", "kit")]


def test_one_problem_set_can_be_given_out_alone(course, tmp_path, monkeypatch, capsys):
    for name in ("ps02_next", "ps12_last"):
        write(course / "assignments" / name / f"{name}.ipynb", notebook("1"))
    write(course / "solutions" / "ps03_secret" / "ps03_secret.ipynb", notebook("1"))
    monkeypatch.chdir(course)
    assert cli.main(["kit", "--to", str(tmp_path / "kit"), "--only", "ps01", "ps02"]) == 0
    assert sorted(path.name for path in (tmp_path / "kit" / "assignments").iterdir()) == ["ps01_mean", "ps02_next"]
    assert "not released" not in capsys.readouterr().out  # what was left out on purpose
    for name in ("ps03", "ps", ""):
        assert cli.main(["kit", "--to", str(tmp_path / "other"), "--only", name]) == 2
        assert "ps01_mean, ps02_next, ps12_last" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_secrets_are_found_in_outputs_and_metadata_too(course, tmp_path):
    leaking = notebook("1")
    leaking.cells[0].outputs = [nbformat.v4.new_output("stream", text="return total / len(values)\n")]
    write(course / "assignments" / "ps01_mean" / "ps01_mean.ipynb", leaking)
    with pytest.raises(Refused, match="ps01_mean"):
        kit.make_kit(course, tmp_path / "kit")
    leaking = notebook("1")
    leaking.cells[0].metadata["note"] = 'say "x"\nassert mean([7, 9, 11]) == 9'
    write(course / "assignments" / "ps01_mean" / "ps01_mean.ipynb", leaking)
    with pytest.raises(Refused, match="ps01_mean"):
        kit.make_kit(course, tmp_path / "kit")


def test_a_lecture_may_teach_the_one_line_that_a_problem_set_asks_for(course, tmp_path):
    write(course / "notebooks" / "00_start_here.ipynb", notebook("mean = lambda values: 0\nreturn total / len(values)"))
    kit.make_kit(course, tmp_path / "kit")


def test_a_link_out_of_the_course_is_refused(course, tmp_path):
    (course / "notebooks" / "data").symlink_to(tmp_path)
    with pytest.raises(Refused, match="notebooks/data is a link"):
        kit.make_kit(course, tmp_path / "kit")


def test_an_earlier_kit_is_replaced_and_what_is_gone_from_the_course_goes(course, tmp_path):
    write(course / "notebooks" / "09_old.ipynb", notebook("1"))
    made = kit.make_kit(course, tmp_path / "kit")
    (course / "notebooks" / "09_old.ipynb").unlink()
    (made / "course_lib" / "__pycache__").mkdir()
    (made / "course_lib" / "__pycache__" / "x.pyc").write_text("")
    kit.make_kit(course, made)
    assert not (made / "notebooks" / "09_old.ipynb").exists()


def test_a_kit_that_is_pushed_from_its_folder_stays_a_repository_and_students_get_none_of_it(course, tmp_path):
    made = kit.make_kit(course, tmp_path / "kit")
    write(made / ".git" / "HEAD", "ref: refs/heads/main\n")
    write(course / "notebooks" / "01_next.ipynb", notebook("1"))
    assert (kit.make_kit(course, made) / "notebooks" / "01_next.ipynb").is_file()
    assert (made / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"
    with zipfile.ZipFile(kit.pack(made)) as packed:
        assert "kit/notebooks/01_next.ipynb" in packed.namelist()
        assert not [name for name in packed.namelist() if ".git" in name]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["course", "kit", "kit.zip"]


def test_a_folder_with_work_in_it_is_never_overwritten(course, tmp_path):
    write(tmp_path / "mine" / "thesis.tex", "years")
    with pytest.raises(WrongInput, match="no earlier kit"):
        kit.make_kit(course, tmp_path / "mine")
    made = kit.make_kit(course, tmp_path / "kit")
    write(made / "assignments" / "ps01_mean" / "ps01_mean.ipynb", notebook("my answer"))
    with pytest.raises(WrongInput, match=r"ps01_mean\.ipynb"):
        kit.make_kit(course, made)
    made = kit.make_kit(course, tmp_path / "other")
    write(made / "notes.txt", "my notes")
    with pytest.raises(WrongInput, match=r"notes\.txt"):
        kit.make_kit(course, made)
    write(tmp_path / "file", "a file")
    with pytest.raises(WrongInput, match="not empty"):
        kit.make_kit(course, tmp_path / "file")


def test_a_failure_while_it_is_put_in_place_brings_the_earlier_kit_back(course, tmp_path, monkeypatch):
    made = kit.make_kit(course, tmp_path / "kit")
    rename = Path.rename

    def fail(self, target):
        if self.name == "made":
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk is gone"):
        kit.make_kit(course, made)
    assert (made / "notebooks" / "00_start_here.ipynb").is_file()


def test_a_part_that_is_missing_is_named(course, tmp_path):
    shutil.rmtree(course / "notebooks")
    with pytest.raises(Lacking, match="notebooks is missing"):
        kit.make_kit(course, tmp_path / "kit")


def test_the_command_makes_packs_and_tells_what_is_not_released(course, tmp_path, monkeypatch, capsys):
    write(course / "solutions" / "ps02_next" / "ps02_next.ipynb", notebook("1"))
    monkeypatch.chdir(course)
    assert cli.main(["kit", "--to", str(tmp_path / "kit"), "--zip"]) == 0
    out = capsys.readouterr().out
    assert "not released: ps02_next" in out
    with zipfile.ZipFile(tmp_path / "kit.zip") as packed:
        assert "kit/notebooks/00_start_here.ipynb" in packed.namelist()
        assert all(name.startswith("kit/") for name in packed.namelist())
    assert json.loads((tmp_path / "kit" / "kit.json").read_text())["version"] == "0.1.0"


def test_the_students_make_lab_installs_what_a_student_needs(root, tmp_path):
    needs_program("make")
    made = kit.make_kit(root, tmp_path / "kit")
    would = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "lab", f"PYTHON={sys.executable}"],
        cwd=made,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--constraint constraints.txt --editable '.[lab]'" in would
    assert would.splitlines()[-1].split()[-1] == "notebooks/00_start_here.ipynb"
    text = (made / "README.md").read_text(encoding="utf-8")
    assert not [
        target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith("https://") and not (made / target).exists()
    ]


def test_a_students_copy_repairs_a_notebook_and_says_what_stands_in_it(root, tmp_path):
    """With the kit's own modules: nothing of the instructor's is within reach."""
    made = kit.make_kit(root, tmp_path / "kit")
    name = "ps04_ica"
    released, source = (nbformat.read(root / folder / name / f"{name}.ipynb", as_version=4) for folder in ("assignments", "solutions"))
    save = write(tmp_path / "Copy of work.ipynb", json.dumps(saved_by_colab(solved(released, source))))

    def say(*words: object) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "course_lib.cli", *map(str, words)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "PYTHON"))}
        return subprocess.run(command, cwd=made, env=clean, capture_output=True, text=True, check=False)

    said = say("repair", save)
    assert said.returncode == 0, said.stderr
    assert f"{name}: 7 of 7 answers written" in said.stdout
    nbformat.validate(nbformat.read(tmp_path / "Copy of work.repaired.ipynb", as_version=4))
    assert "invalid choice: 'grade'" in say("grade").stderr  # the instructor's tools are not there
    write(made / "assignments" / name / f"{name}.ipynb", solved(released, source))  # worked in, and no release any more
    said = say("repair", write(tmp_path / "again.ipynb", save.read_text(encoding="utf-8")))
    assert said.returncode == 2
    assert "as it was given out, with --released" in said.stderr


@pytest.mark.slow
def test_a_kit_installs_in_an_environment_of_its_own_and_runs_the_first_lecture(root, tmp_path):
    """As a student would, but with the packages of this environment, so that nothing is downloaded."""
    made = kit.make_kit(root, tmp_path / "kit")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True
    )
    Path(packages.stdout.strip(), "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--editable", made]
    subprocess.run(install, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "PYTHON"))} | {"COURSE_OFFLINE": "1"}
    course = python.with_name("course")

    def say(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run([course, *words], cwd=made, env=clean, capture_output=True, text=True, check=False)

    ran = say("run", "00", "--size", "quick")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    executed = nbformat.read(made / "build" / "lectures" / "00_start_here.ipynb", as_version=4)
    assert "00_start_here · " in "".join(
        output.text for cell in executed.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    )
    where = subprocess.run(
        [python, "-c", "import course_lib; print(course_lib.__file__)"], cwd=tmp_path, env=clean, capture_output=True, text=True, check=True
    )
    assert Path(where.stdout.strip()).parent == made / "course_lib"
    listen = "from course_lib.datasets import audio; print(len(audio.voices(size='quick')))"
    heard = subprocess.run([python, "-c", listen], cwd=tmp_path, env=clean, capture_output=True, text=True, check=True)
    assert heard.stdout.splitlines()[-1] == "3"
    doctor = say("doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert say("release", "ps01").returncode == 2
