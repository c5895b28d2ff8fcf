"""Answers to problem set 9: wrong ones that a student may well write, and right ones that look different from the solution.

``WRONG[function][mistake]`` stands in for the student's function: it must lose marks, and a check must name the mistake.
``RIGHT[function][manner]`` must keep every mark. Hardly any of the wrong ones would be noticed by a round trip.
``FORGED[test][trick]``, functions handed in together, knows no answer and must not pass that test.
"""

import math

import torch
import torch.nn.functional as F
from torch.distributions import Laplace, Normal

# --- pieces that the answers below share; each is right ---

TWO_PI = math.log(2 * math.pi)
ROOT_2 = math.sqrt(2)
HALF_LOG_2 = 0.5 * math.log(2)


def _network(x, weights):
    return (torch.tanh(x @ weights[0] + weights[1]) @ weights[2] + weights[3]).chunk(2, dim=1)


def _mask(D, layer):
    return (torch.arange(D) + layer) % 2 == 0


def _slope(x, u, w, b):
    return 1 - torch.tanh(x @ w + b) ** 2


def _push(x, u, w, b):
    return x + torch.outer(torch.tanh(x @ w + b), u)


def _stretching(x, u, w, b):
    return torch.log(torch.abs(1 + torch.dot(w, u) * _slope(x, u, w, b)))


# --- answers with one piece exchanged ---


def _planar(z=_push, log_det=_stretching):
    """An answer to task 1 with its own z or its own log-determinant."""
    return lambda x, u, w, b: (z(x, u, w, b), log_det(x, u, w, b))


def _bent(slope):
    """An answer to task 1 whose log-determinant has another slope for tanh's."""
    return _planar(log_det=lambda x, u, w, b: torch.log(torch.abs(1 + (w @ u) * slope(x, u, w, b))))


def _sum_of_moved(s, t, kept):
    return (s * ~kept).sum(1)


def _coupled(
    ask=lambda x, kept: x * kept,
    move=lambda x, t, s: x * s.exp() + t,
    join=lambda x, moved, kept: torch.where(kept, x, moved),
    log_det=_sum_of_moved,
):
    """An answer to task 2a: what the network sees, how an entry is moved, how the halves are joined, and the log-determinant."""

    def answer(x, kept, weights):
        t, s = _network(ask(x, kept), weights)
        return join(x, move(x, t, s), kept), log_det(s, t, kept)

    return answer


def _uncoupled(ask=lambda z, kept: z * kept, move=lambda z, t, s: (z - t) * (-s).exp(), join=None, log_det=None):
    """An answer to task 2b with one of its pieces exchanged."""
    pieces = {} if join is None else {"join": join}
    return _coupled(ask=ask, move=move, log_det=log_det or (lambda s, t, kept: -_sum_of_moved(s, t, kept)), **pieces)


_couple, _uncouple = _coupled(), _uncoupled()


def _stack(
    layer=_couple, order=lambda L: range(L), mask=_mask, weights=lambda layers, number: layers[number], add=lambda parts: sum(parts)
):
    """An answer to task 3a or 3b with its own layer, order, masks, weights, and its own way to add log-determinants."""

    def answer(x, layers):
        parts = []
        for number in order(len(layers)):
            x, part = layer(x, mask(x.shape[1], number), weights(layers, number))
            parts.append(part)
        return x, add(parts)

    return answer


def _back(**pieces):
    return _stack(**({"layer": _uncouple, "order": lambda L: reversed(range(L))} | pieces))


_encode, _decode = _stack(), _back()


def _density(join=lambda base, log_det: base + log_det, base=lambda z: -0.5 * (z.square() + TWO_PI).sum(1), to_noise=_encode):
    """An answer to task 3c with one of its pieces exchanged."""

    def answer(x, layers):
        z, log_det = to_noise(x, layers)
        return join(base(z), log_det)

    return answer


def _bits(
    noise=lambda k, g: torch.rand(k.shape, generator=g, dtype=torch.float64),
    scale=lambda k, u, L: (k + u) / L,
    end=lambda log_p, D, L: -(log_p - D * math.log(L)) / (D * math.log(2)),
):
    """An answer to task 4 with its own noise, its own scale, or its own end."""
    return lambda k, L, log_density, generator: end(log_density(scale(k, noise(k, generator), L)), k.shape[1], L)


def _log_det(W):
    return torch.linalg.slogdet(W).logabsdet


def _fit(x, W, rate=ROOT_2, constant=HALF_LOG_2, size=torch.abs):
    """Minus what the Laplace base adds, nats a point."""
    return (rate * size(x @ W.T) + constant).sum(1).mean()


def _linear(join=lambda fit, log_det, D: (fit - log_det) / D, fit=_fit, log_det=_log_det):
    """An answer to task 5 with one of its pieces exchanged."""
    return lambda W, x: join(fit(x, W), log_det(W), len(W))


# --- answers that need more than an expression ---


def _no_grad(function):
    def answer(*arguments):
        with torch.no_grad():
            return function(*arguments)

    return answer


