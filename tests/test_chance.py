"""States of random generators travel, and only what follows by drawing is believed."""

import random

import numpy as np
import pytest
import torch

from course_lib.grading.conversation.chance import (
    Walker,
    global_states,
    is_generator,
    new_generator,
    set_global_states,
    set_state,
    state_of,
    step,
)
from course_lib.grading.conversation.wire_records import Refused


def made():
    return [torch.Generator().manual_seed(3), np.random.default_rng(3)]


def draw(generator, n):
    return torch.randn(n, generator=generator) if isinstance(generator, torch.Generator) else generator.normal(size=n)


@pytest.mark.parametrize("n", [1, 2, 17, 623, 624, 625, 5000])
def test_what_drawing_leads_to_follows_and_nothing_goes_back(n):
    for generator in made():
        before = state_of(generator)
        draw(generator, n)
        after = state_of(generator)
        assert Walker().follows(before, after)
        assert not Walker(50).follows(after, before)
        assert Walker().follows(after, after)


def test_seeds_and_forged_states_do_not_follow():
    for generator, other in zip(made(), [torch.Generator().manual_seed(4), np.random.default_rng(4)], strict=True):
        assert not Walker(50).follows(state_of(generator), state_of(other))
        assert not Walker(50).follows(state_of(generator), b"short")
    state = bytearray(state_of(torch.Generator().manual_seed(3)))
    state[24 : 24 + 624 * 8] = bytes(624 * 8)
    assert not Walker(50).follows(state_of(torch.Generator().manual_seed(3)), bytes(state))


def test_the_budget_ends():
    walker = Walker(100)
    start, other = (state_of(torch.Generator().manual_seed(seed)) for seed in (3, 4))
    assert not walker.follows(start, other)
    assert walker.blocks <= 0
    generator = new_generator(start)
    draw(generator, 5000)
    assert not walker.follows(start, state_of(generator)), "a conversation that has used up its search gets no more"


def test_states_set_what_they_were_taken_from():
    for generator in made():
        assert is_generator(generator)
        twin = new_generator(state_of(generator))
        assert np.array_equal(draw(generator, 5), draw(twin, 5))
        with pytest.raises(Refused):
            set_state(generator, b"nothing")
    assert not is_generator(random.Random(1))
    states = global_states()
    drawn = random.random(), np.random.rand(), torch.rand(2)  # noqa: NPY002
    for name in ("random", "numpy", "torch"):
        assert Walker().follows(states[name], global_states()[name])
        step(name)
    set_global_states(states)
    assert drawn[:2] == (random.random(), np.random.rand())  # noqa: NPY002
    assert torch.equal(drawn[2], torch.rand(2))
    with pytest.raises(Refused):
        set_global_states({"torch": b"x"})
