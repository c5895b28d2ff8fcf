"""C forms are compiled once, told of when they cannot be, and never needed."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_lib.kernels import native

ADD = "void add(const double *x, double *y, long n) { for (long i = 0; i < n; i++) y[i] += x[i]; }\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of C files and an empty cache of their own."""
    (tmp_path / "add.c").write_text(ADD)
    monkeypatch.setattr(native, "_FOLDER", tmp_path)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_KERNELS", raising=False)
    native._loaded.cache_clear()
    yield tmp_path
    native._loaded.cache_clear()


needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="needs a C compiler: install gcc from your system's packages")


@needs_compiler
def test_a_compiled_function_works_on_tensors(folder):
    x, y = torch.arange(5.0, dtype=torch.float64), torch.ones(5, dtype=torch.float64)
    native.library("add").add(native.pointer(x), native.pointer(y), ctypes.c_long(5))
    assert y.tolist() == [1, 2, 3, 4, 5]


@needs_compiler
def test_it_is_compiled_once_and_again_when_the_source_changes(folder, monkeypatch):
    native.library("add")
    (first,) = (folder / "cache" / "kernels").iterdir()
    native._loaded.cache_clear()
    compiled = []
    monkeypatch.setattr(native, "_compile", lambda *words: compiled.append(words))
    native.library("add")
    assert not compiled
    monkeypatch.undo()
    monkeypatch.setattr(native, "_FOLDER", folder)
    monkeypatch.setenv("COURSE_CACHE", str(folder / "cache"))
    (folder / "add.c").write_text(ADD.replace("+=", "-="))
    native._loaded.cache_clear()
    y = torch.ones(1, dtype=torch.float64)
    native.library("add").add(native.pointer(y.clone()), native.pointer(y), ctypes.c_long(1))
    assert y.item() == 0
    assert len([*(folder / "cache" / "kernels").iterdir()]) == 2
    assert first.is_file()


@needs_compiler
def test_a_failing_compiler_is_told_of_once_and_the_reference_remains(folder, capsys):
    (folder / "add.c").write_text("this is not C")
    assert native.library("add") is None
    assert native.library("add") is None
    said = capsys.readouterr().out
    assert said.count("add.c could not be compiled, plain PyTorch is used instead") == 1
    assert not [*(folder / "cache" / "kernels").iterdir()]


@needs_compiler
def test_a_cache_that_cannot_be_written_is_told_of(folder, capsys, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setenv("COURSE_CACHE", str(folder / "file"))
    assert native.library("add") is None
    assert "plain PyTorch is used instead" in capsys.readouterr().out


def test_without_a_compiler_there_is_none(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CC", raising=False)
    assert native.compiler() is None
    assert native.library("add") is None


def test_the_reference_can_be_asked_for_and_nothing_else(folder, monkeypatch):
    monkeypatch.setenv("COURSE_KERNELS", "reference")
    assert native.library("add") is None
    monkeypatch.setenv("COURSE_KERNELS", "fast")
    with pytest.raises(ValueError, match="COURSE_KERNELS must be 'reference' or unset, got 'fast'"):
        native.library("add")


def test_an_unknown_name_says_what_is_known(folder):
    with pytest.raises(ValueError, match="got 'multiply': known are add"):
        native.library("multiply")


def test_a_c_function_gets_plain_memory_only():
    x = torch.zeros(4, 4)
    with pytest.raises(ValueError, match="strided"):
        native.pointer(x.T[1:])
    assert native.takes(x)
    assert not native.takes(x, torch.zeros(1, requires_grad=True))
    with torch.no_grad():
        assert native.takes(torch.zeros(1, requires_grad=True))


@needs_compiler
def test_many_processes_may_compile_at_once(folder):
    code = f"from pathlib import Path; from course_lib.kernels import native; native._FOLDER = Path({str(folder)!r}); assert native.library('add')"
    running = [subprocess.Popen([sys.executable, "-c", code], env=os.environ, cwd=Path(__file__).parents[1]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert len([*(folder / "cache" / "kernels").iterdir()]) == 1


@needs_compiler
def test_every_c_file_compiles_without_a_warning(tmp_path):
    for source in sorted(Path(native.__file__).parent.glob("*.c")):
        command = [native.compiler(), *native._FLAGS, "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "made.so"), str(source), "-lm"]
        subprocess.run(command, check=True)
