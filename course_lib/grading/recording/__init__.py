"""Marks in nbgrader's gradebook, and as tables."""
