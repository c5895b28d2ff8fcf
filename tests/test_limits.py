"""What a notebook may use."""

import dataclasses

import pytest

from course_lib.grading.limits import Limits


def test_limits_are_settings_that_nobody_changes_on_the_way():
    limits = Limits(memory=1 << 30)
    assert dataclasses.replace(limits, processes=7) == Limits(memory=1 << 30, processes=7)
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.memory = 0
    assert limits.cell_seconds <= limits.notebook_seconds
