"""What a student's process may call of what a test passes: what computes, and nothing that reaches further."""

import functools
import io
import math
import os
import pathlib
import pickle
import subprocess

import numpy as np
import pytest
import torch

from course_lib.grading.judging.callbacks import may_be_called

REACH = [
    *(eval, exec, compile, open, io.open, getattr, setattr, type, __import__, vars, globals),
    *(os.system, os.path.exists, pickle.loads, subprocess.run, pathlib.Path, pathlib.Path("x").write_text),
    *(np.load, np.save, np.fromfile, np.loadtxt, np.zeros(2).tofile, torch.load, torch.save, torch.hub.load, functools.partial(np.load)),
]
COMPUTE = [
    *(math.sin, abs, len, sum, max, sorted, print, float, np.tanh, np.linalg.norm, np.random.default_rng(3).normal),
    *(torch.sin, torch.relu, torch.nn.functional.relu, torch.nn.ReLU(), torch.nn.Linear, torch.ones(2).add, torch.optim.SGD),
    *(lambda x: x, functools.partial(torch.add, alpha=2)),
]


def _name(function: object) -> str:
    """A name that is the same in every process: no address in it."""
    return getattr(function, "__qualname__", type(function).__name__)


@pytest.mark.parametrize("function", REACH, ids=_name)
def test_what_reaches_further_is_not_called(function):
    assert not may_be_called(function)


@pytest.mark.parametrize("function", COMPUTE, ids=_name)
def test_what_computes_may_be_called(function):
    assert may_be_called(function)


def test_a_method_named_like_a_file_function_is_a_tests_own_affair():
    class Table:
        def load(self):
            return 1

    assert may_be_called(Table().load)
