r"""A WaveNet that draws one sample after the other, each layer remembering what it has heard: a PyTorch reference, and a loop in C.

.. math:: a^{(l)}_t = \sum_{k} W^{(l)}_k h^{(l)}_{t - (K-1-k) d_l} + b^{(l)} + V^{(l)} c_t, \qquad z = \tanh(a_f) \odot σ(a_g), \qquad
          h^{(l+1)} = h^{(l)} + R^{(l)} z + r^{(l)}, \qquad s = \sum_l S^{(l)} z

A sample costs two operations for each weight, and reading all weights. The references keep a queue a layer and do the rest with PyTorch, whose
calls cost more than their arithmetic. The C form has none, and works ahead where a dilation allows it; from then on reading is what takes the
time. Weights that are bfloat16 numbers (``model.bfloat16().float()``) are read as such: the same samples from half as many bytes.

Taught in: 11_wavenet
"""

import ctypes
from collections import deque
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.nn import functional

from course_lib.kernels import native

_AT_ONCE = 1 << 22  # numbers that conditions may add in one call: the more samples a call has, the more memory


class Network(NamedTuple):
    """The weights of a WaveNet over V levels: L layers of C channels, S skip channels, K taps, conditions of F features.

    ``residual`` and ``residual_bias`` are 0 for a last layer that has none; ``condition`` is ``(L, 2C, 0)`` where there is no condition.
    """

    dilations: tuple[int, ...]
    entrance: Float[Tensor, "V C"]
    dilated: Float[Tensor, "L twice C K"]
    dilated_bias: Float[Tensor, "L twice"]
    condition: Float[Tensor, "L twice F"]
    residual: Float[Tensor, "L C C"]
    residual_bias: Float[Tensor, "L C"]
    skip: Float[Tensor, "L S C"]
    sum_bias: Float[Tensor, " S"]
    hidden: Float[Tensor, "S S"]
    hidden_bias: Float[Tensor, " S"]
    last: Float[Tensor, "V S"]
    last_bias: Float[Tensor, " V"]


def sample(
    network: Network, u: Float64[Tensor, "B T"], features: Float[Tensor, "B F T"] | None = None, *, temperature: float = 1.0
) -> Int64[Tensor, "B T"]:
    """Draws sequences: x_t is the level at which the cumulated probability, given the levels before, first exceeds u_t.

    Args:
        network: the weights.
        u: numbers from 0 to 1, ``(B, T)``.
        features: of the condition at each sample, ``(B, F, T)``.
        temperature: what the logits are divided by.

    Returns:
        The levels, ``(B, T)``. The same u draws the same in both forms, unless one lies within rounding of a limit between two levels.

    Example:
        >>> zeros = torch.zeros
        >>> silent = Network((1,), zeros(4, 2), zeros(1, 4, 2, 2), zeros(1, 4), zeros(1, 4, 0), zeros(1, 2, 2), zeros(1, 2), zeros(1, 3, 2),
        ...                  zeros(3), zeros(3, 3), zeros(3), zeros(4, 3), zeros(4))
        >>> sample(silent, torch.tensor([[0.1, 0.3, 0.6, 0.9]]).double())
        tensor([[0, 1, 2, 3]])

    References:
        T. Le Paine and others, Fast Wavenet generation algorithm, 2016, arXiv:1611.09482 (one queue a layer).
    Deviation: taps that reach back work for several samples at once, as far as their past is known.
    Taught in: 11_wavenet
    """
    if (library := _library(network)) is None:
        return sample_reference(network, u, features, temperature=temperature)
    return sample_compiled(network, u, features, library, temperature=temperature)


def predict(network: Network, x: Int64[Tensor, "B T"], features: Float[Tensor, "B F T"] | None = None) -> Float[Tensor, "B V T"]:
    """Returns the logits of each sample of given sequences, ``(B, V, T)``; at t they depend on the samples before t.

    Raises:
        ValueError: if x holds anything but levels 0 … V − 1.
    """
    if x.numel() and not (x.min() >= 0 and x.max() < len(network.entrance)):
        raise ValueError(f"x must hold levels 0 to {len(network.entrance) - 1}, got {x.min().item()} to {x.max().item()}")
    if (library := _library(network)) is None:
        return predict_reference(network, x, features)
    return predict_compiled(network, x, features, library)


def _library(network: Network) -> ctypes.CDLL | None:
    """The C form, where it can be used: single precision on the CPU, and at least one tap that reaches back."""
    weights = network[1:]
    fits = all(weight.dtype == torch.float32 for weight in weights) and native.takes(*weights) and network.dilated.shape[3] > 1
    return native.library("wavenet_sampling") if fits else None


# ------------------------------------------------------------------------------------------------------- PyTorch alone


