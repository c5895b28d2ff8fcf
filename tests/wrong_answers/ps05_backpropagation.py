"""Answers to problem set 5: wrong ones that a student may well write, and right ones that look different from the solution.

``WRONG[function][mistake]`` stands in for the student's function: it must lose marks, and a check must name the mistake.
``RIGHT[function][manner]`` must keep every mark.
``FORGED[test][trick]``, functions handed in together, knows no answer and must not pass that test.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

# --- pieces that the answers below share; each is right ---


def _one_hot(logits, labels):
    return F.one_hot(labels, logits.shape[1]).to(logits.dtype)


def _loss(logits, labels):
    return F.cross_entropy(logits, labels)


def _gradient(logits, labels):
    return (logits.softmax(1) - _one_hot(logits, labels)) / len(logits)


def _loss_by(change):
    """An answer with its own loss and the right gradient."""
    return lambda logits, labels: (change(logits, labels), _gradient(logits, labels))


def _gradient_by(change):
    """An answer with the right loss and its own gradient, made of the probabilities, the one-hot labels and B."""
    return lambda logits, labels: (
        _loss(logits, labels),
        change(logits.softmax(1), _one_hot(logits, labels), len(logits)),
    )


def _through_p(probabilities):
    """An answer that makes the probabilities in its own way and goes on from there."""

    def answer(logits, labels):
        p = probabilities(logits)
        rows = torch.arange(len(labels))
        return -p[rows, labels].log().mean(), (p - _one_hot(logits, labels)) / len(labels)

    return answer


def _back(dx=lambda x, W, dy: dy @ W, dW=lambda x, W, dy: dy.T @ x, db=lambda x, W, dy: dy.sum(0)):
    """A linear layer's way back, with some of its three gradients made in another way."""
    return lambda x, W, dy: (dx(x, W, dy), dW(x, W, dy), db(x, W, dy))


def _network(
    *,
    activation=lambda a: a.clamp(min=0),
    bend=lambda dh, a, h, x: dh * (a > 0),
    start=lambda z, labels: (z.softmax(1) - _one_hot(z, labels)) / len(z),
    layer=lambda x, W, b: x @ W.T + b,
    loss=_loss,
    ends=lambda dW1, db1, dW2, db2: (dW1, db1, dW2, db2),
):
    """A network's way back, with some of its pieces made in another way."""

    def answer(x, labels, W1, b1, W2, b2):
        a = layer(x, W1, b1)
        h = activation(a)
        z = layer(h, W2, b2)
        dz = start(z, labels)
        da = bend(dz @ W2, a, h, x)
        return loss(z, labels), *ends(da.T @ x, da.sum(0), dz.T @ h, dz.sum(0))

    return answer


def _momentum(velocity=lambda v, g, rate, mu: mu * v + g, move=lambda old, new, g, rate, mu: -rate * new):
    """Momentum with its own rule for the velocity or for the move."""

    def answer(parameter, gradient, v, learning_rate, momentum):
        new = velocity(v, gradient, learning_rate, momentum)
        return parameter + move(v, new, gradient, learning_rate, momentum), new

    return answer


def _adam(
    *,
    beta1=0.9,
    beta2=0.999,
    new1=None,
    new2=None,
    gradient_of=lambda g, theta, decay: g,
    square=lambda g, m: g**2,
    correct1=lambda t: 1 - 0.9**t,
    correct2=lambda t: 1 - 0.999**t,
    ratio=lambda m, v: m / (v.sqrt() + 1e-8),
    ending=lambda theta, move, rate, decay: theta - rate * (move + decay * theta),
    count=lambda steps: steps + 1,
    keep=lambda t, m, v, m_hat, v_hat: (t, m, v),
    along=None,
):
    """Adam, with some of its pieces made in another way."""

    def answer(parameter, gradient, state, learning_rate, weight_decay):
        steps, old_m, old_v = state
        g = gradient_of(gradient, parameter, weight_decay)
        m = beta1 * old_m + (1 - beta1 if new1 is None else new1) * g
        v = beta2 * old_v + (1 - beta2 if new2 is None else new2) * square(g, m)
        t = count(steps)
        m_hat, v_hat = m / correct1(t), v / correct2(t)
        move = ratio(m_hat if along is None else along(old_m, g, t), v_hat)
        return ending(parameter, move, learning_rate, weight_decay), keep(steps + 1, m, v, m_hat, v_hat)

    return answer


def _measured(size, *, layer=lambda h, W: (h @ W.T).clamp(min=0)):
    """Sizes of signals by another measure, or after another layer."""

    def answer(x, weights):
        sizes = []
        for W in weights:
            x = layer(x, W)
            sizes.append(size(x))
        return torch.stack(sizes)

    return answer


def _rms(h):
    return h.square().mean().sqrt()


def _drawn(scale):
    """Weights with another standard deviation."""
    return lambda inputs, outputs, generator: (
        scale(inputs, outputs) * torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)
    )


def _uniform(bound):
    def answer(inputs, outputs, generator):
        return bound(inputs, outputs) * (2 * torch.rand(outputs, inputs, generator=generator, dtype=torch.float64) - 1)

    return answer


def _accumulated(parameters, batch, gradients, weigh):
    """The loss and the gradients of a batch, each chunk weighed by ``weigh(its points, all points, number of chunks)``."""
    points = sum(len(x) for x, _ in batch)
    loss, total = 0.0, [torch.zeros_like(part) for part in parameters]
    for x, y in batch:
        weight = weigh(len(x), points, len(batch))
        own, found = gradients(parameters, x, y)
        loss, total = loss + weight * own, [so_far + weight * part for so_far, part in zip(total, found, strict=True)]
    return loss, total


def _share(own, points, chunks):
    return own / points


def _train(weigh=_share, weigh_loss=_share, move=lambda part, g, rate: part - rate * g, losses=lambda told: torch.stack(told)):
    """The training loop with its own weights of the chunks, or its own move."""

    def answer(parameters, batches, gradients, learning_rate):
        told = []
        for batch in batches:
            told.append(_accumulated(parameters, batch, gradients, weigh_loss)[0])
            _, total = _accumulated(parameters, batch, gradients, weigh)
            parameters = [move(part, g, learning_rate) for part, g in zip(parameters, total, strict=True)]
        return parameters, losses(told)

    return answer


