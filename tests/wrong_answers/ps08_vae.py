"""Answers to problem set 8: wrong ones that a student may well write, and right ones that look different from the solution.

``WRONG[function][mistake]`` stands in for the student's function: it must lose marks, and a check must name the mistake.
``RIGHT[function][manner]`` must keep every mark.
``FORGED[test][trick]``, functions handed in together, knows no answer and must not pass that test.
"""

import math

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, MultivariateNormal, Normal, kl_divergence

# --- pieces that the answers below share; each is right ---


def _encoder(x, phi):
    return (F.silu(x @ phi[0] + phi[1]) @ phi[2] + phi[3]).chunk(2, dim=-1)


def _decoder(z, theta):
    return F.silu(z @ theta[0] + theta[1]) @ theta[2] + theta[3]


def _noise(mean, generator):
    return torch.randn(mean.shape, generator=generator, dtype=mean.dtype)


def _sample(mean, log_var, generator):
    return mean + (0.5 * log_var).exp() * _noise(mean, generator)


def _kl(mean, log_var):
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(-1)


def _likelihood(x, logits):
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


# --- answers with one piece exchanged ---


def _drawn(noise=_noise, width=lambda log_var: (0.5 * log_var).exp(), join=lambda mean, s, eps: mean + s * eps):
    """An answer to task 1 with its own noise (mean, generator), its own s and its own way to join them."""

    def answer(mean, log_var, generator):
        return join(mean, width(log_var), noise(mean, generator))

    return answer


def _divergence(inside):
    """An answer to task 2 with its own summand; v is s²."""
    return lambda m, log_var: 0.5 * inside(m, log_var, log_var.exp()).sum(-1)


def _bound(sample=_sample, likelihood=_likelihood, kl=_kl, cost=lambda beta, kl: beta * kl, logits=_decoder, join=torch.sub):
    """An answer to task 4 with one of its pieces exchanged."""

    def answer(x, phi, theta, generator, beta):
        mean, log_var = _encoder(x, phi)
        z = sample(mean, log_var, generator)
        return join(likelihood(x, logits(z, theta)), cost(beta, kl(mean, log_var)))

    return answer


def _fit(distance=lambda rest: rest.square().sum(1), shake=lambda v, W: v @ W.square().sum(0), noise=lambda v: v, constant=None):
    """An answer to task 5 with its own squared distance, share of q's width, divisor and constant (σ², D)."""
    constant = constant or (lambda v, D: -D / 2 * torch.log(2 * math.pi * v))

    def answer(x, mean, log_var, W, mu, noise_variance):
        squares = distance(x - mu - mean @ W.T) + shake(log_var.exp(), W)
        return constant(noise_variance, x.shape[1]) - 0.5 * squares / noise(noise_variance)

    return answer


def _importance(
    width=lambda log_var: (0.5 * log_var).exp(),
    noise=lambda eps: eps,
    ratio=lambda log_p, log_q: log_p - log_q,
    log_q=lambda eps, log_var: -0.5 * (math.log(2 * math.pi) + eps.square() + log_var),
    likelihood=_likelihood,
    logits=_decoder,
    over=lambda table: table.sum(-1),
    join=lambda logs: torch.logsumexp(logs, 0) - math.log(len(logs)),
):
    """An answer to task 6 with one of its pieces exchanged."""

    def answer(x, phi, theta, eps):
        mean, log_var = _encoder(x, phi)
        z = mean + width(log_var) * noise(eps)
        numbers = logits(z, theta)
        log_p = -0.5 * (math.log(2 * math.pi) + z.square())
        return join(likelihood(x.expand_as(numbers), numbers) + over(ratio(log_p, log_q(noise(eps), log_var))))

    return answer


def _pictures(noise=lambda n, K, generator: torch.randn(n, K, generator=generator, dtype=torch.float64), ink=torch.sigmoid):
    """An answer to task 4b with its own latents and its own end."""
    return lambda n, K, theta, generator: ink(_decoder(noise(n, K, generator), theta))


# --- answers that need more than an expression ---


def _no_grad(function):
    def answer(*arguments):
        with torch.no_grad():
            return function(*arguments)

    return answer


def _seeds_inside(mean, log_var, generator):
    generator.manual_seed(0)
    return _sample(mean, log_var, generator)


def _seeds_the_global_state(mean, log_var, generator):
    torch.manual_seed(0)
    return mean + (0.5 * log_var).exp() * torch.randn_like(mean)


def _sample_in_place(mean, log_var, generator):
    log_var *= 0.5
    return mean + log_var.exp() * _noise(mean, generator)


def _kl_in_place(mean, log_var):
    log_var_kept = log_var.clone()
    return 0.5 * (mean.square() + log_var.data.exp_() - 1 - log_var_kept).sum(-1)