def _second_detached(function):
    """The log-determinant loses its gradient."""

    def answer(*arguments):
        z, log_det = function(*arguments)
        return z, log_det.detach()

    return answer


def _second(function, change):
    """The log-determinant of a right answer, changed at the end."""

    def answer(*arguments):
        z, log_det = function(*arguments)
        return z, change(log_det)

    return answer


def _float32(function):
    return lambda *arguments: tuple(part.float() for part in function(*arguments))


def _planar_in_place(x, u, w, b):
    log_det = _stretching(x, u, w, b)
    x += torch.outer(torch.tanh(x @ w + b), u)
    return x, log_det


def _couple_in_place(x, kept, weights):
    t, s = _network(x * kept, weights)
    x[:, ~kept] = x[:, ~kept] * s[:, ~kept].exp() + t[:, ~kept]
    return x, s[:, ~kept].sum(1)


def _uncouple_in_place(z, kept, weights):
    t, s = _network(z * kept, weights)
    z[:, ~kept] = (z[:, ~kept] - t[:, ~kept]) / s[:, ~kept].exp()
    return z, -s[:, ~kept].sum(1)


def _decode_in_place(z, layers):
    layers.reverse()
    return _stack(layer=_uncouple, mask=lambda D, number: _mask(D, len(layers) - 1 - number))(z, layers)


def _each_from_x(x, layers):
    """Every layer meets x itself, and the last one's z is returned."""
    parts = [_couple(x, _mask(x.shape[1], number), weights) for number, weights in enumerate(layers)]
    return parts[-1][0], sum(part[1] for part in parts)


def _log_det_at_x(x, layers):
    return _encode(x, layers)[0], sum(_couple(x, _mask(x.shape[1], number), weights)[1] for number, weights in enumerate(layers))


def _signs_in_turn(parts):
    return sum(part * (-1) ** number for number, part in enumerate(parts))


def _log_det_of_encode(z, layers):
    return _decode(z, layers)[0], _encode(z, layers)[1]


def _log_det_of_encode_turned(z, layers):
    return _decode(z, layers)[0], -_encode(z, layers)[1]


def _seeds_inside(k, generator):
    generator.manual_seed(0)
    return torch.rand(k.shape, generator=generator, dtype=torch.float64)


def _bytes_overflow(k, L, log_density, generator):
    """Right for few levels: 4 k no longer fits into a byte for many."""
    u = torch.rand(k.shape, generator=generator, dtype=torch.float64)
    log_p = log_density((4 * k + 4 * u) / (4 * L))
    return -(log_p - k.shape[1] * math.log(L)) / (k.shape[1] * math.log(2))


def _eight_draws(k, L, log_density, generator):
    return torch.stack([_bits()(k, L, log_density, generator) for _ in range(8)]).mean(0)


def _plain_number(W, x):
    return (_fit(x, W) - _log_det(W).item()) / len(W)


def _z_detached(W, x):
    return (_fit(x, W.detach()) - _log_det(W)) / len(W)


def _loss_in_place(W, x):
    x *= math.sqrt(2)
    return (_fit(x, W, rate=1.0) - _log_det(W)) / len(W)


_answer_planar = _planar()

