"""Drawing from a WaveNet beside wavenet_vocoder, whose incremental form has queues too, and beside the naive way: the whole past anew each time.

All have the same weights; wavenet_vocoder halves the power of its residual sum in each layer, so that layer l has them times or by 2^(l/2).
As it draws with numbers of its own, the gate is that both give the same logits on what either has drawn. The naive way draws the same samples;
it is timed from the first one on, where the past is still short, and only gets slower later.

Reading the weights takes the time, once they exceed the nearest caches. A network whose weights are bfloat16 numbers (both have the same) needs
half as many bytes here.
"""

import math

import torch
from torch import Tensor, nn

from benchmarks.side_by_side import Contest, Task
from course_lib.generative.wavenet import WaveNet
from course_lib.kernels import wavenet_sampling

LAYERS, CHANNELS, LEVELS = 20, 64, 256
SAMPLES, NAIVE_SAMPLES, GATE_SAMPLES = 2000, 1000, 200


def model(*, halves: bool = False) -> WaveNet:
    """Two times the dilations 1, 2, 4, … 512: a receptive field of 2,047 samples. ``halves``: all weights are bfloat16 numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = WaveNet([2 ** (layer % (LAYERS // 2)) for layer in range(LAYERS)], channels=CHANNELS).requires_grad_(False)
    return drawn.bfloat16().float() if halves else drawn


def as_peer(ours: WaveNet) -> nn.Module:
    """wavenet_vocoder's network with the same function."""
    from wavenet_vocoder import WaveNet as Peer

    sizes = {"residual_channels": CHANNELS, "gate_channels": 2 * CHANNELS, "skip_out_channels": CHANNELS, "kernel_size": 2}
    peer = Peer(LEVELS, LAYERS, 2, **sizes, dropout=0, weight_normalization=False, legacy=False).eval()
    peer.make_generation_fast_()  # no weight is worked out anew
    peer.requires_grad_(False)
    n = ours.weights()
    given = {"first_conv": (n.entrance.T, torch.zeros(CHANNELS))}
    for l, layer in enumerate(peer.conv_layers):
        scale = math.sqrt(2) ** l
        layer.conv.weight.copy_(n.dilated[l] * scale)
        layer.conv.bias.copy_(n.dilated_bias[l])
        given |= {
            f"conv_layers.{l}.conv1x1_out": (n.residual[l] / scale, n.residual_bias[l] / scale),
            f"conv_layers.{l}.conv1x1_skip": (n.skip[l], n.sum_bias if l == 0 else torch.zeros(CHANNELS)),
        }
    given |= {"last_conv_layers.1": (n.hidden, n.hidden_bias), "last_conv_layers.3": (n.last, n.last_bias)}
    for name, (weight, bias) in given.items():
        layer = peer.get_submodule(name)
        layer.weight.copy_(weight[..., None])
        layer.bias.copy_(bias)
    return peer


def beside_wavenet_vocoder(rows: int, samples: int, *, halves: bool = False) -> Contest:
    """As many sequences: here at once; there one after the other, for it draws no more than one at once."""
    ours = model(halves=halves)
    peer, nothing = as_peer(ours), torch.zeros(1, LEVELS, 1)

    def difference(theirs: Tensor, codes: Tensor) -> float:
        x = torch.cat([theirs.argmax(1), codes])[:, :GATE_SAMPLES]
        before = torch.cat([nothing.expand(len(x), -1, -1), nn.functional.one_hot(x[:, :-1], LEVELS).mT.float()], 2)
        logits = peer.incremental_forward(test_inputs=before, T=x.shape[1], softmax=False, quantize=False)
        return (logits - wavenet_sampling.predict(ours.weights(), x)).abs().max().item()

    return Contest(
        peer=lambda: torch.cat([peer.incremental_forward(initial_input=nothing, T=samples) for _ in range(rows)]),
        ours=lambda: ours.sample(rows, length=samples, generator=torch.Generator().manual_seed(1)),
        difference=difference,
        tolerance=1e-5,
    )


def beside_naive() -> Contest:
    """Each sample from a pass over all that it can hear."""
    ours = model()

    def draw(cached: bool) -> Tensor:
        return ours.sample(1, length=NAIVE_SAMPLES, generator=torch.Generator().manual_seed(1), cached=cached)

    return Contest(
        peer=lambda: draw(cached=False),
        ours=lambda: draw(cached=True),
        difference=lambda theirs, codes: (theirs != codes).double().mean().item(),
        tolerance=0.0,
    )


PEER = "wavenet_vocoder"
NAME = f"WaveNet of {LAYERS} layers × {CHANNELS} channels"
TASKS = (
    Task(f"{NAME}, {SAMPLES:,} samples", PEER, PEER, "logits", 55.0, lambda: beside_wavenet_vocoder(1, SAMPLES)),
    Task(
        f"{NAME} and bfloat16 weights, {SAMPLES:,} samples",
        PEER,
        PEER,
        "logits",
        55.0,
        lambda: beside_wavenet_vocoder(1, SAMPLES, halves=True),
    ),
    Task(f"{NAME}, 8 × {SAMPLES // 8:,} samples", PEER, PEER, "logits", 55.0, lambda: beside_wavenet_vocoder(8, SAMPLES // 8)),
    Task(f"{NAME}, first {NAIVE_SAMPLES:,} samples, naive", "torch", "torch", "share of samples that differ", None, beside_naive),
)
