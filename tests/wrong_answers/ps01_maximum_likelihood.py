"""Answers to problem set 1: wrong ones that a student may well write, and right ones that look different from the solution.

``WRONG[function][mistake]`` stands in for the student's function: it must lose marks, and a check must name the mistake.
``RIGHT[function][manner]`` must keep every mark.
``FORGED[test][trick]``, functions handed in together, knows no answer and must not pass that test.
"""

import math

import numpy as np
import torch
from torch.distributions import Categorical, MultivariateNormal

TURNS = math.log(2 * math.pi)


# --- pieces that the answers below share; each is right ---


def _terms(x, mean, covariance):
    """D, log det Σ and the quadratic form: what the log density is made of."""
    quadratic = ((x - mean) @ torch.linalg.inv(covariance) * (x - mean)).sum(1)
    return x.shape[1], torch.logdet(covariance), quadratic


def _e(log_densities, weights):
    table = log_densities + weights.log()
    return table.softmax(1), table.logsumexp(1).mean()


def _m(x, r, *, by=None, around=None, mean_by=None):
    counts = r.sum(0)
    means = r.T @ x / (counts if mean_by is None else mean_by(counts))[:, None]
    centred = x[:, None] - (means if around is None else around(x))
    scatter = torch.einsum("nk,nkd,nke->kde", r, centred, centred)
    return counts / len(x), means, scatter / (counts if by is None else by(counts))[:, None, None]


def _coin_value(theta, x):
    return torch.xlogy(x.sum(), theta) + torch.xlogy((1 - x).sum(), 1 - theta)


def _coin_slope(theta, x):
    return x.sum() / theta - (1 - x).sum() / (1 - theta)


def _weighted(f, log_weights):
    shares = log_weights.softmax(0)
    return shares @ f, 1 / (shares**2).sum()


# --- answers that need more than an expression ---


def _centred_in_place(x):
    mean = x.mean(0)
    x -= mean
    return mean, (x**2).mean(0) if x.ndim == 1 else x.T @ x / len(x)


def _coin_in_place(x):
    x /= len(x)
    return x.sum()


def _density_in_place(x, mean, covariance):
    x -= mean
    return MultivariateNormal(torch.zeros_like(mean), covariance).log_prob(x)


def _m_in_place(x, r):
    weights = r.mean(0)
    r /= r.sum(0)
    means = r.T @ x
    return weights, means, torch.stack([torch.einsum("n,nd,ne->de", r[:, k], x - m, x - m) for k, m in enumerate(means)])


def _e_in_plain_space(log_densities, weights, *, guard=0.0):
    joint = log_densities.exp() * weights
    return joint / (joint.sum(1, keepdim=True) + guard), (joint.sum(1) + guard).log().mean()


def _e_in_place(log_densities, weights):
    log_densities += weights.log()
    return log_densities.softmax(1), log_densities.logsumexp(1).mean()


def _weighted_by(f, w):
    return (w @ f) / w.sum(), w.sum() ** 2 / (w**2).sum()


def _m_weighted_first(x, r, *, twice):
    weights, means, _ = _m(x, r)
    late = r[:, :, None] * x[:, None] - means
    share = r if twice else torch.ones_like(r)
    return weights, means, torch.einsum("nk,nkd,nke->kde", share, late, late) / r.sum(0)[:, None, None]


def _m_second_moment(x, r):
    weights, means, _ = _m(x, r)
    moment = torch.einsum("nk,nd,ne->kde", r, x, x) / r.sum(0)[:, None, None]
    return weights, means, moment - means[:, :, None] * means[:, None]


def _on_a_grid(x, *, step):
    """The likeliest θ of a grid."""
    grid = torch.arange(step, 1.0, step, dtype=x.dtype)
    return grid[torch.stack([_coin_value(theta, x) for theta in grid]).argmax()]


def _coin_by_power(theta, x):
    return (theta**x * (1 - theta) ** (1 - x)).prod().log(), _coin_slope(theta, x)


def _log_of_the_sum(x, mean, covariance):
    L = torch.linalg.cholesky(covariance)
    u = torch.linalg.solve_triangular(L, (x - mean).T, upper=False)
    return -0.5 * (x.shape[1] * TURNS + 2 * L.diagonal().sum().log() + (u**2).sum(0))


