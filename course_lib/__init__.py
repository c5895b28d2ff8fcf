"""Generative models, from maximum likelihood to diffusion: what the lectures derive, at full size.

Nothing is imported here, so ``import course_lib`` is instant; ask for what you need: ``from course_lib.classical import gmm``.
"""

__version__ = "0.1.0"
