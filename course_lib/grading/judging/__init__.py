"""The instructor's tests against what a student wrote, here or on a cluster."""
