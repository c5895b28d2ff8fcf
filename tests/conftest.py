"""What holds for every test: shapes are checked, the network is off, the global random state is nobody's."""

import os
import socket
import sys
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

os.environ["COURSE_OFFLINE"] = "1"
os.environ.pop("COURSE_SIZE", None)
os.environ.pop("COURSE_SEED", None)
_hook = install_import_hook("course_lib", "beartype.beartype")  # kept alive: every public signature is checked at run time

settings.register_profile("course", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("course")

ROOT = Path(__file__).parents[1]
_connect = socket.socket.connect


def _connect_on_this_machine(self, address):
    """Refuses every address but this machine's own, so that a test that needs the network says so at once."""
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"tests run without a network, and this one asked for {address[0]}")
    return _connect(self, address)


socket.socket.connect = _connect_on_this_machine


@pytest.fixture
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture
def real_data() -> Path:
    """The folder with real data; a test that needs it is skipped by name where there is none."""
    folder = os.environ.get("COURSE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real data: set COURSE_DATA to its folder")
    return Path(folder).resolve()


@pytest.fixture
def own_messages():
    """Lets our own messages through, where the check of shapes would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def needs_program(name: str) -> None:
    """Skips the calling test where a program is missing; in CI that is a failure."""
    import shutil

    if shutil.which(name) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs the program {name!r}: install it from your system's packages")


@pytest.fixture(autouse=True)
def _figures_are_closed():
    """No test's figures stay open for the next one."""
    yield
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        pyplot.close("all")
