"""The multi-layer perceptron (多層パーセプトロン): linear maps with a bend between them.

Taught in: 07_neural_networks
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn


class MLP(nn.Module):
    r"""A network of fully connected layers (全結合層).

    .. math:: h_0 = x, \qquad h_l = \varphi(W_l h_{l-1} + b_l), \qquad y = W_{L+1} h_L + b_{L+1}

    The last layer has no activation, so that y may be logits, a mean, a log-variance. Without hidden layers it is one affine map. Weights start as
    ``nn.Linear`` leaves them, uniform with variance 1 / (3 fan_in): right for a few layers, too small for ten (He's is 2 / fan_in with relu).

    Args:
        inputs: size of x.
        hidden: size of each hidden layer; may be empty.
        outputs: size of y.
        activation: makes the module φ that follows each hidden layer, for example ``nn.SiLU``.

    Raises:
        ValueError: if a size is not at least 1.

    Example:
        >>> import torch
        >>> network = MLP(2, [16, 16], 3)
        >>> network(torch.zeros(5, 2)).shape
        torch.Size([5, 3])

    References:
        D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", 1986, doi:10.1038/323533a0.
    Deviation: the activation is any, there the logistic function.
    Taught in: 07_neural_networks
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int, *, activation: Callable[[], nn.Module] = nn.SiLU) -> None:
        super().__init__()
        sizes = [inputs, *hidden, outputs]
        if min(sizes) < 1:
            raise ValueError(f"inputs, hidden and outputs must all be at least 1, got {inputs}, {list(hidden)} and {outputs}")
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(sizes[:-1]):
            layers += [nn.Linear(fan_in, fan_out), activation()]
        self.layers = nn.Sequential(*layers, nn.Linear(*sizes[-2:]))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Returns y for each row of ``x``: ``(…, inputs)`` → ``(…, outputs)``."""
        return self.layers(x)
