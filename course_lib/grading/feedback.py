"""What a student gets back: one HTML file with the marks, and the notebook with each lost point beside its cell."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nbformat import NotebookNode

from course_lib.grading.records import Record


@dataclass(frozen=True)
class Comment:
    """What a person said of an answer.

    Attributes:
        text: plain text or Markdown.
        score: the points that the person gave; None leaves what was judged.
    """

    text: str = ""
    score: float | None = None


def page(
    record: Record,
    notebook: NotebookNode | None,
    released: NotebookNode,
    *,
    comments: Mapping[str, Comment] | None = None,
    penalty: float = 0.0,
    hidden_tests: Collection[str] | None = None,
) -> str:
    """Returns the feedback on one notebook of one student, a page that needs nothing else and in which nothing runs.

    Args:
        record: what grading found.
        notebook: the repaired notebook with the outputs of the student's own cells; None where nothing could be read.
        released: what students got: the only source of the text of checks, so that no hidden test can slip through.
        comments: what a person said, by grade id; an entry under the empty name stands at the page's head.
        penalty: points taken off for lateness.
        hidden_tests: grade ids of the checks that hold hidden tests; what a student's cell prints after the first of them could repeat
            what that test asked, and is left out. None takes every check for one.
    """
    raise NotImplementedError