def _kl_where(mean, log_var):
    variance = log_var.exp()
    return 0.5 * (mean.square() + variance - 1 - variance.log()).sum(-1)


def _cross_entropy_of_both(x, logits):
    """Right in value nearly everywhere, and without a gradient where the other case overflows."""
    p = logits.sigmoid()
    return torch.where(x == 1, p.log(), (1 - p).log()).sum(-1)


def _clamped(x, logits):
    p = logits.sigmoid().clamp(1e-7, 1 - 1e-7)
    return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)


def _likelihood_in_place(x, logits):
    p = logits.sigmoid_()
    return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)


def _elbo_in_place(x, phi, theta, generator, beta):
    x -= 0.5
    return _bound()(x + 0.5, phi, theta, generator, beta)


def _elbo_draws_twice(x, phi, theta, generator, beta):
    mean, log_var = _encoder(x, phi)
    _sample(mean, log_var, generator)
    return _likelihood(x, _decoder(_sample(mean, log_var, generator), theta)) - beta * _kl(mean, log_var)


def _elbo_one_sample(x, phi, theta, generator, beta):
    """Right on average: log q - log p at the z that was drawn, in place of its mean."""
    mean, log_var = _encoder(x, phi)
    z = _sample(mean, log_var, generator)
    cost = Normal(mean, (0.5 * log_var).exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)
    return _likelihood(x, _decoder(z, theta)) - beta * cost.sum(-1)


def _elbo_swapped(x, phi, theta, generator, beta):
    log_var, mean = _encoder(x, phi)
    return _likelihood(x, _decoder(_sample(mean, log_var, generator), theta)) - beta * _kl(mean, log_var)


def _elbo_swapped_for_z(x, phi, theta, generator, beta):
    log_var, mean = _encoder(x, phi)
    return _likelihood(x, _decoder(_sample(mean, log_var, generator), theta)) - beta * _kl(log_var, mean)


def _fit_by_sampling(x, mean, log_var, W, mu, noise_variance):
    z = mean + (0.5 * log_var).exp() * torch.randn(2_000, *mean.shape, dtype=mean.dtype)
    return Normal(z @ W.T + mu, noise_variance.sqrt()).log_prob(x).sum(-1).mean(0)


def _fit_in_place(x, mean, log_var, W, mu, noise_variance):
    x -= mu
    return _fit()(x, mean, log_var, W, 0 * mu, noise_variance)


def _marginal(x, mean, log_var, W, mu, noise_variance):
    """Integrates over q as if it were a prior: the logarithm of a mean, not the mean of a logarithm."""
    eye = torch.eye(len(mu), dtype=x.dtype)
    rows = zip(x, mean, log_var.exp(), strict=True)
    return torch.stack([MultivariateNormal(W @ m + mu, W @ torch.diag(v) @ W.T + noise_variance * eye).log_prob(row) for row, m, v in rows])


def _importance_in_place(x, phi, theta, eps):
    mean, log_var = _encoder(x, phi)
    eps *= (0.5 * log_var).exp()
    eps += mean
    numbers = _decoder(eps, theta)
    ratio = (Normal(0.0, 1.0).log_prob(eps) - Normal(mean, (0.5 * log_var).exp()).log_prob(eps)).sum(-1)
    return torch.logsumexp(_likelihood(x.expand_as(numbers), numbers) + ratio, 0) - math.log(len(eps))


def _importance_with_kl(x, phi, theta, eps):
    mean, log_var = _encoder(x, phi)
    numbers = _decoder(mean + (0.5 * log_var).exp() * eps, theta)
    return torch.logsumexp(_likelihood(x.expand_as(numbers), numbers), 0) - math.log(len(eps)) - _kl(mean, log_var)


def _elbo_of_many(x, phi, theta, eps):
    mean, log_var = _encoder(x, phi)
    numbers = _decoder(mean + (0.5 * log_var).exp() * eps, theta)
    return _likelihood(x.expand_as(numbers), numbers).mean(0) - _kl(mean, log_var)


def _importance_of_pictures(logs):
    return torch.logsumexp(logs, 0) - math.log(logs.shape[1])


def _probabilities_taken(x, p):
    return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)


