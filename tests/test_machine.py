"""What the machine is told to have, lack and mend."""

import importlib.metadata
import sys
from pathlib import Path

import pytest
import torch

from course_lib import machine
from course_lib.datasets import registry
from course_lib.machine import Finding


def test_this_machine_has_what_the_lectures_need():
    findings = machine.report()
    assert not [str(finding) for finding in findings if finding.state == "wrong"]
    assert {"Python", "packages", "CPU", "GPU", "disk", "data"} <= {finding.what for finding in findings}


def test_the_base_and_every_extra_are_told_apart():
    base = {need.name for need in machine.requirements()}
    assert {"torch", "jaxtyping"} <= base
    assert not base & {"nbclient", "nbgrader", "pytest"}
    assert {need.name for need in machine.requirements("lab")} >= {"nbclient", "jupyterlab"}
    assert "nbgrader" in {need.name for need in machine.requirements("grading")} - {need.name for need in machine.requirements("lab")}
    test = machine.requirements("test")
    assert {"pytest", "nbgrader", "sphinx", "nbclient"} <= {need.name for need in test}
    assert len(test) == len(set(test))


def test_without_the_folder_the_installed_package_states_its_needs(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "site-packages" / "course_lib" / "machine.py"))
    stated = ["numpy>=2.0", 'nbclient>=0.10; extra == "lab"', 'generative-course[lab]; extra == "grading"', 'nbgrader; extra == "grading"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: stated)
    assert [need.name for need in machine.requirements()] == ["numpy"]
    assert [need.name for need in machine.requirements("grading")] == ["nbclient", "nbgrader"]


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setattr(machine, "_declared", lambda: ["numpy>=2.0", "no-such-thing>=1.5", 'never-there; extra == "lab"'])
    found = machine.packages()
    assert found.state == "wrong"
    assert "no-such-thing is not installed" in found.says
    assert found.mend.endswith("-m pip install 'no-such-thing>=1.5'")
    lab = machine.packages("lab")
    assert (lab.what, lab.state, lab.says) == ("packages [lab]", "optional", "never-there is not installed")


def test_an_old_package_is_named_with_both_versions(monkeypatch):
    monkeypatch.setattr(machine, "_declared", lambda: ["numpy>=99"])
    found = machine.packages()
    assert found.state == "wrong"
    assert importlib.metadata.version("numpy") in found.says
    assert ">=99" in found.says


def test_an_old_python_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    assert machine.python().state == "wrong"
    assert "3.11" in machine.python().says


def test_a_wrong_data_folder_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    found = machine.data()
    assert found.state == "wrong"
    assert "nowhere" in found.says
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert machine.data().state != "wrong"


@pytest.mark.parametrize(
    ("places", "state", "says"),
    [
        (["cache", "COURSE_DATA"], "good", "2 of 2"),
        (["cache", "download"], "good", "fetched when first used"),
        (["download", "stand-in"], "optional", "0 of 2"),
        (["cache", "refused"], "wrong", "set-1"),
    ],
)
def test_the_state_of_the_data_is_summed_up(monkeypatch, places, state, says):
    sets = [registry.Status(f"set-{i}", where, "", "") for i, where in enumerate(places)]
    monkeypatch.setattr(registry, "report", lambda: sets)
    found = machine.data()
    assert found.state == state
    assert says in found.says


def test_a_full_disk_is_said(monkeypatch, tmp_path):
    usage = type("Usage", (), {"free": 10**8})
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: usage)
    assert machine.disk(tmp_path).state == "optional"
    assert "0.1 GB" in machine.disk(tmp_path).says


class _T4:
    name = "Tesla T4"
    total_memory = 15.8e9


@pytest.mark.parametrize(("real", "says"), [(True, "bfloat16 real"), (False, "only emulated")])
def test_emulated_bfloat16_is_not_taken_for_the_real_one(monkeypatch, real, says):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: _T4)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True if including_emulation else real)
    first = machine.graphics()[0]
    assert "Tesla T4, 16 GB" in first.says
    assert says in first.says


def test_the_line_is_one_line_and_ends_with_the_remedy():
    findings = [
        Finding("Python", "good", "3.12"),
        Finding("packages", "wrong", "no tqdm", "pip install tqdm"),
        Finding("GPU", "optional", "none", "Colab"),
    ]
    line = machine.one_line(findings)
    assert line == "✗ Missing: packages, no tqdm → pip install tqdm"
    assert "\n" not in machine.one_line()


def test_nothing_heavy_is_imported_before_it_is_asked(root: Path):
    import subprocess

    code = "import sys; from course_lib import machine; machine.packages(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_compiler_is_a_gain_and_never_a_need(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    found = machine.compiler()
    assert (found.what, found.state) == ("C compiler", "optional")
    assert "plain PyTorch" in found.says
