"""Knobs over figures, for notebooks; each has a static twin that shows the same fact where no widget can run."""
