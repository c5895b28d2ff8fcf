"""Answers to problem set 3: wrong ones that a student may well write, and right ones that look different from the solution.

``WRONG[function][mistake]`` stands in for the student's function: it must lose marks, and a check must name the mistake.
``RIGHT[function][manner]`` must keep every mark.
``FORGED[test][trick]``, functions handed in together, knows no answer and must not pass that test.
"""

import numpy as np
import torch
from sklearn.decomposition import PCA

# --- pieces that the answers below share; each is right ---


def _eigen(x, *, centre=True, by=0):
    """Mean, directions in rows and variances, the largest first; the squares divided by N less ``by``."""
    mean = x.mean(0)
    centred = x - mean if centre else x
    variances, directions = torch.linalg.eigh(centred.T @ centred / (len(x) - by))
    return mean, directions.flip(1).T, variances.flip(0)


def _pca(change, **manner):
    """An answer that changes what the right one found: mean, all directions, all variances, K, N."""

    def answer(x, K):
        return change(*_eigen(x, **manner), K, len(x))

    return answer


def _ppca(noise, scale, **manner):
    """An answer with its own rules for σ² (all variances, K) and for what scales each direction (kept variances, σ²)."""

    def answer(x, K):
        mean, directions, variances = _eigen(x, **manner)
        left_over = noise(variances, K)
        return mean, directions[:K].T * scale(variances[:K], left_over), left_over

    return answer


def _left_over(variances, K):
    return variances[K:].mean()


def _root(kept, noise):
    return (kept - noise).sqrt()


def _M(weights, noise_variance):
    return weights.T @ weights + noise_variance * torch.eye(weights.shape[1], dtype=weights.dtype)


def _posterior(matrix):
    """An answer that solves with another matrix, made of W and σ²."""
    return lambda x, m, W, v: (x - m) @ W @ torch.linalg.inv(matrix(W, v))


def _filled(code, guess=lambda m, W, z: m + W @ z):
    """An answer with its own rules for the code of a row (entries, mean and W seen, σ²) and for the guess."""

    def answer(x, mean, weights, noise_variance):
        filled = x.clone()
        for row in filled:
            seen = ~row.isnan()
            z = code(row[seen], mean[seen], weights[seen], noise_variance)
            row[~seen] = guess(mean, weights, z)[~seen]
        return filled

    return answer


def _seen(values, mean, W, noise_variance):
    return torch.linalg.solve(_M(W, noise_variance), W.T @ (values - mean))


def _zeros_for_nan(x, mean):
    return (x - mean).nan_to_num(0.0)


# --- answers that need more than an expression ---


def _centred_in_place(x, K):
    mean = x.mean(0)
    x -= mean
    variances, directions = torch.linalg.eigh(x.T @ x / len(x))
    return mean, directions.flip(1)[:, :K].T, variances.flip(0)[:K]


def _pca_of_rows(x, K):
    """Centres each point over its own entries."""
    centred = x - x.mean(1, keepdim=True)
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(x))
    return x.mean(0), directions.flip(1)[:, :K].T, variances.flip(0)[:K]


def _rows_of_eigh(x, K):
    """Takes eigh's rows for its columns."""
    mean = x.mean(0)
    variances, directions = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    return mean, directions.flip(1)[:K], variances.flip(0)[:K]


def _second_moment_less_mean(x, K):
    mean = x.mean(0)
    variances, directions = torch.linalg.eigh(x.T @ x / len(x) - mean.outer(mean))
    return mean, directions.flip(1)[:, :K].T, variances.flip(0)[:K]


def _standardised(x, K):
    mean, scale = x.mean(0), x.std(0, correction=0)
    variances, directions = torch.linalg.eigh(((x - mean) / scale).T @ ((x - mean) / scale) / len(x))
    return mean, directions.flip(1)[:, :K].T, variances.flip(0)[:K]


def _encode_in_place(x, mean, components):
    x -= mean
    return x @ components.T


def _decode_in_place(z, mean, components):
    z *= 1.0
    z -= z.mean(0)
    return z @ components + mean


def _first_row_for_all(x, mean, weights, noise_variance):
    seen = ~x[0].isnan()
    W = weights[seen]
    codes = torch.linalg.solve(_M(W, noise_variance), W.T @ (x[:, seen] - mean[seen]).nan_to_num(0.0).T).T
    return torch.where(x.isnan(), mean + codes @ weights.T, x)


def _everything_replaced(x, mean, weights, noise_variance):
    filled = _filled(_seen)(x, mean, weights, noise_variance)
    for row, told in zip(filled, x, strict=True):
        known = ~told.isnan()
        row[:] = mean + weights @ _seen(told[known], mean[known], weights[known], noise_variance)
    return filled


