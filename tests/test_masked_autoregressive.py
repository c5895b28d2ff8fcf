"""MADE: each factor sees what comes before it, and no more; together they are a probability."""

import math

import pytest
import torch

from course_lib import training
from course_lib.datasets import strokes
from course_lib.generative.masked_autoregressive import MADE, as_binary


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(event=(1, 3, 3), hidden=(20, 20), seed=0) -> MADE:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MADE(event, hidden)


def all_binary(D: int) -> torch.Tensor:
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * D)


@pytest.mark.parametrize("hidden", [(), (5,), (40, 40)])
def test_no_factor_changes_with_its_own_or_a_later_dimension(hidden):
    model, x = made(hidden=hidden), torch.rand(1, 1, 3, 3, generator=seeded(0)).round()
    before = model.logits(x).flatten()
    for d in range(9):
        changed = x.clone().flatten()
        changed[d] = 1 - changed[d]
        difference = (model.logits(changed.view(x.shape)).flatten() - before).abs()
        assert not difference[: d + 1].any()
        assert (difference[d + 1 :] > 0).all()


def test_the_probability_is_the_product_of_the_factors():
    """Each factor read off at its own prefix, what follows being anything."""
    model = made((4,)).double()
    for x in all_binary(4).double():
        product = 1.0
        for d in range(4):
            anything = torch.cat([x[:d], torch.rand(4 - d, generator=seeded(d)).round().double()])
            p = model.logits(anything[None])[0, d].sigmoid()
            product = product * (p if x[d] else 1 - p)
        torch.testing.assert_close(model.log_prob(x[None])[0].exp(), product)


def test_each_dimension_is_drawn_given_those_before_it():
    """The same uniform numbers, each compared with the factor that the drawn row itself gives."""
    model = made().double()
    for number, parameter in enumerate(model.parameters()):
        torch.nn.init.normal_(parameter, std=0.7, generator=seeded(number))
    x = model.sample(20, generator=seeded(1))
    u = torch.rand(20, 9, dtype=torch.float64, generator=seeded(1)).view_as(x)
    assert torch.equal(x, (u < model.logits(x).sigmoid()).double())
    assert 0 < x.mean() < 1


def test_a_network_without_hidden_layers_is_logistic_regression_on_what_came_before():
    model = made((3,), ()).double()
    x = torch.tensor([[1.0, 0.0, 1.0]]).double()
    (last,) = model.network.layers
    w, b = model.direct.weight + last.weight, model.direct.bias + last.bias
    expected = torch.stack([b[0], b[1] + w[1, 0], b[2] + w[2, 0] - w[2, 1]])  # a zero enters as −1
    torch.testing.assert_close(model.logits(x)[0], expected)


def test_it_learns_what_a_tree_of_coins_does():
    """x_2 copies x_1, x_3 is their own coin: the entropies of the truth are reached."""
    g = seeded(0)
    first, third = torch.rand(4000, generator=g) < 0.3, torch.rand(4000, generator=g) < 0.9
    x = torch.stack([first, first, third], 1)
    model = made((3,), (8,))
    training.fit(model, x, optimizer=torch.optim.Adam(model.parameters(), 3e-2), epochs=6, batch_size=100, progress=False)
    entropy = sum(-p * math.log(p) - (1 - p) * math.log(1 - p) for p in (first.double().mean().item(), third.double().mean().item()))
    assert 3 * model.loss(x).item() == pytest.approx(entropy, abs=0.02)  # the last steps still move it


def test_the_start_is_each_dimensions_own_frequency():
    x = torch.rand(1000, 1, 3, 3, generator=seeded(0)) < torch.linspace(0.0, 0.9, 9).view(1, 3, 3)
    model = made()
    for parameter in (*model.network.parameters(), model.direct.weight):
        torch.nn.init.zeros_(parameter)
    model.start_from(x)
    torch.testing.assert_close(
        model.logits(x[:1]).sigmoid()[0], x.float().mean(0), atol=2e-3, rtol=0
    )  # half a row is added, so that 0 stays finite
    assert model.logits(x).isfinite().all()


def test_pictures_may_come_in_any_number_format():
    model, x = made(), torch.rand(4, 1, 3, 3, generator=seeded(0)) < 0.5
    for same in (x.float(), x.double(), x.to(torch.uint8), x.long()):
        assert torch.equal(model.log_prob(same), model.log_prob(x))


def test_what_is_not_binary_is_refused(own_messages):
    with pytest.raises(ValueError, match=r"x must hold zeros and ones only, got 255: binarise a picture first, x > 127"):
        made().log_prob(torch.full((1, 1, 3, 3), 255))
    with pytest.raises(ValueError, match=r"x must have rows of shape \(1, 3, 3\), got \(2, 9\)"):
        made().log_prob(torch.zeros(2, 9))
    with pytest.raises(ValueError, match="got nan"):
        as_binary(torch.tensor([[torch.nan]]), (1,))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_seconds_of_training_beat_independent_pixels_by_far(seed):
    x = strokes.draw(2000, side=16, generator=seeded(seed)).images > 127
    held_out = strokes.draw(500, side=16, generator=seeded(100 + seed)).images > 127
    model = made((1, 16, 16), (200,), seed=seed)
    model.start_from(x)
    frequency = ((x.double().sum(0) + 0.5) / (len(x) + 1)).expand(len(held_out), -1, -1, -1)
    independent = torch.nn.functional.binary_cross_entropy(frequency, held_out.double()).item()
    training.fit(model, x, optimizer=torch.optim.Adam(model.parameters(), 5e-3), epochs=4, batch_size=50, progress=False)
    assert model.loss(held_out).item() < 0.6 * independent
