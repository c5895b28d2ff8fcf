"""Notebooks as students hand them in: made from a release, to prove that it can be solved, left blank, and saved by Colab."""

import copy

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course_lib.grading.notebooks.cells import grade_id, is_solution
from course_lib.grading.notebooks.markers import SOLUTION


def solved(released: NotebookNode, source: NotebookNode, *, only: set[str] | None = None) -> NotebookNode:
    """Returns the released notebook with the instructor's answers written in, as a student would.

    Args:
        released: what students get.
        source: the instructor's notebook.
        only: the grade ids of the answers to write in; all of them without it.
    """
    answers = {grade_id(cell): cell.source for cell in source.cells if is_solution(cell)}
    filled = copy.deepcopy(released)
    for cell in filled.cells:
        if is_solution(cell) and (only is None or grade_id(cell) in only):
            lines = answers[grade_id(cell)].splitlines()
            cell.source = "\n".join(line for line in lines if line.strip() not in SOLUTION)
    return filled


def saved_by_colab(notebook: NotebookNode) -> NotebookNode:
    """Returns the notebook as Colab saves it: its own ids, the user's name, runtime details, widgets without their state.

    Deviation: from a real save in the names only, which are made up.
    """
    saved = copy.deepcopy(notebook)
    saved.nbformat_minor = 0
    saved.cells.insert(0, new_markdown_cell('<a href="https://colab.research.google.com/github/…"><img src="…" alt="Open In Colab"/></a>'))
    for i, cell in enumerate(saved.cells):
        cell.pop("id", None)
        name = "view-in-github" if i == 0 else f"q{i:02d}ZkXbW3mTa"
        cell.metadata = {"id": name, **({"colab_type": "text"} if i == 0 else {}), **cell.metadata}
        if cell.cell_type == "code":
            _as_if_run_on_colab(cell, i)
    saved.metadata = {
        "colab": {"provenance": [], "authorship_tag": "ABX9TyOexample", "include_colab_link": True, "gpuType": "T4"},
        "accelerator": "GPU",
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "widgets": {
            "application/vnd.jupyter.widget-state+json": {"0a1b": {"model_module": "@jupyter-widgets/controls", "model_name": "HBoxModel"}}
        },
    }
    return NotebookNode(saved)


def _as_if_run_on_colab(cell: NotebookNode, count: int) -> None:
    cell.execution_count = count
    user = {"displayName": "Hanako Example", "userId": "01234567890123456789"}
    cell.metadata["executionInfo"] = {"status": "ok", "timestamp": 1792450800000 + count, "user_tz": -540, "elapsed": 12, "user": user}
    cell.metadata["colab"] = {"base_uri": "https://localhost:8080/"}
    cell.metadata["outputId"] = f"9f8e7d6c-{count:04d}"
    # Stale outputs of another run, an error and a line on stderr among them: grading must not read them.
    cell.outputs = [
        NotebookNode(output_type="stream", name="stderr", text=["a warning of an earlier run\n"]),
        NotebookNode(output_type="error", ename="NameError", evalue="name 'torch' is not defined", traceback=["NameError"]),
    ]
