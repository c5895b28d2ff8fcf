"""WaveNet: causality and receptive field by perturbation, both ways of sampling, and linear prediction as the linear one's oracle."""

import math

import pytest
import torch

from course_lib.classical import lpc
from course_lib.classical.autoregressive import GaussianAR
from course_lib.generative.conditioning import GlobalCondition, LocalCondition
from course_lib.generative.sample_distributions import Categorical, Gaussian
from course_lib.generative.wavenet import Memory, WaveNet


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def wavenet(dilations=(1, 2, 4), **more) -> WaveNet:
    """A small one whose every number counts."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = WaveNet(dilations, channels=4, **{"skip_channels": 6, "output": Categorical(8)} | more).double()
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    return model


def levels(n: int = 2, T: int = 60) -> torch.Tensor:
    return torch.randint(8, (n, T), generator=seeded())


KINDS = {
    "as in the paper": lambda: (wavenet(), None),
    "dilated twice": lambda: (wavenet((1, 2, 4, 1, 2)), None),
    "three taps": lambda: (wavenet((1, 3), kernel=3), None),
    "told": lambda: (
        wavenet(conditions=[GlobalCondition(3, 5), LocalCondition(4, 5, hop=10)]),
        [torch.tensor([2, 0]), torch.randint(4, (2, 6), generator=seeded())],
    ),
    "told the same at all times": lambda: (wavenet(conditions=[GlobalCondition(3, 5)]), [torch.tensor([2, 0])]),
}


@pytest.fixture(params=KINDS)
def case(request):
    return KINDS[request.param]()


# ------------------------------------------------------------------------------------------------------------- who hears whom


def test_a_prediction_hears_its_receptive_field_and_nothing_else(case):
    """One level is changed; predictions change from the next sample on, for exactly R samples."""
    model, cond = case
    R, x = model.receptive_field, levels()
    other = x.clone()
    other[:, 20] = (x[:, 20] + 3) % 8
    moved = (model.predict(other, cond) - model.predict(x, cond)).abs().amax((0, 1)) > 0
    assert moved.nonzero()[:, 0].tolist() == list(range(21, 21 + R))


def test_the_receptive_field_of_doubling_dilations():
    assert wavenet([2**i for i in range(10)]).receptive_field == 1024
    assert wavenet([2**i for i in range(10)] * 3).receptive_field == 3 * 1023 + 1
    assert wavenet((1,), kernel=16).receptive_field == 16


def test_the_first_prediction_knows_nothing(case):
    model, cond = case
    torch.testing.assert_close(model.predict(levels(), cond)[..., 0], model.predict((levels() + 1) % 8, cond)[..., 0])


def test_a_condition_reaches_every_sample():
    (model, (speaker, symbols)), x = KINDS["told"](), levels()
    before = model.predict(x, [speaker, symbols])
    assert ((model.predict(x, [1 - speaker.clamp(max=1), symbols]) - before).abs().amax((0, 1)) > 0).all()
    changed = symbols.clone()
    changed[:, 5] = (symbols[:, 5] + 1) % 4
    moved = (model.predict(x, [speaker, changed]) - before).abs().amax((0, 1)) > 0
    assert moved.nonzero()[:, 0].tolist() == list(range(40, 60))  # the last symbol, and the one before it is told of it


# ---------------------------------------------------------------------------------------------------------------- probability


def test_log_prob_is_the_sum_over_samples(case):
    model, cond = case
    x = levels()
    each = model.log_prob_of_samples(x, cond)
    expected = model.predict(x, cond).log_softmax(1).gather(1, x[:, None])[:, 0]
    torch.testing.assert_close(each, expected)
    torch.testing.assert_close(model.log_prob(x, cond), expected.sum(1))
    torch.testing.assert_close(model.loss(x, cond), -expected.mean())


def test_all_sequences_together_have_probability_one():
    model = wavenet((1,), output=Categorical(3))
    every = torch.cartesian_prod(*[torch.arange(3)] * 4)
    torch.testing.assert_close(model.log_prob(every).exp().sum(), torch.tensor(1.0).double())


@pytest.mark.slow
def test_it_learns_a_law():
    """Each level is the one two before it plus one, nine times of ten: the entropy of that is what is left."""
    x = torch.zeros(16, 128, dtype=torch.int64)
    noise = torch.rand(16, 128, generator=seeded()) < 0.1
    anything = torch.randint(8, (16, 128), generator=seeded(1))
    for t in range(2, 128):
        x[:, t] = torch.where(noise[:, t], anything[:, t], (x[:, t - 2] + 1) % 8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = WaveNet((1, 2), channels=16, output=Categorical(8))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        model.loss(x).backward()
        optimizer.step()
    right = 0.9 + 0.1 / 8
    entropy = -right * math.log(right) - 0.1 * 7 / 8 * math.log(0.1 / 8)
    assert model.loss(x).item() < entropy + 0.05


# ------------------------------------------------------------------------------------------------------------------- sampling


def test_memory_predicts_what_the_whole_past_predicts(case):
    model, cond = case
    x = levels()
    memory, features = Memory(model, 2), model.features(cond, 2, 60)
    with torch.no_grad():
        steps = [memory.predict(x[:, max(t - 1, 0) : t], None if features is None else features[..., t]) for t in range(60)]
        torch.testing.assert_close(torch.stack(steps, 2), model.predict(x, cond), rtol=0, atol=1e-5)


def test_both_ways_draw_the_same(case):
    model, cond = case
    cached = model.sample(2, length=60, generator=seeded(3), cond=cond)
    naive = model.sample(2, length=60, generator=seeded(3), cond=cond, cached=False)
    assert torch.equal(cached, naive)
    assert len(cached.unique()) > 3


def test_both_ways_draw_the_same_numbers_too():
    """Numbers are drawn by the queues in PyTorch, levels by the kernel."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = WaveNet((1, 2, 4), channels=3, output=Gaussian(), linear=True, conditions=[LocalCondition(4, 5, hop=10)]).double()
    told = [torch.randint(4, (2, 4), generator=seeded())]
    cached, naive = (model.sample(2, length=40, generator=seeded(3), cond=told, cached=way) for way in (True, False))
    torch.testing.assert_close(cached, naive)
    assert len(cached.unique()) == 80


