"""A network that reads a digit, or says that there is none: what the course measures drawn digits with.

Taught in: 07_neural_networks
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.networks.mlp import MLP


class DigitClassifier(nn.Module):
    r"""A multi-layer perceptron from the pixels of a picture to its class, with one answer more than there are classes: none of these.

    .. math:: p(y \mid x) = \operatorname{softmax}(f(x))_y, \qquad y \in \{1, \dots, V, \text{none}\}

    A classifier without that answer must name a class for any picture whatever, and names one for noise as surely as for a digit.
    ``yardstick.digit_classifier`` trains it.

    Args:
        side: height and width of the pictures, pixels.
        classes: V, how many there are.
        hidden: size of each hidden layer.

    Example:
        >>> reader = DigitClassifier(16)
        >>> reader(torch.zeros(5, 1, 16, 16)).shape, reader.probabilities(torch.zeros(5, 1, 16, 16)).shape
        (torch.Size([5, 11]), torch.Size([5, 10]))

    References:
        S. Vernekar, A. Gaurav, T. Denouden, B. Phan, V. Abdelzad, R. Salay, K. Czarnecki, "Analysis of confident-classifiers for
        out-of-distribution detection", 2019, arXiv:1904.12220: why an answer of its own rather than a low confidence in all.
    Deviation: what is none of the classes is made by spoiling the pictures themselves (``yardstick.spoiled``), not found near their edge.
    Taught in: 07_neural_networks
    """

    def __init__(self, side: int, classes: int = 10, *, hidden: tuple[int, ...] = (256, 64)) -> None:
        super().__init__()
        self.network = MLP(side * side, hidden, classes + 1)

    def forward(self, images: Float[Tensor, "B 1 side side"]) -> Float[Tensor, "B answers"]:
        """Returns the logits of the V classes and, last, of none; ``images`` hold paper 0 to ink 1."""
        return self.network(images.flatten(1))

    @torch.no_grad()
    def probabilities(self, images: Float[Tensor, "B 1 side side"]) -> Float[Tensor, "B V"]:
        """Returns the probability of each class; what a row lacks to 1 is the probability that the picture shows none of them."""
        return self(images).softmax(1)[:, :-1]
