"""nbgrader's own feedback, refused where this course has graded: its pages show hidden tests, and would replace those of ``course feedback``.

``nbgrader_config.py`` names it, so that ``nbgrader generate_feedback`` and formgrader's button "Generate feedback" ask here::

    c.GenerateFeedback.exporter_class = "course_lib.grading.reporting.stock_feedback.StockFeedback"

What nbgrader alone has autograded gets nbgrader's own pages as ever.
"""

from pathlib import Path

from nbconvert.exporters import HTMLExporter
from nbgrader.converters import GenerateFeedback, NbGraderException


class StockFeedback(HTMLExporter):
    """nbgrader's exporter of feedback. It is made before nbgrader removes the pages that are there, the last moment at which to refuse.

    Args:
        parent: nbgrader's converter, which knows the assignment and the course's folder.
        settings: nbconvert's own.

    Raises:
        NbGraderException: if ``course grade`` has graded the assignment; nbgrader's log, which formgrader shows, has it, too.
    """

    def __init__(self, parent: GenerateFeedback, **settings: object) -> None:
        asked = parent.coursedir
        graded = sorted(folder.parent.name for folder in Path(asked.root, "grading").glob(f"{asked.assignment_id}/records"))
        if graded:
            say = " and ".join(f"course feedback --assignment {name}" for name in graded)
            why = f"nothing was generated: nbgrader's own feedback shows hidden tests. For the pages that show none, say  {say}"
            parent.log.error("%s", why)
            raise NbGraderException(why)
        super().__init__(parent=parent, **settings)
