"""Random streams: functions of their numbers, independent, and silent towards the global state."""

import random

import numpy as np
import torch

from course_lib.randomness import global_state_kept, seed_global_state, stream_seed

CPU = torch.device("cpu")


def _draw() -> tuple[float, float, float]:
    return torch.rand(()).item(), np.random.rand(), random.random()  # noqa: NPY002


def test_streams_differ_by_every_number_and_by_their_order():
    keys = [(seed, *numbers) for seed in range(4) for numbers in [(), (0,), (1,), (0, 0), (0, 1), (1, 0)]]
    assert len({stream_seed(*key) for key in keys}) == len(keys)


def test_a_seed_decides_all_global_draws():
    with global_state_kept(CPU):
        seed_global_state(2**63 + 5, CPU)
        first = _draw()
        seed_global_state(2**63 + 5, CPU)
        again = _draw()
        seed_global_state(2**63 + 6, CPU)
        other = _draw()
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_the_global_state_is_put_back_even_after_an_error():
    with global_state_kept(CPU):
        seed_global_state(1, CPU)
        expected = _draw()
    with global_state_kept(CPU):
        seed_global_state(1, CPU)
        try:
            with global_state_kept(CPU):
                seed_global_state(9, CPU)
                _draw()
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert _draw() == expected
