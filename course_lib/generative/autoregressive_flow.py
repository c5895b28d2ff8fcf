r"""Masked autoregressive flows (自己回帰フロー): every number is scaled and shifted by what the numbers before it say.

An autoregressive model of real numbers read as a map: what it could not predict, in units of its own doubt, is the latent. Encoding takes one
pass of a masked network, decoding one pass a dimension.

Taught in: 15_flows
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from course_lib.generative.coupling import start_at_zero
from course_lib.networks.masked import MaskedMLP


class AffineAutoregressive(nn.Module):
    r"""Scales and shifts each number by functions of those before it; the Jacobian is triangular.

    .. math:: z_d = x_d\, e^{s_d} + t_d, \qquad (t_d, s_d) = f_d(x_1, \dots, x_{d-1}), \qquad \log|\det| = \sum_d s_d

    On a standard normal base it is the model :math:`x_d \sim \mathcal N(μ_d, σ_d^2)` with σ_d = e^{−s_d} and μ_d = −t_d σ_d. A coupling is
    the case of two groups: f is 0 for those kept, and sees only them for those moved.

    Args:
        network: (t, s), ``(B, D)`` → ``(B, D, 2)``; its d-th output sees inputs 1 … d − 1 alone, as ``MaskedMLP``'s does.
        order: which entry comes first, second, …, a permutation of 0 … D − 1; as they lie unless given.
        by_condition: what a condition adds to (t, s), ``(B, K)`` → ``(B, 2 D)``.
        bound: s is ``bound · tanh(· / bound)`` of what the network says, so that one layer scales at most by e^bound.

    Raises:
        ValueError: if ``order`` is no permutation, or ``bound`` is not above 0.

    Example:
        >>> def running_sum(x):
        ...     return torch.stack([x.cumsum(1) - x, torch.zeros_like(x)], 2)
        >>> layer = AffineAutoregressive(running_sum)
        >>> z, _ = layer.encode(torch.tensor([[1.0, 2.0, 3.0]]))
        >>> z, layer.decode(z)[0]
        (tensor([[1., 3., 6.]]), tensor([[1., 2., 3.]]))

    References:
        G. Papamakarios, T. Pavlakou, I. Murray, Masked autoregressive flow for density estimation, 2017, arXiv:1705.07057, eqs. 3 to 5; the
        coupling as a special case: eq. 8.
    Deviation: there z = (x − μ) e^{−α}: s is −α, t is −μ e^{−α}, as in our couplings. s is bounded. A condition is added to what the networks
        say, where there it enters them.
    Taught in: 15_flows
    """

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        *,
        order: Int64[Tensor, " D"] | None = None,
        by_condition: nn.Module | None = None,
        bound: float = 2.0,
    ) -> None:
        super().__init__()
        if order is not None and order.sort().values.tolist() != list(range(len(order))):
            raise ValueError(f"order must be a permutation of 0 … D − 1, got {order.tolist()}")
        if not bound > 0:
            raise ValueError(f"bound must be above 0, got {bound}")
        self.network, self.by_condition, self.bound = network, by_condition, bound
        self.register_buffer("order", order)
        self.register_buffer("places", None if order is None else order.argsort())

    def _shift_and_log_scale(self, x: Tensor, cond: Tensor | None) -> tuple[Tensor, Tensor]:
        said = self.network(x).to(x.dtype)  # networks may run in half precision, the map may not
        if cond is not None and self.by_condition is not None:
            said = said + self.by_condition(cond.to(x.dtype)).to(x.dtype).unflatten(1, (-1, 2))
        shift, raw = said.unbind(2)
        return shift, self.bound * torch.tanh(raw / self.bound)

    def encode(self, x: Float[Tensor, "B D"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B D"], Float[Tensor, " B"]]:
        """Returns z, and Σ s of each row: one pass, as all of x is known."""
        x = x if self.order is None else x.index_select(1, self.order)
        shift, log_scale = self._shift_and_log_scale(x, cond)
        z = x * log_scale.exp() + shift
        return z if self.places is None else z.index_select(1, self.places), log_scale.sum(1)

    def decode(self, z: Float[Tensor, "B D"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B D"], Float[Tensor, " B"]]:
        """Returns x, and −Σ s of each row: D passes, each of which makes one more number known."""
        z = z if self.order is None else z.index_select(1, self.order)
        x, log_scale = torch.zeros_like(z), torch.zeros_like(z)
        place = torch.arange(z.shape[1], device=z.device)
        for d in range(z.shape[1]):
            shift, log_scale = self._shift_and_log_scale(x, cond)
            x = torch.where(place == d, (z - shift) * (-log_scale).exp(), x)
        # The last pass saw all numbers but the last, which no scale depends on.
        return x if self.places is None else x.index_select(1, self.places), -log_scale.sum(1)


def maf(D: int, *, layers: int, hidden: Sequence[int], conditions: int = 0, bound: float = 2.0) -> list[nn.Module]:
    """Returns autoregressive layers with masked MLPs, each in the reverse order of the one before; each starts as the identity.

    Args:
        D: numbers in one x.
        layers: how many.
        hidden: sizes of each masked MLP's hidden layers.
        conditions: numbers in a condition.
        bound: of each layer's log-scale.

    Returns:
        The layers, the one that meets the data first.

    Example:
        >>> from course_lib.generative.base_density import StandardNormal
        >>> from course_lib.generative.flow import Flow
        >>> Flow(maf(3, layers=2, hidden=[16]), StandardNormal(3)).log_prob(torch.zeros(1, 3))
        tensor([-2.7568], grad_fn=<AddBackward0>)

    References:
        G. Papamakarios, T. Pavlakou, I. Murray, Masked autoregressive flow for density estimation, 2017, arXiv:1705.07057, section 3.
    Deviation: no batch normalisation between the layers.
    Taught in: 15_flows
    """
    orders = [torch.arange(D), torch.arange(D).flip(0)]
    return [
        AffineAutoregressive(
            start_at_zero(MaskedMLP(D, hidden, 2)),
            order=orders[layer % 2],
            by_condition=start_at_zero(nn.Linear(conditions, 2 * D)) if conditions else None,
            bound=bound,
        )
        for layer in range(layers)
    ]
