r"""One invertible matrix: the flow of one linear layer. On a Laplace base it is ICA, on a Gaussian base it is whitening.

Taught in: 15_flows
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Linear(nn.Module):
    r"""Shift, then an invertible matrix. With a condition c, the shift is its own.

    .. math:: z = W (x - μ - M c), \qquad \log \Bigl|\det \frac{\partial z}{\partial x}\Bigr| = \log |\det W|

    Args:
        D: numbers in one x. μ and M start at 0, W at the identity.
        conditions: numbers in a condition.

    Raises:
        ValueError: if ``D`` is below 1 or ``conditions`` below 0.

    Example:
        >>> layer = Linear(2)
        >>> x = torch.tensor([[1.0, 2.0], [3.0, -2.0], [-4.0, 1.0], [0.0, -1.0]])
        >>> layer.start_from(x)
        >>> z = layer.encode(x)[0]
        >>> bool((z.T @ z / 4 - torch.eye(2)).abs().max() < 1e-5)
        True

    References:
        J.-F. Cardoso, Infomax and maximum likelihood for blind source separation, IEEE Signal Processing Letters 4(4), 1997.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, D: int, *, conditions: int = 0) -> None:
        super().__init__()
        if D < 1 or conditions < 0:
            raise ValueError(f"D must be at least 1 and conditions at least 0, got {D} and {conditions}")
        self.mean = nn.Parameter(torch.zeros(D))
        self.weight = nn.Parameter(torch.eye(D))
        self.by_condition = nn.Parameter(torch.zeros(D, conditions)) if conditions else None

    def _centre(self, cond: Tensor | None) -> Tensor:
        """μ + M c: one for all rows, or one a row."""
        return self.mean if cond is None or self.by_condition is None else self.mean + cond.to(self.mean.dtype) @ self.by_condition.T

    def encode(self, x: Float[Tensor, "B D"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B D"], Float[Tensor, " B"]]:
        """Returns W (x − μ − M c), and log |det W| for each row."""
        with torch.autocast(x.device.type, enabled=False):  # W is what its determinant says, to full precision
            z = (x - self._centre(cond)) @ self.weight.T
        return z, torch.linalg.slogdet(self.weight).logabsdet.expand(len(x))

    def decode(self, z: Float[Tensor, "B D"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B D"], Float[Tensor, " B"]]:
        """Returns μ + M c + W⁻¹ z, and −log |det W| for each row."""
        x = torch.linalg.solve(self.weight, z.T).T + self._centre(cond)
        return x, -torch.linalg.slogdet(self.weight).logabsdet.expand(len(z))

    @torch.no_grad()
    def start_from(self, x: Float[Tensor, "B D"], cond: Tensor | None = None) -> None:
        """Makes it whitening: lecture 5's axes of ``x``, each divided by its standard deviation.

        With a condition, of what is left of ``x`` when its regression on the condition (the mean of each class, if it names classes) is taken off.

        Raises:
            ValueError: if ``x`` does not fill its D dimensions.
        """
        mean = x.double().mean(0)
        centred = x.double() - mean
        if cond is not None and self.by_condition is not None:
            regression = torch.linalg.pinv(cond.double()) @ centred  # (conditions, D)
            centred = centred - cond.double() @ regression
            self.by_condition.copy_(regression.T)
        variances, axes = torch.linalg.eigh(centred.T @ centred / len(x))  # rising
        if not variances[0] > 1e-12 * variances[-1]:
            raise ValueError(f"x must fill its {x.shape[1]} dimensions, its variances go from {variances[0]:.2g} to {variances[-1]:.2g}")
        self.mean.copy_(mean)
        self.weight.copy_((axes / variances.sqrt()).T.flip(0))  # the widest direction first