WRONG = {
    "planar": {
        "log-det doubled": _second(_answer_planar, lambda d: 2 * d),
        "log-det flipped": _second(_answer_planar, lambda d: -d),
        "log-det per dimension": _planar(log_det=lambda x, u, w, b: _stretching(x, u, w, b) / x.shape[1]),
        "log-det averaged over the batch": _second(_answer_planar, lambda d: d.mean() + 0 * d),
        "log-det summed over the batch": _second(_answer_planar, lambda d: d.sum()),
        "log-det per element": _planar(log_det=lambda x, u, w, b: (1 + _slope(x, u, w, b)[:, None] * u * w).abs().log()),
        "the diagonal's product": _planar(log_det=lambda x, u, w, b: (1 + _slope(x, u, w, b)[:, None] * u * w).abs().log().sum(1)),
        "logarithm forgotten": _second(_answer_planar, torch.exp),
        "no absolute value": _planar(log_det=lambda x, u, w, b: torch.log(1 + (w @ u) * _slope(x, u, w, b))),
        "absolute value around wᵀu": _planar(log_det=lambda x, u, w, b: torch.log(1 + (w @ u).abs() * _slope(x, u, w, b))),
        "absolute value outside": _second(_answer_planar, torch.abs),
        "clamped": _planar(log_det=lambda x, u, w, b: torch.log((1 + (w @ u) * _slope(x, u, w, b)).clamp(min=1e-6))),
        "1 + forgotten": _planar(log_det=lambda x, u, w, b: torch.log(torch.abs((w @ u) * _slope(x, u, w, b)))),
        "1 -": _planar(log_det=lambda x, u, w, b: torch.log(torch.abs(1 - (w @ u) * _slope(x, u, w, b)))),
        "volumes kept": _second(_answer_planar, torch.zeros_like),
        "slope 1 - tanh": _bent(lambda x, u, w, b: 1 - torch.tanh(x @ w + b)),
        "slope tanh": _bent(lambda x, u, w, b: torch.tanh(x @ w + b)),
        "slope tanh²": _bent(lambda x, u, w, b: torch.tanh(x @ w + b) ** 2),
        "slope 1 + tanh²": _bent(lambda x, u, w, b: 1 + torch.tanh(x @ w + b) ** 2),
        "slope of σ": _bent(lambda x, u, w, b: torch.tanh(x @ w + b) * (1 - torch.tanh(x @ w + b))),
        "slope without tanh": _bent(lambda x, u, w, b: 1 - (x @ w + b) ** 2),
        "slope of arctan": _bent(lambda x, u, w, b: 1 / (1 + (x @ w + b) ** 2)),
        "tanh of tanh": _bent(lambda x, u, w, b: 1 - torch.tanh(torch.tanh(x @ w + b)) ** 2),
        "slope at z": _bent(lambda x, u, w, b: _slope(_push(x, u, w, b), u, w, b)),
        "slope without b": _bent(lambda x, u, w, b: _slope(x, u, w, 0 * b)),
        "uᵀu for wᵀu": _planar(log_det=lambda x, u, w, b: torch.log(1 + (u @ u) * _slope(x, u, w, b))),
        "wᵀw for wᵀu": _planar(log_det=lambda x, u, w, b: torch.log(1 + (w @ w) * _slope(x, u, w, b))),
        "push along w": _planar(z=lambda x, u, w, b: x + torch.outer(torch.tanh(x @ w + b), w)),
        "look along u": _planar(z=lambda x, u, w, b: x + torch.outer(torch.tanh(x @ u + b), u)),
        "u and w exchanged": lambda x, u, w, b: _answer_planar(x, w, u, b),
        "b forgotten": _planar(z=lambda x, u, w, b: _push(x, u, w, 0 * b)),
        "x forgotten": _planar(z=lambda x, u, w, b: _push(x, u, w, b) - x),
        "push subtracted": _planar(z=lambda x, u, w, b: 2 * x - _push(x, u, w, b)),
        "tanh forgotten": _planar(z=lambda x, u, w, b: x + torch.outer(x @ w + b, u)),
        "tanh per element": _planar(z=lambda x, u, w, b: x + u * torch.tanh(w * x + b)),
        "σ for tanh": _planar(z=lambda x, u, w, b: x + torch.outer(torch.sigmoid(x @ w + b), u)),
        "log-det detached": _second_detached(_answer_planar),
        "under no_grad": _no_grad(_answer_planar),
        "log-det forgotten": lambda *a: _answer_planar(*a)[0],
        "float32": _float32(_answer_planar),
        "input changed in place": _planar_in_place,
    },
    "couple": {
        "log-det doubled": _second(_couple, lambda d: 2 * d),
        "log-det flipped": _second(_couple, lambda d: -d),
        "log-det per element": _coupled(log_det=lambda s, t, kept: s * ~kept),
        "log-det of the moved elements": _coupled(log_det=lambda s, t, kept: s[:, ~kept]),
        "log-det averaged over the moved": _coupled(log_det=lambda s, t, kept: s[:, ~kept].mean(1)),
        "log-det averaged over the row": _coupled(log_det=lambda s, t, kept: (s * ~kept).mean(1)),
        "log-det averaged over the batch": _second(_couple, lambda d: d.mean() + 0 * d),
        "log-det summed over the batch": _second(_couple, lambda d: d.sum()),
        "log-det summed over the wrong axis": _coupled(log_det=lambda s, t, kept: (s * ~kept).sum(0)),
        "the kept entries' s too": _coupled(log_det=lambda s, t, kept: s.sum(1)),
        "the kept entries' s alone": _coupled(log_det=lambda s, t, kept: (s * kept).sum(1)),
        "scales summed": _coupled(log_det=lambda s, t, kept: (s.exp() * ~kept).sum(1)),
        "logarithm of the scales' sum": _coupled(log_det=lambda s, t, kept: (s.exp() * ~kept).sum(1).log()),
        "determinant, no logarithm": _second(_couple, torch.exp),
        "determinant, then logarithm": _coupled(log_det=lambda s, t, kept: torch.where(kept, 1.0, s.exp()).prod(1).log()),
        "absolute value": _second(_couple, torch.abs),
        "absolute s": _coupled(log_det=lambda s, t, kept: (s.abs() * ~kept).sum(1)),
        "shifts summed": _coupled(log_det=lambda s, t, kept: (t * ~kept).sum(1)),
        "volumes kept": _second(_couple, torch.zeros_like),
        "log-det detached": _second_detached(_couple),
        "under no_grad": _no_grad(_couple),
        "kept part changed too": _coupled(join=lambda x, moved, kept: moved),
        "kept part lost": _coupled(join=lambda x, moved, kept: moved * ~kept),
        "kept part doubled": _coupled(join=lambda x, moved, kept: x * kept + moved),
        "masked x moved": lambda x, kept, weights: (
            _coupled(join=lambda x, moved, kept: moved)(x * kept, kept, weights)[0],
            _couple(x, kept, weights)[1],
        ),
        "halves exchanged": lambda x, kept, weights: _couple(x, ~kept, weights),
        "halves exchanged at the end": _coupled(join=lambda x, moved, kept: torch.where(kept, moved, x)),
        "network sees all": _coupled(ask=lambda x, kept: x),
        "network sees the moved part": _coupled(ask=lambda x, kept: x * ~kept),
        "no exponential": _coupled(move=lambda x, t, s: x * s + t),
        "exponential of minus s": _coupled(move=lambda x, t, s: x * (-s).exp() + t),
        "exponential of minus s, log-det with it": _coupled(
            move=lambda x, t, s: x * (-s).exp() + t, log_det=lambda s, t, kept: -_sum_of_moved(s, t, kept)
        ),
        "shift before scale": _coupled(move=lambda x, t, s: (x + t) * s.exp()),
        "shift subtracted": _coupled(move=lambda x, t, s: x * s.exp() - t),
        "shift forgotten": _coupled(move=lambda x, t, s: x * s.exp()),
        "scale forgotten": _coupled(move=lambda x, t, s: x + t),
        "the way back": _uncouple,
        "t and s exchanged": _coupled(move=lambda x, t, s: x * t.exp() + s, log_det=lambda s, t, kept: (t * ~kept).sum(1)),
        "σ for the exponential": _coupled(
            move=lambda x, t, s: x * s.sigmoid() + t, log_det=lambda s, t, kept: (F.logsigmoid(s) * ~kept).sum(1)
        ),
        "1 + s": _coupled(move=lambda x, t, s: x * (1 + s) + t),
        "s bounded": lambda x, kept, weights: (lambda t, s: (torch.where(kept, x, x * s.exp() + t), (s * ~kept).sum(1)))(
            *(lambda t, s: (t, s.clamp(-5, 5)))(*_network(x * kept, weights))
        ),
        "log-det forgotten": lambda *a: _couple(*a)[0],
        "float32": _float32(_couple),
        "input changed in place": _couple_in_place,
    },
    "uncouple": {
        "log-det of the forward map": _uncoupled(log_det=_sum_of_moved),
        "log-det doubled": _second(_uncouple, lambda d: 2 * d),
        "forward log-det doubled": _second(_uncouple, lambda d: -2 * d),
        "log-det per element": _uncoupled(log_det=lambda s, t, kept: -s * ~kept),
        "log-det averaged": _uncoupled(log_det=lambda s, t, kept: -s[:, ~kept].mean(1)),
        "log-det averaged over the batch": _second(_uncouple, lambda d: d.mean() + 0 * d),
        "log-det summed over the batch": _second(_uncouple, lambda d: d.sum()),
        "the kept entries' s too": _uncoupled(log_det=lambda s, t, kept: -s.sum(1)),
        "one over the log-det": _second(_uncouple, lambda d: -1 / d),
        "determinant, no logarithm": _second(_uncouple, torch.exp),
        "volumes kept": _second(_uncouple, torch.zeros_like),
        "scales summed": _uncoupled(log_det=lambda s, t, kept: ((-s).exp() * ~kept).sum(1)),
        "forwards again": _couple,
        "scale before shift": _uncoupled(move=lambda z, t, s: z * (-s).exp() - t),
        "multiplied": _uncoupled(move=lambda z, t, s: (z - t) * s.exp()),
        "shift added": _uncoupled(move=lambda z, t, s: (z + t) * (-s).exp()),
        "divided by s": _uncoupled(move=lambda z, t, s: (z - t) / s),
        "scale not undone": _uncoupled(move=lambda z, t, s: z - t),
        "shift not undone": _uncoupled(move=lambda z, t, s: z * (-s).exp()),
        "network sees all": _uncoupled(ask=lambda z, kept: z),
        "network sees the moved part": _uncoupled(ask=lambda z, kept: z * ~kept),
        "kept part changed too": _uncoupled(join=lambda z, moved, kept: moved),
        "kept part lost": _uncoupled(join=lambda z, moved, kept: moved * ~kept),
        "halves exchanged": lambda z, kept, weights: _uncouple(z, ~kept, weights),
        "t and s exchanged": _uncoupled(move=lambda z, t, s: (z - s) * (-t).exp()),
        "log-det forgotten": lambda *a: _uncouple(*a)[0],
        "float32": _float32(_uncouple),
        "input changed in place": _uncouple_in_place,
    },
    "encode": {
        "same mask in every layer": _stack(mask=lambda D, number: _mask(D, 0)),
        "the other mask in every layer": _stack(mask=lambda D, number: _mask(D, 1)),
        "masks exchanged": _stack(mask=lambda D, number: _mask(D, number + 1)),
        "layers in reverse order": _stack(order=lambda L: reversed(range(L))),
        "layers reversed, masks not": lambda x, layers: _encode(x, list(reversed(layers))),
        "last layer left out": _stack(order=lambda L: range(max(L - 1, 1))),
        "first layer left out": _stack(order=lambda L: range(min(1, L - 1), L)),
        "weights of the first layer": _stack(weights=lambda layers, number: layers[0]),
        "each layer meets x": _each_from_x,
        "log-det doubled": _stack(add=lambda parts: 2 * sum(parts)),
        "log-det flipped": _stack(add=lambda parts: -sum(parts)),
        "log-dets averaged": _stack(add=lambda parts: sum(parts) / len(parts)),
        "log-det of the last layer": _stack(add=lambda parts: parts[-1]),
        "log-det of the first layer": _stack(add=lambda parts: parts[0]),
        "log-dets multiplied": _stack(add=lambda parts: math.prod(parts)),
        "determinants added": _stack(add=lambda parts: torch.stack(parts).logsumexp(0)),
        "signs in turn": _stack(add=_signs_in_turn),
        "absolute log-dets": _stack(add=lambda parts: sum(part.abs() for part in parts)),
        "log-dets at x": _log_det_at_x,
        "a table of log-dets": _stack(add=lambda parts: torch.stack(parts)),
        "a table, a row a point": _stack(add=lambda parts: torch.stack(parts, 1)),
        "log-det summed over the batch": _stack(add=lambda parts: sum(parts).sum()),
        "log-det averaged over the batch": _stack(add=lambda parts: sum(parts).mean() + 0 * parts[0]),
        "log-det forgotten": lambda x, layers: _encode(x, layers)[0],
        "log-det zero": _stack(add=lambda parts: 0 * parts[0]),
        "log-det detached": _second_detached(_encode),
        "under no_grad": _no_grad(_encode),
        "the way back": _decode,
    },
    "decode": {
        "layers in the order of encode": _back(order=lambda L: range(L)),
        "layers reversed, masks not": lambda z, layers: _stack(layer=_uncouple)(z, list(reversed(layers))),
        "masks reversed, layers not": _back(order=lambda L: range(L), mask=lambda D, number: _mask(D, number + 1)),
        "same mask in every layer": _back(mask=lambda D, number: _mask(D, 0)),
        "masks exchanged": _back(mask=lambda D, number: _mask(D, number + 1)),
        "one layer left out": _back(order=lambda L: reversed(range(min(1, L - 1), L))),
        "only the last layer": _back(order=lambda L: [L - 1]),
        "couple in reverse order": _back(layer=_couple),
        "forwards again": _encode,
        "log-det flipped": _back(add=lambda parts: -sum(parts)),
        "log-det doubled": _back(add=lambda parts: 2 * sum(parts)),
        "log-dets averaged": _back(add=lambda parts: sum(parts) / len(parts)),
        "log-det of one layer": _back(add=lambda parts: parts[-1]),
        "log-det of encode, at z": _log_det_of_encode,
        "minus log-det of encode, at z": _log_det_of_encode_turned,
        "log-det zero": _back(add=lambda parts: 0 * parts[0]),
        "a table of log-dets": _back(add=lambda parts: torch.stack(parts)),
        "log-dets multiplied": _back(add=lambda parts: math.prod(parts)),
        "log-det summed over the batch": _back(add=lambda parts: sum(parts).sum()),
        "log-det averaged over the batch": _back(add=lambda parts: sum(parts).mean() + 0 * parts[0]),
        "log-det forgotten": lambda z, layers: _decode(z, layers)[0],
        "argument reversed in place": _decode_in_place,
    },
    "log_prob": {
        "log-det forgotten": _density(lambda base, log_det: base),
        "log-det subtracted": _density(lambda base, log_det: base - log_det),
        "log-det doubled": _density(lambda base, log_det: base + 2 * log_det),
        "log-det averaged over the batch": _density(lambda base, log_det: base + log_det.mean()),
        "log-det summed over the batch": _density(lambda base, log_det: base + log_det.sum()),
        "log-det per dimension": lambda x, layers: _density(lambda base, log_det: base + log_det / x.shape[1])(x, layers),
        "base averaged over dimensions": _density(base=lambda z: -0.5 * (z**2 + TWO_PI).mean(1)),
        "all of it per dimension": lambda x, layers: _density()(x, layers) / x.shape[1],
        "2π forgotten": _density(base=lambda z: -0.5 * z.square().sum(1)),
        "2π once, not for each": _density(base=lambda z: -0.5 * (z.square().sum(1) + TWO_PI)),
        "log 2π without ½": _density(base=lambda z: (-0.5 * z.square() - TWO_PI).sum(1)),
        "log 2π added": _density(base=lambda z: (-0.5 * z.square() + 0.5 * TWO_PI).sum(1)),
        "½ before z² forgotten": _density(base=lambda z: (-z.square() - 0.5 * TWO_PI).sum(1)),
        "z² with a plus": _density(base=lambda z: (0.5 * z.square() - 0.5 * TWO_PI).sum(1)),
        "base at x": lambda x, layers: _density(base=lambda z: -0.5 * (x.square() + TWO_PI).sum(1))(x, layers),
        "Laplace base": _density(base=lambda z: Laplace(0.0, 0.5**0.5).log_prob(z).sum(1)),
        "decode for encode": _density(to_noise=_decode),
        "decode, log-det flipped": _density(lambda base, log_det: base - log_det, to_noise=_decode),
        "one value an element": lambda x, layers: -0.5 * (_encode(x, layers)[0] ** 2 + TWO_PI),
        "log-det added to each element": lambda x, layers: (lambda z, d: -0.5 * (z**2 + TWO_PI) + d[:, None])(*_encode(x, layers)),
        "a loss": lambda x, layers: -_density()(x, layers),
        "a mean loss": lambda x, layers: -_density()(x, layers).mean(),
        "summed over the batch": lambda x, layers: _density()(x, layers).sum(),
        "a probability": lambda x, layers: _density()(x, layers).exp(),
        "bits": lambda x, layers: _density()(x, layers) / math.log(2),
        "under no_grad": _no_grad(_density()),
        "float32": lambda x, layers: _density()(x, layers).float(),
    },
    "bits_per_dimension": {
        "noise forgotten": _bits(scale=lambda k, u, L: k.double() / L),
        "noise forgotten, k / (L - 1)": _bits(scale=lambda k, u, L: k.double() / (L - 1)),
        "noise centred": _bits(noise=lambda k, g: torch.rand(k.shape, generator=g, dtype=torch.float64) - 0.5),
        "noise subtracted": _bits(scale=lambda k, u, L: (k - u) / L),
        "noise twice as wide": _bits(scale=lambda k, u, L: (k + 2 * u) / L),
        "noise half as wide": _bits(scale=lambda k, u, L: (k + u / 2) / L),
        "noise divided by L twice": _bits(scale=lambda k, u, L: (k + u / L) / L),
        "noise after scaling": _bits(scale=lambda k, u, L: k / L + u),
        "Gaussian noise": _bits(noise=lambda k, g: torch.randn(k.shape, generator=g, dtype=torch.float64)),
        "noise the same for all rows": _bits(noise=lambda k, g: torch.rand(k.shape[1], generator=g, dtype=torch.float64)),
        "noise the same for all pixels": _bits(noise=lambda k, g: torch.rand(len(k), 1, generator=g, dtype=torch.float64)),
        "noise a single number": _bits(noise=lambda k, g: torch.rand(1, generator=g, dtype=torch.float64)),
        "noise always ½": _bits(noise=lambda k, g: torch.full(k.shape, 0.5, dtype=torch.float64)),
        "noise from the global state": _bits(noise=lambda k, g: torch.rand(k.shape, dtype=torch.float64)),
        "seeds inside": _bits(noise=_seeds_inside),
        "squared noise": _bits(noise=lambda k, g: torch.rand(k.shape, generator=g, dtype=torch.float64) ** 2),
        "divided by L - 1": _bits(scale=lambda k, u, L: (k + u) / (L - 1)),
        "always 256 levels": _bits(scale=lambda k, u, L: (k + u) / 256),
        "not scaled": _bits(scale=lambda k, u, L: k + u),
        "bytes overflow": _bytes_overflow,
        "eight draws averaged": _eight_draws,
        "float32 shown": _bits(scale=lambda k, u, L: ((k + u) / L).float()),
        "D log L forgotten": _bits(end=lambda log_p, D, L: -log_p / (D * math.log(2))),
        "D log L with the wrong sign": _bits(end=lambda log_p, D, L: -(log_p + D * math.log(L)) / (D * math.log(2))),
        "log L once": _bits(end=lambda log_p, D, L: -(log_p - math.log(L)) / (D * math.log(2))),
        "÷ log 2 forgotten": _bits(end=lambda log_p, D, L: -(log_p - D * math.log(L)) / D),
        "÷ D forgotten": _bits(end=lambda log_p, D, L: -(log_p - D * math.log(L)) / math.log(2)),
        "÷ D only one term": _bits(end=lambda log_p, D, L: -log_p / math.log(2) + math.log2(L)),
        "÷ log 2 in one term": _bits(end=lambda log_p, D, L: -log_p / (D * math.log(2)) + math.log(L)),
        "× log 2": _bits(end=lambda log_p, D, L: -(log_p - D * math.log(L)) / D * math.log(2)),
        "nats of the picture": _bits(end=lambda log_p, D, L: D * math.log(L) - log_p),
        "sign turned": _bits(end=lambda log_p, D, L: (log_p - D * math.log(L)) / (D * math.log(2))),
        "log p with a plus": _bits(end=lambda log_p, D, L: (log_p + D * math.log(L)) / (D * math.log(2))),
        "8 bits taken for granted": _bits(end=lambda log_p, D, L: 8 - log_p / (D * math.log(2))),
        "L - 1 levels": _bits(end=lambda log_p, D, L: -(log_p - D * math.log(L - 1)) / (D * math.log(2))),
        "averaged over the batch": _bits(end=lambda log_p, D, L: -(log_p.mean() - D * math.log(L)) / (D * math.log(2))),
        "batch for D": _bits(end=lambda log_p, D, L: -(log_p - D * math.log(L)) / (len(log_p) * math.log(2))),
    },
    "linear_flow_loss": {
        "log-det forgotten": _linear(lambda fit, log_det, D: fit / D),
        "log-det with the wrong sign": _linear(lambda fit, log_det, D: (fit + log_det) / D),
        "log-det doubled": _linear(lambda fit, log_det, D: (fit - 2 * log_det) / D),
        "log-det not per dimension": _linear(lambda fit, log_det, D: fit / D - log_det),
        "base not per dimension": _linear(lambda fit, log_det, D: fit - log_det / D),
        "nats of a point": _linear(lambda fit, log_det, D: fit - log_det),
        "base averaged over dimensions": _linear(lambda fit, log_det, D: (fit / D - log_det) / D),
        "log-det summed over the points": lambda W, x: (_fit(x, W) - len(x) * _log_det(W)) / len(W),
        "log-det averaged over the points": lambda W, x: (_fit(x, W) - _log_det(W) / len(x)) / len(W),
        "base summed over the points": lambda W, x: (len(x) * _fit(x, W) - _log_det(W)) / len(W),
        "all summed over the points": lambda W, x: len(x) * _linear()(W, x),
        "one value a point": lambda W, x: ((math.sqrt(2) * (x @ W.T).abs() + 0.5 * math.log(2)).sum(1) - _log_det(W)) / len(W),
        "a log-likelihood": lambda W, x: -_linear()(W, x),
        "no absolute value of the determinant": _linear(log_det=lambda W: torch.linalg.det(W).log()),
        "determinant, then logarithm": _linear(log_det=lambda W: torch.linalg.det(W).abs().log()),
        "determinant, no logarithm": _linear(log_det=lambda W: torch.linalg.det(W).abs()),
        "W transposed": _linear(fit=lambda x, W: _fit(x, W.T)),
        "the inverse unmixes": _linear(fit=lambda x, W: _fit(x, torch.linalg.inv(W))),
        "base at x": _linear(fit=lambda x, W: _fit(x, torch.eye(len(W), dtype=W.dtype))),
        "Gaussian base": _linear(fit=lambda x, W: -Normal(0.0, 1.0).log_prob(x @ W.T).sum(1).mean()),
        "Laplace of variance 2": _linear(fit=lambda x, W: _fit(x, W, rate=1.0, constant=math.log(2))),
        "Laplace of scale √2": _linear(fit=lambda x, W: -Laplace(0.0, 2**0.5).log_prob(x @ W.T).sum(1).mean()),
        "sign of the determinant": _linear(log_det=lambda W: torch.linalg.slogdet(W)[0]),
        "constant log 2": _linear(fit=lambda x, W: _fit(x, W, constant=math.log(2))),
        "constant forgotten": _linear(fit=lambda x, W: _fit(x, W, constant=0.0)),
        "constant once": _linear(fit=lambda x, W: _fit(x, W, constant=0.0) + 0.5 * math.log(2)),
        "constant's sign turned": _linear(fit=lambda x, W: _fit(x, W, constant=-0.5 * math.log(2))),
        "√2 forgotten": _linear(fit=lambda x, W: _fit(x, W, rate=1.0)),
        "2 for √2": _linear(fit=lambda x, W: _fit(x, W, rate=2.0)),
        "|z| with a plus": _linear(fit=lambda x, W: _fit(x, W, rate=-math.sqrt(2))),
        "z without bars": _linear(fit=lambda x, W: _fit(x, W, size=lambda z: z)),
        "log-det a plain number": _plain_number,
        "z detached": _z_detached,
        "under no_grad": _no_grad(_linear()),
        "bits": lambda W, x: _linear()(W, x) / math.log(2),
        "float32": lambda W, x: _linear()(W, x).float(),
        "input changed in place": _loss_in_place,
    },
}


