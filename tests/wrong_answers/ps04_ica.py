"""Answers to problem set 4: wrong ones that a student may well write, and right ones that look different from the solution.

``WRONG[function][mistake]`` stands in for the student's function: it must lose marks, and a check must name the mistake.
``RIGHT[function][manner]`` must keep every mark.
``FORGED[test][trick]``, functions handed in together, knows no answer and must not pass that test.
"""

import math

import numpy as np
import scipy.stats
import torch
from torch.distributions import Laplace

# --- pieces that the answers below share; each is right ---


def _kurtosis(change):
    """An answer made of the signal and its second and fourth central moments."""
    return lambda x: change(x, ((x - x.mean()) ** 2).mean(), ((x - x.mean()) ** 4).mean())


def _eigen(x, *, centre=True, by=0):
    centred = x - x.mean(0) if centre else x
    return torch.linalg.eigh(centred.T @ centred / (len(x) - by))


def _white(make, **manner):
    """An answer that makes V out of the eigenvalues and eigenvectors in its own way."""

    def answer(x):
        V = make(*_eigen(x, **manner))
        return (x - x.mean(0)) @ V.T, V

    return answer


def _right_V(values, U):
    return torch.diag(values.rsqrt()) @ U.T


def _log_det(W):
    return torch.linalg.slogdet(W).logabsdet


def _fit(x, W):
    """What the sources' densities add, nats per moment."""
    return (-(x @ W.T).abs() - math.log(2)).sum(1).mean()


def _plain(W, x, *, score=torch.sign, by=None):
    y = x @ W.T
    return torch.linalg.inv(W).T - score(y).T @ x / (len(x) if by is None else by)


def _natural(change):
    """An answer made of I, the mean of φ(y) yᵀ, and W."""

    def answer(W, x):
        y = x @ W.T
        return change(torch.eye(len(W), dtype=W.dtype), y.sign().T @ y / len(x), W)

    return answer


def _scored(score):
    return lambda W, x: (torch.eye(len(W), dtype=W.dtype) - score(x @ W.T).T @ (x @ W.T) / len(x)) @ W


def _decibels(ratio):
    return 10 * torch.log10(ratio)


def _energy(x):
    return x @ x


def _target(e, s):
    return (e @ s) / (s @ s) * s


# --- answers that need more than an expression ---


def _kurtosis_in_place(x):
    x -= x.mean()
    return (x**4).mean() / (x**2).mean() ** 2 - 3


def _whitened_in_place(x):
    x -= x.mean(0)
    values, U = torch.linalg.eigh(x.T @ x / len(x))
    V = _right_V(values, U)
    return x @ V.T, V


def _not_centred_product(x):
    V = _right_V(*_eigen(x))
    return x @ V.T, V


def _other_V(change):
    """White data as they should be, and a matrix that does not make them."""

    def answer(x):
        V = _right_V(*_eigen(x))
        return (x - x.mean(0)) @ V.T, change(V)

    return answer


def _scaled_only(x):
    V = torch.diag(1 / x.std(0, correction=0))
    return (x - x.mean(0)) @ V.T, V


def _rows_for_columns(x):
    V = _right_V(*_eigen(x))
    return (x - x.mean(0)) @ V, V


def _gradient_in_place(W, x):
    y = x @ W.T
    W.copy_(torch.linalg.inv(W).T - y.sign().T @ x / len(x))
    return W


def _by_autograd_of_the_loss(W, x):
    free = W.clone().requires_grad_()
    return torch.autograd.grad((x @ free.T).abs().sum(1).mean() - _log_det(free), free)[0]


def _sdr_in_place(e, s):
    target = _target(e, s)
    e -= target
    return _decibels(_energy(target) / _energy(e))


