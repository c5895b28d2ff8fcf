"""The verbs that every model of the course speaks, classical or deep.

A lecture that has learnt them for a coin can use them on a diffusion model; a plot, a metric or the league table needs nothing else.
A model implements those that make sense for it, as plain methods: nothing is inherited.

=================  =========================================  ===========================================================
verb               returns                                    meaning
=================  =========================================  ===========================================================
``sample``         ``(n, *event)``                            new data drawn from the model
``log_prob``       ``(B,)`` nats                              the exact log density (or log probability) of each row
``elbo``           ``(B,)`` nats                              a lower bound of it, where the exact one is out of reach
``loss``           ``()``                                     what training makes small; for likelihood models
                                                              ``-log_prob(x).mean() / D``, nats per dimension
``encode``         ``z`` or ``(z, log_det)``                  from data to latent
``decode``         ``x`` or ``(x, log_det)``                  from latent to data
=================  =========================================  ===========================================================
"""

from typing import Any, Protocol, runtime_checkable

from torch import Generator, Tensor


@runtime_checkable
class CanSample(Protocol):
    """Draws new data."""

    def sample(self, n: int, *, generator: Generator | None = None, cond: Any = None) -> Tensor:
        """Returns ``n`` independent draws, ``(n, *event)``; the same generator state gives the same draws."""
        ...


@runtime_checkable
class HasLogProb(Protocol):
    """Knows its density exactly."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns log p(x) for each row of ``x``, in nats, ``(B,)``."""
        ...


@runtime_checkable
class HasElbo(Protocol):
    """Knows a lower bound of its density."""

    def elbo(self, x: Tensor) -> Tensor:
        """Returns a bound that is at most log p(x) for each row of ``x``, in nats, ``(B,)``."""
        ...


@runtime_checkable
class HasLoss(Protocol):
    """Can be trained by making one number small."""

    def loss(self, x: Tensor) -> Tensor:
        """Returns the quantity that training minimises, a scalar; the model's docstring gives its unit."""
        ...