WRONG = {
    "reparameterise": {
        "detached": lambda m, v, g: _sample(m, v, g).detach(),
        "under no_grad": _no_grad(_sample),
        "torch.normal of mean and s": lambda m, v, g: torch.normal(m, (v / 2).exp(), generator=g),
        "Normal.sample": lambda m, v, g: Normal(m, (v / 2).exp()).sample(),
        "Normal.rsample, global state": lambda m, v, g: Normal(m, (v / 2).exp()).rsample(),
        "randn_like, global state": lambda m, v, g: m + (v / 2).exp() * torch.randn_like(m),
        "mean detached": lambda m, v, g: _sample(m.detach(), v, g),
        "log-variance detached": lambda m, v, g: _sample(m, v.detach(), g),
        "the mean": lambda m, v, g: m.clone(),
        "the same noise for every latent": _drawn(lambda m, g: torch.randn(len(m), 1, generator=g, dtype=m.dtype)),
        "the same noise for every row": _drawn(lambda m, g: torch.randn(m.shape[1], generator=g, dtype=m.dtype)),
        "one number for all": _drawn(lambda m, g: torch.randn((), generator=g, dtype=m.dtype)),
        "neighbours share noise": _drawn(
            lambda m, g: (
                (lambda e: (e + e.roll(1, 1)) / (2**0.5 if m.shape[1] > 1 else 2))(_noise(m, g)) if m.shape[1] > 2 else _noise(m, g)
            )
        ),
        "uniform from 0 to 1": _drawn(lambda m, g: torch.rand(m.shape, generator=g, dtype=m.dtype)),
        "uniform from -1 to 1": _drawn(lambda m, g: 2 * torch.rand(m.shape, generator=g, dtype=m.dtype) - 1),
        "uniform of variance 1": _drawn(lambda m, g: 12**0.5 * (torch.rand(m.shape, generator=g, dtype=m.dtype) - 0.5)),
        "coins": _drawn(lambda m, g: 2.0 * torch.randint(2, m.shape, generator=g).to(m.dtype) - 1),
        "noise above 0": _drawn(lambda m, g: _noise(m, g).abs()),
        "log-variance for log s": _drawn(width=torch.exp),
        "s² for s": _drawn(width=lambda v: v.exp().sqrt() ** 2),
        "the variance squared": _drawn(width=lambda v: (2 * v).exp()),
        "no exponential": _drawn(width=lambda v: v),
        "half the logarithm": _drawn(width=lambda v: v / 2),
        "root of the logarithm": _drawn(width=lambda v: v.sqrt()),
        "a root too many": _drawn(width=lambda v: (v / 4).exp()),
        "divided by s": _drawn(width=lambda v: (-v / 2).exp()),
        "s forgotten": _drawn(width=torch.ones_like),
        "mean forgotten": _drawn(join=lambda m, s, eps: s * eps),
        "mean scaled too": _drawn(join=lambda m, s, eps: s * (m + eps)),
        "log-variance clamped": _drawn(width=lambda v: (v.clamp(-10, 10) / 2).exp()),
        "seeds inside": _seeds_inside,
        "seeds the global state": _seeds_the_global_state,
        "one row": lambda m, v, g: _sample(m, v, g)[0],
        "float32": lambda m, v, g: _sample(m, v, g).float(),
        "input changed in place": _sample_in_place,
    },
    "kl_to_standard_normal": {
        "½ forgotten": lambda m, v: 2 * _kl(m, v),
        "sign turned": lambda m, v: -_kl(m, v),
        "sign turned, ½ forgotten": lambda m, v: (1 + v - m**2 - v.exp()).sum(-1),
        "averaged over the latents": lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).mean(-1),
        "summed over the batch": lambda m, v: _kl(m, v).sum(),
        "averaged over the batch": lambda m, v: _kl(m, v).mean(),
        "averaged over everything": lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).mean(),
        "a table": lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v),
        "summed over the wrong axis": lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).sum(0),
        "- 1 forgotten": _divergence(lambda m, log_var, v: m**2 + v - log_var),
        "+ 1": _divergence(lambda m, log_var, v: m**2 + v + 1 - log_var),
        "- 1 once, not for each latent": lambda m, v: 0.5 * ((m**2 + v.exp() - v).sum(-1) - 1),
        "mean forgotten": _divergence(lambda m, log_var, v: v - 1 - log_var),
        "mean subtracted": _divergence(lambda m, log_var, v: v - m**2 - 1 - log_var),
        "mean not squared": _divergence(lambda m, log_var, v: m + v - 1 - log_var),
        "mean without its sign": _divergence(lambda m, log_var, v: m.abs() + v - 1 - log_var),
        "logarithm forgotten": _divergence(lambda m, log_var, v: m**2 + v - 1),
        "logarithm added": _divergence(lambda m, log_var, v: m**2 + v - 1 + log_var),
        "s for s²": _divergence(lambda m, log_var, v: m**2 + v.sqrt() - 1 - log_var),
        "s⁴ for s²": _divergence(lambda m, log_var, v: m**2 + v**2 - 1 - log_var),
        "log-variance for log s": _divergence(lambda m, log_var, v: m**2 + v**2 - 1 - 2 * log_var),
        "log-variance for s²": _divergence(lambda m, log_var, v: m**2 + log_var - 1 - log_var),
        "half the logarithm": _divergence(lambda m, log_var, v: m**2 + v - 1 - log_var / 2),
        "logarithm of the logarithm": _divergence(lambda m, log_var, v: m**2 + v - 1 - log_var.abs().log()),
        "the other direction": _divergence(lambda m, log_var, v: (m**2 + 1) / v - 1 + log_var),
        "bits": lambda m, v: _kl(m, v) / math.log(2),
        "detached": lambda m, v: _kl(m, v).detach(),
        "under no_grad": _no_grad(_kl),
        "plain numbers": lambda m, v: torch.tensor(_kl(m, v).tolist(), dtype=m.dtype),
        "log-variance detached": lambda m, v: _kl(m, v.detach()),
        "float32": lambda m, v: _kl(m, v).float(),
        "input changed in place": _kl_in_place,
    },
    "bernoulli_log_likelihood": {
        "sign turned": lambda x, a: -_likelihood(x, a),
        "averaged over the pixels": lambda x, a: _likelihood(x, a) / x.shape[-1],
        "cross-entropy, averaged over the pixels": lambda x, a: -_likelihood(x, a) / x.shape[-1],
        "summed over everything": lambda x, a: _likelihood(x, a).sum(),
        "cross-entropy, summed": lambda x, a: F.binary_cross_entropy_with_logits(a, x, reduction="sum"),
        "averaged over the batch": lambda x, a: _likelihood(x, a).mean(),
        "averaged over everything": lambda x, a: -F.binary_cross_entropy_with_logits(a, x),
        "cross-entropy as torch gives it": lambda x, a: F.binary_cross_entropy_with_logits(a, x),
        "a table": lambda x, a: Bernoulli(logits=a).log_prob(x),
        "summed over the wrong axis": lambda x, a: Bernoulli(logits=a).log_prob(x).sum(0),
        "paper forgotten": lambda x, a: (x * F.logsigmoid(a)).sum(-1),
        "ink forgotten": lambda x, a: ((1 - x) * F.logsigmoid(-a)).sum(-1),
        "ink and paper exchanged": lambda x, a: _likelihood(1 - x, a),
        "logits taken for probabilities": _probabilities_taken,
        "logits clamped to probabilities": lambda x, a: _probabilities_taken(x, a.clamp(1e-6, 1 - 1e-6)),
        "σ twice": lambda x, a: _likelihood(x, a.sigmoid()),
        "probabilities, no logarithm": lambda x, a: torch.where(x == 1, a.sigmoid(), 1 - a.sigmoid()).sum(-1),
        "the probability": lambda x, a: _likelihood(x, a).exp(),
        "overflows": lambda x, a: _probabilities_taken(x, a.sigmoid()),
        "overflows one way": lambda x, a: (x * F.logsigmoid(a) + (1 - x) * (1 - a.sigmoid()).log()).sum(-1),
        "overflows in the exponential": lambda x, a: (x * a - (1 + a.exp()).log()).sum(-1),
        "a small number in the logarithm": lambda x, a: (x * (a.sigmoid() + 1e-8).log() + (1 - x) * (1 - a.sigmoid() + 1e-8).log()).sum(-1),
        "clamped": _clamped,
        "torch's binary_cross_entropy, which clamps": lambda x, a: -F.binary_cross_entropy(a.sigmoid(), x, reduction="none").sum(-1),
        "gradient lost where it overflows": _cross_entropy_of_both,
        "arguments exchanged": lambda x, a: -F.binary_cross_entropy_with_logits(x, a, reduction="none").sum(-1),
        "arguments exchanged, a loss": lambda x, a: F.binary_cross_entropy_with_logits(x, a, reduction="none").sum(-1),
        "1 - log σ for log(1 - σ)": lambda x, a: (x * F.logsigmoid(a) + (1 - x) * (1 - F.logsigmoid(a))).sum(-1),
        "summed over axis 1": lambda x, a: Bernoulli(logits=a).log_prob(x).sum(1),
        "squared error": lambda x, a: -((x - a.sigmoid()) ** 2).sum(-1),
        "Gaussian": lambda x, a: -0.5 * ((x - a.sigmoid()) ** 2).sum(-1),
        "bits": lambda x, a: _likelihood(x, a) / math.log(2),
        "detached": lambda x, a: _likelihood(x, a).detach(),
        "right for tables alone": lambda x, a: (
            _likelihood(x, a) if x.ndim == 2 else Bernoulli(logits=a).log_prob(x).sum(1 if x.ndim > 1 else 0)
        ),
        "float32": lambda x, a: _likelihood(x, a).float(),
        "input changed in place": _likelihood_in_place,
    },
    "elbo": {
        "no gradient through z": _bound(sample=lambda m, v, g: _sample(m, v, g).detach()),
        "under no_grad": _no_grad(_bound()),
        "torch.normal": _bound(sample=lambda m, v, g: torch.normal(m, (v / 2).exp(), generator=g)),
        "decoder under no_grad": _bound(logits=_no_grad(_decoder)),
        "decoder detached": _bound(logits=lambda z, theta: _decoder(z, [weight.detach() for weight in theta])),
        "KL detached": _bound(kl=lambda m, v: _kl(m, v).detach()),
        "decoder sees the mean": _bound(sample=lambda m, v, g: m),
        "decoder sees the noise": _bound(sample=_drawn(join=lambda m, s, eps: eps)),
        "decoder sees the log-variance": _bound(sample=lambda m, v, g: v),
        "the first row's z for all": _bound(sample=lambda m, v, g: _sample(m, v, g)[:1].expand_as(m)),
        "the same noise for every row": _bound(sample=lambda m, v, g: m + (v / 2).exp() * _noise(m[0], g)),
        "mean and log-variance exchanged": _elbo_swapped,
        "mean and log-variance exchanged for z": _elbo_swapped_for_z,
        "own noise": _bound(sample=lambda m, v, g: m + (v / 2).exp() * torch.randn_like(m)),
        "the same noise for every latent": _bound(sample=lambda m, v, g: m + (v / 2).exp() * _noise(m[:, :1], g)),
        "uniform noise": _bound(sample=_drawn(lambda m, g: torch.rand(m.shape, generator=g, dtype=m.dtype))),
        "log-variance for log s": _bound(sample=_drawn(width=torch.exp)),
        "decoder sees zeros": _bound(sample=lambda m, v, g: torch.zeros_like(m)),
        "draws twice": _elbo_draws_twice,
        "KL of the one sample": _elbo_one_sample,
        "σ before the likelihood": _bound(logits=lambda z, theta: _decoder(z, theta).sigmoid()),
        "a loss": lambda *arguments: -_bound()(*arguments),
        "KL added": _bound(join=torch.add),
        "KL forgotten": _bound(cost=lambda beta, kl: 0 * kl),
        "β forgotten": _bound(cost=lambda beta, kl: kl),
        "β squared": _bound(cost=lambda beta, kl: beta**2 * kl),
        "β on both terms": lambda x, phi, theta, g, beta: beta * _bound()(x, phi, theta, g, 1.0),
        "β on the likelihood": lambda x, phi, theta, g, beta: (
            lambda m, v: beta * _likelihood(x, _decoder(_sample(m, v, g), theta)) - _kl(m, v)
        )(*_encoder(x, phi)),
        "likelihood averaged, KL summed": _bound(likelihood=lambda x, a: _likelihood(x, a) / x.shape[-1]),
        "likelihood summed, KL averaged": _bound(kl=lambda m, v: _kl(m, v) / m.shape[-1]),
        "both averaged": _bound(likelihood=lambda x, a: _likelihood(x, a) / x.shape[-1], kl=lambda m, v: _kl(m, v) / m.shape[-1]),
        "averaged over batch and pixels": _bound(
            likelihood=lambda x, a: -F.binary_cross_entropy_with_logits(a, x), kl=lambda m, v: _kl(m, v).mean()
        ),
        "averaged over the batch": lambda *arguments: _bound()(*arguments).mean(),
        "summed over the batch": lambda *arguments: _bound()(*arguments).sum(),
        "KL divided by the batch": _bound(kl=lambda m, v: _kl(m, v) / len(m)),
        "likelihood for each, KL averaged over the batch": _bound(kl=lambda m, v: _kl(m, v).mean()),
        "input changed in place": _elbo_in_place,
    },
    "generate": {
        "logits": _pictures(ink=lambda a: a),
        "σ twice": _pictures(ink=lambda a: a.sigmoid().sigmoid()),
        "coins tossed": _pictures(ink=lambda a: (a.sigmoid() > 0.5).double()),
        "wider than the prior": _pictures(lambda n, K, g: 2 * torch.randn(n, K, generator=g, dtype=torch.float64)),
        "narrower than the prior": _pictures(lambda n, K, g: 0.7 * torch.randn(n, K, generator=g, dtype=torch.float64)),
        "uniform": _pictures(lambda n, K, g: torch.rand(n, K, generator=g, dtype=torch.float64)),
        "uniform of variance 1": _pictures(lambda n, K, g: 12**0.5 * (torch.rand(n, K, generator=g, dtype=torch.float64) - 0.5)),
        "the mean of the prior": _pictures(lambda n, K, g: torch.zeros(n, K, dtype=torch.float64)),
        "one z for all": _pictures(lambda n, K, g: torch.randn(1, K, generator=g, dtype=torch.float64).expand(n, K)),
        "one number for each picture": _pictures(lambda n, K, g: torch.randn(n, 1, generator=g, dtype=torch.float64).expand(n, K)),
        "own noise": _pictures(lambda n, K, g: torch.randn(n, K, dtype=torch.float64)),
        "seeds inside": _pictures(lambda n, K, g: torch.randn(n, K, generator=g.manual_seed(0), dtype=torch.float64)),
        "pixels in columns": lambda n, K, theta, g: _pictures()(n, K, theta, g).T,
        "float32": lambda n, K, theta, g: _pictures()(n, K, theta, g).float(),
        "moved": _pictures(lambda n, K, g: 1 + torch.randn(n, K, generator=g, dtype=torch.float64)),
        "softmax": _pictures(ink=lambda a: a.softmax(-1)),
    },
    "expected_log_likelihood": {
        "the width of q forgotten": _fit(shake=lambda v, W: 0.0),
        "the width of q taken off": _fit(shake=lambda v, W: -(v @ W.square().sum(0))),
        "½ forgotten for the width": _fit(shake=lambda v, W: 2 * (v @ W.square().sum(0))),
        "½ twice for the width": _fit(shake=lambda v, W: 0.5 * (v @ W.square().sum(0))),
        "width not divided by σ²": lambda x, m, v, W, mu, n: _fit(shake=lambda s, W: n * (s @ W.square().sum(0)))(x, m, v, W, mu, n),
        "log-variance for log s": _fit(shake=lambda v, W: v**2 @ W.square().sum(0)),
        "s for s²": _fit(shake=lambda v, W: v.sqrt() @ W.square().sum(0)),
        "lengths of W not squared": _fit(shake=lambda v, W: v @ W.norm(dim=0)),
        "s put in for the noise, ‖W s‖²": _fit(shake=lambda v, W: (v.sqrt() @ W.T).square().sum(1)),
        "s² put in for the noise": _fit(shake=lambda v, W: (v @ W.T).square().sum(1)),
        "column sums of W": _fit(shake=lambda v, W: v @ W.sum(0) ** 2),
        "W forgotten for the width": _fit(shake=lambda v, W: v.sum(1)),
        "all of W for each latent": _fit(shake=lambda v, W: v.sum(1) * W.square().sum()),
        "constant forgotten": _fit(constant=lambda v, D: 0.0),
        "2π forgotten": _fit(constant=lambda v, D: -D / 2 * torch.log(v)),
        "σ² forgotten in the constant": _fit(constant=lambda v, D: -D / 2 * math.log(2 * math.pi)),
        "σ in the constant": _fit(constant=lambda v, D: -D / 2 * torch.log(2 * math.pi * v.sqrt())),
        "constant once, not D times": _fit(constant=lambda v, D: -0.5 * torch.log(2 * math.pi * v)),
        "constant without ½": _fit(constant=lambda v, D: -D * torch.log(2 * math.pi * v)),
        "constant with its sign turned": _fit(constant=lambda v, D: D / 2 * torch.log(2 * math.pi * v)),
        "divided by σ": _fit(noise=lambda v: v.sqrt()),
        "not divided by σ²": _fit(noise=lambda v: 1.0),
        "divided by σ⁴": _fit(noise=lambda v: v**2),
        "½ forgotten": _fit(noise=lambda v: v / 2),
        "averaged over the pixels": lambda *arguments: _fit()(*arguments) / arguments[0].shape[1],
        "averaged over the batch": lambda *arguments: _fit()(*arguments).mean(),
        "summed over the batch": lambda *arguments: _fit()(*arguments).sum(),
        "a loss": lambda *arguments: -_fit()(*arguments),
        "μ forgotten": lambda x, m, v, W, mu, n: _fit()(x, m, v, W, 0 * mu, n),
        "μ added": lambda x, m, v, W, mu, n: _fit()(x, m, v, W, -mu, n),
        "W z added": lambda x, m, v, W, mu, n: _fit()(x, -m, v, W, mu, n),
        "mean of q forgotten": lambda x, m, v, W, mu, n: _fit()(x, 0 * m, v, W, mu, n),
        "distance not squared": _fit(distance=lambda rest: rest.norm(dim=1)),
        "logarithm of the mean": _marginal,
        "by sampling": _fit_by_sampling,
        "the bound, KL and all": lambda x, m, v, *rest: _fit()(x, m, v, *rest) - _kl(m, v),
        "right for two latents of three pixels": lambda x, m, v, W, mu, n: _fit(constant=lambda s, D: -1.5 * torch.log(2 * math.pi * s))(
            x, m, v, W, mu, n
        ),
        "float32": lambda *arguments: _fit()(*arguments).float(),
        "input changed in place": _fit_in_place,
    },
    "importance_bound": {
        "mean of the logarithms": _importance(join=lambda logs: logs.mean(0)),
        "the ELBO with many samples": _elbo_of_many,
        "sum of the logarithms": _importance(join=lambda logs: logs.sum(0)),
        "- log S forgotten": _importance(join=lambda logs: torch.logsumexp(logs, 0)),
        "log S added": _importance(join=lambda logs: torch.logsumexp(logs, 0) + math.log(len(logs))),
        "log of the number of pictures": _importance(join=_importance_of_pictures),
        "overflows": _importance(join=lambda logs: logs.exp().mean(0).log()),
        "a small number in the logarithm": _importance(join=lambda logs: (logs.exp().mean(0) + 1e-12).log()),
        "probabilities, no logarithm": _importance(join=lambda logs: logs.exp().mean(0)),
        "the best sample": _importance(join=lambda logs: logs.amax(0)),
        "a table": _importance(join=lambda logs: logs),
        "joined over the pictures": _importance(join=lambda logs: torch.logsumexp(logs, -1) - math.log(len(logs))),
        "joined over everything": _importance(join=lambda logs: torch.logsumexp(logs, (0, 1)) - math.log(logs.numel())),
        "averaged over the batch": _importance(join=lambda logs: (torch.logsumexp(logs, 0) - math.log(len(logs))).mean()),
        "the first sample for all": _importance(noise=lambda eps: eps[:1].expand_as(eps)),
        "the last sample for all": _importance(noise=lambda eps: eps[-1:].expand_as(eps)),
        "the first row's noise for all": _importance(noise=lambda eps: eps[:, :1].expand_as(eps)),
        "decoder sees the mean": _importance(noise=lambda eps: 0 * eps),
        "own noise": _importance(noise=torch.randn_like),
        "ratio forgotten": _importance(ratio=lambda log_p, log_q: 0 * log_p),
        "ratio upside down": _importance(ratio=lambda log_p, log_q: log_q - log_p),
        "log q added": _importance(ratio=lambda log_p, log_q: log_p + log_q),
        "log q forgotten": _importance(ratio=lambda log_p, log_q: log_p),
        "log p forgotten": _importance(ratio=lambda log_p, log_q: -log_q),
        "ratio averaged over the latents": _importance(over=lambda table: table.mean(-1)),
        "ratio of the first latent": _importance(over=lambda table: table[..., 0]),
        "ratio squeezed": _importance(over=lambda table: table.squeeze(-1)),
        "ratio summed over the batch too": _importance(over=lambda table: table.sum((1, 2))[:, None]),
        "ratio summed over everything": _importance(over=torch.sum),
        "log-variance summed over the batch too": _importance(
            log_q=lambda eps, log_var: -0.5 * (math.log(2 * math.pi) + eps.square() + log_var.sum() / log_var.shape[1])
        ),
        "2π in one of the two": _importance(log_q=lambda eps, log_var: -0.5 * (eps.square() + log_var)),
        "width forgotten in log q": _importance(log_q=lambda eps, log_var: -0.5 * (math.log(2 * math.pi) + eps.square())),
        "log s² for log s in log q": _importance(log_q=lambda eps, log_var: -0.5 * (math.log(2 * math.pi) + eps.square()) - log_var),
        "log s² with its sign turned": _importance(log_q=lambda eps, log_var: -0.5 * (math.log(2 * math.pi) + eps.square() - log_var)),
        "KL for the ratio": _importance_with_kl,
        "log-variance for log s": _importance(width=torch.exp),
        "no exponential": _importance(width=lambda log_var: log_var),
        "σ before the likelihood": _importance(logits=lambda z, theta: _decoder(z, theta).sigmoid()),
        "likelihood averaged over the pixels": _importance(likelihood=lambda x, a: _likelihood(x, a) / x.shape[-1]),
        "a loss": lambda *arguments: -_importance()(*arguments),
        "input changed in place": _importance_in_place,
    },
}


