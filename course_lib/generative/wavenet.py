r"""WaveNet: lecture 3's autoregressive model with a network in place of the weighted sum.

    model = WaveNet(dilations=(1, 2, 4, 8, 16, 32, 64, 128), channels=32)
    model.loss(codes)  # codes (B, T), the μ-law levels of a sound
    sound = mu_law_decode(model.sample(1, length=16_000))

Taught in: 11_wavenet
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Generator, Tensor, nn
from torch.nn import functional

from course_lib.generative.sample_distributions import Categorical, Gaussian
from course_lib.kernels import wavenet_sampling
from course_lib.networks.causal_convolution import CausalConv1d
from course_lib.networks.gated_residual import GatedResidualBlock

Cond = Sequence[Tensor] | None


class WaveNet(nn.Module):
    r"""A distribution of sequences, one sample after the other, whose past is heard through dilated causal convolutions.

    .. math:: p(x) = \prod_{t=0}^{T-1} p(x_t \mid x_{t-1}, \dots, x_{t-R})

    The sample before enters as C channels, nothing at the beginning; gated residual blocks follow, and their skip connections are summed:

    .. math:: h^{(0)}_t = E(x_{t-1}), \quad (h^{(l)}, s^{(l)}) = \mathrm{block}_l(h^{(l-1)}), \quad
              y = O_2\,\mathrm{ReLU}(O_1\,\mathrm{ReLU}(\textstyle\sum_l s^{(l)} + o_0) + o_1) + o_2

    and y_t is what the output distribution reads: logits of levels, or a mean. A linear WaveNet leaves tanh, σ, ReLU and all biases out: y_t is
    a weighted sum of the past, and with a Gaussian output it is linear prediction.

    Args:
        dilations: of the blocks, first to last.
        channels: C, of the blocks.
        skip_channels: of the skip connections; as many as channels unless given.
        kernel: taps of each causal convolution.
        output: the distribution of a sample: ``Categorical`` (256 levels unless given) or ``Gaussian``.
        conditions: layers that turn what is known beside the past into features, ``GlobalCondition`` or ``LocalCondition``: the features are
            added up. ``cond`` then has a tensor for each.
        linear: whether to leave out everything that is not linear.

    Attributes:
        entrance: ``weight (V, C)``, a row for each level (Gaussian: a 1×1 convolution from the sample).
        blocks: ``GatedResidualBlock`` each: ``dilated``, ``condition``, ``residual``, ``skip``; the last without ``residual``.
        sum_bias: o_0, ``(S,)`` (linear: None).
        hidden: O_1 and o_1, a 1×1 convolution.
        last: O_2 and o_2, a 1×1 convolution.

    Raises:
        ValueError: if there is no block, or a number is less than 1.

    Example:
        >>> model = WaveNet(dilations=(1, 2, 4), channels=8, output=Categorical(16))
        >>> model.receptive_field
        8
        >>> model.log_prob(torch.tensor([[3, 8, 15, 0]])).shape, model.sample(2, length=50).shape
        (torch.Size([1]), torch.Size([2, 50]))

    References:
        A. van den Oord and others, WaveNet: a generative model for raw audio, 2016, arXiv:1609.03499, eq. 1 (there of the whole past);
        T. Le Paine and others, Fast Wavenet generation algorithm, 2016, arXiv:1611.09482 (``cached``).
    Deviation: the levels enter through a table, not through a causal convolution of their one-hot code; the last block has no residual
        output, which nothing would read.
    Taught in: 11_wavenet
    """

    def __init__(
        self,
        dilations: Sequence[int],
        *,
        channels: int,
        skip_channels: int | None = None,
        kernel: int = 2,
        output: Categorical | Gaussian | None = None,
        conditions: Sequence[nn.Module] = (),
        linear: bool = False,
    ):
        super().__init__()
        if not dilations:
            raise ValueError("dilations must name at least one block, got none")
        if len({layer.features for layer in conditions}) > 1:
            raise ValueError(f"conditions must have equally many features, got {[layer.features for layer in conditions]}")
        S = channels if skip_channels is None else skip_channels
        self.output = Categorical() if output is None else output
        self.linear = linear
        self.conditions = nn.ModuleList(conditions)
        self.entrance = self.output.entrance(channels)
        shape = {"kernel": kernel, "features": conditions[0].features if conditions else 0, "linear": linear}
        last = len(dilations) - 1
        self.blocks = nn.ModuleList(
            GatedResidualBlock(channels, S, dilation=dilation, last=number == last, **shape) for number, dilation in enumerate(dilations)
        )
        self.sum_bias = None if linear else nn.Parameter(torch.zeros(S))
        self.hidden = CausalConv1d(S, S, 1, bias=not linear)
        self.last = self.output.exit(S, bias=not linear)

    @property
    def receptive_field(self) -> int:
        """R (受容野): how many samples of the past reach a prediction, 1 + Σ (K − 1) d."""
        return 1 + sum(block.dilated.reach for block in self.blocks)

    def predict(self, x: Shaped[Tensor, "B T"], cond: Cond = None) -> Float[Tensor, "B V T"]:
        """Returns what the output distribution reads for each sample (logits, or means): at t it depends on x before t and on nothing after."""
        return self._network(x, self.features(cond, len(x), x.shape[1]))

    def features(self, cond: Cond, rows: int, T: int) -> Float[Tensor, "rows F T"] | None:
        """Returns the features of a condition at each sample of ``rows`` sequences, ``(rows, F, T)``; None where the model has no conditions."""
        given = () if cond is None else tuple(cond)
        if len(given) != len(self.conditions):
            raise ValueError(f"cond must hold a tensor for each of the {len(self.conditions)} conditions, got {len(given)}")
        if not given:
            return None
        features = sum(layer(part) for layer, part in zip(self.conditions, given, strict=True))
        if len(features) != rows or features.shape[2] not in (1, T):
            raise ValueError(f"cond must be for {rows} rows of {T} samples, got {len(features)} of {features.shape[2]}")
        return features.expand(-1, -1, T)

    def log_prob(self, x: Shaped[Tensor, "B T"], cond: Cond = None) -> Float[Tensor, " B"]:
        """Returns log p(x) of each row, in nats."""
        return self.log_prob_of_samples(x, cond).sum(1)

    def log_prob_of_samples(self, x: Shaped[Tensor, "B T"], cond: Cond = None) -> Float[Tensor, "B T"]:
        """Returns log p(x_t | past) of every sample, in nats."""
        return self.output.log_prob(x, self.predict(x, cond))

    def loss(self, x: Shaped[Tensor, "B T"], cond: Cond = None) -> Float[Tensor, ""]:
        """Returns the mean negative log-likelihood, in nats per sample."""
        return -self.log_prob_of_samples(x, cond).mean()

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        length: int | None = None,
        generator: Generator | None = None,
        cond: Cond = None,
        cached: bool = True,
        temperature: float = 1.0,
    ) -> Shaped[Tensor, "n T"]:
        """Draws sequences, one sample after the other.

        Args:
            n: how many.
            length: of each, in samples; R + 1 unless given, the fewest that show all of the model.
            generator: of the chance in them: one uniform number a sample, whichever way they are made.
            cond: a tensor for each of the conditions, ``n`` rows each.
            cached: whether each layer remembers what it has heard, O(layers) a sample; else the network hears the whole receptive field anew.
            temperature: below 1 the likely becomes likelier.

        Returns:
            ``(n, length)``, levels (int64) or numbers.

        Raises:
            ValueError: if ``length`` is less than 1 or ``temperature`` not greater than 0.
        """
        length = self.receptive_field + 1 if length is None else length
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        if not temperature > 0:
            raise ValueError(f"temperature must be greater than 0, got {temperature}")
        like = self.last.weight
        u = torch.rand(n, length, dtype=torch.float64, generator=generator, device=like.device)
        features = self.features(cond, n, length)
        if cached and isinstance(self.output, Categorical) and not self.linear:
            return wavenet_sampling.sample(self.weights(), u, features, temperature=temperature)
        x = torch.zeros(n, length, dtype=self.output.dtype or like.dtype, device=like.device)
        memory = Memory(self, n) if cached else None
        for t in range(length):
            if memory is not None:
                y = memory.predict(x[:, t - 1 : t], None if features is None else features[..., t])
            else:
                R = self.receptive_field
                window = slice(max(0, t - R), t + 1)  # the past that reaches t, and t itself, which is not read
                y = self._network(x[:, window], None if features is None else features[..., window])[..., -1]
            x[:, t] = self.output.draw(y, u[:, t], temperature)
        return x

    def weights(self) -> wavenet_sampling.Network:
        """Returns what ``kernels.wavenet_sampling`` needs to know of a WaveNet over levels."""
        blocks = self.blocks
        C, F = blocks[0].skip.weight.shape[1], self.conditions[0].features if self.conditions else 0
        nothing = self.last.weight.new_zeros
        return wavenet_sampling.Network(
            dilations=tuple(block.dilated.dilation for block in blocks),
            entrance=self.entrance.weight,
            dilated=torch.stack([block.dilated.weight for block in blocks]),
            dilated_bias=torch.stack([block.dilated.bias for block in blocks]),
            condition=torch.stack([block.condition.weight[..., 0] if F else nothing(2 * C, 0) for block in blocks]),
            residual=torch.stack([block.residual.weight[..., 0] if block.residual else nothing(C, C) for block in blocks]),
            residual_bias=torch.stack([block.residual.bias if block.residual else nothing(C) for block in blocks]),
            skip=torch.stack([block.skip.weight[..., 0] for block in blocks]),
            sum_bias=self.sum_bias,
            hidden=self.hidden.weight[..., 0],
            hidden_bias=self.hidden.bias,
            last=self.last.weight[..., 0],
            last_bias=self.last.bias,
        )

    def _network(self, x: Tensor, features: Tensor | None) -> Tensor:
        h = functional.pad(self.output.enter(self.entrance, x[:, :-1]), (1, 0))  # (B, C, T): the sample before; before the first, nothing
        total: Tensor | float = 0.0
        for block in self.blocks:
            h, skip = block(h, features)
            total = total + skip
        return self._exit(total)

    def _exit(self, total: Tensor) -> Tensor:
        """From the sum of the skip connections, (B, S, T), to the output, (B, V, T)."""
        if self.linear:
            return self.last(self.hidden(total))
        return self.last(torch.relu(self.hidden(torch.relu(total + self.sum_bias[:, None]))))


class Memory:
    """What each layer of a WaveNet has heard so far, so that the next prediction costs one step of each layer and not the whole past again.

    Args:
        model: the WaveNet.
        rows: how many sequences go on at once.

    Example:
        >>> model = WaveNet(dilations=(1, 2), channels=4, output=Categorical(16))
        >>> memory, x = Memory(model, 1), torch.tensor([[7, 2]])
        >>> with torch.no_grad():
        ...     first, second = memory.predict(x[:, :0]), memory.predict(x[:, :1])
        ...     torch.testing.assert_close(torch.stack([first, second], dim=2), model.predict(x))

    References:
        T. Le Paine and others, Fast Wavenet generation algorithm, 2016, arXiv:1611.09482.
    Deviation: none
    Taught in: 11_wavenet
    """

    def __init__(self, model: WaveNet, rows: int):
        self.model = model
        self.nothing = model.last.weight.new_zeros(rows, model.blocks[0].dilated.weight.shape[1])  # (B, C)
        self.pasts = [block.silence(self.nothing) for block in model.blocks]

    def predict(self, before: Shaped[Tensor, "B _"], features: Float[Tensor, "B F"] | None = None) -> Float[Tensor, "B V"]:
        """Returns what the output distribution reads for the next sample, and remembers.

        Args:
            before: the last sample, ``(B, 1)``; ``(B, 0)`` at the beginning.
            features: of the condition at the next sample.
        """
        model = self.model
        h = model.output.enter(model.entrance, before)[..., 0] if before.shape[1] else self.nothing
        total: Tensor | float = 0.0
        for block, past in zip(model.blocks, self.pasts, strict=True):
            h, skip = block.step(h, past, features)
            total = total + skip
        return model._exit(total[..., None])[..., 0]
