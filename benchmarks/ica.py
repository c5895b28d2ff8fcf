"""Independent component analysis beside scikit-learn's FastICA and picard: no worse an Amari distance, and no slower."""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.side_by_side import Contest, Task
from course_lib.classical.ica import ICAFit, fit_ica
from course_lib.classical.source_densities import Laplace, Logistic, SourceDensity
from course_lib.datasets import audio
from course_lib.metrics.separation import amari_distance

N, D = 50_000, 8


def peaked() -> Tensor:
    """Eight sources with a peak and long tails, ``(N, D)``."""
    return Laplace().sample(N, D, generator=_chance(0))


def peaked_and_flat() -> Tensor:
    """Four such sources and four uniform ones."""
    flat = torch.rand(N, D // 2, dtype=torch.float64, generator=_chance(1)) - 0.5
    return torch.cat([peaked()[:, : D // 2], flat], 1)


def voices() -> Tensor:
    """Three people who talk at once, ``(T, 3)``."""
    return torch.stack([voice.samples / voice.samples.std() for voice in audio.voices(size="quick")], 1)


def fastica(sources: Tensor, density: SourceDensity | None) -> Contest:
    """scikit-learn as it comes."""
    from sklearn.decomposition import FastICA

    def peer(x: np.ndarray) -> np.ndarray:
        return FastICA(x.shape[1], whiten="unit-variance", random_state=0).fit(x).components_

    return _contest(peer, sources, density)


def picard(sources: Tensor, density: SourceDensity | None) -> Contest:
    """picard by maximum likelihood, with densities that adapt where ours do."""
    from picard import picard as fit

    def peer(x: np.ndarray) -> np.ndarray:
        K, W, _ = fit(x.T, ortho=False, extended=density is None, random_state=0)
        return W @ K

    return _contest(peer, sources, density)


def _contest(peer: Callable[[np.ndarray], np.ndarray], sources: Tensor, density: SourceDensity | None) -> Contest:
    mixing = torch.randn(sources.shape[1], sources.shape[1], dtype=torch.float64, generator=_chance(2))
    x = sources @ mixing.T
    rows = x.numpy()

    def quietly() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return peer(rows)

    def difference(theirs: np.ndarray, ours: ICAFit) -> float:
        """Ours less theirs: what is not greater than 0 is no worse."""
        return (amari_distance(ours.ica.unmixing, mixing) - amari_distance(torch.from_numpy(theirs), mixing)).item()

    return Contest(
        peer=quietly,
        ours=lambda: fit_ica(x, density=density, generator=_chance(3)),
        difference=difference,
        tolerance=1e-4,  # the distances are 1e-3 to 4e-3: as much as 50,000 rows leave open
    )


def _chance(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


SAME = "Amari distance: ours less theirs"
SIZES = f"{N:,} × {D}"
TASKS = (
    Task(f"ICA, {SIZES}", "scikit-learn", "sklearn", SAME, 1.0, lambda: fastica(peaked(), Logistic())),
    Task(f"ICA by maximum likelihood, {SIZES}", "python-picard", "picard", SAME, 1.0, lambda: picard(peaked(), Laplace())),
    Task(f"ICA, half of the sources flat, {SIZES}", "python-picard", "picard", SAME, 1.0, lambda: picard(peaked_and_flat(), None)),
    Task("ICA of three voices, 109,324 × 3", "scikit-learn", "sklearn", SAME, 1.0, lambda: fastica(voices(), Logistic())),
)
