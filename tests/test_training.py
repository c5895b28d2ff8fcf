"""Training: that it learns, and above all that a fit which was stopped anyhow, anywhere, ends as if it had not been."""

import itertools
import json
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch
from torch import nn

from course_lib import training
from course_lib.training import ExponentialMovingAverage, best_precision, fit


class Classifier(nn.Module):
    """Everything that carries state from one step to the next: dropout, batch norm, noise from three global generators."""

    def __init__(self, width: int = 6, rate: float = 0.3):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(rate), nn.Linear(width, 1))
        self.modes = []

    def loss(self, x):
        self.modes.append(self.training)
        noise = 0.1 * torch.randn_like(x) + 0.01 * np.random.rand() + 0.01 * random.random()  # noqa: NPY002
        return (self.layers(x + noise) - x.sum(1, keepdim=True)).square().mean()


class Fit:
    """One fit of it with everything on: AdamW, a schedule, clipping, the average of the weights."""

    def __init__(
        self,
        folder=None,
        *,
        width=6,
        lr=1e-2,
        weight_decay=0.1,
        schedule=True,
        decay: float | None = 0.9,
        epochs=3,
        device="cpu",
        **options,
    ):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model = Classifier(width).to(device)
        self.x = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr, weight_decay=weight_decay)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 18) if schedule else None
        self.average = None if decay is None else ExponentialMovingAverage(self.model, decay=decay)
        self.options = {"epochs": epochs, "batch_size": 8, "clip_norm": 0.5, "checkpoint": folder, "progress": False} | options

    def run(self, **options):
        self.record = fit(
            self.model, self.x, optimizer=self.optimizer, schedule=self.schedule, average=self.average, **{**self.options, **options}
        )
        return self

    def interrupt_at(self, step: int):
        """Runs until the stop button is pressed in the middle of the given step (counted from 1)."""
        calls = 0

        def loss(x):
            nonlocal calls
            calls += 1
            if calls == step:
                signal.raise_signal(signal.SIGINT)
            return self.model.loss(x)

        loss.__qualname__ = "Classifier.loss"
        with pytest.raises(KeyboardInterrupt):
            self.run(loss=loss)
        return self

    def bits(self) -> dict:
        """All that training changes."""
        return {
            "weights": self.model.state_dict(),
            "average": self.average.model.state_dict() if self.average else None,
            "averaged": self.average.updates if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict() if self.schedule else None,
            "losses": self.record.losses,
        }