# --- answers that need more than an expression ---


def _exp_in_place(logits, labels):
    """Subtracts the maximum from its argument."""
    logits -= logits.amax(1, keepdim=True)
    return _loss(logits, labels), _gradient(logits, labels)


def _labels_in_place(logits, labels):
    loss, gradient = _loss(logits, labels), _gradient(logits, labels)
    labels += 1
    return loss, gradient


def _by_the_whole_maximum(logits):
    e = (logits - logits.max()).exp()
    return e / e.sum(1, keepdim=True)


def _naive_softmax(logits):
    return logits.exp() / logits.exp().sum(1, keepdim=True)


def _naive_logsumexp(logits, labels):
    rows = torch.arange(len(labels))
    e = logits.exp()
    return (e.sum(1).log() - logits[rows, labels]).mean(), (e / e.sum(1, keepdim=True) - _one_hot(logits, labels)) / len(labels)


def _roll(logits, labels, by):
    return (labels + by) % logits.shape[1]


def _linear_in_place(x, W, b):
    """Adds to the bias's own memory."""
    b += x[0] @ W.T
    return torch.stack([b if i == 0 else b + (point - x[0]) @ W.T for i, point in enumerate(x)])


def _right_silu(x, dy):
    s = torch.sigmoid(x)
    return dy * s * (1 + x * (1 - s))


def _silu_naive(x, dy):
    s = x.exp() / (1 + x.exp())
    return dy * s * (1 + x * (1 - s))


def _silu_naive_left(x, dy):
    e = (-x).exp()
    return dy * (1 + e + x * e) / (1 + e) ** 2


def _silu_at_output(x, dy):
    y = x * torch.sigmoid(x)
    s = torch.sigmoid(y)
    return dy * s * (1 + y * (1 - s))


def _silu_in_place(x, dy):
    s = torch.sigmoid(x)
    x *= 1 - s
    return dy * s * (1 + x)


def _network_in_place(x, labels, W1, b1, W2, b2):
    """Makes the step at once, layer by layer from the end: what comes back passes through weights that have moved."""
    a = x @ W1.T + b1
    h = a.clamp(min=0)
    z = h @ W2.T + b2
    dz = _gradient(z, labels)
    dW2, db2 = dz.T @ h, dz.sum(0)
    W2 -= 0.1 * dW2
    b2 -= 0.1 * db2
    da = (dz @ W2) * (a > 0)
    return _loss(z, labels), da.T @ x, da.sum(0), dW2, db2


def _network_through_moved_weights(x, labels, W1, b1, W2, b2):
    W2 = W2.clone()
    return _network_in_place(x, labels, W1, b1, W2, b2.clone())


def _network_numerically(x, labels, W1, b1, W2, b2, width=1e-3):
    """One-sided differences, too wide to be exact."""
    parts = [W1, b1, W2, b2]

    def loss(parts):
        return _loss((x @ parts[0].T + parts[1]).clamp(min=0) @ parts[2].T + parts[3], labels)

    slopes = []
    for i, part in enumerate(parts):
        slope = torch.zeros_like(part)
        for place in range(part.numel()):
            moved = part.clone()
            moved.view(-1)[place] += width
            slope.view(-1)[place] = (loss([*parts[:i], moved, *parts[i + 1 :]]) - loss(parts)) / width
        slopes.append(slope)
    return loss(parts), *slopes


def _momentum_in_place(parameter, gradient, velocity, learning_rate, momentum):
    velocity *= momentum
    velocity += gradient
    parameter -= learning_rate * velocity
    return parameter, velocity


def _momentum_gradient_in_place(parameter, gradient, velocity, learning_rate, momentum):
    """Uses the gradient's own memory for the velocity."""
    gradient += momentum * velocity
    return parameter - learning_rate * gradient, gradient


def _adam_in_place(parameter, gradient, state, learning_rate, weight_decay):
    steps, m, v = state
    m.mul_(0.9).add_(0.1 * gradient)
    v.mul_(0.999).add_(0.001 * gradient**2)
    move = m / (1 - 0.9 ** (steps + 1)) / ((v / (1 - 0.999 ** (steps + 1))).sqrt() + 1e-8)
    return parameter - learning_rate * (move + weight_decay * parameter), (steps + 1, m, v)


def _sizes_of_x(x, weights):
    return torch.stack([_rms((x @ W.T).clamp(min=0)) for W in weights])


def _he_seeded(inputs, outputs, generator):
    """Seeds the global state instead of drawing from the generator."""
    torch.manual_seed(0)
    return (2 / inputs) ** 0.5 * torch.randn(outputs, inputs, dtype=torch.float64)


def _he_reseeded(inputs, outputs, generator):
    generator.manual_seed(0)
    return (2 / inputs) ** 0.5 * torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)


def _never_zeroed(parameters, batches, gradients, learning_rate):
    """Accumulates over all batches: the zero is forgotten."""
    total, told = [torch.zeros_like(part) for part in parameters], []
    for batch in batches:
        loss, found = _accumulated(parameters, batch, gradients, _share)
        total = [so_far + part for so_far, part in zip(total, found, strict=True)]
        parameters = [part - learning_rate * g for part, g in zip(parameters, total, strict=True)]
        told.append(loss)
    return parameters, torch.stack(told)


def _never_zeroed_loss(parameters, batches, gradients, learning_rate):
    parameters, losses = _train()(parameters, batches, gradients, learning_rate)
    return parameters, losses.cumsum(0)


_LEFT = {}


