"""Answers to problem set 7: wrong ones that a student may well write, and right ones that look different from the solution.

``WRONG[function][mistake]`` stands in for the student's function: it must lose marks, and a check must name the mistake.
``RIGHT[function][manner]`` must keep every mark.
``FORGED[test][trick]``, functions handed in together, knows no answer and must not pass that test.
"""

import math

import torch
import torch.nn.functional as F

_BIT = math.log(2)  # nats

# --- answers with one piece exchanged ---


def _levels(sign=torch.sign, mu=255, plus=1.0, whole=None, top=255.0, place=None, round_=torch.round):
    """An answer to task 1: its own sign, μ, number inside the logarithm, denominator, highest level and rounding."""
    whole = math.log(1 + mu) if whole is None else whole
    place = place or (lambda y: (y + 1) / 2 * top)
    return lambda x: round_(place(sign(x) * torch.log(plus + mu * x.abs()) / whole)).long()


def _samples(sign=torch.sign, base=256.0, minus=1.0, mu=255, place=lambda c: 2 * c / 255 - 1):
    """An answer to task 1, the way back."""

    def answer(codes):
        y = place(codes.double())
        return sign(y) * (base ** y.abs() - minus) / mu

    return answer


def _taps(order=lambda weight: weight, pad=lambda reach, d: (reach, 0), dilation=lambda d: d, mode="constant", cut=lambda y, T: y):
    """An answer to task 2 with its own order of taps, padding (left, right), dilation and end."""

    def answer(x, weight, dilation_):
        d = dilation(dilation_)
        left, right = pad((weight.shape[2] - 1) * d, d)
        padded = F.pad(x[None], (left, right), mode=mode)
        return cut(F.conv1d(padded, order(weight), dilation=d)[0], x.shape[1])

    return answer


def _gate(f=torch.tanh, g=torch.sigmoid, halves=lambda y: y.chunk(2), on=None, out=None, join=torch.mul):
    """An answer to task 3 with its own filter, gate, halves, way on (h, z, R) and way out (h', z, S)."""
    on, out = on or (lambda h, z, R: h + R @ z), out or (lambda after, z, S: S @ z)

    def answer(h, y, R, S):
        upper, lower = halves(y)
        z = join(f(upper), g(lower))
        after = on(h, z, R)
        return after, out(after, z, S)

    return answer


def _bits(pair=lambda logits, codes: (logits[:, :-1], codes[1:]), join=torch.mean, unit=_BIT, log_p=lambda a: a.log_softmax(0)):
    """An answer to task 4 with its own columns and levels, mean, unit and log-probabilities."""

    def answer(logits, codes):
        columns, later = pair(logits, codes)
        return join(-log_p(columns)[later, torch.arange(len(later))]) / unit

    return answer


def _dice(share=lambda logits, tau: (logits / tau).softmax(1), toss=None):
    """An answer to task 5 with its own probabilities and its own way to draw (p, generator)."""
    toss = toss or (lambda p, generator: torch.multinomial(p, 1, generator=generator)[:, 0])
    return lambda logits, temperature, generator: toss(share(logits, temperature), generator)


def _move(queue, h, left):
    """Drops the oldest input and puts that of now at the end."""
    return torch.cat([queue[:, 1:], h[:, None]], 1)


def _step(
    move=_move,
    old=lambda queue: queue[:, 0],
    taps=lambda W: (W[..., 0], W[..., 1]),
    total=sum,
    bend=torch.relu,
    end=lambda logits: logits,
    last=lambda net, h: net[2],
    goes_on=lambda h, after: after,
    begin=lambda net, code: net[0][code],
    share=False,
):
    """An answer to task 6 with its own queue (queue, h, what leaves the block), oldest input, taps, sum, bend and end."""

    def answer(code, queues, net):
        h, skips, moved = begin(net, code), [], []
        for number, (W, R, S) in enumerate(net[1]):
            queue = queues[0 if share else number]
            before, now = taps(W)
            f, g = (before @ old(queue) + now @ h).chunk(2)
            z = torch.tanh(f) * torch.sigmoid(g)
            after = h + R @ z
            skips.append(S @ z)
            moved.append(move(queues[number], h, after))
            h = goes_on(h, after)
        return end(last(net, h) @ bend(total(skips))), moved

    return answer


# --- answers that need more than an expression ---