def assert_same_bits(one, other, path=""):
    assert type(one) is type(other), path
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            assert_same_bits(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), path
        for i, pair in enumerate(zip(one, other, strict=True)):
            assert_same_bits(*pair, f"{path}[{i}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), path
    else:
        assert one == other, path


@pytest.fixture
def shapes_unchecked():
    """As for a student: the run-time check of shapes, which speaks before our own messages, is a thing of the tests."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


# ---------------------------------------------------------------------------------------------------------------- it trains


def test_recovers_a_linear_map_and_records_what_it_did():
    torch.manual_seed(0)
    line, x = nn.Linear(3, 1), torch.randn(40, 3)
    truth = torch.tensor([[1.0, -2.0, 3.0]])
    record = fit(
        line,
        (x, x @ truth.T + 4),
        optimizer=torch.optim.SGD(line.parameters(), lr=0.1),
        epochs=100,
        batch_size=8,
        loss=lambda x, y: (line(x) - y).square().mean(),
    )
    torch.testing.assert_close(line.weight.data, truth)
    torch.testing.assert_close(line.bias.data, torch.tensor([4.0]))
    assert record.steps == 500 == len(record.losses)
    assert record.steps_per_epoch == 5
    torch.testing.assert_close(record.epoch_losses, torch.stack([part.mean() for part in record.losses.split(5)]))
    assert record.epoch_losses[-1] < 1e-6 * record.epoch_losses[0]
    assert 0 < record.seconds < 60
    assert re.fullmatch(r"TrainingRecord\(500 steps, \d+\.\d s, loss [\d.]+ in the first epoch, [\d.e-]+ in the last\)", repr(record))
    with pytest.raises(AttributeError):
        record.seconds = 0.0
    replace(record, seconds=1.0)


def _orders(seed: int = 0, epochs: int = 3, rows: int = 10, batch_size: int = 3) -> list[list[int]]:
    """The rows of each step."""
    seen, model = [], nn.Linear(1, 1)
    x = torch.arange(rows, dtype=torch.float32)[:, None]

    def loss(batch):
        seen.append(batch[:, 0].int().tolist())
        return model(batch).mean()

    fit(model, x, optimizer=torch.optim.SGD(model.parameters(), 0.0), epochs=epochs, batch_size=batch_size, loss=loss, seed=seed)
    return seen


def test_each_epoch_visits_each_row_once_in_a_new_order():
    orders = np.array(_orders(rows=12)).reshape(3, 12)
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert _orders(rows=12) == _orders(rows=12) != _orders(rows=12, seed=1)


def test_rows_left_over_sit_out_and_are_others_each_time():
    orders = np.array(_orders(epochs=30)).reshape(30, 9)
    assert all(len(set(order)) == 9 for order in orders)
    assert {sum(range(10)) - sum(order) for order in orders} == set(range(10))  # in 30 epochs each row sits out once, by this seed


def test_clipping_limits_the_step_and_keeps_its_direction():
    model = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    fit(
        model,
        torch.tensor([[300.0, 400.0]]),
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
        epochs=1,
        batch_size=1,
        clip_norm=0.5,
        loss=lambda x: model(x).mean(),
    )
    torch.testing.assert_close(model.weight.data, torch.tensor([[-0.3, -0.4]]))


def test_without_clipping_the_step_is_the_whole_gradient():
    model = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    fit(
        model,
        torch.tensor([[3.0, 4.0]]),
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
        epochs=1,
        batch_size=1,
        loss=lambda x: model(x).mean(),
    )
    torch.testing.assert_close(model.weight.data, torch.tensor([[-3.0, -4.0]]))


def test_schedule_and_average_move_once_a_step():
    done = Fit().run()
    assert done.schedule.last_epoch == done.average.updates == done.record.steps == 18
    assert done.optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


# ------------------------------------------------------------------------------------------------- what it leaves as it found it


@pytest.mark.usefixtures("shapes_unchecked")  # its checks draw from Python's global generator
def test_global_random_state_neither_matters_nor_changes():
    def draws():
        return torch.rand(3).tolist(), np.random.rand(), random.random()  # noqa: NPY002

    first = Fit().run()
    torch.manual_seed(77), np.random.seed(77), random.seed(77)  # noqa: NPY002
    expected = draws()
    torch.manual_seed(77), np.random.seed(77), random.seed(77)  # noqa: NPY002
    second = Fit().run()
    assert draws() == expected
    assert_same_bits(first.bits(), second.bits())


def test_noise_differs_from_step_to_step_and_from_seed_to_seed():
    def noise(seed):
        model, seen = nn.Linear(1, 1), []

        def loss(x):
            seen.append((torch.rand(()).item(), np.random.rand(), random.random()))  # noqa: NPY002
            return model(x).mean()

        fit(model, torch.zeros(4, 1), optimizer=torch.optim.SGD(model.parameters(), 0.1), epochs=3, batch_size=1, loss=loss, seed=seed)
        return [value for step in seen for value in step]

    drawn = noise(0) + noise(1)
    assert len(set(drawn)) == len(drawn) == 72


def test_training_mode_during_and_each_modules_own_mode_after():
    done = Fit()
    done.model.eval()
    done.model.layers[1].train()
    done.run()
    assert all(done.model.modes)
    assert not done.model.training
    assert done.model.layers[1].training
    assert not done.model.layers[3].training


def test_training_mode_is_restored_after_an_error_too():
    broken = Fit()
    broken.model.eval()
    broken.x[:] = float("nan")
    with pytest.raises(FloatingPointError):
        broken.run()
    assert not any(module.training for module in broken.model.modules())


def test_the_stop_button_works_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT)
    Fit().run()
    Fit().interrupt_at(2)
    assert signal.getsignal(signal.SIGINT) is before


# ---------------------------------------------------------------------------------------------------------- it goes on exactly


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("stops", [[1], [6], [9], [17], [18], [2, 5, 7]], ids=str)
def test_an_interrupted_fit_ends_as_if_it_had_not_been(stops, precision, tmp_path):
    whole = Fit(precision=precision).run()
    for stop in stops:
        torch.manual_seed(stop)  # each process would begin in another global state
        Fit(tmp_path, precision=precision).interrupt_at(stop)
    resumed = Fit(tmp_path, precision=precision).run()
    assert_same_bits(resumed.bits(), whole.bits())
    assert resumed.record.steps == 18


def test_the_cell_can_simply_be_run_again(tmp_path):
    """With the same objects, which have moved on: the model is half trained, the schedule half through."""
    whole = Fit().run()
    again = Fit(tmp_path).interrupt_at(4).interrupt_at(7).run()
    assert_same_bits(again.bits(), whole.bits())


def test_a_second_interruption_does_not_wait_for_the_step(tmp_path):
    slow = Fit(tmp_path)
    steps = []

    def loss(x):
        steps.append(1)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            steps.append("unreachable")
        return slow.model.loss(x)

    with pytest.raises(KeyboardInterrupt):
        slow.run(loss=loss)
    assert steps == [1, 1, 1]
    assert not (tmp_path / "checkpoint.json").exists()  # a step cut in two is not saved


def test_an_interruption_without_a_checkpoint_stops_after_the_step():
    stopped = Fit().interrupt_at(4)
    assert stopped.average.updates == 4


def test_a_finished_fit_is_read_not_repeated(tmp_path):
    whole = Fit(tmp_path).run()
    again = Fit(tmp_path).run()
    assert again.model.modes == []
    assert_same_bits(again.bits(), whole.bits())
    assert again.record.seconds == whole.record.seconds


@pytest.mark.parametrize("there", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("here", [torch.float16, torch.float32], ids=str)
def test_a_finished_fit_is_read_on_a_machine_with_another_precision(there, here, tmp_path):
    whole = Fit(tmp_path, precision=there).run()
    assert_same_bits(Fit(tmp_path, precision=here).run().bits(), whole.bits())


@pytest.mark.parametrize("done", [1, 2])
def test_more_epochs_go_on_as_if_asked_for_at_once(done, tmp_path):
    whole = Fit(schedule=False, epochs=3).run()
    Fit(tmp_path, schedule=False, epochs=done).run()
    assert_same_bits(Fit(tmp_path, schedule=False, epochs=3).run().bits(), whole.bits())


def test_seconds_add_up_over_interruptions(tmp_path, monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(training, "monotonic", lambda: float(next(ticks)))  # a clock that ticks once a look, here twice a step
    stopped = Fit(tmp_path, save_every_s=1e9).interrupt_at(9)
    assert json.loads((tmp_path / "checkpoint.json").read_text())["facts"]["seconds"] == 9 + 9
    for _ in range(1000):
        next(ticks)  # the pause does not count
    assert stopped.run().record.seconds == 18 + 18


@pytest.mark.parametrize(("every", "saves"), [(0.0, 18), (3600.0, 1)])
def test_checkpoints_are_written_as_often_as_told(every, saves, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(training, "write", lambda folder, step, **_: written.append(step))
    Fit(tmp_path, save_every_s=every).run()
    assert len(written) == saves
    assert written[-1] == 18


NURSERY = """
import os, random, signal, sys, time
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_training import Fit, steps_on_disk
folder, chance = Path({folder!r}), random.Random({seed})
Fit()  # an optimiser's first use imports for seconds: once here, not once a child
for _ in range(6):
    before = steps_on_disk(folder)
    child = os.fork()
    if child == 0:
        Fit(folder, save_every_s=0.0, epochs=200).run()
        os._exit(0)
    while steps_on_disk(folder) == before and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.001)
    time.sleep(chance.random() * 0.2)
    os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1], steps_on_disk(folder), flush=True)