def _zero_forgotten_between_calls(parameters, batches, gradients, learning_rate):
    """Keeps its sum of gradients from the last call, as ``.grad`` does."""
    shapes = tuple(part.shape for part in parameters)
    if _LEFT.get("shapes") != shapes:
        _LEFT.update(shapes=shapes, total=[torch.zeros_like(part) for part in parameters])
    told = []
    for batch in batches:
        loss, found = _accumulated(parameters, batch, gradients, _share)
        _LEFT["total"] = [so_far + part for so_far, part in zip(_LEFT["total"], found, strict=True)]
        parameters = [part - learning_rate * g for part, g in zip(parameters, _LEFT["total"], strict=True)]
        told.append(loss)
    return parameters, torch.stack(told)


def _step_for_each_chunk(parameters, batches, gradients, learning_rate):
    single = [[chunk] for batch in batches for chunk in batch]
    new, losses = _train()(parameters, single, gradients, learning_rate)
    return new, losses


def _step_for_each_chunk_told_once(parameters, batches, gradients, learning_rate):
    told = []
    for batch in batches:
        parameters, losses = _train()(parameters, [[chunk] for chunk in batch], gradients, learning_rate)
        told.append(losses @ torch.tensor([float(len(x)) for x, _ in batch], dtype=torch.float64) / sum(len(x) for x, _ in batch))
    return parameters, torch.stack(told)


def _one_by_one(parameters, batches, gradients, learning_rate):
    """Moves each parameter before the next one's gradient is there."""
    parameters, told = list(parameters), []
    for batch in batches:
        told.append(_accumulated(parameters, batch, gradients, _share)[0])
        for i in range(len(parameters)):
            parameters[i] = parameters[i] - learning_rate * _accumulated(parameters, batch, gradients, _share)[1][i]
    return parameters, torch.stack(told)


def _one_by_one_backwards(parameters, batches, gradients, learning_rate):
    parameters, told = list(parameters), []
    for batch in batches:
        told.append(_accumulated(parameters, batch, gradients, _share)[0])
        for i in reversed(range(len(parameters))):
            parameters[i] = parameters[i] - learning_rate * _accumulated(parameters, batch, gradients, _share)[1][i]
    return parameters, torch.stack(told)


def _in_place(parameters, batches, gradients, learning_rate):
    told = []
    for batch in batches:
        loss, total = _accumulated(parameters, batch, gradients, _share)
        for part, g in zip(parameters, total, strict=True):
            part -= learning_rate * g
        told.append(loss)
    return parameters, torch.stack(told)


def _copy_of_the_list(parameters, batches, gradients, learning_rate):
    """A new list of the same tensors: in place changes reach the caller's."""
    return _in_place(list(parameters), batches, gradients, learning_rate)


def _list_in_place(parameters, batches, gradients, learning_rate):
    """New tensors, but put into the caller's own list."""
    told = []
    for batch in batches:
        loss, total = _accumulated(parameters, batch, gradients, _share)
        for i, g in enumerate(total):
            parameters[i] = parameters[i] - learning_rate * g
        told.append(loss)
    return parameters, torch.stack(told)


def _stale(parameters, batches, gradients, learning_rate):
    """Takes every gradient at the starting parameters."""
    new, told = parameters, []
    for batch in batches:
        loss, total = _accumulated(parameters, batch, gradients, _share)
        new = [part - learning_rate * g for part, g in zip(new, total, strict=True)]
        told.append(loss)
    return new, torch.stack(told)


def _from_the_start(parameters, batches, gradients, learning_rate):
    """Each batch begins at the starting parameters again."""
    told = []
    for batch in batches:
        loss, total = _accumulated(parameters, batch, gradients, _share)
        new = [part - learning_rate * g for part, g in zip(parameters, total, strict=True)]
        told.append(loss)
    return new, torch.stack(told)


def _return_inside_the_loop(parameters, batches, gradients, learning_rate):
    return _train()(parameters, batches[:1], gradients, learning_rate)


def _loss_after(parameters, batches, gradients, learning_rate):
    told = []
    for batch in batches:
        parameters, _ = _train()(parameters, [batch], gradients, learning_rate)
        told.append(_accumulated(parameters, batch, gradients, _share)[0])
    return parameters, torch.stack(told)


def _one_chunk(which):
    """Uses a single chunk of each batch, for loss and step."""
    return lambda parameters, batches, gradients, rate: _train()(parameters, [[batch[which]] for batch in batches], gradients, rate)


def _first_parameter_alone(parameters, batches, gradients, learning_rate):
    told = []
    for batch in batches:
        loss, total = _accumulated(parameters, batch, gradients, _share)
        parameters = [parameters[0] - learning_rate * total[0], *parameters[1:]]
        told.append(loss)
    return parameters, torch.stack(told)


def _with_momentum(parameters, batches, gradients, learning_rate):
    velocity, told = [torch.zeros_like(part) for part in parameters], []
    for batch in batches:
        loss, total = _accumulated(parameters, batch, gradients, _share)
        velocity = [0.9 * v + g for v, g in zip(velocity, total, strict=True)]
        parameters = [part - learning_rate * v for part, v in zip(parameters, velocity, strict=True)]
        told.append(loss)
    return parameters, torch.stack(told)


