"""The average of the weights: against the sum written out, and what it must leave alone."""

import pytest
import torch
from torch import nn

from course_lib.ema import ExponentialMovingAverage


def test_equals_the_weighted_sum_over_all_steps():
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(41, 3, generator=generator, dtype=torch.float64)  # the start, then 40 steps
    model = nn.Linear(3, 1, bias=False, dtype=torch.float64)
    model.weight.data.copy_(weights[:1])
    average = ExponentialMovingAverage(model, decay=0.7)
    for step in weights[1:]:
        model.weight.data.copy_(step[None])
        average.update(model)
    # The weight of step i is (1 - β_i) times all later β: the warm-up ends at 0.7 = 21/30, that is n = 20.
    betas = torch.tensor([(1 + n) / (10 + n) if n < 20 else 0.7 for n in range(40)], dtype=torch.float64)
    share = torch.cat([torch.ones(1, dtype=torch.float64), 1 - betas])
    for i in range(41):
        share[i] *= betas[i:].prod()
    torch.testing.assert_close(share.sum(), torch.tensor(1.0, dtype=torch.float64))
    torch.testing.assert_close(average.model.weight[0], share @ weights)


def test_buffers_are_copied_not_averaged():
    model = nn.BatchNorm1d(2)
    average = ExponentialMovingAverage(model, decay=0.9)
    model.train()(torch.randn(8, 2))
    average.update(model)
    for kept, buffer in zip(average.model.buffers(), model.buffers(), strict=True):
        assert torch.equal(kept, buffer)
    assert average.model.num_batches_tracked == 1


def test_is_a_separate_model_without_gradients_in_evaluation_mode():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    average = ExponentialMovingAverage(model)
    assert model.training
    assert not average.model.training
    assert not any(weight.requires_grad for weight in average.model.parameters())
    average.update(model)
    assert all(weight.requires_grad for weight in model.parameters())


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_refuses_an_impossible_decay(decay):
    with pytest.raises(ValueError, match="decay must be"):
        ExponentialMovingAverage(nn.Linear(1, 1), decay=decay)