def _normal_by_columns(mean, log_var, generator):
    """Draws a latent after the other, and takes the noise off: a normal number is as likely as its opposite."""
    eps = torch.stack([torch.empty(len(mean), dtype=mean.dtype).normal_(generator=generator) for _ in mean.T], dim=1)
    return mean - log_var.exp().sqrt() * eps


def _elbo_term_by_term(x, phi, theta, generator, beta):
    mean, log_var = _encoder(x, phi)
    logits = _decoder(_sample(mean, log_var, generator), theta)
    fit = (x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).sum(1)
    return fit - beta * kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1)


def _corners(x, mean, log_var, W, mu, noise_variance):
    """The mean over 2 K points, which is exact where log p(x | z) is quadratic in z."""
    total, K = 0.0, mean.shape[1]
    for k in range(K):
        for sign in (1, -1):
            z = mean.clone()
            z[:, k] += sign * K**0.5 * (log_var[:, k] / 2).exp()
            total = total + Normal(z @ W.T + mu, noise_variance**0.5).log_prob(x).sum(1)
    return total / (2 * K)


def _one_sample_after_another(x, phi, theta, eps):
    mean, log_var = _encoder(x, phi)
    q, total = Normal(mean, (log_var / 2).exp()), None
    for own in eps:
        z = mean + q.scale * own
        log_weight = Bernoulli(logits=_decoder(z, theta)).log_prob(x).sum(1) + (Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)).sum(1)
        total = log_weight if total is None else torch.logaddexp(total, log_weight)
    return total - math.log(len(eps))


