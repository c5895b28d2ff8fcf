"""Measures of separation: against their definitions written out with explicit projections."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.metrics.separation import amari_distance, separation_quality


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def plain_bss_eval(estimate: torch.Tensor, sources: torch.Tensor, j: int, L: int) -> list[torch.Tensor]:
    """SDR, SIR and SAR of one estimate for source j, by least squares on written-out delays."""
    padded = torch.nn.functional.pad(estimate, (0, L - 1))
    delays = torch.stack([torch.nn.functional.pad(source, (d, L - 1 - d)) for source in sources for d in range(L)], 1)  # (T + L - 1, S L)

    def projection(basis):
        return basis @ torch.linalg.lstsq(basis, padded[:, None], driver="gelsd").solution[:, 0]

    target = projection(delays[:, j * L : (j + 1) * L])
    interference = projection(delays) - target
    artefacts = padded - target - interference
    pairs = (target, interference + artefacts), (target, interference), (target + interference, artefacts)
    return [10 * torch.log10(a.square().sum() / b.square().sum()) for a, b in pairs]


@pytest.mark.parametrize("L", [1, 2, 7])
def test_ratios_equal_the_projections_written_out(L):
    sources = noise(0, 3, 200).cumsum(1)  # strongly correlated with its own delays, and a little with each other
    estimates = 0.3 * noise(1, 3, 3) @ sources + 0.1 * noise(2, 3, 200)
    got = separation_quality(estimates, sources, filter_length=L)
    assert sorted(got.order.tolist()) == [0, 1, 2]
    for j in range(3):
        right = plain_bss_eval(estimates[got.order[j]], sources, j, L)
        # the energies are differences of large ones
        torch.testing.assert_close(torch.stack([got.sdr[j], got.sir[j], got.sar[j]]), torch.stack(right), rtol=1e-6, atol=1e-6)


def test_the_order_is_the_one_of_best_mean_sir():
    sources, shuffle = noise(0, 4, 1000), torch.tensor([2, 0, 3, 1])
    got = separation_quality(-3 * sources[shuffle] + 0.01 * noise(1, 4, 1000), sources)
    assert torch.equal(shuffle[got.order], torch.arange(4))
    assert ((got.sdr > 40) & (got.sdr < 60)).all()


def test_a_known_leak_is_measured():
    """Orthogonal sources of equal energy: a tenth of the other one is 20 dB, noise of a hundredth 40 dB."""
    basis = torch.linalg.qr(noise(0, 500, 4)).Q.T
    sources, dirt = basis[:2], basis[2:]
    estimates = sources + 0.1 * sources.flip(0) + 0.01 * dirt
    got = separation_quality(estimates, sources)
    torch.testing.assert_close(got.sir, torch.full((2,), 20.0).double())
    torch.testing.assert_close(got.sdr, 10 * torch.log10(torch.full((2,), 1 / (0.01 + 0.0001)).double()))
    torch.testing.assert_close(got.sar, 10 * torch.log10(torch.full((2,), 1.01 / 0.0001).double()))


@pytest.mark.parametrize("delay", [0, 3])
def test_filters_forgive_what_gains_do_not(delay):
    sources = noise(0, 2, 4000)
    late = torch.nn.functional.pad(sources, (delay, 0))[:, :4000]
    strict, lenient = separation_quality(late, sources), separation_quality(late, sources, filter_length=4)
    assert (lenient.sdr > 25).all()  # the end that was cut off is not forgiven
    assert (strict.sdr > 140).all() if delay == 0 else (strict.sdr < 0).all()


def test_perfect_is_150_db():
    sources = noise(0, 2, 100)
    assert separation_quality(2 * sources, sources).sdr.min() > 140


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), D=st.integers(2, 6))
def test_amari_distance_knows_neither_order_nor_scale(seed, D):
    A, order = noise(seed, D, D) + torch.eye(D), torch.randperm(D, generator=seeded(seed))
    scale = noise(seed + 1, D).abs() + 0.1
    assert amari_distance((scale[:, None] * torch.linalg.inv(A))[order], A) < 1e-9
    W = noise(seed + 2, D, D)
    distance = amari_distance(W, A)
    assert 0 < distance <= 1
    torch.testing.assert_close(amari_distance(scale.max() * W[order], A), distance)


def test_amari_distance_by_hand():
    torch.testing.assert_close(amari_distance(torch.ones(3, 3), torch.eye(3)), torch.tensor(1.0).double())
    P = torch.tensor([[1.0, 0.5, 0.0], [0.0, 2.0, 0.0], [0.0, -1.0, -4.0]])
    rows, columns = 0.5 + 0 + 0.25, 0 + (0.25 + 0.5) + 0
    torch.testing.assert_close(amari_distance(P, torch.eye(3)), torch.tensor((rows + columns) / 12).double())


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: amari_distance(torch.zeros(2, 2), torch.eye(2)), "all finite and none 0"),
        (lambda: amari_distance(torch.eye(1), torch.eye(1)), "at least two rows"),
        (lambda: separation_quality(noise(0, 2, 9), noise(0, 2, 8)), r"one shape \(S, T\).* got \(2, 9\), \(2, 8\) and 1"),
        (lambda: separation_quality(noise(0, 2, 9), noise(0, 2, 9), filter_length=0), "filter_length lie from 1 to T"),
        (lambda: separation_quality(torch.zeros(2, 9), noise(0, 2, 9)), "estimates must be finite and none silent"),
        (lambda: separation_quality(noise(0, 2, 9), noise(0, 2, 9) / 0), "sources must be finite"),
        (lambda: separation_quality(noise(0, 2, 9), noise(1, 1, 9).repeat(2, 1)), "must be linearly independent"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