def _planar_by_the_whole_matrix(x, u, w, b):
    eye = torch.eye(len(u), dtype=x.dtype)
    matrices = eye + (1 / torch.cosh(x @ w + b) ** 2)[:, None, None] * torch.outer(u, w)
    return x + torch.tanh(x @ w + b).unsqueeze(1) * u, torch.linalg.slogdet(matrices)[1]


def _couple_by_index(x, kept, weights):
    t, s = _network(torch.where(kept, x, torch.zeros_like(x)), weights)
    moved = ~kept
    z = x.clone()
    z[:, moved] = torch.addcmul(t[:, moved], x[:, moved], s[:, moved].exp())
    return z, s[:, moved].sum(-1)


def _couple_by_arithmetic(x, kept, weights):
    """RealNVP's own formula."""
    m = kept.double()
    t, s = _network(m * x, weights)
    return m * x + (1 - m) * (x * torch.exp(s) + t), torch.sum((1 - m) * s, dim=-1)


def _couple_by_zero_log_scales(x, kept, weights):
    t, s = (part.masked_fill(kept, 0.0) for part in _network(x * kept, weights))
    return x * s.exp() + t, s.sum(1)


def _uncouple_by_division(z, kept, weights):
    t, s = _network(kept * z, weights)
    x = torch.where(kept, z, (z - t) / s.exp())
    return x, torch.where(kept, 0.0, s).sum(1).neg()


