"""A kernel for a stranger's code: what it sees, what it may use, and how one talks to it."""
