"""The reading half of the wire: kinds before values."""

import pytest

from course_lib.grading.conversation.wire_reading import Reader, cut
from course_lib.grading.conversation.wire_records import LIMITS, Limits, Refused


def read(coded, blobs=(), limits=LIMITS):
    return Reader([memoryview(blob) for blob in blobs], limits, lambda reference: reference, lambda record: record).value(coded, 0)


def test_what_is_coded_is_read():
    assert read(["t", ["i", "-0x1"], "a", ["f", "0x1.8p+0"], ["d", "k", None], ["."], True]) == (-1, "a", 1.5, {"k": None}, ..., True)
    assert read(["#", "l", "q", 0], [(5).to_bytes(8, "little") * 2]) == [5, 5]
    assert read(["u", 0], ["音".encode()]) == "音"
    assert read(["K", "builtins.KeyError"]) is KeyError


@pytest.mark.parametrize(
    "coded",
    [
        5,
        1.5,
        {},
        [],
        [[]],
        ["?"],
        ["t", 3],
        ["i", 5],
        ["u", True],
        ["u", -1],
        ["u", 9],
        ["#", "l", "x", 0],
        ["R", 1, 1, "f", "f", None],
        ["r", "m", "T", "ab", 1, 2],
        ["K", "builtins.eval"],
    ],
)
def test_what_is_not_coded_is_refused(coded):
    with pytest.raises(Refused):
        read(coded, [b"12345678"])


def test_everything_is_counted():
    with pytest.raises(Refused, match="more than 3 values"):
        read(["l", None, None, None], limits=Limits(items=3))
    with pytest.raises(Refused, match="more than 3 values"):
        read(["#", "l", "q", 0], [bytes(800)], limits=Limits(items=3))
    assert [bytes(part) for part in cut(memoryview(b"abc"), [1, 2])] == [b"a", b"bc"]
    for lengths in ([4], [-1], [1.0], [True], [2, 2]):
        with pytest.raises(Refused, match="reaches behind"):
            cut(memoryview(b"abc"), lengths)


@pytest.mark.parametrize("parts", [(0, 10**15, 1), (0, 10**400, 1), (10**15, 0, -1), (10**400, 10**400 + 1, 1)])
def test_a_range_that_nobody_could_go_through_is_refused(parts):
    with pytest.raises(Refused, match="a range of more than"):
        read([":", *(["i", hex(part)] for part in parts)])


def test_what_is_said_of_a_forged_message_holds_nothing_that_its_sender_chose():
    for coded in ("a'b", ["graded by hand: 20/20"], ["l", 5], ["R", "20 of 20", True, "f", "f", None], ["u", "20 of 20"]):
        with pytest.raises(Refused) as caught:
            read(coded if isinstance(coded, list) else [coded])
        assert "20" not in str(caught.value)
        assert "'" not in str(caught.value)
