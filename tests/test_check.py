"""Checks accept what is right in any reasonable dress, and name what is wrong."""

import re

import numpy as np
import pytest
import torch

from course_lib import check
from course_lib.check import Mistake

TWO = torch.tensor(2.0, dtype=torch.float64)
ROW = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
TABLE = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)


def said(action, *args, **kwargs) -> str:
    with pytest.raises(Mistake) as caught:
        action(*args, **kwargs)
    return str(caught.value)


# ---------------------------------------------------------------------------------------------------------------- what is right


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (TWO.clone(), TWO),
        (2.0, TWO),
        (np.float64(2.0), TWO),
        (TWO, 2.0),
        (2, 2.0),
        (TWO + 1e-10, TWO),
        (ROW.clone().requires_grad_(), ROW),
        (torch.tensor(float("inf"), dtype=torch.float64), torch.tensor(float("inf"), dtype=torch.float64)),
        (torch.zeros(0, dtype=torch.float64), torch.zeros(0, dtype=torch.float64)),
        (TABLE.mT.contiguous().mT, TABLE),
    ],
)
def test_close_accepts(got, want):
    check.close(got, want)


def test_a_tolerance_may_be_a_whole_number():
    check.close(2.5, 2.0, rtol=0, atol=1)
    with pytest.raises(Mistake):
        check.close(2.5, 2.0, rtol=0, atol=0)


def test_nan_is_never_right():
    nan = torch.tensor(float("nan"), dtype=torch.float64)
    with pytest.raises(Mistake):
        check.close(nan, nan)


def test_equal_accepts():
    check.equal(torch.tensor([0, 1, 2]), [0, 1, 2])
    check.equal(torch.int64, torch.int64)
    check.equal((2, 3), (2, 3))
    check.equal("heads", "heads")
    check.equal(torch.tensor([True, False]), torch.tensor([True, False]))


def test_the_others_accept():
    assert check.parts([1, 2], "a", "b") == (1, 2)
    check.shape(TABLE, (2, 3))
    check.that(torch.tensor(True), "never said")
    check.unchanged(ROW, ROW.clone(), name="x")


# ---------------------------------------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("got", "want", "words"),
    [
        (None, TWO, "The result is None: .*is the `return` there"),
        (np.ones(3), ROW, "a NumPy array, but a torch tensor is asked for: stay in torch"),
        ([1.0, 2.0, 3.0], ROW, r"a list, but a torch tensor is asked for: torch\.stack"),
        ((TWO, TWO), TWO, "a tuple, but one number is asked for: return one value"),
        (True, TWO, "True or False, but one number is asked for"),
        (test_equal_accepts, TWO, "call the function"),
        ("2", TWO, "text, but one number"),
        (2.0, ROW, "but a torch tensor is asked for"),
        (TABLE.mT, TABLE, r"shape \(3, 2\), but \(2, 3\) is right: the axes are swapped"),
        (ROW[:, None], ROW, r"shape \(3, 1\), but \(3,\) is right: there is an axis of length 1 too many"),
        (ROW.sum(), ROW, r"shape \(\), but \(3,\) is right: an axis is gone"),
        (ROW - ROW[:, None], ROW, r"shape \(3, 3\), but \(3,\) is right: there is an axis too many"),
        (ROW[:2], ROW, r"shape \(2,\), but \(3,\) is right: follow the shapes"),
        (ROW.float(), ROW, r"float32, but float64 is right: torch\.tensor\(0\.5\) and torch\.zeros\(3\) make float32"),
        (ROW.long(), ROW, "int64, but float64 is right: turn whole numbers into floats"),
        (ROW, ROW.long(), "float64, but int64 is right: whole numbers were asked"),
        (ROW.log().log(), ROW, r"Entry \[0\] of the result is -inf: exp of a large number"),
        (ROW * float("nan"), ROW, r"Entry \[0\] of the result is nan: "),
        (float("nan"), TWO, "The result is nan: "),
        (ROW + 1, ROW, r"is \[2, 3, 4\], but \[1, 2, 3\] is right: Work this case out by hand"),
        (torch.ones(9, 9), torch.eye(9), r"Entry \[0, 1\] of the result is 1, but 0 is right \(72 of 81 values differ\)"),
        (TWO + 2e-6, TWO, "is 2.000002, but 2 is right"),
    ],
)
def test_close_names_the_kind_of_mistake(got, want, words):
    assert re.search(words, said(check.close, got, want))


def test_values_that_look_alike_are_shown_until_they_differ():
    got = torch.full((9,), 1.00000123, dtype=torch.float64)
    assert "Entry [0] of the result is 1.000001, but 1 is right (9 of 9 values differ)" in said(
        check.close, got, torch.ones(9, dtype=torch.float64)
    )
    assert "is 2.0000003, but 2 is right" in said(check.close, TWO + 3e-7, TWO)


def test_a_known_mistake_is_named_before_shape_dtype_and_difference():
    say = [(2.5, "you divided by N - 1"), (ROW, "this is the whole row"), (torch.tensor(3.0), "not said")]
    assert said(check.close, 2.5, TWO, name="the variance", say=say) == "The variance is 2.5, but 2 is right: you divided by N - 1."
    assert said(check.close, torch.tensor(2.5), TWO, say=say).endswith("you divided by N - 1.")  # float32 as well
    assert said(check.close, ROW, TWO, say=say).endswith("this is the whole row.")
    assert (
        said(check.close, 7.0, TWO, say=say, otherwise="seven is never right") == "The result is 7, but 2 is right: seven is never right."
    )