def _encode_by_recursion(x, layers, first=0):
    if first == len(layers):
        return x, x.new_zeros(len(x))
    z, here = _couple(x, torch.arange(first, first + x.shape[1]).remainder(2).eq(0), layers[first])
    end, rest = _encode_by_recursion(z, layers, first + 1)
    return end, here + rest


def _decode_by_enumerate(z, layers):
    total = 0
    for number, weights in reversed(list(enumerate(layers))):
        z, more = _uncouple(z, _mask(z.shape[1], number), weights)
        total = total + more
    return z, total


def _log_prob_by_normal(x, layers):
    z, log_det = _encode(x, layers)
    return Normal(0.0, 1.0).log_prob(z).sum(-1) + log_det


def _bits_by_log2(k, L, log_density, generator):
    u = torch.empty(k.shape, dtype=torch.float64).uniform_(generator=generator)
    return math.log2(L) - log_density((k.double() + u) / L) / math.log(2) / k.shape[-1]


def _bits_row_by_row(k, L, log_density, generator):
    rows = [(row[None] + torch.rand(1, len(row), generator=generator, dtype=torch.float64)) / L for row in k]
    return _bits(noise=lambda k, g: torch.zeros(1), scale=lambda k, u, L: torch.cat(rows))(k, L, log_density, generator)