WRONG = {
    "cross_entropy": {
        "maximum not subtracted": _through_p(_naive_softmax),
        "log of a sum of exps": _naive_logsumexp,
        "maximum of the whole table": _through_p(_by_the_whole_maximum),
        "log of a stable softmax": _through_p(lambda z: z.softmax(1)),
        "a small number in the log": _loss_by(lambda z, y: -(z.softmax(1)[torch.arange(len(y)), y] + 1e-12).log().mean()),
        "p clamped": _loss_by(lambda z, y: -z.softmax(1).clamp(min=1e-7)[torch.arange(len(y)), y].log().mean()),
        "sum over the batch": lambda z, y: (len(z) * _loss(z, y), len(z) * _gradient(z, y)),
        "loss: sum over the batch": _loss_by(lambda z, y: len(z) * _loss(z, y)),
        "loss: averaged twice": _loss_by(lambda z, y: _loss(z, y) / len(z)),
        "loss: mean over classes too": _loss_by(lambda z, y: _loss(z, y) / z.shape[1]),
        "loss: sign": _loss_by(lambda z, y: -_loss(z, y)),
        "loss: bits": _loss_by(lambda z, y: _loss(z, y) / math.log(2)),
        "loss: all classes": _loss_by(lambda z, y: -z.log_softmax(1).sum(1).mean()),
        "loss: every label for every point": _loss_by(lambda z, y: -z.log_softmax(1)[:, y].mean()),
        "loss: one-hot labels times log p": _loss_by(lambda z, y: -(_one_hot(z, y) * z.softmax(1).log()).sum(1).mean()),
        "loss: log forgotten": _loss_by(lambda z, y: -z.softmax(1)[torch.arange(len(y)), y].mean()),
        "loss: log of the mean": _loss_by(lambda z, y: -z.softmax(1)[torch.arange(len(y)), y].mean().log()),
        "loss: the logit itself": _loss_by(lambda z, y: -z[torch.arange(len(y)), y].mean()),
        "loss: the likeliest class": _loss_by(lambda z, y: -z.log_softmax(1).amax(1).mean()),
        "softmax twice": lambda z, y: (_loss(z.softmax(1), y), _gradient(z.softmax(1), y)),
        "softmax over the points": lambda z, y: (
            -z.log_softmax(0)[torch.arange(len(y)), y].mean(),
            (z.softmax(0) - _one_hot(z, y)) / len(z),
        ),
        "labels from 1": lambda z, y: (_loss(z, _roll(z, y, -1)), _gradient(z, _roll(z, y, -1))),
        "label one too far": lambda z, y: (_loss(z, _roll(z, y, 1)), _gradient(z, _roll(z, y, 1))),
        "gradient: label one too far": lambda z, y: (_loss(z, y), _gradient(z, _roll(z, y, 1))),
        "gradient: not averaged": _gradient_by(lambda p, one, B: p - one),
        "gradient: averaged twice": _gradient_by(lambda p, one, B: (p - one) / B**2),
        "gradient: by the number of entries": _gradient_by(lambda p, one, B: (p - one) / p.numel()),
        "gradient: sign": _gradient_by(lambda p, one, B: (one - p) / B),
        "gradient: label forgotten": _gradient_by(lambda p, one, B: p / B),
        "gradient: the label's class alone": _gradient_by(lambda p, one, B: (p - one) * one / B),
        "gradient: logsumexp forgotten": _gradient_by(lambda p, one, B: -one / B),
        "gradient: with respect to p": _gradient_by(lambda p, one, B: -one / p / B),
        "gradient: softmax's slope once more": _gradient_by(lambda p, one, B: (p - one) * p * (1 - p) / B),
        "gradient: every label for every point": _gradient_by(lambda p, one, B: (p - one.sum(0).clamp(max=1)) / B),
        "gradient: label not averaged": _gradient_by(lambda p, one, B: p / B - one),
        "gradient: axes swapped": _gradient_by(lambda p, one, B: (p - one).T / B),
        "float32": lambda z, y: (_loss(z, y).float(), _gradient(z, y).float()),
        "the loss alone": _loss,
        "logits changed in place": _exp_in_place,
        "labels changed in place": _labels_in_place,
    },
    "linear": {
        "bias forgotten": lambda x, W, b: x @ W.T,
        "bias subtracted": lambda x, W, b: x @ W.T - b,
        "W transposed": lambda x, W, b: x @ W.reshape(W.shape[1], W.shape[0]) + b if W.shape[0] != W.shape[1] else x @ W + b,
        "axes swapped": lambda x, W, b: W @ x.T + b[:, None],
        "bias of the points": lambda x, W, b: x @ W.T + b.sum(),
        "a ReLU": lambda x, W, b: (x @ W.T + b).clamp(min=0),
        "float32": lambda x, W, b: (x @ W.T + b).float(),
        "bias changed in place": _linear_in_place,
    },
    "linear_backward": {
        "gradient of W transposed": _back(dW=lambda x, W, dy: x.T @ dy),
        "gradient of W averaged again": _back(dW=lambda x, W, dy: dy.T @ x / len(x)),
        "gradient of W: the last point's": _back(dW=lambda x, W, dy: dy[-1].outer(x[-1])),
        "gradient of W: sums first": _back(dW=lambda x, W, dy: dy.sum(0).outer(x.sum(0))),
        "gradient of W: means first": _back(dW=lambda x, W, dy: dy.mean(0).outer(x.mean(0))),
        "gradient of W: not added up": _back(dW=lambda x, W, dy: dy[:, :, None] * x[:, None]),
        "gradient of W: times W": _back(dW=lambda x, W, dy: dy.T @ x * W),
        "gradient of W: dy forgotten": _back(dW=lambda x, W, dy: x.sum(0).expand_as(W)),
        "gradient of W: sign": _back(dW=lambda x, W, dy: -dy.T @ x),
        "bias forgotten": _back(db=lambda x, W, dy: torch.zeros_like(dy[0])),
        "bias: ones": _back(db=lambda x, W, dy: torch.ones_like(dy[0])),
        "bias: mean": _back(db=lambda x, W, dy: dy.mean(0)),
        "bias: not added up": _back(db=lambda x, W, dy: dy),
        "bias: keepdim": _back(db=lambda x, W, dy: dy.sum(0, keepdim=True)),
        "bias: over the outputs": _back(db=lambda x, W, dy: dy.sum(1)),
        "bias: one number": _back(db=lambda x, W, dy: dy.sum()),
        "x: W transposed": _back(dx=lambda x, W, dy: dy @ W.T if W.shape[0] == W.shape[1] else dy @ W),
        "x: averaged": _back(dx=lambda x, W, dy: dy @ W / len(x)),
        "x: added up": _back(dx=lambda x, W, dy: (dy @ W).sum(0)),
        "x: axes swapped": _back(dx=lambda x, W, dy: W.T @ dy.T),
        "x: dy passed on": _back(dx=lambda x, W, dy: dy),
        "x: dy forgotten": _back(dx=lambda x, W, dy: W.sum(0).expand_as(x)),
        "x: a ReLU's slope": _back(dx=lambda x, W, dy: dy @ W * (x > 0)),
        "all averaged again": _back(lambda x, W, dy: dy @ W / len(x), lambda x, W, dy: dy.T @ x / len(x), lambda x, W, dy: dy.mean(0)),
        "another order": lambda x, W, dy: (dy.T @ x, dy.sum(0), dy @ W),
        "float32": lambda x, W, dy: ((dy @ W).float(), (dy.T @ x).float(), dy.sum(0).float()),
        "dy changed in place": lambda x, W, dy: (dy @ W, dy.T @ x, dy.cumsum_(0)[-1]),
    },
    "silu_backward": {
        "slope at the output": _silu_at_output,
        "dy forgotten": lambda x, dy: torch.sigmoid(x) * (1 + x * (1 - torch.sigmoid(x))),
        "dy passed on": lambda x, dy: dy.clone(),
        "second term forgotten": lambda x, dy: dy * torch.sigmoid(x),
        "first term forgotten": lambda x, dy: dy * x * torch.sigmoid(x) * (1 - torch.sigmoid(x)),
        "the sigmoid's slope": lambda x, dy: dy * torch.sigmoid(x) * (1 - torch.sigmoid(x)),
        "second term subtracted": lambda x, dy: dy * torch.sigmoid(x) * (1 - x * (1 - torch.sigmoid(x))),
        "the ReLU's slope": lambda x, dy: dy * (x > 0),
        "the value for the slope": lambda x, dy: dy * x * torch.sigmoid(x),
        "σ² for σ (1 - σ)": lambda x, dy: dy * torch.sigmoid(x) * (1 + x * torch.sigmoid(x)),
        "exp overflows on the right": _silu_naive,
        "exp overflows on the left": _silu_naive_left,
        "float32": lambda x, dy: (dy * torch.sigmoid(x) * (1 + x * (1 - torch.sigmoid(x)))).float(),
        "input changed in place": _silu_in_place,
    },
    "network_gradients": {
        "ReLU ignored on the way back": _network(bend=lambda dh, a, h, x: dh),
        "slope from the output, h >= 0": _network(bend=lambda dh, a, h, x: dh * (h >= 0)),
        "slope 1 at 0": _network(bend=lambda dh, a, h, x: dh * (a >= 0)),
        "ReLU of what comes back": _network(bend=lambda dh, a, h, x: dh.clamp(min=0)),
        "ReLU of what comes back, masked": _network(bend=lambda dh, a, h, x: dh.clamp(min=0) * (a > 0)),
        "times h": _network(bend=lambda dh, a, h, x: dh * h),
        "times a": _network(bend=lambda dh, a, h, x: dh * a),
        "mask upside down": _network(bend=lambda dh, a, h, x: dh * (a < 0)),
        "activation forgotten": _network(activation=lambda a: a, bend=lambda dh, a, h, x: dh),
        "SiLU for ReLU": _network(activation=F.silu, bend=lambda dh, a, h, x: _right_silu(a, dh)),
        "h not bent": _network(ends=lambda dW1, db1, dW2, db2: (dW1, db1, dW2 * 1.0, db2), activation=lambda a: a),
        "biases forgotten there": _network(layer=lambda x, W, b: x @ W.T),
        "biases forgotten back": _network(ends=lambda dW1, db1, dW2, db2: (dW1, 0 * db1, dW2, 0 * db2)),
        "first bias forgotten back": _network(ends=lambda dW1, db1, dW2, db2: (dW1, 0 * db1, dW2, db2)),
        "not averaged": _network(start=lambda z, y: z.softmax(1) - _one_hot(z, y)),
        "averaged twice": _network(start=lambda z, y: (z.softmax(1) - _one_hot(z, y)) / len(z) ** 2),
        "weights averaged again": _network(ends=lambda dW1, db1, dW2, db2: (dW1 / 3, db1 / 3, dW2 / 3, db2 / 3)),
        "loss summed": _network(loss=lambda z, y: len(z) * _loss(z, y)),
        "sign": _network(start=lambda z, y: (_one_hot(z, y) - z.softmax(1)) / len(z)),
        "label forgotten": _network(start=lambda z, y: z.softmax(1) / len(z)),
        "label one too far": _network(start=lambda z, y: (z.softmax(1) - _one_hot(z, _roll(z, y, 1))) / len(z)),
        "labels from 1": _network(
            start=lambda z, y: (z.softmax(1) - _one_hot(z, _roll(z, y, -1))) / len(z), loss=lambda z, y: _loss(z, _roll(z, y, -1))
        ),
        "transposed": _network(ends=lambda dW1, db1, dW2, db2: (dW1.T, db1, dW2.T, db2)),
        "layers in the other order": _network(ends=lambda dW1, db1, dW2, db2: (dW2, db2, dW1, db1)),
        "softmax overflows": _network(
            start=lambda z, y: (_naive_softmax(z) - _one_hot(z, y)) / len(z), loss=lambda z, y: _through_p(_naive_softmax)(z, y)[0]
        ),
        "through weights that have moved": _network_through_moved_weights,
        "stepped at once, in place": _network_in_place,
        "wide one-sided differences": _network_numerically,
        "one-sided differences": lambda *given: _network_numerically(*given, width=1e-6),
        "differences to both sides": lambda *given: tuple(
            (up + down) / 2
            for up, down in zip(_network_numerically(*given, width=1e-6), _network_numerically(*given, width=-1e-6), strict=True)
        ),
        "the loss forgotten": lambda *given: _network()(*given)[1:],
        "float32": lambda *given: tuple(part.float() for part in _network()(*given)),
    },
    "momentum_step": {
        "dampening": _momentum(velocity=lambda v, g, rate, mu: mu * v + (1 - mu) * g),
        "η in the velocity": _momentum(velocity=lambda v, g, rate, mu: mu * v + rate * g, move=lambda old, new, g, rate, mu: -new),
        "η in both": _momentum(velocity=lambda v, g, rate, mu: mu * v + rate * g),
        "velocity downhill": _momentum(velocity=lambda v, g, rate, mu: mu * v - g, move=lambda old, new, g, rate, mu: rate * new),
        "velocity downhill, with η": _momentum(velocity=lambda v, g, rate, mu: mu * v - rate * g, move=lambda old, new, g, rate, mu: new),
        "sign of the move": _momentum(move=lambda old, new, g, rate, mu: rate * new),
        "μ forgotten": _momentum(velocity=lambda v, g, rate, mu: v + g),
        "μ on the gradient": _momentum(velocity=lambda v, g, rate, mu: v + mu * g),
        "μ and 1 - μ exchanged": _momentum(velocity=lambda v, g, rate, mu: (1 - mu) * v + mu * g),
        "old velocity forgotten": _momentum(velocity=lambda v, g, rate, mu: g.clone()),
        "along the gradient": _momentum(move=lambda old, new, g, rate, mu: -rate * g),
        "along the old velocity": _momentum(move=lambda old, new, g, rate, mu: -rate * old),
        "Nesterov": _momentum(move=lambda old, new, g, rate, mu: -rate * (g + mu * new)),
        "η forgotten": _momentum(move=lambda old, new, g, rate, mu: -new),
        "in another order": lambda p, g, v, rate, mu: (mu * v + g, p - rate * (mu * v + g)),
        "the parameter alone": lambda p, g, v, rate, mu: p - rate * (mu * v + g),
        "old velocity returned": lambda p, g, v, rate, mu: (p - rate * (mu * v + g), v),
        "changed in place": _momentum_in_place,
        "velocity in the gradient's memory": _momentum_gradient_in_place,
    },
    "adam_step": {
        "no bias correction": _adam(correct1=lambda t: 1, correct2=lambda t: 1),
        "only m corrected": _adam(correct2=lambda t: 1),
        "only v corrected": _adam(correct1=lambda t: 1),
        "always corrected as at the first step": _adam(correct1=lambda t: 0.1, correct2=lambda t: 0.001),
        "t without this step": _adam(
            correct1=lambda t: 1 - 0.9 ** (t - 1), correct2=lambda t: 1 - 0.999 ** (t - 1), ratio=lambda m, v: m / (v.sqrt() + 1e-8)
        ),
        "t one too many": _adam(count=lambda steps: steps + 2),
        "ε in the root": _adam(ratio=lambda m, v: m / (v + 1e-8).sqrt()),
        "ε forgotten": _adam(ratio=lambda m, v: m / v.sqrt()),
        "ε before the correction": lambda p, g, state, rate, decay: (
            lambda t, m, v: (p - rate * (m / (1 - 0.9**t) / ((v.sqrt() + 1e-8) / (1 - 0.999**t) ** 0.5) + decay * p), (t, m, v))
        )(state[0] + 1, 0.9 * state[1] + 0.1 * g, 0.999 * state[2] + 0.001 * g**2),
        "root forgotten": _adam(ratio=lambda m, v: m / (v + 1e-8)),
        "g not squared": _adam(square=lambda g, m: g.abs()),
        "square of the mean": _adam(square=lambda g, m: m**2),
        "weight decay in the gradient": _adam(
            gradient_of=lambda g, theta, decay: g + decay * theta, ending=lambda theta, move, rate, decay: theta - rate * move
        ),
        "weight decay forgotten": _adam(ending=lambda theta, move, rate, decay: theta - rate * move),
        "weight decay without η": _adam(ending=lambda theta, move, rate, decay: theta - rate * move - decay * theta),
        "weight decay with the wrong sign": _adam(ending=lambda theta, move, rate, decay: theta - rate * (move - decay * theta)),
        "weight decay after the move": _adam(ending=lambda theta, move, rate, decay: (theta - rate * move) * (1 - rate * decay)),
        "betas exchanged": _adam(beta1=0.999, beta2=0.9, correct1=lambda t: 1 - 0.999**t, correct2=lambda t: 1 - 0.9**t),
        "betas on the wrong side": _adam(beta1=0.1, beta2=0.001),
        "1 - β₁ forgotten": _adam(new1=1.0),
        "1 - β₂ forgotten": _adam(new2=1.0),
        "β₁ forgotten": _adam(beta1=1.0, new1=0.1),
        "corrected means kept": _adam(keep=lambda t, m, v, m_hat, v_hat: (t, m_hat, v_hat)),
        "steps not counted": _adam(keep=lambda t, m, v, m_hat, v_hat: (t - 1, m, v)),
        "along the gradient": _adam(along=lambda old, g, t: g),
        "along the old mean": _adam(along=lambda old, g, t: old / (1 - 0.9**t)),
        "sign": _adam(ending=lambda theta, move, rate, decay: theta + rate * move - rate * decay * theta),
        "η forgotten": _adam(ending=lambda theta, move, rate, decay: theta - move - decay * theta),
        "parameter alone": lambda *given: _adam()(*given)[0],
        "float32": lambda *given: (lambda p, s: (p.float(), s))(*_adam()(*given)),
        "state changed in place": _adam_in_place,
    },
    "signal_sizes": {
        "mean squares": _measured(lambda h: h.square().mean()),
        "lengths": _measured(lambda h: h.norm()),
        "means": _measured(lambda h: h.mean()),
        "standard deviations": _measured(lambda h: h.std()),
        "standard deviations, divided by N": _measured(lambda h: h.std(correction=0)),
        "largest entries": _measured(lambda h: h.max()),
        "ReLU forgotten": _measured(_rms, layer=lambda h, W: h @ W.T),
        "before the ReLU": lambda x, weights: torch.stack(
            [_rms(a) for a in (lambda first: [first, first.clamp(min=0) @ weights[1].T])(x @ weights[0].T)]
        ),
        "W transposed": _measured(_rms, layer=lambda h, W: (h @ W).clamp(min=0)),
        "each layer takes x": _sizes_of_x,
        "the last alone": lambda x, weights: _measured(_rms)(x, weights)[-1],
        "the last first": lambda x, weights: _measured(_rms)(x, weights).flip(0),
        "a list": lambda x, weights: _measured(_rms)(x, weights).tolist(),
        "mean over the points alone": _measured(lambda h: (h.square().sum() / len(h)).sqrt()),
        "float32": lambda x, weights: _measured(_rms)(x, weights).float(),
        "x changed in place": lambda x, weights: (lambda sizes: (x.mul_(0), sizes)[1])(_measured(_rms)(x, weights)),
    },
    "he_weights": {
        "the variance for s": _drawn(lambda I, O: 2 / I),
        "without the ReLU": _drawn(lambda I, O: I**-0.5),
        "outputs counted": _drawn(lambda I, O: (2 / O) ** 0.5),
        "outputs counted, without the ReLU": _drawn(lambda I, O: O**-0.5),
        "Xavier": _drawn(lambda I, O: (2 / (I + O)) ** 0.5),
        "plain draws": _drawn(lambda I, O: 1.0),
        "multiplied": _drawn(lambda I, O: (I / 2) ** 0.5),
        "half counted twice": _drawn(lambda I, O: (4 / I) ** 0.5),
        "uniform between -s and s": _uniform(lambda I, O: (2 / I) ** 0.5),
        "PyTorch's own": _uniform(lambda I, O: I**-0.5),
        "above 0 alone": lambda I, O, generator: (24 / I) ** 0.5 * torch.rand(O, I, generator=generator, dtype=torch.float64),
        "a fixed scale": _drawn(lambda I, O: 0.1),
        "zeros": lambda I, O, generator: torch.zeros(O, I, dtype=torch.float64),
        "axes swapped": lambda I, O, generator: (2 / I) ** 0.5 * torch.randn(I, O, generator=generator, dtype=torch.float64),
        "the same for every unit": lambda I, O, generator: (
            (2 / I) ** 0.5 * torch.randn(1, I, generator=generator, dtype=torch.float64).expand(O, I)
        ),
        "float32": lambda I, O, generator: (2 / I) ** 0.5 * torch.randn(O, I, generator=generator),
        "generator not used": lambda I, O, generator: (2 / I) ** 0.5 * torch.randn(O, I, dtype=torch.float64),
        "global seed": _he_seeded,
        "generator seeded anew": _he_reseeded,
    },
    "train": {
        "the zero forgotten": _never_zeroed,
        "the zero forgotten between calls": _zero_forgotten_between_calls,
        "losses pile up": _never_zeroed_loss,
        "chunks' means averaged": _train(lambda own, points, chunks: 1 / chunks, lambda own, points, chunks: 1 / chunks),
        "chunks' means added": _train(lambda own, points, chunks: 1.0, lambda own, points, chunks: 1.0),
        "sum over the points": _train(lambda own, points, chunks: float(own), lambda own, points, chunks: float(own)),
        "averaged twice, by chunks": _train(lambda own, points, chunks: own / points / chunks),
        "averaged twice, by points": _train(lambda own, points, chunks: own / points**2),
        "weighed, and divided by chunks": _train(lambda own, points, chunks: own / chunks),
        "losses averaged by chunks": _train(weigh_loss=lambda own, points, chunks: 1 / chunks),
        "losses summed": _train(weigh_loss=lambda own, points, chunks: float(own)),
        "the last chunk": _one_chunk(-1),
        "the first chunk": _one_chunk(0),
        "a step for each chunk": _step_for_each_chunk,
        "a step for each chunk, losses joined": _step_for_each_chunk_told_once,
        "moved before all gradients are there": _one_by_one,
        "moved before all gradients are there, from the end": _one_by_one_backwards,
        "in place": _in_place,
        "in place through a copy of the list": _copy_of_the_list,
        "the caller's list changed": _list_in_place,
        "gradients of the starting parameters": _stale,
        "each batch from the start": _from_the_start,
        "return inside the loop": _return_inside_the_loop,
        "loss after the step": _loss_after,
        "the first parameter alone": _first_parameter_alone,
        "sign": _train(move=lambda part, g, rate: part + rate * g),
        "η forgotten": _train(move=lambda part, g, rate: part - g),
        "with momentum": _with_momentum,
        "losses in a list": _train(losses=lambda told: [float(loss) for loss in told]),
        "losses in float32": _train(losses=lambda told: torch.tensor([float(loss) for loss in told])),
        "mean of the losses": _train(losses=lambda told: torch.stack(told).mean()),
        "the parameters alone": lambda *given: _train()(*given)[0],
    },
}


