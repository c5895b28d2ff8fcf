"""A stranger's file is read whatever its encoding, age and damage, or refused in words; nothing else ever happens."""

import copy
import json

import nbformat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.authoring.submissions import saved_by_colab
from course_lib.grading.notebooks import reading
from course_lib.grading.notebooks.reading import Unreadable, read_notebook

WORDS = "確率と尤度、表示 – 「答え」"
NOTEBOOK = new_notebook(cells=[new_markdown_cell(WORDS), new_code_cell("x = 1\nprint(x)", metadata={"nbgrader": {"grade_id": "q1"}})])
TEXT = json.dumps(NOTEBOOK, ensure_ascii=False)
SOURCES = [WORDS, "x = 1\nprint(x)"]


def sources(data: bytes) -> list[str]:
    return [cell.source for cell in read_notebook(data).cells]


def test_a_sound_file_is_read_as_it_is_and_nothing_is_said():
    read = read_notebook(TEXT.encode())
    assert [cell.source for cell in read.cells] == SOURCES
    assert [cell.grade_id for cell in read.cells] == ["", "q1"]
    assert (read.repairs, read.remarks) == ((), ())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp932", "euc_jp"])
def test_every_encoding_gives_the_same_words_and_is_told(encoding):
    said = (
        "Shift-JIS"
        if encoding == "cp932"
        else encoding.upper().replace("_", "-").removesuffix("-SIG").removesuffix("-LE").removesuffix("-BE")
    )
    read = read_notebook(TEXT.replace("–", "").encode(encoding))
    assert [cell.source for cell in read.cells] == [WORDS.replace("–", ""), SOURCES[1]]
    assert len(read.repairs) == 1
    assert (said in read.repairs[0]) or encoding == "utf-8-sig"
    assert not read.remarks


def test_western_letters_of_windows_are_read():
    assert sources(TEXT.replace(WORDS, "schöne Grüße – naïf").encode("cp1252"))[0] == "schöne Grüße – naïf"


def test_one_broken_letter_does_not_spoil_the_others_and_a_person_is_told():
    data = TEXT.encode().replace("尤".encode(), b"\xe5\xb0")
    read = read_notebook(data)
    assert read.cells[0].source == WORDS.replace("尤", "\ufffd")
    assert "letters were lost" in read.remarks[0]


@pytest.mark.parametrize("said", ["\\ud800", "\\u0000"])
def test_what_no_file_can_hold_becomes_a_question_mark(said):
    cell = read_notebook(TEXT.replace("x = 1", said).encode()).cells[1]
    assert cell.source.startswith("\ufffd")
    cell.source.encode()


def test_line_ends_of_windows_and_sources_in_lines():
    lines = copy.deepcopy(NOTEBOOK)
    lines.cells[1].source = ["x = 1\r\n", "print(x)"]
    assert sources(json.dumps(lines).encode()) == SOURCES


@pytest.mark.parametrize("version", [3, 2])
def test_old_formats_are_read_as_nbformat_itself_reads_them(version):
    old = nbformat.convert(new_notebook(cells=copy.deepcopy([*NOTEBOOK.cells, new_markdown_cell("## Two")])), 3)
    if version == 2:
        old.nbformat, old.nbformat_minor = 2, 0
    else:
        old.worksheets[0].cells.append(nbformat.v3.new_heading_cell("Three", level=3))
    data = nbformat.v3.writes_json(old) if version == 3 else json.dumps(old)
    data = json.dumps({**json.loads(data), "nbformat": version})
    expected = nbformat.convert(nbformat.v3.reads_json(nbformat.v3.writes_json(old)), 4) if version == 3 else None
    read = read_notebook(data.encode())
    wanted = [cell.source for cell in expected.cells] if expected else [*SOURCES, "## Two"]
    assert [cell.source for cell in read.cells] == wanted
    assert f"format {version}" in read.repairs[0]


