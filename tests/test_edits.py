"""What a function did to its arguments is done again elsewhere, to the very same things and no others."""

import copy

import numpy as np
import pytest
import torch

from course_lib.grading.conversation import wire
from course_lib.grading.conversation.edits import Watch, apply, changeable
from course_lib.grading.conversation.wire_records import Refused


def elsewhere(function, *args):
    """Runs a function on copies, then does to the arguments what it did to them."""
    copies = copy.deepcopy(args)
    watch = Watch(copies, wire.pack)
    function(*copies)
    edits = wire.unpack(wire.pack(watch.edits()))
    apply(args, edits)
    return edits


def test_nothing_changed_means_no_edit():
    assert elsewhere(lambda x, y: x + 1, torch.tensor([1.0, float("nan")]), [{}]) == []


def test_tensors_arrays_lists_dictionaries_and_sets():
    x, a, nested, s = torch.zeros(2), np.zeros(2), [1, {"k": [2]}], {1}

    def function(x, a, nested, s):
        x[0], a[1] = 3, 4
        nested[1]["k"].append(5)
        nested[1]["new"] = "value"
        nested[0] = 9
        s.add(2)

    inner = nested[1]["k"]
    elsewhere(function, x, a, nested, s)
    assert (x.tolist(), a.tolist(), nested, s) == ([3, 0], [0, 4], [9, {"k": [2, 5], "new": "value"}], {1, 2})
    assert nested[1]["k"] is inner


def test_an_exchanged_entry_does_not_change_the_old_one():
    first = torch.ones(2)
    tensors = [first, torch.zeros(2)]
    second = tensors[1]

    def function(tensors):
        tensors[0] = tensors[0] * 5
        tensors.reverse()

    elsewhere(function, tensors)
    assert first.tolist() == [1, 1]
    assert tensors[0] is second
    assert tensors[1].tolist() == [5, 5]


def test_leaves_that_want_gradients_are_changed_too():
    x = torch.ones(2, requires_grad=True)
    apply([x], [(1, torch.zeros(2))])
    assert x.tolist() == [0, 0]
    assert x.requires_grad


@pytest.mark.parametrize(
    "edit", [None, (5, 1), (-1, 1), (0, [1]), (0, [(True, 9)]), (0, [(True, "x")]), (0, 3), (1, [((True, 0), 1, 2)]), (2, 3)]
)
def test_edits_that_are_none(edit):
    with pytest.raises(Refused):
        apply([[1], {}, {3}], [edit])


def test_shapes_that_changed_cannot_be_followed():
    x = torch.ones(2)
    apply([x], [(1, torch.zeros(3))])
    apply([x], [(1, np.zeros(2))])
    assert x.tolist() == [1, 1]
    assert len(list(changeable([x, (x, {"a": np.ones(1)}), 3]))) == 5