"""


def steps_on_disk(folder: Path) -> int:
    file = folder / "checkpoint.json"
    return json.loads(file.read_text())["facts"]["steps"] if file.exists() else 0


@pytest.mark.slow
@pytest.mark.usefixtures("shapes_unchecked")  # its checks draw from Python's global generator
def test_a_fit_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path):
    """SIGKILL, from outside, at any moment: in a step, between two, while a checkpoint is written. Then another process ends it."""
    whole = Fit(epochs=200).run()
    seed = random.randrange(10**6)
    code = NURSERY.format(tests=str(Path(__file__).parent), folder=str(tmp_path), seed=seed)
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300).stdout.splitlines()
    ends, steps = zip(*(map(int, line.split()) for line in lines), strict=True)
    assert set(ends) == {signal.SIGKILL}, f"seed {seed}: {lines}"
    assert list(steps) == sorted(set(steps)), f"seed {seed}: each attempt got further than the one before: {lines}"
    assert any(step % 6 for step in steps), "in the middle of an epoch"
    assert steps[-1] < whole.record.steps, f"seed {seed}: {lines}"
    resumed = Fit(tmp_path, epochs=200).run()
    assert_same_bits(resumed.bits(), whole.bits())


# ------------------------------------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(("change", "words"), [
    ({"lr": 1e-3}, "optimizer's initial_lr was 0.01, now 0.001"),
    ({"weight_decay": 0.0}, "optimizer's weight_decay was 0.1, now 0.0"),
    ({"batch_size": 10}, "batch_size was 8, now 10"),
    ({"seed": 5}, "seed was 0, now 5"),
    ({"clip_norm": None}, "clip_norm was 0.5, now None"),
    ({"decay": 0.5}, "average was decay 0.9, now decay 0.5"),
    ({"decay": None}, "average was decay 0.9, now None"),
    ({"schedule": False}, "schedule was CosineAnnealingLR, now None"),
    ({"epochs": 4}, "epochs was 3, now 4"),
    ({"precision": torch.bfloat16}, "precision was torch.float32, now torch.bfloat16"),
    ({"width": 7}, r"model was \(0\): Linear\(in_features=4, out_features=6, bias=True\), now .*out_features=7"),
])  # fmt: skip
def test_a_checkpoint_of_another_fit_is_refused_by_name(change, words, tmp_path):
    Fit(tmp_path).interrupt_at(7)
    other = Fit(tmp_path, **change)
    before = {name: tensor.clone() for name, tensor in other.model.state_dict().items()}
    with pytest.raises(ValueError, match=rf"{tmp_path} belongs to another fit: .*{words}.*another checkpoint folder or delete"):
        other.run()
    assert_same_bits(other.model.state_dict(), type(other.model.state_dict())(before))


def test_a_checkpoint_of_other_data_or_another_loss_is_refused(tmp_path):
    Fit(tmp_path).interrupt_at(7)
    other = Fit(tmp_path)
    other.x[3] += 1
    with pytest.raises(ValueError, match=r"data was torch.float32 .* checksum .*, now torch.float32"):
        other.run()
    with pytest.raises(ValueError, match=r"loss was Classifier.loss, now .*<lambda>"):
        Fit(tmp_path).run(loss=lambda x: x.mean())


def test_a_checkpoint_beyond_the_end_is_refused(tmp_path):
    Fit(tmp_path, schedule=False).run()
    with pytest.raises(ValueError, match="it has taken 18 steps, and this fit ends at 6"):
        Fit(tmp_path, schedule=False, epochs=1).run()


def test_a_damaged_checkpoint_is_refused_before_anything_is_touched(tmp_path):
    Fit(tmp_path).interrupt_at(7)
    file = tmp_path / "step-00000007.state.pt"
    file.write_bytes(file.read_bytes()[:-100])
    other = Fit(tmp_path)
    before = other.model.layers[0].weight.clone()
    with pytest.raises(ValueError, match=r"step-00000007.state.pt has the checksum .* Delete that folder to train anew"):
        other.run()
    assert torch.equal(other.model.layers[0].weight, before)


def _fit_line(loss=None, x=None, precision=None, **options):
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    options = {"optimizer": torch.optim.SGD(model.parameters(), 0.5), "epochs": 10, "batch_size": 1, "progress": False} | options
    x = torch.ones(1, 1) if x is None else x
    return model, lambda: fit(model, x, loss=lambda x: loss(model, x), precision=precision, **options)


def test_a_loss_that_is_not_finite_stops_with_its_step_and_advice():
    model, run = _fit_line(lambda model, x: model.weight.sum().log())  # 1, 0.5, then log of a negative number
    with pytest.raises(
        FloatingPointError,
        match=r"The loss is nan at step 3; the weights are those before it. Try a smaller learning rate \(now 0.5\), clip",
    ):
        run()
    assert model.weight.item() == pytest.approx(-0.5)


def test_a_gradient_that_is_not_finite_stops_before_it_spoils_the_weights():
    model, run = _fit_line(lambda model, x: (model.weight - 1).square().sum().sqrt())  # the root at 0 has no slope
    with pytest.raises(FloatingPointError, match="The loss is 0, but its gradient's norm is nan at step 1"):
        run()
    assert model.weight.item() == 1


def test_a_row_that_is_not_finite_is_named():
    x = torch.ones(20, 1)
    x[13] = float("inf")
    _, run = _fit_line(lambda model, x: model(x).mean(), x, batch_size=4)
    with pytest.raises(FloatingPointError, match="the data are not finite in row 13"):
        run()


class NoLoss(nn.Linear):
    """A generator of a GAN, say."""


@pytest.mark.usefixtures("shapes_unchecked")
def test_mistakes_are_named():
    model, other = Classifier(), Classifier()
    x, adam = torch.randn(20, 4), torch.optim.Adam(model.parameters())
    plain = NoLoss(4, 1)
    wrong = [
        ({"batch_size": 21}, "batch_size must be from 1 to the number of rows, 20, got 21"),
        ({"batch_size": 0}, "batch_size must be .* got 0"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"clip_norm": 0.0}, "clip_norm must be above 0, got 0"),
        ({"data": (x, x[:5])}, r"equally many rows in each part, got \[20, 5\]"),
        ({"data": [x, x]}, r"data must be a tensor or a tuple of tensors, got \['list'\]"),
        ({"optimizer": torch.optim.Adam(other.parameters())}, "built from model.parameters.*got 6 tensors"),
        ({"schedule": torch.optim.lr_scheduler.ReduceLROnPlateau(adam)}, "must move by steps alone .* got ReduceLROnPlateau"),
        ({"schedule": torch.optim.lr_scheduler.StepLR(torch.optim.Adam(other.parameters()), 1)}, "built from this optimizer, got StepLR"),
        ({"precision": torch.float64}, "precision must be float16, bfloat16 or that of the weights, got torch.float64"),
        ({"model": plain, "optimizer": torch.optim.Adam(plain.parameters())}, r"must have loss\(x\), and NoLoss has none"),
        (
            {"loss": lambda x: model.layers(x).squeeze(1)},
            r"a tensor of shape \(\) that depends on the weights, got shape \(5,\) \(take its mean\)",
        ),
        ({"loss": lambda x: model.loss(x).item()}, r"got a float \(leave out .item\(\)\)"),
        ({"loss": lambda x: model.loss(x).detach()}, "got one without a gradient"),
    ]
    for change, words in wrong:
        arguments = {"model": model, "data": x, "optimizer": adam, "epochs": 1, "batch_size": 5} | change
        with pytest.raises(ValueError, match=words):
            fit(arguments.pop("model"), arguments.pop("data"), **arguments)


# -------------------------------------------------------------------------------------------------------------- precision


@pytest.mark.parametrize(("in_hardware", "expected"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_t4_that_emulates_bfloat16_gets_float16(in_hardware, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or in_hardware)
    assert best_precision(torch.device("cuda")) is expected
    assert best_precision(torch.device("cpu")) is torch.float32


def _dtype_inside(model: nn.Module, precision) -> torch.dtype:
    seen = []

    def loss(x):
        seen.append(model(x).dtype)
        return model(x).float().mean()

    weight = next(model.parameters())
    fit(
        model,
        torch.ones(1, 1, dtype=weight.dtype),
        optimizer=torch.optim.SGD(model.parameters(), 0.1),
        epochs=1,
        batch_size=1,
        loss=loss,
        precision=precision,
    )
    assert weight.dtype is next(model.parameters()).dtype
    return seen[0]


def test_autocast_runs_in_the_precision_asked_for_and_weights_keep_theirs():
    for precision in (torch.bfloat16, torch.float16, torch.float32):
        assert _dtype_inside(nn.Linear(1, 1), precision) is precision
    assert _dtype_inside(nn.Linear(1, 1), None) is torch.float32
    assert _dtype_inside(nn.Linear(1, 1, dtype=torch.float64), None) is torch.float64


def test_float16_clips_the_true_gradient_not_the_scaled_one():
    model, run = _fit_line(lambda model, x: 0.5 * model(x).float().mean(), epochs=1, precision=torch.float16, clip_norm=100.0)
    run()
    assert model.weight.item() == 1 - 0.5 * 0.5  # norm 0.5 is far below 100, scaled by 65536 it is not


def test_float16_skips_steps_whose_gradient_overflows_and_then_learns():
    """The first scale, 65536, is too large for this slope: the scaler halves it, and meanwhile nothing may move."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    descent = torch.optim.SGD(model.parameters(), 1e-3)
    schedule, average = torch.optim.lr_scheduler.ExponentialLR(descent, 0.5), ExponentialMovingAverage(model)
    seen = []

    def loss(x):
        seen.append((model.weight.item(), schedule.last_epoch, average.updates))
        return 4 * model(x).mean()

    fit(
        model,
        torch.ones(1, 1),
        optimizer=descent,
        epochs=6,
        batch_size=1,
        loss=loss,
        schedule=schedule,
        average=average,
        precision=torch.float16,
    )
    skipped = [state for state in seen if state == (1.0, 0, 0)]
    assert 2 <= len(skipped) <= 5
    assert seen[len(skipped)][1:] == (1, 1)
    assert average.updates == schedule.last_epoch == 6 - len(skipped) + 1