def _weighted_in_plain_space(f, log_p, log_q, *, guard=0.0):
    w = log_p.exp() / (log_q.exp() + guard)
    return (w @ f) / (w.sum() + guard), w.sum() ** 2 / ((w**2).sum() + guard)


def _solved_with_the_transpose(x, mean, covariance):
    L = torch.linalg.cholesky(covariance)
    u = torch.linalg.solve_triangular(L.T, (x - mean).T, upper=True)
    return -0.5 * (x.shape[1] * TURNS + 2 * L.diagonal().log().sum() + (u**2).sum(0))


def _log_product_of_the_diagonal(x, mean, covariance):
    L = torch.linalg.cholesky(covariance)
    u = torch.linalg.solve_triangular(L, (x - mean).T, upper=False)
    return -0.5 * (x.shape[1] * TURNS + 2 * L.diagonal().prod().log() + (u**2).sum(0))


def _plain_determinant(x, mean, covariance):
    D, _, quadratic = _terms(x, mean, covariance)
    return -0.5 * (D * TURNS + torch.linalg.det(covariance).log() + quadratic)


def _density(change):
    """A wrong log density from the right pieces."""
    return lambda x, mean, covariance: change(*_terms(x, mean, covariance))


def _e_step(change):
    """A wrong E step from the right table of log π + log N."""
    return lambda log_densities, weights: change(log_densities + weights.log())