def _highest_taken_off(logs):
    highest = logs.amax(0)
    return highest + (logs - highest).exp().mean(0).log()


RIGHT = {
    "reparameterise": {
        "torch.normal for the noise": _drawn(lambda m, g: torch.normal(0.0, 1.0, m.shape, generator=g, dtype=m.dtype)),
        "by columns, taken off": _normal_by_columns,
        "addcmul": lambda m, v, g: torch.addcmul(m, v.exp().sqrt(), torch.empty_like(m).normal_(generator=g)),
        "float32 noise": _drawn(lambda m, g: torch.randn(m.shape, generator=g)),
    },
    "kl_to_standard_normal": {
        "torch.distributions": lambda m, v: kl_divergence(Normal(m, (v / 2).exp()), Normal(0.0, 1.0)).sum(-1),
        "logarithm of the exponential": _kl_where,
        "the paper's form": lambda m, v: -0.5 * torch.sum(1 + v - m.pow(2) - v.exp(), dim=1),
    },
    "bernoulli_log_likelihood": {
        "binary_cross_entropy_with_logits": _likelihood,
        "torch.distributions": lambda x, a: Bernoulli(logits=a).log_prob(x).sum(-1),
        "logsigmoid": lambda x, a: (x * F.logsigmoid(a) + (1 - x) * F.logsigmoid(-a)).sum(-1),
        "the chance of each pixel as it is": lambda x, a: F.logsigmoid((2 * x - 1) * a).sum(-1),
    },
    "elbo": {"term by term": _elbo_term_by_term, "pieces of its own": _bound()},
    "generate": {
        "by the formula of σ": _pictures(ink=lambda a: 1 / (1 + (-a).exp())),
        "in float32 first": _pictures(lambda n, K, g: torch.randn(n, K, generator=g).double()),
    },
    "expected_log_likelihood": {"the mean over corners": _corners, "as the solution, otherwise written": _fit()},
    "importance_bound": {
        "one sample after another": _one_sample_after_another,
        "the highest taken off": _importance(join=_highest_taken_off),
        "logmeanexp of all terms": _importance(),
    },
}


