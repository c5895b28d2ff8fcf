r"""Glow: what a flow for pictures is made of. Channels are normalised, mixed by an invertible matrix, and moved by convolutions.

Taught in: 15_flows
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from course_lib.generative.coupling import AffineCoupling, start_at_zero
from course_lib.generative.flow import Chain


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    """Values ``(C,)`` with the axes of x ``(B, C, …)``."""
    return values.reshape(1, -1, *[1] * (x.ndim - 2))


def _columns(x: Tensor) -> Tensor:
    """A picture or a vector with its pixels on one axis: ``(B, C, P)``."""
    return x.reshape(*x.shape[:2], x.shape[2:].numel())


class ActNorm(nn.Module):
    r"""Scales and shifts each channel; set once from data, so that they leave with mean 0 and variance 1, and then trained.

    .. math:: z_c = (x_c + b_c)\, e^{s_c}, \qquad \log|\det| = P \sum_c s_c \quad\text{with } P \text{ pixels}

    Args:
        C: channels, or features of a vector (then P = 1). Both start at 0.

    Example:
        >>> layer = ActNorm(1)
        >>> layer.start_from(torch.tensor([[1.0], [5.0]]))
        >>> layer.encode(torch.tensor([[1.0], [5.0]]))[0].T
        tensor([[-1.,  1.]], grad_fn=<PermuteBackward0>)

    References: D. P. Kingma, P. Dhariwal, Glow: generative flow with invertible 1×1 convolutions, 2018, arXiv:1807.03039, section 3.1.
    Deviation: the start from data is asked for (``start_from``), where the paper's happens on the first batch.
    Taught in: 15_flows
    """

    def __init__(self, C: int) -> None:
        super().__init__()
        self.bias, self.log_scale = nn.Parameter(torch.zeros(C)), nn.Parameter(torch.zeros(C))

    def _log_det(self, x: Tensor) -> Tensor:
        return (x.shape[2:].numel() * self.log_scale.sum()).expand(len(x))

    def encode(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns z, and the log-determinant of each row."""
        return (x + _per_channel(self.bias, x)) * _per_channel(self.log_scale.exp(), x), self._log_det(x)

    def decode(self, z: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns x, and the log-determinant of each row."""
        return z * _per_channel((-self.log_scale).exp(), z) - _per_channel(self.bias, z), -self._log_det(z)

    @torch.no_grad()
    def start_from(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> None:
        """Sets bias and scale from data, so that each channel leaves with mean 0 and variance 1.

        Raises:
            ValueError: if a channel does not vary.
        """
        channels = x.transpose(0, 1).flatten(1)  # (C, B P)
        spread = channels.std(1, correction=0)
        if not (spread > 0).all():
            raise ValueError(f"x must vary in every channel, its standard deviations are {spread.tolist()}")
        self.bias.copy_(-channels.mean(1))
        self.log_scale.copy_(-spread.log())


class InvertibleConv1x1(nn.Module):
    r"""Mixes the channels of each pixel by one matrix, kept as its LU factors, so that the determinant is read from a diagonal.

    .. math:: z_p = W x_p, \qquad W = P L \bigl(U + \operatorname{diag}(\operatorname{sign}(d)\, e^{s})\bigr), \qquad
              \log|\det| = P_{\text{pixels}} \sum_c s_c

    P is a fixed permutation, L has ones on its diagonal, U is zero on and below it. The start is a random rotation.

    Args:
        C: channels, or features of a vector.

    Example:
        >>> layer = InvertibleConv1x1(3)
        >>> W = layer.weight()
        >>> bool((W @ W.T - torch.eye(3)).abs().max() < 1e-5)
        True

    References: D. P. Kingma, P. Dhariwal, Glow: generative flow with invertible 1×1 convolutions, 2018, arXiv:1807.03039, section 3.2.
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, C: int) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(C, C))[0]
        P, L, U = torch.linalg.lu(rotation)
        diagonal = U.diagonal()
        self.register_buffer("permutation", P)
        self.register_buffer("signs", diagonal.sign())
        self.lower, self.upper = nn.Parameter(L.tril(-1)), nn.Parameter(U.triu(1))
        self.log_scale = nn.Parameter(diagonal.abs().log())

    def _factors(self) -> tuple[Tensor, Tensor]:
        one = torch.eye(len(self.signs), dtype=self.lower.dtype, device=self.lower.device)
        return self.lower.tril(-1) + one, self.upper.triu(1) + torch.diag(self.signs * self.log_scale.exp())

    def weight(self) -> Float[Tensor, "C C"]:
        """Returns W."""
        L, U = self._factors()
        return self.permutation @ L @ U

    def _log_det(self, x: Tensor) -> Tensor:
        return (x.shape[2:].numel() * self.log_scale.sum()).expand(len(x))

    def encode(self, x: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns z, and the log-determinant of each row."""
        with torch.autocast(x.device.type, enabled=False):  # W is what its determinant says, to full precision
            z = self.weight() @ _columns(x)
        return z.reshape(x.shape), self._log_det(x)

    def decode(self, z: Float[Tensor, "B ..."], cond: Tensor | None = None) -> tuple[Float[Tensor, "B ..."], Float[Tensor, " B"]]:
        """Returns x, and the log-determinant of each row: two triangular systems, no inverse."""
        L, U = self._factors()
        y = torch.linalg.solve_triangular(L, self.permutation.T @ _columns(z), upper=False, unitriangular=True)
        return torch.linalg.solve_triangular(U, y, upper=True).reshape(z.shape), -self._log_det(z)


class Squeeze(nn.Module):
    """Makes four channels of each 2 × 2 pixels, ``(B, C, H, W)`` → ``(B, 4 C, H/2, W/2)``: nothing is lost, and convolutions see further.

    Example:
        >>> Squeeze().encode(torch.arange(4.0).reshape(1, 1, 2, 2))[0].flatten()
        tensor([0., 1., 2., 3.])

    References: L. Dinh, J. Sohl-Dickstein, S. Bengio, Density estimation using Real NVP, 2016, arXiv:1605.08803, section 3.6.
    Deviation: none
    Taught in: 15_flows
    """

    def encode(self, x: Float[Tensor, "B C H W"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B C4 H2 W2"], Float[Tensor, " B"]]:
        """Returns z, and zeros.

        Raises:
            ValueError: if height or width is odd.
        """
        if x.shape[2] % 2 or x.shape[3] % 2:
            raise ValueError(f"height and width must be even, got {tuple(x.shape[2:])}")
        return pixel_unshuffle(x, 2), x.new_zeros(len(x))

    def decode(self, z: Float[Tensor, "B C4 H2 W2"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, " B"]]:
        """Returns x, and zeros."""
        return pixel_shuffle(z, 2), z.new_zeros(len(z))


class MultiScale(nn.Module):
    r"""Levels, each of which lets half of its channels go: they are noise already, and only the rest is worth more work.

    After each level but the last the second half of the channels leaves. z is flat: what left first comes first.

    Args:
        levels: a transform each; all but the last end with an even number of channels.
        shape: (C, H, W) of x; it decides the shapes that z is cut into.

    Raises:
        ValueError: if there is no level.

    Example:
        >>> MultiScale([Squeeze(), Squeeze()], shape=(1, 4, 4)).encode(torch.zeros(2, 1, 4, 4))[0].shape
        torch.Size([2, 16])

    References: L. Dinh, J. Sohl-Dickstein, S. Bengio, Density estimation using Real NVP, 2016, arXiv:1605.08803, eqs. 13 to 16 (section 3.6).
    Deviation: none
    Taught in: 15_flows
    """

    def __init__(self, levels: Sequence[nn.Module], *, shape: tuple[int, int, int]) -> None:
        super().__init__()
        if not levels:
            raise ValueError("levels must hold at least one transform, it is empty")
        self.levels = nn.ModuleList(levels)
        with torch.no_grad():
            self.shapes = [part.shape[1:] for part in self._encode(torch.zeros(1, *shape), None)[0]]

    def _encode(self, x: Tensor, cond: Tensor | None) -> tuple[list[Tensor], Tensor]:
        """What leaves at each level, and the log-determinant."""
        left, total = [], x.new_zeros(len(x))
        for number, level in enumerate(self.levels, start=1):
            x, log_det = level.encode(x, cond)
            total = total + log_det
            if number < len(self.levels):
                x, gone = x.chunk(2, 1)
                left.append(gone)
        return [*left, x], total

    def encode(self, x: Float[Tensor, "B C H W"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B D"], Float[Tensor, " B"]]:
        """Returns z, flat, and the log-determinant of each row."""
        left, log_det = self._encode(x, cond)
        return torch.cat([part.flatten(1) for part in left], 1), log_det

    def decode(self, z: Float[Tensor, "B D"], cond: Tensor | None = None) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, " B"]]:
        """Returns x, and the log-determinant of each row: the last level first, each joined by what had left before it."""
        *left, x = (part.unflatten(1, shape) for part, shape in zip(z.split([s.numel() for s in self.shapes], 1), self.shapes, strict=True))
        total = z.new_zeros(len(z))
        for number, level in reversed(list(enumerate(self.levels))):
            if number < len(left):
                x = torch.cat([x, left[number]], 1)
            x, log_det = level.decode(x, cond)
            total = total + log_det
        return x, total

    @torch.no_grad()
    def start_from(self, x: Float[Tensor, "B C H W"], cond: Tensor | None = None) -> None:
        """Lets each level that can suit itself to the data as they reach it."""
        for level in self.levels:
            if hasattr(level, "start_from"):
                level.start_from(x, cond)
            x = level.encode(x, cond)[0].chunk(2, 1)[0]


def _network(C_in: int, hidden: int, C_out: int) -> nn.Module:
    """Glow's network of a coupling: 3×3, 1×1, 3×3; its last layer starts at 0."""
    return start_at_zero(
        nn.Sequential(
            nn.Conv2d(C_in, hidden, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(hidden, hidden, 1),
            nn.SiLU(),
            nn.Conv2d(hidden, C_out, 3, padding=1),
        )
    )


def glow(shape: tuple[int, int, int], *, steps: Sequence[int], hidden: int, conditions: int = 0) -> MultiScale:
    """Returns Glow: at each level the picture is squeezed, then goes through steps of ActNorm, 1×1 convolution and affine coupling.

    Each level but the last ends with a coupling that predicts, from the channels that stay, those that leave.

    Args:
        shape: (C, H, W) of a picture; H and W can be halved once a level.
        steps: how many steps each level has.
        hidden: channels inside each coupling's network.
        conditions: numbers in a condition.

    Example:
        >>> glow((1, 8, 8), steps=[2, 2], hidden=8).encode(torch.zeros(3, 1, 8, 8))[0].shape
        torch.Size([3, 64])
    """
    C, levels = shape[0], []
    for number, count in enumerate(steps, start=1):
        C *= 4
        first_half = torch.arange(C) < C // 2
        layers: list[nn.Module] = [Squeeze()]
        for _ in range(count):
            network = _network(C // 2 + conditions, hidden, C)
            layers += [ActNorm(C), InvertibleConv1x1(C), AffineCoupling(first_half, network)]
        if number < len(steps):
            layers.append(AffineCoupling(first_half, _network(C // 2 + conditions, hidden, C)))
            C //= 2
        levels.append(Chain(layers))
    return MultiScale(levels, shape=shape)
