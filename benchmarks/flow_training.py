"""A training step of a flow beside zuko: loss, gradient and Adam, on the same weights and the same rows.

Both have as many layers, as wide networks, the same masks, the same bounded scale, given to zuko as its univariate map. After the gate (as many
parameters; the same log-density of every row) each turn takes the same number of steps from the same start.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.side_by_side import Contest, Task
from course_lib.generative.autoregressive_flow import maf
from course_lib.generative.base_density import StandardNormal
from course_lib.generative.coupling import real_nvp
from course_lib.generative.flow import Flow

D, LAYERS, HIDDEN, BATCH, STEPS, BOUND = 64, 5, 128, 256, 40, 2.0


def rows() -> Tensor:
    """Correlated numbers, a batch a step, ``(STEPS, BATCH, D)``."""
    chance = torch.Generator().manual_seed(0)
    return torch.randn(STEPS, BATCH, D, generator=chance) @ torch.randn(D, D, generator=chance) / D**0.5


def as_peer(ours: Flow, *, masked: bool) -> nn.Module:
    """zuko's flow with the same function; what a layer keeps, or the masks of its network, become ours."""
    import zuko

    class Affine(zuko.transforms.MonotonicAffineTransform):
        """z = x eˢ + t with our bound on s."""

        def __init__(self, shift: Tensor, scale: Tensor) -> None:
            torch.distributions.Transform.__init__(self)
            self.shift, self.log_scale = shift, BOUND * torch.tanh(scale / BOUND)
            self.scale = self.log_scale.exp()

    network = {"univariate": Affine, "hidden_features": (HIDDEN, HIDDEN), "activation": nn.SiLU}
    peer = zuko.flows.MAF(D, transforms=LAYERS, **network) if masked else zuko.flows.RealNVP(D, transforms=LAYERS, **network)
    with torch.no_grad():
        for layer, theirs in zip(ours.chain.transforms, peer.transform.transforms, strict=True):
            if masked:
                copy_masked(layer, theirs.hyper)
            else:
                copy_coupling(layer, theirs)
    return peer


def copy_coupling(ours: nn.Module, theirs: nn.Module) -> None:
    """The network says (t, s) one after the other here, by turns there."""
    theirs.mask.copy_(torch.zeros(D, dtype=torch.bool).index_fill(0, ours.parts.kept, True))
    *inner, last = pairs(ours.network, theirs.hyper)
    by_turns = torch.arange(len(last[0].bias)).view(2, -1).T.flatten()
    for a, b in inner:
        b.load_state_dict(a.state_dict())
    last[1].weight.copy_(last[0].weight[by_turns])
    last[1].bias.copy_(last[0].bias[by_turns])


def copy_masked(ours: nn.Module, theirs: nn.Module) -> None:
    """Entries lie in the layer's order here, in that of the rows there. zuko's masks become ours: it deals out degrees in another way."""
    by_turns = (2 * ours.places[:, None] + torch.arange(2)).flatten()
    layers = pairs(ours.network, theirs)
    for number, (a, b) in enumerate(layers):
        to = by_turns if number == len(layers) - 1 else torch.arange(len(a.bias))
        of = ours.places if number == 0 else torch.arange(a.weight.shape[1])
        a.mask[to[:, None], of] = b.mask
        b.weight.copy_(a.weight[to][:, of])
        b.bias.copy_(a.bias[to])


def pairs(ours: nn.Module, theirs: nn.Module) -> list[tuple[nn.Module, nn.Module]]:
    """The linear layers of both networks."""
    return [(a, b) for a, b in zip(ours.layers, theirs, strict=True) if hasattr(a, "weight")]


def trained(flow: nn.Module, loss: Callable[[nn.Module, Tensor], Tensor], x: Tensor) -> nn.Module:
    """A copy of the flow after a step on each batch."""
    flow = copy.deepcopy(flow)
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
    for batch in x:
        optimizer.zero_grad()
        loss(flow, batch).backward()
        optimizer.step()
    return flow


def beside_zuko(*, masked: bool) -> Contest:
    """Both from the same weights; after equally many steps both still give the same density."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        layers = (maf if masked else real_nvp)(D, layers=LAYERS, hidden=[HIDDEN, HIDDEN], bound=BOUND)
        ours = Flow(layers, StandardNormal(D))
        for parameter in ours.parameters():  # away from the identity
            parameter.data += 0.02 * torch.randn(parameter.shape)
        peer, x = as_peer(ours, masked=masked), rows()

    def difference(theirs: nn.Module, mine: Flow) -> float:
        """Of log-densities in nats per dimension, before training and after; for ever apart where the sizes differ."""
        if sum(p.numel() for p in theirs.parameters()) != sum(p.numel() for p in mine.parameters()):
            return float("inf")
        with torch.no_grad():
            before = (peer().log_prob(x[0]) - ours.log_prob(x[0])).abs().max()
            after = (theirs().log_prob(x[0]) - mine.log_prob(x[0])).abs().max()
        return (torch.maximum(before, after) / D).item()

    return Contest(
        peer=lambda: trained(peer, lambda flow, batch: -flow().log_prob(batch).mean() / D, x),
        ours=lambda: trained(ours, lambda flow, batch: flow.loss(batch), x),
        difference=difference,
        tolerance=1e-4,  # of float32 after as many steps of Adam, which lifts roundings of small gradients
    )


SIZES = f"{LAYERS} layers of {HIDDEN} × {HIDDEN}, D = {D}, batch {BATCH}, {STEPS} steps"
SAME = "log-density, nats per dimension"
TASKS = (
    Task(f"RealNVP trained, {SIZES}", "zuko", "zuko", SAME, 1.0, lambda: beside_zuko(masked=False)),
    Task(f"MAF trained, {SIZES}", "zuko", "zuko", SAME, 1.0, lambda: beside_zuko(masked=True)),
)
