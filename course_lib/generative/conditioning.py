"""What a sequence is to be about (条件付け): one name for all of it, say who speaks, or a symbol for each stretch of it, say what is said.

Taught in: 11_wavenet
"""

from jaxtyping import Float, Int64
from torch import Tensor, nn


class GlobalCondition(nn.Module):
    """One of several names, the same at all times: a speaker.

    Args:
        names: how many there are.
        features: numbers that stand for one.

    Attributes:
        table: a row of features a name.

    Example:
        >>> import torch
        >>> GlobalCondition(3, features=8)(torch.tensor([2, 0])).shape
        torch.Size([2, 8, 1])

    References:
        A. van den Oord and others, WaveNet: a generative model for raw audio, 2016, arXiv:1609.03499, section 2.5.
    Deviation: none
    Taught in: 11_wavenet
    """

    def __init__(self, names: int, features: int):
        super().__init__()
        self.features = features
        self.table = nn.Embedding(names, features)

    def forward(self, name: Int64[Tensor, " B"]) -> Float[Tensor, "B F 1"]:
        """Returns the features of each row's name."""
        return self.table(name)[..., None]


class LocalCondition(nn.Module):
    """A symbol for every ``hop`` samples: the sound of speech that is to be made then.

    Each symbol's features see its neighbours, past and future (a text is known to its end before one begins to speak), and are repeated for
    ``hop`` samples.

    Args:
        symbols: how many there are.
        features: numbers that stand for one.
        hop: samples a symbol.
        reach: how many symbols to either side it is told with.

    Attributes:
        table: a row of features a symbol.
        mix: a convolution over 2 · reach + 1 symbols.

    Raises:
        ValueError: if ``hop`` is less than 1.

    Example:
        >>> import torch
        >>> LocalCondition(5, features=8, hop=80)(torch.tensor([[0, 3, 3, 0]])).shape
        torch.Size([1, 8, 320])

    References:
        A. van den Oord and others, WaveNet: a generative model for raw audio, 2016, arXiv:1609.03499, section 2.5.
    Deviation: repeated, where they prefer a transposed convolution that learns how to go from one symbol to the next.
    Taught in: 11_wavenet
    """

    def __init__(self, symbols: int, features: int, *, hop: int, reach: int = 1):
        super().__init__()
        if hop < 1:
            raise ValueError(f"hop must be at least 1 sample, got {hop}")
        self.features, self.hop = features, hop
        self.table = nn.Embedding(symbols, features)
        self.mix = nn.Conv1d(features, features, 2 * reach + 1, padding=reach)

    def forward(self, symbols: Int64[Tensor, "B N"]) -> Float[Tensor, "B F T"]:
        """Returns the features at every sample, T = N · hop."""
        return self.mix(self.table(symbols).mT).repeat_interleave(self.hop, dim=2)
