"""What is done inside a sandbox before a student's first cell."""

import json
import os
import subprocess
import sys
from pathlib import Path

from course_lib.grading.sandbox import kernel_launch

TELLING = """
import json, resource, sys

class IPKernelApp:
    def launch_instance(argv):
        print(json.dumps([argv[:2], sys.path[-2:], sys.path[0], open("a/b.txt").read(), resource.getrlimit(resource.RLIMIT_FSIZE)[1]]))
        import hidden.module
"""


def test_a_launcher_does_what_must_come_before_the_first_cell(tmp_path):
    """With a stand-in for ipykernel, which tells what it finds."""
    for name in ("given", "work", "code", "ipykernel"):
        (tmp_path / name).mkdir()
    (tmp_path / "given" / "a").mkdir()
    (tmp_path / "given" / "a" / "b.txt").write_text("given")
    (tmp_path / "ipykernel" / "__init__.py").touch()
    (tmp_path / "ipykernel" / "kernelapp.py").write_text(TELLING)
    settings = {"given": str(tmp_path / "given"), "work": str(tmp_path / "work"), "code": str(tmp_path / "code")}
    settings |= {
        "hidden": ["hidden", "hidden.module"],
        "rlimits": {"RLIMIT_FSIZE": 12345},
        "connection": "file.json",
        "confined": False,
        "fonts": "",
        "core": None,
    }
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    command = [sys.executable, kernel_launch.__file__, str(tmp_path / "settings.json")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "IPYTHONDIR": str(tmp_path / "home" / "ipython")}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    argv, last, first, text, size = json.loads(ran.stdout)
    assert argv == ["-f", "file.json"]
    assert last == [str(tmp_path / "code"), str(tmp_path / "work")]
    assert first != str(Path(kernel_launch.__file__).parent)
    assert (text, size) == ("given", 12345)
    assert "hidden" in ran.stderr.splitlines()[-1]
    assert (tmp_path / "home" / "ipython").is_dir()
