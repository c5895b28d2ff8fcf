"""PixelCNN: every pixel sees all pixels before it and none after, and drawing row by row is the same as drawing naively."""

import pytest
import torch

from course_lib import training
from course_lib.datasets import strokes
from course_lib.generative.pixelcnn import PixelCNN, gate, whole_rows


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixelcnn(H=6, W=6, channels=4, blocks=2, seed=0) -> PixelCNN:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return PixelCNN((1, H, W), channels=channels, blocks=blocks)


def test_no_pixel_sees_itself_or_a_later_one_and_the_network_has_no_blind_spot():
    """Each pixel is flipped; with six blocks, every later pixel of a 6 × 6 picture notices."""
    model, x = pixelcnn(channels=8, blocks=6).double(), (torch.rand(1, 1, 6, 6, generator=seeded(0)) < 0.5).double()
    flips = x.repeat(36, 1, 1, 1).flatten(1)
    flips[range(36), range(36)] = 1 - flips[range(36), range(36)]
    noticed = (model.logits(flips.view(36, 1, 6, 6)) != model.logits(x)).flatten(1)  # (flipped, noticing)
    assert torch.equal(noticed, torch.ones(36, 36).triu(1).bool())


def test_the_gradient_agrees():
    """The same by the Jacobian, at a pixel far from the corner: the whole of what was read before, and only that."""
    model = pixelcnn(7, 7, channels=8, blocks=6).double()
    seen = model._entrance(torch.zeros(1, 1, 7, 7)).requires_grad_()
    model._along_rows(seen, model._from_above(seen))[0, 0, 4, 2].backward()
    assert torch.equal((seen.grad[0, 0] != 0).flatten(), torch.arange(49) < 4 * 7 + 2)


def test_drawing_row_by_row_is_drawing_pixel_by_pixel():
    """Against whole passes over whole pictures with the same uniform numbers; the weights are large, so that all that is seen matters."""
    model, n, side = pixelcnn().double(), 5, 6
    for number, parameter in enumerate(model.parameters()):
        torch.nn.init.normal_(parameter, std=0.7, generator=seeded(number))
    u = torch.rand(n, side, side, dtype=torch.float64, generator=seeded(1))
    x = torch.zeros(n, 1, side, side, dtype=torch.float64)
    with torch.no_grad():
        for i in range(side):
            for j in range(side):
                x[:, 0, i, j] = (u[:, i, j] < model.logits(x)[:, 0, i, j].sigmoid()).double()
    assert torch.equal(model.sample(n, generator=seeded(1)), x)


@pytest.mark.parametrize(("H", "W"), [(1, 3), (3, 1), (1, 1)])
def test_a_picture_may_be_a_line_or_a_point(H, W):
    outcomes = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * (H * W)).view(-1, 1, H, W)
    model = pixelcnn(H, W)
    torch.testing.assert_close(model.log_prob(outcomes).exp().sum(), torch.tensor(1.0))
    assert model.sample(2).shape == (2, 1, H, W)


def test_a_place_is_told_from_another():
    """Without their places, all pixels far from the border would begin alike."""
    logits = pixelcnn(20, 20).logits(torch.zeros(1, 1, 20, 20))[0, 0, 8:12, 8:12]
    assert logits.unique().numel() == 16


def test_the_gate_lets_pass_what_its_second_half_allows():
    a = torch.tensor([0.5, 0.5, 100.0, -100.0]).view(1, 4, 1, 1)
    torch.testing.assert_close(gate(a).flatten(), torch.tensor([0.5, 0.0]).tanh() * torch.tensor([1.0, 0.0]))


def test_rows_above():
    assert whole_rows(5, 1, own_row=True)[:, 0].tolist() == [True, True, True, False, False]


def test_it_says_what_is_wrong(own_messages):
    with pytest.raises(ValueError, match=r"all numbers at least 1, got \(1, 4, 4\), 8 channels and 0 blocks"):
        PixelCNN((1, 4, 4), channels=8, blocks=0)
    with pytest.raises(ValueError, match=r"event must be \(1, H, W\).* got \(3, 4, 4\)"):
        PixelCNN((3, 4, 4), channels=8, blocks=1)
    with pytest.raises(ValueError, match=r"x must have rows of shape \(1, 6, 6\), got \(2, 3, 4, 4\)"):
        pixelcnn().log_prob(torch.zeros(2, 3, 4, 4))
    with pytest.raises(ValueError, match=r"x must hold zeros and ones only, got 0\.5"):
        pixelcnn().log_prob(torch.full((1, 1, 6, 6), 0.5))


@pytest.mark.slow
def test_seconds_of_training_beat_independent_pixels_by_far():
    x = strokes.draw(800, side=16, generator=seeded(0)).images > 127
    held_out = strokes.draw(300, side=16, generator=seeded(1)).images > 127
    model = pixelcnn(16, 16, channels=12)
    frequency = ((x.double().sum(0) + 0.5) / (len(x) + 1)).expand(len(held_out), -1, -1, -1)
    independent = torch.nn.functional.binary_cross_entropy(frequency, held_out.double()).item()
    training.fit(model, x, optimizer=torch.optim.Adam(model.parameters(), 1e-2), epochs=1, batch_size=8, progress=False)
    assert model.loss(held_out).item() < 0.6 * independent
