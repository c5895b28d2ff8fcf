"""Training (学習): one loop for every model that says what to make small.

    record = training.fit(model, x, optimizer=torch.optim.AdamW(model.parameters(), 1e-3), epochs=10, batch_size=64)

The loop asks the model for ``loss(x)`` and nothing else. With ``checkpoint=FOLDER`` a fit that was killed, interrupted or cut off goes on
where it stopped: call it again with the same arguments. On the same machine with the same number of threads it ends bit for bit as if it
had not stopped (on a GPU, as far as its kernels repeat themselves). That works because nothing random is carried along: the order of the
rows in epoch e is a function of (seed, e), and the noise inside step k (dropout, latent draws) is a function of (seed, k).
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from statistics import fmean
from time import monotonic
from typing import Any

import torch
from jaxtyping import Float64, Shaped
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tqdm.auto import tqdm

from course_lib.checkpoint import Checkpoint, describe_data, describe_model, load_weights, read, refuse_foreign, save_weights, write
from course_lib.ema import ExponentialMovingAverage
from course_lib.randomness import global_state_kept, seed_global_state, stream_seed

__all__ = ["ExponentialMovingAverage", "TrainingRecord", "best_precision", "fit", "load_weights", "save_weights"]

_ORDER, _NOISE = 0, 1  # the two random streams of a fit


@dataclass(frozen=True, eq=False, repr=False)
class TrainingRecord:
    """What a fit measured, over all its interruptions.

    Attributes:
        losses: the loss of each step's batch, before the step, ``(steps,)``.
        steps_per_epoch: how many steps saw the data once.
        seconds: time spent training.
    """

    losses: Float64[Tensor, " steps"]
    steps_per_epoch: int
    seconds: float

    @property
    def steps(self) -> int:
        """The number of steps taken."""
        return len(self.losses)

    @property
    def epoch_losses(self) -> Float64[Tensor, " epochs"]:
        """The mean loss of each epoch, ``(epochs,)``."""
        return self.losses.view(-1, self.steps_per_epoch).mean(1)

    def __repr__(self) -> str:
        first, last = self.epoch_losses[[0, -1]].tolist()
        return f"TrainingRecord({self.steps} steps, {self.seconds:.1f} s, loss {first:.4g} in the first epoch, {last:.4g} in the last)"


def best_precision(device: torch.device) -> torch.dtype:
    """Returns the number format in which matrix products and convolutions run best on a device.

    bfloat16 where the GPU has it in hardware (Ampere and newer), float16 on older GPUs (a T4 only emulates bfloat16), float32 on a CPU.
    """
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def fit(
    model: nn.Module,
    data: Shaped[Tensor, "N ..."] | tuple[Shaped[Tensor, "N ..."], ...],
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    loss: Callable[..., Tensor] | None = None,
    schedule: LRScheduler | None = None,
    clip_norm: float | None = None,
    average: ExponentialMovingAverage | None = None,
    precision: torch.dtype | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    save_every_s: float = 30.0,
    progress: bool = True,
) -> TrainingRecord:
    """Trains a model by mini-batch gradient descent: θ ← step(θ, ∇_θ loss(x_batch)), each row once an epoch, in random order.

    Rows that do not fill a last batch sit out the epoch, others each time. The model trains where its parameters are; batches follow it there.
    While it trains, the model is in training mode and the global random state belongs to the fit; both are put back afterwards.
    Chance inside the loss must come from that state (``generator=None`` or ``torch.default_generator``): a generator of one's own is not restored.

    Args:
        model: the module to train; it has ``loss(x)`` unless ``loss`` is given.
        data: ``(N, …)``, or a tuple of such tensors with equal N, whose rows belong together.
        optimizer: built from ``model.parameters()``.
        epochs: how many times to see the data. More than a finished checkpoint has: it goes on (without a schedule).
        batch_size: rows a step.
        loss: called with the batch (a tuple: with its parts, one argument each); returns a scalar. ``model.loss`` unless given.
        schedule: a learning-rate schedule of ``optimizer``, moved once a step.
        clip_norm: gradients with a larger norm are scaled down to this one.
        average: an exponential moving average of the weights, updated after each step.
        precision: ``torch.float32``, ``bfloat16`` or ``float16`` for what autocast runs in it; weights keep theirs. Unless given:
            ``best_precision`` for float32 models, none for others. float16 trains with a gradient scaler.
        seed: decides the order of the rows and the noise of each step.
        checkpoint: a folder to save to and go on from.
        save_every_s: seconds between two checkpoints; there is always one at the end and at an interruption (Ctrl-C, the stop button).
        progress: whether to show a bar (from two seconds on) and to say when a checkpoint is continued.

    Returns:
        The losses, and the seconds that they took.

    Raises:
        ValueError: if an argument breaks a rule above, or if the checkpoint is damaged or was made with other settings.
        FloatingPointError: if a loss or a gradient is not finite: the weights are those before that step.
        KeyboardInterrupt: if interrupted: after the step is done and saved. A second interruption stops at once.

    Example:
        >>> line = nn.Linear(1, 1)
        >>> x = torch.linspace(-1, 1, 64)[:, None]
        >>> descent = torch.optim.SGD(line.parameters(), lr=0.5)
        >>> record = fit(line, (x, 3 * x), optimizer=descent, epochs=50, batch_size=16, loss=lambda x, y: (line(x) - y).square().mean())
        >>> record.steps, round(line.weight.item(), 3)
        (200, 3.0)
    """
    tensors = data if isinstance(data, tuple) else (data,)
    objective = loss or getattr(model, "loss", None)
    loop = _Loop(model, optimizer, objective, schedule, clip_norm, average, precision or _default_precision(model))
    _refuse_impossible(loop, tensors, epochs, batch_size)
    rows, device = len(tensors[0]), next(model.parameters()).device
    steps_per_epoch = rows // batch_size
    total = epochs * steps_per_epoch
    settings = loop.settings() | {"data": describe_data(tensors), "batch_size": str(batch_size), "seed": str(seed)}
    if schedule is not None:
        settings["epochs"] = str(epochs)  # a schedule is made for so many steps; without one, more epochs simply go on
    folder = Path(checkpoint) if checkpoint is not None else None
    if folder is not None and (found := read(folder)) is not None:
        refuse_foreign(found, settings, total)
        loop.load(found)
        if progress:
            print(f"{len(loop.losses)} of {total} training steps were done before and are read from {folder}.")

    begun, order = monotonic() - loop.seconds, None
    saved = monotonic()
    with (
        _training_mode(model),
        global_state_kept(device),
        _interrupted_between_steps() as interrupted,
        tqdm(total=total, initial=len(loop.losses), desc="training", unit="step", delay=2, disable=not progress) as bar,
    ):
        for step in range(len(loop.losses), total):
            epoch, batch = divmod(step, steps_per_epoch)
            if order is None or batch == 0:
                order = torch.randperm(rows, generator=torch.Generator().manual_seed(stream_seed(seed, _ORDER, epoch)))
            chosen = order[batch * batch_size : (batch + 1) * batch_size]
            seed_global_state(stream_seed(seed, _NOISE, 0) + step, device)  # consecutive seeds: no two steps share their noise
            loop.step([part[chosen.to(part.device)].to(device) for part in tensors], chosen)
            loop.seconds = monotonic() - begun
            bar.set_postfix_str(f"epoch {epoch + 1}/{epochs}, loss {fmean(loop.losses[-50:]):.4g}", refresh=False)
            bar.update()
            stop = interrupted()
            if folder is not None and (stop or step + 1 == total or monotonic() - saved >= save_every_s):
                loop.save(folder, settings)
                saved = monotonic()
            if stop:
                break
    return TrainingRecord(torch.tensor(loop.losses, dtype=torch.float64), steps_per_epoch, loop.seconds)


@dataclass
class _Loop:
    """What moves during training, and one step of it."""

    model: nn.Module
    optimizer: Optimizer
    objective: Callable[..., Tensor] | None
    schedule: LRScheduler | None
    clip_norm: float | None
    average: ExponentialMovingAverage | None
    precision: torch.dtype
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.device_type = next(self.model.parameters()).device.type
        self.mixed = self.precision in (torch.float16, torch.bfloat16)
        # float16 ends at 65504 and 6e-8: the loss is scaled up so that small gradients do not vanish. Elsewhere the scaler does nothing.
        self.scaler = torch.amp.GradScaler(self.device_type, enabled=self.precision is torch.float16)

    def step(self, batch: list[Tensor], chosen: Tensor) -> None:
        """Moves the weights once, down the gradient of the loss on ``batch``, and notes the loss."""
        with torch.autocast(self.device_type, self.precision) if self.mixed else nullcontext():
            loss = self.objective(*batch)
        if not (isinstance(loss, Tensor) and loss.ndim == 0 and loss.requires_grad):
            raise ValueError(f"loss must return a tensor of shape () that depends on the weights, got {_described(loss)}")
        value = loss.item()
        if not isfinite(value):
            raise FloatingPointError(self._not_finite(f"The loss is {value}", batch, chosen))
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)  # before clipping: the norm to clip is the true one
        trained = [weight for group in self.optimizer.param_groups for weight in group["params"] if weight.grad is not None]
        norm = torch.nn.utils.get_total_norm([weight.grad for weight in trained])
        if not (self.scaler.is_enabled() or isfinite(norm)):
            raise FloatingPointError(self._not_finite(f"The loss is {value:.4g}, but its gradient's norm is {norm:.4g}", batch, chosen))
        if self.clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(trained, self.clip_norm, norm)
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scaler.get_scale() < scale:  # a gradient overflowed: the scaler left the weights alone and scales less from now on
            if self.scaler.get_scale() < 1e-3:
                raise FloatingPointError(self._not_finite("The gradient overflows float16 at every scale", batch, chosen))
        else:
            if self.schedule is not None:
                self.schedule.step()
            if self.average is not None:
                self.average.update(self.model)
        self.losses.append(value)

    def settings(self) -> dict[str, str]:
        """Returns what makes this fit differ from another, by the name that a reader would call it."""
        moved_by_schedule = ("lr", "betas", "momentum") if self.schedule is not None else ()
        described = {
            "model": describe_model(self.model),
            "loss": getattr(self.objective, "__qualname__", type(self.objective).__name__),
            "precision": str(self.precision),
            "clip_norm": str(self.clip_norm),
            "average": f"decay {self.average.decay}" if self.average is not None else "None",
            "schedule": type(self.schedule).__name__,
            "optimizer": type(self.optimizer).__name__,
        }
        for number, group in enumerate(self.optimizer.param_groups):
            for name in sorted(group.keys() - {"params", *moved_by_schedule}):
                described[f"optimizer's {name}" + (f" (group {number})" if number else "")] = str(group[name])
        return described

    def save(self, folder: Path, settings: dict[str, str]) -> None:
        """Writes a checkpoint from which ``load`` restores everything that a step changes."""
        state = {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict() if self.schedule is not None else None,
            "scaler": self.scaler.state_dict(),
            "averaged": self.average.updates if self.average is not None else 0,
            "losses": torch.tensor(self.losses, dtype=torch.float64),
        }
        facts = {"steps": len(self.losses), "seconds": self.seconds, "settings": settings}
        write(folder, len(self.losses), modules=self._modules(), state=state, facts=facts)

    def load(self, found: Checkpoint) -> None:
        """Puts everything back as it was when ``found`` was written."""
        state = found.restore(self._modules())
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        if state["scaler"]:  # empty unless it was float16
            self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.updates = state["averaged"]
        self.losses = state["losses"].tolist()
        self.seconds = found.facts["seconds"]

    def _modules(self) -> dict[str, nn.Module]:
        return {"weights": self.model} | ({"average": self.average.model} if self.average is not None else {})

    def _not_finite(self, what: str, batch: list[Tensor], chosen: Tensor) -> str:
        step = len(self.losses) + 1
        for part in batch:
            broken = ~part.flatten(1).isfinite().all(1) if part.ndim > 1 else ~part.isfinite()
            if broken.any():
                return (
                    f"{what} at step {step}, because the data are not finite in row {chosen[broken.cpu()][0]}: mend or leave out such rows."
                )
        advice = [f"a smaller learning rate (now {self.optimizer.param_groups[0]['lr']:.3g})"]
        advice += ["clip_norm=1.0"] if self.clip_norm is None else []
        advice += [f"precision=torch.float32 (now {self.precision})"] if self.mixed else []
        return (
            f"{what} at step {step}; the weights are those before it. Try {', '.join(advice)}; look for a logarithm, root or quotient at 0 in "
            "the loss (torch.autograd.set_detect_anomaly(True) names the operation)."
        )


def _default_precision(model: nn.Module) -> torch.dtype:
    weight = next(model.parameters())
    return best_precision(weight.device) if weight.dtype is torch.float32 else weight.dtype


def _described(loss: Any) -> str:
    if not isinstance(loss, Tensor):
        return f"a {type(loss).__name__} (leave out .item())"
    return f"shape {tuple(loss.shape)} (take its mean)" if loss.ndim else "one without a gradient (leave out .detach() and no_grad)"


def _refuse_impossible(loop: _Loop, tensors: tuple[Tensor, ...], epochs: int, batch_size: int) -> None:
    """Raises ValueError for the mistakes that would otherwise surface late, or never."""
    if not (tensors and all(isinstance(part, Tensor) for part in tensors)):
        raise ValueError(f"data must be a tensor or a tuple of tensors, got {[type(part).__name__ for part in tensors]}")
    rows = [len(part) for part in tensors]
    if min(rows) != max(rows):
        raise ValueError(f"data must have equally many rows in each part, got {rows}")
    if not 1 <= batch_size <= rows[0]:
        raise ValueError(f"batch_size must be from 1 to the number of rows, {rows[0]}, got {batch_size}")
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    if loop.objective is None:
        raise ValueError(f"model must have loss(x), and {type(loop.model).__name__} has none: give fit a loss= to make small")
    if loop.clip_norm is not None and not loop.clip_norm > 0:
        raise ValueError(f"clip_norm must be above 0, got {loop.clip_norm}")
    if not loop.mixed and loop.precision is not next(loop.model.parameters()).dtype:
        raise ValueError(f"precision must be float16, bfloat16 or that of the weights, got {loop.precision}")
    own = {id(weight) for weight in loop.model.parameters()}
    strangers = sum(id(weight) not in own for group in loop.optimizer.param_groups for weight in group["params"])
    if strangers:
        raise ValueError(f"optimizer must be built from model.parameters(), got {strangers} tensors that are not this model's")
    if isinstance(loop.schedule, ReduceLROnPlateau) or (loop.schedule is not None and loop.schedule.optimizer is not loop.optimizer):
        raise ValueError(f"schedule must move by steps alone and be built from this optimizer, got {type(loop.schedule).__name__}")


@contextmanager
def _training_mode(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.train()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _interrupted_between_steps() -> Iterator[Callable[[], bool]]:
    """Holds an interruption (Ctrl-C, the stop button) back until asked, so that it cuts no step in two; raises it on leaving."""
    asked = False

    def remember(*_: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt  # the second one will not wait
        asked = True

    if threading.current_thread() is not threading.main_thread():  # interruptions reach the main thread alone
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt("training stopped after a whole step; if it has a checkpoint, the same call goes on from there")
