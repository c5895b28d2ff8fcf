"""What a latent vector is used for: which of its axes tell data apart, and what they tell of a known factor.

Taught in: 12_vae
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def active_units(means: Float[Tensor, "N K"], *, threshold: float = 0.01) -> Bool[Tensor, " K"]:
    r"""Says which axes of the latent vector an encoder uses: those on which data differ.

    .. math:: \operatorname{Var}_x\bigl(\mathbb E_{q(z \mid x)}[z_k]\bigr) > \text{threshold}

    An axis that has collapsed has the posterior mean 0 for every datum. The prior's variance is 1, and the variance of the means is at most
    about that: an axis known exactly has 1, an axis of which nothing is known 0.

    Args:
        means: mean of q(z | x) of each datum, ``(N, K)``.
        threshold: least variance of an active axis.

    Returns:
        Whether each axis is active, ``(K,)``.

    Raises:
        ValueError: if there are fewer than two rows.

    Example:
        >>> active_units(torch.tensor([[1.0, 0.01], [-1.0, -0.01]]))
        tensor([ True, False])

    References:
        Y. Burda, R. Grosse, R. Salakhutdinov, Importance weighted autoencoders, 2016, arXiv:1509.00519, section 5.2 (threshold 10⁻²).
    Deviation: none
    Taught in: 12_vae
    """
    if len(means) < 2:
        raise ValueError(f"means must have at least 2 rows, or nothing can differ, got {len(means)}")
    return means.var(0, correction=0) > threshold


def variance_explained(z: Float[Tensor, "N K"], factors: Float[Tensor, "N F"]) -> Float[Tensor, " F"]:
    r"""Returns how much of each factor a linear map of the latent vector tells (coefficient of determination, 決定係数).

    .. math:: R^2 = 1 - \frac{\min_{a, b} \sum_n (f_n - a^\top z_n - b)^2}{\sum_n (f_n - \bar f)^2}

    Args:
        z: latent vectors, ``(N, K)``; one column of them asks what a single axis tells.
        factors: the numbers to be told, ``(N, F)``.

    Returns:
        R² of each factor, 0 to 1, in float64. Of K axes that know nothing it is about K / N.

    Raises:
        ValueError: if there are not more rows than K + 1, or a factor does not vary.

    Example:
        >>> z = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
        >>> variance_explained(z, torch.cat([2 * z + 1, (z - 1.5).square()], 1)).round(decimals=6).abs()
        tensor([1., 0.], dtype=torch.float64)

    References: none needed: it is the definition.
    Deviation: none
    Taught in: 12_vae
    """
    N, K = z.shape
    if N <= K + 1:
        raise ValueError(f"z must have more rows than its columns and one, {K + 1}, or any factor is explained, got {N}")
    z, factors = z.double(), factors.double()
    spread = (factors - factors.mean(0)).square().sum(0)
    if not (spread > 0).all():
        raise ValueError(f"every factor must vary, factor {int((spread <= 0).nonzero()[0])} is constant")
    inputs = torch.cat([z, torch.ones(N, 1, dtype=torch.float64, device=z.device)], 1)
    left = factors - inputs @ torch.linalg.lstsq(inputs, factors, driver="gelsd" if z.device.type == "cpu" else None).solution
    return 1 - left.square().sum(0) / spread
