"""The network that reads digits: one answer more than classes, and what is left to it."""

import torch

from course_lib.networks.digit_classifier import DigitClassifier


def classifier(**options) -> DigitClassifier:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DigitClassifier(8, 3, **options)


def pictures(n: int = 6) -> torch.Tensor:
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def test_what_the_classes_leave_is_the_last_answer():
    model, x = classifier(), pictures()
    every = model(x).softmax(1)
    assert every.shape == (6, 4)
    torch.testing.assert_close(model.probabilities(x), every[:, :3])
    torch.testing.assert_close(1 - model.probabilities(x).sum(1), every[:, 3])


def test_rows_are_independent_and_every_pixel_counts():
    model, x = classifier(), pictures()
    torch.testing.assert_close(torch.cat([model(row) for row in x.split(1)]), model(x))
    x.requires_grad_()
    model(x).square().sum().backward()
    assert (x.grad.abs().amax(0) > 0).all()


def test_measuring_keeps_no_graph_and_training_does():
    model, x = classifier(), pictures()
    assert not model.probabilities(x).requires_grad
    model(x).logsumexp(1).sum().backward()
    assert all(weight.grad.isfinite().all() and weight.grad.abs().max() > 0 for weight in model.parameters())


def test_it_works_in_double_precision_with_other_layers():
    assert classifier(hidden=(5,)).double()(pictures().double()).dtype == torch.float64
    assert [tuple(weight.shape) for weight in classifier(hidden=(5, 6)).parameters()][::2] == [(5, 64), (6, 5), (4, 6)]
