"""What a student wrote into a locked cell is found, word for word, and nothing of an older release with it."""

import time

import pytest

from course_lib.grading.repairing.additions import added_code, added_text


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("import math\nimport numpy as np\nx = 3", "import numpy as np"),
        ("x = 1\nfrom a import *", "from a import *"),
        ("@cache\ndef f(x):  # mine\n    return x\nprint(f(1))", "@cache\ndef f(x):  # mine\n    return x"),
        ("x = 5\ncheck(x)\nassert True", ""),
        ("%matplotlib inline\n!pip install y\nmine = 1", "mine = 1"),
        ("a = 1; b = 2", "a = 1; b = 2"),
        ("if True:\n    mine = 1", "if True:\n    mine = 1"),
        ("def broken(:\n", ""),
        ("(" * 10_000, ""),
        ("", ""),
    ],
)
def test_statements_that_define_something_new(source, kept):
    assert added_code(source, {"math", "x"}) == kept


def test_many_statements_on_one_line_take_no_longer_than_on_many():
    line = ";".join(f"b{i} = 1" for i in range(3_000))
    started = time.process_time()
    assert added_code(line, set()) == line
    assert time.process_time() - started < 10  # it took minutes when each statement was read with its whole line


@pytest.mark.parametrize(
    ("source", "added"),
    [
        ("Why?\n\nBecause.\nIndeed.", "Because.\nIndeed."),
        ("Why?  ", ""),
        ("Wherefore?\nBecause.", ""),  # an older release had other words
        ("Because.\nWhy?\nBecause.", "Because.\nBecause."),
    ],
)
def test_lines_under_a_question(source, added):
    assert added_text(source, "Why?\n") == added
