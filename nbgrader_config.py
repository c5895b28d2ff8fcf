"""nbgrader's configuration: the course's own names for its folders, and what a student finds in place of a solution."""

c = get_config()  # noqa: F821 - nbgrader defines it

c.CourseDirectory.course_id = "generative-course"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"

c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("not done yet: write your answer in place of this line, run this cell, then the check below it")'
}
c.ClearSolutions.text_stub = "*Write your answer in place of this line.*"

c.Execute.timeout = 60  # seconds for one cell

# Refuses where `course grade` has graded: nbgrader's own pages show hidden tests, those of `course feedback` do not.
c.GenerateFeedback.exporter_class = "course_lib.grading.reporting.stock_feedback.StockFeedback"