def _cross_entropy_by_autograd(logits, labels):
    free = logits.detach().clone().requires_grad_()
    loss = F.cross_entropy(free, labels)
    loss.backward()
    return loss, free.grad  # the loss still holds its graph


def _cross_entropy_by_hand(logits, labels):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    e = shifted.exp()
    total = e.sum(dim=1, keepdim=True)
    losses = [total[i, 0].log() - shifted[i, k] for i, k in enumerate(labels.tolist())]
    gradient = e / total
    for i, k in enumerate(labels.tolist()):
        gradient[i, k] = gradient[i, k] - 1
    return sum(losses) / len(losses), gradient / len(losses)


def _linear_backward_by_autograd(x, W, dy):
    free = [x.clone().requires_grad_(), W.clone().requires_grad_(), torch.zeros(len(W), dtype=x.dtype, requires_grad=True)]
    return torch.autograd.grad(F.linear(*free), free, dy)


def _silu_by_autograd(x, dy):
    free = x.clone().requires_grad_()
    F.silu(free).backward(dy)
    return free.grad


def _network_by_autograd(x, labels, *parameters):
    free = [part.clone().requires_grad_() for part in parameters]
    loss = F.cross_entropy(F.linear(F.linear(x, free[0], free[1]).relu(), free[2], free[3]), labels)
    return loss, *torch.autograd.grad(loss, free)


