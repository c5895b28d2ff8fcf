"""Comparisons that broadcast are named where nobody looks at the shape, and left alone where somebody does."""

import ast

import numpy as np
import pytest
import torch

from course_lib.grading.authoring.broadcasting import broadcast_faults


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
        ("assert not (abs(f(x) - want) > 1e-6).any()", "f(x)"),
        ("assert not np.any(abs(f(x) - want) > 1e-6)", "f(x)"),
        ("np.testing.assert_allclose(f(x), 4.0)", "f(x)"),
        ("np.testing.assert_array_equal(np.ones(3), f(x))", "f(x)"),
        ("from numpy import allclose\nassert allclose(f(x), want)", "f(x)"),
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
        "got = f(x)\nassert got.shape == (3,)\nassert not (abs(got - want) > 1e-6).any()",
        "assert not np.isnan(f(x)).any()",
        "np.testing.assert_allclose(f(x), want)",
        "np.testing.assert_allclose(f(x), np.ones(3), strict=True)",
        "assert all(a == b for a, b in zip(f(x), want, strict=True))",
        "got = f(x)\nassert len(got) == 3\nassert all(a == b for a, b in zip(got, want))",
        "got = f(x)\nassert got == want and got\nfor one in got:\n    assert one > 0",
        "got = f(x)\nassert got\nfor one in got:\n    assert one > 0",
        "assert len(list(f(x))) == 2\nfor one in f(x):\n    assert one > 0",
        "seen = []\nfor one in f(x):\n    assert one > 0\n    seen.append(one)\nassert len(seen) == 3",
        "for a, b in zip(xs, want):\n    assert f(a) == b",
        "for x in (f(1), f(2)):\n    assert x > 0",
        "assert any(a > 0 for a in f(x))",
        "assert torch.equal(f(x), want)",
        "assert all(f(x) == x * x for x in (1, 2))",
        "assert np.allclose(f(x).sum(), 1.0)",
        "assert (np.diff(seen) < 0).all()",
    ],
)
def test_a_sound_comparison_is_left_alone(code):
    assert faults(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "assert all(abs(a - b) < 1e-6 for a, b in zip(f(x), want))",
        "assert all([a == b for a, b in zip(want, f(x))])",
        "assert not any(abs(a - b) > 1e-6 for a, b in zip(f(x), want))",
        "for one in f(x):\n    assert one > 0",
        "for i, one in enumerate(f(x)):\n    assert one == i",
        "for a, b in zip(f(x), want):\n    check.close(a, b)",
        "assert all(a > 0 for a in f(x))",
    ],
)
def test_what_is_compared_one_by_one_may_be_empty(code):
    exec(code.replace("check.close(a, b)", "assert a == b"), {"f": lambda x: [], "x": 2, "want": [1, 2]})  # what this is about
    (fault,) = faults(code)
    assert fault.startswith("line 1: of an empty result nothing is compared here: ask for the length of f(x) first")
    assert fault.endswith("strict=True)") == ("zip" in code)
    (named,) = faults("got = f(x)\n" + code.replace("f(x)", "got"))
    assert "the length of got" in named