def test_a_notebook_of_the_first_format():
    first = {"nbformat": 1, "cells": [{"cell_type": "code", "code": "x = 1"}, {"cell_type": "text", "text": "words"}]}
    assert [(cell.kind, cell.source) for cell in read_notebook(json.dumps(first).encode()).cells] == [
        ("code", "x = 1"),
        ("markdown", "words"),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \r\n\x00", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><title>Sign in</title>", "web page"),
        ("<html>".encode("utf-16"), "web page"),
        (b"PK\x03\x04rest", "zip"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "picture"),
        (bytes(range(256)), "no JSON"),
        (b"import torch\n\nx = 1\n", "Python code"),
        (b"# %%\nx = 1\n", "Python code"),
        (TEXT.encode()[:-40], "breaks off"),
        (TEXT.replace('"cells"', '<<<<<<< HEAD\n"cells"\n>>>>>>> b').encode(), "conflict marks"),
        (b"[1, 2]", "no notebook"),
        (b'"words"', "no notebook"),
        (b"NaN", "no notebook"),
        (b"{}", "no cells"),
        (b'{"cells": {}}', "no cells"),
        (b'{"cells": []}', "without any cell"),
        (b'{"cells": [1, null]}', "without any cell"),
        (b'{"worksheets": [3]}', "without any cell"),
        (b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper"),
        (json.dumps({"cells": [{}] * 2_001}).encode(), "more than 2,000 cells"),
        (b'{"cells": [' + b"[]," * 4_000_000 + b"[]]}", "more values"),
        (json.dumps({"cells": [{"source": "x" * 3_000_000}]}).encode(), "nobody typed"),
        (b'{"cells": [' + b"1" * 5_000 + b"]}", "breaks off"),
    ],
)
def test_what_is_no_notebook_is_refused_in_words(data, said):
    with pytest.raises(Unreadable, match=said):
        read_notebook(data)


def test_a_huge_file_is_refused_before_it_is_looked_at(monkeypatch):
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    with pytest.raises(Unreadable, match="clear its outputs"):
        read_notebook(TEXT.encode() + b" " * 1000)


def test_wrong_fields_cost_nothing_but_themselves():
    cells = [
        {"cell_type": "code", "source": 7, "metadata": [], "outputs": {}},
        {"cell_type": 3, "source": "a = 1", "execution_count": "x"},
        {"cell_type": "poem", "source": ["roses", 4], "metadata": {"nbgrader": "none"}},
        {"source": "fine", "cell_type": "raw", "metadata": {"nbgrader": {"grade_id": ["q"]}}, "id": 7},
        "no cell",
    ]
    read = read_notebook(json.dumps({"nbformat": "four", "metadata": 3, "cells": cells}).encode())
    assert [(cell.kind, cell.source) for cell in read.cells] == [("code", ""), ("code", "a = 1"), ("markdown", "roses"), ("raw", "fine")]
    assert all((cell.grade_id, cell.cell_id) == ("", "") for cell in read.cells)
    assert any("4 cells lacked" in words for words in read.repairs)


def test_a_colab_save_leaves_behind_who_wrote_it():
    read = read_notebook(json.dumps(saved_by_colab(NOTEBOOK)).encode())
    assert [cell.source for cell in read.cells] == SOURCES
    told = " ".join(read.repairs)
    assert "link" in told
    assert "who wrote it" in told
    assert "widgets" in told
    assert "Hanako" not in repr(read)


def test_only_pictures_are_taken_from_attachments():
    pictures = {"a.png": {"image/png": "AAAA", "text/html": "<script>"}, "b": {"text/html": "x"}, "c": 3}
    cell = {"cell_type": "markdown", "source": "![](a.png)", "attachments": pictures}
    (read,) = read_notebook(json.dumps({"cells": [cell]}).encode()).cells
    assert read.attachments == {"a.png": {"image/png": "AAAA"}}


@given(st.binary(max_size=400))
@example(b"\x00{")
@example(b"\xff\xfe")
@example(b"\xff\xfe\x00")
@example(b"\x00\x00\xfe\xff")
def test_random_bytes_are_unreadable_and_nothing_else(data):
    with pytest.raises(Unreadable):
        read_notebook(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["source", "metadata", "cell_type", "nbgrader", "grade_id"]), inner)
    ),
    max_leaves=12,
)
NAMES = ["cells", "metadata", "nbformat", "worksheets", "nbformat_minor"]


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(NAMES), st.lists(JSON, max_size=4) | JSON))
def test_any_json_is_read_or_unreadable(fields):
    try:
        read = read_notebook(json.dumps(fields).encode())
    except Unreadable:
        return
    for cell in read.cells:
        cell.source.encode()
        assert cell.kind in ("code", "markdown", "raw")