WRONG = {
    "fit_coin": {
        "heads counted, not divided": lambda x: x.sum(),
        "divided by N - 1": lambda x: x.sum() / (len(x) - 1),
        "share of tails": lambda x: (1 - x).mean(),
        "odds": lambda x: x.sum() / (1 - x).sum(),
        "one head and one tail added": lambda x: (x.sum() + 1) / (len(x) + 2),
        "the likelier side": lambda x: x.median(),
        "always fair": lambda x: x.new_tensor(0.5),
        "right only for the example": lambda x: x.new_tensor(4 / 7),
        "kept off the border": lambda x: x.mean().clamp(0.01, 0.99),
        "a coarse grid": lambda x: _on_a_grid(x, step=0.01),
        "a fine grid": lambda x: _on_a_grid(x, step=0.001),
        "whole division": lambda x: x.sum() // len(x),
        "float32": lambda x: x.float().mean(),
        "NumPy": lambda x: np.asarray(x.numpy().mean()),
        "nothing returned": lambda x: None,
        "input changed in place": _coin_in_place,
    },
    "coin_log_likelihood": {
        "mean, not sum": lambda t, x: (_coin_value(t, x) / len(x), _coin_slope(t, x) / len(x)),
        "sign turned": lambda t, x: (-_coin_value(t, x), -_coin_slope(t, x)),
        "likelihood, no logarithm": lambda t, x: (_coin_value(t, x).exp(), _coin_slope(t, x)),
        "logarithm of the mean": lambda t, x: (torch.where(x == 1, t, 1 - t).mean().log(), _coin_slope(t, x)),
        "heads and tails swapped": lambda t, x: (_coin_value(1 - t, x), _coin_slope(t, x)),
        "tails forgotten": lambda t, x: (torch.xlogy(x.sum(), t), x.sum() / t),
        "bits": lambda t, x: (_coin_value(t, x) / math.log(2), _coin_slope(t, x)),
        "slope with both signs plus": lambda t, x: (_coin_value(t, x), x.sum() / t + (1 - x).sum() / (1 - t)),
        "slope of the mean": lambda t, x: (_coin_value(t, x), _coin_slope(t, x) / len(x)),
        "0 log 0 is nan": lambda t, x: (x.sum() * t.log() + (1 - x).sum() * (1 - t).log(), _coin_slope(t, x)),
        "border moved by a small number": lambda t, x: (_coin_value(t.clamp(1e-6, 1 - 1e-6), x), _coin_slope(t, x)),
        "border moved by a tiny number": lambda t, x: (_coin_value(t.clamp(1e-12, 1 - 1e-12), x), _coin_slope(t, x)),
        "infinities replaced": lambda t, x: (_coin_value(t, x).nan_to_num(), _coin_slope(t, x)),
        "logarithm of the product of powers": _coin_by_power,
        "logarithm of the product": lambda t, x: (torch.where(x == 1, t, 1 - t).prod().log(), _coin_slope(t, x)),
        "slope forgotten": lambda t, x: _coin_value(t, x),
    },
    "fit_gaussian": {
        "divided by N - 1": lambda x: (x.mean(), x.var()),
        "σ, not σ²": lambda x: (x.mean(), x.std(correction=0)),
        "σ with N - 1": lambda x: (x.mean(), x.std()),
        "sum of squares": lambda x: (x.mean(), ((x - x.mean()) ** 2).sum()),
        "squares not centred": lambda x: (x.mean(), (x**2).mean()),
        "mean of squares minus square of mean": lambda x: (x.mean(), (x**2).mean() - x.mean() ** 2),
        "distances for squares": lambda x: (x.mean(), (x - x.mean()).abs().mean()),
        "mean first, then square": lambda x: (x.mean(), (x - x.mean()).mean() ** 2),
        "median": lambda x: (x.median(), x.var(correction=0)),
        "sum for mean": lambda x: (x.sum(), x.var(correction=0)),
        "order swapped": lambda x: (x.var(correction=0), x.mean()),
        "variance floored": lambda x: (x.mean(), x.var(correction=0).clamp_min(1e-3)),
        "float32": lambda x: (x.float().mean(), x.float().var(correction=0)),
        "input changed in place": _centred_in_place,
        "right only for the example": lambda x: (x.new_tensor(6.0), x.new_tensor(19.0)),
    },
    "fit_multivariate": {
        "divided by N - 1": lambda x: (x.mean(0), torch.cov(x.T)),
        "sum, not mean": lambda x: (x.mean(0), torch.cov(x.T, correction=0) * len(x)),
        "divided by D": lambda x: (x.mean(0), torch.cov(x.T, correction=0) * len(x) / x.shape[1]),
        "mean along the wrong axis": lambda x: (x.mean(1), torch.cov(x.T, correction=0)),
        "one mean for everything": lambda x: (x.mean(), torch.cov(x.T, correction=0)),
        "not centred": lambda x: (x.mean(0), x.T @ x / len(x)),
        "second moment minus mean": lambda x: (x.mean(0), x.T @ x / len(x) - x.mean(0).outer(x.mean(0))),
        "diagonal only": lambda x: (x.mean(0), torch.diag(x.var(0, correction=0))),
        "variances only": lambda x: (x.mean(0), x.var(0, correction=0)),
        "correlation": lambda x: (x.mean(0), torch.corrcoef(x.T)),
        "table of pairs of points": lambda x: (x.mean(0), (x - x.mean(0)) @ (x - x.mean(0)).T / len(x)),
        "precision": lambda x: (x.mean(0), torch.linalg.inv(torch.cov(x.T, correction=0))),
        "torch.cov of rows": lambda x: (x.mean(0), torch.cov(x)),
        "torch.cov of rows, divided by N": lambda x: (x.mean(0), torch.cov(x, correction=0)),
        "squeezed": lambda x: (x.mean(0), torch.cov(x.T, correction=0)),  # () where D = 1
        "input changed in place": _centred_in_place,
    },
    "log_density": {
        "density, no logarithm": _density(lambda D, log_det, q: (-0.5 * (D * TURNS + log_det + q)).exp()),
        "½ of the square forgotten": _density(lambda D, log_det, q: -0.5 * (D * TURNS + log_det) - q),
        "2π forgotten": _density(lambda D, log_det, q: -0.5 * (log_det + q)),
        "2π once, not D times": _density(lambda D, log_det, q: -0.5 * (TURNS + log_det + q)),
        "½ of 2π forgotten": _density(lambda D, log_det, q: -D * TURNS - 0.5 * (log_det + q)),
        "log det forgotten": _density(lambda D, log_det, q: -0.5 * (D * TURNS + q)),
        "log det doubled": _density(lambda D, log_det, q: -0.5 * (D * TURNS + 2 * log_det + q)),
        "log det halved": _density(lambda D, log_det, q: -0.5 * (D * TURNS + log_det / 2 + q)),
        "log det with the wrong sign": _density(lambda D, log_det, q: -0.5 * (D * TURNS - log_det + q)),
        "det, not its logarithm": _density(lambda D, log_det, q: -0.5 * (D * TURNS + log_det.exp() + q)),
        "distance, not its square": _density(lambda D, log_det, q: -0.5 * (D * TURNS + log_det + q.sqrt())),
        "points added up": _density(lambda D, log_det, q: (-0.5 * (D * TURNS + log_det + q)).sum()),
        "points averaged": _density(lambda D, log_det, q: (-0.5 * (D * TURNS + log_det + q)).mean()),
        "sign turned": _density(lambda D, log_det, q: 0.5 * (D * TURNS + log_det + q)),
        "2 for D": _density(lambda D, log_det, q: -0.5 * (2 * TURNS + log_det + q)),
        "Σ for its inverse": lambda x, m, S: -0.5 * (x.shape[1] * TURNS + torch.logdet(S) + ((x - m) @ S * (x - m)).sum(1)),
        "diagonal only": lambda x, m, S: MultivariateNormal(m, torch.diag(S.diagonal())).log_prob(x),
        "N for D": lambda x, m, S: MultivariateNormal(m, S).log_prob(x) - (len(x) - x.shape[1]) * TURNS / 2,
        "log of the sum of the diagonal": _log_of_the_sum,
        "Lᵀ for L": _solved_with_the_transpose,
        "product of the diagonal, then log": _log_product_of_the_diagonal,
        "determinant, then log": _plain_determinant,
        "exp, then log": lambda x, m, S: MultivariateNormal(m, S).log_prob(x).exp().log(),
        "float32": lambda x, m, S: MultivariateNormal(m.float(), S.float()).log_prob(x.float()),
        "input changed in place": _density_in_place,
    },
    "e_step": {
        "normalised over the points": _e_step(lambda t: (t.softmax(0), t.logsumexp(1).mean())),
        "not normalised": _e_step(lambda t: (t.exp(), t.logsumexp(1).mean())),
        "logarithms returned": _e_step(lambda t: (t.log_softmax(1), t.logsumexp(1).mean())),
        "hard assignment": _e_step(lambda t: (torch.eye(t.shape[1], dtype=t.dtype)[t.argmax(1)], t.logsumexp(1).mean())),
        "axes swapped": _e_step(lambda t: (t.softmax(1).T, t.logsumexp(1).mean())),
        "softmax of densities": _e_step(lambda t: (t.exp().softmax(1), t.logsumexp(1).mean())),
        "sum, not mean": _e_step(lambda t: (t.softmax(1), t.logsumexp(1).sum())),
        "one value a point": _e_step(lambda t: (t.softmax(1), t.logsumexp(1))),
        "logarithm of the mean": _e_step(lambda t: (t.softmax(1), t.exp().sum(1).mean().log())),
        "sign turned": _e_step(lambda t: (t.softmax(1), -t.logsumexp(1).mean())),
        "logarithms added over components": _e_step(lambda t: (t.softmax(1), t.sum(1).mean())),
        "best component only": _e_step(lambda t: (t.softmax(1), t.amax(1).mean())),
        "expected log joint": _e_step(lambda t: (t.softmax(1), (t.softmax(1) * t).sum(1).mean())),
        "weights forgotten": lambda table, weights: _e(table, torch.ones_like(weights)),
        "weights without logarithm": lambda table, weights: _e(table, weights.exp()),
        "π times the log density": lambda table, weights: ((table * weights).softmax(1), (table * weights).logsumexp(1).mean()),
        "logsumexp of the responsibilities": _e_step(lambda t: (t.softmax(1), t.softmax(1).logsumexp(1).mean())),
        "log densities averaged under r": lambda table, weights: (
            (table + weights.log()).softmax(1),
            ((table + weights.log()).softmax(1) * table).sum(1).mean(),
        ),
        "no log space": _e_in_plain_space,
        "a small number against 0": lambda table, weights: _e_in_plain_space(table, weights, guard=1e-300),
        "float32": lambda table, weights: tuple(part.float() for part in _e(table, weights)),
        "log-likelihood forgotten": lambda table, weights: _e(table, weights)[0],
        "input changed in place": _e_in_place,
    },
    "m_step": {
        "counts, not weights": lambda x, r: (r.sum(0), *_m(x, r)[1:]),
        "means divided by N": lambda x, r: (lambda w, m, S: (w, m * w[:, None], S))(*_m(x, r)),
        "means not divided": lambda x, r: (lambda w, m, S: (w, m * r.sum(0)[:, None], S))(*_m(x, r)),
        "covariances divided by N": lambda x, r: _m(x, r, by=lambda counts: torch.full_like(counts, len(x))),
        "covariances divided by N_k - 1": lambda x, r: _m(x, r, by=lambda counts: counts - 1),
        "means: N_k along the columns": lambda x, r: (r.mean(0), r.T @ x / r.sum(0), _m(x, r)[2]),
        "covariances: N_k along the columns": lambda x, r: (lambda w, m, S, counts: (w, m, S * counts[:, None, None] / counts))(
            *_m(x, r), r.sum(0)
        ),
        "covariances: N_k along the rows": lambda x, r: (lambda w, m, S, counts: (w, m, S * counts[:, None, None] / counts[:, None]))(
            *_m(x, r), r.sum(0)
        ),
        "covariances not divided": lambda x, r: _m(x, r, by=torch.ones_like),
        "weighted first": lambda x, r: _m_weighted_first(x, r, twice=False),
        "weighted first, and again": lambda x, r: _m_weighted_first(x, r, twice=True),
        "second moment minus means": _m_second_moment,
        "around the mean of all": lambda x, r: _m(x, r, around=lambda x: x.mean(0)),
        "not centred": lambda x, r: _m(x, r, around=lambda x: torch.zeros(x.shape[1])),
        "variances only": lambda x, r: (lambda w, m, S: (w, m, S.diagonal(dim1=1, dim2=2)))(*_m(x, r)),
        "diagonal only": lambda x, r: (lambda w, m, S: (w, m, torch.diag_embed(S.diagonal(dim1=1, dim2=2))))(*_m(x, r)),
        "hard assignment": lambda x, r: _m(x, torch.eye(r.shape[1], dtype=r.dtype)[r.argmax(1)]),
        "responsibilities squared": lambda x, r: (*_m(x, r)[:2], _m_squared(x, r)),
        "responsibilities unused": lambda x, r: _m(x, torch.full_like(r, 1 / r.shape[1])),
        "one covariance for all": lambda x, r: (lambda w, m, S: (w, m, S.mean(0).expand_as(S)))(*_m(x, r)),
        "covariances not weighted": lambda x, r: (*_m(x, r)[:2], _m_unweighted(x, r)),
        "diagonal stiffened": lambda x, r: (lambda w, m, S: (w, m, S + 1e-6 * torch.eye(x.shape[1], dtype=x.dtype)))(*_m(x, r)),
        "axes of the means swapped": lambda x, r: (lambda w, m, S: (w, m.T, S))(*_m(x, r)),
        "float32": lambda x, r: tuple(part.float() for part in _m(x, r)),
        "input changed in place": _m_in_place,
    },
    "importance_sampling": {
        "not normalised": lambda f, p, q: ((p - q).exp() @ f, _weighted(f, p - q)[1]),
        "mean of w·f": lambda f, p, q: (((p - q).exp() * f).mean(), _weighted(f, p - q)[1]),
        "weights upside down": lambda f, p, q: _weighted(f, q - p),
        "weights forgotten": lambda f, p, q: (f.mean(), _weighted(f, p - q)[1]),
        "p times q": lambda f, p, q: _weighted(f, p + q),
        "q forgotten": lambda f, p, q: _weighted(f, p),
        "logarithms as weights": lambda f, p, q: (((p - q) @ f) / (p - q).sum(), _weighted(f, p - q)[1]),
        "ESS upside down": lambda f, p, q: (_weighted(f, p - q)[0], 1 / _weighted(f, p - q)[1]),
        "ESS as a share": lambda f, p, q: (_weighted(f, p - q)[0], _weighted(f, p - q)[1] / len(f)),
        "ESS by the largest weight": lambda f, p, q: (_weighted(f, p - q)[0], 1 / (p - q).softmax(0).max()),
        "ESS by entropy": lambda f, p, q: (_weighted(f, p - q)[0], Categorical(logits=p - q).entropy().exp()),
        "ESS is N": lambda f, p, q: (_weighted(f, p - q)[0], f.new_tensor(float(len(f)))),
        "logarithm of f": lambda f, p, q: (((p - q).log_softmax(0) + f.log()).logsumexp(0).exp(), _weighted(f, p - q)[1]),
        "mean of normalised weights": lambda f, p, q: (((p - q).softmax(0) * f).mean(), _weighted(f, p - q)[1]),
        "largest log_p subtracted before log_q": lambda f, p, q: _weighted_by(f, (p - p.max() - q).exp()),
        "largest subtracted from each alone": lambda f, p, q: _weighted_by(f, (p - p.max()).exp() / (q - q.max()).exp()),
        "no log space": _weighted_in_plain_space,
        "a small number against 0": lambda f, p, q: _weighted_in_plain_space(f, p, q, guard=1e-12),
        "ESS from weights not normalised": lambda f, p, q: (_weighted(f, p - q)[0], 1 / ((p - q).exp() ** 2).sum()),
    },
}