def test_a_known_mistake_of_another_shape_is_named():
    say = [([2.0, 2.0, 2.0], "one for each point"), ([1.0, 2.0, 3.0, 4.0], "the wrong axis")]
    assert said(check.close, torch.full((3,), 2.0, dtype=torch.float64), TWO, say=say).endswith("one for each point.")
    assert said(check.close, torch.arange(1.0, 5.0, dtype=torch.float64), ROW, say=say).endswith("the wrong axis.")


def test_a_known_mistake_that_is_right_here_is_not_held_against_anyone():
    check.close(TWO, TWO, say=[(2.0, "never said")])


def test_nan_may_be_a_known_mistake():
    nan = torch.tensor(float("nan"), dtype=torch.float64)
    assert said(check.close, nan, TWO, say=[(float("nan"), "log of a negative number")]) == (
        "The result is nan, but 2 is right: log of a negative number."
    )


def test_minus_infinity_may_be_right():
    never = torch.tensor(float("-inf"), dtype=torch.float64)
    check.close(float("-inf"), never)
    assert said(check.close, -27.6, never, otherwise="do not clamp") == "The result is -27.6, but -inf is right: do not clamp."


def test_say_may_be_a_dictionary():
    assert said(check.equal, torch.tensor([0, 2, 1]), [0, 1, 2], say={(0, 2, 1): "signs are swapped"}).endswith("signs are swapped.")
    assert said(check.shape, TABLE, (3, 3), say={(2, 3): "two rows only"}).endswith("two rows only.")


def test_named_tells_a_diagnosis_from_a_mere_difference():
    for action, named in ((lambda: check.close(3.0, TWO), False), (lambda: check.close(3.0, TWO, say=[(3.0, "why")]), True)):
        with pytest.raises(Mistake) as caught:
            action()
        assert caught.value.named is named
    with pytest.raises(Mistake) as caught:
        check.that(False, "what is wrong")
    assert caught.value.named
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize(
    ("got", "want", "words"),
    [
        (torch.float32, torch.float64, "The result is torch.float32, but torch.float64 is right"),
        (None, "heads", "The result is None"),
        ("Heads", "heads", "The result is 'Heads', but 'heads' is right"),
        (torch.tensor([0.0, 1.0]), [0, 1], "float32, but int64 is right: whole numbers"),
        (torch.tensor([0, 1, 3]), [0, 1, 2], r"\[0, 1, 3\], but \[0, 1, 2\] is right"),
        (torch.tensor([2**40 + 1]), [2**40], r"\[1099511627777\], but \[1099511627776\] is right"),
        (1.0, "1", "1.0, but '1' is right"),
    ],
)
def test_equal_is_exact(got, want, words):
    assert re.search(words, said(check.equal, got, want))


def test_parts_says_how_to_return_them():
    assert said(check.parts, None, "mean", "variance").startswith("The result is None")
    assert said(check.parts, (1, 2, 3), "mean", "variance").endswith(
        "returned 3 values, but 2 values are asked for: end it with  return mean, variance."
    )
    assert "returned a NumPy array" in said(check.parts, np.ones(2), "mean", "variance")
    assert "returned a value of type int" in said(check.parts, 3, "mean", "variance")


def test_unchanged_sees_a_change_of_value_and_of_shape():
    assert "changed its argument x" in said(check.unchanged, ROW + 1, ROW, name="x")
    assert "changed its argument x" in said(check.unchanged, ROW[:2], ROW, name="x")


def test_a_notebook_shows_the_message_and_no_traceback(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.run_cell("from course_lib import check\ncheck.close(2.5, 2.0, say=[(2.5, 'you divided by N - 1')])")
    shown = capsys.readouterr().out.strip()
    assert shown == "Mistake: The result is 2.5, but 2 is right: you divided by N - 1."


def test_messages_end_once():
    assert said(check.that, False, "is the `return` there?") == "Is the `return` there?"
    assert said(check.that, False, "the likelihood fell.") == "The likelihood fell."


def test_nothing_of_the_student_is_changed_by_a_check():
    value = ROW.clone().requires_grad_()
    check.close(value, ROW)
    assert value.requires_grad
    assert value.grad is None


def test_a_number_of_numpys_is_a_number():
    check.equal(np.int64(3), 3)
    check.close(np.float64(0.5), torch.tensor(0.5, dtype=torch.float64))
    check.close(np.int64(2), torch.tensor(2.0, dtype=torch.float64))
    with pytest.raises(check.Mistake, match="is 4, but 3 is right"):
        check.equal(np.int64(4), 3)


def test_complex_numbers_are_named_before_anything_is_computed_with_them():
    with pytest.raises(check.Mistake, match=r"is complex, but real numbers are asked.*eigh"):
        check.close(torch.ones(2, dtype=torch.complex128), torch.ones(2, dtype=torch.float64))


def test_one_number_where_many_are_asked():
    with pytest.raises(check.Mistake, match="is one number, but a torch tensor is asked for"):
        check.close(0.5, torch.ones(2))


def test_no_number_is_shown_as_minus_nought():
    with pytest.raises(check.Mistake, match=r"is \[0, 1\], but"):
        check.close(torch.tensor([-0.0, 1.0]), torch.tensor([1.0, 1.0]))