def test_a_longer_draw_begins_like_a_shorter_one_of_one_row():
    model = wavenet()
    assert torch.equal(model.sample(1, length=50, generator=seeded())[:, :20], model.sample(1, length=20, generator=seeded()))


def test_draws_have_the_models_frequencies():
    model = wavenet((1,), output=Categorical(3))
    n = 20_000
    every = torch.cartesian_prod(*[torch.arange(3)] * 3)
    p = model.log_prob(every).exp()
    counts = torch.bincount(model.sample(n, length=3, generator=seeded()) @ torch.tensor([9, 3, 1]), minlength=27)
    assert ((counts - n * p).abs() < 5 * (n * p * (1 - p)).sqrt() + 1e-9).all()


def test_cold_draws_follow_the_likeliest_level():
    model = wavenet()
    x = model.sample(1, length=40, temperature=1e-4, generator=seeded())
    assert torch.equal(model.predict(x).argmax(1), x)


# --------------------------------------------------------------------------------------------------- oracle: linear prediction


def weights_of_the_past(model: WaveNet, M: int) -> torch.Tensor:
    """What each of the last M samples adds to a linear model's prediction, the nearest first."""
    impulse = torch.zeros(1, M + 1, dtype=torch.float64)
    impulse[0, 0] = 1
    return model.predict(impulse)[0, 0, 1:].detach()


def linear(kernel: int, dilations=(1,), channels=1) -> WaveNet:
    return WaveNet(dilations, channels=channels, kernel=kernel, output=Gaussian(), linear=True).double()


