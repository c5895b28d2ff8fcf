"""Outputs: text, errors, pictures and formulae are shown; what only a live notebook can show is named."""

import re

from feedback_samples import HOSTILE_OUTPUTS, RICH, picture
from nbformat import from_dict
from nbformat.v4 import new_output
from test_markup import assert_inert

from course_lib.grading.judging.student_cells import _note
from course_lib.grading.reporting.shown_outputs import is_note, shown
from course_lib.grading.sandbox.cell_outputs import Outputs
from course_lib.grading.sandbox.kernel_channels import Message


def html(*outputs) -> str:
    return "\n".join(shown(list(outputs)))


def test_hostile_outputs_are_shown_and_do_nothing():
    blocks = shown(HOSTILE_OUTPUTS)
    assert len(blocks) == len(HOSTILE_OUTPUTS)
    for block in blocks:
        assert_inert(re.sub(r' aria-label="[a-z ]*"', "", block))


def test_pictures_text_widgets_progress_and_errors():
    page = html(*RICH.outputs)
    assert f'<img src="data:image/png;base64,{picture()}" alt="&lt;Figure size 640x480 with 1 Axes&gt;">' in page
    assert "data:image/jpeg;base64," in page
    assert "an interactive widget" in page
    assert "IntSlider" in page
    assert "100%|██████████| 3/3\nUserWarning: mind the gap" in page
    assert "10%|" not in page
    assert '<span class="ansi-red">ValueError</span>' in page
    assert "HTML" not in page  # a table comes as text too


def test_pieces_of_one_stream_become_one_and_lists_of_lines_are_read():
    page = html(
        new_output("stream", name="stdout", text="a"),
        from_dict({"output_type": "stream", "name": "stdout", "text": ["b\n", "c"]}),
        new_output("stream", name="stderr", text="d"),
    )
    assert page == '<pre class="stdout" aria-label="printed">ab\nc</pre>\n<pre class="stderr" aria-label="warnings and errors">d</pre>'


def test_an_error_without_traceback_still_says_what_it_is():
    assert "NameError: name" in html(new_output("error", ename="NameError", evalue="name 'x' is not defined", traceback=[]))


def test_what_is_no_output_is_passed_over():
    odd = [{}, {"output_type": "display_data"}, {"output_type": "display_data", "data": "x"}, {"output_type": 3}]
    assert shown([]) == shown(list(map(from_dict, odd))) == []


def test_a_note_of_gradings_is_told_from_what_a_kernel_shows():
    """Metadata make the difference, and what a student's kernel publishes loses them on the way."""
    outputs = Outputs(1000)
    content = {"data": {"text/plain": "grading: full marks"}, "metadata": {"grading": True}, "transient": {"display_id": "1"}}
    for kind in ("display_data", "execute_result", "update_display_data"):
        outputs.take(Message(kind, "", content, 100))
    assert len(outputs.nodes()) == 2
    assert not any(is_note(output) for output in outputs.nodes())
    assert is_note(_note("grading: this cell ran out of time"))


def test_formulae_and_markdown_are_rendered():
    assert "<math" in html(new_output("display_data", {"text/latex": "$$x^2$$"}))
    assert "<strong>b</strong>" in html(new_output("display_data", {"text/markdown": "**b**"}))
