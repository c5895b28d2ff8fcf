"""Outputs of a cell: of the right form whatever came, and no more than the limit."""

import json
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.sandbox.cell_outputs import FLOOD, Outputs
from course_lib.grading.sandbox.kernel_channels import Message


def gathered(*said: tuple[str, dict], limit: int = 1000, size: int = 10, whole: bool = True) -> Outputs:
    outputs = Outputs(limit)
    for kind, content in said:
        outputs.take(Message(kind, "", content, size, whole))
    return outputs


def written(outputs: Outputs) -> str:
    """What a notebook with these outputs looks like as a file; it must be valid."""
    notebook = new_notebook(cells=[new_code_cell("", outputs=list(outputs.nodes()))])
    nbformat.validate(notebook)
    data = nbformat.writes(notebook).encode()
    json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return data.decode()


def test_pieces_of_a_stream_are_one_output_and_what_was_overwritten_is_gone():
    pieces = [("stream", {"name": "stdout", "text": text}) for text in ("0 %\r", "50 %\r100 %\n", "done\r\n")]
    nodes = gathered(*pieces, ("stream", {"name": "stderr", "text": "w"})).nodes()
    assert [(node.name, node.text) for node in nodes] == [("stdout", "100 %\ndone\r\n"), ("stderr", "w")]


def test_what_is_over_the_limit_is_cut_off_and_said():
    outputs = gathered(*[("stream", {"name": "stdout", "text": "x" * 600})] * 5)
    assert outputs.nodes()[0].text == "x" * 1000
    assert "that are kept" in outputs.nodes()[-1].text
    picture = gathered(("display_data", {"data": {"image/png": "A" * 1001, "text/plain": "<Figure>"}}))
    assert picture.nodes()[0].data == {"text/plain": "<Figure>"}  # half a picture is none
    assert "that are kept" in picture.nodes()[-1].text
    assert "that are kept" in gathered(("stream", {}), whole=False).nodes()[-1].text
    error = gathered(("error", {"ename": "E", "evalue": "v" * 5000, "traceback": ["t" * 5000] * 9}), limit=2000)
    assert sum(map(len, error.nodes()[0].traceback)) <= 2000
    assert len(gathered(*[("display_data", {"data": {"text/plain": str(i)}}) for i in range(5000)], limit=10**6).nodes()) == 1001


def test_a_line_without_end_takes_no_time():
    started = time.monotonic()
    gathered(("stream", {"name": "stdout", "text": "x" * 10**6}), ("stream", {"name": "stdout", "text": "\r" * 10**6}), limit=10**7).nodes()
    assert time.monotonic() - started < 5


def test_a_flood_is_seen_from_what_came_not_from_what_was_kept():
    assert not gathered(("status", {}), size=FLOOD * 1000).flooded
    assert gathered(("status", {}), size=FLOOD * 1000 + 1).flooded


def test_displays_are_updated_and_cleared():
    shown = ("display_data", {"data": {"text/plain": "first"}, "transient": {"display_id": "a"}})
    update = ("update_display_data", {"data": {"text/plain": "second"}, "transient": {"display_id": "a"}})
    assert gathered(shown, update).nodes()[0].data == {"text/plain": "second"}
    assert gathered(shown, ("clear_output", {}), update).nodes() == ()
    waiting = gathered(shown, ("clear_output", {"wait": True}))
    assert len(waiting.nodes()) == 1
    waiting.take(Message("stream", "", {"name": "stdout", "text": "next"}, 1))
    assert [node.output_type for node in waiting.nodes()] == ["stream"]


@pytest.mark.parametrize(
    "said",
    [
        ("stream", {"name": ["stdout"], "text": {"a": 1}}),
        ("stream", {"name": "stdout", "text": "\ud800 half a pair"}),
        ("error", {}),
        ("error", {"ename": 1, "evalue": None, "traceback": [None, 3, "\udfff"]}),
        ("execute_result", {"data": [], "execution_count": 10**400}),
        ("execute_result", {"data": {"text/plain": "1", "application/json": {"a": float("nan")}}, "metadata": {"x": float("inf")}}),
        ("display_data", {"data": {"\ud800": "x", "text/html": 3}, "transient": [], "metadata": 3}),
        ("update_display_data", {"data": {"text/plain": "nobody asked"}, "transient": {"display_id": ["a"]}}),
        ("clear_output", {"wait": []}),
        ("anything", {"else": 1}),
    ],
)
def test_anything_makes_a_valid_notebook(said):
    assert "NaN" not in written(gathered(said, ("stream", {"name": "stdout", "text": "after"})))