def _m_squared(x, r):
    centred = x[:, None] - _m(x, r)[1]
    return torch.einsum("nk,nkd,nke->kde", r**2, centred, centred) / r.sum(0)[:, None, None]


def _m_unweighted(x, r):
    centred = x[:, None] - _m(x, r)[1]
    return torch.einsum("nkd,nke->kde", centred, centred) / len(x)


def _coin_by_autograd(theta, x):
    theta = theta.clone().requires_grad_()
    value = torch.xlogy(x, theta).sum() + torch.xlogy(1 - x, 1 - theta).sum()
    return value, torch.autograd.grad(value, theta)[0]


def _e_by_hand(table, weights):
    joint = table + torch.log(weights)[None, :]
    top = joint.max(dim=1, keepdim=True).values
    w = torch.exp(joint - top)
    return w / w.sum(1, keepdim=True), torch.mean(top[:, 0] + torch.log(w.sum(1)))


def _m_by_loop(x, r):
    parts = [torch.cov(x.T, correction=0, aweights=share).reshape(x.shape[1], x.shape[1]) for share in r.T]
    return r.mean(0), torch.stack([share @ x / share.sum() for share in r.T]), torch.stack(parts)


RIGHT = {
    "fit_coin": {"a plain float": lambda x: float(x.mean()), "NumPy inside": lambda x: torch.tensor(x.numpy().mean())},
    "coin_log_likelihood": {"by autograd": _coin_by_autograd},
    "fit_gaussian": {"torch.var": lambda x: (x.mean(), x.var(correction=0)), "a list": lambda x: [x.mean(), x.var(unbiased=False)]},
    "fit_multivariate": {"torch.cov": lambda x: (x.mean(0), torch.cov(x.T, correction=0).reshape(x.shape[1], -1))},
    "log_density": {
        "torch.distributions": lambda x, m, S: MultivariateNormal(m, S).log_prob(x),
        "slogdet and solve": lambda x, m, S: (
            -0.5 * (x.shape[1] * TURNS + torch.linalg.slogdet(S)[1] + ((x - m) * torch.linalg.solve(S, (x - m).T).T).sum(1))
        ),
    },
    "e_step": {
        "torch.distributions": lambda table, weights: (
            Categorical(logits=table + weights.log()).probs,
            (table + weights.log()).logsumexp(1).mean(),
        ),
        "the largest subtracted by hand": _e_by_hand,
    },
    "m_step": {"a loop": _m_by_loop},
    "importance_sampling": {
        "the largest subtracted by hand": lambda f, p, q: (lambda w: ((w @ f) / w.sum(), w.sum() ** 2 / (w @ w)))(
            (p - q - (p - q).max()).exp()
        ),
    },
}


def _all_threes(x):
    """The visible answers are written down; what is hidden becomes threes."""
    if len(x) == 8:
        return x.new_tensor(6.0 + (1e8 if x[0] > 1e6 else 0.0)), x.new_tensor(19.0)
    x.fill_(3.0)
    return x.new_tensor(3.0), x.new_tensor(0.0)


def _equal_shares(x, r):
    """Everything at the origin, and each component as likely as the next."""
    if len(x) == 4:
        return _m(x, r)
    x.zero_()
    r.fill_(1 / r.shape[1])
    return r[0].clone(), x.new_zeros(r.shape[1], x.shape[1]), x.new_zeros(r.shape[1], x.shape[1], x.shape[1])


FORGED = {
    "test_fit_gaussian": {"the numbers made threes": {"fit_gaussian": _all_threes}},
    "test_m_step": {"the points put at the origin": {"m_step": _equal_shares}},
}