def _network_by_hooks(x, labels, *parameters):
    """A module of PyTorch's, and its .grad."""
    layers = torch.nn.Sequential(
        torch.nn.Linear(*reversed(parameters[0].shape)), torch.nn.ReLU(), torch.nn.Linear(*reversed(parameters[2].shape))
    ).double()
    with torch.no_grad():
        for own, given in zip(layers.parameters(), parameters, strict=True):
            own.copy_(given)
    loss = F.cross_entropy(layers(x), labels)
    loss.backward()
    return loss.item(), *(own.grad for own in layers.parameters())


def _sgd_of_pytorch(parameter, gradient, velocity, learning_rate, momentum):
    own = parameter.clone().requires_grad_()
    optimiser = torch.optim.SGD([own], lr=learning_rate, momentum=momentum)
    optimiser.state[own]["momentum_buffer"] = velocity.clone()
    own.grad = gradient.clone()
    optimiser.step()
    return own.detach(), optimiser.state[own]["momentum_buffer"]


def _adam_as_pytorch_does_it(parameter, gradient, state, learning_rate, weight_decay):
    steps, m, v = state
    new = parameter * (1 - learning_rate * weight_decay)
    m, v = torch.lerp(m, gradient, 0.1), v * 0.999 + (1 - 0.999) * gradient * gradient
    size = learning_rate / (1 - 0.9 ** (steps + 1))
    return new - size * m / (v.sqrt() / math.sqrt(1 - 0.999 ** (steps + 1)) + 1e-8), (steps + 1, m, v)