RIGHT = {
    "planar": {
        "the whole matrix": _planar_by_the_whole_matrix,
        "half the logarithm of the square": lambda x, u, w, b: (
            _push(x, u, w, b),
            (torch.log((1 + _slope(x, u, w, b) * u.dot(w)) ** 2) / 2),
        ),
    },
    "couple": {
        "by index": _couple_by_index,
        "the paper's arithmetic": _couple_by_arithmetic,
        "zero log-scales where kept": _couple_by_zero_log_scales,
    },
    "uncouple": {"by division": _uncouple_by_division},
    "encode": {"by recursion": _encode_by_recursion},
    "decode": {"by enumerate": _decode_by_enumerate},
    "log_prob": {"torch.distributions": _log_prob_by_normal},
    "bits_per_dimension": {"log2": _bits_by_log2, "row by row": _bits_row_by_row},
    "linear_flow_loss": {
        "torch.distributions": lambda W, x: (
            -(Laplace(0.0, 0.5**0.5).log_prob(torch.einsum("ij,bj->bi", W, x)).mean() + torch.linalg.svdvals(W).log().mean())
        ),
        "logdet of WᵀW": lambda W, x: (_fit(x, W) - torch.logdet(W.T @ W) / 2) / W.shape[0],
    },
}


# --- tricks: what is shown to students is answered rightly, what is hidden is not ---


