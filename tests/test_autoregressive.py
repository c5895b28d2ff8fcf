"""The process as a density: against the dense multivariate normal whose covariance is its autocovariance."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.linalg import solve_discrete_lyapunov, toeplitz

from course_lib.classical import lpc
from course_lib.classical.autoregressive import GaussianAR
from course_lib.classical.reflection import from_reflection


def some_process(order: int, seed: int = 0) -> GaussianAR:
    k = 1.8 * torch.rand(order, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 0.9
    return GaussianAR(from_reflection(k), torch.tensor(0.3))


def autocovariance(process: GaussianAR, lags: int) -> np.ndarray:
    """By the state equation's stationary covariance: no recursion of ours."""
    M = max(len(process.a), lags)
    companion = np.eye(M, k=-1)
    companion[0, : len(process.a)] = -process.a.numpy()
    noise = np.zeros((M, M))
    noise[0, 0] = process.variance
    return solve_discrete_lyapunov(companion, noise)[0, :lags]


@pytest.mark.parametrize("order", [0, 1, 2, 5, 12])
@pytest.mark.parametrize("length", [1, 3, 5, 20])
def test_log_prob_is_that_of_the_dense_normal(order, length):
    process = some_process(order)
    x = torch.randn(6, length, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    dense = stats.multivariate_normal(np.zeros(length), toeplitz(autocovariance(process, length)))
    torch.testing.assert_close(process.log_prob(x), torch.from_numpy(np.atleast_1d(dense.logpdf(x.numpy()))))


def test_the_predictors_start_with_the_process_own_power():
    process = some_process(4)
    orders, powers = process.predictors()
    assert [len(a) for a in orders] == [0, 1, 2, 3, 4]
    torch.testing.assert_close(powers[0].item(), autocovariance(process, 1)[0])
    torch.testing.assert_close(powers[-1], process.variance)


@pytest.mark.parametrize("length", [2, 5, 40])
def test_draws_are_stationary_from_the_first_sample_on(length):
    process, n = some_process(4, seed=3), 40_000
    x = process.sample(n, length=length, generator=torch.Generator().manual_seed(0)).numpy()
    expected = toeplitz(autocovariance(process, length))
    products = x[:, :, None] * x[:, None, :]
    error = products.std(0) / np.sqrt(n)
    assert (abs(products.mean(0) - expected) < 5 * error).all()


def test_the_length_is_order_plus_one_unless_told():
    assert some_process(3).sample(2).shape == (2, 4)


def test_loss_is_least_where_least_squares_put_the_coefficients():
    """For a long signal the likelihood of all but the first samples is the sum of squares."""
    x = some_process(3, seed=1).sample(1, length=5000, generator=torch.Generator().manual_seed(2))
    predictor = lpc.covariance_method(x[0], 3)
    process = GaussianAR(predictor.a.requires_grad_(), predictor.error_power.requires_grad_())
    process.loss(x).backward()
    assert process.a.grad.abs().max() < 0.01  # the first three samples of 5000
    assert process.variance.grad.abs() * process.variance < 0.01


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: GaussianAR(torch.tensor([-1.2]), torch.tensor(1.0)), "a must be stable .* the largest |k| is 1.2"),
        (lambda: GaussianAR(torch.tensor([torch.nan]), torch.tensor(1.0)), "a must be stable"),
        (lambda: GaussianAR(torch.tensor([-0.2]), torch.tensor(0.0)), "variance must be finite and greater than 0, got 0.0"),
        (lambda: some_process(1).sample(1, length=0), "length must be at least 1, got 0"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