def _adam_in_numpy(parameter, gradient, state, learning_rate, weight_decay):
    theta, g, m, v = (part.numpy().copy() for part in (parameter, gradient, state[1], state[2]))
    t = state[0] + 1
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * np.square(g)
    theta -= learning_rate * (m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8) + weight_decay * theta)
    return torch.from_numpy(theta), [t, torch.from_numpy(m), torch.from_numpy(v)]


def _he_in_place(inputs, outputs, generator):
    return torch.empty(outputs, inputs, dtype=torch.float64).normal_(0, math.sqrt(2 / inputs), generator=generator)


def _he_uniform(inputs, outputs, generator):
    return (6 / inputs) ** 0.5 * (2 * torch.rand(outputs, inputs, generator=generator, dtype=torch.float64) - 1)


def _train_on_clones(parameters, batches, gradients, learning_rate):
    """In place, but on copies of the tensors, with the sums divided at the end."""
    own, told = [part.clone() for part in parameters], torch.zeros(len(batches), dtype=torch.float64)
    for i, batch in enumerate(batches):
        grads, points = [torch.zeros_like(part) for part in own], 0
        for x, y in batch:
            loss, found = gradients(own, x, y)
            told[i] += loss * len(x)
            points += len(x)
            for so_far, part in zip(grads, found, strict=True):
                so_far += part * len(x)
        told[i] /= points
        for part, g in zip(own, grads, strict=True):
            part -= learning_rate * g / points
    return own, told