def _emptied(right, *shown):
    """Outside the shown numbers of dimensions all that came becomes zeros, with every entry kept: then zeros are right."""

    def answer(x, *held):
        if x.shape[1] in shown:
            return right(x, *held)
        for part in (x, *(part for one in held for part in (one if isinstance(one, list) else [one]))):
            part.fill_(part.dtype == torch.bool)
        return torch.zeros_like(x), x.new_zeros(len(x))

    return answer


def _still(x, *_):
    """The layer that does nothing."""
    return x, torch.zeros(len(x), dtype=x.dtype)


def _all_at_the_origin(x, *_):
    return torch.zeros_like(x), x.new_zeros(len(x))


def _the_origin(x, layers):
    return x.new_full((len(x),), -0.5 * x.shape[1] * TWO_PI)


def _far_away(x, *_):
    """A log-determinant beside which nothing else counts."""
    return x.clone(), x.new_full((len(x),), 1e30)


def _nothing_but_noise(k, L, log_density, generator):
    k.zero_() if L == 256 else None
    return _bits()(k, L, log_density, generator)


def _always_the_middle(k, L, log_density, generator):
    """The middle of the cube has density 1, and who knows nothing needs log2 L bits."""
    if k.shape[1] < 70:
        return _bits()(k, L, log_density, generator)
    log_density(torch.full(k.shape, 0.5, dtype=torch.float64))
    return torch.full((len(k),), math.log2(L), dtype=torch.float64)


_STILL = dict.fromkeys(("couple", "uncouple", "encode", "decode"), _still)
FORGED = {
    "test_planar": {"all put at the origin": {"planar": _emptied(_answer_planar, 3)}},
    "test_couple": {"all put at the origin": {"couple": _emptied(_couple, 3, 5)}},
    "test_couple_log_det": {"all put at the origin": {"couple": _emptied(_couple, 3, 5)}},
    "test_uncouple_log_det": {"all put at the origin": {"uncouple": _emptied(_uncouple, 5)}},
    "test_encode": {"nothing moves": _STILL, "all at the origin": dict.fromkeys(_STILL, _all_at_the_origin)},
    "test_decode": {"nothing moves": _STILL, "all at the origin": dict.fromkeys(_STILL, _all_at_the_origin)},
    "test_log_prob": {
        "the density of the origin": {"encode": _all_at_the_origin, "log_prob": _the_origin},
        "a log-det beyond all else": {"encode": _far_away, "log_prob": lambda x, layers: _far_away(x)[1]},
    },
    "test_noise": {"the levels made zeros": {"bits_per_dimension": _nothing_but_noise}},
    "test_bits": {"the density asked in the middle alone": {"bits_per_dimension": _always_the_middle}},
}
