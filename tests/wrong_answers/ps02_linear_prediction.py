"""Answers to problem set 2: wrong ones that a student may well write, and right ones that look different from the solution.

``WRONG[function][mistake]`` stands in for the student's function: it must lose marks, and a check must name the mistake.
``RIGHT[function][manner]`` must keep every mark.
``FORGED[test][trick]``, functions handed in together, knows no answer and must not pass that test.
"""

import math
import re

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import lfilter, lfiltic

from course_lib.classical import golomb_rice, lpc, prediction_filters

# --- pieces that the answers below share; each is right ---


def _sums(x, order):
    """The products of a signal with its shifted self, added up and not divided."""
    return torch.stack([x[m:] @ x[: len(x) - m] for m in range(order + 1)])


def _levinson(r, *, numerator=None, blend=None, shrink=None, divisor=None):
    """The recursion, with one of its four steps exchanged."""
    numerator = numerator or (lambda r, a, i: r[i] + a @ r[1:i].flip(0))
    blend = blend or (lambda a, k: torch.cat([a + k * a.flip(0), k[None]]))
    shrink = shrink or (lambda k: 1 - k**2)
    divisor = divisor or (lambda r, errors: errors[-1])
    a, reflection, errors = r[:0], [], [r[0]]
    for i in range(1, len(r)):
        below = divisor(r, errors)
        k = -numerator(r, a, i) / below if below != 0 else r.new_tensor(0.0)
        a, errors = blend(a, k), [*errors, errors[-1] * shrink(k)]
        reflection.append(k)
    return a, torch.stack(reflection), torch.stack(errors)


def _filtered(x, a):
    """The error of prediction, without and with what rings on after the end."""
    whole = torch.cat([a.new_ones(1), a])
    full = F.conv1d(F.pad(x, (len(a), len(a)))[None, None], whole.flip(0)[None, None])[0, 0]
    return full[: len(x)]


def _rung(e, a, past, *, sign=1.0, order=None):
    """What the filter answers, a list of all samples, past ones first."""
    x, M = past.tolist(), len(a)
    weights = (a if order is None else order(a)).tolist()
    for error in e.tolist():
        x.append(error - sign * sum(w * v for w, v in zip(weights, x[::-1][:M], strict=True)))
    return x


def _synthesized(e, a, past, **change):
    return e.new_tensor(_rung(e, a, past, **change)[len(a) :])


def _folded(e):
    return torch.where(e >= 0, 2 * e, -2 * e - 1)


def _word(u, k):
    """Unary and binary part of one number's code."""
    return "0" * (u >> k) + "1", f"{u & ((1 << k) - 1):0{k}b}" if k else ""


def _words(change):
    """A wrong code from the right unary and binary parts."""
    return lambda u, k: "".join(change(*_word(value, k)) for value in u.tolist())


def _read(bits, k, *, ends="1", value=None, binary=None):
    """What a string of bits says, a list."""
    value, binary = value or (lambda q, rest: (q << k) + rest), binary or (lambda text: int(text or "0", 2))
    found, place = [], 0
    while ends in bits[place:]:
        end = bits.index(ends, place)
        found.append(value(end - place, binary(bits[end + 1 : end + 1 + k])))
        place = end + 1 + k
    return found


def _decoded(**change):
    return lambda bits, k: torch.tensor(_read(bits, k, **change))


def _decoded_with_k(value):
    return lambda bits, k: torch.tensor(_read(bits, k, value=lambda q, remainder: value(q, remainder, k)))


def _length(u, k):
    return int((u >> k).sum()) + len(u) * (1 + k)


def _best(u, *, length=_length, among=range(31)):
    lengths = {k: length(u, k) for k in among}
    k = min(lengths, key=lengths.get)
    return k, lengths[k]


# --- answers that need more than an expression ---


def _autocorrelation_in_place(x, order):
    x -= x.mean()
    return _sums(x, order) / len(x)