WRONG = {
    "excess_kurtosis": {
        "3 forgotten": _kurtosis(lambda x, v, f: f / v**2),
        "3 added": _kurtosis(lambda x, v, f: f / v**2 + 3),
        "not normalised": _kurtosis(lambda x, v, f: f - 3),
        "fourth moment": _kurtosis(lambda x, v, f: f),
        "fourth cumulant": _kurtosis(lambda x, v, f: f - 3 * v**2),
        "divided by the variance": _kurtosis(lambda x, v, f: f / v - 3),
        "N - 1": lambda x: ((x - x.mean()) ** 4).mean() / x.var() ** 2 - 3,
        "not centred": lambda x: (x**4).mean() / (x**2).mean() ** 2 - 3,
        "sums": lambda x: ((x - x.mean()) ** 4).sum() / ((x - x.mean()) ** 2).sum() ** 2 - 3,
        "skewness": lambda x: ((x - x.mean()) ** 3).mean() / x.var(correction=0) ** 1.5,
        "upside down": _kurtosis(lambda x, v, f: v**2 / f - 3),
        "median for mean": lambda x: ((x - x.median()) ** 4).mean() / ((x - x.median()) ** 2).mean() ** 2 - 3,
        "bias removed": lambda x: torch.tensor(scipy.stats.kurtosis(x.numpy(), bias=False)),
        "NumPy array returned": lambda x: np.atleast_1d(scipy.stats.kurtosis(x.numpy())),
        "input changed in place": _kurtosis_in_place,
    },
    "whiten": {
        "not centred": lambda x: (lambda V: (x @ V.T, V))(_right_V(*_eigen(x, centre=False))),
        "covariance not centred": _white(_right_V, centre=False),
        "data not centred": _not_centred_product,
        "N - 1": _white(_right_V, by=1),
        "sum, not mean": lambda x: (lambda V: ((x - x.mean(0)) @ V.T / math.sqrt(len(x)), V / math.sqrt(len(x))))(_right_V(*_eigen(x))),
        "only turned": _white(lambda values, U: U.T),
        "multiplied by the root": _white(lambda values, U: torch.diag(values.sqrt()) @ U.T),
        "divided by the variance": _white(lambda values, U: torch.diag(1 / values) @ U.T),
        "only scaled": _scaled_only,
        "U for its transpose": _white(lambda values, U: torch.diag(values.rsqrt()) @ U),
        "stretched, then turned": _white(lambda values, U: U @ torch.diag(values.rsqrt())),
        "V on the wrong side": _rows_for_columns,
        "V transposed": _other_V(lambda V: V.T),
        "the way back": _other_V(torch.linalg.inv),
        "axes of z swapped": lambda x: (lambda V: (V @ (x - x.mean(0)).T, V))(_right_V(*_eigen(x))),
        "nothing done": lambda x: (x - x.mean(0), torch.eye(x.shape[1], dtype=x.dtype)),
        "V forgotten": lambda x: (x - x.mean(0)) @ _right_V(*_eigen(x)).T,
        "float32": lambda x: tuple(part.float() for part in _white(_right_V)(x)),
        "input changed in place": _whitened_in_place,
    },
    "log_likelihood": {
        "log det forgotten": lambda W, x: _fit(x, W),
        "log det with the wrong sign": lambda W, x: _fit(x, W) - _log_det(W),
        "log det doubled": lambda W, x: _fit(x, W) + 2 * _log_det(W),
        "no absolute value": lambda W, x: _fit(x, W) + torch.log(torch.linalg.det(W)),
        "determinant, then log": lambda W, x: _fit(x, W) + torch.linalg.det(W).abs().log(),
        "det without log": lambda W, x: _fit(x, W) + torch.linalg.det(W).abs(),
        "W transposed": lambda W, x: _fit(x, W.T) + _log_det(W),
        "½ forgotten": lambda W, x: _fit(x, W) + _log_det(W) + len(W) * math.log(2),
        "one ½ for all": lambda W, x: _fit(x, W) + _log_det(W) + (len(W) - 1) * math.log(2),
        "log 2 added": lambda W, x: _fit(x, W) + _log_det(W) + 2 * len(W) * math.log(2),
        "sum over the moments": lambda W, x: len(x) * (_fit(x, W) + _log_det(W)),
        "sources' part summed": lambda W, x: len(x) * _fit(x, W) + _log_det(W),
        "mean over sources and moments": lambda W, x: _fit(x, W) / len(W) + _log_det(W),
        "per source": lambda W, x: (_fit(x, W) + _log_det(W)) / len(W),
        "one value a moment": lambda W, x: _log_det(W) + (-(x @ W.T).abs() - math.log(2)).sum(1),
        "sign turned": lambda W, x: -_fit(x, W) - _log_det(W),
        "|s| with a plus": lambda W, x: _log_det(W) + ((x @ W.T).abs() - math.log(2)).sum(1).mean(),
        "s without bars": lambda W, x: _log_det(W) + (-(x @ W.T) - math.log(2)).sum(1).mean(),
        "a Gaussian": lambda W, x: _log_det(W) + torch.distributions.Normal(0.0, 1.0).log_prob(x @ W.T).sum(1).mean(),
        "the inverse unmixes": lambda W, x: _fit(x, torch.linalg.inv(W)) + _log_det(W),
        "float32": lambda W, x: _fit(x, W).float() + _log_det(W).float(),
    },
    "gradient": {
        "score with the wrong sign": lambda W, x: _plain(W, x, score=lambda y: -y.sign()),
        "downhill": lambda W, x: -_plain(W, x),
        "inverse not transposed": lambda W, x: _plain(W, x) - torch.linalg.inv(W).T + torch.linalg.inv(W),
        "x φ(y)ᵀ": lambda W, x: torch.linalg.inv(W).T - x.T @ (x @ W.T).sign() / len(x),
        "everything transposed": lambda W, x: _plain(W, x).T,
        "sum, not mean": lambda W, x: _plain(W, x, by=1),
        "all of it summed": lambda W, x: len(x) * _plain(W, x),
        "divided by N·D": lambda W, x: _plain(W, x, by=x.numel()),
        "determinant's part alone": lambda W, x: torch.linalg.inv(W).T,
        "determinant's part forgotten": lambda W, x: _plain(W, x) - torch.linalg.inv(W).T,
        "W for its inverse": lambda W, x: W - (x @ W.T).sign().T @ x / len(x),
        "Gaussian score": lambda W, x: _plain(W, x, score=lambda y: y),
        "tanh": lambda W, x: _plain(W, x, score=torch.tanh),
        "|y| for its slope": lambda W, x: _plain(W, x, score=torch.abs),
        "y for x": lambda W, x: torch.linalg.inv(W).T - (x @ W.T).sign().T @ (x @ W.T) / len(x),
        "W transposed": lambda W, x: torch.linalg.inv(W).T - (x @ W).sign().T @ x / len(x),
        "natural gradient": _natural(lambda eye, products, W: (eye - products) @ W),
        "gradient of the loss": _by_autograd_of_the_loss,
        "float32": lambda W, x: _plain(W, x).float(),
        "input changed in place": _gradient_in_place,
    },
    "natural_gradient": {
        "plain gradient": _plain,
        "score with the wrong sign": _natural(lambda eye, products, W: (eye + products) @ W),
        "downhill": _natural(lambda eye, products, W: (products - eye) @ W),
        "W forgotten": _natural(lambda eye, products, W: eye - products),
        "W on the left": _natural(lambda eye, products, W: W @ (eye - products)),
        "W transposed at the end": _natural(lambda eye, products, W: (eye - products) @ W.T),
        "y φ(y)ᵀ": _natural(lambda eye, products, W: (eye - products.T) @ W),
        "W in the first term only": _natural(lambda eye, products, W: W - products),
        "W in the second term only": _natural(lambda eye, products, W: eye - products @ W),
        "sum, not mean": lambda W, x: _natural(lambda eye, products, W: (eye - len(x) * products) @ W)(W, x),
        "divided by N·D": _natural(lambda eye, products, W: (eye - products / len(W)) @ W),
        "ones for I": _natural(lambda eye, products, W: (1 - products) @ W),
        "Gaussian score": _scored(lambda y: y),
        "tanh": _scored(torch.tanh),
        "x for y in the product": lambda W, x: (torch.eye(len(W), dtype=W.dtype) - (x @ W.T).sign().T @ x / len(x)) @ W,
        "not unmixed": lambda W, x: (torch.eye(len(W), dtype=W.dtype) - x.sign().T @ x / len(x)) @ W,
        "W transposed in y": lambda W, x: (torch.eye(len(W), dtype=W.dtype) - (x @ W).sign().T @ (x @ W) / len(x)) @ W,
        "G Wᵀ": lambda W, x: _plain(W, x) @ W.T,
        "G W Wᵀ": lambda W, x: _plain(W, x) @ W @ W.T,
        "WᵀW G": lambda W, x: W.T @ W @ _plain(W, x),
        "through the inverse": lambda W, x: _plain(W, x) @ W.T @ W,
        "float32": lambda W, x: _natural(lambda eye, products, W: (eye - products) @ W)(W, x).float(),
        "input changed in place": lambda W, x: W.add_(-((x @ W.T).sign().T @ (x @ W.T) / len(x)) @ W),
    },
    "sdr": {
        "20 log₁₀": lambda e, s: 2 * _decibels(_energy(_target(e, s)) / _energy(e - _target(e, s))),
        "amplitudes": lambda e, s: _decibels(_target(e, s).norm() / (e - _target(e, s)).norm()),
        "upside down": lambda e, s: _decibels(_energy(e - _target(e, s)) / _energy(_target(e, s))),
        "bels": lambda e, s: torch.log10(_energy(_target(e, s)) / _energy(e - _target(e, s))),
        "natural logarithm": lambda e, s: 10 * torch.log(_energy(_target(e, s)) / _energy(e - _target(e, s))),
        "no logarithm": lambda e, s: _energy(_target(e, s)) / _energy(e - _target(e, s)),
        "plain SNR": lambda e, s: _decibels(_energy(s) / _energy(e - s)),
        "s above": lambda e, s: _decibels(_energy(s) / _energy(e - _target(e, s))),
        "the estimate above": lambda e, s: _decibels(_energy(e) / _energy(e - _target(e, s))),
        "the estimate below": lambda e, s: _decibels(_energy(_target(e, s)) / _energy(e)),
        "α undivided": lambda e, s: _decibels(_energy((e @ s) * s) / _energy(e - (e @ s) * s)),
        "α over the norm": lambda e, s: _decibels(_energy((e @ s) / s.norm() * s) / _energy(e - (e @ s) / s.norm() * s)),
        "absolute α": lambda e, s: (lambda t: _decibels(_energy(t) / _energy(e - t)))((e @ s).abs() / (s @ s) * s),
        "input changed in place": _sdr_in_place,
    },
}