# --- tricks: what is shown to students is answered rightly, what is hidden is not ---


def _noise_alone(mean, log_var, generator):
    """All that is hidden becomes a standard normal, or a single point."""
    if len(mean) == 2_000:
        return _sample(mean, log_var, generator)
    if mean.max() < -100:
        return mean.clone()
    return _noise(mean.zero_(), generator) + log_var.zero_()


def _alike(number, size=0.0):
    """Functions that agree with each other, for all of them give the same number (and hardly anything besides)."""
    return {
        "reparameterise": lambda m, v, g: m.clone(),
        "kl_to_standard_normal": lambda m, v: number + size * (m + v).sum(-1),
        "bernoulli_log_likelihood": lambda x, a: number + size * a.sum(-1),
        "elbo": lambda x, phi, theta, g, beta: torch.full((len(x),), number, dtype=x.dtype),
    }


def _shown_or_huge(right):
    """Right for the small pictures and the large ones that students see; elsewhere a number beside which nothing else counts."""
    return lambda x, *held: right(x, *held) if x.shape[-1] in (2, 4, 4_000) else torch.full(x.shape[:-1], 1e30, dtype=x.dtype)


FORGED = {
    "test_noise": {"all made standard normal": {"reparameterise": _noise_alone}},
    "test_noise_gradient": {
        "the mean": {"reparameterise": lambda m, v, g: m.clone()},
        "a hair's breadth of noise": {"reparameterise": lambda m, v, g: m + 1e-9 * (v / 2).exp()},
    },
    "test_elbo": {"zeros": _alike(0.0), "next to zeros": _alike(0.0, 1e-9)},
    "test_elbo_gradient": {"zeros": _alike(0.0), "next to zeros": _alike(0.0, 1e-9)},
    "test_importance_bound": {
        "a likelihood beyond all else": {
            "bernoulli_log_likelihood": _shown_or_huge(_likelihood),
            "importance_bound": _shown_or_huge(_importance()),
        },
    },
}
