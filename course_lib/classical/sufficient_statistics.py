r"""What an M step needs of the data: how much, where, and how spread each component's share is.

EM and variational Bayes ask the same of every row: the joint density of row and component, log w_k + log N(x_n; μ_k, Σ_k); its
normaliser; and, weighted by the responsibilities r, the sums of 1, x and x xᵀ. With a 1 put behind the row, x̃ = (x, 1), the first is a
quadratic form x̃ᵀ A_k x̃ and the last are one sum of x̃ x̃ᵀ. Both are linear in the products φ = (x̃_i x̃_j), so a block of rows costs two
matrix products,

.. math:: \text{scores} = C\, Φ, \qquad \text{sums} = Φ\, R, \qquad R = \operatorname{softmax}(\text{scores})^\top,

and the products never leave the processor's cache. Expanding the square costs digits: the error of a score is about ε |y|² λ, with y the
standardised row farthest out and λ the largest precision. Where that exceeds ``TOLERATED_ERROR``, or where covariances are full in more
than ``WIDEST`` dimensions, ``gather`` takes differences from the means first, as the textbook does: slower, and right to the last digits.

Taught in: 02_gaussian_mixtures
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.classical.gaussian import LOG_2PI, column_scales, log_normal

TOLERATED_ERROR = 1e-9  # nats in one score, and relative in one covariance
WIDEST = 64  # dimensions; with more, a row's features outgrow the cache
BLOCK_BYTES = 3 * 2**18  # of features: they stay in a second-level cache
NUMBERS_AT_ONCE = 2**20  # in one block of differences, where those are taken


@dataclass(frozen=True)
class Statistics:
    """What the rows say about each component.

    Args:
        counts: N_k, the rows that each component answers for, ``(K,)``, summing to N.
        means: their mean, ``(K, D)``.
        scatters: Σ_n r_nk (x_n − mean)(x_n − mean)ᵀ, ``(K, D, D)``, or its diagonals, ``(K, D)``: N_k times the covariance.
        log_evidence: mean over rows of the joint density's normaliser, log Σ_k w_k N(x_n; μ_k, Σ_k), in nats.
    """

    counts: Float[Tensor, " K"]
    means: Float[Tensor, "K D"]
    scatters: Float[Tensor, "K D D"] | Float[Tensor, "K D"]
    log_evidence: Float[Tensor, ""]


@dataclass(frozen=True)
class StandardisedRows:
    """Data laid out for ``gather``, once for all steps of a fit.

    Args:
        x: the rows, ``(N, D)``, float64.
        centre: mean of each column, ``(D,)``.
        scales: standard deviation of each column, ``(D,)``.
        columns: with y = (x − centre) / scales, one column after the other, ``(…, N)``: y, 1, and half of these once more, so that
            every product of two stands a shift apart; for diagonal covariances y², y, 1, which is all they need.
        farthest: greatest |y|² of a row.
        diagonal: whether the components' covariances are diagonal.
    """

    x: Float[Tensor, "N D"]
    centre: Float[Tensor, " D"]
    scales: Float[Tensor, " D"]
    columns: Float[Tensor, "D_and_more N"]
    farthest: float
    diagonal: bool

    @classmethod
    def of(cls, x: Float[Tensor, "N D"], *, diagonal: bool = False) -> "StandardisedRows":
        """Returns the rows ``x`` laid out."""
        centre, scales = x.mean(0), column_scales(x)
        y, one = ((x - centre) / scales).T, x.new_ones(1, len(x))  # (D, N), (1, N)
        half = (len(y) + 1) // 2
        columns = torch.cat([y.square(), y, one] if diagonal else [y, one, y[:half]])
        return cls(x, centre, scales, columns, y.square().sum(0).max().item(), diagonal)

    def resolve(self, scatters: Tensor, counts: Tensor | float = 1.0) -> bool:
        """Returns whether features keep ``TOLERATED_ERROR`` where components have these scatters, or for counts 1 covariances."""
        if scatters.ndim == 2:
            least = (scatters / self.scales.square()).amin(1)
        else:
            factors, info = torch.linalg.cholesky_ex(scatters / (self.scales[:, None] * self.scales))
            least = torch.where(info == 0, factors.diagonal(dim1=1, dim2=2).square().amin(1), 0.0)
        error = torch.finfo(torch.float64).eps * self.farthest * counts
        return bool((error <= TOLERATED_ERROR * least).all())


def gather(
    rows: StandardisedRows,
    log_weights: Float[Tensor, " K"],
    means: Float[Tensor, "K D"],
    covariances: Float[Tensor, "K D D"] | Float[Tensor, "K D"],
    *,
    prior_scatter: Float[Tensor, "K D D"] | float = 0.0,
) -> Statistics:
    """Takes the E step and sums up what the M step needs.

    Args:
        rows: the data.
        log_weights: log w_k in nats, ``(K,)``; the weights need not sum to 1.
        means: μ, ``(K, D)``.
        covariances: Σ, ``(K, D, D)``, or variances, ``(K, D)``.
        prior_scatter: what the caller adds to each scatter, ``(K, D, D)``; a small scatter beside it needs fewer right digits.

    Returns:
        The statistics, each score and each covariance right to ``TOLERATED_ERROR``.

    Example:
        >>> rows = StandardisedRows.of(torch.tensor([[-1.0], [1.0], [9.0], [11.0]], dtype=torch.float64))
        >>> means, covariances = torch.tensor([[0.0], [10.0]]).double(), torch.ones(2, 1, 1).double()
        >>> gather(rows, torch.tensor([0.5, 0.5]).double().log(), means, covariances).scatters.flatten().round(decimals=6)
        tensor([2., 2.], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 10.51 to 10.53.
    Deviation: scatters are not divided by the counts.
    Taught in: 02_gaussian_mixtures
    """
    if (rows.diagonal or rows.x.shape[1] <= WIDEST) and rows.resolve(covariances):
        statistics = _through_features(rows, log_weights, means, covariances)
        if rows.resolve(statistics.scatters + prior_scatter, statistics.counts):
            return statistics
    scores = joint_log_density(rows.x, log_weights, means, covariances)
    log_evidence = scores.logsumexp(1)
    responsibilities = _exp_(scores.sub_(log_evidence[:, None]))
    return Statistics(*moments(rows.x, responsibilities, diagonal=covariances.ndim == 2), log_evidence.mean())


def joint_log_density(
    x: Float[Tensor, "N D"],
    log_weights: Float[Tensor, " K"],
    means: Float[Tensor, "K D"],
    covariances: Float[Tensor, "K D D"] | Float[Tensor, "K D"],
) -> Float[Tensor, "N K"]:
    """Returns log w_k + log N(x_n; μ_k, Σ_k), in nats, from differences; gradients flow through it.

    Args:
        x: rows, ``(N, D)``.
        log_weights: log w_k in nats, ``(K,)``.
        means: μ, ``(K, D)``.
        covariances: Σ, ``(K, D, D)``, or variances, ``(K, D)``.

    Returns:
        The scores, ``(N, K)``.

    Example:
        >>> joint_log_density(torch.zeros(1, 1), torch.zeros(1), torch.zeros(1, 1), torch.ones(1, 1))
        tensor([[-0.9189]])
    """
    blocks = x.split(max(1, NUMBERS_AT_ONCE // means.numel()))
    if covariances.ndim == 2:
        squares = [((block[:, None] - means).square() / covariances).sum(2) for block in blocks]  # (n, K) each
        return log_weights - 0.5 * (torch.cat(squares) + x.shape[1] * LOG_2PI + covariances.log().sum(1))
    factors = torch.linalg.cholesky(covariances)
    return log_weights + torch.cat([log_normal(block, means, factors) for block in blocks])


def moments(
    x: Float[Tensor, "N D"], responsibilities: Float[Tensor, "N K"], *, diagonal: bool
) -> tuple[Float[Tensor, " K"], Float[Tensor, "K D"], Float[Tensor, "K D D"] | Float[Tensor, "K D"]]:
    """Returns the weighted sums over rows whose responsibilities are known, from differences.

    Args:
        x: rows, ``(N, D)``.
        responsibilities: r, ``(N, K)``.
        diagonal: whether only the scatters' diagonals are wanted.

    Returns:
        Counts, means and scatters, as in ``Statistics``; a component without rows has the mean 0.

    Example:
        >>> moments(torch.tensor([[0.0], [2.0]]), torch.ones(2, 1), diagonal=True)
        (tensor([2.]), tensor([[1.]]), tensor([[2.]]))
    """
    counts = responsibilities.sum(0)
    means = responsibilities.T @ x / _divisor(counts)
    scatters = torch.zeros_like(means if diagonal else means[:, :, None] * means[:, None])
    rows_at_once = max(1, NUMBERS_AT_ONCE // means.numel())
    for rows, r in zip(x.split(rows_at_once), responsibilities.split(rows_at_once), strict=True):
        difference = rows - means[:, None]  # (K, n, D)
        weighted = r.T[..., None] * difference
        scatters += (weighted * difference).sum(1) if diagonal else weighted.mT @ difference
    return counts, means, scatters


def _through_features(rows: StandardisedRows, log_weights: Tensor, means: Tensor, covariances: Tensor) -> Statistics:
    """The statistics by two matrix products a block."""
    coefficients = _coefficients(rows, log_weights, means, covariances)  # (K, F)
    (K, F), N, E = coefficients.shape, len(rows.x), rows.x.shape[1] + 1
    block = min(N, max(64, BLOCK_BYTES // (8 * F)))
    products, scores, shares = (coefficients.new_empty(shape) for shape in ((F, block), (K, block), (block, K)))
    sums, tops, totals = coefficients.new_zeros(F, K), coefficients.new_empty(N), coefficients.new_empty(N)
    for begin in range(0, N, block):
        y, top, total = (a[..., begin : begin + block] for a in (rows.columns, tops, totals))
        if len(top) < block:  # the last rows
            products, scores, shares = products[:, : len(top)], scores[:, : len(top)], shares[: len(top)]
        if rows.diagonal:
            products = y
        else:  # shifted by s: y_0 y_s, y_1 y_(s+1), …; all pairs have been met half-way round
            torch.mul(y[:E], y.unfold(0, E, 1).mT, out=products.unflatten(0, (-1, E)))
        torch.mm(coefficients, products, out=scores)
        torch.amax(scores, 0, out=top)
        torch.sum(_exp_(scores.sub_(top)), 0, out=total)
        sums.addmm_(products, torch.div(scores.T, total[:, None], out=shares))
    return _from_sums(rows, sums.T, (tops + totals.log_()).mean())


def _coefficients(rows: StandardisedRows, log_weights: Tensor, means: Tensor, covariances: Tensor) -> Tensor:
    """How each component's score depends on the products, ``(K, F)``."""
    D = len(rows.scales)
    means = (means - rows.centre) / rows.scales
    if rows.diagonal:
        precisions = rows.scales.square() / covariances  # (K, D)
        log_det, linear = covariances.log().sum(1), precisions * means
    else:
        factors = torch.linalg.cholesky(covariances / (rows.scales[:, None] * rows.scales))
        precisions = torch.cholesky_inverse(factors)  # (K, D, D)
        log_det = 2 * (factors.diagonal(dim1=1, dim2=2).log().sum(1) + rows.scales.log().sum())
        linear = (precisions @ means[..., None])[..., 0]
    constant = (log_weights - 0.5 * (D * LOG_2PI + log_det + (linear * means).sum(1)))[:, None]
    if rows.diagonal:
        return torch.cat([-0.5 * precisions, linear, constant], 1)
    form = torch.cat([-0.5 * precisions, 0.5 * linear[:, None]], 1)  # (K, D + 1, D)
    form = torch.cat([form, torch.cat([0.5 * linear, constant], 1)[..., None]], 2)  # (K, D + 1, D + 1): A
    i, j, times = _pairs(D + 1, means.device)
    return (form[:, i, j] * times).flatten(1)


def _from_sums(rows: StandardisedRows, sums: Tensor, log_evidence: Tensor) -> Statistics:
    """Statistics in the data's own units, from the weighted sums of products, ``(K, F)``."""
    D = len(rows.scales)
    if rows.diagonal:
        second, linear, counts = sums[:, :D], sums[:, D:-1], sums[:, -1]
        means = linear / _divisor(counts)
        scatters = (second - linear * means) * rows.scales.square()
    else:
        i, j, _ = _pairs(D + 1, sums.device)
        form = sums.new_empty(len(sums), D + 1, D + 1)  # Σ r ỹ ỹᵀ
        form[:, i, j] = sums.unflatten(1, i.shape)
        form[:, j, i] = form[:, i, j]
        linear, counts = form[:, :D, D], form[:, D, D]
        means = linear / _divisor(counts)
        scatters = (form[:, :D, :D] - linear[:, :, None] * means[:, None]) * (rows.scales[:, None] * rows.scales)
    return Statistics(counts, rows.centre + rows.scales * means, scatters, log_evidence)


def _pairs(E: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Which two of E numbers each product joins, and how often a quadratic form counts it, ``(shifts, E)`` each."""
    i = torch.arange(E, device=device).expand(E // 2 + 1, E)
    shift = torch.arange(E // 2 + 1, device=device)[:, None]
    once = (shift == 0) | (2 * shift == E)  # squares; and pairs half-way round, which two products share
    return i, (i + shift) % E, torch.where(once, 1.0, 2.0)


def _exp_(scores: Tensor) -> Tensor:
    """e^score in place, 0 for what is fainter than e^−690: numbers near the least that there are make a processor crawl."""
    return torch.nn.functional.threshold_(scores.clamp_(min=-700).exp_(), math.exp(-690), 0.0)


def _divisor(counts: Tensor) -> Tensor:
    """The counts to divide by, ``(K, 1)``; where one is 0 so is what is divided."""
    return torch.where(counts > 0, counts, 1.0)[:, None]
