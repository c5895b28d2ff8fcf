"""Whitening: the covariance becomes the identity, whatever it was."""

import pytest
import torch

from course_lib.classical.whitening import whiten, whitening_matrix


def some_data(N: int = 400, D: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(D, D, dtype=torch.float64, generator=generator) * torch.logspace(-4, 4, D, dtype=torch.float64)[:, None]
    return torch.randn(N, D, dtype=torch.float64, generator=generator) @ mixing.T + 7


def test_columns_become_uncorrelated_and_of_variance_one():
    x = some_data()
    z, V = whiten(x)
    torch.testing.assert_close(torch.cov(z.T, correction=0), torch.eye(4).double())
    torch.testing.assert_close(z.mean(0), torch.zeros(4).double(), rtol=0, atol=1e-9)
    torch.testing.assert_close(z, (x - x.mean(0)) @ V.T)


def test_the_matrix_whitens_the_covariance_it_was_made_of():
    S = torch.cov(some_data().T)
    V = whitening_matrix(S)
    torch.testing.assert_close(V @ S @ V.T, torch.eye(4).double())
    unit = V * S.diagonal().sqrt()  # for columns of variance 1: orthogonal rows, the longest for the direction of least variance
    torch.testing.assert_close(unit @ unit.T, (unit @ unit.T).diagonal().diag())
    assert (unit @ unit.T).diagonal().diff().le(0).all()


@pytest.mark.parametrize("wrong", [lambda x: x[:, [0, 0]], lambda x: x * 0, lambda x: x[:3]])
def test_data_that_do_not_fill_their_dimensions_are_refused(wrong):
    with pytest.raises(ValueError, match=r"x must fill its \d dimensions"):
        whiten(wrong(some_data()))
