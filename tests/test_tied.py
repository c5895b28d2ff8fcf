"""Leaves, sources and the states of modules; ties and far modules are tried end to end in test_proxies."""

import pytest
import torch

from course_lib.grading.conversation.tied import exchanged, leaves, load, products, run, sources, state_of
from course_lib.grading.conversation.wire_records import Record, Refused


def test_leaves_and_sources():
    x, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    y = (x * w).sum()
    record = Record("m", "T", ["a"], [y])
    assert [id(leaf) for leaf in leaves([{"k": x}, (w, 3), torch.zeros(1), record])] == [id(x), id(w), id(y)]
    assert {id(leaf) for leaf in sources([y])} == {id(x), id(w)}
    changed = exchanged(([y], {"a": y}, record), {id(y): w})
    assert changed[0][0] is changed[1]["a"] is changed[2].a is w
    layer = torch.nn.Linear(1, 1)
    assert len(leaves(layer)) == 2


def test_products_are_those_of_autograd():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y, z = x**2, 3 * x
    (got,) = products([y, z], [torch.ones(2), None], [x])
    assert got.tolist() == [2, 4]
    assert products([y], [None], [x]) == [None]
    with pytest.raises(Refused):
        products([y], [torch.ones(2), torch.ones(2)], [x])
    with pytest.raises(Refused):
        products([y], ["x"], [x])


def test_a_module_runs_with_another_state_and_keeps_its_own():
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    state = state_of(module)
    state["parameters"] = {name: torch.zeros_like(x, requires_grad=True) for name, x in state["parameters"].items()}
    state["buffers"] = {name: x.clone() for name, x in state["buffers"].items()}
    x = torch.randn(4, 2)
    assert run(module, "", state, (x,), {}).abs().max() == 0
    assert state["buffers"]["1.num_batches_tracked"] == 1
    assert module[1].num_batches_tracked == 0
    assert module[0].weight.abs().max() > 0
    assert run(module, "0", state, (x,), {}).shape == (4, 2)


def test_states_that_do_not_belong():
    module = torch.nn.Linear(2, 2)
    good = state_of(module)
    load(module, good)
    for bad in (
        None,
        {},
        {**good, "training": 1},
        {**good, "parameters": {"weight": torch.ones(3)}},
        {**good, "parameters": {"weight": torch.ones(2, 2).double()}},
        {**good, "parameters": {"other": torch.ones(2)}},
        {**good, "buffers": {"a b": torch.ones(2)}},
        {**good, "buffers": {"weight": 3}},
    ):
        with pytest.raises(Refused):
            load(module, bad)