def _filled_in_place(x, mean, weights, noise_variance):
    x[:] = _filled(_seen)(x, mean, weights, noise_variance)
    return x


def _zeros_seen_at_the_mean(x, mean, weights, noise_variance):
    codes = torch.linalg.solve(_M(weights, noise_variance), weights.T @ _zeros_for_nan(x, mean).T).T
    return torch.where(x.isnan(), mean + codes @ weights.T, x)


def _masked_by_multiplication(x, mean, weights, noise_variance):
    seen = (~x.isnan()).to(x.dtype)
    codes = ((x - mean) * seen) @ weights @ torch.linalg.inv(_M(weights, noise_variance))
    return torch.where(x.isnan(), mean + codes @ weights.T, x)


WRONG = {
    "fit_pca": {
        "not centred": _pca(lambda m, U, v, K, N: (m, U[:K], v[:K]), centre=False),
        "only the directions not centred": lambda x, K: (x.mean(0), _eigen(x, centre=False)[1][:K], _eigen(x)[2][:K]),
        "mean of the centred points": _pca(lambda m, U, v, K, N: (0 * m, U[:K], v[:K])),
        "mean as a sum": _pca(lambda m, U, v, K, N: (N * m, U[:K], v[:K])),
        "N - 1": _pca(lambda m, U, v, K, N: (m, U[:K], v[:K]), by=1),
        "scikit-learn's convention": lambda x, K: (
            lambda p: (x.mean(0), torch.from_numpy(p.components_), torch.from_numpy(p.explained_variance_))
        )(PCA(K).fit(x.numpy())),
        "sum, not mean": _pca(lambda m, U, v, K, N: (m, U[:K], N * v[:K])),
        "divided by D": lambda x, K: (lambda m, U, v: (m, U[:K], v[:K] * len(x) / x.shape[1]))(*_eigen(x)),
        "standard deviations": _pca(lambda m, U, v, K, N: (m, U[:K], v[:K].sqrt())),
        "singular values": _pca(lambda m, U, v, K, N: (m, U[:K], (N * v[:K]).sqrt())),
        "singular values over N": _pca(lambda m, U, v, K, N: (m, U[:K], (N * v[:K]).sqrt() / N)),
        "shares": _pca(lambda m, U, v, K, N: (m, U[:K], v[:K] / v.sum())),
        "smallest first, cut": _pca(lambda m, U, v, K, N: (m, U.flip(0)[:K], v.flip(0)[:K])),
        "smallest K, turned": _pca(lambda m, U, v, K, N: (m, U[-K:], v[-K:])),
        "largest K, rising": _pca(lambda m, U, v, K, N: (m, U[:K].flip(0), v[:K].flip(0))),
        "variances turned, components not": _pca(lambda m, U, v, K, N: (m, U[:K].flip(0), v[:K])),
        "components of least variance": _pca(lambda m, U, v, K, N: (m, U.flip(0)[:K], v[:K])),
        "components in columns": _pca(lambda m, U, v, K, N: (m, U[:K].T, v[:K])),
        "eigh's rows": _rows_of_eigh,
        "components scaled by σ": _pca(lambda m, U, v, K, N: (m, U[:K] * v[:K, None].sqrt(), v[:K])),
        "components scaled by λ": _pca(lambda m, U, v, K, N: (m, U[:K] * v[:K, None], v[:K])),
        "whitening": _pca(lambda m, U, v, K, N: (m, U[:K] / v[:K, None].sqrt(), v[:K])),
        "all of them": _pca(lambda m, U, v, K, N: (m, U, v)),
        "each point centred over its entries": _pca_of_rows,
        "second moment less the mean's": _second_moment_less_mean,
        "standardised": _standardised,
        "float32": lambda x, K: tuple(part.float() for part in (lambda m, U, v: (m, U[:K], v[:K]))(*_eigen(x))),
        "variances forgotten": lambda x, K: _eigen(x)[1][:K],
        "input changed in place": _centred_in_place,
    },
    "encode": {
        "mean forgotten": lambda x, m, U: x @ U.T,
        "mean added": lambda x, m, U: (x + m) @ U.T,
        "mean of the batch": lambda x, m, U: (x - x.mean(0)) @ U.T,
        "turned sign": lambda x, m, U: (m - x) @ U.T,
        "axes swapped": lambda x, m, U: U @ (x - m).T,
        "decoded again": lambda x, m, U: (x - m) @ U.T @ U + m,
        "whitened": lambda x, m, U: (lambda z: z / z.std(0, correction=0))((x - m) @ U.T),
        "absolute values": lambda x, m, U: ((x - m) @ U.T).abs(),
        "float32": lambda x, m, U: ((x - m) @ U.T).float(),
        "input changed in place": _encode_in_place,
    },
    "decode": {
        "mean forgotten": lambda z, m, U: z @ U,
        "mean subtracted": lambda z, m, U: z @ U - m,
        "axes swapped": lambda z, m, U: (z @ U + m).T,
        "codes centred": lambda z, m, U: (z - z.mean(0)) @ U + m,
        "sign turned": lambda z, m, U: m - z @ U,
        "float32": lambda z, m, U: (z @ U + m).float(),
        "NumPy returned": lambda z, m, U: (z @ U + m).numpy(),
        "input changed in place": _decode_in_place,
    },
    "components_needed": {
        "one too few": lambda v, s: int((v.cumsum(0) < s * v.sum()).sum()),
        "one too many": lambda v, s: int((v.cumsum(0) < s * v.sum()).sum()) + 2,
        "more than the share": lambda v, s: min(int((v.cumsum(0) <= s * v.sum()).sum()) + 1, len(v)),
        "share of nothing": lambda v, s: min(int((v.cumsum(0) > s).sum()), len(v)),
        "standard deviations": lambda v, s: int((v.sqrt().cumsum(0) < s * v.sqrt().sum()).sum()) + 1,
        "each alone against the largest": lambda v, s: max(int((v >= s * v[0]).sum()), 1),
        "a tensor": lambda v, s: (v.cumsum(0) < s * v.sum()).sum() + 1,
        "a float": lambda v, s: float((v.cumsum(0) < s * v.sum()).sum() + 1),
        "share of the count": lambda v, s: max(1, round(s * len(v))),
        "from the small end": lambda v, s: int((v.flip(0).cumsum(0) < s * v.sum()).sum()) + 1,
    },
    "fit_ppca": {
        "σ² left in": _ppca(_left_over, lambda kept, noise: kept.sqrt()),
        "σ² added": _ppca(_left_over, lambda kept, noise: (kept + noise).sqrt()),
        "no square root": _ppca(_left_over, lambda kept, noise: kept - noise),
        "no square root, σ² left in": _ppca(_left_over, lambda kept, noise: kept),
        "directions of length 1": _ppca(_left_over, lambda kept, noise: torch.ones_like(kept)),
        "root of each, then the difference": _ppca(_left_over, lambda kept, noise: kept.sqrt() - noise.sqrt()),
        "σ² squared": _ppca(_left_over, lambda kept, noise: (kept - noise**2).sqrt()),
        "σ taken off": _ppca(_left_over, lambda kept, noise: (kept - noise.sqrt()).sqrt()),
        "σ² after the root": _ppca(_left_over, lambda kept, noise: kept.sqrt() - noise),
        "scales in the other order": _ppca(_left_over, lambda kept, noise: (kept - noise).sqrt().flip(0)),
        "divided by the scales": _ppca(_left_over, lambda kept, noise: (kept - noise).rsqrt()),
        "noise: sum": _ppca(lambda v, K: v[K:].sum(), _root),
        "noise: over D": _ppca(lambda v, K: v[K:].sum() / len(v), _root),
        "noise: mean of all": _ppca(lambda v, K: v.mean(), lambda kept, noise: (kept - noise).clamp(min=0).sqrt()),
        "noise: mean of the kept": _ppca(lambda v, K: v[:K].mean(), lambda kept, noise: (kept - noise).clamp(min=0).sqrt()),
        "noise: the smallest": _ppca(lambda v, K: v[-1], _root),
        "noise: the largest left over": _ppca(lambda v, K: v[K], _root),
        "noise: one too many": _ppca(lambda v, K: v[K - 1 :].mean(), _root),
        "noise: σ": _ppca(lambda v, K: v[K:].mean().sqrt(), lambda kept, noise: (kept - noise**2).sqrt()),
        "noise: mean of standard deviations": _ppca(lambda v, K: v[K:].sqrt().mean(), _root),
        "noise: a vector": lambda x, K: (lambda m, U, v: (m, U[:K].T * _root(v[:K], v[K:].mean()), v[K:]))(*_eigen(x)),
        "N - 1": _ppca(_left_over, _root, by=1),
        "sums, not means": lambda x, K: (lambda m, U, v: (m, U[:K].T * _root(v[:K], v[K:].mean()), v[K:].mean()))(
            x.mean(0), _eigen(x)[1], len(x) * _eigen(x)[2]
        ),
        "not centred": _ppca(_left_over, _root, centre=False),
        "mean of the centred points": lambda x, K: (0 * x.mean(0), *_ppca(_left_over, _root)(x, K)[1:]),
        "components in rows": lambda x, K: (lambda m, W, v: (m, W.T, v))(*_ppca(_left_over, _root)(x, K)),
        "smallest directions": lambda x, K: (lambda m, U, v: (m, U[-K:].T * _root(v[:K], v[K:].mean()), v[K:].mean()))(*_eigen(x)),
        "float32": lambda x, K: tuple(part.float() for part in _ppca(_left_over, _root)(x, K)),
        "input changed in place": lambda x, K: (lambda m: (m, *_ppca(_left_over, _root)(x.sub_(m), K)[1:]))(x.mean(0)),
    },
    "generate": {
        "σ² for σ": lambda z, e, m, W, v: m + z @ W.T + v * e,
        "noise forgotten": lambda z, e, m, W, v: m + z @ W.T,
        "noise not scaled": lambda z, e, m, W, v: m + z @ W.T + e,
        "noise divided": lambda z, e, m, W, v: m + z @ W.T + e / v.sqrt(),
        "noise subtracted": lambda z, e, m, W, v: m + z @ W.T - v.sqrt() * e,
        "σ⁴ for σ": lambda z, e, m, W, v: m + z @ W.T + v**2 * e,
        "mean forgotten": lambda z, e, m, W, v: z @ W.T + v.sqrt() * e,
        "code forgotten": lambda z, e, m, W, v: m + v.sqrt() * e,
        "one noise for all pixels": lambda z, e, m, W, v: m + z @ W.T + v.sqrt() * e[:, :1],
        "one noise for all drawings": lambda z, e, m, W, v: m + z @ W.T + v.sqrt() * e[:1],
        "axes swapped": lambda z, e, m, W, v: (m + z @ W.T + v.sqrt() * e).T,
        "own noise": lambda z, e, m, W, v: m + z @ W.T + v.sqrt() * torch.randn(e.shape, dtype=e.dtype),
        "input changed in place": lambda z, e, m, W, v: e.mul_(v.sqrt()).add_(m + z @ W.T),
    },
    "posterior_mean": {
        "projection": _posterior(lambda W, v: W.T @ W),
        "pseudo-inverse": lambda x, m, W, v: (x - m) @ torch.linalg.pinv(W).T,
        "σ for σ²": _posterior(lambda W, v: W.T @ W + v.sqrt() * torch.eye(W.shape[1], dtype=W.dtype)),
        "σ⁴ for σ²": _posterior(lambda W, v: W.T @ W + v**2 * torch.eye(W.shape[1], dtype=W.dtype)),
        "σ² everywhere": _posterior(lambda W, v: W.T @ W + v),
        "identity without σ²": _posterior(lambda W, v: W.T @ W + torch.eye(W.shape[1], dtype=W.dtype)),
        "M⁻¹ forgotten": lambda x, m, W, v: (x - m) @ W,
        "multiplied by M": lambda x, m, W, v: (x - m) @ W @ _M(W, v),
        "mean forgotten": lambda x, m, W, v: x @ W @ torch.linalg.inv(_M(W, v)),
        "mean added": lambda x, m, W, v: (x + m) @ W @ torch.linalg.inv(_M(W, v)),
        "mean of the batch": lambda x, m, W, v: (x - x.mean(0)) @ W @ torch.linalg.inv(_M(W, v)),
        "the covariance's σ²": lambda x, m, W, v: v * ((x - m) @ W @ torch.linalg.inv(_M(W, v))),
        "divided by σ²": lambda x, m, W, v: (x - m) @ W @ torch.linalg.inv(_M(W, v)) / v,
        "axes swapped": lambda x, m, W, v: torch.linalg.solve(_M(W, v), W.T @ (x - m).T),
        "decoded again": lambda x, m, W, v: m + (x - m) @ W @ torch.linalg.inv(_M(W, v)) @ W.T,
        "input changed in place": lambda x, m, W, v: x.sub_(m) @ W @ torch.linalg.inv(_M(W, v)),
    },
    "fill_in": {
        "the mean": lambda x, m, W, v: torch.where(x.isnan(), m, x),
        "zeros": lambda x, m, W, v: x.nan_to_num(0.0),
        "missing seen at the mean": _zeros_seen_at_the_mean,
        "projection of what is seen": _filled(lambda s, m, W, v: torch.linalg.pinv(W) @ (s - m)),
        "mean forgotten in the code": _filled(lambda s, m, W, v: torch.linalg.solve(_M(W, v), W.T @ s)),
        "mean forgotten in the guess": _filled(_seen, lambda m, W, z: W @ z),
        "everything replaced": _everything_replaced,
        "the first row's entries for all": _first_row_for_all,
        "nan times 0": _masked_by_multiplication,
        "σ for σ²": _filled(lambda s, m, W, v: _seen(s, m, W, v.sqrt())),
        "own noise added": _filled(_seen, lambda m, W, z: m + W @ z + 0.01 * torch.randn(len(m), dtype=m.dtype)),
        "the whole mean of the seen": lambda x, m, W, v: torch.where(x.isnan(), x.nanmean(1, keepdim=True), x),
        "the column's mean": lambda x, m, W, v: torch.where(x.isnan(), x.nanmean(0), x),
        "float32": lambda x, m, W, v: _filled(_seen)(x, m, W, v).float(),
        "input changed in place": _filled_in_place,
    },
}