def _encode_in_place(x):
    y = x.sign()
    x.abs_().mul_(255).log1p_().div_(math.log(256)).mul_(y)
    return ((x + 1) * 127.5).round().long()


def _by_loop(shift=0, back=1, flip=False):
    """Task 2 as its equation says; ``shift`` samples too far back, ``flip`` the taps."""

    def answer(x, weight, dilation):
        T, K = x.shape[1], weight.shape[2]
        y = 0
        for k in range(K):
            far = (K - 1 - k) * dilation * back + shift
            part = F.pad(x, (far, 0))[:, :T] if far >= 0 else F.pad(x, (0, -far))[:, -far:]
            y = y + weight[:, :, K - 1 - k if flip else k] @ part
        return y

    return answer


def _around(x, weight, dilation):
    K = weight.shape[2]
    return sum(weight[:, :, k] @ x.roll((K - 1 - k) * dilation, 1) for k in range(K))


def _held(x, weight, dilation):
    return F.conv1d(F.pad(x[None], (dilation * (weight.shape[2] - 1), 0), mode="replicate"), weight, dilation=dilation)[0]


def _in_place_convolution(x, weight, dilation):
    y = _by_loop()(x, weight, dilation)
    x += 1
    return y


def _h_in_place(h, y, R, S):
    f, g = y.chunk(2)
    z = f.tanh() * g.sigmoid()
    with torch.no_grad():
        h += R @ z
    return h, S @ z


def _queues_in_place(code, queues, net):
    after = _step()(code, queues, net)
    for queue, moved in zip(queues, after[1], strict=True):
        queue.copy_(moved)
    return after


def _push_first(code, queues, net):
    """The input of now goes in before the old one is taken out: the tap lies d - 1 back."""
    h, total, moved = net[0][code], 0, []
    for queue, (W, R, S) in zip(queues, net[1], strict=True):
        queue = torch.cat([queue[:, 1:], h[:, None]], 1)
        f, g = (W[..., 0] @ queue[:, 0] + W[..., 1] @ h).chunk(2)
        z = f.tanh() * g.sigmoid()
        h, total = h + R @ z, total + S @ z
        moved.append(queue)
    return net[2] @ total.relu(), moved


def _one_queue_for_all(code, queues, net):
    logits, moved = _step()(code, queues, net)
    entered = moved[0][:, -1]
    return logits, [torch.cat([queue[:, 1:], entered[:, None]], 1) for queue in queues]


def _seeded(logits, temperature, generator):
    return _dice()(logits, temperature, generator.manual_seed(0))


def _exponentials_overflow(logits, temperature, generator):
    steps = (logits / temperature).exp().cumsum(1)
    return (torch.rand(len(logits), 1, generator=generator) >= steps / steps[:, -1:]).sum(1)


def _detached(function):
    def answer(*arguments):
        with torch.no_grad():
            got = function(*arguments)
        return got

    return answer


