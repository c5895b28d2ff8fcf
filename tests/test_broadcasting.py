"""Comparisons that broadcast are named where nobody looks at the shape, and left alone where somebody does."""

import ast

import numpy as np
import pytest
import torch

from course_lib.grading.broadcasting import broadcast_faults


def faults(code):
    return broadcast_faults(ast.parse(code), {"f", "g"})


def test_an_empty_array_is_all_that_one_likes():
    """What this is about."""
    assert np.allclose(np.zeros(0), 4.0)
    assert torch.allclose(torch.zeros(0), torch.tensor(4.0))
    assert (np.zeros(0) == 4.0).all()


@pytest.mark.parametrize(
    ("code", "piece"),
    [
        ("assert np.allclose(f(2), 4.0)", "f(2)"),
        ("assert torch.allclose(f(x), want, atol=1e-6)", "f(x)"),
        ("assert torch.allclose(want, f(x))", "f(x)"),
        ("assert want.allclose(f(x))", "f(x)"),
        ("assert f(x).allclose(want)", "f(x)"),
        ("got = f(x)\nassert np.allclose(got, want)", "got"),
        ("mean, scale = f(x)\nassert np.allclose(mean, 1)\nassert scale.shape == (3,)", "mean"),
        ("assert np.isclose(f(x), want).all()", "f(x)"),
        ("assert torch.isclose(f(x), want).all()", "f(x)"),
        ("assert (f(x) == want).all()", "f(x)"),
        ("assert torch.all(f(x) == want)", "f(x)"),
        ("assert np.all(np.abs(f(x) - want) < 1e-6)", "f(x)"),
        ("got = f(x)\nassert ((got - want).abs() < 1e-6).all()", "got"),
        ("assert np.allclose(f(x)['mean'], 3)", "f(x)['mean']"),
        ("got = f(x)\nassert np.allclose(got.mean, 3)\nassert got.scale.shape == (3,)", "got.mean"),
    ],
)
def test_a_comparison_without_a_shape_is_named(code, piece):
    assert any(fault.endswith(f"compare the shape of {piece} first") for fault in faults(code)), faults(code)


@pytest.mark.parametrize(
    "code",
    [
        "got = f(x)\nassert got.shape == want.shape\nassert np.allclose(got, want)",
        "got = f(x)\nassert got.size() == (3,)\nassert (got == want).all()",
        "got = f(x)\nassert len(got) == 3\nassert np.isclose(got, want).all()",
        "got = f(x)\ncheck.shape(got, (3,))\nassert torch.allclose(got, want)",
        "got = f(x)\nmean = got.mean\ncheck.close(got.mean, 2)\nassert np.allclose(got.mean, 2)",
        "check.close(f(x), want)",
        "torch.testing.assert_close(f(x), want)",
        "assert torch.allclose(model(x), want)",
        "assert torch.equal(f(x), want)",
        "assert all(f(x) == x * x for x in (1, 2))",
        "assert np.allclose(f(x).sum(), 1.0)",
        "assert (np.diff(seen) < 0).all()",
    ],
)
def test_a_sound_comparison_is_left_alone(code):
    assert faults(code) == []
