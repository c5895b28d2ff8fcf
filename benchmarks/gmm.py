"""Mixtures of Gaussians beside scikit-learn: EM and variational Bayes, full covariances, same data, same start, as many steps."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.side_by_side import Contest, Task
from course_lib.classical.gmm import EMFit, GaussianMixture, fit_em, initial_mixture
from course_lib.classical.variational_gmm import NormalWishartMixture, VariationalFit, default_prior, fit_variational, variational_step

N, D, K, STEPS = 100_000, 16, 32, 20


def data() -> tuple[Tensor, GaussianMixture]:
    """Rows of a mixture of K Gaussians, and a start for fitting one."""
    generator = torch.Generator().manual_seed(0)
    root = torch.eye(D) + torch.randn(K, D, D, dtype=torch.float64, generator=generator) / 4
    means = 2 * torch.randn(K, D, dtype=torch.float64, generator=generator)
    x = GaussianMixture(torch.full((K,), 1 / K), means, root @ root.mT).sample(N, generator=generator)
    return x, initial_mixture(x, K, generator=generator)


def em() -> Contest:
    """The same log-likelihood after as many steps of EM."""
    from sklearn.mixture import GaussianMixture as Peer

    x, start = data()
    rows = x.numpy()
    given = {"weights_init": start.weights.numpy(), "means_init": start.means.numpy()}
    precisions = torch.linalg.inv(start.covariances).numpy()
    peer = Peer(K, reg_covar=0.0, tol=0.0, max_iter=STEPS, precisions_init=precisions, init_params="random", **given)

    def difference(theirs: Peer, ours: EMFit) -> float:
        return abs(theirs.score(rows) - ours.log_likelihoods[-1].item())

    return Contest(
        peer=_without_warnings(lambda: peer.fit(rows)),  # it warns that it stopped before it converged, as told
        ours=lambda: fit_em(x, K, start=start, steps=STEPS, tolerance=0.0),
        difference=difference,
        tolerance=1e-6,
    )


def variational() -> Contest:
    """The same bound after as many steps of variational Bayes."""
    from sklearn.mixture import BayesianGaussianMixture as Peer

    x, start = data()
    rows, prior = x.numpy(), default_prior(x, K)
    first = fit_variational(x, K, start=start, prior=prior, steps=0).posterior

    def peer() -> Peer:
        model = Peer(
            n_components=K,
            weight_concentration_prior_type="dirichlet_distribution",
            weight_concentration_prior=prior.concentrations[0].item(),
            mean_precision_prior=prior.mean_counts[0].item(),
            mean_prior=prior.means[0].numpy(),
            degrees_of_freedom_prior=prior.degrees_of_freedom[0].item(),
            covariance_prior=prior.scatters[0].numpy(),
            reg_covar=0.0,
            tol=0.0,
            max_iter=STEPS,
            warm_start=True,  # it then goes on from the numbers below
        )
        covariances = first.scatters / first.degrees_of_freedom[:, None, None]
        model.weight_concentration_, model.mean_precision_ = first.concentrations.numpy(), first.mean_counts.numpy()
        model.means_, model.degrees_of_freedom_ = first.means.numpy(), first.degrees_of_freedom.numpy()
        model.covariances_ = covariances.numpy()
        model.precisions_cholesky_ = torch.linalg.inv(torch.linalg.cholesky(covariances)).mT.numpy()
        model.converged_, model.lower_bound_ = False, -float("inf")
        return model.fit(rows)

    def difference(theirs: Peer, ours: VariationalFit) -> float:
        """Between the bounds per row, both by our formula: theirs leaves constants out."""
        alpha, beta, means, nu = theirs.weight_concentration_, theirs.mean_precision_, theirs.means_, theirs.degrees_of_freedom_
        scatters = theirs.covariances_ * nu[:, None, None]
        posterior = NormalWishartMixture(*map(torch.from_numpy, (alpha, beta, means, nu, scatters)))
        return abs(variational_step(posterior, prior, x)[1] - ours.bounds[-1]).item() / N

    return Contest(
        peer=_without_warnings(peer),
        ours=lambda: fit_variational(x, K, start=start, prior=prior, steps=STEPS, tolerance=0.0),
        difference=difference,
        tolerance=1e-6,
    )


def _without_warnings(compute: Callable) -> Callable:
    def quietly():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compute()

    return quietly


SIZES = f"{N:,} × {D}, K = {K}, full covariances, {STEPS} steps"
TASKS = (
    Task(f"Gaussian mixture by EM, {SIZES}", "scikit-learn", "sklearn", "log-likelihood per row", 15.0, em),
    Task(f"Gaussian mixture by variational Bayes, {SIZES}", "scikit-learn", "sklearn", "bound per row", 15.0, variational),
)
