"""A student's process for tests of the judge: forked from this one, with a socket to it."""

import contextlib
import os
import signal
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from course_lib.grading.conversation import serving
from course_lib.grading.judging.proxies import Link


@contextlib.contextmanager
def process(act: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """Yields the judge's end of a socket at whose other end a process of its own acts; it is killed afterwards."""
    here, there = socket.socketpair()
    number = os.fork()
    if number == 0:
        try:
            here.close()
            act(there)
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    there.close()
    try:
        yield here
    finally:
        here.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)


@contextlib.contextmanager
def student(code: str, names: Mapping[str, Any] = {}, *, seconds: float = 300.0) -> Iterator[Link]:
    """Yields a link to a process that has run a student's code, and serves it; ``names`` are there before and take precedence after."""

    def act(connection: socket.socket) -> None:
        scope = {"__name__": "__main__", **names}
        exec(compile(code, "student", "exec"), scope)
        scope.update(names)
        serving.serve_on(connection, scope)

    with process(act) as connection:
        yield Link(connection, seconds)