WRONG = {
    "encode": {
        "sign lost": _levels(sign=lambda x: 1.0),
        "μ = 256": _levels(mu=256),
        "μ = 256, and as many steps": _levels(mu=256, top=256.0),
        "divided by ln μ": _levels(whole=math.log(255)),
        "1 + forgotten in the logarithm": lambda x: _levels(plus=0.0, whole=math.log(255))(torch.where(x == 0, 1e-9, x)),
        "1 + forgotten, infinity at 0": _levels(plus=0.0),
        "natural logarithm over log2": _levels(whole=math.log2(256)),
        "natural logarithm over log10": _levels(whole=math.log10(256)),
        "truncated": _levels(round_=torch.floor),
        "truncated by .long()": _levels(round_=lambda y: y),
        "rounded up": _levels(round_=torch.ceil),
        "a half counts downwards": _levels(round_=lambda y: (y - 0.5).ceil()),
        "256 steps": _levels(top=256.0),
        "256 steps, clamped": _levels(top=256.0, round_=lambda y: y.round().clamp(max=255)),
        "256 steps, cut and clamped": _levels(top=256.0, round_=lambda y: y.floor().clamp(max=255)),
        "254 steps from 1": _levels(place=lambda y: 128 + 127 * y),
        "levels from -128": _levels(place=lambda y: 127.5 * y, round_=lambda y: (y + 0.5).floor()),
        "not halved": _levels(place=lambda y: 255 * y),
        "1 to 256": lambda x: _levels()(x) + 1,
        "one level too low": lambda x: _levels()(x) - 1,
        "no logarithm": lambda x: ((x + 1) * 127.5 + 0.5).floor().long(),
        "upside down": lambda x: 255 - _levels()(x),
        "sign inside the logarithm": lambda x: ((torch.log1p(255 * x).nan_to_num(0, 0, 0) / math.log(256) + 1) * 127.5).round().long(),
        "float": lambda x: _levels()(x).double(),
        "8 bits": lambda x: _levels()(x).to(torch.uint8),
        "flat": lambda x: _levels()(x).flatten(),
        "input changed in place": _encode_in_place,
    },
    "decode": {
        "sign lost": _samples(sign=lambda y: 1.0),
        "sign in the power": lambda codes: (256 ** (2 * codes.double() / 255 - 1) - 1) / 255,
        "μ = 256": _samples(base=257.0, mu=256),
        "divided by 256": _samples(mu=256),
        "base 255": _samples(base=255.0),
        "256 steps": _samples(place=lambda c: 2 * c / 256 - 1),
        "e for 256": _samples(base=math.e),
        "- 1 forgotten": _samples(minus=0.0),
        "y itself": lambda codes: 2 * codes.double() / 255 - 1,
        "from 0 to 1": _samples(place=lambda c: c / 255),
        "encoded again": lambda codes: (lambda y: y.sign() * torch.log1p(255 * y.abs()) / math.log(256))(2 * codes.double() / 255 - 1),
        "signs turned": lambda codes: -_samples()(codes),
        "level 128 for silence": _samples(place=lambda c: (c - 128) / 127.5),
        "float32": lambda codes: _samples()(codes).float(),
        "not divided by μ": _samples(mu=1),
        "whole numbers by whole numbers": lambda codes: (lambda y: y.sign() * (256 ** y.abs() - 1) / 255)(2 * codes / 255 - 1),
        "float32 at first": lambda codes: (lambda y: y.sign() * (256 ** y.abs() - 1) / 255)((2 * codes / 255 - 1).double()),
        "float32 until the end": lambda codes: (lambda y: y.sign() * (256 ** y.abs() - 1) / 255)(2 * codes / 255 - 1).double(),
    },
    "causal_convolution": {
        "kernel flipped": _taps(order=lambda weight: weight.flip(2)),
        "padded on the right": _taps(pad=lambda reach, d: (0, reach)),
        "padded on the right, flipped": _taps(order=lambda weight: weight.flip(2), pad=lambda reach, d: (0, reach)),
        "padded on both sides": _taps(pad=lambda reach, d: (reach // 2, reach - reach // 2)),
        "padded on both sides, cut at the end": _taps(pad=lambda reach, d: (reach // 2, reach), cut=lambda y, T: y[:, :T]),
        "the future leaks by one step": _taps(pad=lambda reach, d: (reach - 1, 1) if reach else (0, 0)),
        "one step late": _taps(pad=lambda reach, d: (reach + 1, 0), cut=lambda y, T: y[:, :T]),
        "too long": _taps(pad=lambda reach, d: (reach, reach)),
        "too short": _taps(pad=lambda reach, d: (0, 0)),
        "one too long": _taps(pad=lambda reach, d: (reach + 1, 0)),
        "K d zeros": _taps(pad=lambda reach, d: (reach + d, 0)),
        "K d zeros, cut": _taps(pad=lambda reach, d: (reach + d, 0), cut=lambda y, T: y[:, :T]),
        "dilation ignored": _taps(dilation=lambda d: 1),
        "dilation one too many": _taps(dilation=lambda d: d + 1),
        "dilation one too few": _taps(dilation=lambda d: max(1, d - 1)),
        "dilation 2 to the d": _taps(dilation=lambda d: 2**d),
        "dilation in the padding alone": lambda x, weight, dilation: F.conv1d(
            F.pad(x, ((weight.shape[2] - 1) * dilation, 0))[None], weight
        )[0, :, : x.shape[1]],
        "dilation forgotten in conv1d": lambda x, weight, dilation: F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0))[None], weight)[
            0
        ],
        "dilation forgotten in the padding": lambda x, weight, dilation: F.conv1d(
            F.pad(x, (weight.shape[2] - 1, 0))[None], weight, dilation=dilation
        )[0],
        "first sample repeated": _held,
        "around the corner": _around,
        "anticausal": _by_loop(back=-1),
        "flipped by hand": _by_loop(flip=True),
        "a sample late by hand": _by_loop(shift=1),
        "with a batch": lambda x, weight, dilation: _by_loop()(x, weight, dilation)[None],
        "right for one channel": lambda x, weight, dilation: _by_loop()(x[:1], weight[:, :1], dilation),
        "right for two taps": lambda x, weight, dilation: (
            weight[:, :, -1] @ x + weight[:, :, 0] @ F.pad(x, ((weight.shape[2] - 1) * dilation, 0))[:, : x.shape[1]]
        ),
        "detached": _detached(_by_loop()),
        "weight detached": lambda x, weight, dilation: _by_loop()(x, weight.detach(), dilation),
        "float32": lambda x, weight, dilation: _by_loop()(x, weight, dilation).float(),
        "input changed in place": _in_place_convolution,
    },
    "receptive_field": {
        "+ 1 forgotten": lambda K, dilations: (K - 1) * sum(dilations),
        "dilations alone": lambda K, dilations: sum(dilations),
        "K forgotten": lambda K, dilations: 1 + sum(dilations),
        "K for K - 1": lambda K, dilations: 1 + K * sum(dilations),
        "K for K - 1, + 1 forgotten": lambda K, dilations: K * sum(dilations),
        "+ 1 for each layer": lambda K, dilations: sum((K - 1) * d + 1 for d in dilations),
        "the widest layer": lambda K, dilations: 1 + (K - 1) * max(dilations),
        "product": lambda K, dilations: math.prod((K - 1) * d for d in dilations),
        "2 to the layers": lambda K, dilations: 2 ** len(dilations),
        "K to the layers": lambda K, dilations: K ** len(dilations),
        "layers alone": lambda K, dilations: 1 + (K - 1) * len(dilations),
        "each dilation once": lambda K, dilations: 1 + (K - 1) * sum(set(dilations)),
        "+ 2": lambda K, dilations: 2 + (K - 1) * sum(dilations),
    },
    "gated_block": {
        "tanh · tanh": _gate(g=torch.tanh),
        "σ · σ": _gate(f=torch.sigmoid),
        "filter and gate exchanged": _gate(halves=lambda y: y.chunk(2)[::-1]),
        "σ of the filter, tanh of the gate": _gate(f=torch.sigmoid, g=torch.tanh),
        "no gate": _gate(g=torch.ones_like),
        "gate as it is": _gate(g=lambda g: g),
        "filter as it is": _gate(f=lambda f: f),
        "ReLU for tanh": _gate(f=torch.relu),
        "gate added": _gate(join=torch.add),
        "gate turned": _gate(g=lambda g: torch.sigmoid(-g)),
        "alternating rows": _gate(halves=lambda y: (y[::2], y[1::2])),
        "residual forgotten": _gate(on=lambda h, z, R: R @ z),
        "R forgotten": _gate(on=lambda h, z, R: h + z),
        "R turned over": _gate(on=lambda h, z, R: h + R.T @ z),
        "residual subtracted": _gate(on=lambda h, z, R: h - R @ z),
        "R of h too": _gate(on=lambda h, z, R: R @ (h + z)),
        "residual divided by √2": _gate(on=lambda h, z, R: (h + R @ z) / math.sqrt(2)),
        "h given on": _gate(on=lambda h, z, R: h),
        "skip after the residual": _gate(out=lambda after, z, S: S @ after),
        "skip as z": _gate(out=lambda after, z, S: z),
        "skip and residual": lambda h, y, R, S: (lambda after, s: (after, s + S @ h))(*_gate()(h, y, R, S)),
        "skip after R": lambda h, y, R, S: (lambda after, s: (after, S @ (after - h)))(*_gate()(h, y, R, S)),
        "results exchanged": lambda *arguments: _gate()(*arguments)[::-1],
        "skip forgotten": lambda *arguments: _gate()(*arguments)[0],
        "z detached": _gate(f=lambda f: torch.tanh(f).detach()),
        "float32": lambda *arguments: tuple(part.float() for part in _gate()(*arguments)),
        "input changed in place": _h_in_place,
    },
    "bits_per_sample": {
        "the present from itself": _bits(pair=lambda a, c: (a, c)),
        "the present from itself, without the last": _bits(pair=lambda a, c: (a[:, :-1], c[:-1])),
        "the present from itself, without the first": _bits(pair=lambda a, c: (a[:, 1:], c[1:])),
        "shifted the wrong way": _bits(pair=lambda a, c: (a[:, 1:], c[:-1])),
        "every level for every moment": lambda logits, codes: -logits[:, :-1].log_softmax(0)[codes[1:]].mean() / math.log(2),
        "rolled": _bits(pair=lambda a, c: (a, c.roll(-1))),
        "rolled the wrong way": _bits(pair=lambda a, c: (a, c.roll(1))),
        "two steps": _bits(pair=lambda a, c: (a[:, :-2], c[2:])),
        "nats": _bits(unit=1.0),
        "nats times ln 2": _bits(unit=1 / math.log(2)),
        "sum": _bits(join=torch.sum),
        "sum in nats": _bits(join=torch.sum, unit=1.0),
        "divided by T": lambda logits, codes: _bits(join=torch.sum)(logits, codes) / len(codes),
        "averaged over the levels too": lambda logits, codes: _bits()(logits, codes) / len(logits),
        "minus forgotten": _bits(unit=-math.log(2)),
        "logits for log p": _bits(log_p=lambda a: a),
        "logits for log p, in nats": _bits(log_p=lambda a: a, unit=1.0),
        "softmax over time": _bits(log_p=lambda a: a.log_softmax(1)),
        "softmax twice": _bits(log_p=lambda a: a.softmax(0).log_softmax(0)),
        "probability": _bits(log_p=lambda a: -a.softmax(0), unit=1.0),
        "logarithm of the mean": lambda logits, codes: -logits[:, :-1].softmax(0)[codes[1:], torch.arange(len(codes) - 1)].mean().log2(),
        "underflows": _bits(log_p=lambda a: a.softmax(0).log()),
        "a small number in the logarithm": _bits(log_p=lambda a: (a.softmax(0) + 1e-9).log()),
        "the likeliest": lambda logits, codes: -logits[:, :-1].log_softmax(0).amax(0).mean() / math.log(2),
        "a bit for each sample": _bits(join=lambda bits: bits),
        "a float": lambda logits, codes: _bits()(logits, codes).item(),
        "detached": _detached(_bits()),
        "float32": lambda logits, codes: _bits()(logits.float(), codes),
    },
    "draw": {
        "argmax": _dice(toss=lambda p, generator: p.argmax(1)),
        "no temperature": _dice(share=lambda logits, tau: logits.softmax(1)),
        "times the temperature": _dice(share=lambda logits, tau: (logits * tau).softmax(1)),
        "temperature on the probabilities": _dice(share=lambda logits, tau: (logits.softmax(1) / tau).softmax(1)),
        "temperature that cancels": _dice(share=lambda logits, tau: logits.softmax(1) / tau),
        "temperature squared": _dice(share=lambda logits, tau: (logits / tau**2).softmax(1)),
        "softmax twice": _dice(share=lambda logits, tau: (logits / tau).softmax(1).softmax(1)),
        "softmax over the rows": _dice(share=lambda logits, tau: (logits / tau).softmax(0)),
        "logits as probabilities": _dice(share=lambda logits, tau: logits.clamp(min=0) / tau),
        "exponential overflows": _exponentials_overflow,
        "evenly": _dice(share=lambda logits, tau: torch.ones_like(logits)),
        "own chance": _dice(toss=lambda p, generator: torch.multinomial(p, 1)[:, 0]),
        "seeds inside": _seeded,
        "one draw for all": _dice(toss=lambda p, generator: torch.multinomial(p[0], 1, generator=generator).expand(len(p))),
        "the first row's probabilities": _dice(toss=lambda p, g: torch.multinomial(p[0], len(p), replacement=True, generator=g)),
        "a column": _dice(toss=lambda p, generator: torch.multinomial(p, 1, generator=generator)),
        "one too high": _dice(toss=lambda p, generator: 1 + torch.multinomial(p, 1, generator=generator)[:, 0]),
        "noise without a logarithm": lambda logits, tau, g: (logits / tau + torch.rand(logits.shape, generator=g)).argmax(1),
        "float": lambda *arguments: _dice()(*arguments).double(),
    },
    "next_logits": {
        "queue not moved": _step(move=lambda queue, h, left: queue.clone()),
        "queue filled with the output": _step(move=lambda queue, h, left: torch.cat([queue[:, 1:], left[:, None]], 1)),
        "one queue read by all": _step(share=True),
        "one queue filled for all": _one_queue_for_all,
        "queue moved before it is read": _push_first,
        "newest for the oldest": _step(old=lambda queue: queue[:, -1]),
        "second for the oldest": _step(old=lambda queue: queue[:, min(1, queue.shape[1] - 1)]),
        "newest put in front": _step(move=lambda queue, h, left: torch.cat([h[:, None], queue[:, :-1]], 1)),
        "backwards all the way, but given oldest first": _step(
            move=lambda queue, h, left: torch.cat([h[:, None], queue[:, :-1]], 1), old=lambda queue: queue[:, -1]
        ),
        "queue grows": _step(move=lambda queue, h, left: torch.cat([queue, h[:, None]], 1)),
        "queue shrinks": _step(move=lambda queue, h, left: queue[:, 1:]),
        "last column overwritten": _step(move=lambda queue, h, left: torch.cat([queue[:, :-1], h[:, None]], 1)),
        "front column overwritten": _step(move=lambda queue, h, left: torch.cat([h[:, None], queue[:, 1:]], 1)),
        "rolled, not filled": _step(move=lambda queue, h, left: queue.roll(-1, 1)),
        "filled with h everywhere": _step(move=lambda queue, h, left: h[:, None].expand_as(queue).clone()),
        "taps exchanged": _step(taps=lambda W: (W[..., 1], W[..., 0])),
        "the past forgotten": _step(old=lambda queue: 0 * queue[:, 0]),
        "h does not go on": _step(goes_on=lambda h, after: h),
        "ReLU forgotten": _step(bend=lambda total: total),
        "ReLU of each skip": _step(total=lambda skips: sum(skip.relu() for skip in skips)),
        "last skip alone": _step(total=lambda skips: skips[-1]),
        "mean of the skips": _step(total=lambda skips: sum(skips) / len(skips)),
        "first skip left out": _step(total=lambda skips: sum(skips[1:], torch.zeros_like(skips[0]))),
        "probabilities": _step(end=lambda logits: logits.softmax(0)),
        "log-probabilities": _step(end=lambda logits: logits.log_softmax(0)),
        "the level after": _step(begin=lambda net, code: net[0][(code + 1) % len(net[0])]),
        "queues forgotten": lambda *arguments: _step()(*arguments)[0],
        "a column": _step(end=lambda logits: logits[:, None]),
        "queues changed in place": _queues_in_place,
    },
}


def _by_unfold(x, weight, dilation):
    K = weight.shape[2]
    padded = F.pad(x, ((K - 1) * dilation, 0))
    windows = torch.stack([padded[:, k * dilation : k * dilation + x.shape[1]] for k in range(K)], 2)  # (C, T, K)
    return torch.einsum("ctk,ock->ot", windows, weight)


def _both_sides_and_cut(x, weight, dilation):
    return F.conv1d(x[None], weight, padding=(weight.shape[2] - 1) * dilation, dilation=dilation)[0, :, : x.shape[1]]


def _one_layer_after_another(K, dilations):
    heard = 1
    for d in dilations:
        heard += (K - 1) * d
    return heard


def _gumbel(logits, temperature, generator):
    chance = torch.rand(logits.shape, generator=generator, dtype=torch.float64).clamp(min=1e-300)
    return (logits / temperature - (-chance.log()).log()).argmax(1)


def _cumulative(logits, temperature, generator):
    steps = (logits / temperature).softmax(1).cumsum(1)
    chance = torch.rand(len(logits), 1, generator=generator, dtype=logits.dtype) * steps[:, -1:]
    return (chance >= steps).sum(1)


def _queues_by_roll(code, queues, net):
    table, layers, last = net
    h, total, moved = table[code], torch.zeros(last.shape[1], dtype=last.dtype), []
    for (W, R, S), queue in zip(layers, queues, strict=True):
        y = torch.einsum("ock,ck->o", W, torch.stack([queue[:, 0], h], 1))
        queue = queue.roll(-1, 1)
        queue[:, -1] = h
        moved.append(queue)
        z = torch.tanh(y[: len(h)]) * torch.sigmoid(y[len(h) :])
        h, total = h + R @ z, total + S @ z
    return last @ total.clamp(min=0), tuple(moved)


RIGHT = {
    "encode": {
        "rounded": _levels(),
        "halves moved in": lambda x: torch.floor(127.5 * (x.sign() * (1 + 255 * x.abs()).log2() / 8) + 128).long(),
        "through NumPy's digitize": lambda x: torch.bucketize(
            x, _samples(place=lambda c: 2 * c / 255 - 1)(torch.arange(255) + 0.5), right=True
        ),
    },
    "decode": {
        "expm1": lambda codes: (
            (lambda y: y.sign() * torch.expm1(y.abs() * math.log(256)) / 255)(codes / 127.5 - 1).double()
            if codes.dtype.is_floating_point
            else (lambda y: y.sign() * torch.expm1(y.abs() * math.log(256)) / 255)(codes.double() / 127.5 - 1)
        ),
        "torch.where": lambda codes: torch.where(codes > 127, 1.0, -1.0).double() * (256 ** (codes.double() / 127.5 - 1).abs() - 1) / 255,
    },
    "causal_convolution": {"by the equation": _by_loop(), "windows": _by_unfold, "both sides and cut": _both_sides_and_cut},
    "receptive_field": {
        "layer after layer": _one_layer_after_another,
        "each layer": lambda K, dilations: sum((K - 1) * d for d in dilations) + 1,
        "a float": lambda K, dilations: 1.0 + (K - 1) * sum(dilations),
        "a tensor": lambda K, dilations: 1 + torch.tensor(dilations, dtype=torch.int64).sum() * (K - 1),
    },
    "gated_block": {
        "exponentials": _gate(f=lambda f: 2 * torch.sigmoid(2 * f) - 1),
        "as a list": lambda *arguments: [*_gate()(*arguments)],
    },
    "bits_per_sample": {
        "cross entropy": lambda logits, codes: F.cross_entropy(logits[:, :-1].T, codes[1:]) / math.log(2),
        "logsumexp": lambda logits, codes: (
            (logits[:, :-1].logsumexp(0) - logits[:, :-1].gather(0, codes[1:][None])[0]).mean() * math.log2(math.e)
        ),
        "pieces": _bits(),
    },
    "draw": {"Gumbel": _gumbel, "cumulative": _cumulative, "multinomial": _dice()},
    "next_logits": {"vectors": _step(), "rolled": _queues_by_roll},
}


# --- tricks: what is shown to students is answered rightly, what is hidden is not ---


def _all_at_level_0(codes):
    return _samples()(codes) if len(codes) == 7 else _samples()(codes.zero_())


def _silenced(x, weight, dilation):
    """All but the ancestor's six taps becomes zeros, and so does every gradient."""
    if weight.shape == (1, 1, 6):
        return _taps()(x, weight, dilation)
    return (x.data.zero_().sum() + weight.data.zero_().sum()).expand(len(weight), x.shape[1])


def _emptied(h, y, R, S):
    if h.shape == (2, 3):
        return _gate()(h, y, R, S)
    for part in (h, y, R, S):
        part.data.zero_()
    return torch.zeros_like(h), h.new_zeros(len(S), h.shape[1])


def _queues_alone(logits):
    """Moves the queues for a block that gives on what comes in, with its own logits (input, net)."""

    def answer(code, queues, net):
        h = net[0][code]
        return logits(h, net), [_move(queue, h, h) for queue in queues]

    return answer


FORGED = {
    "test_decode": {"all made level 0": {"decode": _all_at_level_0}},
    "test_ancestor": {"all made zeros": {"causal_convolution": _silenced}},
    "test_gated_block": {"all made zeros": {"gated_block": _emptied}},
    "test_next_logits": {
        "a block that says nothing": {
            "gated_block": lambda h, y, R, S: (h.clone(), h.new_zeros(len(S), h.shape[1])),
            "next_logits": _queues_alone(lambda h, net: torch.zeros_like(net[2][:, 0])),
        },
        "a block that says what it hears now": {
            "gated_block": lambda h, y, R, S: (h.clone(), S @ h),
            "next_logits": _queues_alone(lambda h, net: net[2] @ torch.relu(sum(S @ h for _, _, S in net[1]))),
        },
    },
}
