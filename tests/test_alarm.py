"""An alarm is heard, rings again where it is swallowed, and ends what cannot hear it."""

import signal
import subprocess
import sys
import time

import pytest

from course_lib.grading.judging.alarm import alarm
from course_lib.grading.sandbox.student_errors import TimedOut


def test_what_is_in_time_hears_nothing():
    before = signal.getsignal(signal.SIGALRM)
    with alarm(30.0):
        pass
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_what_is_late_is_told_how_long_it_took():
    with pytest.raises(TimedOut, match="judging took longer than 0 s"), alarm(0.1):
        time.sleep(30)


def test_a_judge_that_loops_inside_c_is_ended_for_good():
    program = """
import signal, time
from course_lib.grading.judging import alarm

alarm._PATIENCE = 0.5
with alarm.alarm(0.5):
    sum(range(10**13))
"""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert time.monotonic() - started < 60


def test_an_alarm_that_a_test_swallows_rings_again():
    rings = 0
    with alarm(0.2):
        while rings < 2:
            try:
                time.sleep(30)
            except TimedOut:
                rings += 1
    assert rings == 2
