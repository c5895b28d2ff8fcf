"""A submission made whole: the release's own cells with the student's answers in their places."""