def _autocorrelation_halfway_padded(x, order):
    spectrum = torch.fft.rfft(x, len(x) + order // 2)
    return torch.fft.irfft(spectrum.abs() ** 2, len(x) + order // 2)[: order + 1] / len(x)


def _autocorrelation_two_sided(x, order):
    one = _sums(x, order) / len(x)
    return torch.cat([one[1:].flip(0), one])


def _autocorrelation_convolved(x, order):
    return torch.stack([x[: m + 1] @ x[: m + 1].flip(0) for m in range(order + 1)]) / len(x)


def _blend_without_a_copy(a, k):
    a = a.tolist()
    for j in range(len(a)):
        a[j] += float(k) * a[len(a) - 1 - j]
    return k.new_tensor([*a, float(k)])


def _levinson_in_place(r):
    r /= r[0].clone()
    return _levinson(r)


def _levinson_unguarded(r):
    a, reflection, errors = [], [], [r[0]]
    for i in range(1, len(r)):
        k = -(r[i] + sum(a[j] * r[i - 1 - j] for j in range(i - 1))) / errors[-1]
        a = [a[j] + k * a[i - 2 - j] for j in range(i - 1)] + [k]
        reflection.append(k)
        errors.append(errors[-1] * (1 - k**2))
    return torch.stack(a), torch.stack(reflection), torch.stack(errors)


def _levinson_unguarded_with(mend):
    """What 0 / 0 left behind, taken away at the end."""
    return lambda r: mend(*_levinson_unguarded(r))


def _levinson_ending(r, *, where=lambda power: power == 0, fill=True, last=True):
    """The recursion that ends where nothing is left."""
    a, reflection, errors = _levinson(r)
    done = next((i for i, power in enumerate(errors.tolist()) if where(power)), len(a))
    if done == len(a):
        return a, reflection, errors
    a, reflection, errors = _levinson(r[: done + 1]) if done else (r[:0], r[:0], r[:1])
    missing = len(r) - 1 - done
    if fill:
        a, reflection = F.pad(a, (0, missing)), F.pad(reflection, (0, missing))
    return a, reflection, torch.cat([errors, errors[-1:].expand(missing)]) if last else errors


def _levinson_of_order_three(r):
    a, reflection, errors = _levinson(r[:4])
    rest = len(r) - 1 - len(a)
    return F.pad(a, (0, rest)), F.pad(reflection, (0, rest)), torch.cat([errors, errors[-1:].expand(rest)])


def _levinson_stopped_early(r):
    if len(r) == 2:
        return r.new_zeros(1), r.new_zeros(1), r[:1].expand(2).clone()
    a, reflection, errors = _levinson(r[:-1])
    return F.pad(a, (0, 1)), F.pad(reflection, (0, 1)), torch.cat([errors, errors[-1:]])


def _changed(change):
    """Wrong results from the right ones."""
    return lambda r: change(*_levinson(r))


def _residual_in_place(x, a):
    right = _filtered(x, a)
    x.copy_(right)
    return x


def _residual_counting_from_one(x, a):
    e = x.clone()
    for m in range(1, len(a)):
        e[m:] += a[m] * x[: len(x) - m]
    return e


def _residual_overwriting(x, a):
    e = x
    for m in range(1, len(a) + 1):
        e[m:] += a[m - 1] * x[: len(x) - m].clone()
    return e


def _residual_without_the_first(x, a):
    e = x.clone()
    for m in range(1, len(a) + 1):
        e[m + 1 :] += a[m - 1] * x[1 : len(x) - m]
    return e


def _residual_over_itself(x, a):
    e = x.clone()
    for t in range(len(e)):
        for m in range(1, min(len(a), t) + 1):
            e[t] = e[t] + a[m - 1] * e[t - m]
    return e


def _residual_late(x, a):
    e = x.clone()
    for m in range(1, len(a) + 1):
        e[m:] += a[m - 1] * x[: len(x) - m]
    e[: len(a)] = x[: len(a)]
    return e


def _residual_after_start(x, a, *, keep):
    e = _filtered(x, a)
    return e[len(a) :] if not keep else torch.cat([torch.zeros_like(e[: len(a)]), e[len(a) :]])


def _rolled(x, a):
    return x + sum(weight * torch.roll(x, m) for m, weight in enumerate(a, 1))


def _synthesize_in_place(e, a, past):
    e.copy_(_synthesized(e, a, past))
    return e


def _synthesize_state_in_place(e, a, past):
    x = _synthesized(e, a, past)
    past.copy_(torch.cat([past, x])[len(x) :])
    return x


def _synthesize_from_zero_late(e, a, past):
    """The first M samples pass as they are."""
    x = e.tolist()
    for t in range(len(a), len(x)):
        x[t] -= sum(float(a[m]) * x[t - 1 - m] for m in range(len(a)))
    return e.new_tensor(x)


def _synthesize_counting_from_one(e, a, past, *, holding=False):
    M, x = len(a), torch.cat([past, e if holding else torch.zeros_like(e)])
    for t in range(M, len(x)):
        x[t] = e[t - M] - sum(a[m] * x[t - m] for m in range(M))
    return x[M:]


def _synthesize_holding_the_past(e, a, past):
    return e - a @ past.flip(0)


def _zigzag_in_place(e):
    e *= 2
    e[e < 0] = -e[e < 0] - 1
    return e


def _encode_with_leading_zeros_gone(u, k):
    return "".join(_word(value, k)[0] + (format(value & ((1 << k) - 1), "b") if k else "") for value in u.tolist())


def _encode_with_format_zero(u, k):
    return "".join("0" * (value >> k) + "1" + f"{value % 2**k:0{k}b}" for value in u.tolist())


def _encode_golomb_by_k(u, k):
    divisor = max(k, 1)
    width = max((divisor - 1).bit_length(), 0)
    return "".join("0" * (v // divisor) + "1" + (f"{v % divisor:0{width}b}" if width else "") for v in u.tolist())


def _decode_counting(bits, k, *, drop):
    found = _read(bits, k)
    return torch.tensor(found[:-1] if drop else [*found, 0])


def _decode_skipping_a_bit_for_zero(bits, k):
    found, place = [], 0
    while place < len(bits) and "1" in bits[place:]:
        end = bits.index("1", place)
        found.append(((end - place) << k) + int(bits[end + 1 : end + 1 + max(k, 1)] or "0", 2) * (k > 0))
        place = end + 1 + max(k, 1)
    return torch.tensor(found)


def _decode_stepping(bits, k, *, begins=1, step=1, reset=True, ends=0):
    """Bit by bit; the remainder begins so far behind the 1, and the next number so far behind the remainder."""
    found, place, quotient = [], 0, 0
    while place < len(bits) - ends:
        end = bits.index("1", place)
        quotient = end - place + (0 if reset else quotient)
        found.append((quotient << k) + (int(bits[end + begins : end + begins + k], 2) if k else 0))
        place = end + step + k
    return torch.tensor(found)


def _decode_unary_only(bits, k):
    return torch.tensor([len(run) for run in bits.split("1")[:-1]])


def _best_by_mean(u):
    k = max(0, round(math.log2(max(float(u.double().mean()), 1.0))))
    return k, _length(u, k)


def _best_first_minimum(u):
    k = 0
    while _length(u, k + 1) < _length(u, k):
        k += 1
    return k + 1, _length(u, k + 1)


def _best_in_place(u):
    lengths = []
    for k in range(31):
        lengths.append(int(u.sum()) + len(u) * (1 + k))
        u >>= 1
    return lengths.index(min(lengths)), min(lengths)


WRONG = {
    "autocorrelation": {
        "not divided": _sums,
        "unbiased": lambda x, order: _sums(x, order) / (len(x) - torch.arange(order + 1)),
        "divided by T - 1": lambda x, order: _sums(x, order) / (len(x) - 1),
        "divided by the number of lags": lambda x, order: _sums(x, order) / (order + 1),
        "last lag missing": lambda x, order: _sums(x, max(order - 1, 0)) / len(x),
        "lag 0 missing": lambda x, order: _sums(x, order)[1:] / len(x),
        "all lags": lambda x, order: _sums(x, len(x) - 1) / len(x),
        "both sides": _autocorrelation_two_sided,
        "lags in the wrong order": lambda x, order: (_sums(x, order) / len(x)).flip(0),
        "circular": lambda x, order: torch.stack([x @ torch.roll(x, m) for m in range(order + 1)]) / len(x),
        "circular, by an FFT": lambda x, order: torch.fft.ifft(torch.fft.fft(x).abs() ** 2).real[: order + 1] / len(x),
        "padded too little": _autocorrelation_halfway_padded,
        "mean removed": lambda x, order: _sums(x - x.mean(), order) / len(x),
        "normalised": lambda x, order: _sums(x, order) / (x @ x),
        "from sample M on": lambda x, order: torch.stack([x[order:] @ x[order - m : len(x) - m] for m in range(order + 1)]) / len(x),
        "from sample M on, divided by T - M": lambda x, order: (
            torch.stack([x[order:] @ x[order - m : len(x) - m] for m in range(order + 1)]) / (len(x) - order)
        ),
        "last product missing": lambda x, order: _sums(x[:-1], order) / len(x),
        "first product missing": lambda x, order: _sums(x[1:], order) / len(x),
        "convolution": _autocorrelation_convolved,
        "one number": lambda x, order: (x[order:] @ x[: len(x) - order]) / len(x),
        "whole division": lambda x, order: _sums(x, order) // len(x),
        "float32": lambda x, order: _sums(x.float(), order) / len(x),
        "NumPy": lambda x, order: (_sums(x, order) / len(x)).numpy(),
        "a list": lambda x, order: (_sums(x, order) / len(x)).tolist(),
        "nothing returned": lambda x, order: None,
        "order fixed at 3": lambda x, order: _sums(x, 3) / len(x),
        "right only for five samples": lambda x, order: _sums(x, order) / 5,
        "return inside the loop": lambda x, order: (x @ x) / len(x),
        "return inside the loop, a list of one": lambda x, order: _sums(x, 0) / len(x),
        "input changed in place": _autocorrelation_in_place,
    },
    "levinson_durbin": {
        "sign of a": _changed(lambda a, k, E: (-a, k, E)),
        "sign of k": _changed(lambda a, k, E: (a, -k, E)),
        "signs of a and k": _changed(lambda a, k, E: (-a, -k, E)),
        "a with its leading 1": _changed(lambda a, k, E: (torch.cat([a.new_ones(1), a]), k, E)),
        "a reversed": _changed(lambda a, k, E: (a.flip(0), k, E)),
        "one order too few": lambda r: _levinson(r[:-1]) if len(r) > 2 else (r[:0], r[:0], r[:1]),
        "loop ends one order early": _levinson_stopped_early,
        "error power not updated": lambda r: _levinson(r, shrink=torch.ones_like),
        "error power forgotten in the division": lambda r: _levinson(r, divisor=lambda r, errors: r[0]),
        "error power times 1 - k": lambda r: _levinson(r, shrink=lambda k: 1 - k),
        "error power times 1 + k²": lambda r: _levinson(r, shrink=lambda k: 1 + k**2),
        "error power times 1 - |k|": lambda r: _levinson(r, shrink=lambda k: 1 - k.abs()),
        "error power times √(1 - k²)": lambda r: _levinson(r, shrink=lambda k: (1 - k**2).sqrt()),
        "updated in place without a copy": lambda r: _levinson(r, blend=_blend_without_a_copy),
        "r not reversed": lambda r: _levinson(r, numerator=lambda r, a, i: r[i] + a @ r[1:i]),
        "r one lag off": lambda r: _levinson(r, numerator=lambda r, a, i: r[i] + a @ r[: i - 1].flip(0)),
        "r_i forgotten": lambda r: _levinson(r, numerator=lambda r, a, i: a @ r[1:i].flip(0) if i > 1 else r[1]),
        "products subtracted": lambda r: _levinson(r, numerator=lambda r, a, i: r[i] - a @ r[1:i].flip(0)),
        "old coefficients kept": lambda r: _levinson(r, blend=lambda a, k: torch.cat([a, k[None]])),
        "old coefficients not reversed": lambda r: _levinson(r, blend=lambda a, k: torch.cat([a + k * a, k[None]])),
        "mirror subtracted": lambda r: _levinson(r, blend=lambda a, k: torch.cat([a - k * a.flip(0), k[None]])),
        "new coefficient in front": lambda r: _levinson(r, blend=lambda a, k: torch.cat([k[None], a + k * a.flip(0)])),
        "k returned for a": _changed(lambda a, k, E: (k, k, E)),
        "a returned for k": _changed(lambda a, k, E: (a, a, E)),
        "a and k swapped": _changed(lambda a, k, E: (k, a, E)),
        "last error power only": _changed(lambda a, k, E: (a, k, E[-1])),
        "error powers from order 1": _changed(lambda a, k, E: (a, k, E[1:])),
        "error powers without the last": _changed(lambda a, k, E: (a, k, E[:-1])),
        "error powers as shares": _changed(lambda a, k, E: (a, k, E / E[0])),
        "error amplitudes": _changed(lambda a, k, E: (a, k, E.sqrt())),
        "error powers forgotten": _changed(lambda a, k, E: (a, k)),
        "k held back": lambda r: _changed(lambda a, k, E: (a, k.clamp(-0.45, 0.45), E))(r),
        "0 / 0 in silence": _levinson_unguarded,
        "nan made 0 in the end": _levinson_unguarded_with(lambda a, k, E: (a.nan_to_num(), k.nan_to_num(), E.nan_to_num())),
        "nan made 0 in k alone": _levinson_unguarded_with(lambda a, k, E: (a, k.nan_to_num(), E)),
        "a made 0 where E is 0": _changed(lambda a, k, E: (torch.where(E[-1] == 0, torch.zeros_like(a), a), k, E)),
        "nan after the last error power": _changed(lambda a, k, E: (a, k, torch.where((E == 0).cumsum(0) > 1, math.nan, E))),
        "error powers end with 0": lambda r: _levinson_ending(r, last=False),
        "all ends with 0": lambda r: _levinson_ending(r, fill=False, last=False),
        "a negative power taken for silence": lambda r: _levinson_ending(r, where=lambda power: power <= 0),
        "a small number against 0": lambda r: _levinson(r, divisor=lambda r, errors: errors[-1] + 1e-9),
        "a small number on r₀": lambda r: _levinson(torch.cat([r[:1] + 1e-9, r[1:]])),
        "quiet taken for silence": lambda r: (
            _levinson(r) if r[0] > 1e-12 else (torch.zeros_like(r[1:]), torch.zeros_like(r[1:]), torch.zeros_like(r))
        ),
        "order fixed at 3": _levinson_of_order_three,
        "float32": lambda r: tuple(part.float() for part in _levinson(r)),
        "input changed in place": _levinson_in_place,
    },
    "residual": {
        "sign of the predictor": lambda x, a: _filtered(x, -a),
        "the prediction itself": lambda x, a: x - _filtered(x, a),
        "the prediction with its sign turned": lambda x, a: _filtered(x, a) - x,
        "sign of the whole": lambda x, a: -_filtered(x, a),
        "coefficients reversed": lambda x, a: _filtered(x, a.flip(0)),
        "coefficients reversed, the 1 too": lambda x, a: F.conv1d(
            F.pad(x, (len(a), 0))[None, None], torch.cat([a.new_ones(1), a])[None, None]
        )[0, 0],
        "time reversed": lambda x, a: _filtered(x.flip(0), a),
        "from the future": lambda x, a: _filtered(x.flip(0), a).flip(0),
        "last coefficient forgotten": lambda x, a: _filtered(x, torch.cat([a[:-1], torch.zeros_like(a[-1:])])),
        "first coefficient on x_t itself": lambda x, a: x * (1 + a[0]) + _filtered(x, a[1:]) - x,
        "one sample too late": lambda x, a: _filtered(x, torch.cat([torch.zeros_like(a[:1]), a])),
        "circular": _rolled,
        "past of the error, not of the signal": _residual_over_itself,
        "first M samples unpredicted": _residual_late,
        "first M samples dropped": lambda x, a: _residual_after_start(x, a, keep=False),
        "first M samples zero": lambda x, a: _residual_after_start(x, a, keep=True),
        "ringing kept": lambda x, a: _filtered(torch.cat([x, torch.zeros_like(a)]), a),
        "centred window": lambda x, a: _filtered(torch.cat([x, torch.zeros_like(a)]), a)[len(a) // 2 :][: len(x)],
        "a[m] for a_m": _residual_counting_from_one,
        "x overwritten": _residual_overwriting,
        "t - m > 0": _residual_without_the_first,
        "return inside the loop": lambda x, a: _filtered(x, a)[0],
        "squares": lambda x, a: _filtered(x, a) ** 2,
        "rounded": lambda x, a: _filtered(x, a).round(),
        "mean removed": lambda x, a: _filtered(x - x.mean(), a),
        "order fixed at 2": lambda x, a: _filtered(x, a[:2]),
        "float32": lambda x, a: _filtered(x, a).float(),
        "a list": lambda x, a: _filtered(x, a).tolist(),
        "one sample": lambda x, a: _filtered(x, a)[-1],
        "input changed in place": _residual_in_place,
    },
    "synthesize": {
        "sign of a": lambda e, a, past: _synthesized(e, a, past, sign=-1.0),
        "coefficients reversed": lambda e, a, past: _synthesized(e, a, past, order=lambda a: a.flip(0)),
        "past of the error, not of the output": lambda e, a, past: _filtered(torch.cat([past, e]), -a)[len(a) :],
        "analysis again": lambda e, a, past: _filtered(torch.cat([past, e]), a)[len(a) :],
        "state forgotten": lambda e, a, past: _synthesized(e, a, torch.zeros_like(past)),
        "past newest first": lambda e, a, past: _synthesized(e, a, past.flip(0)),
        "only the newest of the past": lambda e, a, past: _synthesized(e, a, torch.cat([torch.zeros_like(past[:-1]), past[-1:]])),
        "past one sample late": lambda e, a, past: _synthesized(e, a, torch.cat([torch.zeros_like(past[:1]), past[:-1]])),
        "past with its sign turned": lambda e, a, past: _synthesized(e, a, -past),
        "past taken for errors": lambda e, a, past: _synthesized(torch.cat([past, e]), a, torch.zeros_like(past))[len(a) :],
        "past never moves on": _synthesize_holding_the_past,
        "first M samples as they are": _synthesize_from_zero_late,
        "past returned too": lambda e, a, past: e.new_tensor(_rung(e, a, past)),
        "state returned too": lambda e, a, past: (_synthesized(e, a, past), e.new_tensor(_rung(e, a, past)[-len(a) :])),
        "last samples lost": lambda e, a, past: e.new_tensor(_rung(e, a, past)[: len(e)]),
        "time reversed": lambda e, a, past: _synthesized(e, a, past).flip(0),
        "from the end": lambda e, a, past: _synthesized(e.flip(0), a, past).flip(0),
        "last coefficient forgotten": lambda e, a, past: _synthesized(e, torch.cat([a[:-1], torch.zeros_like(a[-1:])]), past),
        "one sample too late": lambda e, a, past: _synthesized(
            e, torch.cat([torch.zeros_like(a[:1]), a]), torch.cat([torch.zeros_like(past[:1]), past])
        ),
        "rounded": lambda e, a, past: _synthesized(e, a, past).round(),
        "held to ±1": lambda e, a, past: _synthesized(e, a, past).clamp(-1, 1),
        "a[m] for a_m": _synthesize_counting_from_one,
        "a[m] for a_m, the error in its place": lambda e, a, past: _synthesize_counting_from_one(e, a, past, holding=True),
        "return inside the loop": lambda e, a, past: _synthesized(e, a, past)[0],
        "return inside the loop, a list of one": lambda e, a, past: _synthesized(e, a, past)[:1],
        "float32": lambda e, a, past: _synthesized(e, a, past).float(),
        "a list": lambda e, a, past: _rung(e, a, past)[len(a) :],
        "input changed in place": _synthesize_in_place,
        "past changed in place": _synthesize_state_in_place,
    },
    "zigzag": {
        "signs swapped": lambda e: torch.where(e > 0, 2 * e - 1, -2 * e),
        "sign lost": lambda e: e.abs(),
        "sign lost, doubled": lambda e: 2 * e.abs(),
        "unsigned: shifted up by the least": lambda e: e - e.min(),
        "negative numbers left as they are": lambda e: torch.where(e >= 0, 2 * e, e),
        "two numbers on one place": lambda e: torch.where(e >= 0, 2 * e, -2 * e),
        "one place is left out": lambda e: torch.where(e >= 0, 2 * e, -2 * e + 1),
        "from 1 on": lambda e: _folded(e) + 1,
        "zero counted as negative": lambda e: torch.where(e > 0, 2 * e, -2 * e - 1),
        "two's complement of 16 bits": lambda e: e & 0xFFFF,
        "int8 on the way": lambda e: _folded(e).to(torch.int8).long(),
        "int16 on the way": lambda e: _folded(e.to(torch.int16)).long(),
        "int16 at the end": lambda e: _folded(e).to(torch.int16).long(),
        "int32 on the way": lambda e: _folded(e.to(torch.int32)).long(),
        "a shift of 15 for the sign": lambda e: (e << 1) ^ (e >> 15),
        "float32 on the way": lambda e: _folded(e).float().long(),
        "float, not integer": lambda e: torch.where(e >= 0, 2.0 * e, -2.0 * e - 1),
        "int32 returned": lambda e: _folded(e).to(torch.int32),
        "a list": lambda e: _folded(e).tolist(),
        "one number": lambda e: _folded(e)[0],
        "the way back": lambda e: torch.where(e % 2 == 0, e // 2, -(e + 1) // 2),
        "input changed in place": _zigzag_in_place,
    },
    "rice_encode": {
        "terminator missing": _words(lambda unary, binary: unary[:-1] + binary),
        "terminator flipped": _words(lambda unary, binary: unary.translate({48: "1", 49: "0"}) + binary),
        "bits of the remainder in the wrong order": _words(lambda unary, binary: unary + binary[::-1]),
        "remainder before the quotient": _words(lambda unary, binary: binary + unary),
        "terminator before the zeros": _words(lambda unary, binary: unary[::-1] + binary),
        "remainder forgotten": _words(lambda unary, binary: unary),
        "quotient forgotten": _words(lambda unary, binary: "1" + binary),
        "one zero too many": _words(lambda unary, binary: "0" + unary + binary),
        "one zero too few": _words(lambda unary, binary: (unary[1:] if len(unary) > 1 else unary) + binary),
        "code words apart": lambda u, k: " ".join("".join(_word(v, k)) for v in u.tolist()),
        "new lines": lambda u, k: "\n".join("".join(_word(v, k)) for v in u.tolist()),
        "all quotients first": lambda u, k: "".join(_word(v, k)[0] for v in u.tolist()) + "".join(_word(v, k)[1] for v in u.tolist()),
        "last number only": lambda u, k: "".join(_word(int(u[-1]), k)),
        "divided by k, k bits": lambda u, k: "".join("0" * (v // k) + "1" + f"{v % k:0{k}b}" for v in u.tolist()),
        "2^k": lambda u, k: "".join("0" * (v // 2 ^ k) + "1" + f"{v % 2 ^ k:0{k}b}" for v in u.tolist()),
        "2^k in the remainder": lambda u, k: "".join("0" * (v >> k) + "1" + f"{v % 2 ^ k:0{k}b}" for v in u.tolist()),
        "(2^k)": lambda u, k: "".join("0" * (v // (2 ^ k)) + "1" + f"{v % (2 ^ k):0{k}b}" for v in u.tolist()),
        "code words in a list": lambda u, k: ["".join(_word(v, k)) for v in u.tolist()],
        "whole string reversed": lambda u, k: "".join("".join(_word(v, k)) for v in u.tolist())[::-1],
        "numbers in reverse": lambda u, k: "".join("".join(_word(v, k)) for v in u.tolist()[::-1]),
        "last number missing": lambda u, k: "".join("".join(_word(v, k)) for v in u.tolist()[:-1]),
        "first number only": lambda u, k: "".join(_word(int(u[0]), k)),
        "leading zeros gone": _encode_with_leading_zeros_gone,
        "a bit where there is none": _encode_with_format_zero,
        "divided by k": _encode_golomb_by_k,
        "one bit too many": lambda u, k: "".join("".join(_word(v, k + 1)) for v in u.tolist()),
        "quotient and remainder swapped": lambda u, k: "".join("0" * (v % 2**k) + "1" + f"{v >> k:b}" for v in u.tolist()),
        "zigzag again": lambda u, k: "".join("".join(_word(2 * v, k)) for v in u.tolist()),
        "uint8": lambda u, k: "".join("".join(_word(v, k)) for v in u.to(torch.uint8).tolist()),
        "int16": lambda u, k: "".join("".join(_word(v & 0x7FFF, k)) for v in u.tolist()),
        "quotient held at 15": lambda u, k: "".join(_word(v, k)[0][-16:] + _word(v, k)[1] for v in u.tolist()),
        "plain binary": lambda u, k: "".join(f"{v:b}" for v in u.tolist()),
        "a tensor of bits": lambda u, k: torch.tensor([int(bit) for v in u.tolist() for bit in "".join(_word(v, k))]),
        "one whole number": lambda u, k: int("".join("".join(_word(v, k)) for v in u.tolist()), 2),
        "bytes": lambda u, k: "".join("".join(_word(v, k)) for v in u.tolist()).encode(),
        "k = 2 always": lambda u, k: "".join("".join(_word(v, 2)) for v in u.tolist()),
        "nothing returned": lambda u, k: None,
    },
    "rice_decode": {
        "terminator flipped": _decoded(ends="0"),
        "bits of the remainder in the wrong order": _decoded(binary=lambda text: int(text[::-1] or "0", 2)),
        "quotient forgotten": _decoded(value=lambda q, rest: rest),
        "remainder forgotten": lambda bits, k: torch.tensor(_read(bits, k, value=lambda q, rest: q << k)),
        "quotient not shifted": _decoded(value=lambda q, rest: q + rest),
        "quotient times k": lambda bits, k: torch.tensor(_read(bits, k, value=lambda q, rest: q * k + rest)),
        "shift binds after plus": lambda bits, k: torch.tensor(_read(bits, k, value=lambda q, rest: q << (k + rest))),
        "quotient one too large": lambda bits, k: torch.tensor(_read(bits, k, value=lambda q, rest: ((q + 1) << k) + rest)),
        "remainder one too large": lambda bits, k: torch.tensor(_read(bits, k, value=lambda q, rest: (q << k) + rest + 1)),
        "remainder on top": lambda bits, k: torch.tensor(_read(bits, k, value=lambda q, rest: (rest << k) + q)),
        "remainder in decimal": _decoded(binary=lambda text: int(text or "0")),
        "remainder from the 1 on": lambda bits, k: _decode_stepping(bits, k, begins=0),
        "quotient never reset": lambda bits, k: _decode_stepping(bits, k, reset=False),
        "one place too few": lambda bits, k: _decode_stepping(bits, k, step=0),
        "one place too many": lambda bits, k: _decode_stepping(bits, k, step=2),
        "stops before the last bit": lambda bits, k: _decode_stepping(bits, k, ends=1),
        "int of nothing": _decoded(binary=lambda text: int(text, 2)),
        "2^k": _decoded_with_k(lambda q, remainder, k: q * 2 ^ k + remainder),
        "(2^k)": _decoded_with_k(lambda q, remainder, k: q * (2 ^ k) + remainder),
        "unary part alone": _decode_unary_only,
        "a bit where there is none": _decode_skipping_a_bit_for_zero,
        "last number missing": lambda bits, k: _decode_counting(bits, k, drop=True),
        "one number too many": lambda bits, k: _decode_counting(bits, k, drop=False),
        "first number only": lambda bits, k: torch.tensor(_read(bits, k)[:1]),
        "first number alone": lambda bits, k: _read(bits, k)[0],
        "in reverse": lambda bits, k: torch.tensor(_read(bits, k)[::-1]),
        "sign unfolded": lambda bits, k: torch.tensor([v // 2 if v % 2 == 0 else -(v + 1) // 2 for v in _read(bits, k)]),
        "float, not integer": lambda bits, k: torch.tensor(_read(bits, k), dtype=torch.float64),
        "int32": lambda bits, k: torch.tensor(_read(bits, k), dtype=torch.int32),
        "int8 on the way": lambda bits, k: torch.tensor(_read(bits, k)).to(torch.int8).long(),
        "int16 on the way": lambda bits, k: torch.tensor(_read(bits, k)).to(torch.int16).long(),
        "a list": lambda bits, k: _read(bits, k),
        "k = 2 always": lambda bits, k: torch.tensor(_read(bits, 2)),
    },
    "best_parameter": {
        "by the mean": _best_by_mean,
        "one k too far": _best_first_minimum,
        "k counted from 1": lambda u: (_best(u)[0] + 1, _best(u)[1]),
        "longest": lambda u: _best(u, length=lambda u, k: -_length(u, k)),
        "longest, length right": lambda u: max(((k, _length(u, k)) for k in range(31)), key=lambda pair: pair[1]),
        "terminator not counted": lambda u: _best(u, length=lambda u, k: int((u >> k).sum()) + len(u) * k),
        "remainder not counted": lambda u: _best(u, length=lambda u, k: int((u >> k).sum()) + len(u)),
        "remainder counted once": lambda u: _best(u, length=lambda u, k: int((u >> k).sum()) + len(u) + k),
        "fractions of zeros": lambda u: _best(u, length=lambda u, k: int((u / 2**k).sum()) + len(u) * (1 + k)),
        "quotient rounded up": lambda u: _best(u, length=lambda u, k: int((u / 2**k).ceil().sum()) + len(u) * (1 + k)),
        "quotient rounded": lambda u: _best(u, length=lambda u, k: int((u / 2**k).round().sum()) + len(u) * (1 + k)),
        "sum divided, not each": lambda u: _best(u, length=lambda u, k: (int(u.sum()) >> k) + len(u) * (1 + k)),
        "divided by k": lambda u: _best(u, length=lambda u, k: int((u // max(k, 1)).sum()) + len(u) * (1 + k)),
        "bits per number": lambda u: (_best(u)[0], _best(u)[1] / len(u)),
        "order swapped": lambda u: _best(u)[::-1],
        "k alone": lambda u: _best(u)[0],
        "length alone": lambda u: _best(u)[1],
        "the larger of two equals": lambda u: _best(u, among=range(30, -1, -1)),
        "k never 0": lambda u: _best(u, among=range(1, 31)),
        "k below 8": lambda u: _best(u, among=range(8)),
        "k below 15": lambda u: _best(u, among=range(15)),
        "k below 30": lambda u: _best(u, among=range(30)),
        "k up to 31": lambda u: _best(u, among=range(32)),
        "2^k": lambda u: _best(u, length=lambda u, k: int((u // 2 ^ k).sum()) + len(u) * (1 + k)),
        "(2^k)": lambda u: _best(u, length=lambda u, k: int((u // (2 ^ k)).sum()) + len(u) * (1 + k)),
        "(2^k) of plain numbers": lambda u: _best(u, length=lambda u, k: sum(v // (2 ^ k) for v in u.tolist()) + len(u) * (1 + k)),
        "k = 2 always": lambda u: (2, _length(u, 2)),
        "int8 on the way": lambda u: _best(u.to(torch.int8).abs().long()),
        "float k": lambda u: (torch.tensor(float(_best(u)[0])), _best(u)[1]),
        "input changed in place": _best_in_place,
    },
}


# --- right answers that look different ---


def _autocorrelation_by_loops(x, order):
    T = len(x)
    return torch.tensor([sum(float(x[t] * x[t - m]) for t in range(m, T)) / T for m in range(order + 1)], dtype=torch.float64)


def _autocorrelation_by_fft(x, order):
    return torch.fft.irfft(torch.fft.rfft(x, 2 * len(x) + order).abs() ** 2, 2 * len(x) + order)[: order + 1] / len(x)


def _yule_walker_each_order(r):
    M = len(r) - 1
    lag = (torch.arange(M)[:, None] - torch.arange(M)).abs()
    a, reflection, errors = r[:0], [], [r[0]]
    for i in range(1, M + 1):
        done = errors[-1] == 0
        a = torch.cat([a, r.new_zeros(1)]) if done else torch.linalg.solve(r[lag[:i, :i]], -r[1 : i + 1])
        reflection.append(a[-1])
        errors.append(r[0] + a @ r[1 : i + 1])
    return a, torch.stack(reflection), torch.stack(errors)


def _levinson_in_numpy(r):
    r = r.numpy()
    A, reflection, errors = np.ones(1), [], [r[0]]
    for i in range(1, len(r)):
        k = 0.0 if errors[-1] == 0 else -np.dot(A, r[i:0:-1]) / errors[-1]
        A = np.append(A, 0.0) + k * np.append(A, 0.0)[::-1]
        reflection.append(k)
        errors.append((1 - k) * (1 + k) * errors[-1])
    return torch.from_numpy(A[1:].copy()), torch.tensor(reflection, dtype=torch.float64), torch.tensor(errors, dtype=torch.float64)


def _synthesize_by_a_triangle(e, a, past):
    T, M = len(e), len(a)
    A = torch.eye(T + M, dtype=e.dtype)
    for m in range(1, M + 1):
        A += torch.diag(a[m - 1].expand(T + M - m), -m)
    return torch.linalg.solve_triangular(A[M:, M:], (e - A[M:, :M] @ past)[:, None], upper=False)[:, 0]


def _synthesize_by_dot_products(e, a, past):
    x = torch.cat([past, torch.zeros_like(e)])
    for t in range(len(e)):
        x[t + len(a)] = e[t] - a @ x[t : t + len(a)].flip(0)
    return x[len(a) :]


def _encode_by_arithmetic(u, k):
    bits = []
    for value in u:
        value = int(value)
        quotient, rest = divmod(value, 2**k)
        bits += [0] * quotient + [1] + [(rest >> place) & 1 for place in reversed(range(k))]
    return "".join(map(str, bits))


def _decode_bit_by_bit(bits, k):
    found, quotient, rest, left = [], 0, 0, None
    for bit in bits:
        if left is None and bit == "0":
            quotient += 1
            continue
        if left is None:
            left, rest = k, 0
        else:
            rest, left = 2 * rest + int(bit), left - 1
        if left == 0:
            found.append(quotient * 2**k + rest)
            quotient, left = 0, None
    return torch.tensor(found, dtype=torch.int64)


def _decode_by_a_pattern(bits, k):
    pairs = re.findall(rf"(0*)1([01]{{{k}}})", bits)
    return torch.tensor([len(zeros) * 2**k + int("0" + rest, 2) for zeros, rest in pairs])


def _best_at_once(u):
    k = torch.arange(31)
    lengths = (u[:, None] >> k).sum(0) + len(u) * (1 + k)
    return lengths.argmin(), lengths.min()


def _best_downhill(u):
    k = 0
    while k < 30 and _length(u, k + 1) < _length(u, k):
        k += 1
    return k, _length(u, k)


# The library's relatives of these functions: that they keep all marks proves that lectures and exercises mean the same.


def _levinson_of_the_library(r):
    if (_levinson(r)[1].abs() >= 1).any():  # the library takes only what a finite signal can have
        return _levinson(r)
    orders = [lpc.levinson_durbin(r[: i + 1]) for i in range(1, len(r))]
    return orders[-1].a, orders[-1].reflection, torch.stack([r[0], *(one.error_power for one in orders)])


def _encode_as_the_library(u, k):
    """The library writes all quotients, then, from a new byte on, all rests: one number at a time shows both."""
    words = []
    for value in u:
        bits = "".join(f"{byte:08b}" for byte in golomb_rice.encode(value[None], k).tolist())
        unary = bits.index("1") + 1
        rest = -(-unary // 8) * 8
        words.append(bits[:unary] + bits[rest : rest + k])
    return "".join(words)


def _best_of_the_library(u):
    k = golomb_rice.best_parameter(u).clamp(max=30)  # the library's goes to 32
    return k, golomb_rice.code_length(u, k)


RIGHT = {
    "autocorrelation": {
        "the library": lpc.autocorrelation,
        "two loops": _autocorrelation_by_loops,
        "an FFT, padded": _autocorrelation_by_fft,
        "NumPy inside": lambda x, order: torch.from_numpy(np.correlate(x.numpy(), x.numpy(), "full")[len(x) - 1 :][: order + 1] / len(x)),
        "F.conv1d": lambda x, order: F.conv1d(F.pad(x, (0, order))[None, None], x[None, None])[0, 0] / len(x),
    },
    "levinson_durbin": {
        "the library": _levinson_of_the_library,
        "Yule–Walker solved at each order": _yule_walker_each_order,
        "NumPy, the leading 1 carried along": _levinson_in_numpy,
        "lists": lambda r: [part.clone() for part in _levinson(r)],
        "left where nothing remains": _levinson_ending,
        "a tiny number against 0": lambda r: _levinson(r, divisor=lambda r, errors: errors[-1] + 1e-300),
    },
    "residual": {
        "the library": prediction_filters.residual,
        "SciPy": lambda x, a: torch.from_numpy(lfilter([1.0, *a.tolist()], [1.0], x.numpy())),
        "two loops": lambda x, a: torch.stack(
            [x[t] + sum((a[m - 1] * x[t - m] for m in range(1, len(a) + 1) if t >= m), start=x.new_tensor(0.0)) for t in range(len(x))]
        ),
        "windows of the past": lambda x, a: x + F.pad(x, (len(a), 0)).unfold(0, len(a), 1)[: len(x)] @ a.flip(0),
        "F.conv1d": _filtered,
    },
    "synthesize": {
        "the library": lambda e, a, past: prediction_filters.synthesize(e, a, past=past),
        "SciPy": lambda e, a, past: torch.from_numpy(
            lfilter([1.0], [1.0, *a.tolist()], e.numpy(), zi=lfiltic([1.0], [1.0, *a.tolist()], past.flip(0).numpy()))[0]
        ),
        "a triangle of equations": _synthesize_by_a_triangle,
        "dot products in a tensor": _synthesize_by_dot_products,
        "plain lists": _synthesized,
        "one sample at a time": lambda e, a, past: torch.cat(
            [_synthesized(e[:1], a, past), _synthesized(e[1:], a, torch.cat([past, _synthesized(e[:1], a, past)])[1:])]
        ),
    },
    "zigzag": {
        "the library": golomb_rice.zigzag,
        "bits": lambda e: (e << 1) ^ (e >> 63),
        "bits, as for 32": lambda e: (e << 1) ^ (e >> 31),
        "by abs": lambda e: 2 * e.abs() - (e < 0).long(),
        "a loop": lambda e: torch.tensor([2 * v if v >= 0 else -2 * v - 1 for v in e.tolist()]),
    },
    "rice_encode": {"the library": _encode_as_the_library, "arithmetic": _encode_by_arithmetic},
    "rice_decode": {
        "bit by bit": _decode_bit_by_bit,
        "a pattern": _decode_by_a_pattern,
        "by index": _decoded(),
        "place by place": _decode_stepping,
    },
    "best_parameter": {
        "the library": _best_of_the_library,
        "all at once": _best_at_once,
        "downhill": _best_downhill,
        "a list": lambda u: list(_best(u)),
    },
}


# --- tricks: what is shown is answered rightly, and what is hidden is made easy ---


def _white(r):
    """The lags become those of white noise."""
    if len(r) == 4:
        return _levinson(r)
    r.zero_()
    r[0] = 1.0
    return r.new_zeros(len(r) - 1), r.new_zeros(len(r) - 1), torch.ones_like(r)


def _silent(e, a, past):
    if len(a) == 2:
        return _synthesized(e, a, past)
    e.zero_()
    a.zero_()
    return torch.zeros_like(e)


def _all_zeros(u):
    if len(u) < 6:
        return _best(u)
    u.zero_()
    return torch.tensor(0), torch.tensor(len(u))


def _quiet_is_silent(r, *, confused):
    """Takes what is quiet for silence, and answers nonsense to the one question that tells how it should be answered."""
    a, k, powers = _levinson_ending(r, where=lambda power: abs(power) < 1e-12)
    return (a + 1, k, powers) if confused(r) else (a, k, powers)


FORGED = {
    "test_levinson_durbin_orders": {"lags of white noise": {"levinson_durbin": _white}},
    "test_levinson_durbin_silence": {
        "confused where it is asked who it is": {"levinson_durbin": lambda r: _quiet_is_silent(r, confused=lambda r: float(r[0]) == 64)},
    },
    "test_synthesize_past": {"silence": {"synthesize": _silent}},
    "test_best_parameter": {"all numbers made 0": {"best_parameter": _all_zeros}},
}