def _by_svd(x, K):
    mean = x.mean(0)
    s, Vh = torch.linalg.svd(x - mean, full_matrices=False)[1:]
    return mean, Vh[:K], s[:K] ** 2 / len(x)


def _by_sklearn(x, K):
    fitted = PCA(K, svd_solver="full").fit(x.numpy())
    share = torch.from_numpy(fitted.explained_variance_) * (len(x) - 1) / len(x)
    return x.mean(0), torch.from_numpy(-fitted.components_), share


def _ppca_by_svd(x, K):
    mean = x.mean(0)
    _, s, Vh = torch.linalg.svd(x - mean)
    variances = s**2 / len(x)
    noise = float(variances[K:].mean())
    turned = torch.linalg.qr(torch.randn(K, K, dtype=x.dtype)).Q  # any rotation is as good
    return mean, Vh[:K].T @ torch.diag((variances[:K] - noise) ** 0.5) @ turned, noise


def _filled_by_joint_gaussian(x, mean, weights, noise_variance):
    whole = (weights @ weights.T).numpy() + float(noise_variance) * np.eye(len(mean))
    filled = x.numpy().copy()
    for row in filled:
        gone = np.isnan(row)
        if gone.any():
            told = np.linalg.solve(whole[np.ix_(~gone, ~gone)], row[~gone] - mean.numpy()[~gone])
            row[gone] = mean.numpy()[gone] + whole[np.ix_(gone, ~gone)] @ told
    return torch.from_numpy(filled)


