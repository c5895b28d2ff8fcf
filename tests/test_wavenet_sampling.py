"""Sampling a WaveNet: the queues against whole convolutions, the C form against the queues."""

import ctypes
import subprocess

import pytest
import torch
from torch.nn import functional

from course_lib.generative.conditioning import GlobalCondition
from course_lib.generative.sample_distributions import Categorical
from course_lib.generative.wavenet import WaveNet
from course_lib.kernels import native, wavenet_sampling
from course_lib.kernels.wavenet_sampling import Network

needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="needs a C compiler: install gcc from your system's packages")


@pytest.fixture(autouse=True)
def own_choice(monkeypatch):
    """Whatever the machine's setting, these tests compare both forms."""
    monkeypatch.delenv("COURSE_KERNELS", raising=False)
    monkeypatch.setattr(wavenet_sampling, "_AT_ONCE", 20_000)  # so that a few samples with conditions need several calls


def network(dilations, *, C=8, S=8, V=16, K=2, F=0, seed=0) -> Network:
    g = torch.Generator().manual_seed(seed)
    L = len(dilations)

    def weights(*shape, inputs=1):
        return torch.randn(*shape, generator=g) / inputs**0.5

    return Network(
        dilations=tuple(dilations),
        entrance=weights(V, C),
        dilated=weights(L, 2 * C, C, K, inputs=C * K / 2),
        dilated_bias=weights(L, 2 * C),
        condition=weights(L, 2 * C, F),
        residual=weights(L, C, C, inputs=C),
        residual_bias=weights(L, C),
        skip=weights(L, S, C, inputs=C),
        sum_bias=weights(S),
        hidden=weights(S, S, inputs=S),
        hidden_bias=weights(S),
        last=weights(V, S, inputs=S),
        last_bias=weights(V),
    )


def convolved(n: Network, x: torch.Tensor, features: torch.Tensor | None) -> torch.Tensor:
    """The logits by whole convolutions, ``(B, V, T)``: no memory that could be wrong."""
    C, K = n.dilated.shape[2:]
    h = functional.pad(n.entrance[x[:, :-1]].mT, (1, 0))
    total = n.sum_bias[:, None]
    for l, d in enumerate(n.dilations):
        a = functional.conv1d(functional.pad(h, ((K - 1) * d, 0)), n.dilated[l], n.dilated_bias[l], dilation=d)
        if features is not None:
            a = a + n.condition[l] @ features
        z = a[:, :C].tanh() * a[:, C:].sigmoid()
        h = h + n.residual[l] @ z + n.residual_bias[l][:, None]
        total = total + n.skip[l] @ z
    hidden = (n.hidden @ total.relu() + n.hidden_bias[:, None]).relu()
    return n.last @ hidden + n.last_bias[:, None]


CASES = {
    "as in the course": ({"dilations": (1, 2, 4, 8, 16, 32), "C": 32, "S": 32, "V": 256}, 1),
    "wide": ({"dilations": (1, 2, 37, 1), "C": 64, "S": 48, "V": 256}, 2),
    "odd sizes": ({"dilations": (3, 5, 1), "C": 5, "S": 7, "V": 11}, 3),
    "three taps": ({"dilations": (1, 9, 2, 17), "C": 24, "S": 20, "V": 31, "K": 3}, 5),
    "conditions": ({"dilations": (1, 2, 4), "C": 16, "S": 33, "V": 64, "F": 3}, 2),
    "more rows than at once": ({"dilations": (2, 20), "C": 4, "S": 4, "V": 5, "K": 4, "F": 1}, 19),
    "the smallest": ({"dilations": (1,), "C": 1, "S": 1, "V": 2}, 1),
}


@pytest.fixture(params=CASES)
def case(request):
    sizes, B = CASES[request.param]
    n, T = network(**sizes), 45
    g = torch.Generator().manual_seed(1)
    features = torch.randn(B, n.condition.shape[2], T, generator=g) if n.condition.shape[2] else None
    return n, torch.randint(0, len(n.entrance), (B, T), generator=g), torch.rand(B, T, dtype=torch.float64, generator=g), features


