"""The exponential moving average (指数移動平均) of a model's weights: the same network, seen through a slow shutter.

Gradient steps jitter around what they are heading for. The average of the last steps jitters less, and generates better.
"""

from copy import deepcopy

import torch
from torch import nn


class ExponentialMovingAverage:
    """A second copy of a model whose weights follow slowly.

    After the n-th step (n = 0, 1, …), with θ the weights and θ̄ their average,

        θ̄ ← β_n θ̄ + (1 − β_n) θ,    β_n = min(decay, (1 + n) / (10 + n)).

    The warm-up β_n forgets the random start: without it a short training would average mostly that.
    Buffers are copied, not averaged: BatchNorm's running statistics are averages already, others are constants or counts.

    Args:
        model: the model that is trained; its copy, in evaluation mode and without gradients, is ``average.model``.
        decay: β once warm, in [0, 1). The average remembers about ``1 / (1 − decay)`` steps.

    Raises:
        ValueError: if ``decay`` is outside [0, 1).

    Example:
        >>> line = nn.Linear(1, 1, bias=False)
        >>> _ = nn.init.zeros_(line.weight)
        >>> average = ExponentialMovingAverage(line, decay=0.999)
        >>> _ = nn.init.constant_(line.weight, 5.0)
        >>> average.update(line)
        >>> average.model.weight.item()  # 0.1 · 0 + 0.9 · 5
        4.5

    References:
        Karras, Aittala, Lehtinen, Hellsten, Aila, Laine, *Analyzing and Improving the Training Dynamics of Diffusion Models*, 2024,
        arXiv:2312.02696: why the length of the average matters.
        The warm-up is that of TensorFlow's ``tf.train.ExponentialMovingAverage(decay, num_updates)``.
    """

    def __init__(self, model: nn.Module, *, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, got {decay}")
        self.model = deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Moves the average towards the weights of ``model``; call it once after each step of the optimiser."""
        beta = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for averaged, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            averaged.lerp_(weight, 1 - beta)
        for kept, buffer in zip(self.model.buffers(), model.buffers(), strict=True):
            kept.copy_(buffer)
        self.updates += 1