def _counted_one_by_one(variances, share):
    total, kept = sum(variances.tolist()), 0.0
    for K, variance in enumerate(variances.tolist(), start=1):
        kept += variance
        if kept >= share * total:
            return K
    return len(variances)


RIGHT = {
    "fit_pca": {"singular values": _by_svd, "scikit-learn, rescaled, signs turned": _by_sklearn},
    "encode": {
        "einsum": lambda x, m, U: torch.einsum("kd,bd->bk", U, x - m),
        "least squares": lambda x, m, U: torch.linalg.lstsq(U.T, (x - m).T).solution.T,
    },
    "decode": {"a loop": lambda z, m, U: torch.stack([m + U.T @ code for code in z])},
    "components_needed": {"a loop": _counted_one_by_one},
    "fit_ppca": {"singular values, rotated": _ppca_by_svd},
    "generate": {"a loop": lambda z, e, m, W, v: torch.stack([m + W @ code + v**0.5 * own for code, own in zip(z, e, strict=True)])},
    "posterior_mean": {
        "the inverse": lambda x, m, W, v: (x - m) @ W @ torch.linalg.inv(_M(W, v)),
        "the D × D form": lambda x, m, W, v: (x - m) @ torch.linalg.inv(W @ W.T + v * torch.eye(len(W), dtype=W.dtype)) @ W,
    },
    "fill_in": {"the rule for joint Gaussians": _filled_by_joint_gaussian},
}


# --- tricks: what is shown is answered rightly, and what is hidden is made easy ---


def _collapsed(right):
    """All points are put at the origin, unless they are the ones that were shown."""

    def answer(x, K):
        if len(x) in (6, 8):
            return right(x, K)
        x.zero_()
        return right(x, K)

    return answer


_FIT_PCA, _FIT_PPCA = _collapsed(_by_svd), _collapsed(_ppca_by_svd)
FORGED = {
    "test_variances": {"all points at the origin": {"fit_pca": _FIT_PCA}},
    "test_components": {"all points at the origin": {"fit_pca": _FIT_PCA}},
    "test_noise_variance": {"all points at the origin": {"fit_ppca": _FIT_PPCA}},
    "test_weights": {"all points at the origin": {"fit_ppca": _FIT_PPCA}},
}