def test_the_reference_is_whole_convolutions(case):
    n, x, _, features = case
    torch.testing.assert_close(wavenet_sampling.predict_reference(n, x, features), convolved(n, x, features), rtol=0, atol=1e-5)


@needs_compiler
def test_the_compiled_logits_equal_the_references(case):
    n, x, _, features = case
    got = wavenet_sampling.predict_compiled(n, x, features, native.library("wavenet_sampling"))
    torch.testing.assert_close(got, wavenet_sampling.predict_reference(n, x, features), rtol=0, atol=1e-5)


@needs_compiler
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_the_same_numbers_draw_the_same_samples(case, temperature):
    n, _, u, features = case
    expected = wavenet_sampling.sample_reference(n, u, features, temperature=temperature)
    got = wavenet_sampling.sample_compiled(n, u, features, native.library("wavenet_sampling"), temperature=temperature)
    assert torch.equal(got, expected)
    assert expected.unique().numel() > 1


@needs_compiler
def test_rows_do_not_hear_each_other(case):
    n, _, u, features = case
    together = wavenet_sampling.sample(n, u, features)
    for r in range(len(u)):
        alone = wavenet_sampling.sample(n, u[r : r + 1], None if features is None else features[r : r + 1])
        assert torch.equal(together[r : r + 1], alone)


@needs_compiler
def test_weights_of_half_the_width_are_kept_as_such(case):
    """bfloat16 numbers take half the bytes and give the same; one weight that is none keeps all as they are."""
    n, x, u, features = case
    halves = Network(n.dilations, *(weight.bfloat16().float() for weight in n[1:]))
    library = native.library("wavenet_sampling")
    packed, whole = wavenet_sampling._Packed(halves, library), wavenet_sampling._Packed(n, library)
    assert (packed.struct.halves, whole.struct.halves) == (1, 0)
    assert 2 * packed.parts["now"].numel() == whole.parts["now"].numel()
    logits = wavenet_sampling.predict_compiled(halves, x, features, library)
    torch.testing.assert_close(logits, wavenet_sampling.predict_reference(halves, x, features), rtol=0, atol=1e-5)
    assert torch.equal(
        wavenet_sampling.sample_compiled(halves, u, features, library), wavenet_sampling.sample_reference(halves, u, features)
    )


@needs_compiler
def test_the_limits_between_levels_are_kept():
    """Of a network that always says the same, u alone decides: 0 gives the first level, what is just below 1 the last that is possible."""
    n = network((1,), V=6)._replace(last=torch.zeros(6, 8), last_bias=torch.tensor([0.0, 2.0, -200.0, 1.0, 0.5, -200.0]))
    cumulated = n.last_bias.double().softmax(0).cumsum(0)
    u = torch.cat([torch.tensor([0.0]).double(), cumulated[:5] - 1e-6, cumulated[:5] + 1e-6, torch.tensor([1 - 1e-12]).double()])
    u = u.clamp(max=1 - 1e-12)[None]
    expected = wavenet_sampling.sample_reference(n, u)
    assert torch.equal(wavenet_sampling.sample_compiled(n, u, None, native.library("wavenet_sampling")), expected)
    assert expected[0, 0] == 0
    assert expected.max() == 4
    low = n._replace(last_bias=n.last_bias - 300)  # only differences of logits count
    assert torch.equal(wavenet_sampling.sample_compiled(low, u, None, native.library("wavenet_sampling")), expected)


@needs_compiler
@pytest.mark.parametrize("scale", [1e-3, 10.0, 1e4])
def test_gates_of_any_size_stay_exact(scale):
    n = network((1, 2), C=32)
    n = n._replace(dilated_bias=scale * n.dilated_bias, dilated=scale * n.dilated)
    x = torch.randint(0, 16, (1, 40), generator=torch.Generator().manual_seed(0))
    got = wavenet_sampling.predict_compiled(n, x, None, native.library("wavenet_sampling")).double()
    double = Network(n.dilations, *(weight.double() for weight in n[1:]))
    exact = convolved(double, x, None)
    ours, theirs = (got - exact).abs().max(), (wavenet_sampling.predict_reference(n, x) - exact).abs().max()
    assert ours <= 4 * theirs + 1e-6  # sums of floats in another order


