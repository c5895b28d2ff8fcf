"""Ends what takes too long in this process: by an alarm that rings again, and where nobody hears it, by ending the process.

with alarm(60.0):
    exec(test_cell)
"""

import contextlib
import faulthandler
import signal
from collections.abc import Iterator

from course_lib.grading.sandbox.student_errors import TimedOut

_PATIENCE = 30.0  # seconds after which a process that does not hear its alarm is ended


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Ends what the instructor's own cells do with a student's numbers, if it takes too long: a loop may run as often as a student says.

    Args:
        seconds: until it first rings.

    Raises:
        TimedOut: in the code that takes too long.
    """

    def ring(*_: object) -> None:
        raise TimedOut(f"judging took longer than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again and again, for a test may swallow it
    faulthandler.dump_traceback_later(seconds + _PATIENCE, exit=True)  # what loops inside C hears no signal
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