def test_the_linear_one_is_a_weighted_sum_of_the_past():
    model, x = linear(kernel=3, dilations=(1, 2), channels=4), torch.randn(2, 50, dtype=torch.float64, generator=seeded())
    w = weights_of_the_past(model, model.receptive_field)
    padded = torch.nn.functional.pad(x, (len(w), 0))
    expected = torch.stack([padded[:, t : t + len(w)] @ w.flip(0) for t in range(50)], 1)
    torch.testing.assert_close(model.predict(x)[:, 0], expected)


def test_with_lpcs_weights_its_density_is_the_autoregressive_models():
    """From the M-th sample on: before it, GaussianAR knows that there was a past, WaveNet takes it for silence."""
    x = torch.randn(1, 400, dtype=torch.float64, generator=seeded()).cumsum(1)
    predictor = lpc.fit(x[0], 4)
    model = linear(kernel=4)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0) if "dilated" not in name else weight.copy_(-predictor.a.flip(0)[None, None])
        model.output.log_var.copy_(predictor.error_power.log())
    oracle = GaussianAR(predictor.a, predictor.error_power)
    torch.testing.assert_close(model.log_prob(x) - model.log_prob(x[:, :10]), oracle.log_prob(x) - oracle.log_prob(x[:, :10]))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_trained_it_recovers_linear_prediction(seed):
    """Zeros behind the signal, as before it: then least squares is the autocorrelation method."""
    order = 8
    voice = GaussianAR(lpc.fit(torch.randn(60, generator=seeded(seed)).cumsum(0), order).a, torch.tensor(1.0))
    x = voice.sample(1, length=600, generator=seeded(seed))
    expected = lpc.fit(x[0], order)
    padded = torch.nn.functional.pad(x, (0, order))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = linear(kernel=order)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=400, tolerance_grad=1e-10, tolerance_change=0, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = model.loss(padded)
        loss.backward()
        return loss

    optimizer.step(closure)
    torch.testing.assert_close(-weights_of_the_past(model, order), expected.a, rtol=0, atol=1e-3)
    variance = expected.error_power * len(x[0]) / len(padded[0])  # theirs is per sample of x
    torch.testing.assert_close(model.output.log_var.exp().detach(), variance, rtol=1e-3, atol=0)


# -------------------------------------------------------------------------------------------------------------------- refusals


def test_refuses_what_makes_no_network():
    with pytest.raises(ValueError, match="dilations must name at least one block"):
        WaveNet((), channels=4)
    with pytest.raises(ValueError, match=r"conditions must have equally many features, got \[5, 6\]"):
        WaveNet((1,), channels=4, conditions=[GlobalCondition(2, 5), GlobalCondition(2, 6)])


def test_refuses_conditions_that_do_not_fit():
    model, (speaker, symbols) = KINDS["told"]()
    with pytest.raises(ValueError, match="each of the 2 conditions, got 0"):
        model.predict(levels())
    with pytest.raises(ValueError, match="for 2 rows of 60 samples, got 2 of 50"):
        model.predict(levels(), [speaker, symbols[:, :5]])
    with pytest.raises(ValueError, match="each of the 0 conditions, got 1"):
        wavenet().sample(1, cond=[speaker])


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [({"length": 0}, "length must be at least 1, got 0"), ({"temperature": 0.0}, "temperature must be greater than 0, got 0.0")],
)
def test_refuses_draws_that_cannot_be(arguments, rule):
    with pytest.raises(ValueError, match=rule):
        wavenet().sample(1, **arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_it_is_the_same():
    model, cond = KINDS["told"]()
    x, there = levels(), [part.cuda() for part in cond]
    expected = model.log_prob(x, cond)
    torch.testing.assert_close(model.cuda().log_prob(x.cuda(), there).cpu(), expected)
    assert model.sample(2, length=60, cond=there).is_cuda
