"""Probabilistic PCA: a Gaussian whose covariance is a few wide directions plus the same noise everywhere.

A missing number of a row is written ``nan``; what is then meant is always the observed part of the row.

Taught in: 05_pca
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from course_lib.classical.gaussian import LOG_2PI, check_rows
from course_lib.classical.pca import fit_pca


@dataclass(frozen=True)
class ProbabilisticPCA:
    r"""A standard normal latent vector, sent through a matrix, with noise added.

    .. math:: z \sim \mathcal N(0, I), \quad x \mid z \sim \mathcal N(W z + μ, σ^2 I) \quad ⇒ \quad
              x \sim \mathcal N(μ, C), \quad C = W W^\top + σ^2 I

    Args:
        mean: μ, ``(D,)``.
        weights: W, ``(D, K)``; only W Wᵀ matters, so W is known up to a rotation of z.
        noise_variance: σ², greater than 0, in the data's unit squared. All three are kept as float64.

    Raises:
        ValueError: if the shapes do not belong together, a value is not finite, or the noise variance is not positive.

    Example:
        >>> model = ProbabilisticPCA(torch.zeros(2), torch.tensor([[3.0], [0.0]]), torch.tensor(1.0))
        >>> model.covariance
        tensor([[10.,  0.],
                [ 0.,  1.]], dtype=torch.float64)
        >>> model.encode(torch.tensor([[1.0, 5.0]]))
        tensor([[0.3000]], dtype=torch.float64)

    References:
        M. E. Tipping, C. M. Bishop, Probabilistic principal component analysis, JRSS B 61(3), 1999;
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 12.35, 12.36 and 12.42.
    Deviation: none
    Taught in: 05_pca
    """

    mean: Float[Tensor, " D"]
    weights: Float[Tensor, "D K"]
    noise_variance: Float[Tensor, ""]

    def __post_init__(self) -> None:
        mean, weights, noise_variance = self.mean.double(), self.weights.double(), self.noise_variance.double()
        if weights.ndim != 2 or len(weights) != len(mean) or weights.shape[1] < 1:
            raise ValueError(f"weights must be ({len(mean)}, K), K at least 1, to go with the mean, got {tuple(weights.shape)}")
        if not (mean.isfinite().all() and weights.isfinite().all()):
            raise ValueError("mean and weights must be finite, and they are not")
        if not (noise_variance.isfinite() and noise_variance > 0):
            raise ValueError(f"noise_variance must be finite and greater than 0, got {noise_variance.item()}")
        for name, value in (("mean", mean), ("weights", weights), ("noise_variance", noise_variance)):
            object.__setattr__(self, name, value)

    @property
    def covariance(self) -> Float[Tensor, "D D"]:
        """C = W Wᵀ + σ² I, the covariance of x."""
        return self.weights @ self.weights.T + self.noise_variance * torch.eye(len(self.mean), dtype=torch.float64, device=self.mean.device)

    def posterior(self, x: Float[Tensor, "B D"]) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K K"]]:
        r"""Returns mean and covariance of p(z | x), ``(B, K)`` and ``(B, K, K)``: σ² M⁻¹ with M = WᵀW + σ² I over the observed entries."""
        x, observed = _observed(x)
        mean, cholesky, _ = self._latent(x, observed)
        covariance = self.noise_variance * torch.cholesky_inverse(cholesky)
        return mean, covariance.expand(len(x), *covariance.shape[1:])

    def log_prob(self, x: Float[Tensor, "B D"]) -> Float[Tensor, " B"]:
        """Returns log p of the observed part of each row in nats, ``(B,)``; 0 where nothing is observed."""
        x, observed = _observed(x)
        mean, cholesky, residual = self._latent(x, observed)
        count = observed.sum(1, dtype=torch.float64)  # a whole number times log 2π would be float32
        log_det = (count - mean.shape[1]) * self.noise_variance.log() + 2 * cholesky.diagonal(dim1=1, dim2=2).log().sum(1)
        distance = residual.square().sum(1) / self.noise_variance + mean.square().sum(1)  # (x - μ)ᵀ C⁻¹ (x - μ)
        return -0.5 * (count * LOG_2PI + log_det + distance)

    def loss(self, x: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per dimension."""
        return -self.log_prob(x).mean() / x.shape[1]

    def sample(self, n: int, *, generator: Generator | None = None) -> Float[Tensor, "n D"]:
        """Returns ``n`` rows, ``(n, D)``: a latent vector is drawn, decoded, and noise is added."""
        D, K = self.weights.shape
        z, eps = (torch.randn(n, size, dtype=torch.float64, device=self.mean.device, generator=generator) for size in (K, D))
        return self.decode(z).detach() + self.noise_variance.detach().sqrt() * eps

    def encode(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        """Returns the posterior mean of z for each row, ``(B, K)``."""
        return self._latent(*_observed(x))[0]

    def decode(self, z: Float[Tensor, "B K"]) -> Float[Tensor, "B D"]:
        """Returns W z + μ, the mean of x for each z, ``(B, D)``: after ``encode``, the best guess of what a row was without its noise."""
        return z.double() @ self.weights.T + self.mean

    def _latent(self, x: Tensor, observed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Posterior mean (B, K), Cholesky factor of M (B, K, K), or (1, K, K) where all is observed, and the observed residual (B, D)."""
        W, K = self.weights, self.weights.shape[1]
        identity = torch.eye(K, dtype=torch.float64, device=W.device)
        cholesky = torch.linalg.cholesky(_gram(W, observed) + self.noise_variance * identity)
        centred = torch.where(observed, x - self.mean, 0.0)
        mean = torch.cholesky_solve((centred @ W)[:, :, None], cholesky.expand(len(x), K, K))[:, :, 0]
        return mean, cholesky, torch.where(observed, centred - mean @ W.T, 0.0)


@dataclass(frozen=True)
class EMFit:
    """What ``fit_em`` found.

    Args:
        model: the fitted model.
        log_likelihoods: mean log-likelihood per row in nats, ``(steps + 1,)``: of the start, and after each step; the last is ``model``'s.
        converged: whether the last step gained less than the tolerance.
    """

    model: ProbabilisticPCA
    log_likelihoods: Float[Tensor, " steps"]
    converged: bool


def fit_ppca(x: Float[Tensor, "N D"], K: int) -> ProbabilisticPCA:
    r"""Fits probabilistic PCA in closed form: the principal axes, with the noise taken out of their variances.

    .. math:: μ = \bar x, \qquad σ^2 = \frac{1}{D - K} \sum_{k > K} λ_k, \qquad W = U_K (Λ_K - σ^2 I)^{1/2}

    with the eigenvectors and eigenvalues of the data's covariance, N in its denominator.

    Args:
        x: rows, ``(N, D)``, nothing missing.
        K: size of z, 1 to D − 1.

    Returns:
        The model of greatest likelihood; its covariance has the data's variances λ in the K directions kept, and their mean in the others.

    Raises:
        ValueError: if a value is not finite, ``K`` is out of range, or the rows lie in a K-dimensional plane and leave no noise.

    Example:
        >>> x = torch.tensor([[3.0, 1.0], [-3.0, 1.0], [3.0, -1.0], [-3.0, -1.0]])
        >>> fit_ppca(x, 1).covariance.diagonal().round(decimals=4)
        tensor([9., 1.], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 12.45 and 12.46 (with R = I);
        M. E. Tipping, C. M. Bishop, Probabilistic principal component analysis, JRSS B 61(3), 1999.
    Deviation: none
    Taught in: 05_pca
    """
    if bool(x.isnan().any()):
        raise ValueError("x must be finite: the closed form needs every entry; with missing ones (nan) use fit_em")
    D = _check_size(x, K)
    full = fit_pca(x, min(x.shape))
    kept, discarded = full.variances[:K], full.variances[K:]
    noise_variance = discarded.sum() / (D - K)
    if len(kept) < K or not noise_variance > D * torch.finfo(torch.float64).eps * kept[0]:
        raise ValueError(f"K must leave some variance as noise, and these rows lie in {K} dimensions or fewer: take a smaller K")
    return ProbabilisticPCA(full.mean, full.components[:K].T * (kept - noise_variance).sqrt(), noise_variance)


def initial_model(x: Float[Tensor, "N D"], K: int, *, generator: Generator | None = None) -> ProbabilisticPCA:
    """Chooses a start for EM: the mean of each column's observed entries, random directions, half of the variance as noise.

    Args:
        x: rows, ``(N, D)``, missing entries nan.
        K: size of z, 1 to D − 1.
        generator: source of chance for the directions.

    Returns:
        A model to start from.

    Raises:
        ValueError: if an entry is infinite, a column has no observed entry, nothing varies, or ``K`` is out of range.

    Example:
        >>> x = torch.tensor([[1.0, 2.0], [3.0, float("nan")]])
        >>> initial_model(x, 1, generator=torch.Generator().manual_seed(0)).mean
        tensor([2., 2.], dtype=torch.float64)
    """
    D = _check_size(x, K)
    x, observed = _observed(x)
    if not (some := observed.any(0)).all():
        raise ValueError(f"every column must be observed in some row, column {int((~some).nonzero()[0])} never is")
    mean = x.sum(0) / observed.sum(0)
    variance = torch.where(observed, x - mean, 0.0).square().sum() / observed.sum()
    if not variance > 0:
        raise ValueError("x must vary: every column is constant, and no noise variance fits that")
    directions = torch.randn(D, K, dtype=torch.float64, device=x.device, generator=generator)
    return ProbabilisticPCA(mean, directions * (0.5 * variance / K).sqrt(), 0.5 * variance)


def m_step(x: Float[Tensor, "N D"], means: Float[Tensor, "N K"], covariances: Float[Tensor, "N K K"]) -> ProbabilisticPCA:
    r"""Fits each column to the latent vectors that the E step found: a linear regression whose inputs are uncertain.

    .. math:: [w_d\; μ_d] = \Bigl(\sum_n x_{nd}\, \mathbb E[\tilde z_n]^\top\Bigr) \Bigl(\sum_n \mathbb E[\tilde z_n \tilde z_n^\top]\Bigr)^{-1},
              \qquad \tilde z = \begin{bmatrix} z \\ 1 \end{bmatrix},

    summed over the rows in which column d is observed; σ² is the mean of E[(x_nd − w_dᵀ z_n − μ_d)²] over all observed entries.

    Args:
        x: rows, ``(N, D)``, missing entries nan.
        means: E[z_n], ``(N, K)``.
        covariances: of z_n, ``(N, K, K)``.

    Returns:
        The model that makes the expected log-likelihood of rows and latent vectors greatest.

    Raises:
        ValueError: if a column is observed too seldom, or no noise is left.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [3.0, 1.0], [5.0, 5.0]])
        >>> m_step(x, torch.tensor([[-1.0], [0.0], [1.0]]).double(), torch.zeros(3, 1, 1).double()).weights
        tensor([[2.0000],
                [2.5000]], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 12.56 and 12.57;
        A. Ilin, T. Raiko, Practical approaches to principal component analysis in the presence of missing values, JMLR 11, 2010.
    Deviation: the mean is fitted with the weights, which with missing entries it must be; with none it stays the mean of the rows.
    Taught in: 05_pca
    """
    x, observed = _observed(x)
    means, covariances = means.double(), covariances.double()
    N, K = means.shape
    inputs = torch.cat([means, means.new_ones(N, 1)], 1)  # (N, K + 1)
    second = inputs[:, :, None] * inputs[:, None]  # (N, K + 1, K + 1)
    second[:, :K, :K] += covariances
    complete = bool(observed.all())  # then every column is fitted to the same rows, and one matrix does for all
    moments = (observed[:, :1] if complete else observed).T.double() @ second.reshape(N, -1)
    moments = moments.reshape(-1, K + 1, K + 1)  # (D, K + 1, K + 1), or (1, …)
    factors, info = torch.linalg.cholesky_ex(moments)
    pivots = factors.diagonal(dim1=1, dim2=2).square()
    singular = (info != 0) | ~(pivots > 10 * K * torch.finfo(torch.float64).eps * moments.diagonal(dim1=1, dim2=2)).all(1)
    if singular.any():
        raise ValueError(f"column {int(singular.nonzero()[0])} must be observed in more rows to fit {K} weights and a mean")
    cross = x.T @ inputs  # (D, K + 1); missing entries are 0 here
    solution = torch.cholesky_solve(cross[:, :, None], factors.expand(len(cross), K + 1, K + 1))[:, :, 0]
    weights, mean = solution[:, :K], solution[:, K]
    residual = torch.where(observed, x - inputs @ solution.T, 0.0).square().sum()
    uncertainty = (_gram(weights, observed) * covariances).sum()
    return ProbabilisticPCA(mean, weights, (residual + uncertainty) / observed.sum())


def em_step(model: ProbabilisticPCA, x: Float[Tensor, "N D"]) -> tuple[ProbabilisticPCA, Float[Tensor, ""]]:
    """Takes one step of EM: the posterior of each z under the model, then the model that fits these best.

    Args:
        model: the current model.
        x: rows, ``(N, D)``, missing entries nan.

    Returns:
        A model at least as likely; and the mean log-likelihood per row of the one *given*, in nats, of the observed entries.

    Raises:
        ValueError: if an entry is infinite, or as ``m_step`` does.

    Example:
        >>> x = torch.tensor([[3.0, 1.0], [-3.0, 1.0], [3.0, -1.0], [-3.0, -1.0]])
        >>> closed = fit_ppca(x, 1)
        >>> em_step(closed, x)[0].covariance.diagonal().round(decimals=4)  # the top: no step leads away from it
        tensor([9., 1.], dtype=torch.float64)

    References:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eqs. 12.54 to 12.57;
        M. E. Tipping, C. M. Bishop, Probabilistic principal component analysis, JRSS B 61(3), 1999, appendix B.
    Deviation: see ``m_step``
    Taught in: 05_pca
    """
    return m_step(x, *model.posterior(x)), model.log_prob(x).mean()


def fit_em(
    x: Float[Tensor, "N D"],
    K: int,
    *,
    generator: Generator | None = None,
    start: ProbabilisticPCA | None = None,
    steps: int = 1000,
    tolerance: float = 1e-6,
) -> EMFit:
    """Fits probabilistic PCA by EM, with or without missing entries: steps until one gains less than ``tolerance``.

    Args:
        x: rows, ``(N, D)``, missing entries nan.
        K: size of z, 1 to D − 1.
        generator: source of chance for the start.
        start: the model to start from; ``initial_model`` unless given.
        steps: greatest number of steps.
        tolerance: least gain of the mean log-likelihood per row, in nats, that is worth another step.

    Returns:
        The model, the mean log-likelihood after each step, and whether it has converged.

    Raises:
        ValueError: if an argument is out of range, or as ``m_step`` does.

    Example:
        >>> x = torch.tensor([[3.0, 1.0], [-3.0, 1.0], [3.0, -1.0], [-3.0, -1.0]])
        >>> fit = fit_em(x, 1, generator=torch.Generator().manual_seed(0), tolerance=1e-12)
        >>> fit.model.covariance.diagonal().round(decimals=3)
        tensor([9., 1.], dtype=torch.float64)

    References: those of ``em_step``.
    Deviation: see ``m_step``
    Taught in: 05_pca
    """
    D = _check_size(x, K)
    if steps < 0 or not tolerance >= 0:
        raise ValueError(f"steps and tolerance must be at least 0, got {steps} and {tolerance}")
    model = start if start is not None else initial_model(x, K, generator=generator)
    if model.weights.shape != (D, K):
        raise ValueError(f"start must have weights ({D}, {K}), its are {tuple(model.weights.shape)}")
    log_likelihoods = []
    while True:
        better, log_likelihood = em_step(model, x)
        log_likelihoods.append(log_likelihood)
        converged = len(log_likelihoods) > 1 and bool(log_likelihood - log_likelihoods[-2] < tolerance)
        if converged or len(log_likelihoods) > steps:
            return EMFit(model=model, log_likelihoods=torch.stack(log_likelihoods), converged=converged)
        model = better


def _gram(weights: Tensor, observed: Tensor) -> Tensor:
    """WᵀW over each row's observed entries, (B, K, K); (1, K, K) where all are, for then it is the same for all rows."""
    D, K = weights.shape
    if observed.all():
        return (weights.T @ weights)[None]
    return (observed.double() @ (weights[:, :, None] * weights[:, None]).reshape(D, K * K)).reshape(-1, K, K)


def _observed(x: Tensor) -> tuple[Tensor, Tensor]:
    """The rows in float64 with 0 for each missing entry, and which entries are observed."""
    observed = ~x.isnan()
    return check_rows(torch.where(observed, x.double(), 0.0)), observed


def _check_size(x: Tensor, K: int) -> int:
    """The number of columns, more than K of them."""
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"x must be rows by columns (N, D) with at least one of each, got shape {tuple(x.shape)}")
    if not 1 <= K < x.shape[1]:
        raise ValueError(f"K must be from 1 to the number of columns less one, {x.shape[1] - 1}, got {K}")
    return x.shape[1]
