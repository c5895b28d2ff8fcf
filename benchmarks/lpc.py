"""Linear prediction of many frames beside librosa and diffsptk.

diffsptk solves the same equations, and its coefficients must be ours. librosa's are Burg's, who chooses each reflection from the frame itself
and not from its autocorrelation: other coefficients for the same purpose. So there the gate is the purpose: how much of the frames each
method's predictors leave, over all samples that have a full past. Both see a known process of the same order.
"""

import numpy as np
import torch
from torch import Tensor

from benchmarks.side_by_side import Contest, Task
from course_lib.classical import lpc, prediction_filters, reflection
from course_lib.classical.autoregressive import GaussianAR

FRAMES, LENGTH, ORDER = 10_000, 400, 16


def frames() -> Tensor:
    """Stretches of a process with as many resonances as a vowel, ``(FRAMES, LENGTH)``."""
    k = torch.tensor([-0.8, 0.5, -0.3, 0.4, -0.2, 0.3, 0.1, 0.2, -0.1, 0.2, 0.1, -0.1, 0.1, 0.1, -0.1, 0.1])
    process = GaussianAR(reflection.from_reflection(k), torch.tensor(1.0))
    return process.sample(FRAMES, length=LENGTH, generator=torch.Generator().manual_seed(0))


def left(x: Tensor, a: Tensor) -> float:
    """Mean power of what these predictors leave of samples with a full past."""
    return prediction_filters.residual(x, a)[:, ORDER:].square().mean().item()


def beside_librosa() -> Contest:
    """As much is left, within two per cent."""
    import librosa

    x = frames()
    rows = x.numpy()

    def difference(theirs: np.ndarray, ours: lpc.LinearPredictor) -> float:
        return abs(left(x, ours.a) / left(x, torch.from_numpy(theirs[:, 1:].copy())) - 1)

    return Contest(peer=lambda: librosa.lpc(rows, order=ORDER), ours=lambda: lpc.fit(x, ORDER), difference=difference, tolerance=0.02)


def beside_diffsptk() -> Contest:
    """The same coefficients."""
    import diffsptk

    x = frames()
    peer = diffsptk.LPC(LENGTH, ORDER, dtype=torch.float64)
    return Contest(
        peer=lambda: peer(x),
        ours=lambda: lpc.fit(x, ORDER),
        difference=lambda theirs, ours: (theirs[:, 1:] - ours.a).abs().max().item(),
        tolerance=1e-9,
    )


SIZES = f"{FRAMES:,} frames × {LENGTH}, order {ORDER}"
TASKS = (
    Task(f"Linear prediction, {SIZES}", "librosa", "librosa", "what Burg's method leaves", 100.0, beside_librosa),
    Task(f"Linear prediction, {SIZES}", "diffsptk", "diffsptk", "coefficients", 25.0, beside_diffsptk),
)