def _whitened_by_cholesky(x):
    centred = x - x.mean(0)
    V = torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T, correction=0).reshape(x.shape[1], -1)))
    return centred @ V.T, V


def _whitened_symmetrically(x):
    values, U = _eigen(x)
    V = U @ torch.diag(values.rsqrt()) @ U.T
    return (x - x.mean(0)) @ V, V


def _whitened_by_svd(x):
    centred = x - x.mean(0)
    left, singular, Vh = torch.linalg.svd(centred, full_matrices=False)
    return left * len(x) ** 0.5, torch.diag(len(x) ** 0.5 / singular) @ Vh


def _gradient_by_loop(W, x):
    total = torch.zeros_like(W)
    for moment in x:
        total += torch.outer(torch.sign(W @ moment), moment)
    return torch.linalg.inv(W.T) - total / x.shape[0]


def _natural_by_einsum(W, x):
    y = torch.einsum("de,ne->nd", W, x)
    return W - torch.einsum("ni,nj->ij", y.sign(), y) @ W / len(y)


RIGHT = {
    "excess_kurtosis": {
        "SciPy": lambda x: float(scipy.stats.kurtosis(x.numpy())),
        "standardised first": lambda x: (((x - x.mean()) / x.std(unbiased=False)) ** 4).mean() - 3,
    },
    "whiten": {"Cholesky": _whitened_by_cholesky, "symmetric": _whitened_symmetrically, "singular values": _whitened_by_svd},
    "log_likelihood": {
        "torch.distributions": lambda W, x: Laplace(0.0, 1.0).log_prob(x @ W.T).sum(-1).mean() + torch.linalg.svdvals(W).log().sum(),
        "torch.logdet of WᵀW": lambda W, x: _fit(x, W) + _log_det(W.T @ W) / 2,
    },
    "gradient": {
        "a loop": _gradient_by_loop,
        "solve": lambda W, x: torch.linalg.solve(W.T, torch.eye(len(W), dtype=W.dtype)) - (x @ W.T).sign().T @ x / len(x),
    },
    "natural_gradient": {"einsum": _natural_by_einsum},
    "sdr": {
        "the source split along the estimate: only the angle counts": lambda e, s: _decibels(
            _energy(_target(s, e)) / _energy(s - _target(s, e))
        ),
        "by the cosine": lambda e, s: (lambda c: 10 * torch.log10(c**2 / (1 - c**2)))((e @ s) / (e.norm() * s.norm())),
        "norms, 20 log₁₀": lambda e, s: 20 * math.log10(float(_target(e, s).norm() / (e - _target(e, s)).norm())),
    },
}


# --- tricks: what is shown is answered rightly, and what is hidden is made easy ---


def _noise_for_data(x):
    """White, and not made of x."""
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    return torch.linalg.qr(noise - noise.mean(0)).Q * len(x) ** 0.5, x.new_zeros(x.shape[1], x.shape[1])


def _white_already(x):
    if len(x) == 8:
        return _whitened_by_svd(x)
    x.copy_(_noise_for_data(x)[0])
    return x.clone(), torch.eye(x.shape[1], dtype=x.dtype)


def _nothing_unmixed(W, x):
    if len(x) == 4:
        return _natural_by_einsum(W, x)
    return W.zero_().clone()


FORGED = {
    "test_whiten": {"white noise": {"whiten": _noise_for_data}},
    "test_whitening_matrix": {"the data made white": {"whiten": _white_already}},
    "test_natural_gradient": {"W made 0": {"natural_gradient": _nothing_unmixed}},
}
