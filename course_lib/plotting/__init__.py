"""Figures: arrays in, Axes out. Nothing here knows a model.

Every function takes NumPy arrays or CPU tensors, draws on the ``ax`` it is given (or on a new figure) and returns it, so that a lecture
can add a line of its own. Axes carry names and units.
"""