def test_float16_that_overflows_at_every_scale_stops():
    model, run = _fit_line(lambda model, x: (model.weight - 1).square().sum().sqrt(), epochs=100, precision=torch.float16)
    with pytest.raises(
        FloatingPointError, match=r"overflows float16 at every scale at step 26; .* precision=torch.float32 \(now torch.float16\)"
    ):
        run()
    assert model.weight.item() == 1


# -------------------------------------------------------------------------------------------------------------- progress


def test_a_short_or_quiet_fit_shows_nothing(capsys, tmp_path):
    Fit(progress=True).run()
    Fit(tmp_path).run()
    Fit(tmp_path).run()
    assert capsys.readouterr() == ("", "")


def test_a_continued_fit_says_so(capsys, tmp_path):
    Fit(tmp_path).interrupt_at(7)
    Fit(tmp_path, progress=True).run()
    assert capsys.readouterr().out == f"7 of 18 training steps were done before and are read from {tmp_path}.\n"


@pytest.mark.slow
def test_a_long_fit_shows_a_bar_with_epoch_and_loss(capsys):
    _, run = _fit_line(lambda model, x: (time.sleep(0.25), model(x).mean())[1], epochs=12, progress=True)
    run()
    shown = capsys.readouterr().err
    assert "training" in shown
    assert "12/12" in shown
    assert "epoch 12/12, loss" in shown


# ------------------------------------------------------------------------------------------------------------------- GPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_an_interrupted_fit_on_a_gpu_ends_as_if_it_had_not_been(precision, tmp_path):
    whole = Fit(precision=precision, device="cuda").run()
    for stop in (2, 5, 7):
        torch.cuda.manual_seed(stop)
        Fit(tmp_path, precision=precision, device="cuda").interrupt_at(stop)
    before = torch.cuda.get_rng_state()
    resumed = Fit(tmp_path, precision=precision, device="cuda").run()
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert_same_bits(resumed.bits(), whole.bits())