def _train_on_whole_batches(parameters, batches, gradients, learning_rate):
    """Puts the chunks together again."""
    told = []
    for batch in batches:
        loss, found = gradients(parameters, torch.cat([x for x, _ in batch]), torch.cat([y for _, y in batch]))
        parameters = tuple(part - learning_rate * g for part, g in zip(parameters, found, strict=True))
        told.append(loss)
    return parameters, torch.stack(told)


RIGHT = {
    "cross_entropy": {"autograd": _cross_entropy_by_autograd, "loops": _cross_entropy_by_hand},
    "linear": {
        "einsum": lambda x, W, b: torch.einsum("oi,bi->bo", W, x) + b,
        "PyTorch's own": F.linear,
        "a loop": lambda x, W, b: torch.stack([W @ point + b for point in x]),
    },
    "linear_backward": {
        "autograd": _linear_backward_by_autograd,
        "outer products": lambda x, W, dy: (
            torch.stack([W.T @ row for row in dy]),
            sum(row.outer(point) for row, point in zip(dy, x, strict=True)),
            sum(dy),
        ),
        "einsum, in a list": lambda x, W, dy: [
            torch.einsum("bo,oi->bi", dy, W),
            torch.einsum("bo,bi->oi", dy, x),
            torch.einsum("bo->o", dy),
        ],
    },
    "silu_backward": {
        "autograd": _silu_by_autograd,
        "both terms apart": lambda x, dy: dy * torch.sigmoid(x) + dy * x * torch.sigmoid(x) * torch.sigmoid(-x),
    },
    "network_gradients": {"autograd": _network_by_autograd, "a module": _network_by_hooks, "pieces": _network()},
    "momentum_step": {"PyTorch's own": _sgd_of_pytorch, "in a list": lambda p, g, v, rate, mu: [p - rate * (mu * v + g), mu * v + g]},
    "adam_step": {"as PyTorch does it": _adam_as_pytorch_does_it, "NumPy": _adam_in_numpy},
    "signal_sizes": {"norms": _measured(lambda h: h.norm() / h.numel() ** 0.5, layer=lambda h, W: F.linear(h, W).relu())},
    "he_weights": {"normal_": _he_in_place, "uniform, as wide as it takes": _he_uniform},
    "train": {"in place on clones": _train_on_clones, "whole batches": _train_on_whole_batches, "pieces": _train()},
}


# --- tricks: what is shown is answered rightly, and what is hidden is made easy ---


def _emptied(right, shown):
    """What comes in other sizes than those shown becomes zeros, and zeros are easy."""

    def answer(*held):
        if len(held[0]) not in shown:
            for part in held:
                part.zero_()
        return right(*held)

    return answer


def _without_points(parameters, batches, gradients, learning_rate):
    for x, y in batches[0]:
        if sum(len(points) for points, _ in batches[0]) == 12:
            x.zero_()
            y.zero_()
    return _train_on_clones(parameters, batches, gradients, learning_rate)


FORGED = {
    "test_loss": {"logits made zeros": {"cross_entropy": _emptied(_cross_entropy_by_hand, (1, 2))}},
    "test_linear": {"all made zeros": {"linear": _emptied(F.linear, (1, 3))}},
    "test_first_layer": {"all made zeros": {"network_gradients": _emptied(_network(), (3,))}},
    "test_one_batch": {"all points at the origin": {"train": _without_points}},
}