class Reference:
    """The network and what its layers have heard.

    Args:
        network: its weights.
        rows: how many sequences go on at once.
    """

    def __init__(self, network: Network, rows: int):
        self.network = network
        self.silence = network.entrance.new_zeros(rows, network.entrance.shape[1])
        reach = network.dilated.shape[3] - 1
        self.heard = [deque([self.silence] * (reach * d), maxlen=reach * d) for d in network.dilations]

    def step(self, before: Int64[Tensor, " B"] | None, features: Float[Tensor, "B F"] | None) -> Float[Tensor, "B V"]:
        """Returns the logits of the next sample, given the one before it, None at the beginning."""
        n = self.network
        h = self.silence if before is None else n.entrance[before]
        total = n.sum_bias
        for l, (d, heard) in enumerate(zip(n.dilations, self.heard, strict=True)):
            past = torch.stack([*(heard[k * d] for k in range(n.dilated.shape[3] - 1)), h], dim=2)  # (B, C, K)
            heard.append(h)
            a = functional.linear(past.flatten(1), n.dilated[l].flatten(1), n.dilated_bias[l])
            if features is not None:
                a = a + functional.linear(features, n.condition[l])
            f, g = a.chunk(2, dim=1)
            z = f.tanh() * g.sigmoid()
            h = h + functional.linear(z, n.residual[l], n.residual_bias[l])
            total = total + functional.linear(z, n.skip[l])
        return functional.linear(functional.linear(total.relu(), n.hidden, n.hidden_bias).relu(), n.last, n.last_bias)


def sample_reference(
    network: Network, u: Float64[Tensor, "B T"], features: Float[Tensor, "B F T"] | None = None, *, temperature: float = 1.0
) -> Int64[Tensor, "B T"]:
    """Returns what ``sample`` returns."""
    steps = Reference(network, len(u))
    codes = torch.empty(u.shape, dtype=torch.int64, device=u.device)
    for t in range(u.shape[1]):
        logits = steps.step(codes[:, t - 1] if t else None, None if features is None else features[..., t])
        cumulated = (logits.double() / temperature).softmax(1).cumsum(1)
        codes[:, t] = (cumulated <= u[:, t : t + 1] * cumulated[:, -1:]).sum(1)
    return codes


def predict_reference(network: Network, x: Int64[Tensor, "B T"], features: Float[Tensor, "B F T"] | None = None) -> Float[Tensor, "B V T"]:
    """Returns what ``predict`` returns."""
    steps = Reference(network, len(x))
    each = [steps.step(x[:, t - 1] if t else None, None if features is None else features[..., t]) for t in range(x.shape[1])]
    return torch.stack(each, dim=2)


# ------------------------------------------------------------------------------------------------------------------ C


class _Struct(ctypes.Structure):
    """``struct network`` of the C file."""

    _fields_ = (
        *(
            (name, ctypes.c_int64)
            for name in ("layers", "taps", "levels", "halves", "channels", "skips", "gates", "state", "hidden", "last")
        ),
        *((name, ctypes.c_void_p) for name in ("dilations", "past", "now", "out", "hidden_matrix", "last_matrix")),
        *((name, ctypes.c_void_p) for name in ("entrance", "gate_bias", "out_bias", "sum_bias", "hidden_bias", "last_bias")),
    )


class _Memory(ctypes.Structure):
    """``struct memory`` of the C file."""

    _fields_ = (("rows", ctypes.c_int64), ("time", ctypes.c_int64), ("heard", ctypes.c_void_p), ("expects", ctypes.c_void_p))


