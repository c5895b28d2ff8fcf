"""The contract recognises a model by its verbs, whatever it is made of."""

from dataclasses import dataclass

import pytest
import torch

from course_lib.contract import CanSample, HasElbo, HasLogProb, HasLoss

PROTOCOLS = (CanSample, HasLogProb, HasElbo, HasLoss)


@dataclass(frozen=True)
class Standard:
    """A standard normal: everything but a bound."""

    def sample(self, n, *, generator=None, cond=None):
        return torch.randn(n, generator=generator)

    def log_prob(self, x):
        return torch.distributions.Normal(0.0, 1.0).log_prob(x)

    def loss(self, x):
        return -self.log_prob(x).mean()


class Bounded(torch.nn.Module):
    """A network like a VAE: a bound in place of the density."""

    def sample(self, n, *, generator=None, cond=None):
        return torch.zeros(n)

    def elbo(self, x):
        return -x.square()

    def loss(self, x):
        return -self.elbo(x).mean()


class Adversarial(torch.nn.Module):
    """A network like a GAN: it can only sample, and has two losses of other names."""

    def sample(self, n, *, generator=None, cond=None):
        return torch.zeros(n)

    def generator_loss(self, x):
        return x.sum()


@pytest.mark.parametrize(
    ("model", "speaks"),
    [
        (Standard(), {CanSample, HasLogProb, HasLoss}),
        (Bounded(), {CanSample, HasElbo, HasLoss}),
        (Adversarial(), {CanSample}),
        (torch.nn.Linear(1, 1), set()),
    ],
    ids=["density", "bound", "adversarial", "a layer"],
)
def test_a_model_is_recognised_by_its_verbs(model, speaks):
    assert {protocol for protocol in PROTOCOLS if isinstance(model, protocol)} == speaks


def test_every_verb_of_the_contract_is_explained_on_its_page():
    import course_lib.contract as page

    for protocol in PROTOCOLS:
        (verb,) = (name for name in vars(protocol) if not name.startswith("_"))
        assert f"``{verb}``" in page.__doc__
        assert getattr(protocol, verb).__doc__
