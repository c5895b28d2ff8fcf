"""Only what the author wrote, and only where it was said, reaches the student."""

import pytest

from course_lib.grading.judging.feedback_words import words_of

CELL = """hint = "think of zero"
def verify(x, say):
    check.close(f(x), g(x), name=f"the value at {x} of f", say=say, otherwise=hint)
verify("a secret text here", [(3, "this is three"), (4, f"this is four of {n} values")])
assert f("another secret text") == "the secret answer here", f"wrong for {x} and so on"
raise AssertionError("given up")
if not ok:
    check.that(f(2) < 3, "too " + "large")
check.equal(f("input text"), "output text")
check.that(f(1), "plain words")
np.testing.assert_allclose(f(1), 2, err_msg="numpy's words")
"""


@pytest.mark.parametrize(
    ("lines", "text", "words"),
    [
        ([3, 4], "The value at 7 of f is 3, but 9 is right: think of zero.", "the value at … of f: think of zero"),
        ([5], "wrong for 77 and so on", "wrong for … and so on"),
        ([6], "given up", "given up"),
        ([8], "Too large.", "too … large"),
        ([8], "it is too small", ""),
        ([9], "The result is 'input text', but 'output text' is right: Work this case out by hand and compare.", ""),
        ([10], "Plain words.", "plain words"),
        ([11], "Not equal to tolerance\nnumpy's words\n x: 3", "numpy's words"),
        ([5], "ValueError of the student's: another secret text", ""),
        ([1], "think of zero", ""),
        ([99], "anything", ""),
        ([], "anything", ""),
    ],
)
def test_words(lines, text, words):
    assert words_of(CELL, lines, text) == words


def test_words_of_the_check_itself_join_a_bare_name():
    cell = "check.close(f(1), 2, name='the mean')"
    text = "The mean has shape (2,), but () is right: an axis is gone: was a sum or mean taken over one axis too many?"
    assert words_of(cell, [1], text) == "the mean: an axis is gone: was a sum or mean taken over one axis too many?"