class _Packed:
    """The weights in the order in which the C form reads them, padded with zeros to whole vectors and tiles."""

    def __init__(self, network: Network, library: ctypes.CDLL):
        n, tile = network, int(library.wavenet_tile())
        (L, _, C, K), S, V = n.dilated.shape, len(n.sum_bias), len(n.entrance)
        channels, skips = (-(-size // (tile // 4)) * (tile // 4) for size in (C, S))
        whole = {
            name: -(-size // tile) * tile
            for name, size in {"gates": 2 * channels, "state": channels + skips, "hidden": skips, "last": V}.items()
        }

        def gates(x: Tensor) -> Tensor:
            """(…, 2C) → (…, gates): filter and gate each on whole vectors."""
            return _padded(_padded(x.unflatten(-1, (2, C)), channels).flatten(-2), whole["gates"])

        dilated = gates(n.dilated.permute(0, 3, 2, 1))  # (L, K, C, gates): the transpose of each matrix
        out = torch.cat([_padded(n.residual.mT, channels), n.skip.mT], dim=2)  # (L, C, state)
        matrices = {
            "past": _tiles(dilated[:, :-1], channels, tile),
            "now": _tiles(dilated[:, -1], channels, tile),
            "out": _tiles(_padded(out, whole["state"]), channels, tile),
            "hidden_matrix": _tiles(_padded(n.hidden.mT, whole["hidden"]), skips, tile),
            "last_matrix": _tiles(_padded(n.last.mT, whole["last"]), skips, tile),
        }
        halves = all(bool((matrix == matrix.bfloat16()).all()) for matrix in matrices.values())
        vectors = {
            "dilations": torch.tensor(n.dilations),
            "entrance": _padded(n.entrance, channels),
            "gate_bias": gates(n.dilated_bias),
            "out_bias": _padded(n.residual_bias, whole["state"]),
            "sum_bias": _padded(n.sum_bias, skips),
            "hidden_bias": _padded(n.hidden_bias, whole["hidden"]),
            "last_bias": functional.pad(n.last_bias, (0, whole["last"] - V), value=-torch.inf),
        }
        parts = vectors | ({name: _halves(matrix) for name, matrix in matrices.items()} if halves else matrices)
        self.parts = {name: part.detach().contiguous() for name, part in parts.items()}
        self.told = gates(n.condition.mT)  # (L, F, gates)
        self.layers, self.gates, self.last = L, whole["gates"], whole["last"]
        numbers = {"layers": L, "taps": K - 1, "levels": V, "channels": channels, "skips": skips, "halves": halves, **whole}
        self.struct = _Struct(**numbers, **{name: part.data_ptr() for name, part in self.parts.items()})
        self.work = sum(whole.values()) - self.gates + channels
        self.heard = (K - 1) * sum(n.dilations) * channels
        self.expects = L * int(library.wavenet_ahead()) * self.gates


def _padded(x: Tensor, size: int) -> Tensor:
    return functional.pad(x, (0, size - x.shape[-1]))


def _tiles(transposed: Tensor, inputs: int, tile: int) -> Tensor:
    """(…, in, out) → (…, out / tile, inputs, tile)."""
    rows = functional.pad(transposed, (0, 0, 0, inputs - transposed.shape[-2]))
    return rows.unflatten(-1, (-1, tile)).movedim(-2, -3)


def _halves(tiles: Tensor) -> Tensor:
    """Two bfloat16 numbers a word: of each pair of vectors the first in the lower halves."""
    first, second = tiles.contiguous().view(torch.int32).unflatten(-1, (2, 2, -1)).unbind(-2)
    return (first >> 16 & 0xFFFF | second).flatten(-2)


def sample_compiled(
    network: Network, u: Float64[Tensor, "B T"], features: Float[Tensor, "B F T"] | None, library: ctypes.CDLL, *, temperature: float = 1.0
) -> Int64[Tensor, "B T"]:
    """Returns what ``sample`` returns."""
    codes = torch.zeros(u.shape, dtype=torch.int64)
    _run(network, library, codes, features, u=u.contiguous(), temperature=temperature)
    return codes


def predict_compiled(
    network: Network, x: Int64[Tensor, "B T"], features: Float[Tensor, "B F T"] | None, library: ctypes.CDLL
) -> Float[Tensor, "B V T"]:
    """Returns what ``predict`` returns, up to the order of its sums."""
    logits = torch.empty(*x.shape, len(network.entrance))
    _run(network, library, x.contiguous(), features, logits=logits)
    return logits.mT


def _run(
    network: Network,
    library: ctypes.CDLL,
    codes: Tensor,
    features: Tensor | None,
    *,
    u: Tensor | None = None,
    temperature: float = 1.0,
    logits: Tensor | None = None,
) -> None:
    """Draws ``codes`` with u, or works out the ``logits`` of given ones; as many rows at once as the C form takes."""
    packed, most = _Packed(network, library), int(library.wavenet_rows())
    (N, T), levels = codes.shape, len(network.entrance)
    library.wavenet_sampling.restype = None
    for first in range(0, N, most):
        B = min(most, N - first)
        heard, expects, work = (torch.zeros(size) for size in (B * packed.heard, B * packed.expects, B * packed.work + packed.last))
        memory = _Memory(B, 0, heard.data_ptr(), expects.data_ptr())
        steps = T if features is None else max(1, _AT_ONCE // (B * packed.layers * packed.gates))
        for t in range(0, T, steps):
            part = None if features is None else features[first : first + B, :, t : t + steps]
            adds = None if part is None else torch.einsum("bft,lfg->tblg", part, packed.told).contiguous()
            library.wavenet_sampling(
                *(ctypes.byref(packed.struct), ctypes.byref(memory), ctypes.c_int64(min(steps, T - t)), ctypes.c_int64(T)),
                *(_at(codes, first * T + t), _at(u, first * T + t), ctypes.c_float(temperature)),
                *(_at(adds, 0), _at(logits, (first * T + t) * levels), _at(work, 0)),
            )


def _at(x: Tensor | None, number: int) -> ctypes.c_void_p:
    """Where the n-th number of a contiguous tensor lies."""
    return ctypes.c_void_p() if x is None else ctypes.c_void_p(x.data_ptr() + number * x.element_size())