@needs_compiler
def test_samples_follow_the_probabilities():
    """A network whose next level depends on the last one: a Markov chain, whose transitions are counted."""
    n = network((1,), V=3, C=4, S=4)
    n = n._replace(dilated=n.dilated * torch.tensor([0.0, 1.0]))  # nothing reaches back
    u = torch.rand(1, 30_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = wavenet_sampling.sample(n, u)[0]
    transition = wavenet_sampling.predict(n, torch.tensor([[0, 0], [1, 0], [2, 0]]))[:, :, 1].softmax(1)
    counted = torch.zeros(3, 3).index_put_((x[:-1], x[1:]), torch.tensor(1.0), accumulate=True)
    visits = counted.sum(1, keepdim=True)
    assert ((counted / visits - transition).abs() < 5 * (transition * (1 - transition) / visits).sqrt()).all()


@needs_compiler
@pytest.mark.slow
def test_the_narrowest_registers_give_the_same(case, root, tmp_path):
    source = root / "course_lib/kernels/wavenet_sampling.c"
    subprocess.run([native.compiler(), *native._FLAGS, "-o", str(tmp_path / "narrow.so"), str(source), "-lm"], check=True)
    n, x, u, features = case
    library = ctypes.CDLL(str(tmp_path / "narrow.so"))
    got = wavenet_sampling.predict_compiled(n, x, features, library)
    torch.testing.assert_close(got, wavenet_sampling.predict_reference(n, x, features), rtol=0, atol=1e-5)
    assert torch.equal(wavenet_sampling.sample_compiled(n, u, features, library), wavenet_sampling.sample_reference(n, u, features))


@pytest.mark.parametrize("kernel", [2, 3])
def test_a_wavenet_samples_through_it_and_draws_what_it_would_draw_naively(kernel):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conditions = (GlobalCondition(3, features=4),)
        model = WaveNet((1, 2, 4), channels=12, skip_channels=10, kernel=kernel, output=Categorical(32), conditions=conditions)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
    cond = (torch.tensor([2, 0]),)
    fast, naive = (
        model.sample(2, length=25, generator=torch.Generator().manual_seed(3), cond=cond, cached=cached) for cached in (True, False)
    )
    assert torch.equal(fast, naive)
    logits = wavenet_sampling.predict(
        Network(*(part.detach() if l else part for l, part in enumerate(model.weights()))), fast, model.features(cond, 2, 25).detach()
    )
    torch.testing.assert_close(logits, model.predict(fast, cond), rtol=0, atol=1e-5)


def test_dispatch_follows_the_setting_and_the_number_format(monkeypatch):
    n, u = network((1, 2)), torch.rand(2, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected, used = wavenet_sampling.sample_reference(n, u), []
    monkeypatch.setattr(wavenet_sampling, "sample_compiled", lambda *_, **__: used.append(1) or expected)
    double = Network(n.dilations, *(weight.double() for weight in n[1:]))
    for other in (double, network((1, 2), K=1), n._replace(last=n.last.clone().requires_grad_())):
        wavenet_sampling.sample(other, u)
    assert not used
    if native.compiler() is not None:
        wavenet_sampling.sample(n, u)
        assert used == [1]
    monkeypatch.setenv("COURSE_KERNELS", "reference")
    assert torch.equal(wavenet_sampling.sample(n, u), expected)
    assert len(used) <= 1


def test_levels_that_do_not_exist_are_refused():
    for wrong in (16, -1):
        with pytest.raises(ValueError, match="x must hold levels 0 to 15, got"):
            wavenet_sampling.predict(network((1,)), torch.tensor([[3, wrong]]))
