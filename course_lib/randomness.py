"""Random streams (乱数列) that depend on a seed and a number alone, so that chance can be taken up again at any point.

A generator's state is a thing to carry, save and lose. A stream that is a function of (seed, step) is found again from two integers.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def stream_seed(seed: int, *numbers: int) -> int:
    """Returns the seed of an independent stream for each combination of numbers, in [0, 2**63).

    Args:
        seed: the seed of the whole, at least 0.
        numbers: which stream of it, each at least 0.

    Example:
        >>> stream_seed(0, 3) == stream_seed(0, 3), stream_seed(0, 3) == stream_seed(0, 3, 0), stream_seed(0, 3) == stream_seed(3, 0)
        (True, False, False)
    """
    sequence = np.random.SeedSequence(seed, spawn_key=numbers)
    return int(sequence.generate_state(1, np.uint64)[0]) >> 1


def seed_global_state(seed: int, device: torch.device) -> None:
    """Seeds torch (on the CPU and on ``device``), NumPy and Python."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index].manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the global state is the subject here
    random.seed(seed)


@contextmanager
def global_state_kept(device: torch.device) -> Iterator[None]:
    """Puts the global random states of torch (CPU and ``device``), NumPy and Python back as they were.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> with global_state_kept(torch.device("cpu")):
        ...     _ = torch.rand(7)
        >>> torch.initial_seed(), torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(0)))
        (0, True)
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
